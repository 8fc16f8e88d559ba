"""Read CSV, TSV, JSON lines, Parquet and Arrow with pyarrow, whole or in blocks.

With pyarrow and not with pandas, because it refuses rows that are too short, and streams every one of them. What a
missing value looks like is pandas' own list.
"""

from __future__ import annotations

import contextlib
import io
from typing import TYPE_CHECKING, Any

from raysk.spec.arrays import check_fits
from raysk.spec.extras import extra
from raysk.spec.frames import as_table, as_tables, column_types
from raysk.spec.inputs import HEAD_BYTES

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from raysk.spec.inputs import Stream
    from raysk.spec.table import Table

FORMATS = ("csv", "tsv", "jsonl", "parquet", "arrow")

# How much is parsed and handed on at once, in bytes of the input or, for Parquet, of its values. A row has to fit in.
# Counting 4.8 million rows of 20 floats from a pipe took 3.6 s with blocks of 1 MiB, 3.0 s with 4 and with 8 MiB, and
# 65, 200 and 360 MB above what the imports take.
BLOCK_BYTES = 2**22

# What a missing value looks like: the defaults of pandas.read_csv, from its documentation.
_MISSING = (
    *("", "#N/A", "#N/A N/A", "#NA", "-1.#IND", "-1.#QNAN", "-NaN", "-nan", "1.#IND", "1.#QNAN"),
    *("<NA>", "N/A", "NA", "NULL", "NaN", "None", "n/a", "nan", "null"),
)


def read(stream: Stream, kind: str, dtypes: Mapping[str, str]) -> Table:
    """Read a whole table.

    Parameters
    ----------
    stream : Stream
    kind : str
        One of `FORMATS`.
    dtypes : mapping of str to str
        See `raysk.spec.data.blocks`.

    Returns
    -------
    Table
    """
    if kind == "parquet":
        return _parquet(stream, dtypes)
    if kind == "arrow":
        return _arrow(stream, dtypes)
    return _json_lines(stream, dtypes) if kind == "jsonl" else _separated(stream, kind, dtypes)


def read_blocks(stream: Stream, kind: str, dtypes: Mapping[str, str], rows: int | None) -> Iterator[Table]:
    """Read a table in blocks, in bounded memory.

    Parameters
    ----------
    stream, kind, dtypes
        As for `read`.
    rows : int or None
        The most rows in a block; None for as many as come at once.

    Yields
    ------
    Table
    """
    for table in _blocks(stream, kind, dtypes, rows):
        step = rows or len(table)
        for start in range(0, len(table), step):
            yield table.rows(start, start + step)


def _blocks(stream: Stream, kind: str, dtypes: Mapping[str, str], rows: int | None) -> Iterator[Table]:
    if kind == "parquet":
        return _parquet_blocks(stream, dtypes, rows)
    if kind == "arrow":
        return _arrow_blocks(stream, dtypes)
    return _json_blocks(stream, dtypes) if kind == "jsonl" else _separated_blocks(stream, kind, dtypes)


# --- CSV and TSV


def _separated(stream: Stream, kind: str, dtypes: Mapping[str, str]) -> Table:
    csv, arrow = extra("pyarrow.csv", f"Reading {kind}"), extra("pyarrow", f"Reading {kind}")
    options, headless = _csv_options(stream, kind, dtypes, widened=False)
    start = stream.file.tell() if stream.file.seekable() else None
    try:
        table = csv.read_csv(stream.file, **options)
    except arrow.ArrowInvalid:
        if start is None:
            raise
        stream.file.seek(start)
        options["read_options"].use_threads = False  # which tells the row, and is slower
        table = csv.read_csv(stream.file, **options)
    return as_table(table, stream.label, dtypes, headless=headless)


def _separated_blocks(stream: Stream, kind: str, dtypes: Mapping[str, str]) -> Iterator[Table]:
    csv = extra("pyarrow.csv", f"Reading {kind}")
    options, headless = _csv_options(stream, kind, dtypes, widened=True)
    with csv.open_csv(stream.file, **options) as reader:
        yield from as_tables(reader, stream.label, dtypes, headless=headless)


def _csv_options(stream: Stream, kind: str, dtypes: Mapping[str, str], *, widened: bool) -> tuple[dict[str, Any], bool]:
    """Return pyarrow's options, and whether the first line is data already."""
    csv = extra("pyarrow.csv", f"Reading {kind}")
    options = {
        "read_options": csv.ReadOptions(block_size=BLOCK_BYTES, use_threads=False),
        "parse_options": csv.ParseOptions(delimiter="\t" if kind == "tsv" else ",", newlines_in_values=True),
        "convert_options": csv.ConvertOptions(null_values=_MISSING, strings_can_be_null=True),
    }
    schema = csv.read_csv(io.BytesIO(_whole_lines(stream.head)), **options).schema
    headless = _is_data(schema.names)
    if not headless:
        options["convert_options"].column_types = column_types(schema, dtypes, widened=widened)
    options["read_options"].autogenerate_column_names = headless
    options["read_options"].use_threads = True
    return options, headless


