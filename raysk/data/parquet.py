"""Read Parquet with pyarrow, whole or in blocks."""

from __future__ import annotations

import contextlib
import os
from typing import TYPE_CHECKING, Any

from raysk.data import lines
from raysk.data.arrays import check_fits
from raysk.data.frames import as_table, as_tables

if TYPE_CHECKING:
    from collections.abc import Iterator

    from raysk.data.inputs import Stream
    from raysk.data.table import Table
    from raysk.data.table_spec import TableSpec


def read(stream: Stream, known: TableSpec) -> Table:
    """Read a whole file."""
    with _opened(stream) as file:
        check_fits(_unpacked_bytes(file), stream.label)
        return as_table(file.read(), stream.label, known)


def read_blocks(stream: Stream, known: TableSpec, rows: int | None) -> Iterator[Table]:
    """Read a file in blocks of so many rows, or of a few MiB."""
    with _opened(stream) as file:
        row_bytes = _unpacked_bytes(file) // max(file.metadata.num_rows, 1)
        some = rows or max(1, lines.BLOCK_BYTES // max(row_bytes, 1))
        yield from as_tables(file.iter_batches(batch_size=some), stream.label, known)


@contextlib.contextmanager
def _opened(stream: Stream) -> Iterator[Any]:
    from pyarrow import OSFile, parquet

    with (
        stream.local() as path,
        OSFile(os.fsencode(path)) as file,
        parquet.ParquetFile(file, pre_buffer=False) as opened,
    ):
        yield opened


def _unpacked_bytes(file: Any) -> int:
    groups = range(file.metadata.num_row_groups)
    return sum(file.metadata.row_group(number).total_byte_size for number in groups)
