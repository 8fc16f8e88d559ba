"""A table, or a block of one, as a reader gives it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


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
    """

    values: Any
    names: tuple[str, ...] | None = None
    beside: Mapping[str, Any] = field(default_factory=dict)

    def __len__(self) -> int:
        return int(self.values.shape[0])

    @property
    def n_columns(self) -> int:
        """The number of columns."""
        return int(self.values.shape[1])
