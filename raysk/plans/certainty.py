"""What fits equal candidates alike, for certain: nothing in it may draw at random, or change what is given to it."""

from __future__ import annotations

import numbers
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.compose import make_column_selector
from sklearn.feature_selection import (
    chi2,
    f_classif,
    f_oneway,
    f_regression,
    mutual_info_classif,
    mutual_info_regression,
    r_regression,
)

from raysk._compat import sklearn as sklearn_private
from raysk.plans.candidates import SCALARS
from raysk.plans.parts import parameters, parts
from raysk.plans.shared_fits import NOT_CERTAIN, PLAIN

if TYPE_CHECKING:
    from collections.abc import Iterable

_BaseSearchCV = sklearn_private.search_parts().BaseSearchCV

SCORES = (chi2, f_classif, f_oneway, f_regression, r_regression)
"""Functions of scikit-learn's that tell how useful features are, and draw nothing."""

SEEDED_SCORES = (mutual_info_classif, mutual_info_regression)
"""Functions that draw, unless `functools.partial` gives them a seed."""


def is_certain(values: Iterable[Any]) -> bool:
    """Tell whether estimators, or parameters of them, fit alike whenever they are equal.

    An estimator must be scikit-learn's own, with a number as its seed. Functions do not qualify, but for numpy's own,
    and those that score features.
    """
    return all(_is_certain(part, seeded=False) for value in values for part in parts(value))


def is_certain_once_seeded(estimator: Any) -> bool:
    """Tell whether an estimator is certain when all its seeds are set, as an ensemble does with its base estimator."""
    seeded = (
        {id(part) for part in [estimator, *parameters(estimator, deep=True).values()]}
        if estimator is not None
        else set()
    )
    return all(_is_certain(part, seeded=id(part) in seeded) for part in parts(estimator))


def is_certain_value(name: str, value: Any) -> bool:
    """Tell whether a parameter's value says how the fit will be."""
    last = name.rpartition("__")[2]
    if last == "random_state":
        return isinstance(value, numbers.Integral)
    return not _writes_into_its_input(last, value) and (type(value) in SCALARS or is_certain([value]))


def is_certain_score_function(value: Any) -> bool:
    """Tell whether a function that scores features draws nothing at random."""
    if isinstance(value, partial):
        seeded = isinstance(value.keywords.get("random_state"), numbers.Integral)
        plain = all(type(each) in SCALARS for each in value.keywords.values())
        return value.func in SEEDED_SCORES and seeded and plain and not value.args
    return value in SCORES


def _is_certain(part: Any, *, seeded: bool) -> bool:
    if isinstance(part, BaseEstimator):
        return _is_certain_estimator(part, seeded=seeded)
    if isinstance(part, np.ndarray):
        return not part.dtype.hasobject
    if isinstance(part, type):
        return issubclass(part, np.generic | bool | int | float | str)
    if isinstance(part, np.ufunc):  # a person may make one of any function
        return getattr(np, part.__name__, None) is part
    known = type(part) in PLAIN or isinstance(part, np.generic | np.dtype)
    return known or type(part) is make_column_selector or (callable(part) and is_certain_score_function(part))


def _is_certain_estimator(part: Any, *, seeded: bool) -> bool:
    if not type(part).__module__.startswith("sklearn.") or type(part).__name__ in NOT_CERTAIN:
        return False
    if isinstance(part, _BaseSearchCV):  # it sets parameters too
        return False
    params = parameters(part)
    if any(_writes_into_its_input(name, value) for name, value in params.items()):
        return False
    return seeded or isinstance(params.get("random_state", 0), numbers.Integral)


def _writes_into_its_input(name: str, value: Any) -> bool:
    """Tell whether a parameter, such as ``copy_X``, lets a fit change its data: scores may be made of that later."""
    return name.startswith("copy") and value is False
