"""The errors of raysk, named by who is at fault; each class has one exit code.

RayskError
├── UsageError       2    the command line asks for something that makes no sense
├── InputError       3    a file, an object in it, or the data cannot be used
│   └── Unpicklable  3    an object cannot be pickled; also the PicklingError that joblib raises
├── ClusterError     4    no cluster answers, refuses us, differs from us, has no CPU, or is lost
├── UserCodeError    1    the person's own code raised
├── FitsFailed       1    fits of a search failed
│   ├── AllFitsFailed    1    every one of them; also the ValueError that scikit-learn raises
│   ├── TooManyFailures  1    more than the person allows
│   ├── FitsDiffer       1    fits that were done again have other scores
│   └── NoScore          1    no candidate has a finite score
├── NothingFinished  1    a search ended early, before any of its candidates was done
├── TaskLost         1    a task took its worker down with it too many times
├── BenchFailed      1    a benchmark's backends disagree, or none of them ran
└── ReaderGone     141    whoever read our stdout has closed it

A user's Ctrl-C stays `KeyboardInterrupt` (130); any other exception in `raysk.cli.app.main` is a bug in raysk.
"""

from __future__ import annotations

import pickle
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


def error_text(text: str) -> str:
    """Return the line of a printed traceback, the last if there are several, that names the exception."""
    lines = text.strip().splitlines()
    frames = [number for number, line in enumerate(lines) if line.startswith("  File ")]
    after = (line for line in lines[frames[-1] + 1 :] if line and not line.startswith(" ")) if frames else iter(lines)
    return next(after, text)


class RayskError(Exception):
    """Base of every error that raysk raises on purpose.

    The message says what was found, where, and what to do next, in at most five lines.
    """

    exit_code = 1


class UsageError(RayskError):
    """The options contradict each other, or a value is out of range."""

    exit_code = 2


class InputError(RayskError, ValueError):
    """A file, an object in it, or the data in it cannot be used: scikit-learn's own error for that is a ValueError."""

    exit_code = 3


class CallError(InputError, TypeError):
    """An estimator's ``fit`` cannot be called so, for which Python has a TypeError."""


class Unpicklable(InputError, pickle.PicklingError):  # noqa: N818 - says what it is
    """An object cannot be pickled: sent to the workers, or saved."""


class ClusterError(RayskError):
    """The cluster cannot be reached or cannot run the job."""

    exit_code = 4


class UserCodeError(RayskError):
    """The person's own code raised; `__cause__` is what it raised."""

    exit_code = 1


class FitsFailed(RayskError):  # noqa: N818 - says what happened
    """Fits of a search failed, too many for it to go on.

    Parameters
    ----------
    extent : str
        How many failed, in a few words.
    details : str
        All there is to say of it.
    errors : sequence of str
        The traceback of each fit that failed.
    """

    exit_code = 1

    def __init__(self, extent: str, details: str, errors: Sequence[str]) -> None:
        super().__init__(details)
        self.extent, self.errors = extent, errors


class AllFitsFailed(FitsFailed, ValueError):  # noqa: N818 - says what happened
    """Every fit of a search failed.

    Parameters
    ----------
    details : str
        scikit-learn's own words: all tracebacks, counted.
    errors : sequence of str
        As in `FitsFailed`.
    """

    def __init__(self, details: str, errors: Sequence[str] = ()) -> None:
        super().__init__(f"All {len(errors):,} fits failed", details, errors)


class TooManyFailures(FitsFailed):
    """More fits of a search failed than the person allows.

    Parameters
    ----------
    allowed : int
    errors : sequence of str
        As in `FitsFailed`.
    """

    def __init__(self, allowed: int, errors: Sequence[str]) -> None:
        extent = f"{len(errors):,} fits failed, more than --max-failures {allowed}"
        super().__init__(extent, "\n".join([extent, *errors[-1:]]), errors)


class NoScore(FitsFailed):
    """No candidate of a search has a finite score, so that none can be the best.

    Parameters
    ----------
    extent : str
        Which candidates, in a few words.
    reason : str or None
        What failed, in one line, if that is known.
    advice : str
        What to type next.
    """

    def __init__(self, extent: str, reason: str | None, advice: str) -> None:
        why = f"{extent}:\n  {reason[:400]}" if reason else f"{extent}."
        super().__init__(extent, f"{why}\n{advice}", ())


class FitsDiffer(FitsFailed):
    """Fits of a search that were done again by scikit-learn alone have other scores.

    Parameters
    ----------
    extent : str
        How many of them, in a few words.
    first : str
        The first of them, and its scores.
    advice : str
        What may be the cause, and what to do.
    """

    def __init__(self, extent: str, first: str, advice: str) -> None:
        super().__init__(extent, f"{extent}; {first}\n{advice}", ())


class NothingFinished(RayskError):  # noqa: N818 - says what happened
    """A search ended early, before any of its candidates was done."""

    exit_code = 1


class TaskLost(RayskError):  # noqa: N818 - an outcome of a task, as in concurrent.futures
    """A task's worker died each time the task was tried."""

    exit_code = 1


class BenchFailed(RayskError):  # noqa: N818 - says what happened
    """The backends of a benchmark gave different answers, or none gave any."""

    exit_code = 1


class ReaderGone(RayskError):  # noqa: N818 - says what happened
    """Whoever read our stdout has closed it; nothing is left to say."""

    exit_code = 141
