"""What a run does, told as its own events to whoever has nothing but its folder.

run.json       planned, progress --> RoundStarted, WorkPlanned, WorkersChanged, PhaseStarted
journal.jsonl  fits, as they end --> WorkDone, FitFailed, CandidateDone
"""

from __future__ import annotations

import math
from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

from raysk.events import (
    CandidateDone,
    FitFailed,
    NodeWork,
    PhaseStarted,
    RoundStarted,
    WorkDone,
    WorkersChanged,
    WorkPlanned,
)
from raysk.history.fits import ONE_METRIC, JournalTail
from raysk.runs.records import ODD

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from raysk.events import Event
    from raysk.history.fits import Fit
    from raysk.history.run import Run

FITTING = "fitting"


class Told(NamedTuple):
    """An event, and when it was, in seconds since the epoch; None means just now."""

    event: Event
    at: float | None = None


@dataclass
class _Plan:
    """Work that was planned, and what is known of its candidates that are not done."""

    at: float
    first: int
    fold: int
    work: WorkPlanned
    round: RoundStarted | None
    resumed: int = 0
    begun: dict[int, _Candidate] = field(default_factory=dict)

    @classmethod
    def of(cls, record: Mapping[str, Any]) -> _Plan:
        counts = ("units", "candidates", "splits", "saved", "resumed", "failed", "scores_failed")
        numbers = {name: int(record[name]) for name in counts}
        fold = tuple(record["fold"]) if record["fold"] else None
        work = WorkPlanned(unit="fit", varying=tuple(map(str, record["varying"])), fold=fold, **numbers)  # type: ignore[arg-type]
        begun = RoundStarted(**record["round"]) if record["round"] else None
        return cls(float(record["at"]), int(record["first"]), fold[0] if fold else 0, work, begun)

    def has(self, fit: Fit) -> bool:
        return fit.fold == self.fold and self.first <= fit.candidate < self.first + self.work.candidates

    def recalls(self, fit: Fit) -> bool:
        """Count a fit if it was known when this was planned; what else an earlier run has done is told of later."""
        is_known = self.resumed < self.work.resumed and (fit.ended is None or fit.ended < self.at)
        self.resumed += is_known
        return is_known


@dataclass
class _Candidate:
    """The fits of a candidate so far."""

    params: Mapping[str, Any] = field(default_factory=dict)
    scores: list[Mapping[str, float]] = field(default_factory=list)
    failed: int = 0
    error: str | None = None

    def hear(self, fit: Fit) -> None:
        self.params = self.params or fit.params or {}
        self.scores.append(fit.scores)
        self.failed += fit.error is not None
        self.error = self.error or fit.error

    def done(self, index: int, metric: str | None) -> CandidateDone:
        names = set(self.scores[0]).intersection(*self.scores)
        means = {name: math.fsum(each[name] for each in self.scores) / len(self.scores) for name in sorted(names)}
        score = means.get(ONE_METRIC, means.get(metric or ""))
        said: dict[str, Any] = {"params": dict(self.params), "score": score, "scores": means}
        return CandidateDone(index=index, failed=self.failed, error=self.error, **said)


