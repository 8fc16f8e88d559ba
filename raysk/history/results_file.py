"""A run's table of candidates, ``results.csv``, read as far as somebody asks.

A table of 200,000 candidates is 80 MB of text, of which the top 20 need one column and 20 rows. So the lines stay as
they are until a column that stands behind a quoted one is asked for.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

MOST_CELL = 2**31 - 1
"""The most characters of a cell of a table."""


class ResultsFile(Mapping[str, "list[str]"]):
    """The columns of a table, as text.

    Parameters
    ----------
    names : list of str
    lines : list of str
        One a row.
    """

    def __init__(self, names: Sequence[str], lines: list[str]) -> None:
        self._header, self.lines = names, lines
        self._names = {name: at for at, name in enumerate(names)}  # a damaged table may have one twice
        self._read: dict[str, list[str]] = {}

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)

    def __contains__(self, name: object) -> bool:
        return name in self._names

    def __getitem__(self, name: str) -> list[str]:
        at = self._names[name]
        if name not in self._read:
            column = self._unquoted(at)
            self._read |= {name: column} if column is not None else self._all
        return self._read[name]

    def take(self, rows: Iterable[int]) -> ResultsFile:
        """Return a table of some rows."""
        return ResultsFile(self._header, [self.lines[row] for row in rows])

    def _unquoted(self, at: int) -> list[str] | None:
        """Return a column that is read without the others; None if something before it, or it, is quoted."""
        cut = [line.split(",", at + 1) for line in self.lines]
        return None if any('"' in cell for cells in cut for cell in cells[: at + 1]) else [cells[at] for cells in cut]

    @cached_property
    def _all(self) -> dict[str, list[str]]:
        rows = [_cells(line, len(self._header)) for line in self.lines]
        return {name: [row[at] for row in rows] for name, at in self._names.items()}


def _cells(line: str, count: int) -> list[str]:
    """Return the cells of a row; where it is damaged they are empty, and other rows are as they are."""
    try:
        cells = next(csv.reader((line,)), [])
    except csv.Error:
        cells = []
    return cells + [""] * (count - len(cells))


def read_results(path: Path) -> ResultsFile | None:
    """Read a table; None if there is none, or it is damaged."""
    csv.field_size_limit(MOST_CELL)
    try:
        with path.open(newline="", encoding="utf-8") as file:
            header, *lines = _rows_of(file.read())
            names = next(csv.reader([header]), [])
    except (OSError, ValueError, csv.Error):
        return None
    least = len(names) - 1
    lines = [line for line in lines if line.count(",") >= least]  # a row that was cut short is none
    return ResultsFile(names, lines) if lines else None


def _rows_of(text: str) -> list[str]:
    """Return the lines of a table; a quoted cell may go over several."""
    lines = text.split("\n")
    lines.pop()  # what follows the last line's end: nothing, or a line that was cut short
    if '"' not in text:
        return lines
    whole: list[str] = []
    is_open = False
    for line in lines:
        if is_open:
            whole[-1] += "\n" + line
        else:
            whole.append(line)
        is_open ^= line.count('"') % 2 == 1
    return whole
