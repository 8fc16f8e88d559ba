"""The one place where pickles are loaded: what pickle, cloudpickle or joblib wrote, compressed or not.

Loading a pickle runs what it says. Only files that the person named come here; `raysk.models.imports` looks into one
without loading it, through the same decompressors. (Messages to and from workers are the pool's own matter.)

    pickle    reads a plain pickle at the speed of C
    joblib    reads what it has written itself: arrays stand between the instructions

joblib's own decompressor (1.6, `BinaryZlibFile`) doubles what follows the end of a zlib or gzip stream each time it
looks for more: a file that a transfer has lengthened by a byte fills the memory. So files are unpacked here.
"""

from __future__ import annotations

import bz2
import contextlib
import gzip
import io
import lzma
import pickle
import zlib
from typing import TYPE_CHECKING, Any, BinaryIO

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

READ_BYTES = 2**16
BUFFER_BYTES = 2**20
LZ4 = b"\x04\x22\x4d\x18"
"""How files begin that joblib unpacks by itself, if that library is installed."""
_ONLY_JOBLIBS = (LZ4, b"ZF")  # the second one until 2016


class _JoblibsOwn(Exception):  # noqa: N818 - no error: a turn to take
    """The file is one of joblib's: arrays stand between its instructions, which pickle would take for more of them."""


class _Unpickler(pickle.Unpickler):
    def find_class(self, module_name: str, global_name: str, /) -> Any:
        if module_name.startswith("joblib.numpy_pickle"):
            raise _JoblibsOwn
        return super().find_class(module_name, global_name)


def load_pickle(path: Path, opened: io.BufferedReader | None = None) -> Any:
    """Load a pickle, whatever wrote and compressed it; raises whatever unpickling raises.

    Parameters
    ----------
    path : Path
        A file that the person named.
    opened : binary file or None
        The same file, open at its beginning, where somebody has looked at it already; a pipe can be read only once.
    """
    import joblib

    if opened is None:
        with path.open("rb") as file:
            return load_pickle(path, file)
    content = uncompressed(opened)
    if content is not opened:
        return joblib.load(content)
    if not opened.peek(_LONGEST_START).startswith(_ONLY_JOBLIBS):
        with contextlib.suppress(_JoblibsOwn):
            return _Unpickler(opened).load()
    if not opened.seekable():
        raise pickle.UnpicklingError("a file of joblib's cannot be read from a pipe: name the file")
    return joblib.load(path)


def uncompressed(raw: Any) -> Any:
    """Return a file that reads what joblib or a person has compressed; the file itself if it is not compressed.

    Raises
    ------
    pickle.UnpicklingError
        If it is compressed twice: joblib would unpack it twice, and pickle takes the beginning of a bz2 file for an
        instruction.
    """
    reader = _reader(raw)
    if reader is None:
        return raw
    content = reader(raw)
    if _reader(content) is not None:
        raise pickle.UnpicklingError("it is compressed twice")
    return content


def _reader(file: Any) -> Callable[[BinaryIO], Any] | None:
    start = file.peek(_LONGEST_START)[:_LONGEST_START]
    return next((reader for magic, reader in _READERS.items() if start.startswith(magic)), None)


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


_READERS: dict[bytes, Callable[[BinaryIO], Any]] = {
    b"\x1f\x8b": gzip.open,
    b"BZh": bz2.open,
    b"\xfd7zXZ": lzma.open,
    b"\x5d\x00": lzma.open,
    # only with the flags that it may have: text may begin with the letter
    **{b"\x78" + bytes([flags]): zlib_open for flags in (0x01, 0x5E, 0x9C, 0xDA)},
}
_LONGEST_START = max(map(len, _READERS))
