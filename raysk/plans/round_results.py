"""The results of one round of a search as they come in: from the journal, from workers, or given up.

stream -> RoundResults.put -> journal, events
-> results, in scikit-learn's order: candidate x n_splits + split

Of candidates that are fitted alike only the first, their leader, has results; the others are told of by it. Candidates
that the schedule prunes keep the results that they have.
"""

from __future__ import annotations

import math
import time
from array import array
from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from raysk._compat import sklearn as sklearn_private
from raysk.errors import TaskLost, error_text
from raysk.events import CandidateDone, FitFailed, FitLost, WorkDone
from raysk.plans import relayed_warnings
from raysk.plans.schedule import InOrder, fits_of
from raysk.plans.shared_fits import SharedFits
from raysk.pool.by_node import node_name
from raysk.runs.journal_round import Done

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from raysk.plans.limits import Watch
    from raysk.plans.schedule import Schedule, Unit
    from raysk.pool import Pool
    from raysk.pool.task import Block
    from raysk.runs.journal_round import NoRound, Round

_parts = sklearn_private.search_parts()


@dataclass(frozen=True, kw_only=True)
class Scoring:
    """What results of a search look like.

    Parameters
    ----------
    scorers : object
        scikit-learn's.
    metric : str or None
        By which a search with several metrics chooses, if it does by one.
    error_score : float or "raise"
    train : bool
        Whether training scores are returned.
    """

    scorers: Any
    metric: str | None
    error_score: Any
    train: bool


