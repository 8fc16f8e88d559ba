"""Memory that a worker frees stays with it, for the next fit to take.

glibc gives large blocks back to the system as soon as they are freed, so every fit gets its slice of the data, and
arrays like it, as new pages; having those made takes as long as a light fit: 1.7 us for 4 KB, measured on a virtual
machine. It can be told to keep them, mallopt(3), but blocks of any size only where a process has a single arena:

    a private Ray's processes            MALLOC_ARENA_MAX=1: see `raysk.cluster.private_ray`
    those of a cluster started without   keep up to 64 MB
    another C library                    is left as it is
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import threading
import time
from pathlib import Path
from typing import Any

SETTINGS = {
    -1: -1,  # M_TRIM_THRESHOLD: the end of the heap is not given back by itself
    -4: 0,  # M_MMAP_MAX: no block is a mapping of its own, which would end with it
}
"""What mallopt(3) is told; the numbers are those of glibc's malloc.h."""

SET_BY_HAND = ("GLIBC_TUNABLES", "MALLOC_TRIM_THRESHOLD_", "MALLOC_MMAP_MAX_", "MALLOC_MMAP_THRESHOLD_")
"""Whoever sets one of these in a worker's environment knows better."""

SHARE = "_RAYSK_MEMORY_SHARE"
"""Set in the environment of workers: what of its node's memory is this worker's, in bytes."""

LOOK_S = 1.0
"""How often it is looked whether too much is kept, in seconds: also in a fit that takes hours."""


def enter_share(n_bytes: int) -> None:
    """Remember what this worker's share of its node's memory is: also for code that travels here later."""
    os.environ[SHARE] = str(n_bytes)


def share_bytes() -> int:
    """Return the worker's share of its node's memory; of another process, that of one of this machine's CPUs."""
    told = os.environ.get(SHARE)
    return int(told) if told else os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // (os.cpu_count() or 1)


def keep_freed(at_most: int) -> bool:
    """Have this process keep what it frees, at most so many bytes for longer than `LOOK_S`.

    Returns
    -------
    bool
        Whether it does.
    """
    libc = _glibc()
    if libc is None or any(name in os.environ for name in SET_BY_HAND):
        return False
    for name, value in SETTINGS.items():
        libc.mallopt(name, value)
    threading.Thread(target=_look_after, args=(libc, at_most), name="memory", daemon=True).start()
    return True


def _look_after(libc: Any, at_most: int) -> None:
    while True:
        time.sleep(LOOK_S)
        with contextlib.suppress(OSError):  # the fit may have opened all files that there may be
            give_back(libc, at_most)


def give_back(libc: Any, beyond: int) -> None:
    """Give all that is kept back to the system if it is more than so many bytes."""
    # Free blocks count as free when they were given back too, so what is resident has to be asked for as well.
    if _own() > beyond and libc.mallinfo2().free > beyond:
        libc.malloc_trim(0)


def _own() -> int:
    """Return how many bytes this process has in memory that no file, and no other process, has too."""
    _, resident, shared, *_ = Path("/proc/self/statm").read_text(encoding="ascii").split()
    return (int(resident) - int(shared)) * os.sysconf("SC_PAGE_SIZE")


def _glibc() -> Any:
    """Return this process's C library if it is glibc, and not older than 2.33 (2021), else None."""
    libc = ctypes.CDLL(None)
    if not hasattr(libc, "mallinfo2"):
        return None

    class Info(ctypes.Structure):  # here: this module travels to the nodes by value, and such a class could not
        """What mallinfo2(3) returns."""

        _fields_ = [
            (name, ctypes.c_size_t)
            for name in ("arena", "ordblks", "smblks", "hblks", "hblkhd", "usmblks", "fsmblks", "used", "free", "top")
        ]

    libc.mallinfo2.restype = Info
    return libc
