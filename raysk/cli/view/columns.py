"""A table of columns as lines of text, as wide as a terminal: columns go before a word is folded."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from rich.cells import cell_len, set_cell_size

if TYPE_CHECKING:
    from collections.abc import Sequence

BETWEEN = "  "
ELLIPSIS = "…"


@dataclass(frozen=True, kw_only=True)
class TextColumn:
    """A column of text.

    Parameters
    ----------
    name : str
    cells : list of str
    importance : int
        Where there is no room the column with the least goes first, and of several the last.
    is_right : bool
        Whether cells end below each other, as numbers do.
    narrower : (str, TextColumn) or None
        What goes of it at first, and what takes its place then.
    least : int or None
        Its cells may be cut to so many characters; None means that they may not.
    """

    name: str
    cells: list[str]
    importance: int = 0
    is_right: bool = False
    narrower: tuple[str, TextColumn] | None = None
    least: int | None = None

    @property
    def width(self) -> int:
        """Of the widest cell, in characters."""
        return max(map(cell_len, [self.name, *self.cells]))


def fit_columns(columns: Sequence[TextColumn], width: int | None) -> tuple[list[TextColumn], list[str]]:
    """Return the columns for which there is room, and the names of those that went.

    Parameters
    ----------
    columns : sequence of TextColumn
    width : int or None
        In characters; None means any.
    """
    kept, gone = list(columns), []
    while width is not None and len(kept) > 1 and _least_width(kept) > width:
        at = max(range(len(kept)), key=lambda each: (-kept[each].importance, each))
        column = kept[at]
        lost, *rest = column.narrower or (column.name,)
        gone.append(lost)
        kept[at : at + 1] = rest
    if width is not None:
        spare = width - _least_width(kept)
        for at, column in enumerate(kept):
            if column.least is not None:
                room = max(column.least, len(column.name)) + max(spare, 0)
                spare -= max(column.width - max(column.least, len(column.name)), 0)
                kept[at] = replace(column, cells=[cut(cell, room) for cell in column.cells])
    return kept, gone


def table_lines(columns: Sequence[TextColumn]) -> list[str]:
    """Return the lines of a table, the names first."""
    if not columns:
        return []
    widths = [column.width for column in columns]
    rows = zip(*([column.name, *column.cells] for column in columns), strict=True)
    return [
        BETWEEN.join(
            " " * (width - cell_len(cell)) + cell if column.is_right else set_cell_size(cell, width)
            for cell, column, width in zip(row, columns, widths, strict=True)
        ).rstrip()
        for row in rows
    ]


def markdown_lines(columns: Sequence[TextColumn]) -> list[str]:
    """Return the lines of a table in Markdown."""
    escaped = [
        replace(column, name=_in_markdown(column.name), cells=list(map(_in_markdown, column.cells)))
        for column in columns
    ]
    names, *rows = zip(*([column.name, *column.cells] for column in escaped), strict=True)
    rule = ("---:" if column.is_right else "---" for column in columns)
    return [f"| {' | '.join(row)} |" for row in (names, tuple(rule), *rows)]


def cut(text: str, room: int) -> str:
    """Cut a text that is too long, behind a word if that leaves half of it."""
    if cell_len(text) <= room:
        return text
    short = set_cell_size(text, room - 1).rstrip()
    word = short.rpartition(" ")[0]
    return (word if len(word) > room // 2 else short) + ELLIPSIS


def _least_width(columns: Sequence[TextColumn]) -> int:
    least = (
        column.width if column.least is None else min(column.width, max(column.least, len(column.name)))
        for column in columns
    )
    return sum(least) + len(BETWEEN) * (len(columns) - 1)


def _in_markdown(text: str) -> str:
    return text.replace("\\", "\\\\").replace("|", "\\|").replace("\n", " ")
