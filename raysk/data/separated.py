"""Read CSV and TSV with pyarrow, whole or in blocks.

pyarrow, unlike pandas, refuses rows that are too short, and streams all of them. Missing values look as in pandas.
"""

from __future__ import annotations

import contextlib
import os
from typing import TYPE_CHECKING, Any

from raysk._compat import pyarrow as pyarrow_private
from raysk.data import lines
from raysk.data.frames import as_table, column_types
from raysk.data.separators import are_decimal, separator_of
from raysk.errors import InputError
from raysk.util.values import is_float
from raysk.util.words import shorten

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from raysk.data.inputs import Stream
    from raysk.data.table import Table
    from raysk.data.table_spec import TableSpec

# What a missing value looks like: the defaults of pandas.read_csv, from its documentation.
_MISSING = (
    *("", "#N/A", "#N/A N/A", "#NA", "-1.#IND", "-1.#QNAN", "-NaN", "-nan", "1.#IND", "1.#QNAN"),
    *("<NA>", "N/A", "NA", "NULL", "NaN", "None", "n/a", "nan", "null"),
)


def read(stream: Stream, known: TableSpec) -> Table:
    """Read a whole CSV or TSV."""
    from pyarrow import ArrowInvalid, OSFile, csv

    options, names = _make_options(stream, known, widened=False)
    with stream.local() as path:
        try:
            table = csv.read_csv(OSFile(os.fsencode(path)), **options)
        except ArrowInvalid:
            options["read_options"].use_threads = False  # slower, but the error then names the row
            with _naming_places(names, header=bool(names)):
                table = csv.read_csv(OSFile(os.fsencode(path)), **options)
    return as_table(_replace_missing(table, known, headless=not names), stream.label, known, headless=not names)


def read_blocks(stream: Stream, known: TableSpec, _rows: int | None) -> Iterator[Table]:
    """Read a CSV or TSV in blocks of a few MiB."""
    from pyarrow import csv

    options, names = _make_options(stream, known, widened=True)
    options["read_options"].use_threads = False  # errors name the row; a block is too small for threads to matter
    before = 0

    def parse(block: Any) -> Any:
        nonlocal before
        with _naming_places(names, before, header=bool(names) and not before):
            table = csv.read_csv(block, **options)
        if names:
            options["read_options"].column_names = names  # for the blocks that follow
        before += table.num_rows
        return _replace_missing(table, known, headless=not names)

    return lines.parse_lines(stream, known, parse, headless=not names)


@contextlib.contextmanager
def _naming_places(names: Sequence[str], before: int = 0, *, header: bool) -> Iterator[None]:
    """Count rows in pyarrow's errors as all messages do, from the first row of data; name columns that have a name."""
    from pyarrow import ArrowInvalid

    def name(number: int) -> str:
        return repr(names[number]) if number < len(names) else str(number)

    try:
        yield
    except ArrowInvalid as err:
        said = pyarrow_private.rename_places(
            str(err), row=lambda number: f"row {number + before - header:,}", column=lambda at: f"column {name(at)}"
        )
        if pyarrow_private.is_decimal_comma(said):
            raise InputError(f"{shorten(said)}\nIf its comma is a decimal one, say --decimal ,") from err
        raise ValueError(said) from err


def _make_options(stream: Stream, known: TableSpec, *, widened: bool) -> tuple[dict[str, Any], list[str]]:
    """Return pyarrow's options, and the names of the columns: none if the first line is data already."""
    import pyarrow as pa
    from pyarrow import csv

    decimal, head = known.dialect.decimal, lines.first_lines(stream)
    mark = separator_of(head, known)
    reading = csv.ReadOptions(block_size=lines.BLOCK_BYTES, use_threads=False)
    converting = csv.ConvertOptions(null_values=_MISSING, strings_can_be_null=True, decimal_point=decimal)
    options = {
        "read_options": reading,
        "parse_options": csv.ParseOptions(delimiter=mark, newlines_in_values=True),
        "convert_options": converting,
    }
    first = head.partition(b"\n")[0].decode(errors="replace").split(mark)
    with _naming_places([], header=not _is_data(first, decimal)):
        schema = csv.read_csv(pa.BufferReader(head + lines.LAST_END), **options).schema
    reading.use_threads = True
    if decimal != "," and are_decimal(schema.names):
        raise InputError(f"{stream.label} begins with numbers that have decimal commas.\nSay --decimal ,")
    headless = _is_data(schema.names, decimal)
    reading.autogenerate_column_names = headless
    place = known.id_place(schema.names, headless=headless)
    converting.strings_can_be_null = place is None
    if headless:
        converting.column_types = {} if place is None else {f"f{place}": pa.string()}
        return options, []
    converting.column_types = column_types(schema, known, widened=widened)
    return options, schema.names


def _replace_missing(table: Any, known: TableSpec, *, headless: bool) -> Any:
    """Replace text that looks like a missing value by null in all columns but that of ids.

    pyarrow itself does so for all columns of text or for none; a file without a column of ids is left to it.
    """
    import pyarrow as pa
    from pyarrow import compute

    place = known.id_place(table.column_names, headless=headless)
    if place is None:
        return table
    missing = pa.array(_MISSING)
    for number, field in enumerate(table.schema):
        if number != place and field.type == pa.string():
            column = table.column(number)
            seen = compute.is_in(column, value_set=missing)
            table = table.set_column(number, field.name, compute.if_else(seen, pa.scalar(None, field.type), column))
    return table


def _is_data(names: list[str], decimal: str) -> bool:
    """Return whether a first line holds numbers only; 0,1,2,... are the names that pandas gives columns."""
    counted = len(names) > 1 and names == [str(number) for number in range(len(names))]
    return not counted and all(is_float(name.replace(decimal, ".")) for name in names)
