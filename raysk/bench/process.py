"""Processes: how they are started, how much memory they use, how they are ended. Memory is read from Linux's /proc."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from pathlib import Path

PROC = Path("/proc")

GRACE_S = 5.0
"""How long a process may take to end in order, in seconds: its workers, its shared memory and its folders go too."""


def command(module: str, *arguments: str) -> list[str]:
    """Return a command that runs a module's ``main``, with this program's modules and not those of the folder."""
    program = f"import sys; sys.path[:] = {sys.path!r}; from {module} import main; main(*sys.argv[1:])"
    return [sys.executable, "-c", program, *arguments]


def end(process: subprocess.Popen[bytes]) -> None:
    """End a process and all it has started: in order if it can, by force if it takes too long."""
    started = descendants(process.pid)
    process.terminate()
    try:
        process.wait(GRACE_S)
    except subprocess.TimeoutExpired:
        started = descendants(process.pid)
        process.kill()
        process.wait()
    for each in started:
        if not _cleans_up(each):
            with contextlib.suppress(ProcessLookupError):
                os.kill(each, signal.SIGKILL)


def _cleans_up(process: int) -> bool:
    """Tell whether a process removes shared memory when the others are gone: multiprocessing's resource tracker."""
    with contextlib.suppress(OSError):
        return b"resource_tracker" in (PROC / str(process) / "cmdline").read_bytes()
    return False


def memory_mb(process: int | str) -> tuple[float, float] | None:
    """Return a process's share of private and of shared memory, in MB; None if it is gone or that is not known.

    Pages that several processes have are divided among them, so that sums count them once.
    """
    found = {"Pss_Anon:": 0.0, "Pss_Shmem:": 0.0}
    try:
        lines = (PROC / str(process) / "smaps_rollup").read_text(encoding="ascii", errors="replace").splitlines()
    except OSError:
        return None
    for line in lines:
        name, *value = line.split()
        if name in found:
            found[name] = int(value[0]) / 1024
    return found["Pss_Anon:"], found["Pss_Shmem:"]


def descendants(process: int) -> list[int]:
    """Return the processes that a process has started, and theirs."""
    children: list[int] = []
    with contextlib.suppress(OSError):  # it ended
        for task in (PROC / str(process) / "task").iterdir():
            with contextlib.suppress(OSError):
                children += map(int, (task / "children").read_text(encoding="ascii").split())
    return [each for child in children for each in (child, *descendants(child))]


class Peak:
    """The most memory that a process, and it and its descendants together, were seen to use.

    The process's own is its private memory; together means that of all, and what they share, once.
    """

    def __init__(self) -> None:
        self.driver_mb = 0.0
        self.all_mb = 0.0

    def look(self, process: int) -> None:
        """Look at the process now."""
        seen = [memory_mb(each) for each in (process, *descendants(process))]
        if seen[0] is not None:
            self.driver_mb = max(self.driver_mb, seen[0][0])
            self.all_mb = max(self.all_mb, sum(sum(each) for each in seen if each is not None))
