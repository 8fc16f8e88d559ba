"""What a model file would import when it is loaded, found without loading it.

A pickle is a program for a small machine with a stack. This one runs it with placeholders: it imports nothing, makes no
object and calls nothing; it only follows where the names come from. In joblib's files the arrays stand between the
instructions, as they are: their length is worked out from the placeholder that announces them.
"""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import math
import pickletools
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, BinaryIO

from raysk.compressed import GZIP, ZLIB, zlib_open
from raysk.runs.formats import SKOPS, format_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

PROTO = b"\x80"
"""How pickles begin, but those of protocols 0 and 1."""
_LZ4 = b"\x04\x22\x4d\x18"  # which joblib reads, if that is installed

_MOST_SCHEMA_BYTES = 2**28  # of a .skops file, unpacked: the JSON of a large forest is a tenth of it
_READ_BYTES = 2**20
_WRAPPER = "joblib.numpy_pickle.NumpyArrayWrapper"
_LOADERS = {"_pickle.loads", "pickle.loads"}
_IMPORTERS = {"cloudpickle.cloudpickle.subimport", "importlib.import_module", "builtins.__import__"}
_CODE = ("cloudpickle.cloudpickle._make_", "types.CodeType", "marshal.loads")


@dataclass
class Imports:
    """What a model file would import.

    Parameters
    ----------
    names : list of str
        Classes, functions and modules, by their full names, in the order of the file.
    carries_code : bool
        Whether it brings code of its own, as classes of a person's own file that travel by value do.
    scikit_learn : list of str
        The versions of scikit-learn that wrote it, as the estimators in it say.
    incomplete : str or None
        Why the file could not be followed to its end; None if it could.
    """

    names: list[str] = field(default_factory=list)
    carries_code: bool = False
    scikit_learn: list[str] = field(default_factory=list)
    incomplete: str | None = None


def imports_of(path: Path) -> Imports:
    """Find what a model file would import, without loading it.

    Parameters
    ----------
    path : Path
        A pickle, compressed or not, a file of joblib's, or a ``.skops`` file.

    Returns
    -------
    Imports

    Raises
    ------
    OSError
        If the file cannot be read.
    """
    if format_of(path) is SKOPS:
        return _imports_of_skops(path)
    with path.open("rb") as raw:
        machine = _Machine(_uncompressed(raw))
        try:
            machine.run()
        except Exception as error:  # noqa: BLE001 - a damaged or hostile file may do anything to us but run
            machine.found.incomplete = f"{type(error).__name__}: {error}".splitlines()[0][:200]
    found = machine.found
    found.names, found.scikit_learn = list(dict.fromkeys(found.names)), list(dict.fromkeys(found.scikit_learn))
    found.carries_code = any(name.startswith(_CODE) for name in found.names)
    return found


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
        _Machine(file).run()
    except Exception:  # noqa: BLE001 - text may be taken for any instructions
        return False
    return True


def is_model(path: Path) -> bool:
    """Return whether a file begins as a model does; False if it cannot be read."""
    import zipfile

    try:
        if not path.is_file():
            return False
        with path.open("rb") as file:
            return zipfile.is_zipfile(file) if format_of(path) is SKOPS else is_pickle(file)
    except (OSError, ValueError):
        return False


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


# --- the machine ----------------------------------------------------------------------------------


@dataclass(eq=False)
class _Made:
    """Stands for an imported name (``arguments`` is None), or for what calling it would give."""

    name: str
    arguments: Any = None


_ANYTHING = _Made("")
_MOST_LITERAL_BYTES = 2**20  # longer ones are data: nobody pickles a class of a megabyte


def _is_literal(value: Any) -> bool:
    return isinstance(value, (str, int)) or (isinstance(value, bytes) and len(value) <= _MOST_LITERAL_BYTES)


