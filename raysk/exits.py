"""Who asks for the program's end: a signal, or code of the person's that a fit, a scorer or a splitter ran into.

    signal  -> a handler of ours -> Interrupted, Terminated      all is written and closed on their way out
    limit   -> Enough                                            likewise
    theirs  -> SystemExit, KeyboardInterrupt, GeneratorExit ...  an error like any other: RuntimeError

scikit-learn lets the last kind through where it would count any other error as a failed fit: see also
`raysk._compat.fit_and_score`.
"""

from __future__ import annotations

import signal
import traceback
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType


class Ordered(BaseException):
    """An end that raysk itself has ordered: the person's code cannot have raised it."""


class Interrupted(Ordered, KeyboardInterrupt):
    """Ctrl-C."""


class Terminated(Ordered, SystemExit):
    """SIGTERM or SIGHUP; its code is the exit code."""


HANDLERS: list[Any] = []
"""Handlers of signals that raise these classes; a program that only imports raysk has none."""


def as_error(end: BaseException) -> Exception:
    """Return an error that says what was raised, and where.

    A plain one, which travels to and from machines that have no raysk.
    """
    if isinstance(end, Exception):
        return end
    said = traceback.format_exception_only(end)[-1].strip()
    return RuntimeError(f"the code asked for the program's end ({said})").with_traceback(end.__traceback__)


class Contained:
    """A context, around the person's code, that only an `Exception` leaves.

    Parameters
    ----------
    is_theirs : callable
        Tells of what would end the program whether the person's code raised it. On a worker it did: signals end those.
    """

    def __init__(self, is_theirs: Callable[[BaseException], bool] = lambda _: True) -> None:
        self._is_theirs = is_theirs

    def __enter__(self) -> None:
        pass

    def __exit__(self, _: object, end: BaseException | None, __: TracebackType | None) -> None:
        if end is not None and not isinstance(end, Exception) and self._is_theirs(end):
            raise as_error(end) from None


def contained_here() -> Contained:
    """Return the context for the driver, where signals are raised too.

    It changes nothing in a program whose signals have other handlers: what they raise could look like the person's.
    """
    return Contained(_is_theirs)


def _is_theirs(end: BaseException) -> bool:
    handlers = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    ours = all(handler in HANDLERS or handler is signal.SIG_IGN for handler in handlers)
    return ours and bool(HANDLERS) and not isinstance(end, Ordered)
