"""The results of one round of a search as they come in: from the journal, from workers, or given up.

stream -> Board.put -> journal, events
-> out, in scikit-learn's order: candidate x n_splits + split
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any

import numpy as np

from raysk import _compat
from raysk.errors import TaskLost
from raysk.events import CandidateDone, FitLost, WorkDone
from raysk.plans import warned

if TYPE_CHECKING:
    from collections.abc import Sequence

    from raysk.plans.search import Rounds

_parts = _compat.search_parts()


class Board:
    """Results of one round as they come in; tells the sink."""

    def __init__(
        self, rounds: Rounds, candidates: list[dict[str, Any]], leaders: list[int], splits: list[tuple[Any, Any]]
    ) -> None:
        self.out: list[Any] = [None] * (len(candidates) * len(splits))
        self._followers: defaultdict[int, list[int]] = defaultdict(list)
        for candidate, leader in enumerate(leaders):
            if candidate != leader:
                self._followers[leader].append(candidate)
        n_splits = len(splits)
        own = [candidate for candidate, leader in enumerate(leaders) if candidate == leader]
        self.units: Sequence[int] = range(len(self.out))
        if self._followers:
            self.units = [candidate * n_splits + split for candidate in own for split in range(n_splits)]
        self._rounds, self.candidates, self.splits = rounds, candidates, splits
        self._journal = rounds.journal_round(candidates, splits)
        self._waiting = [len(splits)] * len(candidates)
        self._warnings = warned.Repeater()

    def done(self) -> list[int]:
        """Return the candidates of which every split is done."""
        n_splits = len(self.splits)
        return [
            number
            for number in range(len(self.candidates))
            if all(result is not None for result in self.out[number * n_splits : (number + 1) * n_splits])
        ]

    def recall(self) -> None:
        """Take what the journal knows, and leave the rest to be done."""
        known = self._journal.known(self.units)
        if known:
            self.units = [unit for unit in self.units if unit not in known]
        self.resumed = len(known)
        self.failed = sum(self._take(unit, result) for unit, result in known.items())

    def put(self, units: Sequence[int], values: Sequence[Any], busy_s: float) -> None:
        """Take a block of results; a fit that was given up counts as a failed one."""
        done = [(unit, value) for unit, value in zip(units, values, strict=True) if not isinstance(value, TaskLost)]
        self._journal.add((unit, result) for unit, (result, _) in done)  # not what was lost: resume tries it again
        for _, (_, heard) in done:
            if heard:
                self._warnings.warn(heard)
        results = [(unit, result) for unit, (result, _) in done]
        results += [
            (unit, self._lost(unit, each))
            for unit, each in zip(units, values, strict=True)
            if isinstance(each, TaskLost)
        ]
        failed = sum(self._take(unit, result) for unit, result in results)
        self._rounds.pool.sink(WorkDone(units=len(units), failed=failed, busy_s=busy_s))

    def _take(self, unit: int, result: dict[str, Any]) -> int:
        """Take the result of a fit, also for those that would be done alike; returns how many of them failed."""
        candidate, split = divmod(unit, len(self.splits))
        followers = self._followers.get(candidate, ())
        errors = [result["fit_error"]] * (1 + len(followers)) if result["fit_error"] is not None else []
        self._rounds.watch.hear_failures(errors)
        self._put_down(candidate, split, result)
        for follower in followers:
            self._put_down(follower, split, dict(result))
        return len(errors)

    def _put_down(self, candidate: int, split: int, result: dict[str, Any]) -> None:
        self.out[candidate * len(self.splits) + split] = result
        self._waiting[candidate] -= 1
        if not self._waiting[candidate]:
            done = self._done(candidate)
            self._rounds.pool.sink(done)
            self._rounds.watch.hear_candidate(done)

    def _lost(self, unit: int, loss: TaskLost) -> dict[str, Any]:
        """Return what scikit-learn would return for a fit that failed."""
        search = self._rounds.search
        if search.error_score == "raise":
            raise loss
        self._tell_of_loss(unit, loss)
        scorers = self._rounds.scorers
        scores: Any = search.error_score
        if is_multimetric(scorers):
            scores = dict.fromkeys(scorers._scorers, scores)
        test = self.splits[unit % len(self.splits)][1]
        result = {"fit_error": f"TaskLost: {loss}\n", "test_scores": scores, "fit_time": 0.0, "score_time": 0.0}
        result["n_test_samples"] = np.count_nonzero(test) if np.asarray(test).dtype == bool else len(test)
        if search.return_train_score:
            result["train_scores"] = scores
        return result

    def _tell_of_loss(self, unit: int, loss: TaskLost) -> None:
        """Name the fits that a loss is one of: that of its candidate, and those that would be done alike."""
        candidate, split = divmod(unit, len(self.splits))
        for each in (candidate, *self._followers.get(candidate, ())):
            number, params = len(self._rounds.candidates) + each, self.candidates[each]
            self._rounds.pool.sink(FitLost(candidate=number, params=params, split=split, reason=str(loss)))

    def _done(self, candidate: int) -> CandidateDone:
        n_splits = len(self.splits)
        results = self.out[candidate * n_splits : (candidate + 1) * n_splits]
        rows = [result["test_scores"] for result in results]
        named = [row if isinstance(row, dict) else {"score": row} for row in rows]
        metrics = set(named[0]).intersection(*named)  # a fit that failed may have one score where others have several
        means = {metric: _mean([row[metric] for row in named]) for metric in sorted(metrics)}
        metric = self._rounds.metric if isinstance(rows[0], dict) else "score"
        return CandidateDone(
            index=len(self._rounds.candidates) + candidate,
            params=self.candidates[candidate],
            score=means.get(metric) if isinstance(metric, str) else None,
            scores=means,
            failed=sum(result["fit_error"] is not None for result in results),
        )


def _mean(scores: Sequence[float]) -> float:
    return float(np.add.reduce(scores) / len(scores))  # as np.mean, in a third of its time


def is_multimetric(scorers: Any) -> bool:
    """Tell whether a search has several metrics."""
    return isinstance(scorers, _parts.MultimetricScorer)
