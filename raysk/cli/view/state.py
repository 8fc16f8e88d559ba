"""What a live view knows of a run, by its events. No terminal, and no clock but the times that it is told."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from raysk.cli.view.scores import Course, Top
from raysk.events import Outlook, no_outlook
from raysk.util.names import short_names

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from raysk import events

FRESH_S = 1.0
"""How long what was asked of the work ahead holds, in seconds: figures that change faster cannot be read."""


@dataclass
class Work:
    """Units of one kind: how many there are, and how many are done.

    `since` is when they began, `until` when they ended or None; times are those of `time.monotonic`. In the first
    `waited_s` seconds no worker was up.
    """

    unit: str
    since: float
    until: float | None = None
    waited_s: float = 0.0
    total: int = 0
    done: int = 0
    busy_s: float = 0.0

    def elapsed_s(self, now: float) -> float:
        """Return how long they have taken, in seconds."""
        return (now if self.until is None else self.until) - self.since

    def worked_s(self, now: float) -> float:
        """Return how long workers have been at them, in seconds."""
        return max(self.elapsed_s(now) - self.waited_s, 1e-9)

    def left_s(self, now: float, busy_left_s: float | None) -> float | None:
        """Return how long the rest takes, in seconds; None where nothing is known.

        Parameters
        ----------
        now : float
        busy_left_s : float or None
            What it takes of workers, in seconds; None means as much for each unit as so far.
        """
        if not self.done or not self.total:
            return None
        if busy_left_s is None or not self.busy_s:
            return (self.total - self.done) * self.worked_s(now) / self.done
        return busy_left_s * self.worked_s(now) / self.busy_s


@dataclass
class State:
    """What is known of a run.

    Parameters
    ----------
    until : float or None
        When a time budget ends.
    budget_s : float or None
        How long it was, in seconds.
    """

    until: float | None = None
    budget_s: float | None = None
    phase: str = ""
    phase_since: float = 0.0
    work: Work | None = None
    refit: Work | None = None
    is_refit: bool = False
    candidates: int = 0
    candidates_done: int = 0
    round: events.RoundStarted | None = None
    names: dict[str, str] = field(default_factory=dict)
    top: Top = field(default_factory=Top)
    course: Course = field(default_factory=Course)
    best_round: int | None = None
    is_nested: bool = False
    workers: events.WorkersChanged | None = None
    failed: int = 0
    resumed: int = 0
    shared: int = 0
    pruned: int = 0
    workers_lost: int = 0
    units_by_node: Counter[str] = field(default_factory=Counter)
    _outlook: Callable[[], Outlook] = no_outlook
    _seen: Outlook = field(default_factory=Outlook)
    _seen_at: float = -math.inf
    _nodes: Sequence[events.NodeWork] = ()
    _nodes_at: float = -math.inf

    def take(self, event: events.Event, now: float) -> None:
        """Take one event, at a time of `time.monotonic`."""
        handler = getattr(self, f"_on_{type(event).__name__}", None)
        if handler is not None:
            handler(event, now)

    @property
    def current(self) -> Work | None:
        """What is worked on: units of the job, or of the refit at its end."""
        return self.refit if self.is_refit else self.work

    @property
    def best(self) -> events.CandidateDone | None:
        """The best candidate so far."""
        return next(iter(self.top.rows), None)

    @property
    def is_working(self) -> bool:
        """Whether the job's units are being done, and not prepared, or over."""
        return self.work is not None and self.work.until is None

    def outlook(self, now: float) -> Outlook:
        """Return what can be said of the work that is left."""
        if not self.is_working:
            return Outlook()
        if now - self._seen_at >= FRESH_S:
            self._seen, self._seen_at = self._outlook(), now
        return self._seen

    def nodes(self, now: float) -> Sequence[events.NodeWork]:
        """Return what each node does, if there are several."""
        if self.workers is None or self.workers.nodes <= 1:
            return ()
        if now - self._nodes_at >= FRESH_S:
            self._nodes, self._nodes_at = self.workers.by_node(), now
        return self._nodes

    def eta_s(self, now: float) -> float | None:
        """Return how long it takes from now on, in seconds, which is no longer than a time budget lasts."""
        work = self.current
        if work is None or work.until is not None:
            return None
        left_s = work.left_s(now, None if self.is_refit else self.outlook(now).left_s)
        if left_s is None or self.until is None or self.is_refit:
            return left_s
        return max(min(left_s, self.until - now), 0.0)

    def _begin_phase(self, name: str, now: float) -> None:
        self.phase, self.phase_since = name, now
        if self.work is not None and self.work.until is None:
            self.work.until = now

    def _on_PhaseStarted(self, event: events.PhaseStarted, now: float) -> None:  # noqa: N802 - named by the event
        self._begin_phase(event.name, now)

    def _on_RefitStarted(self, _: events.RefitStarted, now: float) -> None:  # noqa: N802
        self._begin_phase("refitting", now)
        self.is_refit = True

    def _on_RoundStarted(self, event: events.RoundStarted, _: float) -> None:  # noqa: N802
        self.round = event
        self.candidates = self.candidates_done = 0
        self.work = None

    def _on_WorkersChanged(self, event: events.WorkersChanged, now: float) -> None:  # noqa: N802
        if self.work is not None and not self.work.done and not (self.workers and self.workers.up):
            self.work.waited_s = max(now - self.work.since, 0.0)
        self.workers = event

    def _on_WorkerLost(self, _event: events.WorkerLost, _: float) -> None:  # noqa: N802
        self.workers_lost += 1

    def _on_WorkPlanned(self, event: events.WorkPlanned, now: float) -> None:  # noqa: N802
        work = self.current
        if work is None or work.unit != event.unit:
            work = Work(event.unit, now)
            if self.is_refit:
                self.refit = work
            else:
                self.work = work
        work.total += event.units
        if event.candidates and not self.is_refit:
            self.candidates += event.candidates
            self.failed += event.failed + event.scores_failed
            self.resumed += event.resumed
            self.is_nested |= event.fold is not None
            self.names = short_names([*self.names, *event.varying])
            self._outlook, self._seen_at = event.outlook, -math.inf

    def _on_WorkDone(self, event: events.WorkDone, _: float) -> None:  # noqa: N802
        self.resumed += event.resumed
        if not self.is_refit:
            self.failed += event.failed + event.scores_failed
            self.shared += event.shared
            self.pruned += event.pruned
            if event.node is not None:
                self.units_by_node[event.node] += event.units
        if (work := self.current) is not None:
            work.total -= event.pruned
            work.done += event.units
            work.busy_s += event.busy_s

    def _on_CandidateDone(self, event: events.CandidateDone, _: float) -> None:  # noqa: N802
        self.candidates_done += 1
        if event.score is None or math.isnan(event.score) or event.alike:  # the first of those alike stands for all
            return
        number = None if self.round is None else self.round.number
        if number != self.best_round:
            # A round of halving is judged by itself: its first candidate takes the place of the last round's best.
            self.top.rows.clear()
            self.course = Course()
        self.best_round = number
        self.top.add(event)
        self.course.add(event.score)
