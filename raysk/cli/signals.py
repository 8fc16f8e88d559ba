"""The first Ctrl-C or SIGTERM ends the program in order, the second at once.

first     a handler in the main thread: an exception, on whose way out everything is written and closed
second    the interpreter's handler in C -> a pipe -> a thread of ours -> gone, whatever the main thread waits for

Ray may keep the main thread for seconds in code that is not Python, where no handler of Python's would run. A Ray of
our own needs no farewell: the kernel ends its processes with ours, and `raysk.cluster._ray_agent` what they leave.
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
import threading
import time
from typing import TYPE_CHECKING

from raysk.util import exits, forks

if TYPE_CHECKING:
    from typing import NoReturn

COUNTED = (signal.SIGINT, signal.SIGTERM)
"""Not SIGHUP, which a terminal that is closed may send twice: by the kernel, and by the shell."""

SAME_S = 0.1
"""The first signal within this time, in seconds, is the same again: timeout(1) tells the process it started, and then
its group, which it is in. Nobody presses a key twice so soon."""

AFTER_VIEW = b"\x1b[?25h\n"
"""A live view hides the cursor, and leaves it on a line that is full."""

GOODBYE = b"Ended at once.\n"


def end_in_order() -> None:
    """End in order, also when the terminal is closed (under nohup that stays ignored); at once when told again."""
    for number in (*COUNTED, signal.SIGHUP):
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, _end)
    heard, told = os.pipe()
    os.set_blocking(told, False)
    signal.set_wakeup_fd(told, warn_on_full_buffer=False)
    forks.end_when_told()
    threading.Thread(target=_leave_at_second, args=(heard,), name="raysk-signals", daemon=True).start()


def raise_no_more() -> None:
    """Let no signal raise anything from here on; the second that comes in all still ends the program at once."""
    for each in (*COUNTED, signal.SIGHUP):
        if signal.getsignal(each) is _end:
            signal.signal(each, _leave_it_to_the_thread)


_told = threading.Event()


def is_told_to_end() -> bool:
    """Tell whether the program was told to end, and is on its way."""
    return _told.is_set()


def _end(number: int, _: object) -> NoReturn:
    _told.set()
    raise_no_more()
    raise exits.Interrupted if number == signal.SIGINT else exits.Terminated(128 + number)


def _leave_it_to_the_thread(_number: int, _: object) -> None:
    """Raise nothing in the middle of what is being written."""


exits.HANDLERS += [_end, _leave_it_to_the_thread]


def _leave_at_second(heard: int) -> None:
    """Read the numbers of signals as they come, and end the program with the second that counts."""
    first, since = None, 0.0
    while number := os.read(heard, 1):
        if number[0] not in COUNTED:
            continue
        if first is None:
            first, since = number, time.monotonic()
        elif number != first or time.monotonic() - since > SAME_S:
            _say_goodbye()
            os._exit(128 + number[0])


def _say_goodbye() -> None:
    """Say that this is the end, unless that would have to wait: for the reader of a full pipe, or a held terminal."""
    with contextlib.suppress(OSError):
        if select.select([], [2], [], 0)[1]:
            os.write(2, AFTER_VIEW * os.isatty(2) + GOODBYE)
