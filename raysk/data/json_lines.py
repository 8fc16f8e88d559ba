"""Read JSON lines with pyarrow, whole or in blocks."""

from __future__ import annotations

import contextlib
import io
import json
import os
import re
from typing import TYPE_CHECKING, Any

from raysk._compat import pyarrow as pyarrow_private
from raysk.data import lines
from raysk.data.frames import as_table, column_types
from raysk.errors import InputError
from raysk.util.words import printable, shorten

if TYPE_CHECKING:
    from collections.abc import Iterator

    from raysk.data.inputs import Stream
    from raysk.data.table import Table
    from raysk.data.table_spec import TableSpec

MOST_EXACT = 2**53
"""From here on floats do not tell a whole number from the next."""

_KINDS = {str: "text", bool: "true or false", int: "a number", float: "a number", list: "a list", dict: "an object"}


def read(stream: Stream, known: TableSpec) -> Table:
    """Read all JSON lines."""
    from pyarrow import OSFile
    from pyarrow import json as arrow_json

    options, names = _make_options(stream, known, widened=False)
    with stream.local() as path:
        table = arrow_json.read_json(OSFile(os.fsencode(path)), **options)
    later = [name for name in table.column_names if name not in names]
    return as_table(table.select([*names, *later]), stream.label, known)


def read_blocks(stream: Stream, known: TableSpec, _rows: int | None) -> Iterator[Table]:
    """Read JSON lines in blocks of a few MiB."""
    from pyarrow import json as arrow_json

    options, _ = _make_options(stream, known, widened=True)

    def parse(block: Any) -> Any:
        table = arrow_json.read_json(block, **options)
        _check_ids(table, known, stream.label)
        return table

    return lines.parse_lines(stream, known, parse, quoted=False)


def _check_ids(table: Any, known: TableSpec, label: str) -> None:
    """Refuse ids that are numbers with more digits than pyarrow keeps: two rows could get the same name."""
    from pyarrow import compute, types

    place = known.id_place(table.column_names)
    if place is None or not types.is_floating(table.schema.field(place).type):
        return
    largest = compute.max(compute.abs(table.column(place))).as_py()
    if largest is not None and largest >= MOST_EXACT:
        raise InputError(
            f"{label}: --id-col {printable(known.ids)}: {largest:.17g} is a number with more digits than can be kept.\n"
            "Write the ids as text, in quotes."
        )


def _make_options(stream: Stream, known: TableSpec, *, widened: bool) -> tuple[dict[str, Any], list[str]]:
    """Return pyarrow's options, and the names in the first lines, in order."""
    import pyarrow as pa
    from pyarrow import json as arrow_json

    read_options = arrow_json.ReadOptions(block_size=lines.BLOCK_BYTES)
    schema = arrow_json.read_json(pa.BufferReader(lines.first_lines(stream)), read_options=read_options).schema
    types = column_types(schema, known, widened=widened, has_types=True)
    parse_options = arrow_json.ParseOptions(
        explicit_schema=pa.schema(list(types.items())),
        unexpected_field_behavior="infer" if not widened else "ignore" if known.dtypes or known.ids else "error",
    )
    return {"read_options": read_options, "parse_options": parse_options}, schema.names


# --- what is wrong, and where


def raise_fault(stream: Stream, error: BaseException | None) -> None:
    """Raise for the row and the column that pyarrow has refused, if they are found; it does not always name them."""
    if type(error).__name__ == "ArrowInvalid":
        found = find_fault(stream, no_more_names=pyarrow_private.is_new_name(error))
        if found is not None:
            raise InputError(f"{stream.label}: {found}") from error


def find_fault(stream: Stream, *, no_more_names: bool = False) -> str | None:
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
            return f"row {row:,} is {_name_kind(found)}, {shorten(repr(found))}; each has to be an object, as {{...}}."
        for name, value in found.items():
            if names is not None and name not in names:
                return f"row {row:,} has a column {printable(name)!r}, which those at the beginning do not have."
            reason = _compare_kinds(value, kinds.setdefault(name, _name_kind(value)) if value is not None else None)
            if reason is not None:
                return f"column {printable(name)!r} holds {shorten(repr(value))} in row {row:,}, {reason}."
    return None


def _compare_kinds(value: Any, before: str | None) -> str | None:
    if before is None:
        return None
    if isinstance(value, float) and value in {float("inf"), float("-inf")}:
        return "a number that is too large"
    return f"which is {_name_kind(value)}; before there was {before}" if _name_kind(value) != before else None


def _name_kind(value: Any) -> str:
    return _KINDS.get(type(value), "null")


def _explain_no_json(line: str, error: ValueError, row: int) -> str:
    """Return at which value a line is no longer JSON."""
    at = getattr(error, "pos", len(line))
    before = re.findall(r'"((?:[^"\\]|\\.)*)"\s*:', line[:at])
    where = f"column {printable(before[-1])!r} of row {row:,}" if before else f"row {row:,}"
    return f"{where} is no JSON: {shorten(getattr(error, 'msg', str(error)))} at {shorten(repr(line[at : at + 30]))}."


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
