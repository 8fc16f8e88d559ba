"""Processes that are forked from one of ours, as the workers of a `multiprocessing.Pool` are: told to end, they end."""

from __future__ import annotations

import os
import signal
from typing import Any

PYTHONS_OWN: dict[signal.Signals, Any] = {
    signal.SIGTERM: signal.SIG_DFL,
    signal.SIGHUP: signal.SIG_DFL,
    signal.SIGINT: signal.default_int_handler,
}
"""The handlers that Python starts with."""


def end_when_told() -> None:
    """Give every process that is forked from this one the handlers that Python starts with; ignored stays ignored.

    A handler that is written in Python runs between two steps of the program. A process that is told to end just before
    it takes a lock takes that first: one that nobody will give, where a pool is closed, and it and the pool hang.
    """
    os.register_at_fork(after_in_child=_reset)


def _reset() -> None:
    signal.set_wakeup_fd(-1)  # a pipe of ours: signals sent to that process are not ours to count
    for number, handler in PYTHONS_OWN.items():
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, handler)
