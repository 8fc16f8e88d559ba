"""Turn names and near misses into words for a message that stays within five lines."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_LONGEST = 200  # characters of one foreign text in a message: about two terminal lines
_LONGEST_ERROR = 300
_MOST_LISTED = 6  # names in one list: more are not read


def shown(text: Any) -> str:
    """Return a name as it can be printed: quoted when it holds unprintable characters."""
    plain = str(text)
    return plain if plain.isprintable() else repr(plain)


def brief(text: str) -> str:
    """Return foreign text on one line, cut at 200 characters."""
    line = shown(" ".join(text.split()))
    return line if len(line) <= _LONGEST else line[: _LONGEST - 3] + "..."


def error_line(error: BaseException) -> str:
    """Return an exception as one line, cut at 300 characters: its type and the first line of its message."""
    return f"{type(error).__name__}: {error}".splitlines()[0][:_LONGEST_ERROR]


def listed(names: Iterable[str]) -> str:
    """Return names with commas, cut after six."""
    every = list(names)
    tail = f" and {len(every) - _MOST_LISTED} more" if len(every) > _MOST_LISTED else ""
    return ", ".join(shown(name) for name in every[:_MOST_LISTED]) + tail


def nearest(name: str, names: Iterable[str], count: int = 3) -> list[str]:
    """Return the names most like `name`, whatever their case; ``C`` also finds ``svc__C``.

    Parameters
    ----------
    name : str
    names : iterable of str
    count : int
        The most names to return.

    Returns
    -------
    list of str
    """
    known = {other.casefold(): other for other in names}
    sought = name.casefold()
    close = difflib.get_close_matches(sought, known, n=count)
    last = sought.rpartition("__")[2]
    nested = [other for other in known if other.rpartition("__")[2] == last]
    return [known[key] for key in dict.fromkeys([*close, *nested])][:count]


def suggestion(name: str, names: Iterable[str], noun: str) -> str:
    """Return "Did you mean a, b?", or the list of what there is, or that there is nothing."""
    every = list(names)
    close = nearest(name, every)
    if close:
        return f"Did you mean {listed(close)}?"
    return f"The {noun} are: {listed(every)}." if every else f"There are no {noun}."


def type_name(value: Any) -> str:
    """Return the name of an object's type, for example ``SVC``."""
    return type(value).__name__


def with_types(objects: Mapping[str, Any]) -> str:
    """Return "a (SVC), b (Ridge)"."""
    return listed(f"{name} ({type_name(value)})" for name, value in objects.items())
