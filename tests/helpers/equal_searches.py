"""What two runs of one search must have in common, by equality."""

from __future__ import annotations

import copy

import numpy as np
import scipy.sparse
from sklearn.base import BaseEstimator

FACTS = ("best_index_", "best_score_", "best_params_", "n_splits_", "multimetric_", "classes_", "n_features_in_")
FITTED = ("predict", "predict_proba", "decision_function", "transform")


def differences(ours, theirs, make_X, *, table=True):
    """Return in words how two searches differ that were fitted on the same data; times may.

    Parameters
    ----------
    ours, theirs : search
        Fitted.
    make_X : callable
        Returns what to predict for, anew each time: an estimator may write into it.
    table : bool
        Whether `cv_results_` are compared; else only the best candidate.
    """
    found = _differences_of_tables(ours.cv_results_, theirs.cv_results_) if table else []
    for name in FACTS:
        missing = object()
        pair = [getattr(search, name, missing) for search in (ours, theirs)]
        if (pair[0] is missing) != (pair[1] is missing) or (pair[0] is not missing and not same(*pair)):
            found.append(f"{name}: {pair[0]!r} instead of {pair[1]!r}")
    if hasattr(theirs, "best_estimator_"):
        found += [f"{name} of the best estimator" for name in FITTED if not _act_alike(ours, theirs, name, make_X)]
    return found


def _act_alike(ours, theirs, name, make_X):
    """Tell whether two best estimators say the same; numbers but for last bits, as a refit may use more threads."""
    if not hasattr(theirs.best_estimator_, name):
        return True
    said = [getattr(copy.deepcopy(each.best_estimator_), name)(make_X()) for each in (ours, theirs)]
    if getattr(said[0], "dtype", np.dtype(object)).kind == "f":
        return said[0].shape == said[1].shape and np.allclose(*said, rtol=1e-12, atol=1e-12, equal_nan=True)
    return same(*said)


def _differences_of_tables(ours, theirs):
    found = [f"column {name} only once" for name in ours.keys() ^ theirs.keys()]
    for name in (name for name in theirs if name in ours and not name.endswith("_time")):
        ours_, theirs_ = (
            np.ma.asarray(each[name], dtype=getattr(each[name], "dtype", object)) for each in (ours, theirs)
        )
        wrong = [
            at for at in range(max(len(ours_), len(theirs_))) if not same(ours_[at : at + 1], theirs_[at : at + 1])
        ]
        if wrong or ours_.dtype != theirs_.dtype:
            at = wrong[0] if wrong else 0
            found.append(
                f"{name} of candidates {wrong}: {ours_[at : at + 1]} ({ours_.dtype}) instead of "
                f"{theirs_[at : at + 1]} ({theirs_.dtype}); params {theirs['params'][at]}"
            )
    return found


def same(one, other):  # noqa: PLR0911 - a kind of value a line
    """Tell whether two values are equal, NaN to NaN and class to class."""
    if type(one) is not type(other):
        return False
    if isinstance(one, np.ma.MaskedArray):
        return same(np.ma.getmaskarray(one), np.ma.getmaskarray(other)) and same(one.compressed(), other.compressed())
    if isinstance(one, np.ndarray):
        if one.dtype.kind != "O":
            return one.dtype == other.dtype and np.array_equal(one, other, equal_nan=one.dtype.kind == "f")
        return one.shape == other.shape and all(map(same, one.ravel().tolist(), other.ravel().tolist()))
    if isinstance(one, dict):
        return list(one) == list(other) and all(same(one[name], other[name]) for name in one)
    if isinstance(one, (list, tuple)):
        return len(one) == len(other) and all(map(same, one, other))
    if scipy.sparse.issparse(one):
        return same(one.toarray(), other.toarray())
    if isinstance(one, BaseEstimator):
        return same(one.get_params(), other.get_params())
    return one is other or bool(one == other) or (one != one and other != other)  # noqa: PLR0124 - NaN
