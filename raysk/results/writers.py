"""Tables -> CSV, JSON, JSON lines, Parquet, npy.

    candidates.py       cv_results_ ---+
                                   +--> Part, Part, ... --> WRITERS[format] --> a file or a pipe
    predictions.py  predictions ---+

A table comes in parts, which are written one by one: any number of rows takes little memory.
"""

from __future__ import annotations

import csv
import importlib
import io
import shutil
import tempfile
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from raysk.errors import InputError
from raysk.util.jsonable import to_json

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping


class Writable(Protocol):
    """The part of a file that writers use. It has no position, so that it may be a pipe."""

    def write(self, content: bytes, /) -> int:
        """Write all of some bytes."""


@dataclass(frozen=True)
class Part:
    """Some rows of a table.

    Parameters
    ----------
    columns : mapping of str to column
        Each of shape (n_rows,): an ndarray, Series or pyarrow.ChunkedArray, whose values have one type; or a list of
        numbers, texts, lists, dicts and None.
    array : ndarray or DataFrame, or None
        What ``.npy`` holds of it.
    """

    columns: Mapping[str, Any]
    array: Any = None

    def __len__(self) -> int:
        return next((len(column) for column in self.columns.values()), 0)

    def rows(self, *, flat: bool = False) -> Iterator[tuple[Any, ...]]:
        """Yield rows of plain values; if `flat`, lists and dicts in lists as their JSON."""
        convert = _flat if flat else _plain
        return zip(*map(convert, self.columns.values()), strict=True)


def _plain(column: Any) -> list[Any]:
    """Return a column as a list: bytes as hexadecimal text, durations as ISO 8601."""
    if isinstance(column, list):
        return column
    values: list[Any] = column.to_pylist() if hasattr(column, "to_pylist") else column.tolist()
    kind = str(column.type) if hasattr(column, "to_pylist") else ""
    if kind.startswith("fixed_size_binary"):
        return [None if value is None else value.hex() for value in values]
    if kind.startswith("duration"):
        duration = importlib.import_module("pandas").Timedelta
        return [None if value is None else duration(value).isoformat() for value in values]
    return values


def _flat(column: Any) -> list[Any]:
    if not isinstance(column, list):
        return _plain(column)
    return [to_json(value) if isinstance(value, list | dict) else value for value in column]


# --- text -----------------------------------------------------------------------------------------


def _write_csv(parts: Iterable[Part], file: Writable) -> None:
    """Write floats by `repr`, which reads back exactly, and None as an empty field."""
    for number, part in enumerate(parts):
        lines = _Lines()
        writer = csv.writer(lines, lineterminator=_CSV_END)
        if number == 0:
            writer.writerow(part.columns)
        writer.writerows(part.rows(flat=True))
        file.write(lines.content.getvalue())


_CSV_END = "\r\n"


class _Lines:
    """Rows in UTF-8 that end in a line feed. The CSV writer thinks of another end, and so quotes what holds either."""

    def __init__(self) -> None:
        self.content = io.BytesIO()

    def write(self, row: str, /) -> int:
        return self.content.write((row.removesuffix(_CSV_END) + "\n").encode("utf-8", errors="backslashreplace"))


def _write_jsonl(parts: Iterable[Part], file: Writable) -> None:
    for part in parts:
        file.write("".join(f"{line}\n" for line in _objects(part)).encode())


def _write_json(parts: Iterable[Part], file: Writable) -> None:
    """Write one list, an object a line."""
    before = "[\n "
    for part in parts:
        if body := ",\n ".join(_objects(part)):
            file.write(f"{before}{body}".encode())
            before = ",\n "
    file.write(b"[]\n" if before.startswith("[") else b"\n]\n")


def _objects(part: Part) -> Iterator[str]:
    return (to_json(dict(zip(part.columns, row, strict=True))) for row in part.rows())


# --- Parquet --------------------------------------------------------------------------------------


def import_pyarrow() -> tuple[Any, Any]:
    """Return pyarrow and its Parquet module.

    Raises
    ------
    InputError
        If it is not installed.
    """
    try:
        return importlib.import_module("pyarrow"), importlib.import_module("pyarrow.parquet")
    except ImportError as err:
        raise InputError(
            "Parquet needs pyarrow, which is not installed here.\n"
            "Install it with: pip install 'raysk[data]'\nOr name a .csv, .json or .jsonl file."
        ) from err


def _write_parquet(parts: Iterable[Part], file: Writable) -> None:
    arrow, parquet = import_pyarrow()
    writer = None
    for part in parts:
        table = arrow.table({name: _arrow_column(arrow, column) for name, column in part.columns.items()})
        writer = writer or parquet.ParquetWriter(_ArrowFile(file), table.schema)
        writer.write_table(table.cast(writer.schema))
    if writer is not None:
        writer.close()


def _arrow_column(arrow: Any, column: Any) -> Any:
    """Return a typed column; of text where a list's values share no type, such as ``max_features`` 0.5 and "sqrt"."""
    if not isinstance(column, list):
        return column if isinstance(column, arrow.ChunkedArray) else arrow.array(column)
    flat = _flat(column)
    try:
        return arrow.array(flat)
    except (ValueError, TypeError, OverflowError):
        return arrow.array([None if value is None else str(value) for value in flat])


class _ArrowFile(io.RawIOBase):
    """A file as pyarrow wants one."""

    def __init__(self, file: Writable) -> None:
        self._file = file

    def writable(self) -> bool:
        return True

    def write(self, content: Any, /) -> int:
        return self._file.write(bytes(content))


# --- npy ------------------------------------------------------------------------------------------


def _write_npy(parts: Iterable[Part], file: Writable) -> None:
    """Write one array; its length, which comes first, is known last."""
    with tempfile.TemporaryFile() as whole:
        length, first = 0, None
        for part in parts:
            array = _one_array(part)
            if first is None:
                first = array[:0]
                _write_npy_header(whole, first, 0)
            if array.dtype != first.dtype:
                raise InputError(f"Row {length + 1:,} is of type {array.dtype}, those before of type {first.dtype}.")
            whole.write(array.tobytes())
            length += len(array)
        if first is not None:
            whole.seek(0)
            _write_npy_header(whole, first, length)
        whole.seek(0)
        shutil.copyfileobj(whole, file)


def _one_array(part: Part) -> Any:
    import numpy as np

    array = np.ascontiguousarray(part.array)
    if array.dtype.hasobject:
        raise InputError(
            "The predictions have mixed types, which .npy holds as a pickle.\nWrite them as csv, jsonl or parquet."
        )
    return array


def _write_npy_header(file: Writable, like: Any, length: int) -> None:
    import numpy as np

    # numpy leaves room in the header for the length to grow
    shape = (length, *like.shape[1:])
    facts = {"descr": np.lib.format.dtype_to_descr(like.dtype), "fortran_order": False, "shape": shape}
    np.lib.format.write_array_header_1_0(file, facts)


WRITERS: dict[str, Callable[[Iterable[Part], Writable], None]] = {
    "csv": _write_csv,
    "json": _write_json,
    "jsonl": _write_jsonl,
    "parquet": _write_parquet,
    "npy": _write_npy,
}
"""Formats by their names, which are their suffixes: each writes parts to a file as they come."""
