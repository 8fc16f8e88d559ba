"""Candidates that are significantly worse than the best are given up, fold after fold.

After the first BURN_IN folds, and after each one more, the candidates that are left are compared on the folds that all
of them have: a repeated-measures analysis of variance, in which folds are blocks. One whose difference to the best mean
is significant (one-sided t-test with the pooled residual variance) is given up. This is what finetune's
``tune_race_anova`` does with a linear mixed model (Kuhn 2014, arXiv:1405.6974); where every candidate has every fold
its estimates are those of the closed form used here.

All decide by the same folds, so the answer does not depend on the number of workers.
"""

from __future__ import annotations

import math
from collections import deque
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import stats

from raysk.plans.pruning.lines import KNOWN, TO_DO, Lines

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from raysk.plans.schedule import Unit

BURN_IN, ALPHA = 3, 0.05
"""Folds before the first test, and its level, as finetune has them."""


def significantly_worse(scores: np.ndarray[Any, Any], alpha: float = ALPHA) -> np.ndarray[Any, Any]:
    """Tell which candidates are significantly worse than the best.

    Parameters
    ----------
    scores : array of shape (n_candidates, n_folds)
    alpha : float
        Level of the one-sided tests.

    Returns
    -------
    worse : array of bool of shape (n_candidates,)
        A candidate without a finite score is worse than one that has all.
    """
    whole = np.isfinite(scores).all(axis=1)
    worse = ~whole & whole.any()
    rivals = scores[whole]
    count, folds = rivals.shape
    if count > 1:
        means = rivals.mean(axis=1)
        residuals = rivals - means[:, np.newaxis] - rivals.mean(axis=0) + rivals.mean()
        freedom = (count - 1) * (folds - 1)
        error = math.sqrt(2 * (residuals**2).sum() / freedom / folds)
        limit = stats.t.ppf(1 - alpha, freedom) * error
        worse[whole] = means.max() - means > max(limit, 1e-12 * abs(means).max())
    return worse  # type: ignore[no-any-return]


class Race(Lines):
    """The fits of a round, without those of candidates that are significantly worse than the best.

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
        self._folds = 0  # so many are done of every candidate that is left
        self._missing = len(own)  # so many of them lack the next one
        first_folds = range(min(BURN_IN, splits))
        self._due = deque((first, fold) for fold in first_folds for first in self._firsts_of)

    def _judge(self, candidate: int, split: int) -> None:
        """Compare the candidates once all that are left have one more fold."""
        if split != self._folds or not self._open[candidate]:
            return
        self._missing -= 1
        while not self._missing and self._folds < self._splits:
            self._folds += 1
            self._compare()
            if self._folds < self._splits:
                self._missing = int((self._state[self._open, self._folds] != KNOWN).sum())
                if self._folds >= BURN_IN:
                    self._due.extend((first, self._folds) for first in self._firsts_of)

    def _compare(self) -> None:
        """Give up the candidates that are significantly worse than the best."""
        if not BURN_IN <= self._folds < self._splits:
            return
        left = np.flatnonzero(self._open)
        worse = left[significantly_worse(self._scores[left, : self._folds])]
        self.counted |= dict.fromkeys(worse.tolist(), self._folds)
        self._give_up(worse)
        self._firsts_of = [first for first in self._firsts_of if self._members(first)]

    def _choices(self) -> Sequence[Any]:
        return (self._needed,)

    def _needed(self, count: int) -> Iterator[Unit]:
        """Yield folds that all candidates need which are left."""
        while count > 0 and self._due:
            first, fold = self._due.popleft()
            for unit in self._units(first, 1, (fold,)):
                yield unit
                count -= 1

    def _spare_line(self) -> int:
        """Return the line with the best mean that has folds left."""
        to_do = np.flatnonzero((self._state == TO_DO).any(axis=1) & self._open)
        means = self._scores[to_do, : self._folds].mean(axis=1) if self._folds else np.zeros(len(to_do))
        return self._line(int(to_do[np.nan_to_num(means, nan=-math.inf).argmax()]))[0]
