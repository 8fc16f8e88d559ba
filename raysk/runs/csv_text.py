"""Rows -> CSV, as any reader of CSV reads them back."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable

_END = "\r\n"


class _Lines(io.StringIO):
    """Text whose rows end in a line feed alone; the writer thinks of another end, and so quotes what holds either."""

    def write(self, row: str, /) -> int:
        return super().write(row.removesuffix(_END) + "\n")


def csv_bytes(rows: Iterable[Iterable[Any]]) -> bytes:
    """Write rows as CSV in UTF-8.

    Parameters
    ----------
    rows : iterable of iterable of object
        Floats are written by `repr`, which reads back exactly; None becomes an empty field.

    Returns
    -------
    bytes
    """
    text = _Lines(newline="")
    csv.writer(text, lineterminator=_END).writerows(rows)
    return text.getvalue().encode("utf-8", errors="backslashreplace")
