"""The rounds of a search: candidates in, results out; or as many as there are when it ends early.

evaluate_candidates  share candidates and splits once; stream fit numbers to the workers
RoundResults                results as they come in
cut_short            those of the candidates that are done
"""

from __future__ import annotations

import contextlib
import numbers
import warnings
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn import clone

from raysk._compat import sklearn as sklearn_private
from raysk.errors import AllFitsFailed
from raysk.events import Remark, Stopped, WorkPlanned
from raysk.plans import by_prefix, contained, growing, halving, longest_first, shared_fits
from raysk.plans.candidates import Candidates
from raysk.plans.evaluation import Evaluation
from raysk.plans.growing import Growing
from raysk.plans.limits import INTERRUPTED, Watch, nothing_finished
from raysk.plans.outlook import Prospect
from raysk.plans.pruning.bounds import bound, is_whole
from raysk.plans.pruning.exact import ExactPruning
from raysk.plans.pruning.forgiving import ForgivingPruning
from raysk.plans.pruning.race import Race
from raysk.plans.rolling import Rolling
from raysk.plans.round_results import RoundResults, Scoring, is_multimetric
from raysk.plans.schedule import InOrder, join
from raysk.plans.seeds import Seeds
from raysk.plans.single import Stored
from raysk.plans.step_cache import StepCache
from raysk.pool import Task, stream
from raysk.results.scores import chooses_by_score, deciding_metric
from raysk.runs.journal_round import NoRound
from raysk.runs.records import Wanted

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from raysk.jobs import Limits, Shortcuts
    from raysk.plans.by_prefix import Levels
    from raysk.plans.schedule import Schedule, Unit
    from raysk.pool import Pool
    from raysk.runs.journal import Journal
    from raysk.runs.journal_round import Round
    from raysk.searches.proposals import Proposals

PATIENCE_S = 1.0
"""A worker hands fits back once a message has taken this long, in seconds: candidates differ in cost by orders of
magnitude, and a finished fit should be heard of within about a second."""

MOST_ROWS = 20_000
"""After Ctrl-C, results have rows also for candidates that were not fitted themselves, as others are alike, unless
there are more in all: the table of a million takes scikit-learn and us half a minute, that of so many half a second."""

_parts = sklearn_private.search_parts()


