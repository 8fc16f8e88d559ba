"""How numbers, durations, parameters and warnings are written for a person."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from raysk.errors import error_text
from raysk.util.words import brief_value, count, pairs

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["brief_value", "clock", "count", "in_short", "pace", "pairs", "wrap"]

SLOW_PER_S = 1.0
"""Below so many a second it is said how long one takes."""


def clock(seconds: float, *, hours: bool = False) -> str:
    """Return a duration as minutes and seconds, "0:15", with hours where there are any, or always."""
    minutes, second = divmod(int(seconds), 60)
    hour, minute = divmod(minutes, 60)
    return f"{hour}:{minute:02}:{second:02}" if hours or hour else f"{minute}:{second:02}"


def pace(done: int, elapsed_s: float, busy_s: float, unit: str) -> str:
    """Return how fast it goes: "41.3 fits/s", or of long ones how long one takes, "5.2 s/fit".

    Parameters
    ----------
    done : int
    elapsed_s : float
        What they took together, in seconds.
    busy_s : float
        What workers took for them, in seconds; 0 where that is unknown.
    unit : str
    """
    per_s = done / max(elapsed_s, 1e-9)
    one_s = (busy_s or elapsed_s) / done
    if per_s >= SLOW_PER_S or one_s < 1 / SLOW_PER_S:  # short ones are slow only where workers are still to come
        return f"{per_s:,.1f} {unit}s/s"
    return f"{one_s:,.1f} s/{unit}"


def wrap(pieces: Sequence[str], width: int, *, between: str = " ", indent: str = "") -> list[str]:
    """Put pieces into lines, none of them cut but where it is longer than a line, and then at a word if it has any.

    Parameters
    ----------
    pieces : sequence of str
    width : int
        Of a line.
    between : str
        What stands between two pieces on one line.
    indent : str
        What all lines but the first begin with.
    """
    lines: list[str] = []
    for piece in pieces:
        if lines and len(lines[-1]) + len(between) + len(piece) <= width:
            lines[-1] += between + piece
            continue
        room = max(width - len(indent), 1)
        for part in _parts(piece, room if lines else width, room):
            lines.append(indent * bool(lines) + part)
    return lines


def _parts(piece: str, first: int, room: int) -> list[str]:
    """Cut what is longer than a line, behind a space, a comma, a bracket, an underscore or an equals sign if it can."""
    parts, width = [], first
    while len(piece) > width:
        at = max((match.end() for match in re.finditer(r"[\s,(=_]+", piece[:width])), default=width)
        parts.append(piece[:at].rstrip())
        piece, width = piece[at:], room
    return [*parts, piece]


def in_short(text: str) -> str:
    """Return a warning's first two lines; where it holds a traceback, its first line and what was raised."""
    lines = [line for line in text.splitlines() if line.strip()]
    if any(line.startswith("Traceback") for line in lines):
        return f"{lines[0]} {error_text(text)}"
    return " ".join(lines[:2])
