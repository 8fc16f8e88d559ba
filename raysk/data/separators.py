"""Find the separator of columns in the first lines of a text table."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from raysk.data import lines

if TYPE_CHECKING:
    from collections.abc import Sequence

    from raysk.data.table_spec import TableSpec

_LOOKED_FOR = (",", ";", "\t", "|")
_LOOKED_AT = 2**16
"""Bytes that are parsed with each separator."""

DECIMAL_COMMA = re.compile(r"\s*[+-]?(\d+|\d{1,3}(\.\d{3})+),\d+\s*")
"""A number with a decimal comma."""


def separator_of(head: bytes, known: TableSpec) -> str:
    """Return the character that separates the columns: the person's choice, or else the most likely one.

    It gives all first lines the same number of columns, and the most. If two give as many, or none gives several, it is
    the one that the format is named for.
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
    """Return the columns of the first line; none if the number of columns differs between lines."""
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