def _whole_lines(head: bytes) -> bytes:
    """Cut a beginning after its last line that ends outside of quotes."""
    if len(head) < HEAD_BYTES:
        return head
    end = head.rfind(b"\n")
    while end > 0 and head.count(b'"', 0, end) % 2:
        end = head.rfind(b"\n", 0, end)
    return head[: end + 1] or head


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


# --- JSON lines


def _json_lines(stream: Stream, dtypes: Mapping[str, str]) -> Table:
    options, names = _json_options(stream, dtypes, widened=False)
    table = extra("pyarrow.json", "Reading JSON lines").read_json(stream.file, **options)
    later = [name for name in table.column_names if name not in names]
    return as_table(table.select([*names, *later]), stream.label, dtypes)


def _json_blocks(stream: Stream, dtypes: Mapping[str, str]) -> Iterator[Table]:
    options, _ = _json_options(stream, dtypes, widened=True)
    with extra("pyarrow.json", "Reading JSON lines").open_json(stream.file, **options) as reader:
        yield from as_tables(reader, stream.label, dtypes)


def _json_options(stream: Stream, dtypes: Mapping[str, str], *, widened: bool) -> tuple[dict[str, Any], list[str]]:
    """Return pyarrow's options, and the names in the first lines, in order."""
    arrow, json = extra("pyarrow", "Reading JSON lines"), extra("pyarrow.json", "Reading JSON lines")
    read_options = json.ReadOptions(block_size=BLOCK_BYTES)
    schema = json.read_json(io.BytesIO(_whole_lines(stream.head)), read_options=read_options).schema
    types = column_types(schema, dtypes, widened=widened, has_types=True)
    parse_options = json.ParseOptions(
        explicit_schema=arrow.schema(list(types.items())),
        unexpected_field_behavior="infer" if not widened else "ignore" if dtypes else "error",
    )
    return {"read_options": read_options, "parse_options": parse_options}, schema.names


# --- Parquet


def _parquet(stream: Stream, dtypes: Mapping[str, str]) -> Table:
    with _parquet_file(stream) as file:
        check_fits(_unpacked_bytes(file), stream.label)
        return as_table(file.read(), stream.label, dtypes)


def _parquet_blocks(stream: Stream, dtypes: Mapping[str, str], rows: int | None) -> Iterator[Table]:
    with _parquet_file(stream) as file:
        row_bytes = _unpacked_bytes(file) // max(file.metadata.num_rows, 1)
        some = rows or max(1, BLOCK_BYTES // max(row_bytes, 1))
        yield from as_tables(file.iter_batches(batch_size=some), stream.label, dtypes)


@contextlib.contextmanager
def _parquet_file(stream: Stream) -> Iterator[Any]:
    parquet = extra("pyarrow.parquet", "Reading Parquet")
    with stream.random_access() as file, parquet.ParquetFile(file, pre_buffer=False) as opened:
        yield opened


def _unpacked_bytes(file: Any) -> int:
    groups = range(file.metadata.num_row_groups)
    return sum(file.metadata.row_group(number).total_byte_size for number in groups)


# --- Arrow, which Feather is too


def _arrow(stream: Stream, dtypes: Mapping[str, str]) -> Table:
    with _batches(stream) as (schema, batches):
        table = extra("pyarrow", "Reading Arrow").Table.from_batches(batches, schema)
        return as_table(table, stream.label, dtypes)


def _arrow_blocks(stream: Stream, dtypes: Mapping[str, str]) -> Iterator[Table]:
    with _batches(stream) as (_, batches):
        yield from as_tables(batches, stream.label, dtypes)


@contextlib.contextmanager
def _batches(stream: Stream) -> Iterator[tuple[Any, Iterator[Any]]]:
    """Lend the schema and the batches of an Arrow file or of an Arrow stream."""
    ipc = extra("pyarrow.ipc", "Reading Arrow")
    if not stream.head.startswith(b"ARROW1"):
        with ipc.open_stream(stream.file) as reader:
            yield reader.schema, iter(reader)
        return
    with stream.random_access() as file, ipc.open_file(file) as reader:
        yield reader.schema, (reader.get_batch(number) for number in range(reader.num_record_batches))
