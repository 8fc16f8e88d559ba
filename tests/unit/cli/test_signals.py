"""Signals that come twice."""

from __future__ import annotations

import fcntl
import signal
import subprocess
import sys
import time

import pytest

PROGRAM = """
import os
import signal
import time
from raysk.cli import signals
signals.end_in_order()

def fill(*_):
    os.write(2, bytes(4096))
    print("full", flush=True)

signal.signal(signal.SIGUSR1, fill)
try:
    print("ready", flush=True)
    time.sleep(60)
finally:
    time.sleep(0.4)
    print("whole", flush=True)
"""


@pytest.fixture
def program():
    with subprocess.Popen([sys.executable, "-c", PROGRAM], stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout.readline() == b"ready\n"
        yield process
        process.kill()


@pytest.mark.parametrize(
    ("sent", "pause_s"), [(signal.SIGTERM, 0.01), (signal.SIGINT, 0.01), (signal.SIGHUP, 0.01), (signal.SIGHUP, 0.2)]
)
def test_one_event_told_twice_is_one(program, sent, pause_s):
    """timeout(1) sends its signal twice, and so does a terminal that is closed: what is being written is finished."""
    program.send_signal(sent)
    time.sleep(pause_s)
    program.send_signal(sent)
    assert program.stdout.read() == b"whole\n"


@pytest.mark.parametrize("sent", [signal.SIGTERM, signal.SIGINT])
def test_a_second_one_ends_at_once(program, sent):
    """A signal that comes later ends the program whatever it is doing."""
    program.send_signal(sent)
    time.sleep(0.2)
    program.send_signal(sent)
    assert program.stdout.read() == b""
    assert program.stderr.read().splitlines()[-1] == b"Ended at once."
    assert program.wait(30) == 128 + sent


def test_another_one_is_no_repetition(program):
    """However soon it comes."""
    program.send_signal(signal.SIGTERM)
    program.send_signal(signal.SIGINT)
    assert program.stdout.read() == b""
    assert program.wait(30) in {128 + signal.SIGINT, 128 + signal.SIGTERM}  # the kernel may turn the two round


def test_nobody_who_does_not_read_keeps_it(program):
    """A full pipe that is stderr does not hold the end up."""
    fcntl.fcntl(program.stderr, fcntl.F_SETPIPE_SZ, 4096)
    program.send_signal(signal.SIGUSR1)
    assert program.stdout.readline() == b"full\n"
    program.send_signal(signal.SIGINT)
    time.sleep(0.2)
    program.send_signal(signal.SIGINT)
    assert program.wait(30) == 128 + signal.SIGINT
