"""Tell the person's own files from libraries: which modules travel by value, and which line raised an error."""

from __future__ import annotations

import linecache
import os
import sys
import traceback
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from types import FunctionType, ModuleType
from typing import TYPE_CHECKING, Any

from raysk.errors import InputError, RayskError
from raysk.util import exits
from raysk.util.sibling_imports import is_in_library, library_folders
from raysk.util.words import printable, shorten

if TYPE_CHECKING:
    from collections.abc import Iterator


COMPILED = (".pyx", ".pxd", ".pxi")
"""Frames of compiled code name their source by its path on the machine that compiled it."""


_libraries = cache(library_folders)


def is_own_file(file: str | None) -> bool:
    """Return whether a file is the person's: of no library, and not raysk's."""
    if not file or file.startswith("<") or (file.endswith(COMPILED) and not os.path.isabs(file)):  # noqa: PTH117 - text
        return False
    return not is_in_library(os.path.realpath(file), _libraries())


@cache
def _real_parents(folder: str) -> frozenset[Path]:
    real = Path(os.path.realpath(folder))  # asks the disk per level: too slow for each of 2,000 modules
    return frozenset((real, *real.parents))


def own_modules(before: set[str], folder: Path | None) -> tuple[ModuleType, ...]:
    """Return the person's modules that must travel by value: those imported since `before` was ``set(sys.modules)``.

    Modules in `folder` count also when they were imported before, as in a notebook.
    """
    found = []
    for name, module in list(sys.modules.items()):
        if name == "__main__" or not isinstance(module, ModuleType) or module.__name__ != name:
            continue  # cloudpickle sends __main__ by value anyway, and knows a module by its own name only
        file = str(vars(module).get("__file__") or "")
        near = folder is not None and folder in _real_parents(str(Path(file).parent))
        is_source = file.lower().endswith(".py")  # a compiled extension cannot be sent by value
        if (name not in before or near) and is_source and is_own_file(file):
            found.append(module)
    return tuple(found)


def modules_of(obj: Any) -> tuple[ModuleType, ...]:
    """Return the person's modules that an object needs, and those that these use: by the names in its pickle.

    An object that cannot be pickled may need any of them.
    """
    import cloudpickle

    own = {module.__name__: module for module in own_modules(set(), None)}
    try:
        pickled = cloudpickle.dumps(obj)
    except Exception:  # noqa: BLE001 - the fit will say what is wrong
        return tuple(own.values())
    left, needed = {name for name in own if name.encode() in pickled}, set()
    while left:
        name = left.pop()
        needed.add(name)
        left |= (own.keys() & {_module_name(value) for value in vars(own[name]).values()}) - needed
    return tuple(module for name, module in own.items() if name in needed)


def _module_name(value: Any) -> str | None:
    """Return the name of a module, or of the module that a function or class is from."""
    if isinstance(value, ModuleType):
        return value.__name__
    return value.__module__ if isinstance(value, FunctionType | type) else None


@contextmanager
def no_bytecode() -> Iterator[None]:
    """Leave no ``__pycache__`` beside the person's files."""
    saved = sys.dont_write_bytecode
    sys.dont_write_bytecode = True
    try:
        yield
    finally:
        sys.dont_write_bytecode = saved


@contextmanager
def running(what: str, kind: type[RayskError] = InputError) -> Iterator[None]:
    """Turn whatever the person's code raises into an error of ours that says where; see `describe_error`."""
    try:
        with no_bytecode():
            yield
    except exits.Terminated:
        raise
    except (Exception, SystemExit) as err:
        raise kind(describe_error(err, what)) from err


def _find_own_frame(err: BaseException) -> tuple[str, int] | None:
    """Return file and line of the deepest frame in the person's own files."""
    if isinstance(err, SyntaxError) and err.filename and is_own_file(err.filename):
        return err.filename, err.lineno or 1
    frames = [(frame.f_code.co_filename, line) for frame, line in traceback.walk_tb(err.__traceback__)]
    return next((place for place in reversed(frames) if is_own_file(place[0])), None)


def _suggest_remedy(err: BaseException) -> str:
    if isinstance(err, ModuleNotFoundError) and err.name:
        name = err.name.partition(".")[0]
        return f"Install what provides {name!r} in this environment, or put {name}.py beside the file."
    if isinstance(err, ImportError) and "relative import" in str(err):
        return "Name it as package.module:attr, or import its neighbours without the dot."
    if isinstance(err, FileNotFoundError):
        return f"Relative paths start where raysk was started: {printable(Path.cwd())}"
    if isinstance(err, SystemExit):
        return "Put what ends the program under: if __name__ == '__main__':"
    return "Correct it, then run the same command again; --debug shows all frames."


def describe_error(err: BaseException, what: str) -> str:
    """Return what the person's code raised, the line that raised it, and what to do, in at most three lines.

    `what` names the code in the message: ``model.py`` or ``make()``.
    """
    place = _find_own_frame(err)
    text = f": {shorten(str(err))}" if str(err) else ""
    if place is None:
        return f"{what} raised {type(err).__name__}{text}\n{_suggest_remedy(err)}"
    file, line = place
    name = printable(Path(file).name)
    by = name if name.startswith(what) else f"{what}: {name}"  # a notebook's cell begins with its file
    source = linecache.getline(file, line).strip()
    shown_source = f"\n    {shorten(source)}" if source else ""
    return f"{by} raised {type(err).__name__} at line {line}{text}{shown_source}\n{_suggest_remedy(err)}"
