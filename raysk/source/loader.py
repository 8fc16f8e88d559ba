"""User file -> objects. The only code that runs user files.

    text --split_source--> Place --+-- file.py ------> run as a module; modules beside it come first for its imports
                                   +-- nb.ipynb ------> its code cells, likewise
                                   +-- module -------> imported, from the current folder if no library has its name
                                   +-- file.pkl -----> models.pickles (reads pickle, joblib and cloudpickle)
                           names --look up ATTR, call a factory--> SourceObjects

Modules imported from the person's own files are registered to travel by value: workers do not need these files.
A pickle is loaded only if the person named it.
"""

from __future__ import annotations

import hashlib
import importlib
import importlib.util
import inspect
import keyword
import linecache
import os
import re
import sys
from dataclasses import replace
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from raysk.errors import InputError
from raysk.models import pickles
from raysk.source.notebook import is_notebook, read_source
from raysk.source.objects import CONVENTIONAL, SourceObjects, find_estimator, find_search
from raysk.source.reference import Place, Request, kind_of, split_source
from raysk.source.user_code import is_own_file, no_bytecode, own_modules, running
from raysk.util import exits, sibling_imports
from raysk.util.words import join_names, printable, shorten, suggestion, type_name

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from types import CodeType

    from raysk.source.notebook import Source

__all__ = ["SourceObjects", "find_estimator", "find_search", "load", "load_pickle"]


def load(source: str) -> SourceObjects:
    """Run or unpickle the file that the person named, and return its objects.

    `source` is ``PATH[:ATTR]``, ``package.module:attr``, ``PATH:factory(arg=1)`` with literal arguments, or a pickle.

    Raises
    ------
    InputError
        If there is no such file or object, or the file cannot be read, imported or unpickled.
    """
    place = split_source(source)
    if place.path is None:
        return _load_module(source, place)
    path = Path(os.path.abspath(place.path))  # noqa: PTH100 - keeps a symlink's own name
    place = replace(place, path=path)
    kind = kind_of(path)
    if kind is None:
        what = f"of kind {printable(path.suffix)}" if path.suffix else "without a suffix"
        raise InputError(
            f"{printable(path)} is a file {what}, which raysk cannot load.\n"
            "Give a Python file (.py), a notebook (.ipynb) or a pickle (.pkl, .pickle, .joblib)."
        )
    return load_pickle(path, source, place.request) if kind == "pickle" else _load_file(source, place, path)


# --- a Python file


def _load_file(source: str, place: Place, path: Path) -> SourceObjects:
    content = _read_bytes(path)
    python = read_source(content, path)
    codes = _compile(python, path)
    folder = Path(os.path.realpath(path)).parent
    before = set(sys.modules)
    try:
        module = _run(codes, path, folder)
    except InputError as err:
        if (remark := python.remark(path)) is None:
            raise
        raise InputError(f"{err}\n{remark}") from err  # what was passed over may be what is missing
    others = tuple(other for other in own_modules(before, folder) if other is not module)
    found = _collect(source, place, module, (module, *others), content)  # the named file is always the person's
    return replace(found, remark=python.remark(path))


def _read_bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as err:
        raise InputError(f"{printable(path)} cannot be read: {err.strerror or err}.") from err


def _compile(python: Source, path: Path) -> list[CodeType]:
    for part in python.parts:
        if isinstance(part.text, str):  # a traceback's lines are not in a file as it stands
            linecache.cache[part.name] = (len(part.text), None, part.text.splitlines(keepends=True), part.name)
    try:
        return list(python.compiled())
    except SyntaxError as err:
        line = f"\n    {shorten(err.text)}" if err.text else ""
        name = printable(Path(err.filename or path).name)
        where = (
            name if not err.lineno else f"{name}, line {err.lineno}" if is_notebook(path) else f"{name}:{err.lineno}"
        )
        raise InputError(f"{where} is not valid Python: {shorten(err.msg)}{line}") from err
    except (ValueError, RecursionError, MemoryError, OverflowError) as err:
        raise InputError(f"{printable(path.name)} is not valid Python: {shorten(str(err))}") from err


