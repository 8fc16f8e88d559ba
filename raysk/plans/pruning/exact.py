"""Candidates that cannot win are given up; the winner is scikit-learn's.

    a candidate's mean score <= (its scores so far + folds left x maximum) / folds = its bound
    bound < best mean of a candidate with all folds: it cannot be among the best, whatever its other folds would say

The order of the fits makes the best mean rise early. The first fold of nearly every candidate is needed anyway; one
that is better than the best so far is done to its end at once; then come the most promising of the others. Each is
handed out as many folds at a time as it needs if they are like those before, so that no worker waits.
"""

from __future__ import annotations

import math
from collections import deque
from typing import TYPE_CHECKING, Any

import numpy as np

from raysk.errors import UsageError
from raysk.plans.pruning.lines import GIVEN, TO_DO, Lines

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterator, Sequence

    from raysk.plans.schedule import Unit

MARGIN = 1e-9
"""So much, in parts of the largest score, a bound must be below the best: sums of floats differ in their last bits."""

TINY = 1e-3
"""Of a metric whose scores are all smaller, the margin is as if they were this large: an error of 0 may come out as
1e-17."""

AHEAD = 8
"""A message has at most one part in so many of the fits that are left, as what it brings changes which are needed."""

PARTS = 4
"""So many messages are there instead of one: what is under way was chosen before its neighbours were heard of. On 8
workers with fits of 30 ms, 38 % of the fits of the published SVC space are done with it, 55 % without (simulated)."""


class ExactPruning(Lines):
    """The fits of a round, without those of candidates that cannot win.

    Parameters
    ----------
    fits, candidates, splits : sequence of int, int, int
        See `Lines`, as for `more`.
    maximum : float
        The largest score.

    Attributes
    ----------
    best : float
        The best mean of a candidate of which every fold is done.
    """

    def __init__(self, fits: Sequence[int], candidates: int, splits: int, *, maximum: float, **more: Any) -> None:
        super().__init__(fits, candidates, splits, **more)
        self._maximum, self.best = maximum, -math.inf
        self._sums, self._largest = np.zeros(candidates), np.zeros(candidates)
        self._heard = np.zeros(candidates, np.int32)
        self._fresh = deque(self._firsts())
        self._promise = np.full(candidates, -math.inf)  # of a line that is begun, by its first candidate

    def take(self, count: int, worker: Hashable) -> Sequence[Unit]:
        """Hand out a part of what a worker has room for."""
        return super().take(max(count // PARTS, 1), worker)

    def _choices(self) -> Sequence[Any]:
        return self._rising, self._first_folds, self._needed

    def _judge(self, candidate: int, split: int) -> None:
        """Take a score; give up whom it shows not to win."""
        score = self._scores[candidate, split]
        self._heard[candidate] += 1
        self._sums[candidate] += score
        if score > self._maximum + MARGIN * max(abs(self._maximum), TINY):
            raise UsageError(
                f"A fit has the score {score:g}, which is above {self._maximum:g}: --prune exact took that for the "
                "largest.\nGo on with the right one: raysk resume RUN --score-max N\n"
                "or without pruning: raysk search FILE --resume RUN"
            )
        self._largest[candidate] = max(self._largest[candidate], abs(score))
        if self._heard[candidate] == self._splits:
            self._finish(candidate)
        elif self._open[candidate]:
            self._prune(np.array([candidate]))
        self._rate(candidate)

    def _finish(self, candidate: int) -> None:
        """Take the mean of a candidate of which every fold is done; if it is the best, others may have lost."""
        mean = self._sums[candidate] / self._splits
        self._open[candidate] = False
        if mean > self.best:
            self.best = mean
            self._prune(np.flatnonzero(self._open))

    def _prune(self, candidates: np.ndarray[Any, Any]) -> None:
        """Give up those of some candidates that cannot win, or have no score where another has one."""
        if self.best == -math.inf or not len(candidates):
            return
        sums, left = self._sums[candidates], self._splits - self._heard[candidates]
        bounds = (sums + left * self._maximum) / self._splits
        scale = np.maximum(self._largest[candidates], max(abs(self._maximum), abs(self.best)))
        lost = candidates[(bounds < self.best - MARGIN * np.maximum(scale, TINY)) | np.isnan(sums)]
        self._give_up(lost)
        for each in lost.tolist():
            self._rate(each)

    def _rate(self, candidate: int) -> None:
        """Note how promising a candidate's line is, if a fold of it is to do: the best mean among its members."""
        first = self._line(candidate)[0]
        means = [
            self._sums[each] / self._heard[each]
            for each in self._members(first)
            if self._heard[each] and (self._state[each] == TO_DO).any()
        ]
        self._promise[first] = max(means, default=-math.inf)

    def _give(self, unit: Unit) -> None:
        super()._give(unit)
        self._rate((unit[0] if isinstance(unit, tuple) else unit) // self._splits)

    def _rising(self, count: int) -> Iterator[Unit]:
        """Yield the folds left of the most promising line, if it is better than the best."""
        first = int(self._promise.argmax()) if len(self._promise) else 0
        if count > 0 and self._promise[first] > self.best:
            yield from self._units(first, count)

    def _first_folds(self, count: int) -> Iterator[Unit]:
        """Yield the first folds of lines that are not begun."""
        while count > 0 and self._fresh:
            for unit in self._units(self._fresh.popleft(), 1):
                yield unit
                count -= 1

    def _needed(self, count: int) -> Iterator[Unit]:
        """Yield folds that are probably needed, those of the most promising lines first."""
        count = min(count, max(self._left // AHEAD, 1))
        for first in self._by_promise() if count > 0 else ():
            for unit in self._units(first, min(self._folds_needed(first), count)):
                yield unit
                count -= 1
            if count <= 0:
                return

    def _spare_line(self) -> int:
        """Return the most promising line with folds left; where none has a score, one with the most folds left."""
        if begun := self._by_promise():
            return begun[0]
        to_do = (self._state == TO_DO).sum(axis=1) * self._open
        return self._line(int(to_do.argmax()))[0]

    def _by_promise(self) -> list[int]:
        begun = np.flatnonzero(self._promise > -math.inf)
        return begun[np.argsort(-self._promise[begun], kind="stable")].tolist()  # type: ignore[no-any-return]

    def _folds_needed(self, first: int) -> int:
        """Return how many more folds of a line are needed if they are like those before."""
        return max((self._folds_to_lose(each) for each in self._members(first)), default=0)

    def _folds_to_lose(self, candidate: int) -> int:
        """Return after how many folds a candidate will be given up, if they are like those before; less those given."""
        given = int((self._state[candidate] == GIVEN).sum())
        left, mean = self._splits - self._heard[candidate], self._sums[candidate] / max(self._heard[candidate], 1)
        room = self._sums[candidate] + left * self._maximum - self._splits * self.best
        lead = self._maximum - mean
        enough = left if not (math.isfinite(room) and lead > 0) else math.floor(room / lead) + 1
        return int(min(max(enough, 1), left)) - given
