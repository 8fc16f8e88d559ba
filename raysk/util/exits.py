"""Tell a signal that ends the program from code of the person's that asks for its end in a fit, scorer or splitter.

    signal  -> a handler of ours -> Interrupted, Terminated      all is written and closed on their way out
    limit   -> Enough                                            likewise
    theirs  -> SystemExit, KeyboardInterrupt, GeneratorExit ...  an error like any other: RuntimeError

scikit-learn lets the last kind through where it would count any other error as a failed fit: see also
`raysk._compat.sklearn.fit_and_score`.
"""

from __future__ import annotations

import signal
import traceback
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from types import TracebackType


class Ordered(BaseException):
    """Raised by raysk itself to end the program, never by the person's code."""


class Interrupted(Ordered, KeyboardInterrupt):
    """Ctrl-C."""


class Terminated(Ordered, SystemExit):
    """SIGTERM or SIGHUP; its code is the exit code."""


HANDLERS: list[Any] = []
"""Signal handlers that raise these classes; empty in a program that only imports raysk."""


def take_back() -> None:
    """Handle SIGTERM by our handler again, if there is one: Ray, once it is started, would print its stack first."""
    handler = signal.getsignal(signal.SIGTERM)
    if handler in HANDLERS:
        signal.signal(signal.SIGTERM, handler)


def as_error(end: BaseException) -> Exception:
    """Return an error that says what was raised, and where.

    A plain one, which travels to and from machines that have no raysk.
    """
    if isinstance(end, Exception):
        return end
    said = traceback.format_exception_only(end)[-1].strip()
    return RuntimeError(f"the code asked for the program's end ({said})").with_traceback(end.__traceback__)


class Contained:
    """A context for the person's code in the driver: only signals, limits and an `Exception` pass through it.

    It changes nothing in a program whose signals have other handlers: what they raise could look like the person's.
    """

    def __enter__(self) -> None:
        pass

    def __exit__(self, _: object, end: BaseException | None, __: TracebackType | None) -> None:
        if end is not None and not isinstance(end, Exception | Ordered) and _signals_are_ours():
            raise as_error(end) from None


def _signals_are_ours() -> bool:
    handlers = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    heard = [handler for handler in handlers if handler is not signal.SIG_IGN]
    return bool(heard) and all(handler in HANDLERS for handler in heard)
