"""What schedules that give candidates up have in common: which fits are to do, under way or known.

A line is what is fitted together: a candidate, or several of which the first contains the others. A unit has the fits
of a line on one split, of those of its candidates that are not given up.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from raysk.plans.schedule import fits_of

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence

    from raysk.plans.schedule import Unit

TO_DO, GIVEN, KNOWN, ELSEWHERE = range(4)
"""What may be of a fit. The last is not to be done: it may be heard of all the same, as an earlier run has done it."""


class Lines:
    """The fits of a round, of which a subclass says which are next, and which candidates are given up.

    Parameters
    ----------
    fits : sequence of int
        Those that are to be done, see `raysk.plans.schedule`.
    candidates, splits : int
        How many there are.
    metric : str or None
        The name of the score that decides, where there are several.
    families : iterable of tuple of int
        The lines of several candidates.

    Attributes
    ----------
    pruned : list of int
        The candidates that are given up.
    counted : dict of int to int
        See `raysk.plans.schedule.Schedule`.
    """

    def __init__(
        self,
        fits: Sequence[int],
        candidates: int,
        splits: int,
        *,
        metric: str | None = None,
        families: Iterable[tuple[int, ...]] = (),
    ) -> None:
        self._metric, self._splits = metric, splits
        self._state = np.full((candidates, splits), ELSEWHERE, np.int8)
        self._state.reshape(-1)[np.asarray(fits, np.int64)] = TO_DO
        self._scores = np.full((candidates, splits), math.nan)
        self._families = {each: family for family in families for each in family}
        self._back: list[Unit] = []
        self._left = int((self._state == TO_DO).sum())
        self._open = (self._state == TO_DO).any(axis=1)
        self.pruned: list[int] = []
        self.counted: dict[int, int] = {}

    @property
    def left(self) -> int:
        """How many fits may still be handed out."""
        self._back = [unit for unit in map(self._without_pruned, self._back) if unit]
        return self._left + len(self._back)

    def take(self, count: int, worker: Hashable) -> Sequence[Unit]:  # noqa: ARG002 - the same for all
        """Hand out what was put back, and then what the subclass says."""
        units = self._back[:count]
        del self._back[: len(units)]
        for choose in self._choices():
            for unit in choose(count - len(units)):
                units.append(unit)
                self._give(unit)
        if not units:  # no worker waits, though what is under way may show these not to be needed
            units = list(self._units(self._spare_line(), 1))
            self._give(units[0])
        return units

    def put_back(self, units: Sequence[Unit]) -> None:
        """Take units back, as they are: fits that were lost together are tried one by one."""
        self._back += units

    def hear(self, candidate: int, split: int, result: Mapping[str, Any]) -> None:
        """Take the score of a fit; give up whom it shows not to be worth more."""
        scores = result["test_scores"]
        score = scores.get(self._metric, math.nan) if isinstance(scores, dict) else scores
        self._state[candidate, split] = KNOWN
        self._scores[candidate, split] = score
        self._judge(candidate, split)

    def _choices(self) -> Sequence[Any]:
        """Return functions that yield at most so many units that are next; what they yield is handed out at once."""
        raise NotImplementedError

    def _spare_line(self) -> int:
        """Return the first candidate of a line with folds left, of which none is known to be needed."""
        raise NotImplementedError

    def _judge(self, candidate: int, split: int) -> None:
        """Look at a score that has come."""
        raise NotImplementedError

    def _give_up(self, candidates: np.ndarray[Any, Any]) -> None:
        self._open[candidates] = False
        self._left -= int((self._state[candidates] == TO_DO).sum())
        self.pruned += candidates.tolist()

    def _line(self, candidate: int) -> tuple[int, ...]:
        return self._families.get(candidate, (candidate,))

    def _firsts(self) -> list[int]:
        """Return the first candidate of each line with a fit to do, in order."""
        return list(dict.fromkeys(self._line(each)[0] for each in np.flatnonzero(self._open).tolist()))

    def _members(self, first: int) -> list[int]:
        """Return the candidates of a line that are open."""
        return [each for each in self._line(first) if self._open[each]]

    def _units(self, first: int, count: int, splits: Iterable[int] | None = None) -> Iterator[Unit]:
        """Yield at most so many units of a line, of some splits; None means of all."""
        members = self._members(first)
        for split in range(self._splits) if splits is None else splits:
            if count <= 0:
                return
            fits = [each * self._splits + split for each in members if self._state[each, split] == TO_DO]
            if fits:
                count -= 1
                yield fits[0] if len(fits) == 1 else tuple(fits)

    def _give(self, unit: Unit) -> None:
        self._state.reshape(-1)[list(fits_of(unit))] = GIVEN
        self._left -= len(fits_of(unit))

    def _without_pruned(self, unit: Unit) -> Unit | None:
        """Return what is left of a unit; None if nothing is."""
        fits = tuple(fit for fit in fits_of(unit) if self._open[fit // self._splits])
        return fits if len(fits) > 1 else fits[0] if fits else None
