"""Any ``*SearchCV``: candidates x splits, spread over the pool.

    person's search.fit -> (its own class's code) -> _PoolSearch.fit        driver
        _run_search(evaluate_candidates)  Grid, Randomized, Halving, the person's own
            evaluate_candidates           share candidates and splits once; stream fit numbers to the workers
    Evaluation                            worker: clone, set, slice, fit, score by scikit-learn's own function
        results in scikit-learn's order -> its own _format_results, best chosen by its own rules, refit on the pool

While it is fitted, the person's search gets a class whose parents are its own class and, just before ``BaseSearchCV``,
`_PoolSearch`: what subclasses do in their ``fit`` stays, and only the base's loop is ours. A fit travels as one
number, candidate x n_splits + split.
"""

from __future__ import annotations

import contextlib
import copyreg
import inspect
import math
import time
from dataclasses import replace
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from sklearn import clone
from sklearn.base import is_classifier
from sklearn.model_selection import GridSearchCV, RandomizedSearchCV, check_cv
from sklearn.utils import indexable

from raysk import _compat
from raysk.errors import AllFitsFailed
from raysk.events import RefitStarted, Remark, Stopped, WorkPlanned
from raysk.jobs import Limits
from raysk.plans import alike, halving, single
from raysk.plans.board import Board, is_multimetric
from raysk.plans.candidates import Candidates
from raysk.plans.evaluation import Evaluation
from raysk.plans.limits import INTERRUPTED, Enough, Watch, nothing_finished
from raysk.plans.outlook import Prospect
from raysk.pool import Task, stream
from raysk.results.scores import has_score
from raysk.runs.records import Wanted
from raysk.runs.rounds import NoRound
from raysk.util import exits

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from raysk.pool import Pool
    from raysk.runs.journal import Journal
    from raysk.runs.rounds import Round

PATIENCE_S = 1.0
"""A worker hands fits back once a message has taken this long, in seconds: candidates differ in cost by orders of
magnitude, and a finished fit should be heard of within about a second."""

MOST_ROWS = 20_000
"""After Ctrl-C, results have rows also for candidates that were not fitted themselves, as others are alike, unless
there are more in all: the table of a million takes scikit-learn and us half a minute, that of so many half a second."""

_parts = _compat.search_parts()


def suits(estimator: Any, fit_params: Mapping[str, Any]) -> bool:  # noqa: ARG001 - every plan is asked this
    """Tell whether the estimator is a search."""
    return isinstance(estimator, _parts.BaseSearchCV)


def fit(  # noqa: PLR0913 - those of scikit-learn's fit, where it runs, and what it remembers
    pool: Pool,
    search: Any,
    X: Any,
    y: Any,
    fit_params: Mapping[str, Any],
    *,
    journal: Journal | None = None,
    limits: Limits | None = None,
) -> None:
    """Run the search on the pool; see `raysk.plans.fit`."""
    own = type(search)
    names: dict[str, Any] = {"__module__": own.__module__, "__qualname__": own.__qualname__}
    names |= {"_pool": pool, "_journal": journal, "_limits": limits or Limits()}
    if journal is not None:
        journal.random_state()
    search.__class__ = type(own.__name__, (own, _PoolSearch), names)
    try:
        search.fit(X, y, **fit_params)
    finally:
        search.__class__ = own


