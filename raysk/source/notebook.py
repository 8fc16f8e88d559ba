"""Make plain Python of notebooks, and of scripts that were exported from one.

    nb.ipynb  --cells, in order, but for those tagged "skip"--+
    model.py  --as it is, if it is plain Python --------------+--> Part, Part, ...: text, name in tracebacks
                                                              |
    %magic  !command  ?help  get_ipython()...  display(...) --+--> ``pass``, so that lines keep their numbers

A notebook's cells have names of their own, so that a traceback leads to the cell.
"""

from __future__ import annotations
import __future__

import ast
import io
import json
import re
import tokenize
from dataclasses import dataclass
from typing import TYPE_CHECKING

from raysk.errors import InputError
from raysk.util.words import printable, shorten

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from types import CodeType

SUFFIX = ".ipynb"
SKIP = "skip"
"""The tag of cells that are left out."""

_SHELL = re.compile(r"\s*(?:[\w\s.,]+=\s*)?(?:%(?!=)|!(?!=))|\s*\?|.*[\w\])]\s*\?\??\s*;?\s*$")
_OWN_DISPLAY = re.compile(r"^\s*(?:def display\b|display\s*=|(?:from|import)\b.*\bdisplay\b)", re.MULTILINE)
_NAMES_IPYTHON = re.compile(r"get_ipython|display\(")
_LINE_MAGIC = re.compile(r"\s*%(\w+)\s+(?!-)(\S.*)")
_CELL_MAGIC = re.compile(r"\s*%%(\w+)")
_RUNS_BODY = frozenset({"time", "capture", "prun"})
"""Magics that run a cell, or what follows them in a line, as Python."""

_FUTURES = 0
for _name in __future__.all_feature_names:
    _FUTURES |= getattr(__future__, _name).compiler_flag


@dataclass(frozen=True)
class Part:
    """A file, or a notebook's cell.

    Parameters
    ----------
    name : str
        The name in tracebacks: the path, and a cell's number among the code cells, from 1.
    text : str or bytes
        Plain Python; bytes where the file is used as it is, with its own encoding.
    """

    name: str
    text: str | bytes


@dataclass(frozen=True)
class Source:
    """The parts of a file to compile.

    Parameters
    ----------
    parts : tuple of Part
    passed_over : tuple of (str, int, str)
        Lines that only IPython knows: the name of the part, the line's number in it, its text.
    """

    parts: tuple[Part, ...]
    passed_over: tuple[tuple[str, int, str], ...] = ()

    @property
    def text(self) -> str | bytes:
        """All of it in one piece."""
        texts = [part.text for part in self.parts]
        return texts[0] if len(texts) == 1 else "\n".join(text for text in texts if isinstance(text, str))

    def compiled(self) -> Iterator[CodeType]:
        """Compile part after part; each knows the ``__future__`` of those before it, as in IPython."""
        flags = 0
        for part in self.parts:
            code = compile(part.text, part.name, "exec", flags, dont_inherit=True)
            flags |= code.co_flags & _FUTURES
            yield code

    def remark(self, path: Path) -> str | None:
        """Return a remark that counts the lines that only IPython knows and names the first; None if there are none."""
        if not self.passed_over:
            return None
        part, line, text = self.passed_over[0]
        where = f"line {line}" if part == str(path) else f"{part.removeprefix(f'{path}, ')}, line {line}"
        count = len(self.passed_over)
        what = f"{count} lines that only IPython knows are" if count > 1 else "a line that only IPython knows is"
        return f"{printable(path.name)}: {what} passed over, {'first ' * (count > 1)}{where}: {shorten(text.strip())}"


def is_notebook(path: Path | str) -> bool:
    """Return whether a file is a Jupyter notebook, by its suffix."""
    return str(path).lower().endswith(SUFFIX)


def read_source(content: bytes, path: Path) -> Source:
    """Return the Python of a file.

    Returns
    -------
    Source
        May be invalid Python: the compiler refuses what no rule explains.

    Raises
    ------
    InputError
        If a notebook is damaged, or in another language than Python.
    """
    if is_notebook(path):
        cells = list(_read_cells(content, path))
        own_display = any(_binds_display(text) for _, text in cells)
        made = [_replace_ipython(text, f"{path}, cell {number}", own_display=own_display) for number, text in cells]
    else:
        text = _decode(content)
        if text is None or not (_NAMES_IPYTHON.search(text) or isinstance(_parse(content), SyntaxError)):
            return Source((Part(str(path), content),))
        made = [_replace_ipython(text, str(path), own_display=_binds_display(text))]
    return Source(tuple(part for part, _ in made), tuple(line for _, lines in made for line in lines))


# --- notebooks


def _read_cells(content: bytes, path: Path) -> Iterator[tuple[int, str]]:
    """Yield number and text of each code cell that is not tagged to be left out."""
    name = printable(path.name)
    try:
        notebook = json.loads(content)
        about = notebook.get("metadata", {})
        said = about.get("language_info", {}).get("name") or about.get("kernelspec", {}).get("language")
        language = str(said or "python").lower()
        cells = [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]
        texts = ["".join(cell["source"]) for cell in cells]  # a text, or a list of lines
        tags = [cell.get("metadata", {}).get("tags") or [] for cell in cells]
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as err:
        raise InputError(
            f"{name} is no notebook: {shorten(f'{type(err).__name__}: {err}')}\n"
            "It is damaged, or older than nbformat 4: open it in Jupyter and save it again."
        ) from err
    if language not in {"python", "ipython"}:
        raise InputError(f"{name} is a notebook of {shorten(language)}, and raysk runs Python.\nName another file.")
    for number, (text, tagged) in enumerate(zip(texts, tags, strict=True), start=1):
        if SKIP not in tagged:
            yield number, text


