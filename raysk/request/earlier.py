"""Candidates of an earlier run for this file's estimator: the parameters of ``fit --params``, the seeds of a search.

as read              C=1.0  kernel=Opaque("RBF(1)")        raysk.util.typed_json
as this file has it  C=np.float64(1.0)  kernel=RBF(1)      the equal value in its own parameter space
refused              no such parameter; an object that is not in the space; for a grid or TPE: not of the space
"""

from __future__ import annotations

import shlex
import warnings
from typing import TYPE_CHECKING, Any

from raysk.errors import InputError, UsageError
from raysk.request.method import TPE, method_of
from raysk.request.overrides import copy_estimator, read_parameters
from raysk.runs.fingerprint import fingerprint
from raysk.source.objects import grids_of
from raysk.util.typed_json import Opaque, encode
from raysk.util.values import parse_value
from raysk.util.words import count, join_names, nearest_names, pairs, shorten, suggestion, type_name

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    Params = Mapping[str, Any]

_NONE = object()

_WIDER = "Write these values in the space, or draw from distributions: a random search tries seeds from anywhere."


def params_for(estimator: Any, params: Params, grids: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return a candidate's parameters as a file's own objects and values.

    Parameters
    ----------
    estimator : estimator
    params : mapping of str to object
        Some may be `Opaque`.
    grids : sequence of mapping
        The parameter space of the file.

    Raises
    ------
    InputError
        If the estimator does not have a parameter, or an opaque value is not in the space.
    """
    from sklearn import clone

    own = {name: _own_value(name, value, grids) for name, value in params.items()}
    try:
        copy_estimator(estimator).set_params(**clone(own, safe=False))  # copies: others may be set on a step
    except Exception as error:
        known = read_parameters(estimator)
        unknown = [name for name in params if name not in known]
        if not unknown:
            raise InputError(f"{type_name(estimator)} refuses {shorten(', '.join(pairs(own)))}: {error}") from error
        raise InputError(_explain_unknown(estimator, params, unknown, known)) from error
    return own


def _explain_unknown(estimator: Any, params: Params, unknown: Sequence[str], known: Params) -> str:
    close = {name: nearest_names(name, known, 1) for name in unknown}
    said = f"{type_name(estimator)} has no parameter {join_names(unknown)}.\n"
    if not all(close.values()):
        return said + suggestion(unknown[0], known, "parameters")
    settings = " ".join(_setting(close[name][0], params[name]) for name in unknown)
    meant = join_names(names[0] for names in close.values())
    return f"{said}If this means {meant}, say in place of the run: {shorten(settings)}"


def _setting(name: str, value: Any) -> str:
    """Return the option that sets a parameter."""
    if isinstance(value, str) and parse_value(value) != value:
        return f"--set-str {shlex.quote(f'{name}={value}')}"
    return f"--set {shlex.quote(f'{name}={value if isinstance(value, str) else repr(value)}')}"


def _own_value(name: str, value: Any, grids: Sequence[Mapping[str, Any]]) -> Any:
    """Return the value of the space that is one that was read; that itself if it is no `Opaque`, and none is.

    Numbers of another type are others: of a forest's ``max_features`` 1 is one, and 1.0 all of them.
    """
    lists = [grid[name] for grid in grids if name in grid and not hasattr(grid[name], "rvs")]
    found = [each for values in lists for each in values if _is_same(each, value)]
    if not _has_object(value):
        return found[0] if found else value
    if not found:
        raise InputError(
            f"The value of {name!r} is an object, and none in the file's parameter space is written as it was:\n"
            f"{shorten(str(value))}\n"
            f"Write it in the space, or set the parameter with --set {name}=..."
        )
    if len(found) > 1 and len({fingerprint(each) for each in found}) > 1:
        raise InputError(
            f"The value of {name!r} may be one of several in the file's parameter space, which are written alike:\n"
            f"{shorten(str(value))}"
        )
    return found[0]


def _has_object(value: Any) -> bool:
    return any(map(_has_object, value)) if isinstance(value, list) else isinstance(value, Opaque)


def _is_same(one: Any, other: Any) -> bool:
    """Tell whether two values are written alike; numpy's numbers as Python's."""
    return repr(encode(one)) == repr(encode(other))


def _is_equal(one: Any, other: Any) -> bool:
    """Tell whether two values are written alike, or are equal numbers."""
    one, other = encode(one), encode(other)
    return bool(one == other) and isinstance(one, bool) == isinstance(other, bool)


# --- seeds ----------------------------------------------------------------------------------------


def seeds_for(search: Any, seeds: Sequence[Params]) -> tuple[Params, ...]:
    """Return the candidates that a search tries first, as it can have them; warn of those that are left out.

    Parameters
    ----------
    search : BaseSearchCV
    seeds : sequence of mapping of str to object

    Raises
    ------
    UsageError
        If the search has its own way to choose candidates.
    InputError
        If it can have none of them.
    """
    if seeds and method_of(search) is None:
        raise UsageError(
            f"--seed-from: a {type_name(search)} has its own way to choose candidates.\n"
            "Use a GridSearchCV or a RandomizedSearchCV, or leave --seed-from out."
        )
    usable, refused = [], []
    for params in seeds:
        try:
            usable.append(_seed_for(search, params))
        except InputError as error:  # noqa: PERF203 - there are few
            refused.append((params, str(error).splitlines()[0]))
    if refused and not usable:
        raise InputError(f"--seed-from: this search cannot have {_said(refused)}\n{_WIDER}")
    if refused:
        warnings.warn(f"The search cannot have {_said(refused)}", stacklevel=2)
    return tuple(usable)


def _said(refused: Sequence[tuple[Params, str]]) -> str:
    (params, reason), many = refused[0], count(len(refused), "seed")
    return f"{many}, as {shorten(', '.join(pairs(params)))}: {reason.rstrip(':')}"


def _seed_for(search: Any, params: Params) -> Params:
    params = {name: value for name, value in params.items() if name != getattr(search, "resource", None)}
    own = params_for(search.estimator, params, grids_of(search))
    if method_of(search) == TPE:
        if search.checked_space().numbers_of(own) is None:
            raise InputError("it is not in the search's parameter space.")
    elif hasattr(search, "param_grid"):
        return _of_grid(search, own)
    return own


def _of_grid(search: Any, params: Params) -> Params:
    """Return the candidate of a grid that equals another, with the grid's own values, of the same types if it has them.

    All of the grid is tried anyway, so that 1 may stand for 1.0.
    """
    for grid in grids_of(search):
        if grid.keys() == params.keys():
            own = {name: _of_values(grid[name], params[name]) for name in grid}
            if all(each is not _NONE for each in own.values()):
                return own
    raise InputError("it is not in the grid.")


def _of_values(values: Sequence[Any], value: Any) -> Any:
    """Return the value of a list that is another, or else equals it."""
    return next((each for is_it in (_is_same, _is_equal) for each in values if is_it(each, value)), _NONE)