class _PoolSearch(_parts.BaseSearchCV):  # type: ignore[misc, name-defined]
    """``BaseSearchCV`` with a ``fit`` that works on a pool."""

    _pool: Pool
    _journal: Journal | None
    _limits: Limits

    def __reduce_ex__(self, protocol: Any) -> Any:
        """Pickle as an object of the person's own class: a scorer of theirs may refer to it."""
        return copyreg.__newobj__, (type(self).__bases__[0],), self.__getstate__()  # type: ignore[attr-defined]

    @_parts.fit_context(prefer_skip_nested_validation=False)  # type: ignore[untyped-decorator]
    def fit(self, X: Any, y: Any = None, **params: Any) -> Any:
        """Do what ``BaseSearchCV.fit`` does, in its order."""
        scorers, refit_metric = self._get_scorers()
        X, y = indexable(X, y)
        routed = self._get_routed_params_for_fit(_parts.check_method_params(X, params=params))
        self._checked_cv_orig = check_cv(self.cv, y, classifier=is_classifier(self.estimator))
        if hasattr(_parts.BaseSearchCV, "_check_input_parameters"):  # before scikit-learn 1.8 only halving has it
            self._check_input_parameters(X=X, y=y, split_params=routed.splitter.split)
        self.n_splits_ = self._checked_cv_orig.get_n_splits(X, y, **routed.splitter.split)
        with contextlib.closing(Rounds(self, (X, y), routed, scorers, refit_metric)) as rounds:
            early: BaseException | None = None
            try:
                with exits.Contained():
                    self._call_run_search(rounds.evaluate_candidates)
            except (KeyboardInterrupt, SystemExit, Enough) as end:
                early = rounds.cut_short(end)
            self._choose_best(rounds, refit_metric)
            self.scorer_ = getattr(scorers, "_scorers", scorers) if is_multimetric(scorers) else scorers
            self.cv_results_ = rounds.results
            if early is None and self._limits.require_score and not has_score(self):
                early = rounds.watch.no_score()
            if self.refit and (early is None or self._refits_on_stop()):
                self._refit(rounds)
        if early is not None:
            raise early
        return self

    def _call_run_search(self, evaluate_candidates: Any) -> None:
        """Call the search's own loop, with a callback context where its signature names one (1.9)."""
        if "callback_ctx" not in inspect.signature(self._run_search).parameters:
            self._run_search(evaluate_candidates)
            return
        context = _compat.root_callback_context(self)
        self._run_search(evaluate_candidates, callback_ctx=context)

    def _choose_best(self, rounds: Rounds, refit_metric: Any) -> None:
        first = rounds.out[0]["test_scores"]
        self.multimetric_ = isinstance(first, dict)
        if callable(self.scoring) and self.multimetric_:
            self._check_refit_for_multimetric(first)
            refit_metric = self.refit
        if not (self.refit or not self.multimetric_):
            return
        self.best_index_ = self._select_best_index(self.refit, refit_metric, rounds.results)
        if not callable(self.refit):
            self.best_score_ = rounds.results[f"mean_test_{refit_metric}"][self.best_index_]
        self.best_params_ = rounds.results["params"][self.best_index_]

    def _refits_on_stop(self) -> bool:
        """Tell whether the best so far is wanted, and is one: where every fit failed none is."""
        return self._limits.refit_on_stop and not math.isnan(getattr(self, "best_score_", 0.0))

    def _refit(self, rounds: Rounds) -> None:
        self._pool.sink(RefitStarted(params=self.best_params_))
        best = clone(rounds.estimator).set_params(**clone(self.best_params_, safe=False))
        start = time.time()
        self.best_estimator_ = rounds.fit(best)
        self.refit_time_ = time.time() - start
        if hasattr(self.best_estimator_, "feature_names_in_"):
            self.feature_names_in_ = self.best_estimator_.feature_names_in_


