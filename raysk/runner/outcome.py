"""What a run did: counted from its events in one place, and handed back as one frozen object.

plans --events--> Tally --> the next sink: a view, JSON lines, a person's own
                    |
                    +--> Counts --> Outcome: summaries, tables, exit codes, run.json and Python read it
"""

from __future__ import annotations

import threading
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from raysk.errors import FitsDiffer, FitsFailed, NoScore
from raysk.events import (
    CandidateDone,
    Event,
    FitFailed,
    FitLost,
    FitsVerified,
    RefitStarted,
    Stopped,
    WorkDone,
    WorkPlanned,
    null_sink,
)
from raysk.results.scores import best_of
from raysk.source.objects import is_search

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from raysk.errors import InputError
    from raysk.events import Sink


@dataclass(frozen=True, kw_only=True)
class Counts:
    """What a search has done.

    Parameters
    ----------
    fits : int
        Fits whose result is known: done now, known from an earlier run, alike to another one, or contained in one.
    failed, scores_failed : int
        Fits that failed, and fits with a score that is not a finite number.
    saved : int
        Fits that need not be done, as others are done alike.
    shared : int
        Fits that need not be done, as others contain them.
    pruned : int
        Fits that were not done, as their candidates were given up; they are not among `fits`.
    steps_shared : int
        How many times a step of a pipeline was not fitted again.
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
        Candidates with all splits done.
    verified : int or None
        Fits that were done again by scikit-learn alone, with the same scores; None where nobody asked, or they differ.
    stopped : str or None
        Why the search ended early; see `raysk.plans.limits`.
    varying : tuple of str
        The parameters in which candidates differ.
    kept : tuple of int or None
        The candidates that ``cv_results_`` has, where the search ended early; None means all.
    """

    fits: int = 0
    failed: int = 0
    scores_failed: int = 0
    saved: int = 0
    shared: int = 0
    pruned: int = 0
    steps_shared: int = 0
    resumed: int = 0
    lost: tuple[FitLost, ...] = ()
    reasons: Mapping[str, int] = field(default_factory=dict)
    failures: tuple[FitFailed, ...] = ()
    errors: Mapping[int, str] = field(default_factory=dict)
    candidates: int = 0
    verified: int | None = None
    stopped: str | None = None
    varying: tuple[str, ...] = ()
    kept: tuple[int, ...] | None = None


@dataclass(frozen=True, kw_only=True)
class Outcome(Counts):
    """What a run did, what it took, and what it left behind.

    Parameters
    ----------
    estimator : estimator
        Fitted; a search that ended early has the candidates that were done.
    time_s : float
        How long fitting took, in seconds.
    cpu_time_s : float or None
        CPU time of the workers, in seconds; None where nobody counted: scikit-learn ran on another backend.
    workers, nodes : int or None
        The most at a time; None as above.
    cluster : mapping of str to object
        ``address``, ``nodes`` and ``cpus``; empty as above.
    pruning : str or None
        How candidates of a search were given up, one of `raysk.jobs.PRUNING`; None means that none was.
    early : BaseException or None
        What ended the job early or made it fail; `raise_error` raises it. None also where a limit ended a search:
        then `stopped` says which.
    unwritten : InputError or None
        Names the files that could not be written; `raise_error` raises it.
    run_dir : Path or None
        The run folder, absolute; None if the run has none, as all below.
    model : Path or None
        The model file; None also if there is none, or it could not be written.
    report : Path or None
        The page about the run; None also if nobody asked for it, or it could not be written.
    outputs : tuple of str
        The absolute paths of the files outside the run folder.
    data : mapping or None
        What data was used, see `raysk.request.facts.summarize_data`.
    test_score, train_score : float or None
        Of the data that was held out, and of the data that was fitted; None if nobody asked, or there are several.
    test_scores, train_scores : mapping of str to float, or None
        The same by metric, where there are several.
    """

    estimator: Any
    time_s: float = 0.0
    cpu_time_s: float | None = None
    workers: int | None = None
    nodes: int | None = None
    cluster: Mapping[str, Any] = field(default_factory=dict)
    pruning: str | None = None
    early: BaseException | None = None
    unwritten: InputError | None = None
    run_dir: Path | None = None
    model: Path | None = None
    report: Path | None = None
    outputs: tuple[str, ...] = ()
    data: Mapping[str, Any] | None = None
    test_score: float | None = None
    test_scores: Mapping[str, float] | None = None
    train_score: float | None = None
    train_scores: Mapping[str, float] | None = None

    @property
    def best(self) -> dict[str, Any] | None:
        """The best candidate of a search, see `raysk.results.scores.best_of`; None for any other estimator."""
        is_done = is_search(self.estimator) and hasattr(self.estimator, "cv_results_")
        return best_of(self.estimator) if is_done else None

    @property
    def state(self) -> str:
        """How the run ended: ``done``, ``failed`` or ``interrupted``."""
        if self.early is None:
            return "done"
        return "failed" if isinstance(self.early, FitsFailed) else "interrupted"

    @property
    def can_go_on(self) -> bool:
        """Whether a search ended early and may go on; not where that would fail again."""
        return (self.early is not None or self.stopped is not None) and not isinstance(self.early, NoScore | FitsDiffer)

    def raise_error(self) -> None:
        """Raise what could not be written, or else what ended or failed the job; do nothing if all is well."""
        for error in (self.unwritten, self.early):
            if error is not None:
                raise error


class Tally:
    """Counts events, and hands them on. A sink.

    Parameters
    ----------
    then : callable
        The next sink.
    """

    def __init__(self, then: Sink = null_sink) -> None:
        self.then = then
        self._lock = threading.Lock()
        self._counts: Counter[str] = Counter()
        self._splits = 0
        self._varying: tuple[str, ...] = ()
        self._refits = False
        self._reasons: Counter[str] = Counter()
        self._lost: list[FitLost] = []
        self._failures: list[FitFailed] = []
        self._errors: dict[int, str] = {}
        self._stopped: Stopped | None = None
        self._verified: int | None = None

    def __call__(self, event: Event, /) -> None:
        """Take one event; see `raysk.events`."""
        with self._lock:
            self._count(event)
        self.then(event)

    @property
    def counts(self) -> Counts:
        """What was done so far."""
        with self._lock:
            stopped = self._stopped
            return Counts(
                **self._counts,
                lost=tuple(self._lost),
                reasons=dict(self._reasons),
                failures=tuple(self._failures),
                errors=dict(self._errors),
                verified=self._verified,
                varying=self._varying,
                stopped=None if stopped is None else stopped.reason,
                kept=None if stopped is None else stopped.kept,
            )

    def _count(self, event: Event) -> None:
        match event:
            case WorkPlanned() if event.candidates:
                self._splits = event.splits
                self._varying = tuple(dict.fromkeys([*self._varying, *event.varying]))  # a last round may have but one
                self._add(event, fits=event.resumed, resumed=event.resumed)
            case WorkDone() if not self._refits:
                shares = {"shared": event.shared, "pruned": event.pruned, "steps_shared": event.steps_shared}
                self._add(event, fits=event.units, resumed=event.resumed, **shares)
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
            case FitsVerified():
                self._verified = event.fits

    def _add(self, event: Any, **counts: int) -> None:
        self._counts.update(counts, failed=event.failed, scores_failed=event.scores_failed)
        self._reasons.update(event.reasons)
