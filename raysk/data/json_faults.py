"""Find the row, the column and the value at which JSON lines are wrong; pyarrow does not always name the column."""

from __future__ import annotations

import contextlib
import io
import json
import re
from typing import TYPE_CHECKING, Any

from raysk.util.words import brief, shown

if TYPE_CHECKING:
    from collections.abc import Iterator

    from raysk.data.inputs import Stream

KINDS = {str: "text", bool: "true or false", int: "a number", float: "a number", list: "a list", dict: "an object"}


def fault(stream: Stream, *, no_more_names: bool = False) -> str | None:
    """Return what is wrong with the first line that does not fit the lines before it; None if nothing is found.

    Parameters
    ----------
    stream : Stream
        Read again if it is a file; else only its first bytes are looked at.
    no_more_names : bool
        Whether a name that the first bytes do not have is wrong, too.
    """
    kinds: dict[str, str] = {}
    names = _read_names(stream.head) if no_more_names else None
    for row, line in enumerate(_read_lines(stream), 1):
        try:
            found = json.loads(line)
        except ValueError as error:
            return _explain_no_json(line.decode(errors="replace").rstrip(), error, row)
        if not isinstance(found, dict):
            return f"row {row:,} is {_name_kind(found)}, {brief(repr(found))}; each has to be an object, as {{...}}."
        for name, value in found.items():
            if names is not None and name not in names:
                return f"row {row:,} has a column {shown(name)!r}, which those at the beginning do not have."
            reason = _compare_kinds(value, kinds.setdefault(name, _name_kind(value)) if value is not None else None)
            if reason is not None:
                return f"column {shown(name)!r} holds {brief(repr(value))} in row {row:,}, {reason}."
    return None


def _compare_kinds(value: Any, before: str | None) -> str | None:
    if before is None:
        return None
    if isinstance(value, float) and value in {float("inf"), float("-inf")}:
        return "a number that is too large"
    return f"which is {_name_kind(value)}; before there was {before}" if _name_kind(value) != before else None


def _name_kind(value: Any) -> str:
    return KINDS.get(type(value), "null")


def _explain_no_json(line: str, error: ValueError, row: int) -> str:
    """Return at which value a line is no longer JSON."""
    at = getattr(error, "pos", len(line))
    before = re.findall(r'"((?:[^"\\]|\\.)*)"\s*:', line[:at])
    where = f"column {shown(before[-1])!r} of row {row:,}" if before else f"row {row:,}"
    return f"{where} is no JSON: {brief(getattr(error, 'msg', str(error)))} at {brief(repr(line[at : at + 30]))}."


def _read_names(head: bytes) -> set[str]:
    names: set[str] = set()
    for line in head.splitlines():
        with contextlib.suppress(ValueError, TypeError):  # the last one may be cut
            names.update(json.loads(line))
    return names


def _read_lines(stream: Stream) -> Iterator[bytes]:
    if stream.path is None:
        *whole, last = stream.head.splitlines(keepends=True)
        file: Any = io.BytesIO(b"".join([*whole, last] if last.endswith(b"\n") else whole))
    else:
        file = stream.path.open("rb")
    with file:
        yield from filter(bytes.strip, file)
