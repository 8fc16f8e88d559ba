"""A search by TPE, the tree-structured Parzen estimator: each candidate is proposed by what others scored.

    ask 0 .. lag-1                                 nothing is known
    tell 0, ask lag, tell 1, ask lag+1, ...        candidate i is proposed by the scores of 0 .. i-lag, never of more

So the candidates are the same however many workers fit them, and in whatever order they are done: `lag` candidates are
fitted at a time, by scikit-learn's own loop or on a pool.
"""

from __future__ import annotations

import time
import warnings
from numbers import Integral
from typing import TYPE_CHECKING, Any

import joblib
import numpy as np
from sklearn.model_selection import RandomizedSearchCV
from sklearn.utils import check_random_state

from raysk.errors import InputError
from raysk.searches.proposals import RANDOM_FIRST, Proposals, import_optuna
from raysk.searches.space import Space
from raysk.util.words import shorten

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

LAG = 10
"""Candidates that are fitted at a time. With 5 folds, 10 keep 50 workers busy, and TPE, which proposes its first 10 at
random, is late by no more than that again. Fewer let each candidate know more; more keep more workers busy."""

SLOW_S = 1.0
"""Asking is spoken of once it has taken this long in all, in seconds: below that nobody waits for it."""


class TPESearchCV(RandomizedSearchCV):  # type: ignore[misc]
    """Search parameters by TPE: candidates are proposed by what those before them scored.

    It takes the estimator, the space and the options of scikit-learn's `RandomizedSearchCV`, and needs optuna. The
    candidates depend on the seed and on `lag`, and not on the number of workers.

    Parameters
    ----------
    estimator : estimator
    param_distributions : dict or list of dicts
        Lists or distributions, as for `RandomizedSearchCV`. Of a list of dicts TPE chooses one for each candidate. A
        distribution must have a ``ppf``, as those of scipy.stats do.
    n_iter : int, default=50
        Number of candidates; the first ``lag + 9`` are drawn at random. A space of fewer candidates is tried whole.
    lag : int, default=10
        Number of candidates fitted at a time: candidate ``i`` is proposed once those up to ``i - lag`` have scores.
    scoring, n_jobs, refit, cv, verbose, pre_dispatch, error_score, return_train_score
        As for `RandomizedSearchCV`. Of several metrics, `refit` names the one that TPE goes by.
    random_state : int, RandomState or None, default=None
        Seed of the proposals.

    Attributes
    ----------
    cv_results_, best_estimator_, best_index_, best_params_, best_score_ and others
        As of `RandomizedSearchCV`.
    """

    def __init__(  # noqa: PLR0913 - those of scikit-learn's searches
        self,
        estimator: Any,
        param_distributions: Any,
        *,
        n_iter: int = 50,
        lag: int = LAG,
        scoring: Any = None,
        n_jobs: int | None = None,
        refit: Any = True,
        cv: Any = None,
        verbose: int = 0,
        pre_dispatch: Any = "2*n_jobs",
        random_state: Any = None,
        error_score: Any = np.nan,
        return_train_score: bool = False,
    ) -> None:
        super().__init__(
            estimator,
            param_distributions,
            n_iter=n_iter,
            scoring=scoring,
            n_jobs=n_jobs,
            refit=refit,
            cv=cv,
            verbose=verbose,
            pre_dispatch=pre_dispatch,
            random_state=random_state,
            error_score=error_score,
            return_train_score=return_train_score,
        )
        self.lag = lag

    def checked_space(self) -> Space:
        """Return the parameter space as TPE sees it.

        Raises
        ------
        InputError
            If TPE cannot search: by its space, its metrics or its lag, or for want of optuna.
        """
        if not isinstance(self.lag, Integral) or isinstance(self.lag, bool) or self.lag < 1:
            raise InputError(f"lag={shorten(repr(self.lag))}: this must be a number of candidates, at least 1.")
        if isinstance(self.scoring, list | tuple | set | dict) and not isinstance(self.refit, str):
            raise InputError(
                "TPE goes by one metric, and none of this search's several is named.\n"
                "Name it as refit, as in refit='accuracy'."
            )
        import_optuna()
        return Space(self.param_distributions)

    def count_candidates(self) -> int:
        """Return how many candidates are proposed: `n_iter`, or all that there are if those are fewer."""
        size = self.checked_space().size
        return int(self.n_iter) if size is None else min(int(self.n_iter), size)

    def _run_search(self, evaluate_candidates: Any) -> None:
        space, total = self.checked_space(), self.count_candidates()
        self._warn_of_few(total)
        proposals = Proposals(space, int(check_random_state(self.random_state).randint(np.iinfo(np.int32).max)))
        splits, pace = _SameSplits(self._checked_cv_orig), _Pace(self._count_workers())
        scores: np.ndarray[Any, Any] = np.empty(0)
        for first in range(0, total, self.lag):
            batch = []
            with pace.asking():
                for number in range(first, min(first + self.lag, total)):
                    if number >= self.lag:
                        proposals.tell(number - self.lag, scores[number - self.lag])
                    batch.append(proposals.ask())
            results = evaluate_candidates(batch, splits)
            scores = results[self._metric(results)]
            pace.compare(results, len(batch), self.n_splits_)

    def _metric(self, results: Mapping[str, Any]) -> str:
        """Return the column of the scores that TPE goes by."""
        column = "mean_test_score" if "mean_test_score" in results else f"mean_test_{self.refit}"
        if column not in results:  # a scoring function tells its metrics only when it is called
            metrics = [name.removeprefix("mean_test_") for name in results if name.startswith("mean_test_")]
            raise InputError(
                f"TPE goes by one metric: name it as refit. This search has refit={shorten(repr(self.refit))}, "
                f"and the metrics {', '.join(metrics)}."
            )
        return column

    def _warn_of_few(self, total: int) -> None:
        if total < int(self.n_iter):  # in scikit-learn's words
            warnings.warn(
                f"The total space of parameters {total} is smaller than n_iter={self.n_iter}. Running {total} "
                "iterations. For exhaustive searches, use GridSearchCV.",
                stacklevel=3,
            )
        elif total < RANDOM_FIRST + self.lag:
            warnings.warn(
                f"All {total} candidates are drawn at random: TPE begins with number {RANDOM_FIRST + self.lag}, when "
                f"{RANDOM_FIRST} have scores and lag={self.lag}. Ask for more candidates.",
                stacklevel=3,
            )
        workers, at_a_time = self._count_workers(), min(self.lag, total) * self.n_splits_
        if workers > at_a_time:
            warnings.warn(
                f"{workers - at_a_time} of {workers} workers will be idle: with lag={self.lag}, TPE has {at_a_time} "
                f"fits at a time. A lag of {-(-workers // self.n_splits_)} keeps all busy, but proposes later by what "
                "was learned.",
                stacklevel=3,
            )

    def _count_workers(self) -> int:
        """Return how many fits run at a time; a plan of raysk's replaces this by what its pool has."""
        return int(joblib.effective_n_jobs(self.n_jobs))


