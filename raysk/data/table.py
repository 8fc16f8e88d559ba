"""A table, or a block of one, as a reader gives it."""

from __future__ import annotations

import sys
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from raysk.errors import InputError
from raysk.util.words import shown

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

TEXT = "text"
"""What a column's type is called that has to be read as it is written."""


@dataclass(frozen=True, kw_only=True)
class Table:
    """A table, or a block of one.

    Parameters
    ----------
    values : DataFrame, ndarray or sparse matrix of shape (n_rows, n_columns)
    names : tuple of str or None
        None where columns are known by index only.
    beside : mapping of str to object
        What came apart from the table: ``y``, ``groups``, ``sample_weight`` and other arguments of ``fit``.
    label : str
        Where it is from, for messages.
    ids : pyarrow.ChunkedArray of length n_rows, or None
        The names of the rows as they stand in the file, where a reader was asked for them.
    before : int
        How many rows of the whole are before this block.
    as_made : bool
        Whether code of the person's made it: what they made a DataFrame, or y, then stays what it is.
    held_out : Table or None
        What that code holds out of it.
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
        return str(place) if self.names is None else shown(self.names[place])

    def rows(self, start: int, stop: int) -> Table:
        """Return some of the rows as a table, without what came beside them."""
        part = self.values.iloc[start:stop] if is_frame(self.values) else self.values[start:stop]
        ids = None if self.ids is None else self.ids[start:stop]
        return Table(values=part, names=self.names, label=self.label, ids=ids, as_made=self.as_made)


def is_frame(values: Any) -> bool:
    """Return whether something is a pandas DataFrame; whoever has one has imported pandas."""
    return hasattr(values, "iloc") and hasattr(values, "columns")


def is_number(dtype: Any) -> bool:
    """Return whether a dtype, or the text of one, is of numbers or truth values."""
    import numpy as np

    try:
        return np.dtype(dtype).kind in "iufb"
    except TypeError:  # one of pandas' own; whoever has one has imported pandas
        pandas = sys.modules.get("pandas")
        return pandas is not None and bool(pandas.api.types.is_numeric_dtype(dtype))


def full_names(names: Sequence[str]) -> list[str]:
    """Return the names of columns, those without one numbered as pandas does."""
    return [name or f"Unnamed: {number}" for number, name in enumerate(names)]


def unique_names(names: Sequence[str], label: str) -> tuple[str, ...]:
    """Return the names of columns, those without one numbered as pandas does.

    Raises
    ------
    InputError
        If two columns have the same name.
    """
    full = full_names(names)
    twice = next((name for name, count in Counter(full).items() if count > 1), None)
    if twice is not None:
        raise InputError(f"{label} has several columns named {shown(twice)!r}.\nGive each a name of its own.")
    return tuple(full)
