"""A parameter space of scikit-learn's as TPE sees it: numbers to propose, and the values that they stand for.

loguniform, uniform, randint       their own interval
another distribution with a ppf    a number between 0 and 1, which ppf turns into the value
a sorted list of numbers           the place in the list, as a number: neighbours are alike
any other list                     the place in the list, as a category
a list of spaces                   the place of the space, as a category; then the parameters of that space
"""

from __future__ import annotations

import copy
import functools
import itertools
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from numbers import Real
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from scipy import stats

from raysk.errors import InputError
from raysk.util.words import shorten, type_name

if TYPE_CHECKING:
    from collections.abc import Hashable

EDGE = 1e-9
"""The least and the greatest part of 1 that a ppf is asked for: at 0 and 1 those of most laws are infinite."""

FEWEST_SORTED = 3
"""A list of fewer numbers than this has no order that TPE could learn from."""

Position = tuple["Hashable", ...]
"""What TPE proposed for a candidate: equal positions are equal candidates."""

Numbers = dict[str, "float | int"]
"""What a trial of optuna's must propose for one candidate, by optuna's names."""


@dataclass(frozen=True, kw_only=True)
class Dimension:
    """The numbers that TPE may propose for one parameter.

    Parameters
    ----------
    kind : {"float", "int", "category"}
    low, high : float or int
        The least and the greatest number.
    value : callable
        Returns the value of the parameter that a number stands for, of the type that scikit-learn would draw.
    number : callable
        Returns the number that stands for a value; None if there is none.
    log : bool
        Whether the logarithm of the number matters.
    """

    kind: Literal["float", "int", "category"]
    low: float
    high: float
    value: Callable[[Any], Any]
    number: Callable[[Any], Any]
    log: bool = False

    @property
    def size(self) -> int | None:
        """How many numbers there are; None for a continuum."""
        return None if self.kind == "float" else int(self.high - self.low) + 1

    def suggest(self, trial: Any, name: str) -> Any:
        """Let a trial of optuna's propose a number."""
        if self.kind == "float":
            return trial.suggest_float(name, self.low, self.high, log=self.log)
        if self.kind == "int":
            return trial.suggest_int(name, self.low, self.high)
        return trial.suggest_categorical(name, range(int(self.high) + 1))


class Space:
    """A parameter space that TPE can search.

    Parameters
    ----------
    distributions : mapping of str to list or distribution, or sequence of such mappings
        As scikit-learn's `ParameterSampler` takes it.

    Attributes
    ----------
    names : list of str
        The parameters.
    listed : list of dict
        Each value of a list, by its parameter.

    Raises
    ------
    InputError
        If a parameter has a distribution that cannot be translated, naming it.
    """

    def __init__(self, distributions: Mapping[str, Any] | Sequence[Mapping[str, Any]]) -> None:
        spaces = [distributions] if isinstance(distributions, Mapping) else list(distributions)
        self._spaces = [{name: translate(name, values) for name, values in sorted(space.items())} for space in spaces]

        self.names = sorted({name for space in spaces for name in space})
        self.listed = [
            {name: value}
            for space in spaces
            for name, values in space.items()
            if not hasattr(values, "rvs")
            for value in values
        ]

    @functools.cached_property
    def size(self) -> int | None:
        """How many candidates there are; None if a parameter is continuous."""
        total = 0
        for space in self._spaces:
            sizes = [dimension.size for dimension in space.values()]
            if None in sizes:
                return None
            total += math.prod(size for size in sizes if size is not None)
        return total

    def suggest(self, trial: Any) -> tuple[Position, dict[str, Any]]:
        """Let a trial of optuna's propose a candidate: its position, and its parameters."""
        which = trial.suggest_categorical("space", range(len(self._spaces))) if len(self._spaces) > 1 else 0
        space = self._spaces[which]
        numbers = [dimension.suggest(trial, f"{which}.{name}") for name, dimension in space.items()]
        params = {
            name: dimension.value(number) for (name, dimension), number in zip(space.items(), numbers, strict=True)
        }
        return (which, *numbers), params

    def draw(self, rng: np.random.RandomState) -> tuple[Position, Numbers]:
        """Draw a candidate of a finite space at random: its position, and what a trial of optuna's must propose."""
        sizes = [math.prod(dimension.size or 1 for dimension in space.values()) for space in self._spaces]
        which = int(rng.choice(len(sizes), p=np.array(sizes, float) / float(sum(sizes))))
        space = self._spaces[which]
        numbers = [int(dimension.low) + int(rng.randint(dimension.size or 1)) for dimension in space.values()]
        return (which, *numbers), self._named(which, numbers)

    def numbers_of(self, params: Mapping[str, Any]) -> Numbers | None:
        """Return what a trial must propose for a candidate; None for one that is not of this space."""
        for which, space in enumerate(self._spaces):
            if params.keys() == space.keys():
                numbers = [dimension.number(params[name]) for name, dimension in space.items()]
                if None not in numbers:
                    return self._named(which, numbers)
        return None

    def _named(self, which: int, numbers: Sequence[Any]) -> Numbers:
        fixed = {f"{which}.{name}": number for name, number in zip(self._spaces[which], numbers, strict=True)}
        return fixed | ({"space": which} if len(self._spaces) > 1 else {})


