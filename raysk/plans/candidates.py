"""The candidates of a round, by column: quick to compare, and small where workers read them.

    [{"C": 1.0, "kernel": "rbf"}, {"C": 2.0, "kernel": "rbf"}, ...]      driver: a dict a candidate
    C:      values 1.0 2.0 ...   codes 0 1 ...                           shared: four bytes a value, and each
    kernel: values "rbf"         codes 0 0 ...                           distinct value once

As dicts, a million candidates take 200 MB in every worker and a second to unpack; codes are read where they lie in
the store.
"""

from __future__ import annotations

import math
from array import array
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

SCALARS = {str, int, float, bool, np.float64, type(None)}
"""Exactly these classes: a subclass may compare and print as it likes."""

ABSENT = -1
"""The code of a parameter that a candidate does not name."""

MOST_GROUPS = 2**62
"""What a number of numpy's can tell apart, with room for a number for each candidate."""

_NOTHING = object()


@dataclass(frozen=True)
class Column:
    """One parameter of all candidates.

    Parameters
    ----------
    codes : array of shape (n_candidates,)
        Which of the values each candidate has, or `ABSENT`.
    values : sequence
        Each once: scalars by their class and value, all else by identity, as the person may share an object.
    """

    codes: np.ndarray[Any, Any]
    values: Any

    @classmethod
    def of(cls, values: Iterable[Any], count: int) -> Column:
        """Make a column of what each candidate has: a value, or `_NOTHING`."""
        known = {id(_NOTHING): ABSENT}  # by identity, of objects that are held: a grid has few, a million times
        alike: defaultdict[type, dict[Any, int]] = defaultdict(dict)
        distinct: list[Any] = []

        def code_of(value: Any) -> int:
            code = alike[type(value)].setdefault(_identity(value), len(distinct))
            if code == len(distinct):
                distinct.append(value)
                known[id(value)] = code
            return code

        codes = (known[id(value)] if id(value) in known else code_of(value) for value in values)
        return cls(np.fromiter(codes, np.int32, count), _compact(distinct))


class Candidates(Sequence[dict[str, Any]]):
    """The candidates of a round; an item is a dict equal to the one that it was made of, in the same order.

    Parameters
    ----------
    candidates : sequence of mapping of str to object
    """

    def __init__(self, candidates: Sequence[Mapping[str, Any]]) -> None:
        shapes: dict[tuple[str, ...], int] = {}
        numbers = (shapes.setdefault(tuple(each), len(shapes)) for each in candidates)
        self._shape = np.fromiter(numbers, np.int32, len(candidates))
        self._shapes = list(shapes)
        names = dict.fromkeys(name for shape in shapes for name in shape)
        self.columns = {
            name: Column.of((each.get(name, _NOTHING) for each in candidates), len(candidates)) for name in names
        }

    def varying(self) -> tuple[str, ...]:
        """Return the names of the parameters in which candidates differ."""
        each = self.columns.items()
        return tuple(name for name, one in each if len(one.values) > 1 or bool((one.codes == ABSENT).any()))

    def __len__(self) -> int:
        return len(self._shape)

    def __getitem__(self, number: Any) -> Any:
        names = self._shapes[self._shape[number]]
        return {name: self.columns[name].values[self.columns[name].codes[number]] for name in names}


def together(
    group: np.ndarray[Any, Any], groups: int, codes: np.ndarray[Any, Any], count: int
) -> tuple[np.ndarray[Any, Any], int]:
    """Divide groups of candidates by one more parameter; returns the group of each, and how many there may be."""
    if groups * (count + 1) > MOST_GROUPS:
        found, group = np.unique(group, return_inverse=True)
        groups = len(found)
    return group * (count + 1) + (codes + 1), groups * (count + 1)


def _identity(value: Any) -> Any:
    """Return what values of one class that are as good as the same have in common."""
    kind = type(value)
    if kind not in SCALARS:
        return id(value)
    if kind in {float, np.float64} and (not value or math.isnan(value)):  # -0.0 equals 0.0, and NaN not even itself
        return repr(value)
    return value


def _compact(values: list[Any]) -> Any:
    """Return values of a class of numbers as an array that has items of this class; others as they are."""
    kinds = set(map(type, values))
    if kinds == {float}:
        return array("d", values)
    return np.array(values) if kinds == {np.float64} else values
