"""What a process frees stays with it, until it is given back; seen by the pages it has to ask the system for."""

from __future__ import annotations

import ctypes
import subprocess
import sys
import threading

import pytest

from raysk import memory

PAGES = 20_000
"""Of 4 KB: a block of 80 MB, more than glibc keeps by itself."""

PROLOGUE = f"""
import resource
from raysk import memory

def block():
    "Write to every page of a block; returns how many of them were new to this process."
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    bytearray(b"x") * ({PAGES} * 4096)
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before
"""

needs_glibc = pytest.mark.skipif(
    not hasattr(ctypes.CDLL(None), "gnu_get_libc_version"), reason="only glibc can be told to keep memory"
)


def printed(code):
    """Run code in a process of its own, since what is set is set for good; returns the numbers that it prints."""
    done = subprocess.run(
        [sys.executable, "-c", PROLOGUE + code], capture_output=True, text=True, check=True, timeout=60
    )
    return [int(word) for word in done.stdout.split()]


def test_without_it_every_block_is_new():
    assert min(printed("print(block(), block())")) > PAGES * 0.9


@needs_glibc
def test_the_thread_takes_again_what_it_freed():
    first, second = printed("call = memory.keeping_thread(); print(call(block), call(block))")
    assert first > PAGES * 0.9
    assert second < PAGES * 0.1


@needs_glibc
def test_a_process_keeps_what_it_freed_until_it_gives_it_back():
    code = """
assert memory.keep_freed()
first, kept = block(), memory._own()
memory.give_back(beyond=kept + 2**20)
still = memory._own()
memory.give_back(beyond=0)
print(first, kept - still, kept - memory._own())
"""
    first, given_too_early, given = printed(code)
    assert first > PAGES * 0.9
    assert given_too_early < 2**20
    assert given > PAGES * 0.9 * 4096


def test_a_thread_answers_and_raises_and_goes_on():
    call = memory.keeping_thread()
    with pytest.raises(SystemExit, match="3"):
        call(lambda: sys.exit("3"))
    assert call(lambda: threading.current_thread().name) == "fits"
    assert call(threading.get_ident) == call(threading.get_ident) != threading.get_ident()


def test_without_glibc_it_is_a_thread_like_any_other(monkeypatch):
    monkeypatch.setattr(memory, "_glibc", lambda: None)
    assert not memory.keep_freed()
    memory.give_back(beyond=0)
    assert memory.keeping_thread()(lambda: 3) == 3


def test_a_container_has_less_than_the_machine(monkeypatch, tmp_path):
    monkeypatch.setattr(memory, "CONTAINER_LIMIT", tmp_path / "memory.max")
    machine = memory.total()
    (tmp_path / "memory.max").write_text("max\n")
    assert memory.total() == machine
    (tmp_path / "memory.max").write_text("1000000\n")
    assert memory.total() == 1_000_000
