"""Read pickles that joblib has compressed, also those with something behind their end.

joblib's own reader (1.6, `BinaryZlibFile`) doubles what follows the end of a zlib or gzip stream each time it looks
for more: a file that a transfer has lengthened by a byte fills the memory.
"""

from __future__ import annotations

import gzip
import io
import zlib
from typing import TYPE_CHECKING, Any, BinaryIO

if TYPE_CHECKING:
    from pathlib import Path

GZIP, ZLIB = b"\x1f\x8b", b"\x78"
"""How such files begin."""

READ_BYTES = 2**16
BUFFER_BYTES = 2**20


def load_joblib(path: Path) -> Any:
    """Load what pickle, cloudpickle or joblib wrote, compressed or not; raises whatever unpickling raises."""
    import joblib

    with path.open("rb") as raw:
        start = raw.peek(2)
        if start.startswith(GZIP):
            return joblib.load(gzip.open(raw))
        if start.startswith(ZLIB):
            return joblib.load(zlib_open(raw))
    return joblib.load(path)


def zlib_open(raw: BinaryIO) -> io.BufferedReader:
    """Return a file that reads a zlib stream, and ends with it."""
    return io.BufferedReader(_Inflated(raw), BUFFER_BYTES)


class _Inflated(io.RawIOBase):
    def __init__(self, raw: BinaryIO) -> None:
        self._raw, self._inflater = raw, zlib.decompressobj()
        self._position = 0

    def readable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._position

    def readinto(self, buffer: Any, /) -> int:
        while not self._inflater.eof:
            content = self._inflater.unconsumed_tail or self._raw.read(READ_BYTES)
            made = self._inflater.decompress(content, len(buffer))
            if made:
                buffer[: len(made)] = made
                self._position += len(made)
                return len(made)
            if not content:
                raise EOFError("the file ends within what was compressed")
        return 0
