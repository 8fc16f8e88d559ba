"""How much memory processes use, read from Linux's /proc; elsewhere nothing is said."""

from __future__ import annotations

import contextlib
from pathlib import Path

PROC = Path("/proc")


def private_and_shared(process: int | str) -> tuple[float, float] | None:
    """Return a process's private memory and the shared memory it has mapped, in MB; None if it is gone."""
    found = {"RssAnon:": 0.0, "RssShmem:": 0.0}
    try:
        for line in (PROC / str(process) / "status").read_text(encoding="utf-8").splitlines():
            name, *value = line.split()
            if name in found:
                found[name] = int(value[0]) / 1024
    except OSError:
        return None
    return found["RssAnon:"], found["RssShmem:"]


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

    Together means the private memory of all, and once the shared memory, taken as the most that one has mapped.
    """

    def __init__(self) -> None:
        self.driver_mb = 0.0
        self.all_mb = 0.0

    def look(self, process: int) -> None:
        """Look at the process now."""
        seen = [private_and_shared(each) for each in (process, *descendants(process))]
        alive = [each for each in seen if each is not None]
        if alive and seen[0] is not None:
            self.driver_mb = max(self.driver_mb, seen[0][0])
            self.all_mb = max(self.all_mb, sum(own for own, _ in alive) + max(shared for _, shared in alive))
