"""Predictions -> CSV, JSON lines, Parquet, npy; part by part, so that any number of them takes little memory."""

from __future__ import annotations

import importlib
import io
import itertools
import shutil
import tempfile
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from raysk.errors import InputError
from raysk.results.csv_text import csv_bytes
from raysk.util.jsonable import to_json

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

DENSE_BYTES = 2**25
"""What a transformer gives as a sparse matrix is written in dense parts of at most about this size, in bytes."""


class Writable(Protocol):
    """What a writer needs of a file: no position, so that it may be a pipe."""

    def write(self, content: bytes, /) -> int:
        """Write bytes, all of them."""


@dataclass(frozen=True)
class Part:
    """Some rows of what is predicted.

    Parameters
    ----------
    values : ndarray of shape (n_rows,) or (n_rows, n_columns), or DataFrame
    names : list of str
        One per column.
    ids : ndarray or pyarrow.ChunkedArray of shape (n_rows,), or None
    id_name : str or None
    """

    values: Any
    names: list[str]
    ids: Any = None
    id_name: str | None = None

    def columns(self) -> dict[str, Any]:
        """Return all columns, the ids first, as arrays by their names."""
        columns = {} if self.id_name is None else {self.id_name: self.ids}
        if hasattr(self.values, "iloc"):
            return columns | {name: self.values.iloc[:, at] for at, name in enumerate(self.names)}
        table = self.values.reshape(-1, len(self.names))
        return columns | {name: table[:, at] for at, name in enumerate(self.names)}

    def rows(self) -> Iterator[tuple[Any, ...]]:
        """Yield rows of Python's own values."""
        return zip(*map(_plain_values, self.columns().values()), strict=True)


def _plain_values(column: Any) -> list[Any]:
    """Return a column of numpy's, pandas' or pyarrow's as a list: bytes as hexadecimal text, durations as ISO 8601."""
    values: list[Any] = column.to_pylist() if hasattr(column, "to_pylist") else column.tolist()
    kind = str(column.type) if hasattr(column, "to_pylist") else ""
    if kind.startswith("fixed_size_binary"):
        return [None if value is None else value.hex() for value in values]
    if kind.startswith("duration"):
        duration = importlib.import_module("pandas").Timedelta
        return [None if value is None else duration(value).isoformat() for value in values]
    return values


def parts(model: Any, method: str, predicted: Iterable[tuple[Any, Any]], id_name: str | None = None) -> Iterator[Part]:
    """Name the columns of what a model's method gave.

    Parameters
    ----------
    model : estimator
    method : str
        ``predict``, ``predict_proba``, ``decision_function`` or ``transform``.
    predicted : iterable of (ids, values)
        As `raysk.plans.rows` yields it.
    id_name : str or None
        The name of the column of ids; None if there is none.

    Yields
    ------
    Part

    Raises
    ------
    InputError
        If a column has the name of the ids.
    """
    names: list[str] = []
    for ids, values in predicted:
        for some, piece in _dense(ids, values):
            names = names or column_names(model, method, piece)
            if id_name in names:
                raise InputError(
                    f"The ids' column {id_name!r} has the name of a column of the output.\n"
                    "Rename it in the data, or leave --id-col out."
                )
            yield Part(piece, names, some, id_name)


