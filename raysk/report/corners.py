"""Corners of a search space: the value of a parameter, the end of its range, or two of these, that some rows share."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from raysk.report.axes import ABSENT, is_number
from raysk.report.study import value_text

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from raysk.report.axes import Axis

    Mask = np.ndarray[Any, np.dtype[np.bool_]]

MOST_VALUES = 12
"""Different values of a parameter that are tried one by one."""

MOST_ROWS = 50_000
"""Rows up to which corners are looked for: with more it takes seconds, and the report draws a tenth of them."""

CUTS = 100
"""Places at which the range of a number is cut, at even counts of rows."""

MOST_PAIRED = 12
"""Conditions that are tried in pairs, the best ones."""

MOST_OF_ONE = 4
"""Of these, how many are of one parameter: the ends of a range that are cut a little otherwise are alike."""

BETTER = 0.1
"""By how much a pair must fit better than a single condition, which is simpler to say and to act on."""


@dataclass(frozen=True)
class Condition:
    """What the rows of a corner have in common of one parameter.

    Parameters
    ----------
    name : str
    relation : {"=", "<=", ">="}
    value : object
    """

    name: str
    relation: str
    value: Any

    def text(self, short: Mapping[str, str]) -> str:
        """Return it as ``kernel=poly`` or ``C >= 100``."""
        gap = "" if self.relation == "=" else " "
        return f"{short.get(self.name, self.name)}{gap}{self.relation}{gap}{value_text(self.value)}"


@dataclass(frozen=True)
class Corner:
    """The rows that meet all of some conditions."""

    conditions: tuple[Condition, ...]
    mask: Mask

    def text(self, short: Mapping[str, str]) -> str:
        """Return the conditions in words."""
        return " and ".join(each.text(short) for each in self.conditions)


def corners_of(axis: Axis, column: Sequence[Any]) -> Iterator[Corner]:
    """Yield the corners that one parameter makes.

    Parameters
    ----------
    axis : Axis
    column : sequence
        The parameter's value of each row.
    """
    if axis.is_category or (axis.values is not None and len(axis.values) <= MOST_VALUES):
        keys = np.array([repr(value) for value in column])
        different = {repr(value): value for value in column if value is not ABSENT}
        for key in list(different)[: MOST_VALUES * 2]:
            yield Corner((Condition(axis.name, "=", different[key]),), keys == key)
    numbers = np.array([float(value) if is_number(value) else np.nan for value in column])
    for cut in () if axis.is_category else _cuts(numbers[np.isfinite(numbers)]):
        yield Corner((Condition(axis.name, "<=", cut),), numbers <= cut)
        yield Corner((Condition(axis.name, ">=", cut),), numbers >= cut)


def _cuts(numbers: np.ndarray[Any, Any]) -> list[float]:
    """Return where to cut a range: at its values, or at some of many."""
    different = np.unique(numbers)
    if len(different) > CUTS:
        different = np.unique(np.quantile(numbers, np.linspace(0, 1, CUTS), method="nearest"))
    return [float(each) for each in different[1:-1]]


def find_corner(marked: Mask, axes: Mapping[str, Axis], columns: Mapping[str, Sequence[Any]]) -> Corner | None:
    """Return the corner that best holds the marked rows and no others; None if no parameter makes one."""
    by_name = [
        sorted(corners_of(axis, columns[name]), key=lambda each: _order(each, marked))[:MOST_OF_ONE]
        for name, axis in axes.items()
    ]
    single = sorted(itertools.chain.from_iterable(by_name), key=lambda each: _order(each, marked))
    single = [each for each in single if not each.mask.all()]
    if not single:
        return None
    pairs = [
        Corner(first.conditions + second.conditions, first.mask & second.mask)
        for first, second in itertools.combinations(single[:MOST_PAIRED], 2)
        if first.conditions[0].name != second.conditions[0].name
    ]
    best = max(pairs, key=lambda each: _fit(each.mask, marked), default=single[0])
    return best if _fit(best.mask, marked) >= _fit(single[0].mask, marked) + BETTER else single[0]


def _order(corner: Corner, marked: Mask) -> tuple[float, bool]:
    """Return what sorts corners: the better fit first, and of equal ones a value before a range."""
    return -_fit(corner.mask, marked), corner.conditions[0].relation != "="


def _fit(mask: Mask, marked: Mask) -> float:
    """Return how well some rows are the marked ones: F1, from 0 to 1."""
    return 2 * float((mask & marked).sum()) / max(1.0, float(mask.sum() + marked.sum()))
