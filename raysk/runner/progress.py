"""What a run is at, kept in ``run.json`` for those who look at its folder: the journal tells only what is done.

events -> Progress -> the next sink
             |  notes, at once
             +-> a thread -> run.json     whole or not at all, and not often: no fit waits for the disk

"planned"    how many fits there will be: an entry for each search, round of halving, or outer fold
"progress"   the phase, workers, nodes, and what was shared and pruned, while the run goes on
"""

from __future__ import annotations

import contextlib
import dataclasses
import threading
import time
from collections import Counter
from typing import TYPE_CHECKING, Any

from raysk.errors import InputError
from raysk.events import (
    CandidateDone,
    PhaseStarted,
    RefitStarted,
    RoundStarted,
    WorkDone,
    WorkersChanged,
    WorkPlanned,
    null_sink,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from raysk.events import Event, Sink
    from raysk.jobs import Limits

EVERY_S = 2.0
"""The least time between two notes, in seconds: each is a file that is synced, and read twice a second where somebody
watches."""


def time_budget(limits: Limits) -> dict[str, float] | None:
    """Return how long a run may take, in seconds, and when that ends, in seconds since the epoch; None if for ever."""
    until = limits.begun().until
    if until is None or limits.time_budget_s is None:
        return None
    return {"s": limits.time_budget_s, "ends": time.time() + until - time.monotonic()}


class Progress:
    """Notes what a run plans and is at, and hands events on. A sink.

    Parameters
    ----------
    then : callable
        The next sink.
    """

    def __init__(self, then: Sink = null_sink) -> None:
        self.then = then
        self._lock = threading.Lock()
        self._news = threading.Event()
        self._plans: list[dict[str, Any]] = []
        self._before: Counter[int] = Counter()  # candidates of the rounds before, by outer fold
        self._round: RoundStarted | None = None
        self._workers: WorkersChanged | None = None
        self._up_since: float | None = None
        self._counts: Counter[str] = Counter()
        self._phase, self._since = "", time.time()
        self._is_refit = False

    def __call__(self, event: Event, /) -> None:
        """Take one event; see `raysk.events`."""
        with self._lock:
            is_news = self._note(event)
        if is_news:
            self._news.set()
        self.then(event)

    @property
    def planned(self) -> list[dict[str, Any]]:
        """The work that was planned."""
        with self._lock:
            return list(self._plans)

    @contextlib.contextmanager
    def kept(self, write: Callable[[Mapping[str, Any]], None]) -> Iterator[None]:
        """Write what is known now and then, from a thread of its own.

        Parameters
        ----------
        write : callable
            Takes what ``run.json`` has more while the run goes on.
        """
        over = threading.Event()

        def keep() -> None:
            while self._news.wait() and not over.is_set():
                self._news.clear()
                with contextlib.suppress(InputError):  # a full disk is told of at the end
                    write({"planned": self.planned, "progress": self._now()})
                over.wait(EVERY_S)

        thread = threading.Thread(target=keep, name="raysk-progress", daemon=True)
        thread.start()
        try:
            yield
        finally:
            over.set()
            self._news.set()
            thread.join()

    def _now(self) -> dict[str, Any]:
        with self._lock:
            workers, counts = self._workers, dict(self._counts)
            phase = {"phase": self._phase, "since": self._since, "up_since": self._up_since}
        return {
            **phase,
            **{name: counts.get(name, 0) for name in ("shared", "pruned", "candidates_done")},
            "workers": None
            if workers is None
            else {name: getattr(workers, name) for name in ("up", "wanted", "nodes")},
            "nodes": [] if workers is None else [dataclasses.asdict(node) for node in workers.by_node()],
        }

    def _note(self, event: Event) -> bool:
        """Note what an event tells; returns whether that is news."""
        match event:
            case WorkPlanned() if event.candidates and not self._is_refit:
                self._plan(event)
            case WorkDone() if not self._is_refit:
                self._counts.update(shared=event.shared, pruned=event.pruned)
            case CandidateDone():
                self._counts["candidates_done"] += 1
                return False  # a million of them come; the fits are news
            case RoundStarted():
                self._round = event
                self._counts["candidates_done"] = 0
            case WorkersChanged():
                self._workers = event
                if event.up and self._up_since is None:
                    self._up_since = time.time()
            case PhaseStarted() | RefitStarted():
                self._is_refit |= isinstance(event, RefitStarted)
                self._phase = event.name if isinstance(event, PhaseStarted) else "refitting"
                self._since = time.time()
            case _:
                return False
        return True

    def _plan(self, event: WorkPlanned) -> None:
        fold = event.fold[0] if event.fold else 0
        counted = ("candidates", "splits", "units", "saved", "resumed", "failed", "scores_failed", "varying", "fold")
        self._plans.append(
            {
                "at": time.time(),
                "first": self._before[fold],
                "round": None if self._round is None else vars(self._round).copy(),
                **{name: getattr(event, name) for name in counted},
            }
        )
        self._before[fold] += event.candidates
