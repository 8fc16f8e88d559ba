"""Read CSV, TSV, JSON lines, Parquet and Arrow with pyarrow, whole or in blocks."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from raysk.data import columnar, json_lines, separated

if TYPE_CHECKING:
    from collections.abc import Iterator

    from raysk.data.inputs import Stream
    from raysk.data.known import Known
    from raysk.data.table import Table

FORMATS = ("csv", "tsv", "jsonl", "parquet", "arrow")


def read(stream: Stream, kind: str, known: Known) -> Table:
    """Read a whole table.

    Parameters
    ----------
    stream : Stream
    kind : str
        One of `FORMATS`.
    known : Known
    """
    if kind == "parquet":
        return columnar.read_parquet(stream, known)
    if kind == "arrow":
        return columnar.read_arrow(stream, known)
    return json_lines.read(stream, known) if kind == "jsonl" else separated.read(stream, kind, known)


def read_blocks(stream: Stream, kind: str, known: Known, rows: int | None) -> Iterator[Table]:
    """Read a table in blocks, in bounded memory.

    Parameters
    ----------
    stream, kind, known
        As for `read`.
    rows : int or None
        The most rows in a block; None for as many as come at once.
    """
    for table in _blocks(stream, kind, known, rows):
        step = rows or len(table)
        for start in range(0, len(table), step):
            yield table.rows(start, start + step)


def _blocks(stream: Stream, kind: str, known: Known, rows: int | None) -> Iterator[Table]:
    if kind == "parquet":
        return columnar.blocks_of_parquet(stream, known, rows)
    if kind == "arrow":
        return columnar.blocks_of_arrow(stream, known)
    return json_lines.read_blocks(stream, known) if kind == "jsonl" else separated.read_blocks(stream, kind, known)


def release_unused() -> None:
    """Give the memory of tables that are gone back to the system: pyarrow keeps it, up to the size of the table."""
    arrow = sys.modules.get("pyarrow")
    if arrow is not None:
        arrow.default_memory_pool().release_unused()
