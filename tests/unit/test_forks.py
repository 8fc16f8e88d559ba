"""Processes that are forked from one of ours."""

from __future__ import annotations

import subprocess
import sys

import pytest

PROGRAM = """
import os
import signal
from raysk import forks

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
