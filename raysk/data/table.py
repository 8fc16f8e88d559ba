"""A table, or a block of one, as readers return it."""

from __future__ import annotations

import sys
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from raysk.errors import InputError
from raysk.util.words import printable

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

TEXT = "text"
"""The type of a column whose values are read as they are written."""


@dataclass(frozen=True, kw_only=True)
class Table:
    """A table, or a block of one.

    Parameters
    ----------
    values : DataFrame, ndarray or sparse matrix of shape (n_rows, n_columns)
    names : tuple of str or None
        None where columns are known by index only.
    beside : mapping of str to object
        Arguments of ``fit`` that came apart from the table: ``y``, ``groups``, ``sample_weight`` and others.
    label : str
        The name of its source, for messages.
    ids : pyarrow.ChunkedArray of length n_rows, or None
        The row ids as the file has them, if a reader was asked for them.
    before : int
        Number of rows of the whole table before this block.
    as_made : bool
        Whether the person's code made it: then a DataFrame stays one, and y stays as it is.
    held_out : Table or None
        The part that this code holds out.
    """

    values: Any
    names: tuple[str, ...] | None = None
    beside: Mapping[str, Any] = field(default_factory=dict)
    label: str = "The data"
    ids: Any = None
    as_made: bool = False
    before: int = 0
    held_out: Table | None = None

    def __len__(self) -> int:
        return int(self.values.shape[0])

    @property
    def n_columns(self) -> int:
        """The number of columns."""
        return int(self.values.shape[1])

    def name_of(self, place: int) -> str:
        """Return a column's name, or its index where columns have no names, for messages."""
        return str(place) if self.names is None else printable(self.names[place])

    def rows(self, start: int, stop: int) -> Table:
        """Return some of the rows, without what came beside the table."""
        part = self.values.iloc[start:stop] if is_frame(self.values) else self.values[start:stop]
        ids = None if self.ids is None else self.ids[start:stop]
        return Table(values=part, names=self.names, label=self.label, ids=ids, as_made=self.as_made)


def is_frame(values: Any) -> bool:
    """Return whether an object is a pandas DataFrame, without importing pandas."""
    return hasattr(values, "iloc") and hasattr(values, "columns")


def is_number(dtype: Any) -> bool:
    """Return whether a dtype, or its name, is of numbers or truth values."""
    import numpy as np

    try:
        return np.dtype(dtype).kind in "iufb"
    except TypeError:  # one of pandas' own; whoever has one has imported pandas
        pandas = sys.modules.get("pandas")
        return pandas is not None and bool(pandas.api.types.is_numeric_dtype(dtype))


def fill_names(names: Sequence[str]) -> list[str]:
    """Return the names of columns; columns without a name are numbered as in pandas."""
    return [name or f"Unnamed: {number}" for number, name in enumerate(names)]


def unique_names(names: Sequence[str], label: str) -> tuple[str, ...]:
    """Return the names of columns as `fill_names` does.

    Raises
    ------
    InputError
        If two columns have the same name.
    """
    full = fill_names(names)
    twice = next((name for name, count in Counter(full).items() if count > 1), None)
    if twice is not None:
        raise InputError(f"{label} has several columns named {printable(twice)!r}.\nGive each a name of its own.")
    return tuple(full)