def translate(name: str, values: Any) -> Dimension:
    """Return the numbers that TPE may propose for a parameter.

    Raises
    ------
    InputError
        If it has a distribution without a ppf.
    """
    if hasattr(values, "rvs"):
        return _of_distribution(name, values)
    kind: Any = "int" if _is_sorted(values) else "category"
    return Dimension(
        kind=kind, low=0, high=len(values) - 1, value=values.__getitem__, number=functools.partial(_place, values)
    )


def _place(values: Sequence[Any], value: Any) -> int | None:
    """Return the place of a value in a list; objects are found by identity."""
    return next((place for place, each in enumerate(values) if _is_same(each, value)), None)


def _is_same(one: Any, other: Any) -> bool:
    is_plain = isinstance(one, str | Real) and type(one) is type(other)
    return one is other or (is_plain and (one == other or (one != one and other != other)))  # noqa: PLR0124 - NaN


def _is_sorted(values: Sequence[Any]) -> bool:
    """Return whether a list holds numbers, each greater than the one before, or each smaller."""
    each = list(values)
    if len(each) < FEWEST_SORTED or not all(_is_number(value) for value in each):
        return False
    pairs = list(itertools.pairwise(each))
    return all(first < second for first, second in pairs) or all(first > second for first, second in pairs)


def _is_number(value: Any) -> bool:
    return isinstance(value, Real) and not isinstance(value, bool) and math.isfinite(value)


def _of_distribution(name: str, distribution: Any) -> Dimension:
    try:
        kind: Any = type(copy.deepcopy(distribution).rvs(random_state=0))
        median = distribution.ppf(0.5)
        low, high = distribution.support()
    except Exception as error:
        raise InputError(
            f"TPE cannot use the {type_name(distribution)} of {name!r}: it lacks a ppf that turns a number between 0 "
            f"and 1 into a value\n({type(error).__name__}: {shorten(str(error))}).\n"
            f"Write a list of values, or a distribution of scipy.stats, such as loguniform(0.01, 100)."
        ) from error
    law = type(getattr(distribution, "dist", None))
    if law is type(stats.randint):
        whole = functools.partial(_within, int(low), int(high), int)
        return Dimension(kind="int", low=int(low), high=int(high), value=kind, number=whole)
    ends: dict[str, Any] = {"low": float(low), "high": float(high)}
    within = functools.partial(_within, float(low), float(high), float)
    if law is type(stats.uniform):
        return Dimension(kind="float", **ends, value=kind, number=within)
    if law is type(stats.loguniform) and math.isclose(median, math.sqrt(low * high)):  # it is not shifted
        return Dimension(kind="float", **ends, value=kind, number=within, log=True)
    return Dimension(
        kind="float",
        low=EDGE,
        high=1 - EDGE,
        value=lambda part: kind(distribution.ppf(part)),
        number=lambda value: None if within(value) is None else _part_below(distribution, value),
    )


def _within(low: float, high: float, kind: type, value: Any) -> Any:
    """Return a number of a class if it lies between two others, both included; None otherwise, or if it is none."""
    return kind(value) if _is_number(value) and low <= value <= high and kind(value) == value else None


def _part_below(distribution: Any, value: float) -> float | None:
    """Return the part of a law that lies below a value; None if the law does not tell."""
    try:
        return float(np.clip(distribution.cdf(value), EDGE, 1 - EDGE))
    except Exception:  # noqa: BLE001 - a person's own law needs no cdf
        return None