class _Machine:
    """Runs a pickle with placeholders.

    Parameters
    ----------
    file : binary file
        What is behind the pickle's end is not read.
    found : Imports or None
        Where to note what is found; None makes a new one.
    """

    def __init__(self, file: Any, found: Imports | None = None) -> None:
        self.found = found or Imports()
        self._file = file
        self._stack: list[Any] = []
        self._below: list[list[Any]] = []  # the stacks below each mark
        self._memo: dict[int, Any] = {}

    def run(self) -> None:
        """Follow all instructions up to the pickle's end."""
        for code, argument, _ in pickletools.genops(self._file):
            special = getattr(self, f"_do_{code.name.lower()}", None)
            if special is not None:
                special(argument)
            else:
                self._do_any(code, argument)

    def _do_any(self, code: pickletools.OpcodeInfo, argument: Any) -> None:
        """Take off the stack what an instruction takes, and put on it as much as it puts."""
        if pickletools.markobject in code.stack_before:
            self._pop_mark()
        taken = sum(each not in {pickletools.markobject, pickletools.stackslice} for each in code.stack_before)
        del self._stack[len(self._stack) - taken :]
        literal = not code.stack_before and code.arg is not None and _is_literal(argument)
        self._stack.extend([argument if literal else _ANYTHING] * len(code.stack_after))

    def _pop_mark(self) -> list[Any]:
        items, self._stack = self._stack, self._below.pop()
        return items

    def _do_mark(self, _: Any) -> None:
        self._below.append(self._stack)
        self._stack = []

    def _do_none(self, _: Any) -> None:
        self._stack.append(None)

    def _do_dup(self, _: Any) -> None:
        self._stack.append(self._stack[-1])

    # values that are looked into: tuples are arguments, dicts are states

    def _do_empty_dict(self, _: Any) -> None:
        self._stack.append({})

    def _do_setitem(self, _: Any) -> None:
        self._set(self._stack[-2:], self._stack[:-2])

    def _do_setitems(self, _: Any) -> None:
        items = self._pop_mark()
        self._set(items, self._stack)

    def _set(self, items: list[Any], rest: list[Any]) -> None:
        self._stack = rest
        pairs = {key: value for key, value in zip(items[::2], items[1::2], strict=True) if isinstance(key, str)}
        if isinstance(self._stack[-1], dict):
            self._stack[-1].update(pairs)
        if isinstance(version := pairs.get("_sklearn_version"), str):
            self.found.scikit_learn.append(version)

    def _do_empty_tuple(self, _: Any) -> None:
        self._stack.append(())

    def _do_tuple(self, _: Any) -> None:
        items = self._pop_mark()
        self._stack.append(tuple(items))

    def _tuple_of(self, length: int) -> None:
        self._stack[-length:] = [tuple(self._stack[-length:])]

    def _do_tuple1(self, _: Any) -> None:
        self._tuple_of(1)

    def _do_tuple2(self, _: Any) -> None:
        self._tuple_of(2)

    def _do_tuple3(self, _: Any) -> None:
        self._tuple_of(3)

    # the memo

    def _do_memoize(self, _: Any) -> None:
        self._memo[len(self._memo)] = self._stack[-1]

    def _do_put(self, place: int) -> None:
        self._memo[place] = self._stack[-1]

    _do_binput = _do_long_binput = _do_put

    def _do_get(self, place: int) -> None:
        self._stack.append(self._memo[place])

    _do_binget = _do_long_binget = _do_get

    # names, and what is made of them

    def _name(self, name: str) -> _Made:
        self.found.names.append(name)
        return _Made(name)

    def _do_global(self, argument: str) -> None:
        self._stack.append(self._name(argument.replace(" ", ".", 1)))

    def _do_stack_global(self, _: Any) -> None:
        module, name = self._stack[-2:]
        known = isinstance(module, str) and isinstance(name, str)
        self._stack[-2:] = [self._name(f"{module}.{name}" if known else "(a name that is made up when it is loaded)")]

    def _do_inst(self, argument: str) -> None:
        items = self._pop_mark()
        self._stack.append(_Made(self._name(argument.replace(" ", ".", 1)).name, tuple(items)))

    def _do_ext1(self, number: int) -> None:
        self._stack.append(self._name(f"copyreg extension {number}"))

    _do_ext2 = _do_ext4 = _do_ext1

    def _do_reduce(self, _: Any) -> None:
        function, arguments = self._stack[-2:]
        name = function.name if isinstance(function, _Made) else ""
        self._stack[-2:] = [_Made(name, arguments)]
        argument = arguments[0] if isinstance(arguments, tuple) and arguments else None
        if name in _IMPORTERS and isinstance(argument, str):
            self.found.names.append(argument)
        if name in _LOADERS and isinstance(argument, bytes):  # a pickle in the pickle
            _Machine(io.BytesIO(argument), self.found).run()

    _do_newobj = _do_reduce

    def _do_build(self, _: Any) -> None:
        state = self._stack.pop()
        made = self._stack[-1]
        if isinstance(made, _Made) and made.name == _WRAPPER:
            self._skip_array(state)

    def _skip_array(self, state: dict[str, Any]) -> None:
        """Read over an array of joblib's, as its NumpyArrayWrapper says how long it is."""
        kind = state["dtype"].arguments[0]
        if kind.startswith("O"):  # objects are a pickle of their own
            _Machine(self._file, self.found).run()
            return
        if state.get("numpy_array_alignment_bytes") is not None:
            self._skip(self._file.read(1)[0])
        item_bytes = int(kind[1:]) * (4 if kind[0] == "U" else 1)
        self._skip(math.prod(state["shape"]) * item_bytes)

    def _skip(self, count: int) -> None:
        while count > 0:
            got = len(self._file.read(min(count, _READ_BYTES)))
            if not got:
                raise EOFError("the file ends within an array")
            count -= got


# --- skops ----------------------------------------------------------------------------------------


def _imports_of_skops(path: Path) -> Imports:
    import json
    import zipfile

    found = Imports()
    names: dict[str, None] = {}
    try:
        with zipfile.ZipFile(path) as file, file.open("schema.json") as schema:
            content = schema.read(_MOST_SCHEMA_BYTES)
        left = [json.loads(content)]
        while left:
            node = left.pop()
            if isinstance(node, dict):
                if isinstance(node.get("__class__"), str) and isinstance(node.get("__module__"), str):
                    names[f"{node['__module__']}.{node['__class__']}"] = None
                left.extend(node.values())
            elif isinstance(node, list):
                left.extend(node)
    except (zipfile.BadZipFile, KeyError, ValueError, RecursionError, NotImplementedError, RuntimeError) as error:
        found.incomplete = f"{type(error).__name__}: {error}".splitlines()[0][:200]
    found.names = list(names)
    return found
