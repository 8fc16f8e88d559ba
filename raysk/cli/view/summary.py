"""A job's summary on stdout."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rich.table import Table
from rich.text import Text

from raysk.cli.view.console import harmless, stdout_console
from raysk.util.jsonable import to_json

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from raysk.cli.streams import DataOut


def show_summary(
    out: DataOut | None, summary: Mapping[str, Any], *, as_json: bool, rows: Sequence[Sequence[str]] = ()
) -> None:
    """Write a job's summary to stdout: one JSON object, or a table for a person.

    Parameters
    ----------
    out : DataOut or None
        None shows nothing.
    summary : mapping
    as_json : bool
        JSON also for a person.
    rows : sequence of (name, value, ...)
        What the table shows.
    """
    if out is None:
        return
    if as_json or not out.is_for_a_person:
        out.write_line(to_json(summary))
        return
    table = Table(show_header=False, box=None, pad_edge=False)
    console = stdout_console(out)
    table.add_column(style="bold", overflow="fold", max_width=max(console.width * 2 // 5, 10))
    for _ in next(iter(rows), ())[1:]:
        table.add_column(overflow="fold")
    for row in rows:
        table.add_row(*(Text(harmless(cell)) for cell in row))
    console.print(table)
