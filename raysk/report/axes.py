"""How a parameter is drawn and counted: on a line of numbers, on one of their logarithms, or as categories.

What ``run.json`` says of the search space comes first; for a run without it, the values that were tried tell.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from numbers import Real
from typing import TYPE_CHECKING, Any

from raysk.util.typed_json import decode

if TYPE_CHECKING:
    from raysk.history.candidates import CandidateTable
    from raysk.history.run import Run

DECADES = 2.0
"""Numbers that cover less than this factor of ten look as good on a plain line."""

MOST_CHOICES = 40
"""More different numbers than this were drawn from a distribution, if nothing tells that they are a list."""


class _Absent:
    """The value of a parameter that a candidate does not have."""

    def __repr__(self) -> str:
        return "not there"


ABSENT = _Absent()


@dataclass(frozen=True, kw_only=True)
class Axis:
    """One parameter of a search.

    Parameters
    ----------
    name : str
    is_log : bool
        Whether the logarithm of its numbers is spread evenly.
    low, high : float or None
        The ends of its range; None where there is none, as of categories and of distributions without bounds.
    values : tuple or None
        What there is to choose from, numbers in ascending order; None of a distribution.
    is_category : bool
        Whether some of its values are no numbers.
    is_integer : bool
    is_conditional : bool
        Whether some candidates do not have it.
    """

    name: str
    is_log: bool = False
    low: float | None = None
    high: float | None = None
    values: tuple[Any, ...] | None = None
    is_category: bool = False
    is_integer: bool = False
    is_conditional: bool = False

    def scaled(self, number: float) -> float:
        """Return where a number is on the line: its logarithm to base 10 on a logarithmic one."""
        return math.log10(number) if self.is_log else float(number)


def columns_of(table: CandidateTable) -> dict[str, list[Any]]:
    """Return the value that each candidate has of each parameter that varies, `ABSENT` where it has none."""
    params = list(table.params)
    return {name: [each.get(name, ABSENT) for each in params] for name in table.varying}


def axes_of(run: Run, table: CandidateTable, columns: Mapping[str, Sequence[Any]] | None = None) -> dict[str, Axis]:
    """Return an axis for each parameter in which candidates differ.

    Parameters
    ----------
    run : Run
    table : CandidateTable
    columns : mapping of str to sequence, or None
        What `columns_of` returns, if it is there already.

    Returns
    -------
    dict of str to Axis
    """
    space = run.facts.get("space")
    said = space if isinstance(space, Mapping) else {}
    columns = columns_of(table) if columns is None else columns
    return {name: _axis(name, said.get(name), values) for name, values in columns.items()}


def _axis(name: str, said: Any, column: Sequence[Any]) -> Axis:
    seen = [value for value in column if value is not ABSENT]
    conditional = len(seen) < len(column)
    entries = _entries(said)
    if not entries:
        axis = _axis_of_values(name, seen, is_conditional=conditional)
        is_drawn = not axis.is_category and len(axis.values or ()) > MOST_CHOICES
        return replace(axis, values=None) if is_drawn else axis
    drawn = [entry for entry in entries if "distribution" in entry]
    listed = [decode(value) for entry in entries for value in entry.get("values", ())]
    if not drawn or not all(map(is_number, listed)):
        return _axis_of_values(name, listed if not drawn else [*listed, *seen], is_conditional=conditional)
    lows, highs = [[entry.get(end) for entry in drawn] for end in ("low", "high")]
    return Axis(
        name=name,
        is_log=all(entry.get("log") is True for entry in drawn),
        low=None if None in lows else min(map(float, [*lows, *listed])),
        high=None if None in highs else max(map(float, [*highs, *listed])),
        is_integer=all(entry.get("kind") == "int" for entry in drawn),
        is_conditional=conditional,
    )


def _entries(said: Any) -> list[Mapping[str, Any]]:
    """Return what the spaces give a parameter, a list of values or a distribution each; none if one is neither."""
    several = said.get("any_of", [said]) if isinstance(said, Mapping) else []
    return several if isinstance(several, list) and all(map(_is_entry, several)) else []


def _is_entry(said: Any) -> bool:
    if not isinstance(said, Mapping):
        return False
    if "distribution" in said:
        return all(said.get(end) is None or is_number(said[end]) for end in ("low", "high"))
    return isinstance(said.get("values"), list) and len(said["values"]) > 0


def _axis_of_values(name: str, values: Sequence[Any], *, is_conditional: bool) -> Axis:
    different = list({repr(value): value for value in values}.values())
    if not different or not all(map(is_number, different)):
        return Axis(name=name, values=tuple(different), is_category=True, is_conditional=is_conditional)
    numbers = sorted(different)
    return Axis(
        name=name,
        is_log=_is_even_in_log(numbers),
        low=float(numbers[0]),
        high=float(numbers[-1]),
        values=tuple(numbers),
        is_integer=all(isinstance(number, int) for number in numbers),
        is_conditional=is_conditional,
    )


def is_number(value: Any) -> bool:
    """Tell whether a value is a number that can stand on a line; True and False, NaN and infinity are none."""
    return isinstance(value, Real) and not isinstance(value, bool) and math.isfinite(value)


def _is_even_in_log(numbers: Sequence[float]) -> bool:
    """Tell whether sorted numbers cover decades, and are spread more evenly by their logarithms than by themselves."""
    if numbers[0] <= 0 or numbers[-1] < numbers[0] * 10**DECADES:
        return False
    return _unevenness([math.log(number) for number in numbers]) < _unevenness(numbers)


def _unevenness(numbers: Sequence[float]) -> float:
    """Return how far sorted numbers are at most from the same count of evenly spread ones, as a part of their range."""
    low, width = numbers[0], numbers[-1] - numbers[0]
    return max(abs((number - low) / width - at / (len(numbers) - 1)) for at, number in enumerate(numbers))