# --- what only IPython knows


def _decode(content: bytes) -> str | None:
    """Return the text of a file, with universal newlines as Python's own reader has them; None if it is not text."""
    try:
        encoding, _ = tokenize.detect_encoding(io.BytesIO(content).readline)
        return io.TextIOWrapper(io.BytesIO(content), encoding).read()
    except (SyntaxError, ValueError, LookupError):
        return None


def _parse(text: str | bytes) -> ast.Module | SyntaxError | None:
    """Return the syntax tree, the syntax error, or None where the compiler refuses for another reason."""
    try:
        return ast.parse(text)
    except SyntaxError as err:
        return err
    except (ValueError, RecursionError, MemoryError, OverflowError):
        return None


def _replace_ipython(text: str, name: str, *, own_display: bool) -> tuple[Part, list[tuple[str, int, str]]]:
    """Replace statements that only IPython knows by ``pass``. Return the new text and the lines that were replaced."""
    lines = text.split("\n")
    found: dict[int, str] = {}
    _pass_over_cell_magic(lines, found)
    while isinstance(error := _parse("\n".join(lines)), SyntaxError):
        at = (error.lineno or 0) - 1
        if not (0 <= at < len(lines) and _SHELL.match(lines[at])):
            break  # an error like any other
        _pass_over(lines, at, found)
    if isinstance(error, ast.Module):
        _pass_over_calls(lines, error, found, own_display=own_display)
    return Part(name, "\n".join(lines)), [(name, at + 1, found[at]) for at in sorted(found)]


def _pass_over_cell_magic(lines: list[str], found: dict[int, str]) -> None:
    at = next((number for number, line in enumerate(lines) if line.strip()), None)
    magic = None if at is None else _CELL_MAGIC.match(lines[at])
    if at is None or magic is None:
        return
    _pass_over(lines, at, found)
    if magic[1] not in _RUNS_BODY:
        lines[at + 1 :] = [""] * len(lines[at + 1 :])


def _pass_over(lines: list[str], at: int, found: dict[int, str]) -> None:
    """Replace a line, and those that a backslash joins to it."""
    found[at] = lines[at]
    end = at
    while lines[end].endswith("\\") and end + 1 < len(lines):
        end += 1
    lines[at] = lines[at][: len(lines[at]) - len(lines[at].lstrip())] + _substitute(lines[at].strip())
    lines[at + 1 : end + 1] = [""] * (end - at)


def _substitute(line: str) -> str:
    """Return the code that a magic in a line runs, else ``pass``."""
    magic = _LINE_MAGIC.match(line)
    runs = magic is not None and magic[1] in _RUNS_BODY and not line.endswith("\\")
    return magic[2] if magic is not None and runs else "pass"


def _pass_over_calls(lines: list[str], tree: ast.Module, found: dict[int, str], *, own_display: bool) -> None:
    """Replace statements that call IPython; ``get_ipython()`` elsewhere becomes None, as it is outside of IPython."""
    for node in reversed(list(_find_calls(tree, own_display=own_display))):
        found[node.lineno - 1] = lines[node.lineno - 1]
        body = _read_magic_body(node)
        text = "None" if isinstance(node, ast.Call) else "pass" if body is None else f"exec({body!r})"
        _replace(lines, node, text)


def _find_calls(node: ast.AST, *, own_display: bool) -> Iterator[ast.Call | ast.Expr | ast.Assign]:
    """Yield the outermost nodes that call IPython, in the order of the text."""
    for each in ast.iter_child_nodes(node):
        is_statement = isinstance(each, ast.Expr | ast.Assign) and _calls_ipython(each.value, own_display=own_display)
        if is_statement or (isinstance(each, ast.Call) and _function_name(each) == "get_ipython"):
            yield each  # type: ignore[misc]  # mypy does not see through the name
        else:
            yield from _find_calls(each, own_display=own_display)


def _calls_ipython(value: ast.expr, *, own_display: bool) -> bool:
    """Return whether a value is ``get_ipython().method(...)``, or ``display(...)`` that the file does not define."""
    if not isinstance(value, ast.Call):
        return False
    if isinstance(value.func, ast.Attribute):
        made = value.func.value
        return isinstance(made, ast.Call) and _function_name(made) == "get_ipython"
    return _function_name(value) == "display" and not own_display


def _function_name(call: ast.Call) -> str | None:
    return call.func.id if isinstance(call.func, ast.Name) else None


def _read_magic_body(node: ast.AST) -> str | None:
    """Return the Python that an exported magic would run; None for anything else."""
    call = node.value if isinstance(node, ast.Expr) else None
    if not (isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute)):
        return None
    values = [value.value if isinstance(value, ast.Constant) else None for value in call.args]
    if not values or values[0] not in _RUNS_BODY or call.func.attr not in {"run_cell_magic", "run_line_magic"}:
        return None
    return str(values[-1]) if len(values) == 2 + (call.func.attr == "run_cell_magic") else None


def _replace(lines: list[str], node: ast.Call | ast.Expr | ast.Assign, text: str) -> None:
    """Replace the text of a node, whose columns count bytes of UTF-8."""
    start, end = node.lineno - 1, (node.end_lineno or node.lineno) - 1
    before = lines[start].encode()[: node.col_offset].decode()
    after = lines[end].encode()[node.end_col_offset :].decode()
    lines[start : end + 1] = [f"{before}{text}{after}", *[""] * (end - start)]


def _binds_display(text: str) -> bool:
    """Return whether a file defines or imports its own ``display``."""
    return _OWN_DISPLAY.search(text) is not None
