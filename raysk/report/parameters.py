"""The parameters of all candidates as numbers on axes, for the panels and for the parallel coordinates."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from raysk.report.axes import ABSENT
from raysk.report.words import rounded, shortened, value_text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from raysk.report.axes import Axis

    Floats = np.ndarray[Any, np.dtype[np.float64]]

MOST_CATEGORIES = 24
"""More than these cannot be told apart on an axis; the last is for all others."""

OTHERS = "others"
LONGEST_CATEGORY = 18


@dataclass(frozen=True)
class Column:
    """One parameter of all candidates.

    Parameters
    ----------
    name, short : str
    is_log : bool
    categories : tuple of str or None
        Plain text: what the positions 0, 1, ... mean; None for numbers.
    at : ndarray of shape (n,)
        Where each candidate is: its number, or the position of its category; NaN where it has no such parameter.
    """

    name: str
    short: str
    is_log: bool
    categories: tuple[str, ...] | None
    at: Floats

    def as_json(self, rows: Any) -> dict[str, Any]:
        """Return it for the parallel coordinates."""
        return {
            "name": self.name,
            "short": self.short,
            "log": self.is_log,
            "categories": self.categories,
            "at": rounded(self.at[rows]),
        }


def column_of(axis: Axis, short: str, values: Sequence[Any]) -> Column:
    """Place the values of a parameter on its axis; those of a mix of numbers and others are categories."""
    if axis.is_category:
        return _categories(axis, short, values)
    at = np.array([np.nan if value is ABSENT else float(value) for value in values])
    is_log = axis.is_log and bool(np.nanmin(at) > 0)
    return Column(axis.name, short, is_log, None, at)


def _categories(axis: Axis, short: str, values: Sequence[Any]) -> Column:
    texts = [None if value is ABSENT else value_text(value) for value in values]
    seen = dict.fromkeys(text for text in texts if text is not None)
    listed = [text for text in map(value_text, axis.values or ()) if text in seen]
    names = list(dict.fromkeys([*listed, *seen]))
    if len(names) > MOST_CATEGORIES:
        names = [*names[: MOST_CATEGORIES - 1], OTHERS]
    places = {name: float(at) for at, name in enumerate(names)}
    at = np.array([np.nan if text is None else places.get(text, len(names) - 1.0) for text in texts])
    return Column(axis.name, short, False, tuple(shortened(name, LONGEST_CATEGORY) for name in names), at)  # noqa: FBT003


def short_names(names: Sequence[str]) -> dict[str, str]:
    """Return the last part of each name, or all of it where two have the same last part."""
    last = [name.rpartition("__")[2] for name in names]
    return {name: end if last.count(end) == 1 else name for name, end in zip(names, last, strict=True)}
