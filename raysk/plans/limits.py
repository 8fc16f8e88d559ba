"""When a search ends though not all its fits are done: who hears of what, and who decides.

RoundResults: failed fits, done candidates -> Watch.reason -> Rounds: Enough -> cut short, with what is done
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

from raysk.errors import NoScore, NothingFinished, TooManyFailures, UsageError
from raysk.jobs import no_metric_decides
from raysk.util.exits import Ordered

if TYPE_CHECKING:
    from collections.abc import Iterable

    from raysk.events import CandidateDone
    from raysk.jobs import Limits

INTERRUPTED, NO_SCORE, TIME_BUDGET, STOP_AT, PATIENCE, MAX_FAILURES = (
    "interrupted",
    "no-score",
    "time-budget",
    "stop-at",
    "patience",
    "max-failures",
)
"""Why a search ended early, as its summary says it: but for the first two, the option that did it."""

FEWEST_WITHOUT_SCORE = 10
"""So many whole candidates, or one a worker if that is more, all without a score and for the same reason, are taken for
a sign that no candidate will have one."""


class Enough(Ordered):
    """A limit is reached. Leaves a search's own loop, which may catch an Exception.

    Parameters
    ----------
    reason : str
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Watch:
    """Hears how a search goes on, and knows whether a limit is reached.

    Parameters
    ----------
    limits : Limits

    Attributes
    ----------
    reason : str or None
        Which limit is reached, the first one if there are several; None while the search may go on. A time budget is
        the pool's to keep.
    """

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self.reason: str | None = None
        self._errors: list[str] = []
        self._reasons: set[str] = set()
        self._best, self._no_better = -math.inf, 0
        self._without_score: list[str | None] | None = []  # why; None once there is a score
        self._planned = _Planned(0, 0, 1)

    def begin_round(self, candidates: int, splits: int, workers: int) -> None:
        """Forget the best: in each round of halving candidates are judged anew, on more data."""
        self._best, self._no_better = -math.inf, 0
        self._planned = _Planned(candidates, candidates * splits, workers)

    def is_new(self, reason: str) -> bool:
        """Tell whether nothing failed for this reason before; it is not new from now on."""
        new = reason not in self._reasons
        self._reasons.add(reason)
        return new

    def hear_failures(self, errors: Iterable[str]) -> None:
        """Hear of fits that failed, by what they raised."""
        self._errors.extend(errors)
        if self.limits.max_failures is not None and len(self._errors) > self.limits.max_failures:
            self.reason = self.reason or MAX_FAILURES

    def hear_candidate(self, done: CandidateDone) -> None:
        """Hear of a candidate of which every split is done; one that is given up was no better than the best, if any.

        Raises
        ------
        UsageError
            If a limit goes by the score, and no metric decides: of a scoring function only its results tell.
        """
        if done.score is None and not (done.failed or done.pruned) and self.limits.by_score:
            raise UsageError(no_metric_decides(self.limits))
        if done.pruned and self._best == -math.inf:
            return
        score = math.nan if done.score is None else done.score
        better = score > self._best
        self._best, self._no_better = (score, 0) if better else (self._best, self._no_better + 1)
        if self.limits.stop_at is not None and score >= self.limits.stop_at:
            self.reason = self.reason or STOP_AT
        if self.limits.patience is not None and self._no_better >= self.limits.patience:
            self.reason = self.reason or PATIENCE

    def hear_score(self, done: CandidateDone) -> None:
        """Hear of a candidate that was fitted itself: a search of which none has a score may be without hope."""
        if self._without_score is None:
            return
        scores = done.scores.values() if done.score is None else [done.score]
        if any(map(math.isfinite, scores)) or (not scores and not done.failed):
            self._without_score = None
            return
        self._without_score.append(done.error)
        enough = max(FEWEST_WITHOUT_SCORE, self._planned.workers)
        required = self.limits.require_score and self.limits.max_failures is None  # else the person has decided
        if required and len(self._without_score) == enough and len(set(self._without_score)) == 1:
            self.reason = self.reason or NO_SCORE

    def end_round(self, *, all_done: bool) -> None:
        """Raise `Enough` if this round was not finished; if all is done, only because too many fits failed."""
        if not all_done or self.reason in {MAX_FAILURES, NO_SCORE}:
            raise Enough(self.reason or TIME_BUDGET)

    def verdict(self, end: BaseException) -> tuple[str, BaseException | None]:
        """Return why a search has ended, and what is to be raised when its results are there.

        That is None for a limit which the person has set to be content with what is done by then.
        """
        if not isinstance(end, Enough):
            return INTERRUPTED, end
        if end.reason == MAX_FAILURES:
            return end.reason, TooManyFailures(self.limits.max_failures or 0, self._errors)
        if end.reason == NO_SCORE:
            return end.reason, self.no_score(early=True)
        return end.reason, None

    def no_score(self, *, early: bool = False) -> NoScore:
        """Return the error of a search of which no candidate has a score, so far or at its end."""
        reasons, planned = self._without_score or [], self._planned
        which = f"None of the first {len(reasons):,} of {planned.candidates:,} candidates" if early else "No candidate"
        extent = f"{which} has a finite score" + (", all for the same reason" if len(set(reasons)) == 1 else "")
        advice = "Choose another metric with --scoring, or mend what fails."
        if early:
            advice = f"The search ended early. {advice}\nTo go on all the same: --max-failures {planned.fits}"
        return NoScore(extent, reasons[0] if reasons else None, advice)


class _Planned(NamedTuple):
    """What a round is to do, and with how many workers."""

    candidates: int
    fits: int
    workers: int


def nothing_finished() -> NothingFinished:
    """Return the error of a search that is over before a candidate is done; only its time can be."""
    return NothingFinished("The time budget is over, and no candidate is done yet.\nAllow more time.")
