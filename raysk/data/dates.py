"""Turn dates into days since 1970-01-01: numbers that trees can use."""

from __future__ import annotations

import itertools
from typing import Any

from raysk.data.extras import import_extra
from raysk.errors import InputError, UsageError
from raysk.util.words import printable, rows_text, shorten

ISO = "ISO8601"
"""Pandas' name for all formats of ISO 8601, with and without time."""

_DAYS = (
    *("%d.%m.%Y", "%d/%m/%Y", "%m/%d/%Y", "%d-%m-%Y", "%m-%d-%Y", "%Y/%m/%d", "%Y.%m.%d", "%d %b %Y", "%b %d, %Y"),
    *("%d %B %Y", "%B %d, %Y", "%d.%m.%y", "%d/%m/%y", "%m/%d/%y"),
)
_TIMES = ("", " %H:%M", " %H:%M:%S", " %I:%M %p", " %I:%M:%S %p")
WRITE = "Correct it, or write all dates as the model knows them, or as 2024-12-31."
_TRIED_ON = 1000
"""Number of values that tell which formats are worth trying on all."""


def find_date_format(column: Any, name: str, label: str, said: str | None = None) -> str:
    """Return the format of all dates in a column: `said`, which the person gives, or else the one that is found.

    `name` and `label` are those of the column and of its table.

    Raises
    ------
    InputError
        If a value is no date, or dates can be read in two ways.
    """
    advice = f"Correct it, or say its format, for example: --dates {printable(f'{name}=%d.%m.%Y')!r}"
    if said is not None:
        to_days(column, said, name, label, advice=advice)
        return said
    texts = _as_text(column).dropna()
    best = _guess_formats(texts)
    to_days(column, best[0], name, label, advice=advice)
    if len(best) > 1:
        one, other = (_parse(texts, each) for each in best)
        at = int((one != other).to_numpy().argmax())
        raise InputError(
            f"{label}: column {printable(name)!r} holds dates that can be read in two ways: "
            f"{shorten(repr(texts.iloc[at]))} is {one.iloc[at]:%-d %B %Y} or {other.iloc[at]:%-d %B %Y}.\n"
            f"Say which: --dates {printable(f'{name}={best[0]}')!r} or {printable(f'{name}={best[1]}')!r}"
        )
    return best[0]


def to_days(  # noqa: PLR0913 - what a message needs
    column: Any,
    format: str,  # noqa: A002
    name: str,
    label: str,
    *,
    before: int = 0,
    advice: str = WRITE,
) -> Any:
    """Turn dates, also text or numbers such as 20240131, into days since 1970-01-01; NaN where one is missing.

    Dates of ISO 8601, which cannot be mistaken, are understood besides those of the format. The other arguments are for
    messages; `before` is the number of rows before these.

    Raises
    ------
    InputError
        Naming the first row without a date.
    UsageError
        If there is no such format.
    """
    pandas = import_extra("pandas", "Reading dates")
    try:
        dates = column if column.dtype.kind == "M" else _parse(texts := _as_text(column), format)
    except ValueError as err:
        raise UsageError(
            f"--dates {printable(name)}={printable(format)}: no format of dates: {shorten(str(err))}."
        ) from err
    wrong = (dates.isna() & column.notna()).to_numpy()
    if wrong.any() and column.dtype.kind != "M":
        dates = dates.fillna(_parse(texts, ISO))
        wrong = (dates.isna() & column.notna()).to_numpy()
    if wrong.any():
        row = int(wrong.argmax())
        raise InputError(
            f"{label}: column {printable(name)!r} holds {shorten(repr(column.iloc[row]))} "
            f"in {rows_text(before + row + 1, int(wrong.sum()))}, which is not a date"
            f"{'' if format == ISO else f' of the format {format}'}.\n{advice}"
        )
    since = pandas.Timestamp(0, tz="UTC" if getattr(dates.dtype, "tz", None) is not None else None)
    return ((dates - since) / pandas.Timedelta(days=1)).to_numpy(dtype=float)


def look_like_dates(column: Any) -> bool:
    """Return whether a column holds dates, or text of which each value is a date of ISO 8601 with a day."""
    if column.dtype.kind == "M":
        return True
    some = column.dropna().iloc[:_TRIED_ON].astype(str)
    return len(some) > 0 and bool(some.str.match(r"\d{4}-\d\d-\d\d").all()) and bool(_parse(some, ISO).notna().all())


def _as_text(column: Any) -> Any:
    """Return a column as text, whole numbers without decimals."""
    numbers = column.dtype.kind in "iuf"
    texts = (column.astype("Int64") if numbers and (column.dropna() % 1 == 0).all() else column).astype("string")
    return texts.str.strip().str.replace(r"^(\d+)\.0$", r"\1", regex=True)


def _parse(texts: Any, format: str) -> Any:  # noqa: A002
    """Return dates in UTC; texts of another format are missing values."""
    return import_extra("pandas", "Reading dates").to_datetime(texts, format=format, errors="coerce", utc=True)


def _guess_formats(texts: Any) -> list[str]:
    """Return the format that most of the texts have; two formats if day and month can be exchanged."""
    some = texts.iloc[:_TRIED_ON]
    if _parse(some, ISO).notna().all():
        return [ISO]
    counts = {each: int(_parse(some, each).notna().sum()) for each in map("".join, itertools.product(_DAYS, _TIMES))}
    most = max(counts.values())
    if not most:
        return [ISO]
    found = [each for each, count in counts.items() if count == most]
    if len(found) == 1 or most < len(some):
        return found[:1]
    whole = [each for each in found if _parse(texts, each).notna().all()]
    return (whole or found[:1])[:2]
