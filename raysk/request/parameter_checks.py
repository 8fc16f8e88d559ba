"""Refuse parameter values, of an estimator or of a space, that scikit-learn would refuse in every fit.

Only scikit-learn's own estimators are judged, each by its own constraints. Parameters that the space or the code of
others may replace before the fit are passed over. A bad value from an option is refused. A bad value in the person's
own space is only warned of, as scikit-learn counts its fits as failed and goes on; unless no value of it is left.
"""

from __future__ import annotations

import copy
import itertools
import warnings
from typing import TYPE_CHECKING, Any, NamedTuple

from raysk._compat import sklearn as sklearn_private
from raysk.data.requirements import is_sklearns
from raysk.errors import InputError, UsageError
from raysk.source.objects import grids_of, is_search, params_of
from raysk.util.values import split_setting
from raysk.util.words import join_names, nearest_names, printable, shorten

if TYPE_CHECKING:
    from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence

    from raysk.request.overrides import Overrides

MOST_VALUES = 10_000
"""Values of one parameter that are checked, spread evenly. Each takes 5 us at the start of the search."""

DRAWS = 2


class Refused(NamedTuple):
    """A refused value: the parameter's full name, the value, scikit-learn's reason, and texts that it would take."""

    name: str
    value: Any
    reason: str
    known: Sequence[str]

    def __str__(self) -> str:
        close = nearest_names(self.value, self.known) if isinstance(self.value, str) else []
        return shorten(self.reason) + (f"\nDid you mean {join_names(close)}?" if close else "")


