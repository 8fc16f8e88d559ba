"""Parse text with one row per line, in blocks of whole lines."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, BinaryIO

from raysk.data.frames import as_table
from raysk.data.inputs import HEAD_BYTES
from raysk.errors import InputError
from raysk.util.words import shorten

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from raysk.data.inputs import Stream
    from raysk.data.table import Table
    from raysk.data.table_spec import TableSpec

# Size of a block, in bytes of the input or, for Parquet, of its values. A row has to fit in.
# Small blocks cost Python's time per block, large ones memory: to read 2.4 million rows of 20 floats (0.94 GB) from a
# pipe and make arrays of them took 5.8, 5.0 and 4.9 s and 42, 69 and 110 MB in blocks of 2, 4 and 8 MiB.
BLOCK_BYTES = 2**22

LAST_END = b"\n"  # pyarrow finds no columns in a single line that does not end; empty lines are none


def parse_lines(
    stream: Stream,
    known: TableSpec,
    parse: Callable[[Any], Any],
    *,
    quoted: bool = True,
    headless: bool = False,
) -> Iterator[Table]:
    """Yield a table for each block of whole lines. pyarrow would read ahead in a thread; see `raysk.data.inputs`."""
    from pyarrow import ArrowInvalid, BufferReader

    rows = 0
    for block in _read_blocks(stream.file, quoted=quoted):
        try:
            table = parse(BufferReader(block))
        except ArrowInvalid as err:
            raise InputError(f"{stream.label} cannot be read after row {rows:,}: {shorten(str(err))}") from err
        rows += table.num_rows
        if table.num_rows:
            yield as_table(table, stream.label, known, headless=headless)


def _read_blocks(file: BinaryIO, *, quoted: bool) -> Iterator[bytes]:
    rest = b""
    while more := file.read(BLOCK_BYTES):
        block = rest + more
        end = end_of_lines(block, quoted=quoted)
        rest = block[end:]
        if block[:end].strip():
            yield block[:end]
    if rest.strip():
        yield rest + LAST_END


def first_lines(stream: Stream) -> bytes:
    """Return the complete lines at the beginning."""
    if len(stream.head) < HEAD_BYTES:
        return stream.head
    return stream.head[: end_of_lines(stream.head, quoted=True) or None]


def end_of_lines(block: bytes, *, quoted: bool) -> int:
    """Return the end of the last line that ends outside of quotes, or else of the last line; 0 if none ends."""
    last = block.rfind(b"\n") + 1
    if not quoted or not block.count(b'"', 0, last) % 2:
        return last
    import numpy as np

    content = np.frombuffer(block, dtype=np.uint8)
    ends, quotes = np.flatnonzero(content == ord("\n")), np.flatnonzero(content == ord('"'))
    outside = ends[np.searchsorted(quotes, ends) % 2 == 0]
    return int(outside[-1]) + 1 if len(outside) else last