def _dense(ids: Any, values: Any) -> Iterator[tuple[Any, Any]]:
    """Yield dense pieces of a sparse matrix; anything else whole."""
    import numpy as np

    if isinstance(values, list):  # the probabilities of several outputs
        yield ids, np.hstack(values)
    elif not hasattr(values, "toarray"):
        yield ids, values if hasattr(values, "iloc") else np.asarray(values)
    else:
        step = max(1, DENSE_BYTES // (values.shape[1] * values.dtype.itemsize))
        for start in range(0, values.shape[0], step):
            part = slice(start, start + step)
            yield None if ids is None else ids[part], values.tocsr()[part].toarray()


# --- names ----------------------------------------------------------------------------------------

_WORDS = {"predict": "prediction", "predict_proba": "proba", "decision_function": "decision", "transform": "transform"}


def column_names(model: Any, method: str, values: Any) -> list[str]:
    """Return names for the columns of what a method gave.

    ``prediction``; ``proba_`` and ``decision_`` with the class; what ``get_feature_names_out`` says of a
    transformer; else the method's word with the column's number.
    """
    if hasattr(values, "iloc"):
        return [str(name) for name in values.columns] if hasattr(values, "columns") else [_WORDS[method]]
    if values.ndim == 1:
        return [_WORDS[method]]
    ends = _outputs(model) if method == "transform" else _classes(model) if method != "predict" else None
    if ends is None or len(ends) != values.shape[1]:
        ends = [str(number) for number in range(values.shape[1])]
    elif method == "transform":
        return ends
    return [f"{_WORDS[method]}_{end}" for end in ends]


def _outputs(model: Any) -> list[str] | None:
    try:
        return [str(name) for name in model.get_feature_names_out()]
    except Exception:  # noqa: BLE001 - not every transformer knows, and a person's own may fail in any way
        return None


def _classes(model: Any) -> list[str] | None:
    classes = getattr(model, "classes_", None)
    if isinstance(classes, list):  # of several outputs
        return [f"{number}_{name}" for number, each in enumerate(classes) for name in each]
    return None if classes is None else [str(name) for name in classes]


# --- formats --------------------------------------------------------------------------------------


def _csv(stream: Iterable[Part], file: Writable) -> None:
    for number, part in enumerate(stream):
        header = [part.columns()] if number == 0 else []
        file.write(csv_bytes(itertools.chain(header, part.rows())))


def _jsonl(stream: Iterable[Part], file: Writable) -> None:
    for part in stream:
        names = list(part.columns())
        lines = (to_json(dict(zip(names, row, strict=True))) for row in part.rows())
        file.write("".join(f"{line}\n" for line in lines).encode())


def _parquet(stream: Iterable[Part], file: Writable) -> None:
    arrow, parquet = importlib.import_module("pyarrow"), importlib.import_module("pyarrow.parquet")
    writer = None
    for part in stream:
        columns = part.columns().items()
        table = arrow.table({name: _arrow(arrow, column) for name, column in columns})
        writer = writer or parquet.ParquetWriter(_Raw(file), table.schema)
        writer.write_table(table.cast(writer.schema))
    if writer is not None:
        writer.close()


def _arrow(arrow: Any, column: Any) -> Any:
    return column if isinstance(column, arrow.ChunkedArray) else arrow.array(column)


class _Raw(io.RawIOBase):
    """A file as pyarrow wants one."""

    def __init__(self, file: Writable) -> None:
        self._file = file

    def writable(self) -> bool:
        return True

    def write(self, content: Any, /) -> int:
        return self._file.write(bytes(content))


def _npy(stream: Iterable[Part], file: Writable) -> None:
    """Write one array; its length, which comes first, is known last."""
    with tempfile.TemporaryFile() as whole:
        length, first = 0, None
        for part in stream:
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

    array = np.ascontiguousarray(part.values)
    if array.dtype.hasobject:
        raise InputError(
            "What is predicted is of mixed types, which .npy holds as a pickle.\nWrite it as csv, jsonl or parquet."
        )
    return array


def _write_npy_header(file: Writable, like: Any, length: int) -> None:
    import numpy as np

    # numpy leaves room in the header for the length to grow
    shape = (length, *like.shape[1:])
    facts = {"descr": np.lib.format.dtype_to_descr(like.dtype), "fortran_order": False, "shape": shape}
    np.lib.format.write_array_header_1_0(file, facts)


WRITERS: dict[str, Callable[[Iterable[Part], Writable], None]] = {
    "csv": _csv,
    "jsonl": _jsonl,
    "parquet": _parquet,
    "npy": _npy,
}
"""Formats by their names: each writes parts to a file as they come."""