def check_values(estimator: Any, overrides: Overrides) -> None:
    """Raise for parameter values that scikit-learn would refuse when an estimator or a search is fitted.

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
        _raise_first(_find_own_refused(estimator, set()), set())
    said = {split_setting(text)[0] for text in (*overrides.set, *overrides.set_str)}
    _raise_first(_find_refused(base, {name for grid in grids for name in grid}), said)
    if grids:
        _check_space(estimator, base, grids, {split_setting(text)[0]: text for text in overrides.space})


def refusal(estimator: Any, name: str, value: Any) -> Refused | None:
    """Return why an estimator, or a part of it, would refuse a value of a parameter; None if it would not."""
    wrong, _ = _check_candidates(estimator, {}, name, [value])
    return wrong[0] if wrong else None


# --- the estimator as it is


def _raise_first(refused: Iterable[Refused], said: Container[str]) -> None:
    for each in refused:
        setting = f"{each.name}={shorten(repr(each.value))}"
        if each.name in said:
            raise UsageError(f"--set {setting}: {each}")
        raise InputError(f"No fit is possible with {setting}: {each}")


def _find_refused(estimator: Any, replaced: set[str], prefix: str = "") -> Iterator[Refused]:
    """Yield the refused values of an estimator and its parts, except of parameters that a space replaces."""
    if not is_sklearns(estimator) or type(estimator).__name__ == "FrozenEstimator":  # what is frozen is not fitted
        return
    if is_search(estimator):  # one within another replaces parameters, too
        replaced = replaced | {f"{prefix}estimator__{name}" for grid in grids_of(estimator) for name in grid}
    yield from _find_own_refused(estimator, replaced, prefix)
    for name, part in params_of(estimator).items():
        whole = f"{prefix}{name}"
        if "__" not in name and _is_part(part) and whole not in replaced:
            yield from _find_refused(part, replaced, f"{whole}__")


def _find_own_refused(estimator: Any, replaced: set[str], prefix: str = "") -> Iterator[Refused]:
    own = params_of(estimator) if is_sklearns(estimator) else {}
    for name in sklearn_private.parameter_names(estimator) if own else ():
        whole = f"{prefix}{name}"
        if name in own and whole not in replaced and not sklearn_private.parameter_check(estimator, name)(own[name]):
            yield _make_refused(estimator, name, own[name], whole)


def _make_refused(owner: Any, name: str, value: Any, whole: str) -> Refused:
    return Refused(whole, value, *sklearn_private.parameter_refusal(owner, name, value))


def _is_part(value: Any) -> bool:
    return hasattr(value, "get_params") and not isinstance(value, type)


# --- the space


def _check_space(search: Any, base: Any, grids: Sequence[Mapping[str, Any]], said: Mapping[str, str]) -> None:
    hopeless, refused = 0, []
    for grid in grids:
        left = True
        for name, values in grid.items():
            wrong, count = _check_candidates(base, grid, name, values)
            refused += wrong
            if wrong and name in said:
                raise UsageError(f"--space {printable(said[name])}: {wrong[0]}")
            left = left and len(wrong) < count
        hopeless += not left
    if not refused:
        return
    tries_all = hasattr(search, "param_grid")
    if hopeless == len(grids) or (tries_all and getattr(search, "error_score", None) == "raise"):
        first = refused[0]
        raise InputError(f"The search's space has {first.name}={shorten(repr(first.value))}.\n{first}")
    firsts: dict[str, Refused] = {}
    for each in refused:
        firsts.setdefault(each.name, each)
    for each in firsts.values():
        warnings.warn(
            f"Fits with {each.name}={shorten(repr(each.value))} will fail: {shorten(each.reason)}", stacklevel=2
        )


def _check_candidates(base: Any, grid: Mapping[str, Any], name: str, values: Any) -> tuple[list[Refused], int]:
    """Return the refused values of a parameter, and the number of values that were checked, at least 1."""
    some, last = _sample(values), name.rpartition("__")[2]
    below = {other for other in grid if str(other).startswith(f"{name}__")}
    owners = _find_owners(base, grid, name)
    checks = [check for owner in owners if (check := _find_check(owner, last)) is not None]
    wrong = []
    for value in some:
        if _is_part(value):
            wrong += list(itertools.islice(_find_refused(value, below, f"{name}__"), 1))
        elif checks and len(checks) == len(owners) and not any(check(value) for check in checks):
            wrong.append(_make_refused(owners[0], last, value, name))
    return wrong, max(1, len(some))


def _find_check(owner: Any, name: str) -> Callable[[Any], bool] | None:
    """Return a function that tells whether an estimator takes a value; None if that is not known."""
    if not is_sklearns(owner) or name not in params_of(owner) or name not in sklearn_private.parameter_names(owner):
        return None
    return sklearn_private.parameter_check(owner, name)


def _find_owners(base: Any, grid: Mapping[str, Any], name: str) -> list[Any]:
    """Return the estimators that a parameter may be set on: several if the grid swaps a step."""
    owners, path = [base], ""
    for part in name.split("__")[:-1]:
        path = f"{path}__{part}".removeprefix("__")
        if path in grid:
            owners = _sample(grid[path])
        else:
            owners = [params_of(owner).get(part) if is_sklearns(owner) else None for owner in owners]
    return owners


def _sample(values: Any) -> list[Any]:
    """Return the distinct values of a list, or two draws from a distribution of scipy's; none from the person's own."""
    if hasattr(values, "rvs"):
        return _draw(values)
    step = -(-len(values) // MOST_VALUES)
    picked = [*values[::step], values[-1]]
    try:
        return list({(type(value), value): value for value in picked}.values())
    except TypeError:  # not all of them can be hashed
        return list({id(value): value for value in picked}.values())


def _draw(distribution: Any) -> list[Any]:
    """Draw from a copy, with another generator: the state of the person's does not change."""
    kinds = (type(distribution), type(getattr(distribution, "dist", distribution)))
    if not all(kind.__module__.startswith("scipy.") for kind in kinds):
        return []
    try:
        return list(copy.deepcopy(distribution).rvs(size=DRAWS, random_state=0))
    except Exception:  # noqa: BLE001 - the search will say so
        return []
