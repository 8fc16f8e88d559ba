"""How much memory there is, and how a process keeps what it freed, for the next fit to take.

glibc gives large blocks back to the system as soon as they are freed, so every fit gets its slice of the data, and
arrays like it, as new pages; having those made takes as long as a light fit: 1.7 us for 4 KB, measured on a virtual
machine. Only the main arena (malloc(3), mallopt(3)) can be told to keep blocks of any size, and one thread in many is
given that one. Other C libraries are left as they are.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import queue
import threading
from concurrent.futures import Future
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

CONTAINER_LIMIT = Path("/sys/fs/cgroup/memory.max")
"""Where a container is told how much memory it may take, in bytes."""

SETTINGS = {
    -1: -1,  # M_TRIM_THRESHOLD: the end of the heap is not given back by itself
    -4: 0,  # M_MMAP_MAX: no block is a mapping of its own, which would end with it
    -8: 1,  # M_ARENA_MAX: new threads share the arenas that there are
}
"""What mallopt(3) is told; the numbers are those of glibc's malloc.h."""

TRIES = 1_000
"""A new thread takes the arenas in turn, and there are up to eight for each CPU."""

PROBE = 2**16
"""Bytes of a block that is taken to see where it is; small ones may be what another thread had."""


def total() -> int:
    """Return how many bytes this machine has, or a container that it is divided into, if that has less."""
    memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    with contextlib.suppress(OSError, ValueError):  # no container, or "max"
        memory = min(memory, int(CONTAINER_LIMIT.read_text(encoding="ascii")))
    return memory


def keep_freed() -> bool:
    """Have this process keep what it frees, until `give_back`; returns whether its C library can."""
    libc = _glibc()
    return libc is not None and all(libc.mallopt(name, value) for name, value in SETTINGS.items())


def give_back(beyond: int) -> None:
    """Give what was kept back to the system, if this process has more than so many bytes to itself."""
    libc = _glibc()
    if libc is not None and _own() > beyond:
        libc.malloc_trim(0)


def keeping_thread() -> Callable[[Callable[[], Any]], Any]:
    """Start a thread of a process that keeps what it frees, one which can; it ends with the process.

    Returns
    -------
    call : callable
        Takes a function, has the thread call it, and returns, or raises, what it does.
    """
    calls: queue.SimpleQueue[tuple[Callable[[], Any], Future[Any]]] = queue.SimpleQueue()
    for left in reversed(range(TRIES if keep_freed() else 1)):
        stays: Future[bool] = Future()
        threading.Thread(
            target=_serve, args=(calls, stays), kwargs={"last": not left}, name="fits", daemon=True
        ).start()
        if stays.result():
            break

    def call(function: Callable[[], Any]) -> Any:
        answer: Future[Any] = Future()
        calls.put((function, answer))
        return answer.result()

    return call


def _serve(calls: queue.SimpleQueue[tuple[Callable[[], Any], Future[Any]]], stays: Future[bool], *, last: bool) -> None:
    """Be the thread, if this one's memory can be kept, or if it is the last to be tried."""
    stay = last or _in_main_arena()
    stays.set_result(stay)
    while stay:
        function, answer = calls.get()
        try:
            answer.set_result(function())
        except BaseException as error:  # noqa: BLE001 - raised where the call was made
            answer.set_exception(error)
        del function, answer  # what they hold is not needed until the next call


def _in_main_arena() -> bool:
    """Say whether this thread's memory is of the program's heap, which lies below all mappings."""
    libc = _glibc()
    if libc is None:
        return False
    block = libc.malloc(PROBE)
    libc.free(block)
    return int(block) < int(libc.sbrk(0))


def _own() -> int:
    """Return how many bytes this process has in memory that no file, and no other process, has too."""
    _, resident, shared, *_ = Path("/proc/self/statm").read_text(encoding="ascii").split()
    return (int(resident) - int(shared)) * os.sysconf("SC_PAGE_SIZE")


def _glibc() -> Any:
    """Return this process's C library if it is glibc, else None."""
    libc = ctypes.CDLL(None)
    if not hasattr(libc, "gnu_get_libc_version"):
        return None
    libc.malloc.restype = libc.sbrk.restype = ctypes.c_void_p
    libc.malloc.argtypes, libc.free.argtypes = [ctypes.c_size_t], [ctypes.c_void_p]
    libc.sbrk.argtypes = [ctypes.c_ssize_t]
    return libc
