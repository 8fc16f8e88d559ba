"""`cv_results_` of scikit-learn -> CSV, JSON, JSON lines, Parquet; one row model for all of them."""

from __future__ import annotations

import importlib
import io
import re
from typing import TYPE_CHECKING, Any

from raysk.errors import InputError
from raysk.results.csv_text import csv_bytes
from raysk.source.found import grids_of
from raysk.util.jsonable import plain_parameter, to_json
from raysk.util.writing import check_output, write_bytes

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from pathlib import Path

# What a reader wants first, comes first.
_ORDER = (re.compile(r"rank_"), re.compile(r"(mean|std)_test_"), re.compile(r"param_"), re.compile(""))

ROWS_AT_A_TIME = 10_000
"""A grid has few values of a parameter, which are described once for so many rows; as many are held at a time."""

NUMBERS = ("float64", "int64", "int32", "bool")
"""Kinds of arrays that hold plain values, but for how they are kept."""

Columns = list[str]
Rows = list[list[Any]]


def results_rows(cv_results: Mapping[str, Any]) -> tuple[Columns, Rows]:
    """Flatten the results of a search.

    Parameters
    ----------
    cv_results : mapping of str to array-like of shape (n_candidates,)
        `cv_results_` of a fitted search.

    Returns
    -------
    columns : list of str
        Ranks, then mean and standard deviation of the test scores, then the parameters, then the rest.
    rows : list of list, of shape (n_candidates, n_columns)
        In scikit-learn's order. Numbers (NaN stays NaN), booleans, text, lists; None where a candidate has no
        value of a parameter; estimators and other objects as text.
    """
    columns = _columns(cv_results)
    return columns, list(_rows(cv_results, columns))


def no_results(search: Any) -> dict[str, list[Any]]:
    """Return what `cv_results_` of a search has at least, before one of its candidates is done."""
    names = dict.fromkeys(name for grid in grids_of(search) for name in grid)
    columns = ["rank_test_score", "mean_test_score", "std_test_score", *(f"param_{name}" for name in names)]
    return {column: [] for column in columns}


def check_results(path: Path) -> None:
    """Fail before a job runs if its results could not be written to `path`.

    Raises
    ------
    UsageError
        If the suffix names no known format.
    InputError
        If no file can be written there, or the format needs a package that is not installed.
    """
    check_output(path, _WRITERS)
    if path.suffix.lower() == ".parquet":
        _pyarrow()


def write_results(cv_results: Mapping[str, Any], path: Path, *, new: bool = False) -> None:
    """Write the results of a search, whole or not at all, in the format that the suffix names.

    Parameters
    ----------
    cv_results : mapping of str to array-like of shape (n_candidates,)
        `cv_results_` of a fitted search.
    path : Path
        ``.csv`` (floats read back exactly; empty means no value), ``.jsonl`` (one object a line), ``.json``
        (a list of objects) or ``.parquet``.
    new : bool
        Whether a file that is there by now is somebody else's, and stays.

    Raises
    ------
    UsageError
        If the suffix is none of these.
    InputError
        If the file cannot be written or is not new, or Parquet is not installed.
    """
    check_results(path)
    columns = _columns(cv_results)
    content = _WRITERS[path.suffix.lower()](columns, _rows(cv_results, columns))
    write_bytes(path, content, new=new)


def _columns(cv_results: Mapping[str, Any]) -> Columns:
    return sorted((name for name in cv_results if name != "params"), key=_place)


def _rows(cv_results: Mapping[str, Any], columns: Columns) -> Iterator[list[Any]]:
    """Yield rows, of which only some are held at a time: there may be a million."""
    count = len(cv_results[columns[0]]) if columns else 0
    for begin in range(0, count, ROWS_AT_A_TIME):
        some = (_column(cv_results[name][begin : begin + ROWS_AT_A_TIME]) for name in columns)
        yield from map(list, zip(*some, strict=True))


def _place(name: str) -> int:
    return next(place for place, pattern in enumerate(_ORDER) if pattern.match(name))


def _column(values: Any) -> list[Any]:
    """Return the plain values of an array, of which some may be masked."""
    from numpy.ma import MaskedArray, getmaskarray

    if not isinstance(values, MaskedArray):
        return _cells(values)
    # A masked array wraps its items when it is iterated; its data does not.
    cells, masked = _cells(values.data), getmaskarray(values)
    return [None if hidden else cell for cell, hidden in zip(cells, masked, strict=True)]


def _cells(values: Any) -> list[Any]:
    if getattr(values, "dtype", None) in NUMBERS:
        return values.tolist()  # type: ignore[no-any-return]
    items = list(values)
    distinct = {id(item): item for item in items}  # a grid has few values, of which each may take long to describe
    made = {name: _cell(item) for name, item in distinct.items()}
    return [made[id(item)] for item in items]


def _cell(value: Any) -> Any:
    """Return a plain value; unlike in JSON, NaN is kept: a failed fit is no missing parameter."""
    return float(value) if isinstance(value, float) else plain_parameter(value)


def _flat(value: Any) -> Any:
    return to_json(value) if isinstance(value, (list, dict)) else value


def _csv(columns: Columns, rows: Iterable[list[Any]]) -> bytes:
    return csv_bytes([columns, *([_flat(value) for value in row] for row in rows)])


def _lines(columns: Columns, rows: Iterable[list[Any]]) -> Iterable[str]:
    return (to_json(dict(zip(columns, row, strict=True))) for row in rows)


def _jsonl(columns: Columns, rows: Iterable[list[Any]]) -> bytes:
    return "".join(f"{line}\n" for line in _lines(columns, rows)).encode()


def _json(columns: Columns, rows: Iterable[list[Any]]) -> bytes:
    body = ",\n ".join(_lines(columns, rows))
    return f"[\n {body}\n]\n".encode() if body else b"[]\n"


def _parquet(columns: Columns, rows: Iterable[list[Any]]) -> bytes:
    arrow, parquet = _pyarrow()
    rows = list(rows)
    table = arrow.table({name: _arrow_array(arrow, [row[at] for row in rows]) for at, name in enumerate(columns)})
    buffer = io.BytesIO()
    parquet.write_table(table, buffer)
    return buffer.getvalue()


def _arrow_array(arrow: Any, values: list[Any]) -> Any:
    """Make a typed column; of text where values share no type, such as ``max_features`` 0.5 and "sqrt"."""
    flat = [_flat(value) for value in values]
    try:
        return arrow.array(flat)
    except (ValueError, TypeError, OverflowError):
        return arrow.array([None if value is None else str(value) for value in flat])


def _pyarrow() -> tuple[Any, Any]:
    try:
        return importlib.import_module("pyarrow"), importlib.import_module("pyarrow.parquet")
    except ImportError as err:
        raise InputError(
            "Parquet needs pyarrow, which is not installed here.\n"
            "Install it with: pip install 'raysk[data]'\nOr name a .csv, .json or .jsonl file."
        ) from err


_WRITERS: dict[str, Callable[[Columns, Iterable[list[Any]]], bytes]] = {
    ".csv": _csv,
    ".json": _json,
    ".jsonl": _jsonl,
    ".parquet": _parquet,
}
