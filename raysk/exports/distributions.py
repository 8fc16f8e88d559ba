"""The search space of a run in Optuna's words: from the manifest if it has the space, else from the values tried."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

from raysk.util.typed_json import decode

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from optuna.distributions import BaseDistribution

_LOG_FROM = 100
"""How many times the smallest of positive values the largest is from which a logarithmic axis is the better guess."""


def find_distributions(candidates: Sequence[Mapping[str, Any]], space: Any = None) -> dict[str, BaseDistribution]:
    """Return the distribution of each parameter; each holds all values that were tried.

    Parameters
    ----------
    candidates : sequence of mapping of str to object
    space : mapping or None
        As ``run.json`` has it, for the edges and the axis.
    """
    tried: dict[str, dict[str, Any]] = {}
    for params in candidates:
        for name, value in params.items():
            tried.setdefault(name, {}).setdefault(repr(value), value)
    known = space if isinstance(space, dict) else {}
    return {name: _distribution(list(values.values()), known.get(name)) for name, values in tried.items()}


def as_choice(value: Any, distribution: BaseDistribution) -> Any:
    """Return a value as its distribution has it: what is no plain value, as text."""
    return _plain(value) if isinstance(distribution, CategoricalDistribution) else value


def _distribution(values: list[Any], said: Any) -> BaseDistribution:
    said = said if isinstance(said, dict) else {}
    if not all(map(_is_number, values)):
        return CategoricalDistribution(_choices([*_listed(said), *values]))
    edges = [said[edge] for edge in ("low", "high") if _is_number(said.get(edge))]
    listed = [value for value in _listed(said) if _is_number(value)]
    low, high = min([*values, *edges, *listed]), max([*values, *edges, *listed])
    log = bool(said["log"]) if isinstance(said.get("log"), bool) else 0 < low * _LOG_FROM <= high
    if all(isinstance(value, int) for value in values):
        low, high = math.floor(low), math.ceil(high)
        return IntDistribution(low, high, log=log and low > 0)
    return FloatDistribution(float(low), float(high), log=log and low > 0)


def _listed(said: Mapping[str, Any]) -> list[Any]:
    values = said.get("values")
    return [decode(value) for value in values] if isinstance(values, list) else []


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool | np.bool_) and math.isfinite(value)


def _choices(values: Iterable[Any]) -> tuple[Any, ...]:
    """Return each value once, in the order of their coming; True and 1 are two."""
    return tuple({repr(plain): plain for plain in map(_plain, values)}.values())


def _plain(value: Any) -> Any:
    """Return a value that Optuna stores: a tuple, say, is written as Python writes it."""
    plain = value is None or isinstance(value, bool | int | str) or (isinstance(value, float) and math.isfinite(value))
    return value if plain else repr(value)
