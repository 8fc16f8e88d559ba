"""Write names, rows and suggestions into messages of at most five lines."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_LONGEST = 200  # characters of one foreign text in a message: about two terminal lines
_MOST_LISTED = 6  # names in one list: more are not read


def shown(text: Any) -> str:
    """Return a name for printing, quoted if it holds unprintable characters."""
    plain = str(text)
    return plain if plain.isprintable() else repr(plain)


def brief(text: str) -> str:
    """Return foreign text on one line, cut at 200 characters."""
    line = shown(" ".join(text.split()))
    return line if len(line) <= _LONGEST else line[: _LONGEST - 3] + "..."


def listed(names: Iterable[str]) -> str:
    """Return names with commas, cut after six."""
    every = list(names)
    tail = f" and {len(every) - _MOST_LISTED} more" if len(every) > _MOST_LISTED else ""
    return ", ".join(shown(name) for name in every[:_MOST_LISTED]) + tail


def rows_text(first: int, count: int) -> str:
    """Return "row 3", or "row 3 and 5 more"."""
    return f"row {first:,}" + (f" and {count - 1:,} more" if count > 1 else "")


def nearest(name: str, names: Iterable[str], count: int = 3) -> list[str]:
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
