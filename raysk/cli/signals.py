"""The first Ctrl-C or SIGTERM ends the program in order, the second at once.

first     Python's own handlers, in the main thread: an exception, on whose way out everything is written and closed
second    the interpreter's handler in C -> a pipe -> a thread of ours -> gone, whatever the main thread waits for

Ray may keep the main thread for seconds in code that is not Python, where no handler of Python's would run. A Ray of
our own needs no farewell: the kernel ends its processes with ours, and `raysk._ray_agent` what they leave behind.
"""

from __future__ import annotations

import os
import signal
import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import NoReturn

COUNTED = (signal.SIGINT, signal.SIGTERM)
"""Not SIGHUP, which a terminal that is closed may send twice: by the kernel, and by the shell."""

SHOW_CURSOR = b"\x1b[?25h"
"""A live view hides it."""


def end_in_order() -> None:
    """End in order, also when the terminal is closed (under nohup that stays ignored); at once when told again."""
    signal.signal(signal.SIGTERM, _end)
    if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:
        signal.signal(signal.SIGHUP, _end)
    heard, told = os.pipe()
    os.set_blocking(told, False)
    signal.set_wakeup_fd(told, warn_on_full_buffer=False)
    os.register_at_fork(after_in_child=_be_quiet)
    threading.Thread(target=_leave_at_second, args=(heard,), name="raysk-signals", daemon=True).start()


def take_back() -> None:
    """Handle SIGTERM ourselves again, where Ray, once it is started, would print its own stack first."""
    if signal.getsignal(signal.SIGTERM) is _end:  # else this program's `main` is not ours
        signal.signal(signal.SIGTERM, _end)


def _end(number: int, _: object) -> NoReturn:
    raise SystemExit(128 + number)


def _be_quiet() -> None:
    """Keep the signals of a process that was forked from us, which has the same pipe, from being counted as ours."""
    signal.set_wakeup_fd(-1)


def _leave_at_second(heard: int) -> None:
    """Read the numbers of signals as they come, and end the program with the second that counts."""
    counted = 0
    while number := os.read(heard, 1):
        counted += number[0] in COUNTED
        if counted == 2:  # noqa: PLR2004 - the second
            if os.isatty(2):
                os.write(2, SHOW_CURSOR)
            os._exit(128 + number[0])
