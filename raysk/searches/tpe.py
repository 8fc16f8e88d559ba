"""A search by TPE, the tree-structured Parzen estimator: candidates are proposed by what others scored.

proposals.py says which scores a proposal may depend on. Scikit-learn's own loop fits `lag` candidates at a time; a plan
of raysk's begins the next one with each that is done. The candidates are the same.
"""

from __future__ import annotations

import warnings
from numbers import Integral
from typing import TYPE_CHECKING, Any

import joblib
import numpy as np
from sklearn.base import is_classifier
from sklearn.model_selection import RandomizedSearchCV, check_cv
from sklearn.utils import check_random_state

from raysk.errors import InputError
from raysk.results.scores import deciding_metric
from raysk.searches.proposals import RANDOM_FIRST, Proposals, import_optuna
from raysk.searches.space import Space
from raysk.util.words import join_names, shorten

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

LAG = 10
"""Candidates that are fitted at a time. With 5 folds, 10 keep 50 workers busy, and TPE, which proposes its first 10 at
random, is late by no more than that again. Fewer let each candidate know more; more keep more workers busy."""


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
        if isinstance(self.scoring, list | tuple | set | dict) and deciding_metric(self.refit) is None:
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

    def propose(self, workers: int, first: Sequence[Mapping[str, Any]] = ()) -> Proposals:
        """Return the candidates to come, and warn if there are too few of them.

        Parameters
        ----------
        workers : int
            Number of fits that run at a time.
        first : sequence of mapping of str to object
            Parameters of the first candidates, see `Space.numbers_of`; those of no candidate are left out.
        """
        total = self.count_candidates()
        self._warn_of_few(total)
        seed = int(check_random_state(self.random_state).randint(np.iinfo(np.int32).max))
        return Proposals(self.checked_space(), total=total, lag=int(self.lag), seed=seed, workers=workers, first=first)

    def metric_of(self, metrics: Iterable[str]) -> str:
        """Return the metric, of those of a result, that TPE goes by."""
        every = list(metrics)
        if every == ["score"]:
            return "score"
        deciding = deciding_metric(self.refit)
        if deciding not in every:  # a scoring function tells its metrics only when it is called
            raise InputError(
                f"TPE goes by one metric: name it as refit. This search has refit={shorten(repr(self.refit))}, "
                f"and the metrics {join_names(every)}."
            )
        return str(deciding)

    def _run_search(self, evaluate_candidates: Any) -> None:
        proposals = self.propose(int(joblib.effective_n_jobs(self.n_jobs)))
        splits, heard = _SameSplits(self), 0
        while batch := proposals.due():
            results = evaluate_candidates(batch, splits)
            if not heard:
                proposals.warn_of_idle_workers(splits.count)
            prefix = "mean_test_"
            metric = self.metric_of(name.removeprefix(prefix) for name in results if name.startswith(prefix))
            for number in range(heard, heard + len(batch)):
                cost_s = splits.count * (results["mean_fit_time"][number] + results["mean_score_time"][number])
                proposals.hear(number, results[f"{prefix}{metric}"][number], cost_s)
            heard += len(batch)

    def _warn_of_few(self, total: int) -> None:
        if total < int(self.n_iter):  # in scikit-learn's words
            warnings.warn(
                f"The total space of parameters {total} is smaller than n_iter={self.n_iter}. Running {total} "
                "iterations. For exhaustive searches, use GridSearchCV.",
                stacklevel=4,
            )
        elif total < RANDOM_FIRST + self.lag:
            warnings.warn(
                f"All {total} candidates are drawn at random: TPE begins with number {RANDOM_FIRST + self.lag}, when "
                f"{RANDOM_FIRST} have scores and lag={self.lag}. Ask for more candidates.",
                stacklevel=4,
            )


def as_scikit_learn(model: Any) -> Any:
    """Return what a fitted model is saved as, so that it loads where raysk is not.

    A search by TPE becomes scikit-learn's own random search, with its candidates, scores and best estimator; any other
    model is returned as it is.
    """
    if type(model) is not TPESearchCV:
        return model
    search = object.__new__(RandomizedSearchCV)
    vars(search).update({name: value for name, value in vars(model).items() if name != "lag"})
    return search


class _SameSplits:
    """A splitter that splits once, so that all candidates are scored on the same splits.

    Parameters
    ----------
    search : BaseSearchCV
        Its ``cv`` may split differently each time.
    """

    def __init__(self, search: Any) -> None:
        self._cv = getattr(search, "_checked_cv_orig", search.cv)  # it has that since scikit-learn 1.8
        self._is_classifier = is_classifier(search.estimator)
        self._splits: list[Any] = []

    @property
    def count(self) -> int:
        """How many splits there are, once they are made."""
        return len(self._splits)

    def split(self, X: Any, y: Any = None, **params: Any) -> Iterator[Any]:
        """Yield the splits, which are made the first time."""
        if not self._splits:
            self._splits = list(check_cv(self._cv, y, classifier=self._is_classifier).split(X, y, **params))
        yield from self._splits