def _choose_module_name(path: Path) -> str:
    """Return the file's stem if nothing else has that name, else a name of our own."""
    name = path.stem
    if name.isidentifier() and not keyword.iskeyword(name) and name not in sys.modules:
        spec = importlib.util.find_spec(name)
        origin = None if spec is None else spec.origin
        if spec is None or (origin and os.path.realpath(origin) == os.path.realpath(path)):
            return name
    base = "raysk_user_" + re.sub(r"\W", "_", name, flags=re.ASCII)
    names = [base, *(f"{base}_{number}" for number in range(2, len(sys.modules) + 2))]
    return next(name for name in names if name not in sys.modules)


def _run(codes: Sequence[CodeType], path: Path, folder: Path) -> ModuleType:
    name = _choose_module_name(path)
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None:  # a suffix like .PY
        spec = importlib.util.spec_from_loader(name, None, origin=str(path))
    module = importlib.util.module_from_spec(spec)  # type: ignore[arg-type]
    module.__file__ = str(path)
    sys.modules[name] = module
    sibling_imports.add(str(folder))
    try:
        with running(printable(path.name)):
            for code in codes:
                exec(code, vars(module))  # noqa: S102 - running the file that the person named is the task
    except BaseException:
        del sys.modules[name]
        raise
    return module


# --- a module


def _load_module(source: str, place: Place) -> SourceObjects:
    name = place.module or ""
    before = set(sys.modules)
    sibling_imports.add(str(Path.cwd()))
    try:
        with running(name):
            module = importlib.import_module(name)
    except InputError as error:
        missing = error.__cause__.name if isinstance(error.__cause__, ModuleNotFoundError) else None
        if missing and (name + ".").startswith(missing + "."):
            raise InputError(_explain_no_module(name, missing)) from error.__cause__
        raise
    file = getattr(module, "__file__", None)
    if not is_own_file(file):
        return _collect(source, place, module, own_modules(before, None))
    path = Path(str(file))
    package = Path(os.path.realpath(path)).parents[max(name.count(".") - 1, 0)]
    return _collect(source, replace(place, path=path), module, own_modules(before, package), _read_bytes(path))


def _explain_no_module(name: str, missing: str) -> str:
    of = "" if missing == name else f" (no {missing!r})"
    return (
        f"There is no module {name!r}{of}, neither in {printable(Path.cwd())} nor installed,\n"
        f"and no file {name!r}.\n"
        "Start raysk in the folder that holds the package, install it, or give the path of a .py file."
    )


# --- a pickle


def load_pickle(path: Path, source: str, request: Request | None = None) -> SourceObjects:
    """Read a pickle that the person named, whatever its suffix.

    `source` is its name in messages; `request` names the object in it, None means all.

    Raises
    ------
    InputError
        If it cannot be read or unpickled.
    """
    before = set(sys.modules)
    content = _read_bytes(path)
    if not content:
        raise InputError(f"{printable(path.name)} is empty: nothing was pickled into it.\nDump the object again.")
    base = _unpickle(path)
    return _collect(source, Place(path=path, request=request), base, own_modules(before, None), content)


def _unpickle(path: Path) -> Any:
    try:
        with no_bytecode():
            return pickles.load_pickle(path)
    except (ImportError, AttributeError) as err:
        raise InputError(_explain_missing_code(path, err)) from err
    except MemoryError as err:
        raise InputError(f"{printable(path.name)} does not fit in memory, or is damaged.") from err
    except exits.Terminated:
        raise
    except (Exception, SystemExit) as err:
        reason = f"{type(err).__name__}: {shorten(str(err))}".rstrip(": ")
        raise InputError(
            f"{printable(path.name)} cannot be unpickled ({reason}).\n"
            "It is truncated, damaged or no pickle. Dump it again with joblib, pickle or cloudpickle,\n"
            "and copy it whole; or give the .py file that builds the object."
        ) from err


