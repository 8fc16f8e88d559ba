"""Read CSV, TSV, JSON lines, Parquet and Arrow with pyarrow, whole or in blocks.

With pyarrow and not with pandas, because it refuses rows that are too short, and streams every one of them. What a
missing value looks like is pandas' own list.
"""

from __future__ import annotations

import contextlib
import os
import re
import sys
from typing import TYPE_CHECKING, Any, BinaryIO

from raysk.errors import InputError
from raysk.spec.arrays import check_fits
from raysk.spec.extras import extra
from raysk.spec.frames import as_table, as_tables, column_types
from raysk.spec.inputs import HEAD_BYTES
from raysk.spec.separators import check_separator
from raysk.spec.words import brief, shown

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from raysk.spec.inputs import Stream
    from raysk.spec.known import Known
    from raysk.spec.table import Table

FORMATS = ("csv", "tsv", "jsonl", "parquet", "arrow")

# How much is parsed and handed on at once, in bytes of the input or, for Parquet, of its values. A row has to fit in.
# Small blocks cost Python's time per block, large ones memory: to read 2.4 million rows of 20 floats (0.94 GB) from a
# pipe and make arrays of them took 5.8, 5.0 and 4.9 s and 42, 69 and 110 MB in blocks of 2, 4 and 8 MiB.
BLOCK_BYTES = 2**22

_WHAT = "Reading a table"  # what needs pyarrow, in messages

MOST_EXACT = 2**53
"""From here on floats do not tell a whole number from the next."""

LAST_END = b"\n"  # pyarrow finds no columns in a single line that does not end; empty lines are none

# What a missing value looks like: the defaults of pandas.read_csv, from its documentation.
_MISSING = (
    *("", "#N/A", "#N/A N/A", "#NA", "-1.#IND", "-1.#QNAN", "-NaN", "-nan", "1.#IND", "1.#QNAN"),
    *("<NA>", "N/A", "NA", "NULL", "NaN", "None", "n/a", "nan", "null"),
)


def read(stream: Stream, kind: str, known: Known) -> Table:
    """Read a whole table.

    Parameters
    ----------
    stream : Stream
    kind : str
        One of `FORMATS`.
    known : Known

    Returns
    -------
    Table
    """
    if kind == "parquet":
        return _parquet(stream, known)
    if kind == "arrow":
        return _arrow(stream, known)
    return _json_lines(stream, known) if kind == "jsonl" else _separated(stream, kind, known)


def read_blocks(stream: Stream, kind: str, known: Known, rows: int | None) -> Iterator[Table]:
    """Read a table in blocks, in bounded memory.

    Parameters
    ----------
    stream, kind, known
        As for `read`.
    rows : int or None
        The most rows in a block; None for as many as come at once.

    Yields
    ------
    Table
    """
    for table in _blocks(stream, kind, known, rows):
        step = rows or len(table)
        for start in range(0, len(table), step):
            yield table.rows(start, start + step)


def _blocks(stream: Stream, kind: str, known: Known, rows: int | None) -> Iterator[Table]:
    if kind == "parquet":
        return _parquet_blocks(stream, known, rows)
    if kind == "arrow":
        return _arrow_blocks(stream, known)
    return _json_blocks(stream, known) if kind == "jsonl" else _separated_blocks(stream, kind, known)


# --- CSV and TSV


def _separated(stream: Stream, kind: str, known: Known) -> Table:
    csv, arrow = extra("pyarrow.csv", f"Reading {kind}"), extra("pyarrow", f"Reading {kind}")
    options, schema = _csv_options(stream, kind, known, widened=False)
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


def _separated_blocks(stream: Stream, kind: str, known: Known) -> Iterator[Table]:
    csv = extra("pyarrow.csv", f"Reading {kind}")
    options, schema = _csv_options(stream, kind, known, widened=True)
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

    return _parsed(stream, known, parse, headless=schema is None)


@contextlib.contextmanager
def _placed(names: Sequence[str], before: int = 0, *, header: bool) -> Iterator[None]:
    """Say rows as they are counted in all messages: rows of data, from 1; and columns by name where they have one."""
    try:
        yield
    except extra("pyarrow", _WHAT).ArrowInvalid as err:
        said = re.sub(r"Row #(\d+)", lambda row: f"row {int(row[1]) + before - header:,}", str(err))
        said = re.sub(r"column #(\d+)", lambda at: f"column {_name(names, int(at[1]))}", said)
        raise ValueError(said) from err


