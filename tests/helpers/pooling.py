"""What several tests of the pool do with it."""

from __future__ import annotations

import threading

from raysk.pool import Task

SOON_S = 20
"""How long a future may take in these tests, in seconds; it takes milliseconds."""


def add(a, b):
    """Return a sum."""
    return a + b


def one(text):
    """Return a task that is told apart by its argument."""
    return Task(function=add, args=(text, ""))


def result(future):
    """Return the value of a future."""
    return future.result(timeout=SOON_S)


def settle(pool):
    """Wait until the pool has handled all it was told so far, and sent out all it could."""
    for _ in range(3):
        handled = threading.Event()
        pool._post(handled.set)
        assert handled.wait(SOON_S)


def assert_idle(pool):
    """Assert that nothing is left to do, once the pool has handled what it was told."""
    settle(pool)
    assert not pool._dispatcher.pending
    assert not pool._dispatcher.entries
