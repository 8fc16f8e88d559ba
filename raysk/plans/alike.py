"""Candidates that differ only in parameters that do not matter are fitted once.

A support vector machine with a linear kernel never looks at gamma: in the published grid of 4,000 candidates 800 are
such repeats. scikit-learn fits them all, with equal results but for the times.

Only what is certain is listed: exactly these classes, values that scikit-learn would accept, scores that its own
functions make of predictions, and fits that draw nothing at random. A splitter is an object like any other, and may.
"""

from __future__ import annotations

import math
import numbers
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.svm import SVC, SVR, NuSVC, NuSVR, OneClassSVM

from raysk import _compat
from raysk.plans.parts import parts

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

_BaseSearchCV = _compat.search_parts().BaseSearchCV

MACHINES = (SVC, SVR, NuSVC, NuSVR, OneClassSVM)

NOT_CERTAIN = {
    "FrozenEstimator",  # all its copies are one object: what a candidate sets stays for the next
    *("GraphicalLasso", "GraphicalLassoCV", "Isomap", "SGDOneClassSVM"),  # draw from numpy's global random state
}
"""scikit-learn's own estimators that may fit equal candidates differently, whatever their parameters."""

SCALARS = {str, int, float, bool, np.float64, type(None)}
"""Exactly these classes: a subclass may compare and print as it likes."""

PLAIN = SCALARS | {list, tuple, dict, set, frozenset, slice, range}
"""Classes of parameters that are nothing but data; `parts` looks into those that hold others."""

MAX_INT = np.iinfo(np.int32).max
"""libsvm has C's integers."""

UNUSED = {
    "linear": ("coef0", "degree", "gamma"),
    "rbf": ("coef0", "degree"),
    "sigmoid": ("degree",),
}
"""Kernel -> what it does not use (scikit-learn's user guide, "Kernel functions")."""

VALID: dict[str, Callable[[Any], bool]] = {
    "coef0": lambda value: _is_number(value),  # noqa: PLW0108 - it is defined below
    "degree": lambda value: _is_integer(value) and value >= 0,
    "gamma": lambda value: value in {"scale", "auto"} if type(value) is str else _is_number(value) and value >= 0,
}
"""What each may be: a value that is not valid fails the fit, used or not."""


def leaders(estimator: Any, candidates: Sequence[Mapping[str, Any]], scorers: Any) -> list[int]:
    """Return for each candidate the first one that is fitted alike; for most that is the candidate itself.

    Parameters
    ----------
    estimator : estimator
        What the candidates' parameters are set on.
    candidates : sequence of mapping of str to object
    scorers : object
        scikit-learn's scorers, as ``BaseSearchCV._get_scorers`` returns them.

    Returns
    -------
    leaders : list of int
        Never after the candidate itself.
    """
    every = range(len(candidates))
    machines: dict[str, Any] = _machines(estimator) if _compat.scores_predictions(scorers) else {}
    if not machines:
        return list(every)
    first: dict[Any, int] = {}
    return [first.setdefault(_key(candidates[number], machines, number), number) for number in every]


def _machines(estimator: Any) -> dict[str, Any]:
    """Return the support vector machines in an estimator, by the prefix of their parameters.

    None where something else in it may draw at random, or is not scikit-learn's own.
    """
    if not all(_is_certain(part) for part in parts(estimator)):
        return {}
    params = {"": estimator, **estimator.get_params(deep=True)}
    return {f"{name}__" if name else "": part for name, part in params.items() if type(part) in MACHINES}


def _is_certain(part: Any) -> bool:
    """Tell whether a part of an estimator is one that fits equal candidates alike: splitters and functions may not."""
    if isinstance(part, BaseEstimator):
        return _is_certain_estimator(part)
    if isinstance(part, np.ndarray):
        return not part.dtype.hasobject
    return type(part) in PLAIN or isinstance(part, np.generic)


def _is_certain_estimator(part: Any) -> bool:
    if not type(part).__module__.startswith("sklearn.") or type(part).__name__ in NOT_CERTAIN:
        return False
    if isinstance(part, _BaseSearchCV):  # it sets parameters too: a kernel, perhaps
        return False
    seed = part.get_params(deep=False).get("random_state", 0)
    # The seed of a support vector machine is for probability=True, which `_key` looks at.
    return type(part) in MACHINES or isinstance(seed, numbers.Integral)


def _key(candidate: Mapping[str, Any], machines: Mapping[str, Any], number: int) -> Any:
    """Return what candidates that are fitted alike have in common; the number where nothing is certain."""
    unused: set[str] = set()
    for prefix, machine in machines.items():
        if prefix.removesuffix("__") in candidate:  # it is replaced as a whole
            return number
        kernel = candidate.get(f"{prefix}kernel", machine.kernel)
        probability = candidate.get(f"{prefix}probability", getattr(machine, "probability", False))
        if probability not in (False, "deprecated"):  # its fit draws at random; the text is the default since 1.9
            return number
        if isinstance(kernel, str):
            unused |= {prefix + name for name in UNUSED.get(kernel, ())}
    used = []
    for name, value in candidate.items():
        if name in unused and VALID[name.rpartition("__")[2]](value):
            continue
        if type(value) not in SCALARS:
            return number
        if name.rpartition("__")[2] == "random_state" and not isinstance(value, int):
            return number
        used.append((name, type(value), repr(value)))  # -0.0 equals 0.0, and may not do the same
    return tuple(used)


def _is_number(value: Any) -> bool:
    return _is_integer(value) or (type(value) in {float, np.float64, np.float32} and math.isfinite(value))


def _is_integer(value: Any) -> bool:
    """Tell whether a value is a whole number that libsvm can take."""
    return (type(value) is int or isinstance(value, np.integer)) and abs(int(value)) <= MAX_INT
