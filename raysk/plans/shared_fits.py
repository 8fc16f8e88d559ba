"""Candidates that differ only in parameters that do not matter are fitted once.

A support vector machine with a linear kernel never looks at gamma: in the published grid of 4,000 candidates 800 are
such repeats. scikit-learn fits them all, with equal results but for the times. `inactive` has the table.

Only what is certain is shared: exactly its classes, values that scikit-learn would accept, scores that scikit-learn's
functions make of predictions, and fits that draw nothing at random. A splitter is an object like any other, and may.
"""

from __future__ import annotations

import numbers
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.base import BaseEstimator

from raysk._compat import sklearn as sklearn_private
from raysk.plans.candidates import ABSENT, SCALARS, together
from raysk.plans.inactive import KINDS, ROWS, SEEDLESS, is_one_of
from raysk.plans.parts import parts

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from raysk.plans.candidates import Candidates

    Numbers = np.ndarray[Any, Any]

_BaseSearchCV = sklearn_private.search_parts().BaseSearchCV

NOT_CERTAIN = {
    "FrozenEstimator",  # all its copies are one object: what a candidate sets stays for the next
    *("GraphicalLasso", "GraphicalLassoCV", "Isomap", "SGDOneClassSVM"),  # draw from numpy's global random state
}
"""scikit-learn's own estimators that may fit equal candidates differently, whatever their parameters."""

PLAIN = SCALARS | {list, tuple, dict, set, frozenset, slice, range}
"""Classes of parameters that are nothing but data; `parts` looks into those that hold others."""


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
    listed: dict[str, Any] = _listed(estimator) if sklearn_private.scores_predictions(scorers) else {}
    if not listed:
        return every
    inactive = _inactive(candidates, listed)
    alone = _not_certain(candidates, listed)
    group, groups = np.zeros_like(every), 1
    for name, column in candidates.columns.items():
        codes = column.codes
        if name in inactive:
            codes = np.where(inactive[name], len(column.values), codes)  # one more value: any that is ignored
        told = [*(_is_told_by_value(name, value) for value in column.values), True]
        alone |= ~_look_up(told, codes, absent=True)
        group, groups = together(group, groups, codes, len(told))
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


def _listed(estimator: Any) -> dict[str, Any]:
    """Return the parts of an estimator that the tables know, by the prefix of their parameters.

    None where something else in it may draw at random, or is not scikit-learn's own.
    """
    params = {"": estimator, **estimator.get_params(deep=True)}
    known = {f"{name}__" if name else "": part for name, part in params.items() if type(part) in KINDS}
    named = {id(part) for part in known.values()}  # a candidate may set their solver; `_not_certain` looks at it
    certain = all(_is_certain(part, named) for part in parts(estimator))
    return known if certain else {}


def _is_certain(part: Any, named: set[int]) -> bool:
    """Tell whether a part of an estimator is one that fits equal candidates alike: splitters and functions may not."""
    if isinstance(part, BaseEstimator):
        return _is_certain_estimator(part, named)
    if isinstance(part, np.ndarray):
        return not part.dtype.hasobject
    if isinstance(part, type):  # a dtype
        return issubclass(part, np.generic) and part.__module__ == "numpy"
    return type(part) in PLAIN or isinstance(part, np.generic)


def _is_certain_estimator(part: Any, named: set[int]) -> bool:
    if not type(part).__module__.startswith("sklearn.") or type(part).__name__ in NOT_CERTAIN:
        return False
    if isinstance(part, _BaseSearchCV):  # it sets parameters too: a kernel, perhaps
        return False
    if isinstance(part.get_params(deep=False).get("random_state", 0), numbers.Integral):
        return True
    return type(part) in SEEDLESS and (id(part) in named or _draws_nothing(part))


def _draws_nothing(part: Any) -> bool:
    name, allowed = SEEDLESS[type(part)]
    return is_one_of(getattr(part, name, False), allowed)


def _inactive(candidates: Candidates, listed: Mapping[str, Any]) -> dict[str, Numbers]:
    """Return by parameter which candidates have a value that is valid and ignored."""
    found: dict[str, Numbers] = {}
    for prefix, part in listed.items():
        for row in ROWS:
            if type(part) not in row.kinds or not any(prefix + name in candidates.columns for name in row.unused):
                continue
            ignored = _all_hold(candidates, prefix, part, row.when)
            for name in row.unused:
                column = candidates.columns.get(prefix + name)
                if column is not None and ignored.any():
                    valid = _tell(candidates, prefix, part, name, partial(row.ignores, part, name))
                    found[prefix + name] = found.get(prefix + name, False) | (ignored & valid)
    return found


def _all_hold(candidates: Candidates, prefix: str, part: Any, when: Mapping[str, tuple[Any, ...]]) -> Numbers:
    """Tell for which candidates each of these parameters has one of its values."""
    found = np.ones(len(candidates), bool)
    for name, allowed in when.items():
        found &= _tell(candidates, prefix, part, name, partial(_are_among, allowed))
    return found


def _not_certain(candidates: Candidates, listed: Mapping[str, Any]) -> Numbers:
    """Tell which candidates replace a listed part as a whole, or let its fit draw at random."""
    found = np.zeros(len(candidates), bool)
    for prefix, part in listed.items():
        whole = candidates.columns.get(prefix.removesuffix("__"))
        if whole is not None:
            found |= whole.codes != ABSENT
        if type(part) in SEEDLESS and not isinstance(getattr(part, "random_state", 0), numbers.Integral):
            name, allowed = SEEDLESS[type(part)]
            found |= ~_tell(candidates, prefix, part, name, partial(_are_among, allowed))
    return found


def _tell(
    candidates: Candidates, prefix: str, part: Any, name: str, test: Callable[[Sequence[Any]], Sequence[bool] | Numbers]
) -> Numbers:
    """Tell for each candidate whether its value of a parameter, or else the estimator's own, passes a test."""
    default = bool(test([getattr(part, name, False)])[0])
    column = candidates.columns.get(prefix + name)
    if column is None:
        return np.full(len(candidates), default)
    return _look_up(test(column.values), column.codes, absent=default)


def _are_among(allowed: tuple[Any, ...], values: Sequence[Any]) -> list[bool]:
    return [is_one_of(value, allowed) for value in values]


def _look_up(told: Sequence[bool] | Numbers, codes: Numbers, *, absent: bool) -> Numbers:
    """Return for each code what is told of its value."""
    return np.array([*told, absent])[codes]  # the last one is that of `ABSENT`


def _is_told_by_value(name: str, value: Any) -> bool:
    """Tell whether a parameter's value says how the fit will be."""
    return type(value) in SCALARS and (name.rpartition("__")[2] != "random_state" or isinstance(value, int))