class Replay:
    """Tells what a run has done, and then what it does, each time it is asked.

    Parameters
    ----------
    run : Run
    """

    def __init__(self, run: Run) -> None:
        self._tail = JournalTail(run)
        self._plans: list[_Plan] = []
        self._left: list[Fit] = []  # of work that is not known yet
        self._workers: WorkersChanged | None = None
        self._nodes: tuple[NodeWork, ...] = ()
        self._phase: tuple[Any, Any] = (None, None)
        self._reasons: set[str] = set()
        self._counts = {"shared": 0, "pruned": 0}
        self._done = 0
        self.fits = 0

    def news(self, run: Run) -> Iterator[Told]:
        """Yield what happened since this was asked last.

        Parameters
        ----------
        run : Run
            As it is now; read before this is asked, so that no fit is unknown that was done by then.
        """
        progress, metric = _mapping(run.facts.get("progress")), _text(run.facts.get("metric"))
        planned = run.facts.get("planned")
        records = planned if isinstance(planned, list) else []
        self._left += self._tail.read()
        new = records[len(self._plans) :]
        phase = list(self._phase_of(progress))
        if phase and phase[0].event == PhaseStarted(name=FITTING):
            yield phase.pop()
        for record in new:
            yield from self._fits(metric)
            yield from self._planned(record)
        yield from self._workers_of(progress)
        if _mapping(progress.get("workers")).get("up") != 0:  # or news of the workers is late: it comes before the fits
            yield from self._fits(metric)
        yield from self._counts_of(progress)
        yield from phase

    def _planned(self, record: Any) -> Iterator[Told]:
        try:
            plan = _Plan.of(record)
        except ODD:
            plan = _Plan(0.0, 0, -1, WorkPlanned(unit="fit", units=0), None)
        self._plans.append(plan)
        if plan.round is not None:
            self._done = 0
            yield Told(plan.round, plan.at)
        yield Told(plan.work, plan.at)

    def _fits(self, metric: Any) -> Iterator[Told]:
        """Tell of the fits of work that is known; the others wait for it."""
        found: defaultdict[int, list[Fit]] = defaultdict(list)
        left, self._left = self._left, []
        for fit in left:
            number = next((at for at, plan in enumerate(self._plans) if plan.has(fit)), None)
            (self._left if number is None else found[number]).append(fit)
        for number, fits in sorted(found.items()):
            yield from self._done_of(self._plans[number], fits, metric)

    def _done_of(self, plan: _Plan, fits: list[Fit], metric: Any) -> Iterator[Told]:
        self.fits += len(fits)
        by_node: defaultdict[str | None, list[Fit]] = defaultdict(list)
        for fit in fits:
            if fit.error is not None and fit.error not in self._reasons:
                self._reasons.add(fit.error)
                yield Told(_failed(fit, plan))
            if not plan.recalls(fit):
                by_node[fit.worker and fit.worker.rpartition(":")[0]].append(fit)
        for node, some in by_node.items():
            failed = sum(fit.error is not None for fit in some)
            busy_s = sum(fit.fit_time + fit.score_time for fit in some)
            yield Told(WorkDone(units=len(some), failed=failed, busy_s=busy_s, node=node))
        for fit in fits:
            candidate = plan.begun.setdefault(fit.candidate, _Candidate())
            candidate.hear(fit)
            if len(candidate.scores) == plan.work.splits:
                self._done += 1
                yield Told(plan.begun.pop(fit.candidate).done(fit.candidate, metric))

    def _counts_of(self, progress: Mapping[str, Any]) -> Iterator[Told]:
        """Tell of what the journal does not have: fits that need not be done, and candidates that are done so."""
        now = {name: _number(progress.get(name), known) for name, known in self._counts.items()}
        more: dict[str, Any] = {name: now[name] - known for name, known in self._counts.items()}
        self._counts = now
        if any(more.values()):
            yield Told(WorkDone(units=0, **more))
        for _ in range(self._done, _number(progress.get("candidates_done"), 0)):
            self._done += 1
            yield Told(CandidateDone(index=-1, params={}, score=None, alike=True))

    def _workers_of(self, progress: Mapping[str, Any]) -> Iterator[Told]:
        """Tell how many workers are up; the first time, since when: time without any says nothing of the fits."""
        try:
            self._nodes = tuple(NodeWork(**each) for each in progress.get("nodes", ()))
            changed = WorkersChanged(**progress["workers"], by_node=lambda: self._nodes)
        except ODD:
            return
        if changed != self._workers:
            self._workers, since = changed, progress.get("up_since")
            yield Told(changed, since if isinstance(since, float) else None)

    def _phase_of(self, progress: Mapping[str, Any]) -> Iterator[Told]:
        phase = name, since = progress.get("phase"), progress.get("since")
        if isinstance(name, str) and isinstance(since, float) and phase != self._phase:
            self._phase = phase
            yield Told(PhaseStarted(name=name), since)


def _failed(fit: Fit, plan: _Plan) -> FitFailed:
    known = plan.begun.get(fit.candidate)
    params = fit.params or (known.params if known else {})
    return FitFailed(candidate=fit.candidate, params=dict(params), split=fit.split, reason=fit.error or "")


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else None


def _number(value: Any, known: int) -> int:
    """Return a count that does not fall."""
    return value if type(value) is int and value >= known else known
