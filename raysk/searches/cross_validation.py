"""Cross-validation of one estimator, as a search with a single candidate: what spreads searches spreads this too.

What scikit-learn's searches do otherwise than its `cross_validate` is done here as that does: no weights go to the
scorers unless metadata routing says so, and a score that is not finite is no reason for another warning.
"""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn import get_config
from sklearn.metrics import check_scoring
from sklearn.model_selection import check_cv

from raysk._compat import sklearn as sklearn_private
from raysk.errors import error_text

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_parts = sklearn_private.search_parts()


class CrossValidation(_parts.BaseSearchCV):  # type: ignore[misc, name-defined]
    """Cross-validates one estimator, with the answer of scikit-learn's ``cross_validate``.

    Parameters
    ----------
    estimator : estimator
    cv, scoring, error_score, return_train_score, return_estimator
        As for ``cross_validate``.
    repeats : int
        How many times the folds were drawn, for those who show them; ``cv`` has the folds of all.

    Attributes
    ----------
    results_ : dict
        What ``cross_validate`` returns.
    errors_ : list of str or None
        Of each fold, why its fit failed.
    """

    def __init__(  # noqa: PLR0913 - those of cross_validate
        self,
        estimator: Any,
        *,
        cv: Any = None,
        scoring: Any = None,
        error_score: Any = np.nan,
        return_train_score: bool = False,
        return_estimator: bool = False,
        repeats: int = 1,
    ) -> None:
        said = {"error_score": error_score, "return_train_score": return_train_score}
        super().__init__(estimator, cv=cv, scoring=scoring, refit=False, **said)
        self.return_estimator = return_estimator
        self.repeats = repeats

    def _run_search(self, evaluate_candidates: Any) -> None:
        evaluate_candidates([{}])

    def _get_scorers(self) -> tuple[Any, str]:
        strict = self.error_score == "raise"
        return check_scoring(self.estimator, scoring=self.scoring, raise_exc=strict), "score"

    def _get_routed_params_for_fit(self, params: Any) -> Any:
        routed = super()._get_routed_params_for_fit(params)
        if not get_config()["enable_metadata_routing"]:
            routed.scorer.score = {}
        return routed

    def _format_results(self, candidates: Any, n_splits: int, out: Any, more: Any = None) -> Any:
        self.results_ = sklearn_private.cross_validation_results(out)
        if self.return_estimator:
            self.results_["estimator"] = [each.get("estimator") for each in out]
        self.errors_ = [None if each["fit_error"] is None else error_text(each["fit_error"]) for each in out]
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message=sklearn_private.NOT_FINITE, category=UserWarning)
            return super()._format_results(candidates, n_splits, out, more)


def scores_of(search: CrossValidation) -> dict[str, dict[str, float]]:
    """Return the mean over the folds, and the standard deviation (ddof=0), of ``test_score`` and all others."""
    names = [name for name in search.results_ if name.startswith(("test_", "train_"))]
    arrays = {name: np.asarray(search.results_[name]) for name in names}
    return {name: {"mean": float(each.mean()), "std": float(each.std())} for name, each in arrays.items()}


def fold_rows(search: CrossValidation) -> list[dict[str, Any]]:
    """Return what is known of each fold: its number and that of its repeat, scores, seconds, and why its fit failed."""
    columns = {name: list(each) for name, each in search.results_.items() if name != "estimator"}
    last = {name: columns.pop(name) for name in ("fit_time", "score_time")}
    folds = len(search.errors_) // search.repeats
    rows = []
    for number, error in enumerate(search.errors_):
        repeat = number // folds + 1 if search.repeats > 1 else None
        scores = {name: float(each[number]) for name, each in {**columns, **last}.items()}
        rows.append({"fold": number % folds + 1, "repeat": repeat, **scores, "error": error})
    return rows


def fold_columns(search: CrossValidation) -> dict[str, list[Any]]:
    """Return the rows of `fold_rows` as columns, without those that have no value."""
    rows = fold_rows(search)
    columns = {name: [row[name] for row in rows] for name in rows[0]}
    return {name: each for name, each in columns.items() if any(value is not None for value in each)}


class Splits:
    """The splits that a splitter has drawn, once; there are as many as it draws, whatever it says.

    Parameters
    ----------
    cv, classifier
        As for ``check_cv``.
    """

    def __init__(self, cv: Any, *, classifier: bool) -> None:
        self._cv, self._classifier = cv, classifier
        self.drawn: Sequence[tuple[Any, Any]] = ()

    def get_n_splits(self, X: Any = None, y: Any = None, **params: Any) -> int:
        """Draw the splits, and count them; `params` may have groups."""
        splitter = check_cv(self._cv, y, classifier=self._classifier)
        self.drawn = list(splitter.split(X, y, **params))
        return len(self.drawn)

    def split(self, *_: Any, **__: Any) -> Iterator[tuple[Any, Any]]:
        """Yield the splits that were drawn."""
        return iter(self.drawn)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        return getattr(self._cv, name)  # what it says of metadata
