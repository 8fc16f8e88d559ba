"""Rows -> CSV, as any reader of CSV reads them back."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable

_END = "\r\n"


class _Lines:
    """Rows in UTF-8 that end in a line feed; the writer thinks of another end, and so quotes what holds either."""

    def __init__(self) -> None:
        self.content = io.BytesIO()

    def write(self, row: str, /) -> int:
        return self.content.write((row.removesuffix(_END) + "\n").encode("utf-8", errors="backslashreplace"))


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
    lines = _Lines()
    csv.writer(lines, lineterminator=_END).writerows(rows)
    return lines.content.getvalue()
