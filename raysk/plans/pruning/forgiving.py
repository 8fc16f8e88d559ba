"""Candidates whose mean so far is below the worst fold of the best candidate are given up.

The rule is "forgiving" of Bergman, Purucker, Hutter: Don't Waste Your Time: Early Stopping Cross-Validation
(AutoML 2024, PMLR 256). A better candidate may be given up, though seldom.

Which candidate is the best depends on which were looked at before. So that the answer does not depend on the number of
workers, a line goes by the best of those that are at least WINDOW lines before it, whatever else is known by then:

    line   0 1 2 ... | i - WINDOW | ... i - 1 |  i
           their best is looked at            |  fold after fold, each as long as the mean is good enough
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from raysk.plans.pruning.lines import KNOWN, TO_DO, Lines

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from raysk.plans.schedule import Unit

WINDOW = 32
"""So many lines are judged by the same best ones. Fewer give up more; more keep more workers busy towards the end, when
all first folds, which every candidate needs, are done."""


ROUNDING = 1e-12
"""So much, in parts, a mean of equal scores may differ from them in its last bits."""


class Incumbent(NamedTuple):
    """The best candidate so far, by its mean, and the worst of its folds."""

    mean: float
    worst: float


class ForgivingPruning(Lines):
    """The fits of a round, without those of candidates that are worse than the worst fold of the best.

    Parameters
    ----------
    fits, candidates, splits : sequence of int, int, int
        See `Lines`, as for `more`.
    own : sequence of int
        The candidates that are fitted themselves.
    """

    def __init__(self, fits: Sequence[int], candidates: int, splits: int, *, own: Sequence[int], **more: Any) -> None:
        super().__init__(fits, candidates, splits, **more)
        self._open[own] = True
        self._firsts_of = self._firsts()
        self._number = {first: number for number, first in enumerate(self._firsts_of)}
        self._incumbents = [Incumbent(-math.inf, -math.inf)]  # after 0, 1, 2 ... lines that are settled
        self._looked_at = np.zeros(candidates, np.int32)
        self._fresh = 0

    def _judge(self, candidate: int, split: int) -> None:  # noqa: ARG002 - all its folds are looked at in order
        """Take a line as far as is known, and those that have waited for it."""
        waiting = [self._number[self._line(candidate)[0]]]
        while waiting:
            number = waiting.pop()
            before = len(self._incumbents)
            self._settle(number)
            while len(self._incumbents) <= len(self._firsts_of) and self._is_settled(len(self._incumbents) - 1):
                self._incumbents.append(self._best_with(self._firsts_of[len(self._incumbents) - 1]))
            freed = range(before + WINDOW - 1, len(self._incumbents) + WINDOW - 1)
            waiting += [each for each in freed if each < len(self._firsts_of)]

    def _settle(self, number: int) -> None:
        """Look at the folds of a line, in order, and give up its candidates that are too bad."""
        if not self._is_due(number):
            return
        worst = self._incumbents[max(number - WINDOW + 1, 0)].worst
        for each in self._members(self._firsts_of[number]):
            while self._looked_at[each] < self._splits and self._state[each, self._looked_at[each]] == KNOWN:
                self._looked_at[each] += 1
                folds = int(self._looked_at[each])
                mean = self._scores[each, :folds].mean()
                if folds < self._splits and worst > -math.inf and not mean >= worst - ROUNDING * abs(worst):
                    self.counted[each] = folds
                    self._give_up(np.array([each]))
                    break
            if self._looked_at[each] == self._splits:
                self._open[each] = False

    def _is_due(self, number: int) -> bool:
        """Tell whether it is known by which candidate a line is judged."""
        return number - WINDOW + 1 < len(self._incumbents)

    def _is_settled(self, number: int) -> bool:
        return number < len(self._firsts_of) and not self._members(self._firsts_of[number])

    def _best_with(self, first: int) -> Incumbent:
        """Return the best candidate once a line is settled."""
        best = self._incumbents[-1]
        for each in sorted(self._line(first)):
            mean = math.nan if each in self.counted else self._scores[each].mean()
            if mean > best.mean:
                best = Incumbent(mean, self._scores[each].min())
        return best

    def _choices(self) -> Sequence[Any]:
        return self._due, self._first_folds

    def _due(self, count: int) -> Iterator[Unit]:
        """Yield the next fold of each line that others wait for."""
        settled = len(self._incumbents) - 1
        for number in range(settled, min(settled + WINDOW, len(self._firsts_of))):
            if count <= 0:
                return
            first = self._firsts_of[number]
            ahead = self._splits if number < WINDOW else 1  # the first have nobody to be judged by
            at = min((int(self._looked_at[each]) for each in self._members(first)), default=self._splits)
            for unit in self._units(first, count, range(at, min(at + ahead, self._splits))):
                yield unit
                count -= 1

    def _first_folds(self, count: int) -> Iterator[Unit]:
        """Yield the first folds of lines, which all need."""
        while count > 0 and self._fresh < len(self._firsts_of):
            first = self._firsts_of[self._fresh]
            self._fresh += 1
            for unit in self._units(first, 1, range(1)):
                yield unit
                count -= 1

    def _spare_line(self) -> int:
        """Return the first line with folds left."""
        to_do = (self._state == TO_DO).any(axis=1) & self._open
        return self._line(int(to_do.argmax()))[0]
