"""Check a parameter space before anything is sent to a cluster."""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence
from typing import Any

from raysk.errors import InputError, UsageError
from raysk.request.overrides import copy_estimator, read_parameters
from raysk.util.words import shorten, suggestion, type_name


def check_space(name: str, space: Any, estimator: Any, said: Container[str] = ()) -> None:
    """Raise for a space that is empty, malformed, or of another estimator.

    `name` is ``param_grid`` or ``param_distributions``; `said` holds the parameters that are from ``--space``.

    Raises
    ------
    InputError
    UsageError
        If ``--space`` names a parameter that the estimator does not have.
    """
    grids = [space] if isinstance(space, Mapping) else space
    if not isinstance(grids, list | tuple) or not all(isinstance(grid, Mapping) for grid in grids):
        raise InputError(
            f"{name} is of type {type_name(space)}.\nWrite a dict, or a list of dicts: {name} = {{'C': [1, 10]}}"
        )
    if not any(grids):  # one {} among others is scikit-learn's way to say "the defaults"
        raise InputError(f"{name} is empty.\nName at least one parameter: {name} = {{'C': [1, 10]}}")
    for grid in grids:
        for key, values in grid.items():
            _check_values(name, key, values)
        _check_names(name, grid, estimator, said)


def _check_values(name: str, key: str, values: Any) -> None:
    import numpy as np

    samples = hasattr(values, "rvs")
    if samples and name == "param_grid" and not hasattr(values, "__len__"):
        raise InputError(
            f"{name} gives {key!r} a distribution, and a grid cannot try every value of a distribution.\n"
            "Name the space param_distributions and use RandomizedSearchCV, or write a list."
        )
    if samples:
        return
    if isinstance(values, str) or not hasattr(values, "__len__"):
        raise InputError(
            f"{name} gives {key!r} the single value {shorten(repr(values))}.\n"
            f"Put it in a list: {key!r}: [{shorten(repr(values))}]"
        )
    if not (values.ndim == 1 if isinstance(values, np.ndarray) else isinstance(values, Sequence)):
        raise InputError(
            f"{name} gives {key!r} a {type_name(values)}, which scikit-learn cannot draw from.\n"
            f"Write a list or a 1-d array: {key!r}: [...]"
        )
    if len(values) == 0:
        raise InputError(f"{name} gives {key!r} an empty list.\nName at least one value, or leave {key!r} out.")


def _check_names(name: str, grid: Mapping[str, Any], estimator: Any, said: Container[str]) -> None:
    known = read_parameters(estimator)
    unknown = [key for key in grid if key not in known]
    if not unknown:
        return
    # a grid may swap a step and set the new one's parameters, and some libraries' set_params take any name:
    # only trying tells
    first = {key: None if hasattr(values, "rvs") else values[0] for key, values in grid.items()}
    try:
        copy_estimator(estimator).set_params(**first)
    except Exception as err:
        swapped = [key for key in unknown if any(str(key).startswith(f"{other}__") for other in grid)]
        if swapped == unknown:
            return
        wrong = next(key for key in unknown if key not in swapped)
        hint = f"{type_name(estimator)} has no such parameter.\n{suggestion(str(wrong), known, 'parameters')}"
        if wrong in said:
            raise UsageError(f"--space {wrong}=...: {hint}") from err
        raise InputError(f"{name} has {str(wrong)!r}, but {hint}") from err


MOST_VALUES = 6
"""Values of a list that are written out."""


def describe_values(values: Any) -> str:
    """Describe the values of one parameter: ``loguniform 0.0001 .. 0.1``, or values with commas between them."""
    if hasattr(values, "rvs"):
        return _describe_distribution(values)
    each = list(values)
    shown = [f"{value:g}" if isinstance(value, float) else shorten(str(value)) for value in each]
    if len(shown) <= MOST_VALUES:
        return ", ".join(shown)
    return f"{', '.join(shown[:2])} .. {shown[-1]} ({len(shown):,} values)"


def _describe_distribution(values: Any) -> str:
    name = getattr(getattr(values, "dist", None), "name", None) or type_name(values)
    try:
        low, high = values.support()
    except Exception:  # noqa: BLE001 - a person's own distribution
        return str(name)
    return f"{name} {low:g} .. {high:g}"
