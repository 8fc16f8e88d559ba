"""What a process frees stays with it, until it is given back; seen by the pages that it has to ask the system for."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from raysk.pool import memory

pytestmark = pytest.mark.skipif(memory._glibc() is None, reason="only glibc 2.33 and newer is told to keep memory")

PAGES = 20_000
"""Of 4 KB: a block of 80 MB, more than glibc keeps by itself."""

PROLOGUE = f"""
import importlib.util, resource, threading, time

spec = importlib.util.spec_from_file_location("memory", {memory.__file__!r})  # its package imports Ray
memory = importlib.util.module_from_spec(spec)
spec.loader.exec_module(memory)
memory.LOOK_S = 0.01

def block():
    "Write to every page of a block; returns how many of them were new to this process."
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    bytearray(b"x") * ({PAGES} * 4096)
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before

def in_a_thread(function):
    "Return what a function returns in a thread, as a worker calls its fits."
    got = []
    thread = threading.Thread(target=lambda: got.append(function()))
    thread.start()
    thread.join()
    return got[0]
"""


def printed(code, **variables):
    """Run code in a process of its own, since what is set is set for good; returns the numbers that it prints."""
    env = os.environ | {"MALLOC_ARENA_MAX": "1"} | variables
    argv = [sys.executable, "-c", PROLOGUE + code]
    done = subprocess.run(argv, capture_output=True, text=True, check=True, timeout=60, env=env)
    return [int(word) for word in done.stdout.split()]


def test_without_it_every_block_is_new():
    """Otherwise the other tests would see nothing."""
    assert min(printed("print(block(), block())")) > PAGES * 0.9


def test_a_thread_takes_again_what_another_freed():
    """What was freed is there for the next block, whichever thread takes it."""
    code = "assert memory.keep_freed(at_most=10**9); print(in_a_thread(block), in_a_thread(block))"
    first, second = printed(code)
    assert first > PAGES * 0.9
    assert second < PAGES * 0.1


def test_too_much_is_given_back_meanwhile():
    """What is more than may be kept goes back to the system without anybody asking, while other code runs."""
    code = """
before = memory._own()
assert memory.keep_freed(at_most=10**7)
block()
deadline = time.monotonic() + 30
while memory._own() > before + 10**7 and time.monotonic() < deadline:
    time.sleep(0.01)
print(int(time.monotonic() < deadline))
"""
    assert printed(code) == [1]


def test_what_is_in_use_is_not_looked_for():
    """A process that uses much, and keeps little, is left alone."""
    code = """
libc = memory._glibc()
assert memory.keep_freed(at_most=10**9)
block()
held = bytearray(b"x") * 10**8
trims = []
class Told:
    mallinfo2 = libc.mallinfo2
    malloc_trim = trims.append
memory.give_back(Told, 9 * 10**7)
del held
memory.give_back(Told, 9 * 10**7)
print(len(trims))
"""
    assert printed(code) == [1]


@pytest.mark.parametrize("name", memory.SET_BY_HAND)
def test_who_sets_it_by_hand_knows_better(name, monkeypatch):
    """Variables of glibc's own are left to have their effect."""
    monkeypatch.setenv(name, "glibc.malloc.mmap_threshold=131072" if name == "GLIBC_TUNABLES" else "131072")
    assert not memory.keep_freed(at_most=10**9)


def test_another_c_library_is_left_alone(monkeypatch):
    """Where it cannot be told, nothing is done."""
    monkeypatch.setattr(memory, "_glibc", lambda: None)
    assert not memory.keep_freed(at_most=10**9)
