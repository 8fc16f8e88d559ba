"""The part of a person's own code that can reach a fit, as short texts by file. Resume compares them.

    module -> syntax tree -> functions, classes, and statements that do more than give a name ->-- "code"
           -> globals that these use, attributes and defaults, if they are plain data ----------> "values", by name

Comments, docstrings and layout do not count. Nor does a statement that only names something which no function uses, as
X, a search or its grid: resume compares their values, and a search may grow. Of a module that is imported only while
fits run, the source counts. Not seen are objects that are no plain data, files that a fit reads, and whatever is looked
up by a name that is made at run time.
"""

from __future__ import annotations

import ast
import contextlib
import hashlib
import importlib.machinery
import importlib.util
import os
import symtable
import time
from dataclasses import dataclass, field
from pathlib import Path
from types import FunctionType, ModuleType
from typing import TYPE_CHECKING, Any

from raysk.errors import InputError
from raysk.runs.fingerprint import PLAIN, fingerprint, is_plain
from raysk.source.notebook import read_source
from raysk.source.user_code import is_own_file

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    Code = dict[str, dict[str, Any]]
    """By file: ``{"code": digest, "values": {name: digest}, "numbers": {name: text}}``."""

DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
CODE = (*DEFINITIONS, ast.Lambda)
COMPREHENSIONS = {"listcomp", "setcomp", "dictcomp", "genexpr"}
LONGEST_NUMBER = 30
TIME_OF_DAY_S = 3600
"""A number that is the time of day, by so many seconds, says when the file was run; no fit depends on it."""


def digest_code(modules: Iterable[ModuleType]) -> Code:
    """Return the code of modules, and of the neighbours that they import later, that can reach a fit.

    Parameters
    ----------
    modules : iterable of module
        The person's, as `raysk.source.objects.SourceObjects` has them.

    Returns
    -------
    dict of str to dict
        By file as it is named in messages; files without anything that can reach a fit are left out.
    """
    sources = [_Source.of(module.__name__, str(module.__file__), module) for module in modules]
    sources += _imported_sources(sources)
    used = _collect_statements(sources)
    made = {source.shown: {"code": source.digest(), **source.values(used)} for source in sources}
    return {file: each for file, each in made.items() if each["code"] or each["values"]}


