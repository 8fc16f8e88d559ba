"""Read CSV and TSV with pyarrow, whole or in blocks.

With pyarrow and not with pandas, because it refuses rows that are too short, and streams every one of them. What a
missing value looks like is pandas' own list.
"""

from __future__ import annotations

import contextlib
import os
from typing import TYPE_CHECKING, Any

from raysk._compat import pyarrow as pyarrow_private
from raysk.data import lines
from raysk.data.extras import extra
from raysk.data.frames import as_table, column_types
from raysk.data.separators import are_decimal, separator_of
from raysk.errors import InputError
from raysk.util.words import brief

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from raysk.data.inputs import Stream
    from raysk.data.known import Known
    from raysk.data.table import Table

_WHAT = "Reading a table"  # what needs pyarrow, in messages

# What a missing value looks like: the defaults of pandas.read_csv, from its documentation.
_MISSING = (
    *("", "#N/A", "#N/A N/A", "#NA", "-1.#IND", "-1.#QNAN", "-NaN", "-nan", "1.#IND", "1.#QNAN"),
    *("<NA>", "N/A", "NA", "NULL", "NaN", "None", "n/a", "nan", "null"),
)


def read(stream: Stream, kind: str, known: Known) -> Table:
    """Read a whole CSV or TSV; see `raysk.data.tabular.read`."""
    csv, arrow = extra("pyarrow.csv", f"Reading {kind}"), extra("pyarrow", f"Reading {kind}")
    options, schema = _options(stream, kind, known, widened=False)
    names = [] if schema is None else schema.names
    with stream.local() as path:
        try:
            table = csv.read_csv(arrow.OSFile(os.fsencode(path)), **options)
        except arrow.ArrowInvalid:
            options["read_options"].use_threads = False  # which tells the row, and is slower
            with _placed(names, header=schema is not None):
                table = csv.read_csv(arrow.OSFile(os.fsencode(path)), **options)
    return as_table(
        _without_missing(table, known, headless=schema is None), stream.label, known, headless=schema is None
    )


def read_blocks(stream: Stream, kind: str, known: Known) -> Iterator[Table]:
    """Read a CSV or TSV in blocks of a few MiB."""
    csv = extra("pyarrow.csv", f"Reading {kind}")
    options, schema = _options(stream, kind, known, widened=True)
    options["read_options"].use_threads = False  # which tells the row; a block is too small for threads to matter
    names, before = [] if schema is None else schema.names, 0

    def parse(block: Any) -> Any:
        nonlocal before
        with _placed(names, before, header=schema is not None and not before):
            table = csv.read_csv(block, **options)
        if schema is not None:
            options["read_options"].column_names = schema.names  # for the blocks that follow
        before += table.num_rows
        return _without_missing(table, known, headless=schema is None)

    return lines.parsed(stream, known, parse, headless=schema is None)


@contextlib.contextmanager
def _placed(names: Sequence[str], before: int = 0, *, header: bool) -> Iterator[None]:
    """Say rows as they are counted in all messages: rows of data, from 1; and columns by name where they have one."""
    try:
        yield
    except extra("pyarrow", _WHAT).ArrowInvalid as err:
        said = pyarrow_private.rename_places(
            str(err),
            row=lambda number: f"row {number + before - header:,}",
            column=lambda number: f"column {_name(names, number)}",
        )
        if pyarrow_private.is_decimal_comma(said):
            raise InputError(f"{brief(said)}\nIf its comma is a decimal one, say --decimal ,") from err
        raise ValueError(said) from err


def _name(names: Sequence[str], number: int) -> str:
    return repr(names[number]) if number < len(names) else str(number)


def _options(stream: Stream, kind: str, known: Known, *, widened: bool) -> tuple[dict[str, Any], Any | None]:
    """Return pyarrow's options, and what the columns are; None if the first line is data already."""
    csv, arrow = extra("pyarrow.csv", f"Reading {kind}"), extra("pyarrow", f"Reading {kind}")
    dialect, head = known.dialect, lines.first_lines(stream)
    mark = separator_of(head, kind, dialect)
    options = {
        "read_options": csv.ReadOptions(block_size=lines.BLOCK_BYTES, use_threads=False),
        "parse_options": csv.ParseOptions(delimiter=mark, newlines_in_values=True),
        "convert_options": csv.ConvertOptions(
            null_values=_MISSING, strings_can_be_null=True, decimal_point=dialect.decimal
        ),
    }
    first = head.partition(b"\n")[0].decode(errors="replace").split(mark)
    with _placed([], header=not _is_data(first, dialect.decimal)):
        schema = csv.read_csv(arrow.BufferReader(head + lines.LAST_END), **options).schema
    options["read_options"].use_threads = True
    if dialect.decimal != "," and are_decimal(schema.names):
        raise InputError(f"{stream.label} begins with numbers that have decimal commas.\nSay --decimal ,")
    headless = _is_data(schema.names, dialect.decimal)
    options["read_options"].autogenerate_column_names = headless
    place = known.id_place(schema.names, headless=headless)
    options["convert_options"].strings_can_be_null = place is None
    if headless:
        options["convert_options"].column_types = {} if place is None else {f"f{place}": arrow.string()}
        return options, None
    options["convert_options"].column_types = column_types(schema, known, widened=widened)
    return options, schema


def _without_missing(table: Any, known: Known, *, headless: bool) -> Any:
    """Make what looks like a missing value in columns of text one, but in the column of ids.

    pyarrow itself does so for all columns of text or for none; a file without a column of ids is left to it.
    """
    place = known.id_place(table.column_names, headless=headless)
    if place is None:
        return table
    arrow, compute = extra("pyarrow", _WHAT), extra("pyarrow.compute", _WHAT)
    missing = arrow.array(_MISSING)
    for number, field in enumerate(table.schema):
        if number != place and field.type == arrow.string():
            column = table.column(number)
            seen = compute.is_in(column, value_set=missing)
            table = table.set_column(number, field.name, compute.if_else(seen, arrow.scalar(None, field.type), column))
    return table


def _is_data(names: list[str], decimal: str) -> bool:
    """Return whether a first line holds numbers only; 0,1,2,... are the names that pandas gives columns."""
    counted = len(names) > 1 and names == [str(number) for number in range(len(names))]
    return not counted and all(_is_float(name.replace(decimal, ".")) for name in names)


def _is_float(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
