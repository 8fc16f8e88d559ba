"""Messages of pyarrow that raysk must recognise."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


def is_new_name(error: BaseException | None) -> bool:
    """Tell whether JSON was refused because a later row has a name that the first rows do not have."""
    return "unexpected field" in str(error)


def is_decimal_comma(text: str) -> bool:
    """Tell whether a number of a CSV was refused that has a comma."""
    return re.search(r"invalid value '[+-]?\d[\d.]*,\d+'", text) is not None


def rename_places(text: str, row: Callable[[int], str], column: Callable[[int], str]) -> str:
    """Return a message about a CSV with its rows and columns, which pyarrow counts, in our words."""
    text = re.sub(r"Row #(\d+)", lambda at: row(int(at[1])), text)
    return re.sub(r"column #(\d+)", lambda at: column(int(at[1])), text)
