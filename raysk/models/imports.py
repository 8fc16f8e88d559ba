"""What a pickle would import when it is loaded, found without loading it.

    imports_of(path)    which reader takes the file how: pickle's own, and joblib's, which finds arrays in it
      machine.py        follows the instructions with placeholders; nothing is imported, made or called
        instructions.py reads them one by one, within bounds
        arrays.py       how long an array of joblib's is
        harmless.py     which names need no doubt

What cannot be followed to the letter is a doubt: the file may then do more than its imports tell.
"""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, BinaryIO

from raysk.errors import InputError
from raysk.models.compressed import GZIP, ZLIB, zlib_open
from raysk.models.harmless import MADE_UP, is_code, may_refer
from raysk.models.instructions import Damaged, Source, Stops, Unclear
from raysk.models.machine import Machine

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

PROTO = b"\x80"
"""How pickles begin, but those of protocols 0 and 1."""
_LZ4 = b"\x04\x22\x4d\x18"  # which joblib reads, if that is installed

_MOST_UNPACKED_BYTES = 2**30  # of a compressed file, some 5 s; or, if that is more,
_MOST_UNPACKED_FOLD = 20  # so many times what it takes: models shrink to a half or a tenth
_MOST_DOUBTS = 20


@dataclass
class Imports:
    """What a pickle would import.

    Parameters
    ----------
    names : list of str
        Classes, functions and modules, by their full names, in the order of the file.
    carries_code : bool
        Whether it brings code of its own, as classes of a person's own file that travel by value do.
    scikit_learn : list of str
        The versions of scikit-learn that wrote it, as the estimators in it say.
    doubts : list of str
        Why the file may do more than its names tell; empty if it could be followed to the letter.
    """

    names: list[str] = field(default_factory=list)
    carries_code: bool = False
    scikit_learn: list[str] = field(default_factory=list)
    doubts: list[str] = field(default_factory=list)
    _only_for_code: list[str] = field(default_factory=list)

    def refer(self, module: str, attribute: str) -> None:
        """Note a name; and whether only code, which uses what it likes, may have need of it."""
        name = f"{module}.{attribute}"
        self.names.append(name)
        if not may_refer(module, attribute):
            self._only_for_code.append(name)

    def refer_to_module(self, name: str | None) -> None:
        """Note a module; None is one whose name is made up when the file is loaded."""
        self.names.append(name or MADE_UP)
        if name is None:
            self.doubt("it makes up names while it is loaded")
        else:
            self._only_for_code.append(name)

    def add(self, other: Imports) -> None:
        """Note what another reader finds."""
        self.names += other.names
        self._only_for_code += other._only_for_code
        for doubt in other.doubts:
            self.doubt(doubt)

    def doubt(self, reason: str) -> None:
        """Note why the file cannot be judged."""
        line = (reason.splitlines() or [""])[0][:200]
        if line not in self.doubts and len(self.doubts) < _MOST_DOUBTS:
            self.doubts.append(line)

    def settle(self) -> None:
        """Leave out what was noted twice, and judge the names."""
        self.names, self.scikit_learn = list(dict.fromkeys(self.names)), list(dict.fromkeys(self.scikit_learn))
        self.carries_code = any(is_code(name) for name in self.names)
        for name in self._only_for_code:
            written = all(part.isidentifier() for part in name.split("."))
            if not (written and self.carries_code):
                self.doubt(f"it refers to {name}" if written else "a name in it is no name")


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
    """Follow a file as joblib reads it; return whether pickle's own reader reads it in another way."""
    with path.open("rb") as raw:
        file = _uncompressed(raw)
        source = Source(file, None if file is raw else most_unpacked(raw))
        machine = Machine(source, found, as_joblib=True)
        try:
            machine.run()
            if not source.at_end():
                found.doubt("something is behind its end")
        except Exception as error:  # noqa: BLE001 - a damaged or hostile file may do anything to us but run
            found.doubt(_reason(error))
        return file is not raw or machine.arrays > 0


def _compare_with_pickles_own(path: Path, found: Imports) -> None:
    """Follow a file as `pickle.load` reads it, to where that fails; whatever is met on the way has to be known."""
    other = Imports()
    with path.open("rb") as raw:
        try:
            Machine(Source(raw), other, as_joblib=False, second=True).run()
        except Stops:
            pass
        except Exception as error:  # noqa: BLE001 - as above; what is only damaged may be read on by others
            other.doubt(_reason(error))
    if set(other.names) - set(found.names) or set(other.doubts) - set(found.doubts):
        found.doubt("pickle.load reads something else in it than joblib.load")
        found.add(other)


def _reason(error: Exception) -> str:
    return str(error) if isinstance(error, (Damaged, Unclear)) else f"{type(error).__name__}: {error}"


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
    if start == PROTO:
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
    if file.read(len(_LZ4)) == _LZ4:
        return True
    file.seek(0)
    inner = _uncompressed(file)
    try:
        start = inner.peek(1)[:1]
    except Exception:  # noqa: BLE001 - it is compressed, and damaged: whoever loads it will say how
        return True
    return start == PROTO or _ends(inner)


def _ends(file: Any) -> bool:
    try:
        Machine(Source(file, _MOST_UNPACKED_BYTES), Imports(), as_joblib=True).run()
    except Exception:  # noqa: BLE001 - text may be taken for any instructions
        return False
    return True


def _uncompressed(raw: BinaryIO) -> Any:
    """Return a file that reads what joblib or a person has compressed."""
    start = raw.read(6)
    raw.seek(0)
    readers: dict[bytes, Callable[[BinaryIO], Any]] = {
        GZIP: gzip.open,
        b"BZh": bz2.open,
        b"\xfd7zXZ": lzma.open,
        b"\x5d\x00": lzma.open,
        # only with the flags that it may have: text may begin with the letter
        **{ZLIB + bytes([flags]): zlib_open for flags in (0x01, 0x5E, 0x9C, 0xDA)},
    }
    reader = next((reader for magic, reader in readers.items() if start.startswith(magic)), None)
    return raw if reader is None else reader(raw)
