"""How a fitted estimator of scikit-learn's is cut to a smaller size: which attributes, private ones too, are as long.

Each function gets a shallow copy, which has the smaller size as its parameter already, and changes it to what
scikit-learn would have fitted. A list or array that others have too is replaced, never changed.
"""

from __future__ import annotations

from typing import Any

from raysk._compat import CompatError


def cut_forest(fitted: Any) -> None:
    """Leave the first trees of a forest."""
    _shorten(fitted, fitted.n_estimators, "estimators_")


def cut_bagging(fitted: Any) -> None:
    """Leave the first estimators of a bagging ensemble, and the seeds of the rows that they were fitted on."""
    _shorten(fitted, fitted.n_estimators, "estimators_", "estimators_features_", "_seeds")


def cut_ada_boost(fitted: Any) -> None:
    """Leave the first estimators; there may be fewer already, as boosting ends where it fits perfectly."""
    _shorten(fitted, fitted.n_estimators, "estimator_weights_", "estimator_errors_")
    fitted.estimators_ = fitted.estimators_[: fitted.n_estimators]


def cut_gradient_boosting(fitted: Any) -> None:
    """Leave the first stages."""
    count = fitted.n_estimators
    out_of_bag = ("oob_improvement_", "oob_scores_") if fitted.subsample < 1 else ()
    _shorten(fitted, count, "estimators_", "train_score_", *out_of_bag)
    if out_of_bag:
        fitted.oob_score_ = fitted.oob_scores_[-1]
    fitted.n_estimators_ = count


def cut_hist_gradient_boosting(fitted: Any) -> None:
    """Leave the first iterations."""
    _shorten(fitted, fitted.max_iter, "_predictors")


def prune_tree(fitted: Any) -> None:
    """Prune a full tree."""
    if not hasattr(fitted, "_prune_tree"):
        raise CompatError("The trees of this scikit-learn have no _prune_tree; raysk needs it.")
    fitted._prune_tree()


def cut_select_k_best(fitted: Any) -> None:
    """Do nothing, as features are chosen when they are asked for; but a k that is too large must be warned of."""
    if not isinstance(fitted.k, str) and fitted.k > fitted.n_features_in_:
        raise ValueError(f"k={fitted.k} is greater than n_features={fitted.n_features_in_}.")


def _shorten(fitted: Any, count: int, *names: str) -> None:
    """Leave the first items of lists and arrays."""
    for name in names:
        items = getattr(fitted, name, ())
        if len(items) < count:
            raise CompatError(f"{type(fitted).__name__} of this scikit-learn has no {count} {name}; raysk needs them.")
        setattr(fitted, name, items[:count])
