"""Refuse parameter values that scikit-learn would refuse in every fit: of the estimator, and of the space.

Only scikit-learn's own estimators are judged, each by scikit-learn's own constraints; what may be replaced before it
is fitted, by the space or by code of others, is passed over. A value that an option names is refused. Of the person's
own space scikit-learn would count the fits with a bad value as failed, and go on: so does raysk, with a remark, unless
nothing of the space is left.
"""

from __future__ import annotations

import copy
import itertools
import warnings
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from raysk._compat import sklearn as sklearn_private
from raysk.data.wants import params_of
from raysk.errors import InputError, UsageError
from raysk.source.found import is_search
from raysk.util.values import split_setting
from raysk.util.words import brief, listed, nearest, shown

if TYPE_CHECKING:
    from collections.abc import Callable, Container, Iterable, Iterator, Sequence

    from raysk.request.overrides import Overrides

MOST_VALUES = 10_000
"""Values of one parameter that are looked at, spread evenly: 5 us each; a longer list costs the start of the search."""

DRAWS = 2


class Refused(NamedTuple):
    """A value that scikit-learn refuses: the parameter's whole name, the value, its words, and texts it would take."""

    name: str
    value: Any
    reason: str
    known: Sequence[str]

    def __str__(self) -> str:
        close = nearest(self.value, self.known) if isinstance(self.value, str) else []
        return brief(self.reason) + (f"\nDid you mean {listed(close)}?" if close else "")


def check_values(estimator: Any, overrides: Overrides) -> None:
    """Raise for parameter values of an estimator or search that scikit-learn would refuse when it is fitted.

    Parameters
    ----------
    estimator : estimator
        May be a search.
    overrides : Overrides
        Tells which values are from options.

    Raises
    ------
    InputError
    UsageError
        If the value is from an option.
    """
    from sklearn import get_config

    if get_config()["skip_parameter_validation"]:
        return
    grids = grids_of(estimator) if is_search(estimator) else []
    base = estimator.estimator if is_search(estimator) else estimator
    if is_search(estimator):
        _raise_first(_refused_itself(estimator, set()), set())
    said = {split_setting(text)[0] for text in (*overrides.set, *overrides.set_str)}
    _raise_first(_refused_of(base, {name for grid in grids for name in grid}), said)
    if grids:
        _check_space(estimator, base, grids, {split_setting(text)[0]: text for text in overrides.space})


def grids_of(search: Any) -> list[Mapping[str, Any]]:
    """Return a search's parameter space as a list of dicts; empty if it is of another form."""
    space = getattr(search, "param_grid", None) or getattr(search, "param_distributions", None) or []
    grids = [space] if isinstance(space, Mapping) else space
    return [grid for grid in grids if isinstance(grid, Mapping)] if isinstance(grids, list | tuple) else []


def is_sklearns(estimator: Any) -> bool:
    """Tell whether an estimator is of one of scikit-learn's own classes: of others nobody knows what they refuse."""
    return type(estimator).__module__.startswith("sklearn.")


# --- the estimator as it is


def _raise_first(refused: Iterable[Refused], said: Container[str]) -> None:
    for each in refused:
        setting = f"{each.name}={brief(repr(each.value))}"
        if each.name in said:
            raise UsageError(f"--set {setting}: {each}")
        raise InputError(f"No fit is possible with {setting}: {each}")


def _refused_of(estimator: Any, replaced: set[str], prefix: str = "") -> Iterator[Refused]:
    """Yield the refused values of an estimator and its parts, but for parameters that a space replaces."""
    if not is_sklearns(estimator) or type(estimator).__name__ == "FrozenEstimator":  # what is frozen is not fitted
        return
    if is_search(estimator):  # one within another replaces parameters, too
        replaced = replaced | {f"{prefix}estimator__{name}" for grid in grids_of(estimator) for name in grid}
    yield from _refused_itself(estimator, replaced, prefix)
    for name, part in params_of(estimator).items():
        whole = f"{prefix}{name}"
        if "__" not in name and _is_part(part) and whole not in replaced:
            yield from _refused_of(part, replaced, f"{whole}__")