class _SameSplits:
    """A splitter that splits once, so that all candidates are scored on the same splits.

    Parameters
    ----------
    cv : splitter
        May split differently each time.
    """

    def __init__(self, cv: Any) -> None:
        self._cv = cv
        self._splits: list[Any] | None = None

    def split(self, X: Any, y: Any = None, **params: Any) -> Iterator[Any]:
        """Yield the splits, which are made the first time."""
        if self._splits is None:
            self._splits = list(self._cv.split(X, y, **params))
        yield from self._splits

    def get_n_splits(self, *args: Any, **params: Any) -> int:
        """Return how many splits there are."""
        return int(self._cv.get_n_splits(*args, **params))


class _Pace:
    """Compares the time that proposals take with the time that workers fit them in, and warns once.

    Parameters
    ----------
    workers : int
    """

    def __init__(self, workers: int) -> None:
        self._workers, self._total_s, self._latest_s = workers, 0.0, 0.0
        self._since = 0.0
        self._has_warned = False

    def asking(self) -> _Pace:
        """Return a context manager that measures."""
        return self

    def __enter__(self) -> None:
        self._since = time.perf_counter()

    def __exit__(self, *_: object) -> None:
        self._latest_s = time.perf_counter() - self._since
        self._total_s += self._latest_s

    def compare(self, results: Mapping[str, Any], count: int, splits: int) -> None:
        """Warn if the latest candidates took longer to propose than all workers together took to fit them."""
        cost_s = float(results["mean_fit_time"][-count:].sum() + results["mean_score_time"][-count:].sum()) * splits
        fitting_s = cost_s / self._workers
        if self._has_warned or self._total_s < SLOW_S or self._latest_s <= fitting_s:
            return
        self._has_warned = True
        warnings.warn(
            f"{self._workers} workers wait for TPE: a candidate takes it {1000 * self._latest_s / count:.0f} ms to "
            f"propose, and them {1000 * fitting_s / count:.0f} ms to fit. Its time grows with the number of "
            "candidates. A random search has no such limit.",
            stacklevel=4,
        )
