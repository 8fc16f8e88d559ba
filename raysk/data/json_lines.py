"""Read JSON lines with pyarrow, whole or in blocks."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from raysk.data import lines
from raysk.data.frames import as_table, column_types
from raysk.errors import InputError
from raysk.util.words import shown

if TYPE_CHECKING:
    from collections.abc import Iterator

    from raysk.data.inputs import Stream
    from raysk.data.known import Known
    from raysk.data.table import Table

MOST_EXACT = 2**53
"""From here on floats do not tell a whole number from the next."""


def read(stream: Stream, known: Known) -> Table:
    """Read all JSON lines."""
    from pyarrow import OSFile, json

    options, names = _make_options(stream, known, widened=False)
    with stream.local() as path:
        table = json.read_json(OSFile(os.fsencode(path)), **options)
    later = [name for name in table.column_names if name not in names]
    return as_table(table.select([*names, *later]), stream.label, known)


def read_blocks(stream: Stream, known: Known, _rows: int | None) -> Iterator[Table]:
    """Read JSON lines in blocks of a few MiB."""
    from pyarrow import json

    options, _ = _make_options(stream, known, widened=True)

    def parse(block: Any) -> Any:
        table = json.read_json(block, **options)
        _check_ids(table, known, stream.label)
        return table

    return lines.parsed(stream, known, parse, quoted=False)


def _check_ids(table: Any, known: Known, label: str) -> None:
    """Refuse ids that are numbers with more digits than pyarrow keeps: two rows could get the same name."""
    from pyarrow import compute, types

    place = known.id_place(table.column_names)
    if place is None or not types.is_floating(table.schema.field(place).type):
        return
    largest = compute.max(compute.abs(table.column(place))).as_py()
    if largest is not None and largest >= MOST_EXACT:
        raise InputError(
            f"{label}: --id-col {shown(known.ids)}: {largest:.17g} is a number with more digits than can be kept.\n"
            "Write the ids as text, in quotes."
        )


def _make_options(stream: Stream, known: Known, *, widened: bool) -> tuple[dict[str, Any], list[str]]:
    """Return pyarrow's options, and the names in the first lines, in order."""
    import pyarrow as pa
    from pyarrow import json

    read_options = json.ReadOptions(block_size=lines.BLOCK_BYTES)
    schema = json.read_json(pa.BufferReader(lines.first_lines(stream)), read_options=read_options).schema
    types = column_types(schema, known, widened=widened, has_types=True)
    parse_options = json.ParseOptions(
        explicit_schema=pa.schema(list(types.items())),
        unexpected_field_behavior="infer" if not widened else "ignore" if known.dtypes or known.ids else "error",
    )
    return {"read_options": read_options, "parse_options": parse_options}, schema.names
