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

from raysk.plans.schedule import fits_of

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence

    from raysk.plans.schedule import Unit

MARGIN = 1e-9
"""So much, in parts of the largest score, a bound must be below the best: sums of floats differ in their last bits."""

AHEAD = 8
"""A message has at most one part in so many of the fits that are left, as what it brings changes which are needed."""

TO_DO, GIVEN, KNOWN = 0, 1, 2
"""What may be of a fit."""


class ExactPruning:
    """The fits of a round, without those of candidates that cannot win.

    A line is what is fitted together: a candidate, or several of which the first contains the others.

    Parameters
    ----------
    fits : sequence of int
        Those that are to be done, see `raysk.plans.schedule`.
    candidates, splits : int
        How many there are.
    maximum : float
        The largest score.
    metric : str or None
        The name of the score that decides, where there are several.
    families : iterable of tuple of int
        The lines of several candidates.

    Attributes
    ----------
    pruned : list of int
        The candidates that are given up.
    best : float
        The best mean of a candidate of which every fold is done.
    """

    def __init__(  # noqa: PLR0913 - what is to be done, and by what it is judged
        self,
        fits: Sequence[int],
        candidates: int,
        splits: int,
        *,
        maximum: float,
        metric: str | None = None,
        families: Iterable[tuple[int, ...]] = (),
    ) -> None:
        self._maximum, self._metric, self._splits = maximum, metric, splits
        self._state = np.full((candidates, splits), KNOWN, np.int8)
        self._state.reshape(-1)[np.asarray(fits, np.int64)] = TO_DO
        self._sums, self._largest = np.zeros(candidates), np.zeros(candidates)
        self._heard = np.zeros(candidates, np.int32)
        self._open = (self._state == TO_DO).any(axis=1)
        self._of_splits = np.zeros(splits)
        self._families = {each: family for family in families for each in family}
        starts = (self._line(each)[0] for each in np.flatnonzero(self._open).tolist())
        self._fresh = deque(dict.fromkeys(starts))
        self._promise = np.full(candidates, -math.inf)  # of a line that is begun, by its first candidate
        self._back: list[Unit] = []
        self._left = int((self._state == TO_DO).sum())
        self.pruned: list[int] = []
        self.best = -math.inf

    @property
    def left(self) -> int:
        """How many fits may still be handed out."""
        self._back = [unit for unit in map(self._without_pruned, self._back) if unit]
        return self._left + len(self._back)

    def take(self, count: int, worker: Hashable) -> Sequence[Unit]:  # noqa: ARG002 - the same for all
        """Hand out what raises the best, then first folds, then what may be needed to give others up."""
        units = self._back[:count]
        del self._back[: len(units)]
        for choose in (self._rising, self._first_folds, self._needed):
            for unit in choose(count - len(units)):
                units.append(unit)
                self._give(unit)
        if not units:  # no worker waits, though what is under way may show these not to be needed
            units = list(self._units(self._least_known(), 1))
            self._give(units[0])
        return units

    def put_back(self, units: Sequence[Unit]) -> None:
        """Take units back, as they are: fits that were lost together are tried one by one."""
        self._back += units

    def hear(self, candidate: int, split: int, result: Mapping[str, Any]) -> None:
        """Take the score of a fit; give up whom it shows not to win."""
        scores = result["test_scores"]
        score = scores.get(self._metric, math.nan) if isinstance(scores, dict) else scores
        self._state[candidate, split] = KNOWN
        self._heard[candidate] += 1
        self._sums[candidate] += score
        self._largest[candidate] = max(self._largest[candidate], abs(score))
        if self._heard[candidate] == self._splits:
            self._finish(candidate)
        elif self._open[candidate]:
            self._prune(np.array([candidate]))
        self._judge(self._line(candidate))

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
        lost = candidates[(bounds < self.best - MARGIN * scale) | np.isnan(sums)]
        self._open[lost] = False
        self._left -= int((self._state[lost] == TO_DO).sum())
        self.pruned += lost.tolist()
        for each in lost.tolist():
            self._judge(self._line(each))

    # ------------------------------------------------------------------ what is next

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
        for first in self._by_promise():
            if count <= 0:
                return
            for unit in self._units(first, min(self._folds_needed(first), count)):
                yield unit
                count -= 1

    def _least_known(self) -> int:
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

    # ------------------------------------------------------------------ lines

    def _line(self, candidate: int) -> tuple[int, ...]:
        return self._families.get(candidate, (candidate,))

    def _members(self, first: int) -> list[int]:
        """Return the candidates of a line that are open."""
        return [each for each in self._line(first) if self._open[each]]

    def _judge(self, line: tuple[int, ...]) -> None:
        """Note how promising a line is, if any of its folds may be handed out: the best mean among its members."""
        means = [
            self._sums[each] / self._heard[each]
            for each in self._members(line[0])
            if self._heard[each] and (self._state[each] == TO_DO).any()
        ]
        self._promise[line[0]] = max(means, default=-math.inf)

    def _units(self, first: int, count: int) -> Iterator[Unit]:
        """Yield at most so many units of a line."""
        members = self._members(first)
        for split in range(self._splits):
            if count <= 0:
                return
            fits = [each * self._splits + split for each in members if self._state[each, split] == TO_DO]
            if fits:
                count -= 1
                yield fits[0] if len(fits) == 1 else tuple(fits)

    def _give(self, unit: Unit) -> None:
        self._state.reshape(-1)[list(fits_of(unit))] = GIVEN
        self._left -= len(fits_of(unit))
        self._judge(self._line(fits_of(unit)[0] // self._splits))

    def _without_pruned(self, unit: Unit) -> Unit | None:
        """Return what is left of a unit; None if nothing is."""
        fits = tuple(fit for fit in fits_of(unit) if self._open[fit // self._splits])
        return fits if len(fits) > 1 else fits[0] if fits else None
