"""Write names, rows and suggestions into messages of at most five lines."""

from __future__ import annotations

import difflib
import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_LONGEST = 200  # characters of one foreign text in a message: about two terminal lines
_LONGEST_ERROR = 300
_MOST_LISTED = 6  # names in one list: more are not read
_LONGEST_VALUE = 40  # characters of one value: about half a line


def printable(text: Any) -> str:
    """Return a name for printing, quoted if it holds unprintable characters."""
    plain = str(text)
    return plain if plain.isprintable() else repr(plain)


def shorten(text: str) -> str:
    """Return foreign text on one line, cut at 200 characters."""
    line = printable(" ".join(text.split()))
    return line if len(line) <= _LONGEST else line[: _LONGEST - 3] + "..."


def error_line(error: BaseException) -> str:
    """Return an exception as one line, cut at 300 characters: its type and the first line of its message."""
    return f"{type(error).__name__}: {error}".splitlines()[0][:_LONGEST_ERROR]


def join_names(names: Iterable[str]) -> str:
    """Return names with commas, cut after six."""
    every = list(names)
    tail = f" and {len(every) - _MOST_LISTED} more" if len(every) > _MOST_LISTED else ""
    return ", ".join(printable(name) for name in every[:_MOST_LISTED]) + tail


def rows_text(first: int, count: int) -> str:
    """Return "row 3", or "row 3 and 5 more"."""
    return f"row {first:,}" + (f" and {count - 1:,} more" if count > 1 else "")


def nearest_names(name: str, names: Iterable[str], count: int = 3) -> list[str]:
    """Return at most `count` names like `name`, whatever their case; ``C`` also finds ``svc__C``."""
    known = {other.casefold(): other for other in names}
    sought = name.casefold()
    close = difflib.get_close_matches(sought, known, n=count)
    last = sought.rpartition("__")[2]
    nested = [other for other in known if other.rpartition("__")[2] == last]
    return [known[key] for key in dict.fromkeys([*close, *nested])][:count]


def suggestion(name: str, names: Iterable[str], noun: str) -> str:
    """Return "Did you mean a, b?", or the list of what there is, or that there is nothing."""
    every = list(names)
    close = nearest_names(name, every)
    if close:
        return f"Did you mean {join_names(close)}?"
    return f"The {noun} are: {join_names(every)}." if every else f"There are no {noun}."


def type_name(value: Any) -> str:
    """Return the name of an object's type, for example ``SVC``."""
    return type(value).__name__


def with_types(objects: Mapping[str, Any]) -> str:
    """Return "a (SVC), b (Ridge)"."""
    return join_names(f"{name} ({type_name(value)})" for name, value in objects.items())


def count(number: int, noun: str) -> str:
    """Return "1 node" or "1,200 nodes"."""
    return f"{number:,} {noun}" + "s" * (number != 1)


def pairs(params: Mapping[str, Any], names: Mapping[str, str] | None = None) -> list[str]:
    """Return ``name=value`` for each parameter, short.

    Parameters
    ----------
    params : mapping
    names : mapping of str to str, or None
        Which of them are written, and how they are called; None means all, by their whole names.
    """
    if names is None:
        names = {name: name for name in params}
    return [f"{short}={brief_value(params[name])}" for name, short in names.items() if name in params]


def brief_value(value: Any) -> str:
    """Return a value as a person would write it, on one line; what is long ends at a word."""
    if isinstance(value, float):
        return f"{value:.6g}"
    text = " ".join(str(value).split())
    if len(text) <= _LONGEST_VALUE:
        return text
    ends = [match.end() for match in re.finditer(r"\w+[(]?|[^\w\s]+", text) if match.end() < _LONGEST_VALUE]
    return text[: ends[-1] if ends else _LONGEST_VALUE - 1] + "…"
