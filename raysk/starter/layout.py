"""Write values, lists, calls, comments and imports as a person's formatter would."""

from __future__ import annotations

import textwrap
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

WIDTH = 88
"""Columns of a line: the default of ruff and black."""


def quote(value: Any) -> str:
    """Return a value as Python reads it back, on one line; text stands in double quotes where that changes nothing."""
    code = repr(value)
    return f'"{code[1:-1]}"' if code.startswith("'") and '"' not in code else code


def write_items(before: str, items: Iterable[str], after: str, indent: str = "") -> str:
    """Return items between brackets: on one line if they fit there, else each on its own."""
    every = list(items)
    line = f"{indent}{before}{', '.join(every)}{after}"
    if len(line) <= WIDTH and "\n" not in line:
        return line
    rows = "".join(f"{indent}    {item},\n" for item in every)
    return f"{indent}{before}\n{rows}{indent}{after}"


def write_list(name: str, values: Iterable[Any]) -> str:
    """Return the assignment of a list of values to a name."""
    return write_items(f"{name} = [", map(quote, values), "]")


def write_dict(name: str, values: Mapping[str, str]) -> str:
    """Return the assignment of a dict, whose values are code, an entry a line."""
    rows = "".join(f"    {quote(key)}: {_place_comma(code)}\n" for key, code in values.items())
    return f"{name} = {{\n{rows}}}"


def _place_comma(code: str) -> str:
    """Return code with a comma, which goes before a comment."""
    value, mark, comment = code.partition("  # ")
    return f"{value},{mark}{comment}"


def comment(text: str) -> str:
    """Return text as comment lines."""
    return textwrap.fill(
        text, WIDTH, initial_indent="# ", subsequent_indent="# ", break_long_words=False, break_on_hyphens=False
    )


@dataclass
class Imports:
    """The imports of a file, collected while its parts are written."""

    names: dict[str, set[str]] = field(default_factory=dict)
    modules: set[str] = field(default_factory=set)

    def use(self, module: str, name: str) -> str:
        """Import a name from a module, and return the name."""
        self.names.setdefault(module, set()).add(name)
        return name

    def use_pandas(self) -> str:
        """Import pandas by the name that everybody gives it, and return that."""
        self.modules.add("import pandas as pd")
        return "pd"

    @property
    def code(self) -> str:
        """The lines of all imports."""
        some = [
            write_items(f"from {module} import ", sorted(names), "")
            if len(f"from {module} import {', '.join(names)}") <= WIDTH
            else write_items(f"from {module} import (", sorted(names), ")")
            for module, names in sorted(self.names.items())
        ]
        return "\n".join([*sorted(self.modules), *some])