def _name(names: Sequence[str], number: int) -> str:
    return repr(names[number]) if number < len(names) else str(number)


def _csv_options(stream: Stream, kind: str, known: Known, *, widened: bool) -> tuple[dict[str, Any], Any | None]:
    """Return pyarrow's options, and what the columns are; None if the first line is data already."""
    csv, arrow = extra("pyarrow.csv", f"Reading {kind}"), extra("pyarrow", f"Reading {kind}")
    options = {
        "read_options": csv.ReadOptions(block_size=BLOCK_BYTES, use_threads=False),
        "parse_options": csv.ParseOptions(delimiter="\t" if kind == "tsv" else ",", newlines_in_values=True),
        "convert_options": csv.ConvertOptions(null_values=_MISSING, strings_can_be_null=True),
    }
    lines = _first_lines(stream)
    first = lines.partition(b"\n")[0].decode(errors="replace").split(options["parse_options"].delimiter)
    if len(first) == 1:
        check_separator(stream.label, lines, kind)
    with _placed([], header=not _is_data(first)):
        schema = csv.read_csv(arrow.BufferReader(lines + LAST_END), **options).schema
    options["read_options"].use_threads = True
    headless = _is_data(schema.names)
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


def _is_data(names: list[str]) -> bool:
    """Return whether a first line holds numbers only; 0,1,2,... are the names that pandas gives columns."""
    counted = len(names) > 1 and names == [str(number) for number in range(len(names))]
    return not counted and all(map(_is_float, names))


