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

from raysk._compat import sklearn as sklearn_private
from raysk.plans.candidates import ABSENT, SCALARS, together
from raysk.plans.parts import parts

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from raysk.plans.candidates import Candidates, Column

    Numbers = np.ndarray[Any, Any]

_BaseSearchCV = sklearn_private.search_parts().BaseSearchCV

MACHINES = (SVC, SVR, NuSVC, NuSVR, OneClassSVM)

NOT_CERTAIN = {
    "FrozenEstimator",  # all its copies are one object: what a candidate sets stays for the next
    *("GraphicalLasso", "GraphicalLassoCV", "Isomap", "SGDOneClassSVM"),  # draw from numpy's global random state
}
"""scikit-learn's own estimators that may fit equal candidates differently, whatever their parameters."""

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


def leaders(estimator: Any, candidates: Candidates, scorers: Any) -> Numbers:
    """Return for each candidate the first one that is fitted alike; for most that is the candidate itself.

    Parameters
    ----------
    estimator : estimator
        What the candidates' parameters are set on.
    candidates : Candidates
    scorers : object
        scikit-learn's scorers, as ``BaseSearchCV._get_scorers`` returns them.

    Returns
    -------
    leaders : array of shape (n_candidates,)
        Never after the candidate itself.
    """
    every = np.arange(len(candidates))
    machines: dict[str, Any] = _machines(estimator) if sklearn_private.scores_predictions(scorers) else {}
    if not machines:
        return every
    unused = _unused(candidates, machines)
    alone = _not_certain(candidates, machines)
    group, groups = np.zeros_like(every), 1
    for name, column in candidates.columns.items():
        codes = _used(name, column, unused.get(name))
        alone |= _look_up([not _is_told_by_value(name, value) for value in column.values], codes, absent=False)
        group, groups = together(group, groups, codes, len(column.values))
    group[alone] = groups + every[alone]
    _, first, same = np.unique(group, return_index=True, return_inverse=True)
    return first[same]


class SharedFits:
    """Candidates that are fitted alike, found by the first of them; false where there are none.

    Parameters
    ----------
    leaders : array of shape (n_candidates,)
        As `leaders` returns them.
    """

    def __init__(self, leaders: Numbers) -> None:
        followers = np.flatnonzero(leaders != np.arange(len(leaders)))
        self._followers = followers[np.argsort(leaders[followers], kind="stable")]
        self._leaders = leaders[self._followers]

    def __len__(self) -> int:
        return len(self._followers)

    def followers(self, leader: int) -> list[int]:
        """Return the candidates that are fitted as this one is, without it."""
        if not len(self):
            return []
        begin, end = np.searchsorted(self._leaders, [leader, leader + 1])
        return self._followers[begin:end].tolist()  # type: ignore[no-any-return]


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


def _unused(candidates: Candidates, machines: Mapping[str, Any]) -> dict[str, Numbers]:
    """Return by parameter which candidates' kernels do not use it."""
    unused: dict[str, Numbers] = {}
    for prefix, machine in machines.items():
        kernels, codes = _values(candidates, f"{prefix}kernel", machine.kernel)
        not_used = [UNUSED.get(kernel, ()) if isinstance(kernel, str) else () for kernel in kernels]
        for name in {name for names in not_used for name in names}:
            unused[prefix + name] = np.array([name in names for names in not_used])[codes]
    return unused


def _not_certain(candidates: Candidates, machines: Mapping[str, Any]) -> Numbers:
    """Tell which candidates replace a machine as a whole, or let its fit draw at random."""
    found = np.zeros(len(candidates), bool)
    for prefix, machine in machines.items():
        whole = candidates.columns.get(prefix.removesuffix("__"))
        if whole is not None:
            found |= whole.codes != ABSENT
        values, codes = _values(candidates, f"{prefix}probability", getattr(machine, "probability", False))
        # the text is the default since 1.9
        found |= np.array([value not in (False, "deprecated") for value in values])[codes]
    return found


def _values(candidates: Candidates, name: str, default: Any) -> tuple[list[Any], Numbers]:
    """Return the values of a parameter, and which of them each candidate has: the last one if it names none."""
    column = candidates.columns.get(name)
    if column is None:
        return [default], np.zeros(len(candidates), np.int32)
    return [*column.values, default], column.codes


def _used(name: str, column: Column, unused: Numbers | None) -> Numbers:
    """Return a column's codes, `ABSENT` also where a value is valid and not used."""
    if unused is None:
        return column.codes
    valid = VALID[name.rpartition("__")[2]]
    dropped = unused & _look_up([valid(value) for value in column.values], column.codes, absent=True)
    return np.where(dropped, ABSENT, column.codes)


def _look_up(told: list[bool], codes: Numbers, *, absent: bool) -> Numbers:
    """Return for each code what is told of its value."""
    return np.array([*told, absent])[codes]  # the last one is that of `ABSENT`


def _is_told_by_value(name: str, value: Any) -> bool:
    """Tell whether a parameter's value says how the fit will be."""
    return type(value) in SCALARS and (name.rpartition("__")[2] != "random_state" or isinstance(value, int))


def _is_number(value: Any) -> bool:
    return _is_integer(value) or (type(value) in {float, np.float64, np.float32} and math.isfinite(value))


def _is_integer(value: Any) -> bool:
    """Tell whether a value is a whole number that libsvm can take."""
    return (type(value) is int or isinstance(value, np.integer)) and abs(int(value)) <= MAX_INT
