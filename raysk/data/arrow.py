"""Read Arrow files and streams, which Feather is too, whole or in the batches that they consist of."""

from __future__ import annotations

import contextlib
import os
from typing import TYPE_CHECKING, Any

from raysk.data.frames import as_table, as_tables

if TYPE_CHECKING:
    from collections.abc import Iterator

    from raysk.data.inputs import Stream
    from raysk.data.table import Table
    from raysk.data.table_spec import TableSpec


def read(stream: Stream, known: TableSpec) -> Table:
    """Read all batches."""
    import pyarrow as pa

    with _batches(stream) as (schema, batches):
        return as_table(pa.Table.from_batches(batches, schema), stream.label, known)


def read_blocks(stream: Stream, known: TableSpec, _rows: int | None) -> Iterator[Table]:
    """Read batch after batch."""
    with _batches(stream) as (_, batches):
        yield from as_tables(batches, stream.label, known)


@contextlib.contextmanager
def _batches(stream: Stream) -> Iterator[tuple[Any, Iterator[Any]]]:
    """Lend the schema and the batches."""
    from pyarrow import OSFile, ipc

    if not stream.head.startswith(b"ARROW1"):
        with ipc.open_stream(stream.file) as reader:
            yield reader.schema, iter(reader)
        return
    with stream.local() as path, ipc.open_file(OSFile(os.fsencode(path))) as reader:
        yield reader.schema, map(reader.get_batch, range(reader.num_record_batches))