def _is_float(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def release_unused() -> None:
    """Give the memory of tables that are gone back to the system: pyarrow keeps it, up to the size of the table."""
    arrow = sys.modules.get("pyarrow")
    if arrow is not None:
        arrow.default_memory_pool().release_unused()


# --- JSON lines


def _json_lines(stream: Stream, known: Known) -> Table:
    arrow, json = extra("pyarrow", "Reading JSON lines"), extra("pyarrow.json", "Reading JSON lines")
    options, names = _json_options(stream, known, widened=False)
    with stream.local() as path:
        table = json.read_json(arrow.OSFile(os.fsencode(path)), **options)
    later = [name for name in table.column_names if name not in names]
    return as_table(table.select([*names, *later]), stream.label, known)


def _json_blocks(stream: Stream, known: Known) -> Iterator[Table]:
    json = extra("pyarrow.json", "Reading JSON lines")
    options, _ = _json_options(stream, known, widened=True)

    def parse(block: Any) -> Any:
        table = json.read_json(block, **options)
        _check_ids(table, known, stream.label)
        return table

    return _parsed(stream, known, parse, quoted=False)


def _check_ids(table: Any, known: Known, label: str) -> None:
    """Refuse ids that are numbers with more digits than pyarrow keeps: two rows could get the same name."""
    place = known.id_place(table.column_names)
    if place is None or not extra("pyarrow.types", _WHAT).is_floating(table.schema.field(place).type):
        return
    compute = extra("pyarrow.compute", _WHAT)
    largest = compute.max(compute.abs(table.column(place))).as_py()
    if largest is not None and largest >= MOST_EXACT:
        raise InputError(
            f"{label}: --id-col {shown(known.ids)}: {largest:.17g} is a number with more digits than can be kept.\n"
            "Write the ids as text, in quotes."
        )


def _json_options(stream: Stream, known: Known, *, widened: bool) -> tuple[dict[str, Any], list[str]]:
    """Return pyarrow's options, and the names in the first lines, in order."""
    arrow, json = extra("pyarrow", "Reading JSON lines"), extra("pyarrow.json", "Reading JSON lines")
    read_options = json.ReadOptions(block_size=BLOCK_BYTES)
    schema = json.read_json(arrow.BufferReader(_first_lines(stream)), read_options=read_options).schema
    types = column_types(schema, known, widened=widened, has_types=True)
    parse_options = json.ParseOptions(
        explicit_schema=arrow.schema(list(types.items())),
        unexpected_field_behavior="infer" if not widened else "ignore" if known.dtypes or known.ids else "error",
    )
    return {"read_options": read_options, "parse_options": parse_options}, schema.names


# --- text in blocks


def _parsed(
    stream: Stream,
    known: Known,
    parse: Callable[[Any], Any],
    *,
    quoted: bool = True,
    headless: bool = False,
) -> Iterator[Table]:
    """Yield a table for each block of whole lines. pyarrow would read ahead in a thread; see `raysk.spec.inputs`."""
    arrow = extra("pyarrow", _WHAT)
    rows = 0
    for block in _blocks_of_lines(stream.file, quoted=quoted):
        try:
            table = parse(arrow.BufferReader(block))
        except arrow.ArrowInvalid as err:
            raise InputError(f"{stream.label} cannot be read after row {rows:,}: {brief(str(err))}") from err
        rows += table.num_rows
        if table.num_rows:
            yield as_table(table, stream.label, known, headless=headless)


def _blocks_of_lines(file: BinaryIO, *, quoted: bool) -> Iterator[bytes]:
    rest = b""
    while more := file.read(BLOCK_BYTES):
        block = rest + more
        end = _end_of_lines(block, quoted=quoted)
        rest = block[end:]
        if block[:end].strip():
            yield block[:end]
    if rest.strip():
        yield rest + LAST_END


def _first_lines(stream: Stream) -> bytes:
    """Return the lines at the beginning that are there as a whole."""
    if len(stream.head) < HEAD_BYTES:
        return stream.head
    return stream.head[: _end_of_lines(stream.head, quoted=True) or None]


def _end_of_lines(block: bytes, *, quoted: bool) -> int:
    """Return where the last line ends that ends outside of quotes, or else the last line; 0 if none ends."""
    last = block.rfind(b"\n") + 1
    if not quoted or not block.count(b'"', 0, last) % 2:
        return last
    import numpy as np

    content = np.frombuffer(block, dtype=np.uint8)
    ends, quotes = np.flatnonzero(content == ord("\n")), np.flatnonzero(content == ord('"'))
    outside = ends[np.searchsorted(quotes, ends) % 2 == 0]
    return int(outside[-1]) + 1 if len(outside) else last


# --- Parquet


def _parquet(stream: Stream, known: Known) -> Table:
    with _parquet_file(stream) as file:
        check_fits(_unpacked_bytes(file), stream.label)
        return as_table(file.read(), stream.label, known)


def _parquet_blocks(stream: Stream, known: Known, rows: int | None) -> Iterator[Table]:
    with _parquet_file(stream) as file:
        row_bytes = _unpacked_bytes(file) // max(file.metadata.num_rows, 1)
        some = rows or max(1, BLOCK_BYTES // max(row_bytes, 1))
        yield from as_tables(file.iter_batches(batch_size=some), stream.label, known)


@contextlib.contextmanager
def _parquet_file(stream: Stream) -> Iterator[Any]:
    arrow, parquet = extra("pyarrow", "Reading Parquet"), extra("pyarrow.parquet", "Reading Parquet")
    with (
        stream.local() as path,
        arrow.OSFile(os.fsencode(path)) as file,
        parquet.ParquetFile(file, pre_buffer=False) as opened,
    ):
        yield opened


def _unpacked_bytes(file: Any) -> int:
    groups = range(file.metadata.num_row_groups)
    return sum(file.metadata.row_group(number).total_byte_size for number in groups)


# --- Arrow, which Feather is too


def _arrow(stream: Stream, known: Known) -> Table:
    with _batches(stream) as (schema, batches):
        table = extra("pyarrow", "Reading Arrow").Table.from_batches(batches, schema)
        return as_table(table, stream.label, known)


def _arrow_blocks(stream: Stream, known: Known) -> Iterator[Table]:
    with _batches(stream) as (_, batches):
        yield from as_tables(batches, stream.label, known)


@contextlib.contextmanager
def _batches(stream: Stream) -> Iterator[tuple[Any, Iterator[Any]]]:
    """Lend the schema and the batches of an Arrow file or of an Arrow stream."""
    arrow, ipc = extra("pyarrow", "Reading Arrow"), extra("pyarrow.ipc", "Reading Arrow")
    if not stream.head.startswith(b"ARROW1"):
        with ipc.open_stream(stream.file) as reader:
            yield reader.schema, iter(reader)
        return
    with stream.local() as path, ipc.open_file(arrow.OSFile(os.fsencode(path))) as reader:
        yield reader.schema, (reader.get_batch(number) for number in range(reader.num_record_batches))
