r"""Read the text that names an object: ``PATH[:ATTR]``, ``package.module:attr``, ``PATH:factory(arg=1)``.

A path may hold colons itself (``C:\model.py``, ``a:b.py``): the longest text that is a file is the path.
"""

from __future__ import annotations

import ast
import keyword
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from raysk.errors import InputError
from raysk.util.path_suggestions import suggest_path
from raysk.util.words import join_names, printable

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

PYTHON = (".py", ".ipynb")
PICKLES = (".pkl", ".pickle", ".joblib")
_COMPRESSED = (".gz", ".bz2", ".xz", ".lzma", ".z", ".lz4")


@dataclass(frozen=True, kw_only=True)
class Request:
    """The object that follows the colon.

    Parameters
    ----------
    text : str
        As written.
    names : tuple of str
        ``a.b`` is ``("a", "b")``.
    called : bool
        Whether arguments were written, even none: ``make()``.
    args : tuple
    kwargs : mapping of str to object
    """

    text: str
    names: tuple[str, ...]
    called: bool = False
    args: tuple[Any, ...] = ()
    kwargs: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where to look for an object: in a file or in a module.

    Parameters
    ----------
    path : Path or None
    module : str or None
    request : Request or None
        None when no object was named.
    """

    path: Path | None = None
    module: str | None = None
    request: Request | None = None


def kind_of(path: Path) -> str | None:
    """Return ``"python"``, ``"pickle"``, or None for a file of another kind."""
    endings = [ending.lower() for ending in path.suffixes]
    if endings and endings[-1] in _COMPRESSED:
        endings.pop()
        return "pickle" if endings and endings[-1] in PICKLES else None
    if not endings:
        return None
    return "python" if endings[-1] in PYTHON else "pickle" if endings[-1] in PICKLES else None


def split_source(source: str) -> Place:
    """Split what the person wrote into a file or module, and the object in it.

    Raises
    ------
    InputError
        If there is no such file, or what follows the colon is no name or call with literal arguments.
    """
    for head, rest in _cut_at_colons(source):
        if _is_file(head):
            return Place(path=Path(head), request=_parse_request(rest, source))
    module, colon, rest = source.partition(":")
    if colon and _is_module(module):
        return Place(module=module, request=_parse_request(rest, source))
    raise InputError(_explain_nothing_there(source))


def _cut_at_colons(source: str) -> Iterator[tuple[str, str | None]]:
    """Yield (path, rest) for every colon at which the path may end, longest path first."""
    yield source, None
    end = source.rfind(":")
    while end > 0:
        yield source[:end], source[end + 1 :]
        end = source.rfind(":", 0, end)


def _is_file(text: str) -> bool:
    try:
        path = Path(text)
        return path.exists() and not path.is_dir()
    except (OSError, ValueError):  # too long a name, or a null character
        return False


def _is_module(text: str) -> bool:
    parts = text.split(".")
    named = all(part.isidentifier() and not keyword.iskeyword(part) for part in parts)
    return named and kind_of(Path(text)) is None


def _parse_request(text: str | None, source: str) -> Request | None:
    if text is None:
        return None
    try:
        node = ast.parse(text.strip(), mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError) as err:
        raise InputError(_explain_unreadable(text, source)) from err
    if not isinstance(node, ast.Call):
        return Request(text=text, names=_parse_names(node, text, source))
    names = _parse_names(node.func, text, source)
    if any(word.arg is None for word in node.keywords):
        raise InputError(f"{text}: '**' cannot be used here.\nWrite each argument as name=value.")
    kwargs = {str(word.arg): _parse_literal(word.value, text) for word in node.keywords}
    args = tuple(_parse_literal(value, text) for value in node.args)
    return Request(text=text, names=names, called=True, args=args, kwargs=kwargs)


def _explain_unreadable(text: str, source: str) -> str:
    path = source[: len(source) - len(text) - 1]
    return (
        f"{text!r}, after the colon in {printable(source)}, is no name and no call.\n"
        f"Write for example {printable(path)}:model or {printable(path)}:make_model(depth=3)."
    )


def _parse_names(node: ast.expr, text: str, source: str) -> tuple[str, ...]:
    names: list[str] = []
    while isinstance(node, ast.Attribute):
        names.insert(0, node.attr)
        node = node.value
    if not isinstance(node, ast.Name):
        raise InputError(_explain_unreadable(text, source))
    return (node.id, *names)


def _parse_literal(node: ast.expr, text: str) -> Any:
    try:
        return ast.literal_eval(node)
    except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError) as err:
        raise InputError(
            f"{printable(text)}: the argument {ast.unparse(node)!r} is not a literal.\n"
            "Give numbers, 'text', lists or None; text needs quotes inside the shell's own:\n"
            "    'model.py:make(kernel=\"rbf\")'"
        ) from err


def _explain_nothing_there(source: str) -> str:
    """Return why no file and no module was found, and what is near."""
    text = next((head for head, _ in _cut_at_colons(source) if kind_of(Path(head))), source)
    path = Path(text)
    if _is_folder(path):
        names = _list_files(path)
        inside = "It holds no .py, .ipynb, .pkl or .joblib file; name the file that defines your model."
        if names:
            inside = f"Name a file in it, for example {printable(path / names[0])}; it holds: {join_names(names)}."
        return f"{printable(text)} is a folder, not a file.\n{inside}"
    if not _is_folder(path.parent):
        return f"There is no file {printable(text)}: its folder {printable(path.parent)} does not exist."
    names, where = _list_files(path.parent), "this folder" if path.parent == Path() else printable(path.parent)
    there = (
        f"In {where} there is: {join_names(names)}." if names else f"In {where} there is no .py, .ipynb or .pkl file."
    )
    lines = [f"There is no file {printable(text)}.", suggest_path(path, names) or there]
    if _is_module(source) and not kind_of(path):
        lines.append(f"To name an object of an importable module, write {source}:NAME.")
    return "\n".join(lines)


def _is_folder(path: Path) -> bool:
    try:
        return path.is_dir()
    except (OSError, ValueError):
        return False


def _list_files(folder: Path) -> list[str]:
    try:
        return sorted(path.name for path in folder.iterdir() if kind_of(path))
    except (OSError, ValueError):
        return []