def _explain_missing_code(path: Path, err: Exception) -> str:
    what = shorten(str(err))
    if isinstance(err, ModuleNotFoundError) and err.name:
        what = f"the module {err.name!r}, which is not installed here"
    elif "__main__" in what:
        what = f"a class or function of the script that dumped it ({what})"
    return (
        f"{printable(path.name)} needs {what}.\n"
        "A pickle holds only the names of its classes. Give the .py file that builds the object, install\n"
        "what is missing, or dump it with its classes: cloudpickle.register_pickle_by_value(module)\n"
        "before cloudpickle.dump (in a script's own classes, cloudpickle.dump is enough)."
    )


# --- what the file holds, and what the person chose of it


def _collect(
    source: str, place: Place, base: Any, modules: tuple[ModuleType, ...], content: bytes | None = None
) -> SourceObjects:
    import cloudpickle

    for module in modules:
        cloudpickle.register_pickle_by_value(module)
    names = _public_names(base)
    chosen = None
    if place.request is not None:
        where = place.module or printable(place.path.name if place.path else source)
        chosen = _choose(base, names, place.request, where)
    elif not isinstance(base, ModuleType | dict):
        chosen = base
    if isinstance(chosen, dict) and CONVENTIONAL & chosen.keys():
        names, chosen = {**names, **_public_names(chosen)}, None  # a factory that returns the parts by name
    digest = None if content is None else hashlib.sha256(content).hexdigest()
    return SourceObjects(
        source=source, path=place.path, names=names, chosen=chosen, modules=modules, source_hash=digest
    )


def _public_names(base: Any) -> dict[str, Any]:
    """Return the public objects of a module, a dict, or of a bare object under its type's name."""
    if isinstance(base, ModuleType):
        held = vars(base)
    elif isinstance(base, dict):
        held = {"data": base} if "target" in base else base  # a Bunch is one thing, not a dict of names
    else:
        held = {type_name(base): base}
    return {
        name: value
        for name, value in held.items()
        if isinstance(name, str) and not name.startswith("_") and not isinstance(value, ModuleType)
    }


def _choose(base: Any, names: Mapping[str, Any], request: Request, where: str) -> Any:
    value = _look_up(base, names, request, where)
    wants_call = inspect.isclass(value) or inspect.isroutine(value) or isinstance(value, partial)
    if request.called or wants_call:
        value = _call(value, request, where)
    if value is None:
        raise InputError(f"{where}:{request.text} is None.\nIt must be, or return, an estimator or a search.")
    return value


def _look_up(base: Any, names: Mapping[str, Any], request: Request, where: str) -> Any:
    value = base
    for name in request.names:
        if isinstance(value, dict) and name in value:
            value = value[name]
        elif hasattr(value, name):
            value = getattr(value, name)
        else:
            known = names if value is base else [other for other in dir(value) if not other.startswith("_")]
            hint = suggestion(name, known, "names in it")
            raise InputError(f"{where} has no {'.'.join(request.names)!r}.\n{hint}")
    return value


def _call(function: Any, request: Request, where: str) -> Any:
    called = f"{where}:{'.'.join(request.names)}"
    if not callable(function):
        raise InputError(
            f"{called} is of type {type_name(function)} and cannot be called.\nSay {called}, without the brackets."
        )
    _check_arguments(function, request, called)
    with running(f"{called}()"):
        return function(*request.args, **request.kwargs)


def _check_arguments(function: Callable[..., Any], request: Request, called: str) -> None:
    try:
        signature = inspect.signature(function)
    except (TypeError, ValueError):  # some builtins do not tell
        return
    try:
        signature.bind(*request.args, **request.kwargs)
    except TypeError as err:
        takes = join_names(signature.parameters)
        wrong = next((name for name in request.kwargs if name not in signature.parameters), None)
        end = suggestion(wrong, signature.parameters, "arguments") if wrong else f"Its arguments are: {takes}."
        raise InputError(f"{called} cannot be called so: {err}.\n{end}\n{_write_example(signature, called)}") from err


def _write_example(signature: inspect.Signature, called: str) -> str:
    single = [p for p in signature.parameters.values() if p.kind not in {p.VAR_POSITIONAL, p.VAR_KEYWORD}]
    names = [p.name for p in single if p.default is p.empty] or [p.name for p in single[:1]]
    return f"Write {called}({', '.join(f'{name}=...' for name in names)}), with literal values."
