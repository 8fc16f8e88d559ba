"""Processes that are forked from one of ours."""

from __future__ import annotations

import subprocess
import sys

import pytest

PROGRAM = """
import os
import signal
from raysk.util import forks

signal.signal(signal.SIGTERM, lambda *_: os._exit(7))
signal.signal(signal.SIGHUP, signal.SIG_IGN)
{told}
child = os.fork()
if child == 0:
    signal.raise_signal(signal.SIGHUP)
    signal.raise_signal(signal.SIGTERM)
print(os.waitstatus_to_exitcode(os.wait()[1]))
signal.raise_signal(signal.SIGTERM)
"""


@pytest.mark.parametrize(("told", "exit_code"), [("", 7), ("forks.end_when_told()", -15)])
def test_they_end_as_any_process_does(told, exit_code):
    """By the signal, without a step of Python's; what is ignored stays so, and so does the handler of who forked."""
    ran = subprocess.run([sys.executable, "-c", PROGRAM.format(told=told)], stdout=-1, timeout=60, check=False)
    assert (ran.stdout, ran.returncode) == (f"{exit_code}\n".encode(), 7)


EARLY = """
import os
import signal
from raysk.util import forks

signal.signal(signal.SIGTERM, lambda *_: None)
os.register_at_fork(after_in_child=lambda: os.kill(os.getpid(), signal.SIGTERM))
forks.end_when_told()
signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGUSR1})
child = os.fork()
if child == 0:
    os._exit(7)
print(os.waitstatus_to_exitcode(os.wait()[1]), signal.pthread_sigmask(signal.SIG_BLOCK, []) == {signal.SIGUSR1})
"""


def test_one_that_is_told_to_end_before_it_has_begun_ends():
    """What it is told before it has Python's own handlers waits for these; who forked holds back what it did before."""
    ran = subprocess.run([sys.executable, "-c", EARLY], stdout=-1, timeout=60, check=False)
    assert ran.stdout == b"-15 True\n"
