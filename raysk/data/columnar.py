"""Read tables that are kept by column, with the types of the columns: Parquet, and Arrow, which Feather is too."""

from __future__ import annotations

import contextlib
import os
from typing import TYPE_CHECKING, Any

from raysk.data import lines
from raysk.data.arrays import check_fits
from raysk.data.extras import extra
from raysk.data.frames import as_table, as_tables

if TYPE_CHECKING:
    from collections.abc import Iterator

    from raysk.data.inputs import Stream
    from raysk.data.known import Known
    from raysk.data.table import Table


def read_parquet(stream: Stream, known: Known) -> Table:
    """Read a whole Parquet file; see `raysk.data.tabular.read`."""
    with _parquet_file(stream) as file:
        check_fits(_unpacked_bytes(file), stream.label)
        return as_table(file.read(), stream.label, known)


def blocks_of_parquet(stream: Stream, known: Known, rows: int | None) -> Iterator[Table]:
    """Read a Parquet file in blocks of so many rows, or of a few MiB."""
    with _parquet_file(stream) as file:
        row_bytes = _unpacked_bytes(file) // max(file.metadata.num_rows, 1)
        some = rows or max(1, lines.BLOCK_BYTES // max(row_bytes, 1))
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


# --- Arrow


def read_arrow(stream: Stream, known: Known) -> Table:
    """Read a whole Arrow file or stream; see `raysk.data.tabular.read`."""
    with _batches(stream) as (schema, batches):
        table = extra("pyarrow", "Reading Arrow").Table.from_batches(batches, schema)
        return as_table(table, stream.label, known)


def blocks_of_arrow(stream: Stream, known: Known) -> Iterator[Table]:
    """Read an Arrow file or stream in the blocks that it consists of."""
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
