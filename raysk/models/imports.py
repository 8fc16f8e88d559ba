"""What a pickle would import when it is loaded, found without loading it.

    imports_of(path)    follows the file as joblib reads it, and as pickle does, which finds no arrays in it
      machine.py        follows the instructions with placeholders; nothing is imported, made or called
        bounded.py      reads the file within bounds
        arrays.py       works out how long an array of joblib's is
        safe_names.py   knows the names that need no doubt
      imported.py       collects the names and the doubts

What cannot be followed to the letter is a doubt: the file may then do more than its imports tell.
"""

from __future__ import annotations

import io
import os
import pickle
from typing import TYPE_CHECKING, Any, BinaryIO

from raysk.errors import InputError
from raysk.models.bounded import Source
from raysk.models.imported import Imports
from raysk.models.machine import Machine
from raysk.models.pickles import LZ4, uncompressed
from raysk.models.placeholders import Damaged, Stops, Unclear

if TYPE_CHECKING:
    from pathlib import Path

_PROTO = b"\x80"  # how pickles begin, but those of protocols 0 and 1

_MOST_UNPACKED_BYTES = 2**30  # of a compressed file, some 5 s; or, if that is more,
_MOST_UNPACKED_FOLD = 20  # so many times what it takes: models shrink to a half or a tenth


def imports_of(path: Path) -> Imports:
    """Find what a pickle would import, without loading it.

    Parameters
    ----------
    path : Path
        A pickle, compressed or not, or a file of joblib's.

    Returns
    -------
    Imports

    Raises
    ------
    OSError
        If the file cannot be read.
    """
    found = Imports()
    if _follow(path, found):
        _compare_with_pickles_own(path, found)
    found.settle()
    return found


def _follow(path: Path, found: Imports) -> bool:
    """Follow a file as joblib reads it; return whether pickle's own reader may read it in another way."""
    differs = True
    with path.open("rb") as raw:
        try:
            file = uncompressed(raw)
            source = Source(file, None if file is raw else most_unpacked(raw))
            machine = Machine(source, found, as_joblib=True)
            differs = file is not raw
            machine.load()
            if not source.at_end():
                found.doubt("something is behind its end")
        except Exception as error:  # noqa: BLE001 - a damaged or hostile file may do anything to us but run
            found.doubt(_reason(error))
        return differs or machine.arrays > 0


def _compare_with_pickles_own(path: Path, found: Imports) -> None:
    """Follow a file as `pickle.load` reads it, to where that fails; whatever is met on the way has to be known."""
    other = Imports()
    with path.open("rb") as raw:
        try:
            Machine(Source(raw), other, as_joblib=False, second=True).load()
        except Stops:
            pass
        except Exception as error:  # noqa: BLE001 - as above; what is only damaged may be read on by others
            other.doubt(_reason(error))
    if set(other.names) - set(found.names) or set(other.doubts) - set(found.doubts):
        found.doubt("pickle.load reads something else in it than joblib.load")
        found.add(other)


def _reason(error: Exception) -> str:
    ours = isinstance(error, (Damaged, Unclear, pickle.UnpicklingError))
    return str(error) if ours else f"{type(error).__name__}: {error}"


def most_unpacked(raw: BinaryIO) -> int:
    """Return how much of a compressed file is unpacked at most."""
    return max(_MOST_UNPACKED_BYTES, _MOST_UNPACKED_FOLD * os.fstat(raw.fileno()).st_size)


class NoModel(InputError):  # noqa: N818 - says what it is
    """A file does not begin as any model does: it is not loaded, as text can be taken for a pickle's instructions.

    Parameters
    ----------
    message : str
    empty : bool
        Whether there is nothing in it.
    """

    def __init__(self, message: str, *, empty: bool = False) -> None:
        super().__init__(message)
        self.empty = empty


def as_pickle(path: Path, file: io.BufferedReader) -> Any:
    """Return an open file, or pipe, at its beginning, if it is a pickle there.

    Raises
    ------
    NoModel
    """
    start = file.peek(1)[:1]
    if start == _PROTO:
        return file
    if not start:
        raise NoModel(f"{str(path)!r} is empty: it holds no model.", empty=True)
    whole: Any = file if file.seekable() else io.BufferedReader(io.BytesIO(file.read()))
    if not is_pickle(whole):
        raise NoModel(
            f"{str(path)!r} is no model: it does not begin as a pickle does.\n"
            "Name a file that 'raysk fit -o' or pickle.dump(estimator, file) wrote."
        )
    whole.seek(0)
    return whole


def is_pickle(file: BinaryIO) -> bool:
    """Return whether a file begins as a pickle does, compressed or not; nothing is loaded.

    Protocols 0 and 1 have no beginning of their own: a pickle of theirs is one if it can be followed to its end.
    """
    if file.read(len(LZ4)) == LZ4:
        return True
    file.seek(0)
    try:
        content = uncompressed(file)
        start = content.peek(1)[:1]
    except Exception:  # noqa: BLE001 - it is compressed, and damaged: whoever loads it will say how
        return True
    return start == _PROTO or _ends(content)


def _ends(file: Any) -> bool:
    try:
        Machine(Source(file, _MOST_UNPACKED_BYTES), Imports(), as_joblib=True).load()
    except Exception:  # noqa: BLE001 - text may be taken for any instructions
        return False
    return True
