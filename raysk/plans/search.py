"""Any ``*SearchCV``: candidates x splits, spread over the pool.

    person's search.fit -> (its own class's code) -> _PoolSearch.fit        driver
        _run_search(evaluate_candidates)  Grid, Randomized, Halving, the person's own
            evaluate_candidates           share candidates and splits once; stream fit numbers to the workers
    Evaluation                            worker: clone, set, slice, fit, score by scikit-learn's own function
        results in scikit-learn's order -> its own _format_results, best chosen by its own rules, refit on the pool

While it is fitted, the person's search gets a class whose parents are its own class and, just before ``BaseSearchCV``,
`_PoolSearch`: the ``fit`` of a subclass still runs, only the base's loop is replaced. A fit travels as one
number, candidate x n_splits + split.
"""

from __future__ import annotations

import contextlib
import copyreg
import inspect
import math
import time
from typing import TYPE_CHECKING, Any

from sklearn import clone
from sklearn.base import is_classifier
from sklearn.model_selection import check_cv
from sklearn.utils import indexable

from raysk._compat import sklearn as sklearn_private
from raysk.events import RefitStarted
from raysk.jobs import Limits, Shortcuts
from raysk.plans.limits import Enough
from raysk.plans.retention import retain
from raysk.plans.round_results import is_multimetric
from raysk.plans.rounds import Rounds
from raysk.plans.verification import verify
from raysk.results.scores import has_score
from raysk.searches.tpe import TPESearchCV
from raysk.util import exits

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from raysk.jobs import Verification
    from raysk.plans.retention import Retention
    from raysk.plans.single import Stored
    from raysk.pool import Pool
    from raysk.runs.journal import Journal

_parts = sklearn_private.search_parts()


def suits(estimator: Any, _: Mapping[str, Any]) -> str | None:
    """Return why not: the estimator is no search."""
    return None if isinstance(estimator, _parts.BaseSearchCV) else "it is no search"


def remark(_: Pool, __: Any) -> None:
    """Return nothing: the fits of a search run on the workers, as a person expects."""


def fit(  # noqa: PLR0913 - those of scikit-learn's fit, where it runs, and what it remembers
    pool: Pool,
    search: Any,
    X: Any,
    y: Any,
    fit_params: Mapping[str, Any],
    *,
    fit_best: Callable[[Pool, Any, Stored], None],
    journal: Journal | None = None,
    limits: Limits | None = None,
    shortcuts: Shortcuts | None = None,
    verification: Verification | None = None,
    seeds: Sequence[Mapping[str, Any]] = (),
    rounds: type[Rounds] = Rounds,
    retention: Retention | None = None,
) -> None:
    """Run the search on the pool; see `raysk.plans.fit`. Its best estimator is fitted by `fit_best`."""
    own = type(search)
    names: dict[str, Any] = {"__module__": own.__module__, "__qualname__": own.__qualname__}
    names |= {
        "_pool": pool,
        "_journal": journal,
        "_limits": (limits or Limits()).begun(),
        "_shortcuts": shortcuts or Shortcuts(),
        "_verification": verification,
        "_seeds": seeds,
        "_retention": retention,
        "_fit_best": staticmethod(fit_best),
        "_rounds": rounds,
    }
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
    _shortcuts: Shortcuts
    _verification: Verification | None
    _seeds: Sequence[Mapping[str, Any]]
    _retention: Retention | None
    _fit_best: Callable[[Pool, Any, Stored], None]
    _rounds: type[Rounds]

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
        with contextlib.closing(self._rounds(self, (X, y), routed, scorers, refit_metric)) as rounds:
            early: BaseException | None = None
            try:
                with exits.Contained():
                    self._call_run_search(rounds)
            except (KeyboardInterrupt, SystemExit, Enough) as end:
                early = rounds.cut_short(end)
            self._choose_best(rounds, refit_metric)
            self.scorer_ = getattr(scorers, "_scorers", scorers) if is_multimetric(scorers) else scorers
            self.cv_results_ = rounds.results
            if early is None and self._limits.require_score and not has_score(self):
                early = rounds.watch.no_score()
            if self.refit and (early is None or self._refits_on_stop()):
                self._refit(rounds)
            if early is None and self._verification is not None:
                early = verify(rounds, self._verification)
            if early is None and self._retention is not None:
                retain(rounds, self._retention)
        if early is not None:
            raise early
        return self

    def _call_run_search(self, rounds: Rounds) -> None:
        """Call the search's own loop, with a callback context where its signature names one (1.9).

        Instead of the loop of TPE, which fits batches, candidates are proposed whenever one is done.
        """
        evaluate_candidates = rounds.evaluate_candidates
        if getattr(type(self), "_run_search", None) is TPESearchCV._run_search:
            rounds.evaluate_proposals(self.propose(self._pool.wanted, self._seeds))
            return
        if "callback_ctx" not in inspect.signature(self._run_search).parameters:
            self._run_search(evaluate_candidates)
            return
        context = sklearn_private.root_callback_context(self)
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
        self._fit_best(self._pool, best, rounds.data)
        self.best_estimator_ = best
        self.refit_time_ = time.time() - start
        if hasattr(self.best_estimator_, "feature_names_in_"):
            self.feature_names_in_ = self.best_estimator_.feature_names_in_
