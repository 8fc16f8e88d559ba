"""Make processes that are forked from ours, such as the workers of a `multiprocessing.Pool`, end when told to."""

from __future__ import annotations

import os
import signal
import threading
import traceback
from typing import Any

PYTHONS_OWN: dict[signal.Signals, Any] = {
    signal.SIGTERM: signal.SIG_DFL,
    signal.SIGHUP: signal.SIG_DFL,
    signal.SIGINT: signal.default_int_handler,
}
"""The handlers that Python starts with."""


def end_when_told() -> None:
    """Give every process that is forked from this one the handlers that Python starts with; ignored stays ignored.

    A handler that is written in Python runs between two steps of the program. A signal that arrives just before a lock
    is taken is handled only after it: a deadlock if the lock is never released, as where a pool is closed. Signals are
    blocked until the child has Python's handlers, as a new process forgets those that came before.
    """
    waiting: dict[int, set[int]] = {}  # what each thread that forks holds back anyway

    def hold_back() -> None:
        waiting[threading.get_ident()] = signal.pthread_sigmask(signal.SIG_BLOCK, PYTHONS_OWN)

    def let_through() -> None:
        signal.pthread_sigmask(signal.SIG_SETMASK, waiting.pop(threading.get_ident()))

    def begin() -> None:
        _reset()
        let_through()

    os.register_at_fork(before=hold_back, after_in_parent=let_through, after_in_child=begin)


def end_child_of(pid: int, error: BaseException | None = None) -> None:
    """End this process if it was forked from another, with the exit code of a program that ends or raises the error.

    A fit may fork, and its child leave by ``sys.exit``: it must not go on as a second worker.
    """
    if os.getpid() == pid:
        return
    code = error.code if isinstance(error, SystemExit) else int(error is not None)
    if error is not None and not isinstance(error, SystemExit):
        traceback.print_exception(error)
    os._exit(code & 0xFF if isinstance(code, int) else int(code is not None))


def _reset() -> None:
    signal.set_wakeup_fd(-1)  # a pipe of ours: signals sent to that process are not ours to count
    for number, handler in PYTHONS_OWN.items():
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, handler)