class RoundResults:
    """Results of one round as they come in; tells the pool's sink, the journal and the watch.

    Parameters
    ----------
    candidates, leaders, splits : list, array, list
        The round's; see `raysk.plans.shared_fits` for leaders.
    before : int
        Number of candidates in the rounds before.
    pool : Pool
    journal : Round or NoRound
        The journal's part for these fits.
    watch : Watch
    scoring : Scoring
    """

    def __init__(  # noqa: PLR0913 - what is to be done, and the four that hear of it
        self,
        candidates: list[dict[str, Any]],
        leaders: np.ndarray[Any, Any],
        splits: list[Any],
        *,
        before: int,
        pool: Pool,
        journal: Round | NoRound,
        watch: Watch,
        scoring: Scoring,
    ) -> None:
        self.candidates, self.splits = candidates, splits
        self.leaders, self._alike = leaders, SharedFits(leaders)
        self._results: list[Any] = [None] * (len(candidates) * len(splits))  # of leaders only
        self.fits: Sequence[int] = range(len(self._results))
        if self._alike:
            fits = self.own()[:, np.newaxis] * len(splits) + np.arange(len(splits))
            self.fits = array("q", fits.astype(np.int64).tobytes())
        self._before, self._pool, self._journal, self._watch, self._scoring = before, pool, journal, watch, scoring
        self._waiting = np.full(len(candidates), len(splits), np.int32)
        self._schedule: Schedule = InOrder(())
        self.resumed, self.failures = 0, dict[str, Any]()
        self._pruned, self._given_up = 0, 0  # fits and candidates, as they were told of
        self._warnings = relayed_warnings.Repeater()
        self._told_of: set[int] = set()  # pruned candidates: fits that were under way may still come
        self._errors: dict[int, str] = {}  # of each candidate the first

    def result(self, candidate: int, split: int) -> dict[str, Any] | None:
        """Return the result of a fit, None if it is not done, or of a candidate that is not fitted itself."""
        found: dict[str, Any] | None = self._results[candidate * len(self.splits) + split]
        return found

    def own(self) -> np.ndarray[Any, Any]:
        """Return the candidates that are fitted themselves."""
        return np.flatnonzero(self.leaders == np.arange(len(self.leaders)))

    def running(self) -> Sequence[tuple[int, float]]:
        """Return the fits that have run for a while, and since when, as times of `time.monotonic`."""
        return [(fits_of(unit)[0], since) for unit, since in self._pool.alone]

    def done(self) -> np.ndarray[Any, Any]:
        """Return the candidates that are finished; those that would be done alike are among them."""
        return np.flatnonzero(self._fits_left_of()[self.leaders] == 0)

    def done_themselves(self) -> np.ndarray[Any, Any]:
        """Return the candidates that are finished, without those that would be done alike."""
        own = self.own()
        done: np.ndarray[Any, Any] = own[self._fits_left_of()[own] == 0]
        return done

    @property
    def all_done(self) -> bool:
        """Whether every candidate is finished: every split of it is done, or it is pruned."""
        return not self._fits_left_of()[self.leaders].any()

    def _fits_left_of(self) -> np.ndarray[Any, Any]:
        """Return how many fits of each candidate are to be done; none of one that is pruned."""
        pruned = self._schedule.pruned
        if not len(pruned):
            return self._waiting
        left: np.ndarray[Any, Any] = self._waiting.copy()
        left[np.asarray(pruned)] = 0
        return left

    @property
    def fits_left(self) -> int:
        """How many fits are to be done."""
        return int(self._fits_left_of()[self.own()].sum())

    def results(self, candidates: Iterable[int]) -> list[dict[str, Any]]:
        """Return the results of candidates, in scikit-learn's order; those of alike ones are one object.

        A fit that was not done, as its candidate is given up, has NaN for its scores and times.
        """
        n_splits = len(self.splits)
        starts = (self.leaders[np.asarray(candidates, np.int64)] * n_splits).tolist()
        fits = (fit for start in starts for fit in range(start, start + n_splits))
        counted = self._schedule.counted
        return [
            self._given_up_fit(fit)
            if self._results[fit] is None or fit % n_splits >= counted.get(fit // n_splits, n_splits)
            else self._results[fit]
            for fit in fits
        ]

    def pruned(self, candidates: Iterable[int]) -> list[bool]:
        """Tell which candidates were given up before all their splits were done."""
        given_up = np.zeros(len(self.candidates), bool)
        given_up[np.asarray(self._schedule.pruned, np.int64)] = True
        given_up &= self._waiting > 0
        given_up[list(self._schedule.counted)] = True
        return given_up[self.leaders[np.asarray(candidates, np.int64)]].tolist()  # type: ignore[no-any-return]

    def recall(self) -> None:
        """Take what the journal knows, and leave the rest to be done."""
        known = self._journal.known(self.fits)
        if known:
            self.fits = array("q", (fit for fit in self.fits if fit not in known))
        self.resumed = len(known)
        self.failures = self._take_all(known.items())

    def recall_proposed(self, fits: Sequence[int]) -> list[int]:
        """Take what the journal knows of the fits of a candidate that was just proposed; return the others."""
        known = self._journal.known_of(fits)
        if known:
            failures = self._take_all(known.items())
            self._pool.sink(WorkDone(units=len(known), resumed=len(known), **failures))
            for fit in known:
                self._hear(fit)
        return [fit for fit in fits if fit not in known]

    def begin(self, schedule: Schedule) -> None:
        """Let a schedule hear of results from now on, and of those that the journal knows."""
        self._schedule = schedule
        for fit in np.flatnonzero([result is not None for result in self._results]).tolist() if self.resumed else ():
            self._hear(fit)

    def _hear(self, fit: int) -> None:
        candidate, split = divmod(fit, len(self.splits))
        self._schedule.hear(candidate, split, self._results[fit])

    def put(self, block: Block) -> None:
        """Take a block of results; a fit that was given up counts as a failed one."""
        done, lost, shared = self._told(block.units, block.values)
        steps = sum(result.pop("steps_shared", 0) for _, (result, _) in done)  # our own note
        results = [(fit, result) for fit, (result, _) in done]
        node = None if block.node is None else node_name(block.node)
        worker = None if block.worker is None else f"{node or ''}:{block.worker}"
        self._journal.add(results, Done(ended=time.time(), wall_s=block.wall_s, worker=worker))
        # what was lost is not in the journal: resume tries it again
        results += [(fit, self._lost(fit, loss)) for fit, loss in lost]
        failures = self._take_all(results)
        for fit, _ in results:
            self._hear(fit)
        pruned = self._newly_pruned()
        counts: dict[str, Any] = {"shared": shared, "pruned": pruned, "steps_shared": steps}
        self._pool.sink(WorkDone(units=len(results), busy_s=block.wall_s, node=node, **counts, **failures))
        self._tell_of_pruned()
        for _, (_, heard) in done:
            if heard:
                self._warnings.warn(heard)

    def _told(self, units: Sequence[Unit], values: Sequence[Any]) -> tuple[list[Any], list[Any], int]:
        """Return what a block tells: fits that are done, fits that are lost, and how many were contained in others.

        Several fits that were lost together are tried again one by one: the first may be too large, and not the others.
        """
        done: list[Any] = []
        lost: list[Any] = []
        shared = 0
        for unit, value in zip(units, values, strict=True):
            if not isinstance(unit, tuple):
                (lost if isinstance(value, TaskLost) else done).append((unit, value))
            elif isinstance(value, TaskLost):
                self._schedule.put_back(unit)
            else:
                done += zip(unit, value, strict=True)
                copies = sum(result.pop("is_copy", False) for result, _ in value)  # our own note
                shared += max(copies - 1, 0)
        return done, lost, shared

    def tell_of_known(self) -> None:
        """Tell of candidates that are given up by what an earlier run has done."""
        if pruned := self._newly_pruned():
            self._pool.sink(WorkDone(units=0, pruned=pruned))
        self._tell_of_pruned()

    def _newly_pruned(self) -> int:
        """Return how many fits need no longer be done since this was asked last."""
        before, pruned = self._pruned, self._schedule.pruned
        self._pruned = int(self._waiting[np.asarray(pruned)].sum()) if len(pruned) else 0
        return self._pruned - before

    def _take_all(self, results: Iterable[tuple[int, dict[str, Any]]]) -> dict[str, Any]:
        """Take results; returns what failed of them, as `WorkDone` and `WorkPlanned` have it."""
        failed = {"failed": 0, "scores_failed": 0}
        reasons: Counter[str] = Counter()
        for unit, result in results:
            why = _why_failed(result)
            followers = self._alike.followers(unit // len(self.splits))
            if why is not None:
                many = 1 + len(followers)
                failed["failed" if result["fit_error"] is not None else "scores_failed"] += many
                reasons[why] += many
                self._tell_of_failure(unit, why)
            self._take(unit, result, why, followers)
        return {**failed, "reasons": dict(reasons)}

    def _take(self, unit: int, result: dict[str, Any], why: str | None, followers: Sequence[int]) -> None:
        """Take the result of a fit, also for those that would be done alike."""
        candidate = unit // len(self.splits)
        if result["fit_error"] is not None:
            self._watch.hear_failures([result["fit_error"]] * (1 + len(followers)))
        if why is not None:
            self._errors.setdefault(candidate, why)
        if "score_error" in result:  # our own note: scikit-learn's results have all the same keys
            result = {name: value for name, value in result.items() if name != "score_error"}
        self._results[unit] = result
        self._waiting[candidate] -= 1
        if not self._waiting[candidate] and candidate not in self._told_of:
            self._tell_of_candidates(self._done(candidate), followers)

    def _tell_of_failure(self, unit: int, why: str) -> None:
        """Tell of a failure of a kind that there was none of before."""
        if self._watch.is_new(why):
            candidate, split = divmod(unit, len(self.splits))
            number, params = self._before + candidate, self.candidates[candidate]
            self._pool.sink(FitFailed(candidate=number, params=params, split=split, reason=why))

    def _tell_of_pruned(self) -> None:
        """Tell of candidates that were given up since."""
        pruned = self._schedule.pruned[self._given_up :]
        self._given_up += len(pruned)
        for candidate in pruned:
            if self._waiting[candidate]:
                self._told_of.add(candidate)
                number, params = self._before + candidate, self.candidates[candidate]
                done = CandidateDone(index=number, params=params, score=None, pruned=True)
                self._tell_of_candidates(done, self._alike.followers(candidate))

    def _tell_of_candidates(self, done: CandidateDone, followers: Sequence[int]) -> None:
        """Tell that a candidate is done, and with it those that would be done alike."""
        before = self._before
        if not done.pruned:
            self._watch.hear_score(done)
        alike = (replace(done, index=before + each, params=self.candidates[each], alike=True) for each in followers)
        for each in (done, *alike):
            self._pool.sink(each)
            self._watch.hear_candidate(each)

    def _lost(self, unit: int, loss: TaskLost) -> dict[str, Any]:
        """Return what scikit-learn would return for a fit that failed."""
        if self._scoring.error_score == "raise":
            raise loss
        self._tell_of_loss(unit, loss)
        return self._not_fitted(unit, self._scoring.error_score, 0.0) | {"fit_error": f"TaskLost: {loss}\n"}

    def _given_up_fit(self, fit: int) -> dict[str, Any]:
        """Return the result of a fit that is not done; its metrics are those that a scoring function has told of."""
        result = self._not_fitted(fit, math.nan, math.nan)
        told = (each["test_scores"] for each in self._results if each is not None)
        names = next((scores for scores in told if isinstance(scores, dict)), None)
        if names is not None:
            scores = dict.fromkeys(names, math.nan)
            result |= {name: scores for name in ("test_scores", "train_scores") if name in result}
        return result

    def _not_fitted(self, unit: int, score: float, time_s: float) -> dict[str, Any]:
        """Return what scikit-learn would return for a fit, with this for each of its scores and times."""
        scores: Any = score
        if is_multimetric(self._scoring.scorers):
            scores = dict.fromkeys(self._scoring.scorers._scorers, score)
        test = self.splits[unit % len(self.splits)][1]
        result = {"fit_error": None, "test_scores": scores, "fit_time": time_s, "score_time": time_s}
        result["n_test_samples"] = np.count_nonzero(test) if np.asarray(test).dtype == bool else len(test)
        if self._scoring.train:
            result["train_scores"] = scores
        return result

    def _tell_of_loss(self, unit: int, loss: TaskLost) -> None:
        """Name the fits that a loss is one of: that of its candidate, and those that would be done alike."""
        candidate, split = divmod(unit, len(self.splits))
        for each in (candidate, *self._alike.followers(candidate)):
            number, params = self._before + each, self.candidates[each]
            self._pool.sink(FitLost(candidate=number, params=params, split=split, reason=str(loss)))

    def _done(self, candidate: int) -> CandidateDone:
        results = self.results([candidate])
        rows = [result["test_scores"] for result in results]
        named = [row if isinstance(row, dict) else {"score": row} for row in rows]
        metrics = set(named[0]).intersection(*named)  # a fit that failed may have one score where others have several
        means = {metric: _mean([row[metric] for row in named]) for metric in sorted(metrics)}
        metric = self._scoring.metric if isinstance(rows[0], dict) else "score"
        return CandidateDone(
            index=self._before + candidate,
            params=self.candidates[candidate],
            score=means.get(metric) if isinstance(metric, str) else None,
            scores=means,
            failed=sum(result["fit_error"] is not None for result in results),
            error=self._errors.get(candidate),
        )


def _why_failed(result: dict[str, Any]) -> str | None:
    """Return why a fit failed, or its score, in one line; None if neither did."""
    said = result.get("score_error")
    if result["fit_error"] is not None:
        return error_text(result["fit_error"])
    scores = result["test_scores"]
    finite = all(map(_is_finite, scores.values() if isinstance(scores, dict) else [scores]))
    return said or (None if finite else "the score is not a finite number")


def _is_finite(score: Any) -> bool:
    try:
        return math.isfinite(score)
    except (TypeError, ValueError):  # no number at all: scikit-learn says so
        return True


def _mean(scores: Sequence[float]) -> float:
    return float(np.add.reduce(scores) / len(scores))  # as np.mean, in a third of its time


def is_multimetric(scorers: Any) -> bool:
    """Tell whether a search has several metrics."""
    return isinstance(scorers, _parts.MultimetricScorer)
