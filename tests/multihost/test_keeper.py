"""The cluster of several hosts that a person tries: `make cluster`."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import keeper
import pytest

PROGRAM = [sys.executable, str(Path(keeper.__file__))]


@pytest.fixture
def keep():
    """Return a function that runs the program; at the end the cluster is ended."""
    if keeper.state() is not None:
        pytest.skip("there is a cluster already; make cluster-down ends it")

    def run(*args):
        return subprocess.run([*PROGRAM, *args], capture_output=True, text=True, timeout=100, check=False)

    yield run
    run("down")


def test_a_person_gets_a_cluster_and_gets_rid_of_it(keep, eventually):
    """It says how to use it, does what it says, is there once, and leaves nothing behind."""
    up = keep("up", "--hosts=2", "--cpus=1")
    assert "Hosts: 2, CPUs of each: 1." in up.stdout, up.stderr
    assert "keeper.py run raysk search" in up.stdout
    assert keep("run", "hostname").stdout == "raysk-host-1\n"
    assert keep("run", "sh", "-c", "exit 7").returncode == 7
    for command in ("cut", "mend", "kill"):
        assert keep(command, "2").returncode == 0
    assert "There is no host 3; there are 1, 2." in keep("cut", "3").stderr
    assert "There is such a cluster already" in keep("up").stderr
    pids = keeper.state()["hosts"].values()
    eventually(lambda: not Path(f"/proc/{max(pids)}/root/proc/1").exists(), "the killed host to end")
    assert keep("down").returncode == 0
    assert not any(Path(f"/proc/{pid}").exists() for pid in pids)
    assert "There is no such cluster" in keep("down").stderr
