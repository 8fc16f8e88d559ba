"""Candidates as somebody wants to see them: which columns, which rows, in which order.

CandidateTable + Request -> Listing -> objects (JSON), cells (CSV, Parquet, Markdown, a terminal)
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from raysk.history.columns import ABSENT, PARAMETER, RANK_OF, SCORE, Columns
from raysk.history.where import matching_rows, parse_where
from raysk.results.writers import Part
from raysk.util.typed_json import encode, value_text

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from raysk.history.candidate_table import CandidateTable
    from raysk.history.columns import Column

DEFAULT_TOP = 20
"""So many rows are shown if nobody says how many."""


@dataclass(frozen=True, kw_only=True)
class ListingRequest:
    """What is wanted of a table.

    Parameters
    ----------
    top : int or None
        The most rows; None means all.
    sort : str or None
        A column, with a minus to turn the order around; None puts the best first. Scores are sorted from the highest,
        all else from the lowest.
    columns : tuple of str
        Names, or several with spaces between them; none means those that a person wants to see first.
    per_split : bool
        Whether each split's score is a column.
    where : tuple of str
        Conditions that all have to hold; see `raysk.history.where`.
    """

    top: int | None = DEFAULT_TOP
    sort: str | None = None
    columns: tuple[str, ...] = ()
    per_split: bool = False
    where: tuple[str, ...] = ()

    @property
    def needs_all(self) -> bool:
        """Whether the best candidates alone do not tell."""
        return bool(self.sort or self.where or self.top is None or any(RANK_OF in each for each in self.columns))


@dataclass(frozen=True)
class Listing:
    """Rows and columns of a table, in order.

    Parameters
    ----------
    table : CandidateTable
    columns : tuple of Column
        For a person: parameters that vary, by short names.
    whole : tuple of Column
        For a file: all parameters.
    rows : list of int
    matching : int
        How many rows there would be without the limit.
    """

    table: CandidateTable
    columns: tuple[Column, ...]
    whole: tuple[Column, ...]
    rows: list[int]
    matching: int

    def objects(self) -> Iterator[dict[str, Any]]:
        """Yield an object for each row: ``params`` holds the parameters, see `raysk.util.typed_json`."""
        plain = [each for each in self.whole if each.kind != PARAMETER]
        params = [each for each in self.whole if each.kind == PARAMETER]
        for row in self.rows:
            found = {each.key: each.values([row])[0] for each in plain}
            if params:
                values = {each.key: each.values([row])[0] for each in params}
                found["params"] = {key: encode(value) for key, value in values.items() if value is not ABSENT}
            yield found

    def texts(self) -> Part:
        """Return columns for a table of text: parameters as Python writes them, and nothing where there is none."""
        return Part({each.key: cell_texts(each, self.rows) for each in self.whole})

    def typed(self) -> Part:
        """Return columns of one type each: text, as in `texts`, for a parameter that has several."""
        return Part({each.key: _typed(each, self.rows) for each in self.whole})


def cell_texts(column: Column, rows: Sequence[int]) -> list[Any]:
    """Return the cells of a column: parameters as Python writes them, None where there is none, all else as it is."""
    cells = column.values(rows)
    if column.kind != PARAMETER:
        return cells
    return [None if cell is ABSENT else value_text(cell) for cell in cells]


def _typed(column: Column, rows: Sequence[int]) -> list[Any]:
    cells = [None if cell is ABSENT else cell for cell in column.values(rows)]
    kinds = {type(cell) for cell in column.values(rows) if cell is not ABSENT}
    has_one_type = len(kinds) == 1 and kinds <= {int, float, bool, str}
    return cells if column.kind != PARAMETER or has_one_type else cell_texts(column, rows)


def list_candidates(table: CandidateTable, request: ListingRequest) -> Listing:
    """Choose rows and columns of a table.

    Raises
    ------
    UsageError
        If there is no column of some name, or a condition is none.
    """
    columns = Columns(table)
    conditions = [each for text in request.where for each in parse_where(text, columns)]
    shown, whole = _columns(columns, request)
    order = table.order().tolist() if request.sort is None else _sorted(table, columns, request.sort)
    rows = matching_rows(conditions, order)
    matching = len(rows) if conditions or table.total is None else table.total
    top = rows[: request.top]
    if not request.columns:
        shown = tuple(each for each in shown if _is_worth_showing(each, top, table))
    return Listing(table, shown, whole, top, matching)


def _columns(columns: Columns, request: ListingRequest) -> tuple[tuple[Column, ...], tuple[Column, ...]]:
    """Return the columns for a person, and those for a file."""
    table = columns.table
    splits = columns.splits(table.metric) if request.per_split else []
    if request.columns:
        parts = [part for name in request.columns for part in ([name] if name in columns else name.split())]
        named = [columns.find(name, "--columns") for name in parts]
        every = tuple({each.name: each for each in [*named, *splits]}.values())
        return every, every
    halving = ("round", "resources") if table.rounds is not None else ()
    first = [*columns.fixed("rank", *halving, "mean", "std"), *splits]
    shown = [*first, *columns.fixed("fit_time", "splits"), *columns.parameters(table.varying), *columns.fixed("error")]
    number = columns.fixed("candidate")
    whole = [*first, *number, *columns.fixed("fit_time", "score_time", "splits", "error", "pruned")]
    return tuple(shown), (*whole, *columns.parameters(table.names))


def _is_worth_showing(column: Column, rows: Sequence[int], table: CandidateTable) -> bool:
    """Tell whether a column says anything of these rows: most have no error, and all splits done."""
    cells = column.values(rows)
    if column.key == "splits":
        return not table.is_whole and any(done < table.splits[table.metric].shape[1] for done in cells)
    return column.key != "error" or any(cells)


def _sorted(table: CandidateTable, columns: Columns, sort: str) -> list[int]:
    column = columns.find(sort.removeprefix("-"), "--sort")
    rows = np.arange(len(table)).tolist()
    cells = dict(zip(rows, column.values(rows), strict=True))
    there = [row for row in rows if not _is_nothing(cells[row])]
    downwards = (column.kind == SCORE) is not sort.startswith("-")
    try:
        there.sort(key=cells.__getitem__, reverse=downwards)
    except TypeError:  # of several types
        there.sort(key=lambda row: _sort_key(cells[row]), reverse=downwards)
    return [*there, *(row for row in rows if _is_nothing(cells[row]))]


def _is_nothing(value: Any) -> bool:
    return value is None or value is ABSENT or (isinstance(value, float) and math.isnan(value))


def _sort_key(value: Any) -> tuple[int, Any]:
    """Put numbers before all else, which is sorted as it is written."""
    return (0, value) if isinstance(value, int | float) else (1, value_text(value))