class Rounds:
    """The rounds of a search - one for grid and random, several for halving - and their results so far."""

    def __init__(self, search: _PoolSearch, data: tuple[Any, Any], routed: Any, scorers: Any, metric: Any) -> None:
        self.search, self.pool = search, search._pool
        (self.X, self.y), self.routed, self.scorers = data, routed, scorers
        self.estimator = clone(search.estimator)
        self.metric = search.refit if isinstance(search.refit, str) else metric
        limits = search._limits
        if callable(search.refit):  # it may choose by anything
            limits = replace(limits, require_score=False)
        self.watch = Watch(limits)
        self.candidates: list[dict[str, Any]] = []
        self.out: list[dict[str, Any]] = []
        self.more: dict[str, list[Any]] = {}
        self.results: dict[str, Any] = {}
        self._current: tuple[Board, Mapping[str, Sequence[Any]]] | None = None
        self._evaluation: Any = self.pool.share(Evaluation.of(search, self.estimator, data, routed, scorers))

    def fit(self, estimator: Any) -> Any:
        """Fit an estimator on all data: on what is in the store, or in its place where its plan sends another form."""
        from raysk import plans

        fit_params = self.routed.estimator.fit
        if plans.choose(estimator, fit_params) is single:
            values = SimpleNamespace(X=self.X, y=self.y, fit_params=dict(fit_params))
            single.fit_on(self.pool, estimator, (self._evaluation, values), single.remark(estimator))
            return estimator
        self.close()
        return plans.fit(self.pool, estimator, self.X, self.y, fit_params)

    def close(self) -> None:
        """Let the workers forget the data, and the store. May be called twice."""
        if self._evaluation is not None:
            self.pool.release([self._evaluation], now=True)
            self._evaluation = None

    def evaluate_candidates(
        self,
        candidate_params: Iterable[dict[str, Any]],
        cv: Any = None,
        more_results: Mapping[str, Sequence[Any]] | None = None,
        callback_ctx: Any = None,  # noqa: ARG002 - part of scikit-learn's signature since 1.9; nobody listens
    ) -> dict[str, Any]:
        """Evaluate candidates, as the function that ``BaseSearchCV.fit`` hands to ``_run_search`` does."""
        candidates = list(candidate_params)  # the one time that a grid is expanded, or a sample drawn
        splits = self._splits(cv or self.search._checked_cv_orig)
        columns = Candidates(candidates)
        leaders = alike.leaders(self.estimator, columns, self.scorers)
        self.watch.begin_round(len(candidates), len(splits), self.pool.wanted)
        board = Board(self, candidates, leaders, splits)
        board.recall()
        if round_ := halving.round_of(self.search, len(candidates), more_results):
            self.pool.sink(round_)
        self._announce(board, columns.varying())
        self._current = board, more_results or {}
        self._run(board, columns)
        out = board.results(range(len(candidates)))
        if not out:
            raise ValueError("No fits were performed. Was the CV iterator empty? Were there no candidates?")
        self._warn_of_failures(out)
        return self._keep(candidates, out, more_results or {})

    def _keep(
        self, candidates: list[dict[str, Any]], out: list[dict[str, Any]], more: Mapping[str, Sequence[Any]]
    ) -> dict[str, Any]:
        """Add the current round's results to those before: all at once, as Ctrl-C may come while they are made."""
        if callable(self.search.scoring):
            _parts.insert_error_scores(out, self.search.error_score)
        candidates, out = self.candidates + candidates, self.out + out
        every = self.more | {key: [*self.more.get(key, ()), *values] for key, values in more.items()}
        results: dict[str, Any] = self.search._format_results(candidates, self.search.n_splits_, out, every)
        self.candidates, self.out, self.more, self.results, self._current = candidates, out, every, results, None
        return results

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
            out = board.results(done)
            if done and error is None:
                self._warn_of_failures(out)
            if done:
                kept += [len(self.candidates) + number for number in done]
                more = {key: [values[number] for number in done] for key, values in more.items()}
                self._keep([board.candidates[number] for number in done], out, more)
        if not self.candidates:
            raise error or nothing_finished() from None
        self.pool.sink(Stopped(reason=reason, kept=tuple(kept)))
        return error

    def _worth_a_row(self, board: Board, *, in_haste: bool) -> list[int]:
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

    def _splits(self, cv: Any) -> list[tuple[Any, Any]]:
        splits = list(cv.split(self.X, self.y, **self.routed.splitter.split))
        if len(splits) != self.search.n_splits_:
            raise ValueError(
                "cv.split and cv.get_n_splits return inconsistent results. "
                f"Expected {self.search.n_splits_} splits, got {len(splits)}"
            )
        return splits

    def _announce(self, board: Board, varying: tuple[str, ...]) -> None:
        n_candidates, n_splits = len(board.candidates), len(board.splits)
        fits, units = n_candidates * n_splits, len(board.units)
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

    def journal_round(self, candidates: list[dict[str, Any]], splits: list[tuple[Any, Any]]) -> Round | NoRound:
        """Return the journal's part for these fits."""
        journal, search, routed = self.search._journal, self.search, self.routed
        if journal is None:
            return NoRound()
        data = (self.X, self.y, dict(routed.estimator.fit), dict(routed.scorer.score))
        options = (repr(search.error_score), search.return_train_score)
        parts = {"estimator": self.estimator, "data": data, "scoring": self.scorers, "options": options}
        # Halving, and a search of the person's own, may have other candidates later.
        whole = type(search)._run_search in {GridSearchCV._run_search, RandomizedSearchCV._run_search}
        return journal.round(parts, candidates, splits, whole=whole, wanted=self._wanted())

    def _wanted(self) -> Wanted:
        """Return which scores the fits of this search have."""
        metrics = frozenset(self.scorers._scorers) if is_multimetric(self.scorers) else None
        return Wanted(metrics, train=bool(self.search.return_train_score), free=callable(self.search.scoring))

    def _run(self, board: Board, candidates: Candidates) -> None:
        """Fit and score every candidate on every split."""
        round_, limits = self.pool.share((candidates, board.splits)), self.watch.limits
        task = Task(
            function=self._evaluation,
            args=(round_,),
            patience_s=PATIENCE_S,
            limit_s=limits.fit_timeout,
            repeatable=True,
        )
        units = board.units if self.watch.reason is None else ()  # what the journal knows may be enough
        try:
            for block in stream(self.pool, task, units, until=limits.until):
                board.put(block.units, block.values, block.wall_s)
                if self.watch.reason is not None:
                    break
        finally:
            self.pool.release([round_])
        self.watch.end_round(all_done=board.all_done)