def describe_changes(then: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    """Return the differences between two results of `digest_code`, in words."""
    found = []
    for file in sorted({*then, *now}):
        old, new = ({"code": "", "values": {}, **each.get(file, {})} for each in (then, now))
        names = sorted({*old["values"], *new["values"]})
        found += [f"code in {file}"] if old["code"] != new["code"] else []
        other = [name for name in names if old["values"].get(name) != new["values"].get(name)]
        found += [f"{name} in {file}{_describe_change(old, new, name)}" for name in other]
    return found


def _describe_change(old: Mapping[str, Any], new: Mapping[str, Any], name: str) -> str:
    """Return " (was 1, is 2)" for a number; an empty text for other values."""
    was, now = (each["numbers"].get(name) if isinstance(each.get("numbers"), dict) else None for each in (old, new))
    return f" (was {was}, is {now})" if isinstance(was, str) and isinstance(now, str) else ""


@dataclass(eq=False)
class _Source:
    """One file of the person's.

    Parameters
    ----------
    name : str
        Of its module.
    file : str
    content : bytes
    tree : ast.Module or None
        None if it is no Python.
    names : symtable.SymbolTable or None
        Which names are whose; None with `tree`.
    module : module or None
        None if it is not imported yet.
    """

    name: str
    file: str
    content: bytes
    tree: ast.Module | None = None
    names: symtable.SymbolTable | None = None
    module: ModuleType | None = None
    imports: list[ast.Import | ast.ImportFrom] = field(default_factory=list)
    named: list[ast.alias | ast.Attribute] = field(default_factory=list)  # in functions and classes
    kept: list[ast.stmt] = field(default_factory=list)  # the statements that can reach a fit

    @classmethod
    def of(cls, name: str, file: str, module: ModuleType | None = None) -> _Source:
        made = cls(name, file, b"", module=module)
        with contextlib.suppress(OSError, InputError, SyntaxError, ValueError, RecursionError, MemoryError):
            made.content = Path(file).read_bytes()
            text = read_source(made.content, Path(file)).text
            made.names = symtable.symtable(text, file, "exec")  # type: ignore[arg-type]  # bytes too
            made.tree = ast.parse(text)
        for node, within in _every_node(made.tree):
            if isinstance(node, ast.Import | ast.ImportFrom):
                made.imports.append(node)
            elif within and isinstance(node, ast.alias | ast.Attribute):
                made.named.append(node)
        return made

    @property
    def package(self) -> str:
        """The name of the package that relative imports start from."""
        return self.name if Path(self.file).stem == "__init__" else self.name.rpartition(".")[0]

    @property
    def shown(self) -> str:
        """The file with its packages, which is the same wherever the folder lies."""
        return "/".join([*filter(None, self.package.split(".")), Path(self.file).name])

    def digest(self) -> str:
        """Return a hash of the statements that can reach a fit; empty if there are none."""
        if self.tree is None:
            return _short(self.content)
        return _short("\n".join(_syntax_lines(self.kept)).encode()) if self.kept else ""

    def values(self, used: set[str]) -> dict[str, dict[str, str]]:
        """Return hashes of the plain data among the globals that are used, attributes and defaults.

        Numbers are also returned as text, for messages; text is not: it may be a password.
        """
        found: dict[str, str] = {}
        numbers: dict[str, str] = {}
        for name, value in [] if self.module is None else _named_values(self.module, used):
            with contextlib.suppress(Exception):  # what has no value is none
                if is_plain(value) and not _is_time_of_day(value):
                    found[name] = _short(repr(value).encode()) if type(value) in PLAIN else fingerprint(value)[:16]
                    numbers |= {name: repr(value)[:LONGEST_NUMBER]} if type(value) in {bool, int, float} else {}
        return {"values": found, "numbers": numbers}


# --- which statements count


def _collect_statements(sources: Sequence[_Source]) -> set[str]:
    """Collect the statements of each source that can reach a fit; return the names of the globals that they use."""
    used = {name for source in sources for name in _used_by_functions(source)}
    open_ = [(source, each) for source in sources if source.tree is not None for each in _statements(source.tree)]
    while True:
        taken = {id(each) for _, each in open_ if (bound := _assigned_names(each)) is None or bound & used}
        if not taken:
            break
        used |= {name for _, each in open_ if id(each) in taken for name in _used_names(each)}
        for source, each in open_:
            if id(each) in taken:
                source.kept.append(each)
        open_ = [pair for pair in open_ if id(pair[1]) not in taken]
    for source in sources:
        source.kept.sort(key=lambda each: (each.lineno, each.col_offset))
    return used


def _statements(tree: ast.Module) -> Iterator[ast.stmt]:
    """Yield the statements that run when a file is loaded."""
    for each in _without_docstring(tree.body):
        if not (isinstance(each, ast.If) and ast.unparse(each.test) == "__name__ == '__main__'"):
            yield each


def _assigned_names(statement: ast.stmt) -> set[str] | None:
    """Return the names that a statement assigns or imports; None if it does more than that."""
    if isinstance(statement, ast.Import | ast.ImportFrom):
        names = {each.asname or each.name.partition(".")[0] for each in statement.names}
        return None if "*" in names else names
    if not isinstance(statement, ast.Assign | ast.AnnAssign | ast.AugAssign):
        return None
    targets = statement.targets if isinstance(statement, ast.Assign) else [statement.target]
    parts = [part for target in targets for part in ast.walk(target)]
    if not all(isinstance(part, ast.Name | ast.Tuple | ast.List | ast.Starred | ast.expr_context) for part in parts):
        return None
    return {part.id for part in parts if isinstance(part, ast.Name)}


def _used_names(statement: ast.stmt) -> set[str]:
    """Return the names that a statement uses when it runs; the names inside its functions are known by then."""
    parts: Sequence[ast.AST] = [statement]
    if isinstance(statement, ast.ClassDef):
        parts = [*statement.decorator_list, *statement.bases, *statement.keywords]
    elif isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef):
        arguments = statement.args
        parts = [*statement.decorator_list, *arguments.defaults, *filter(None, arguments.kw_defaults)]
    every = [each for part in parts for each in ast.walk(part)]
    names = {each.id for each in every if isinstance(each, ast.Name)}
    names |= {each.attr for each in every if isinstance(each, ast.Attribute)}
    return names | {each.name for each in every if isinstance(each, ast.alias)}


def _used_by_functions(source: _Source) -> Iterator[str]:
    """Yield the globals that functions and classes use, those of imported modules too."""
    tables = [] if source.names is None else [(table, True) for table in source.names.get_children()]
    while tables:
        table, is_top = tables.pop()
        tables += [(each, False) for each in table.get_children()]
        if not (is_top and table.get_name() in COMPREHENSIONS):
            yield from (each.get_name() for each in table.get_symbols() if each.is_global())
    modules = {each.asname or each.name.rpartition(".")[2] for one in source.imports for each in one.names}
    for node in source.named:
        if isinstance(node, ast.alias):
            yield node.name
        elif (node.value.id if isinstance(node.value, ast.Name) else getattr(node.value, "attr", "")) in modules:
            yield node.attr


