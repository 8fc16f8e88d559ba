"""What a run did, counted from its events in one place; views only draw.

pool, plans --events--> Tally --> the next sink: a view, JSON lines
|
+--> Outcome: what summaries, tables and exit codes go by
"""

from __future__ import annotations

import threading
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from raysk.events import (
    CandidateDone,
    Event,
    FitFailed,
    FitLost,
    RefitStarted,
    Stopped,
    WorkDone,
    WorkPlanned,
    null_sink,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from raysk.events import Sink


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What a search has done.

    Parameters
    ----------
    fits : int
        Fits of which the result is known: done now, known from an earlier run, or like another that is.
    failed, scores_failed : int
        Fits that failed, and those of which a score is not a finite number.
    saved : int
        Fits that need not be done, as others are done alike.
    resumed : int
        Fits that an earlier run has done.
    lost : tuple of FitLost
        Fits that were given up.
    reasons : mapping of str to int
        How many fits and scores failed for each reason.
    failures : tuple of FitFailed
        The first of each reason.
    errors : mapping of int to str
        By the number of each candidate that has failed fits or scores: why the first of them failed.
    candidates : int
        Candidates of which all splits are done.
    stopped : str or None
        Why the search ended early; see `raysk.plans.limits`.
    kept : tuple of int or None
        The candidates that ``cv_results_`` has, where it ended early; None means all.
    """

    fits: int = 0
    failed: int = 0
    scores_failed: int = 0
    saved: int = 0
    resumed: int = 0
    lost: tuple[FitLost, ...] = ()
    reasons: Mapping[str, int] = field(default_factory=dict)
    failures: tuple[FitFailed, ...] = ()
    errors: Mapping[int, str] = field(default_factory=dict)
    candidates: int = 0
    stopped: str | None = None
    kept: tuple[int, ...] | None = None


class Tally:
    """Counts events, and hands them on. A sink.

    Parameters
    ----------
    then : callable
        The next sink.
    """

    def __init__(self, then: Sink = null_sink) -> None:
        self._then = then
        self._lock = threading.Lock()
        self._counts: Counter[str] = Counter()
        self._splits = 0
        self._refits = False
        self._reasons: Counter[str] = Counter()
        self._lost: list[FitLost] = []
        self._failures: list[FitFailed] = []
        self._errors: dict[int, str] = {}
        self._stopped: Stopped | None = None

    def __call__(self, event: Event, /) -> None:
        """Take one event; see `raysk.events`."""
        with self._lock:
            self._count(event)
        self._then(event)

    @property
    def outcome(self) -> Outcome:
        """What was done so far."""
        with self._lock:
            stopped = self._stopped
            return Outcome(
                **self._counts,
                lost=tuple(self._lost),
                reasons=dict(self._reasons),
                failures=tuple(self._failures),
                errors=dict(self._errors),
                stopped=None if stopped is None else stopped.reason,
                kept=None if stopped is None else stopped.kept,
            )

    def _count(self, event: Event) -> None:
        match event:
            case WorkPlanned() if event.candidates:
                self._splits = event.splits
                self._add(event, fits=event.resumed, resumed=event.resumed)
            case WorkDone() if not self._refits:
                self._add(event, fits=event.units)
            case RefitStarted():
                self._refits = True
            case CandidateDone():
                alike = self._splits * event.alike
                self._counts.update(candidates=1, fits=alike, saved=alike)
                if event.error is not None:
                    self._errors[event.index] = event.error
            case FitLost():
                self._lost.append(event)
            case FitFailed():
                self._failures.append(event)
            case Stopped():
                self._stopped = event

    def _add(self, event: Any, **counts: int) -> None:
        self._counts.update(counts, failed=event.failed, scores_failed=event.scores_failed)
        self._reasons.update(event.reasons)
