"""The facts about a table that a reader has before it reads."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from raysk.data.columns import place_of
from raysk.data.dialect import Dialect
from raysk.data.table import fill_names

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


@dataclass(frozen=True, kw_only=True)
class TableSpec:
    """The facts about a table that are known before it is read.

    Parameters
    ----------
    format : str or None
        One of `raysk.data.formats.FORMATS`; None until the file is opened, where the person says none.
    dtypes : mapping of str to str
        The types that columns must have, by name; see `raysk.data.reading.read_blocks`.
    ids : str or None
        The name or index of the column of row ids, whose values are left as they are.
    dialect : Dialect
        How a CSV or TSV is written.
    """

    format: str | None = None
    dtypes: Mapping[str, str] = field(default_factory=dict)
    ids: str | None = None
    dialect: Dialect = field(default_factory=Dialect)

    def id_place(self, names: Sequence[str], *, headless: bool = False) -> int | None:
        """Return the index of the column of ids; `names` are pyarrow's own if the file has no header."""
        if self.ids is None:
            return None
        return place_of(self.ids, None if headless else fill_names(names), len(names))