def _refused_itself(estimator: Any, replaced: set[str], prefix: str = "") -> Iterator[Refused]:
    own = params_of(estimator) if is_sklearns(estimator) else {}
    for name in sklearn_private.parameter_names(estimator) if own else ():
        whole = f"{prefix}{name}"
        if name in own and whole not in replaced and not sklearn_private.parameter_check(estimator, name)(own[name]):
            yield _refused(estimator, name, own[name], whole)


def _refused(owner: Any, name: str, value: Any, whole: str) -> Refused:
    return Refused(whole, value, *sklearn_private.parameter_refusal(owner, name, value))


def _is_part(value: Any) -> bool:
    return hasattr(value, "get_params") and not isinstance(value, type)


# --- the space


def _check_space(search: Any, base: Any, grids: Sequence[Mapping[str, Any]], said: Mapping[str, str]) -> None:
    hopeless, refused = 0, []
    for grid in grids:
        left = True
        for name, values in grid.items():
            wrong, count = _refused_in(base, grid, name, values)
            refused += wrong
            if wrong and name in said:
                raise UsageError(f"--space {shown(said[name])}: {wrong[0]}")
            left = left and len(wrong) < count
        hopeless += not left
    if not refused:
        return
    tries_all = hasattr(search, "param_grid")
    if hopeless == len(grids) or (tries_all and getattr(search, "error_score", None) == "raise"):
        first = refused[0]
        raise InputError(f"The search's space has {first.name}={brief(repr(first.value))}.\n{first}")
    for each in _first_of_each(refused):
        warnings.warn(f"Fits with {each.name}={brief(repr(each.value))} will fail: {brief(each.reason)}", stacklevel=2)


def _first_of_each(refused: Sequence[Refused]) -> list[Refused]:
    by_name: dict[str, Refused] = {}
    for each in refused:
        by_name.setdefault(each.name, each)
    return list(by_name.values())


def _refused_in(base: Any, grid: Mapping[str, Any], name: str, values: Any) -> tuple[list[Refused], int]:
    """Return which of a parameter's values are refused, and how many were looked at: at least one."""
    some, last = _some(values), name.rpartition("__")[2]
    below = {other for other in grid if str(other).startswith(f"{name}__")}
    owners = _owners(base, grid, name)
    checks = [check for owner in owners if (check := _check_of(owner, last)) is not None]
    wrong = []
    for value in some:
        if _is_part(value):
            wrong += list(itertools.islice(_refused_of(value, below, f"{name}__"), 1))
        elif checks and len(checks) == len(owners) and not any(check(value) for check in checks):
            wrong.append(_refused(owners[0], last, value, name))
    return wrong, max(1, len(some))


def _check_of(owner: Any, name: str) -> Callable[[Any], bool] | None:
    """Return what tells whether an estimator takes a value; None where nobody knows."""
    if not is_sklearns(owner) or name not in params_of(owner) or name not in sklearn_private.parameter_names(owner):
        return None
    return sklearn_private.parameter_check(owner, name)


def _owners(base: Any, grid: Mapping[str, Any], name: str) -> list[Any]:
    """Return the estimators that a parameter may be set on, which may be several where the grid swaps one."""
    owners, path = [base], ""
    for part in name.split("__")[:-1]:
        path = f"{path}__{part}".removeprefix("__")
        if path in grid:
            owners = _some(grid[path])
        else:
            owners = [params_of(owner).get(part) if is_sklearns(owner) else None for owner in owners]
    return owners


def _some(values: Any) -> list[Any]:
    """Return the distinct values of a list, or two draws of scipy's; empty for what only the person's code can draw."""
    if hasattr(values, "rvs"):
        return _drawn(values)
    step = -(-len(values) // MOST_VALUES)
    picked = [*values[::step], values[-1]]
    try:
        return list({(type(value), value): value for value in picked}.values())
    except TypeError:  # not all of them can be hashed
        return list({id(value): value for value in picked}.values())


def _drawn(distribution: Any) -> list[Any]:
    """Draw from a copy, with a generator of its own: the person's is where it was."""
    kinds = (type(distribution), type(getattr(distribution, "dist", distribution)))
    if not all(kind.__module__.startswith("scipy.") for kind in kinds):
        return []
    try:
        return list(copy.deepcopy(distribution).rvs(size=DRAWS, random_state=0))
    except Exception:  # noqa: BLE001 - the search will say so
        return []
