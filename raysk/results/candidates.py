"""`cv_results_` of scikit-learn as a table: its columns, its plain values, and its file."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from raysk.results.writers import WRITERS, Part, import_pyarrow
from raysk.source.objects import grids_of
from raysk.util.jsonable import plain_parameter
from raysk.util.typed_json import Encoder
from raysk.util.writing import check_output, write_atomically

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

RESULT_FORMATS = ("csv", "json", "jsonl", "parquet")

# What a reader wants first, comes first.
_ORDER = (re.compile(r"rank_"), re.compile(r"(mean|std)_test_"), re.compile(r"param_"), re.compile(""))

ROWS_AT_A_TIME = 10_000
"""A grid has few values of a parameter, which are described once for so many rows; as many are held at a time."""

NUMBERS = ("float64", "int64", "int32", "bool")
"""Kinds of arrays whose `tolist` gives plain values."""


def candidate_parts(cv_results: Mapping[str, Any], rows: int | None = ROWS_AT_A_TIME) -> Iterator[Part]:
    """Flatten the results of a search.

    Parameters
    ----------
    cv_results : mapping of str to array-like of shape (n_candidates,)
        `cv_results_` of a fitted search.
    rows : int or None
        The most rows of a part; None makes it one.

    Yields
    ------
    Part
        At least one. Its columns: ranks, then mean and standard deviation of the test scores, then the parameters, then
        the rest; last ``params``, all parameters of a candidate, see `raysk.util.typed_json`. Its rows: candidates in
        scikit-learn's order. Its values: numbers (NaN stays NaN), booleans, text, lists; None where a candidate has no
        value of a parameter; estimators and other objects as text.
    """
    names = sorted((name for name in cv_results if name != "params"), key=_place)
    count = len(cv_results[names[0]]) if names else 0
    step, encode = rows or count or 1, Encoder()
    for begin in range(0, count or 1, step):
        some = slice(begin, begin + step)
        columns = {name: _column(cv_results[name][some]) for name in names}
        if "params" in cv_results:
            columns["params"] = [encode(each) for each in cv_results["params"][some]]
        yield Part(columns)


def empty_results(search: Any) -> dict[str, list[Any]]:
    """Return what `cv_results_` of a search has at least, before one of its candidates is done."""
    names = dict.fromkeys(name for grid in grids_of(search) for name in grid)
    columns = ["rank_test_score", "mean_test_score", "std_test_score", *(f"param_{name}" for name in names)]
    return {column: [] for column in [*columns, "params"]}


def check_results(path: Path) -> None:
    """Fail before a job runs if its results could not be written to `path`.

    Raises
    ------
    UsageError
        If the suffix names no known format.
    InputError
        If no file can be written there, or the format needs a package that is not installed.
    """
    check_output(path, [f".{name}" for name in RESULT_FORMATS])
    if _format(path) == "parquet":
        import_pyarrow()


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
    # The type of a column in Parquet depends on all of its values.
    rows = None if _format(path) == "parquet" else ROWS_AT_A_TIME
    _write(candidate_parts(cv_results, rows), path, new=new)


def write_table(columns: Mapping[str, list[Any]], path: Path, *, new: bool = False) -> None:
    """Write columns of plain values in their order; see `write_results`."""
    check_results(path)
    _write(iter([Part(columns)]), path, new=new)


def _write(parts: Iterator[Part], path: Path, *, new: bool) -> None:
    write_atomically(path, lambda file: WRITERS[_format(path)](parts, file), new=new)


def _format(path: Path) -> str:
    return path.suffix.removeprefix(".").lower()


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
    described = {name: _cell(item) for name, item in distinct.items()}
    return [described[id(item)] for item in items]


def _cell(value: Any) -> Any:
    """Return a plain value; unlike in JSON, NaN is kept: a failed fit is no missing parameter."""
    return float(value) if isinstance(value, float) else plain_parameter(value)
