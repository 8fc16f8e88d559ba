"""What separates the columns of a text table, as its first lines tell."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from raysk.data import lines

if TYPE_CHECKING:
    from collections.abc import Sequence

    from raysk.data.known import Known

_LOOKED_FOR = (",", ";", "\t", "|")
_LOOKED_AT = 2**16
"""How many bytes tell the separator; they are parsed once for each that is looked for."""

DECIMAL_COMMA = re.compile(r"\s*[+-]?(\d+|\d{1,3}(\.\d{3})+),\d+\s*")
"""A number as much of Europe writes it."""


def separator_of(head: bytes, known: Known) -> str:
    """Return the character that separates the columns: the person's, or else what the first lines tell.

    It is what gives the same number of columns in all first lines, and the most; the one that the format is named
    for where two give as many, or none gives several.
    """
    dialect, own = known.dialect, "\t" if known.format == "tsv" else ","
    if dialect.sep is not None:
        return dialect.sep
    some = head if len(head) <= _LOOKED_AT else head[: lines.end_of_lines(head[:_LOOKED_AT], quoted=True) or None]
    found = {mark: names for mark in _LOOKED_FOR if len(names := _read_names(some, mark)) > 1}
    decimals = [mark for mark in found if mark != "," and (dialect.decimal == "," or are_decimal(found[mark]))]
    return max(decimals or found, key=lambda mark: (len(found[mark]), mark == own), default=own)


def are_decimal(texts: Sequence[str]) -> bool:
    """Return whether texts are numbers, at least one of which has a decimal comma."""
    commas = [DECIMAL_COMMA.fullmatch(text) is not None for text in texts]
    return any(commas) and all(comma or text.strip().isdigit() for comma, text in zip(commas, texts, strict=True))


def _read_names(head: bytes, mark: str) -> list[str]:
    """Return the first line's columns, or none if not all lines have as many; pyarrow knows what quotes do."""
    import pyarrow as pa
    from pyarrow import csv

    options: dict[str, Any] = {
        "read_options": csv.ReadOptions(use_threads=False),
        "parse_options": csv.ParseOptions(delimiter=mark, newlines_in_values=True),
    }
    try:
        return list(csv.read_csv(pa.BufferReader(head + lines.LAST_END), **options).column_names)
    except pa.ArrowInvalid:
        return []