def _every_node(tree: ast.Module | None) -> Iterator[tuple[ast.AST, bool]]:
    """Yield all nodes, and whether they are in a function or class."""
    left: list[tuple[ast.AST, bool]] = [] if tree is None else [(tree, False)]
    while left:
        node, within = left.pop()
        yield node, within
        within = within or isinstance(node, CODE)
        left += [(each, within) for each in ast.iter_child_nodes(node)]


# --- what is compared


def _syntax_lines(statements: Sequence[ast.stmt]) -> Iterator[str]:
    """Yield a line per node of the syntax trees, level by level: alike in all releases of Python."""
    nodes: list[ast.AST] = list(statements)
    while nodes:
        below: list[ast.AST] = []
        for node in nodes:
            parts = []
            for name, value in ast.iter_fields(node):
                each = _without_docstring(value) if name == "body" and isinstance(node, DEFINITIONS) else value
                inner = [one for one in (each if isinstance(each, list) else [each]) if one is not None]
                below += [one for one in inner if isinstance(one, ast.AST)]
                if inner and name not in {"ctx", "kind", "type_comment"}:
                    parts.append(f"{name}={[type(one).__name__ if isinstance(one, ast.AST) else one for one in inner]}")
            yield f"{type(node).__name__} {' '.join(parts)}"
        nodes = below


def _without_docstring(body: list[ast.stmt]) -> list[ast.stmt]:
    first = body[0].value if body and isinstance(body[0], ast.Expr) else None
    return body[1:] if isinstance(first, ast.Constant) and isinstance(first.value, str) else body


def _named_values(module: ModuleType, used: set[str]) -> Iterator[tuple[str, Any]]:
    """Yield values that may change what a module does although its source stays the same, by name."""
    for name, value in list(vars(module).items()):
        if name.startswith("__"):
            continue
        if isinstance(value, FunctionType | type) and value.__module__ == module.__name__:
            attributes = vars(value) if isinstance(value, type) else _defaults(value)
            yield from ((f"{name}.{key}", each) for key, each in attributes.items() if not key.startswith("__"))
        elif name in used:
            yield name, value


def _defaults(function: FunctionType) -> dict[str, Any]:
    code, values = function.__code__, function.__defaults__ or ()
    names = code.co_varnames[code.co_argcount - len(values) : code.co_argcount]
    return {**dict(zip(names, values, strict=True)), **(function.__kwdefaults__ or {})}


def _is_time_of_day(value: Any) -> bool:
    return type(value) is float and abs(value - time.time()) < TIME_OF_DAY_S


# --- modules that are imported later


def _imported_sources(sources: Sequence[_Source]) -> list[_Source]:
    """Return the person's other files that these import by name, and those that they import in turn."""
    known, found, left = {source.name for source in sources}, [], list(sources)
    while left:
        for name, file in _imported_modules(left.pop()):
            if name not in known and is_own_file(file) and file.endswith(".py"):
                known.add(name)
                found.append(_Source.of(name, file))
                left.append(found[-1])
    return found


def _imported_modules(source: _Source) -> Iterator[tuple[str, str]]:
    """Yield the modules that a file imports anywhere, with the packages around them, and their files."""
    names: set[str] = set()
    for each in source.imports:
        if isinstance(each, ast.Import):
            names |= {alias.name for alias in each.names}
        else:
            base = each.module or ""
            if each.level:
                package = source.package.split(".")
                base = ".".join(filter(None, [*package[: len(package) - each.level + 1], base]))
            names |= {base, *(f"{base}.{alias.name}" for alias in each.names)}
    for name in sorted(names):
        yield from _module_files(name)


def _module_files(name: str) -> Iterator[tuple[str, str]]:
    """Yield a module and the packages that it is in, with their files, as far as they are the person's."""
    folders: Any = None
    for number, _ in enumerate(parts := name.split("."), start=1):
        prefix = ".".join(parts[:number])
        try:
            find = importlib.util.find_spec if number == 1 else importlib.machinery.PathFinder.find_spec
            spec: Any = find(prefix, folders)  # nothing is imported for it
        except (ImportError, ValueError, AttributeError):
            return
        if spec is None or (spec.has_location and not is_own_file(spec.origin)):
            return
        if spec.has_location:
            yield prefix, os.path.realpath(spec.origin)
        folders = spec.submodule_search_locations
        if folders is None:
            return


def _short(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:16]