class Rounds:
    """The rounds of a search - one for grid and random, several for halving - and their results so far."""

    def __init__(self, search: Any, data: tuple[Any, Any], routed: Any, scorers: Any, metric: Any) -> None:
        self.search = search
        self.pool: Pool = search._pool
        self._journal: Journal | None = search._journal
        self.routed, self.scorers = routed, scorers
        self.estimator = clone(search.estimator)
        self._scoring = Scoring(
            scorers=scorers,
            metric=deciding_metric(search.refit) or metric,
            error_score=search.error_score,
            train=bool(search.return_train_score),
        )
        self._shortcuts: Shortcuts = search._shortcuts
        limits: Limits = search._limits
        if not chooses_by_score(search.refit):
            limits = replace(limits, require_score=False)
        self.watch = Watch(limits)
        self.candidates: list[dict[str, Any]] = []
        self.splits: list[list[tuple[Any, Any]]] = []  # of each candidate
        self.out: list[dict[str, Any]] = []
        self.more: dict[str, list[Any]] = {}
        self.results: dict[str, Any] = {}
        self._current: tuple[RoundResults, Mapping[str, Sequence[Any]]] | None = None
        self._seeds = Seeds(search, search._seeds)
        self._chains, self._homes = growing.Chains(), growing.Homes()
        self._maximum = bound(search, self._shortcuts)
        evaluation = Evaluation.of(search, self.estimator, data, routed, scorers)
        self.data = Stored(self.pool, *data, routed.estimator.fit, evaluation)

    def close(self) -> None:
        """Let the workers forget the data, and the store. May be called twice."""
        self.data.release()

    def evaluate_candidates(
        self,
        candidate_params: Iterable[dict[str, Any]],
        cv: Any = None,
        more_results: Mapping[str, Sequence[Any]] | None = None,
        callback_ctx: Any = None,  # noqa: ARG002 - part of scikit-learn's signature since 1.9; nobody listens
    ) -> dict[str, Any]:
        """Evaluate candidates, as the function that ``BaseSearchCV.fit`` hands to ``_run_search`` does."""
        candidates = list(candidate_params)  # the one time that a grid is expanded, or a sample drawn
        candidates = self._seeds.put_first(candidates)
        splits = self._splits(cv or self.search._checked_cv_orig)
        columns = Candidates(candidates)
        leaders = self._leaders(columns)
        board = self._begin(candidates, leaders, splits)
        board.recall()
        chains = self._chains_of(candidates, columns, splits)
        levels = None if chains else self._levels(columns)
        schedule: Schedule
        if chains:
            schedule = Growing(board.fits, self._homes.of_fits(board.fits, chains, len(splits)))
        else:
            schedule = self._schedule(board, columns, levels)
        board.begin(schedule)
        if round_ := halving.round_of(self.search, len(candidates), more_results):
            self.pool.sink(round_)
        self._announce(board, columns.varying())
        board.tell_of_known()
        self._current = board, more_results or {}
        self.run(board, columns, schedule, chains, has_common_steps=levels is not None)
        return self._end(board, more_results or {})

    def evaluate_proposals(self, proposals: Proposals) -> dict[str, Any]:
        """Evaluate candidates that are proposed one by one, in one round."""
        candidates: list[dict[str, Any]] = [{} for _ in range(proposals.total)]
        splits = self._splits(self.search._checked_cv_orig)
        board = self._begin(candidates, np.arange(proposals.total), splits, possible=proposals.space.listed)
        schedule = Rolling(proposals, candidates, len(splits), board.recall_proposed, self.search.metric_of)
        board.begin(schedule)
        self._announce(board, tuple(proposals.space.names))
        self._current = board, {}
        proposals.warn_of_idle_workers(len(splits))
        schedule.propose()
        self.run(board, range(proposals.total), schedule)
        return self._end(board, {})

    def _begin(
        self,
        candidates: list[dict[str, Any]],
        leaders: np.ndarray[Any, Any],
        splits: list[tuple[Any, Any]],
        *,
        possible: Sequence[Mapping[str, Any]] = (),
    ) -> RoundResults:
        """Begin a round; `possible` are values that its candidates may get later."""
        self.watch.begin_round(len(candidates), len(splits), self.pool.wanted)
        return RoundResults(
            candidates,
            leaders,
            splits,
            before=len(self.candidates),
            pool=self.pool,
            journal=self._journal_round(candidates, splits, possible, before=len(self.candidates)),
            watch=self.watch,
            scoring=self._scoring,
        )

    def _end(self, board: RoundResults, more: Mapping[str, Sequence[Any]]) -> dict[str, Any]:
        """Return the results of all rounds, once one is done."""
        out = board.results(range(len(board.candidates)))
        if not out:
            raise ValueError("No fits were performed. Was the CV iterator empty? Were there no candidates?")
        self._warn_of_failures(out)
        return self._keep(board.candidates, out, self._told(board, range(len(board.candidates)), more))

    def _schedule(self, board: RoundResults, candidates: Candidates, levels: Levels | None) -> Schedule:
        """Return the order in which the fits of a round are done."""
        prune, counts = self._shortcuts.prune, (len(board.candidates), len(board.splits))
        families = self._families(candidates, board.leaders, board.splits)
        if prune is None:
            units, varying = join(board.fits, families, len(board.splits)), candidates.varying()
            order = partial(self._order, board=board, varying=varying, levels=levels)
            return self._seeds.schedule(units, len(board.splits), order)
        said: dict[str, Any] = {"metric": self._scoring.metric}
        if prune != "exact":
            schedule = ForgivingPruning if prune == "forgiving" else Race
            return schedule(board.fits, *counts, own=board.own().tolist(), families=families, **said)
        maximum, error_score = self._maximum, self.search.error_score
        if isinstance(error_score, numbers.Real):
            maximum = max(maximum, float(error_score))
        return ExactPruning(board.fits, *counts, maximum=maximum, families=families, **said)

    def _order(
        self, units: Sequence[Unit], *, board: RoundResults, varying: Sequence[str], levels: Levels | None
    ) -> Schedule:
        """Return the order in which units are done where no candidate is given up."""
        if self.watch.limits.may_end_early:
            return InOrder(units)
        if levels is not None and len(units) <= by_prefix.MOST_UNITS:
            return by_prefix.ByPrefix(units, levels, n_splits=len(board.splits))
        if len(units) > longest_first.MOST_UNITS:
            return InOrder(units)
        return longest_first.LongestFirst(units, board.candidates, varying, n_splits=len(board.splits))

    def _told(self, board: RoundResults, which: Sequence[int], more: Mapping[str, Sequence[Any]]) -> Any:
        """Return what the results of candidates have besides scores and times."""
        more = {key: [values[number] for number in which] for key, values in more.items()}
        return more if self._shortcuts.prune is None else {**more, "pruned": board.pruned(which)}

    def _keep(
        self, candidates: list[dict[str, Any]], out: list[dict[str, Any]], more: Mapping[str, Sequence[Any]]
    ) -> dict[str, Any]:
        """Add the current round's results to those before: all at once, as Ctrl-C may come while they are made."""
        if callable(self.search.scoring):
            _parts.insert_error_scores(out, self.search.error_score)
        candidates, out = self.candidates + candidates, self.out + out
        every = self.more | {key: [*self.more.get(key, ()), *values] for key, values in more.items()}
        results: dict[str, Any] = self._format(candidates, out, every)
        if self._current is not None:
            board, _ = self._current
            self.splits = self.splits + [board.splits] * (len(candidates) - len(self.candidates))
        self.candidates, self.out, self.more, self.results, self._current = candidates, out, every, results, None
        return results

    def _format(self, candidates: list[dict[str, Any]], out: list[dict[str, Any]], more: dict[str, list[Any]]) -> Any:
        """Make scikit-learn's table; it need not warn of scores of fits that were not to be done."""
        with warnings.catch_warnings() if any(more.get("pruned", ())) else contextlib.nullcontext():
            if any(more.get("pruned", ())):
                warnings.filterwarnings("ignore", message=sklearn_private.NOT_FINITE, category=UserWarning)
            return self.search._format_results(candidates, self.search.n_splits_, out, more)

    def cut_short(self, end: BaseException) -> BaseException | None:
        """Keep the candidates of the current round that are done; raise if there are none at all.

        Returns
        -------
        BaseException or None
            What is to be raised when the search has its results.
        """
        reason, error = self.watch.verdict(end)
        kept = list(range(len(self.candidates)))
        if self._current is not None:
            board, more = self._current
            done = self._worth_a_row(board, in_haste=reason == INTERRUPTED)
            if all(board.pruned(done)):  # no candidate has a score yet
                done = []
            out = board.results(done)
            if done and error is None:
                self._warn_of_failures(out)
            if done:
                kept += [len(self.candidates) + number for number in done]
                self._keep([board.candidates[number] for number in done], out, self._told(board, done, more))
        if not self.candidates:
            raise error or nothing_finished() from None
        self.pool.sink(Stopped(reason=reason, kept=tuple(kept)))
        return error

    def _worth_a_row(self, board: RoundResults, *, in_haste: bool) -> list[int]:
        """Return the candidates that are done; where somebody waits for many, only those fitted themselves."""
        done = board.done()
        if in_haste and len(done) > MOST_ROWS:
            themselves = board.done_themselves()
            left_out, done = len(done) - len(themselves), themselves
            if left_out:
                self.pool.sink(
                    Remark(text=f"{left_out:,} candidates that are fitted alike are left out of the results.")
                )
        return done.tolist()  # type: ignore[no-any-return]

    def _warn_of_failures(self, out: list[dict[str, Any]]) -> None:
        try:
            _parts.warn_or_raise_about_fit_failures(out, self.search.error_score)
        except ValueError as error:
            raise AllFitsFailed(str(error), [result["fit_error"] for result in out]) from None

    def _leaders(self, candidates: Candidates) -> np.ndarray[Any, Any]:
        """Return for each candidate the first that is fitted alike; itself where nothing is to be shared."""
        if not self._shortcuts.sharing:
            return np.arange(len(candidates))
        return shared_fits.leaders(self.estimator, candidates, self.scorers)

    def _families(
        self, candidates: Candidates, leaders: np.ndarray[Any, Any], splits: Sequence[tuple[Any, Any]]
    ) -> list[tuple[int, ...]]:
        """Return the candidates whose fits are contained in each other; none where nothing is to be shared.

        None either where a fit has a time limit: what each of them needs is not what all of them need together.
        """
        if not self._shortcuts.sharing or self.watch.limits.fit_timeout_s is not None:
            return []
        rows = max((len(train) for train, _ in splits), default=0)
        fit_params = self.routed.estimator.fit
        return contained.families(self.estimator, candidates, leaders, rows=rows, fit_params=fit_params)

    def _chains_of(
        self, candidates: list[dict[str, Any]], columns: Candidates, splits: Sequence[tuple[Any, Any]]
    ) -> list[int]:
        """Return the chain of each candidate whose forests go on from those of another round; none if they do not."""
        rows = max((len(train) for train, _ in splits), default=0)
        said: dict[str, Any] = {"rows": rows, "fit_params": self.routed.estimator.fit}
        if self._shortcuts.sharing and growing.grows(self.search, self.estimator, columns, **said):
            return self._chains.of(candidates)
        return []

    def _levels(self, candidates: Candidates) -> Levels | None:
        """Return which candidates have steps in common; None where no two have, or where nothing is to be shared."""
        if not self._shortcuts.sharing or self._shortcuts.cache_bytes == 0:
            return None
        return by_prefix.levels(self.estimator, candidates)

    def _splits(self, cv: Any) -> list[tuple[Any, Any]]:
        splits = list(cv.split(self.data.X, self.data.y, **self.routed.splitter.split))
        if len(splits) != self.search.n_splits_:
            raise ValueError(
                "cv.split and cv.get_n_splits return inconsistent results. "
                f"Expected {self.search.n_splits_} splits, got {len(splits)}"
            )
        return splits

    def _announce(self, board: RoundResults, varying: tuple[str, ...]) -> None:
        n_candidates, n_splits = len(board.candidates), len(board.splits)
        fits, units = n_candidates * n_splits, len(board.fits)
        self.pool.sink(
            WorkPlanned(
                unit="fit",
                units=units,
                candidates=n_candidates,
                splits=n_splits,
                saved=fits - units - board.resumed,
                resumed=board.resumed,
                varying=varying,
                outlook=Prospect(board, varying),
                **board.failures,
            )
        )
        if self.search.verbose > 0:
            print(  # noqa: T201 - scikit-learn prints this line too
                f"Fitting {n_splits} folds for each of {n_candidates} candidates, totalling {fits} fits"
            )

    def _journal_round(
        self,
        candidates: list[dict[str, Any]],
        splits: list[tuple[Any, Any]],
        possible: Sequence[Mapping[str, Any]],
        *,
        before: int,
    ) -> Round | NoRound:
        """Return the journal's part for these fits."""
        search, routed = self.search, self.routed
        if self._journal is None:
            return NoRound()
        data = (self.data.X, self.data.y, self.data.fit_params, dict(routed.scorer.score))
        options = (repr(search.error_score), search.return_train_score)
        parts = {"estimator": self.estimator, "data": data, "scoring": self.scorers, "options": options}
        said: dict[str, Any] = {"wanted": self._wanted(), "possible": possible, "before": before}
        return self._journal.round(parts, candidates, splits, whole=is_whole(search), **said)

    def _wanted(self) -> Wanted:
        """Return which scores the fits of this search have."""
        metrics = frozenset(self.scorers._scorers) if is_multimetric(self.scorers) else None
        return Wanted(metrics, train=bool(self.search.return_train_score), free=callable(self.search.scoring))

    def run(
        self,
        board: RoundResults,
        candidates: Candidates | range,
        schedule: Schedule,
        chains: Sequence[int] = (),
        *,
        has_common_steps: bool = False,
    ) -> None:
        """Fit and score every candidate on every split; a range counts candidates that workers need not know."""
        cache = StepCache(self._shortcuts.cache_bytes) if has_common_steps else None
        round_, limits = self.pool.share((candidates, board.splits, chains, cache)), self.watch.limits
        task = Task(
            function=self.data.shared,
            args=(round_,),
            patience_s=PATIENCE_S,
            limit_s=limits.fit_timeout_s,
            repeatable=True,
        )
        backlog = schedule if self.watch.reason is None else ()  # what the journal knows may be enough
        try:
            for block in stream(self.pool, task, backlog, until=limits.until):
                if chains:
                    self._homes.hear(block, chains, len(board.splits))
                board.put(block)
                if self.watch.reason is not None:
                    break
        finally:
            self.pool.release([round_])
        self.watch.end_round(all_done=board.all_done)
