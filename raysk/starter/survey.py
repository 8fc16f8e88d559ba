"""Tell the columns of a table apart: numbers, categories, dates, texts, and those that no model can use."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from raysk.data.columns import Places, places_among
from raysk.data.dates import ISO, find_date_format, look_like_dates
from raysk.data.encoding import AUTO, NONE
from raysk.data.separators import are_decimal
from raysk.data.table import is_number
from raysk.errors import InputError, UsageError
from raysk.starter.target import find_target
from raysk.util.words import printable

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from raysk.data.columns import Columns
    from raysk.data.table import Table
    from raysk.starter.target import Target

_FEWEST_ROWS = 20
"""Rows from which on different values in all of them are no chance."""

_WORDS_OF_TEXT = 4
"""Words that a value has on average from which on a column holds sentences, not names."""

_NAMED_ID = re.compile(r"(?:^|[\W_])(?:id|uuid|guid|key|index|rowid|nr|no)$|[a-z](?:Id|ID)$|^(?:ID|Id)$", re.ASCII)


@dataclass(frozen=True, kw_only=True)
class Survey:
    """The columns of a table, by what they hold.

    Parameters
    ----------
    numbers, categories, texts : tuple of str
    dates : mapping of str to str
        Formats as pandas has them, by column.
    left_out : mapping of str to str
        Why, by column.
    missing : frozenset of str
        Columns with missing values.
    rows : int
    target : Target
    groups, weight : str or None
        Columns of these roles.
    """

    numbers: tuple[str, ...]
    categories: tuple[str, ...]
    texts: tuple[str, ...]
    dates: Mapping[str, str]
    left_out: Mapping[str, str]
    missing: frozenset[str]
    rows: int
    target: Target
    groups: str | None = None
    weight: str | None = None

    @property
    def features(self) -> tuple[str, ...]:
        """The columns that are used, in the order of their kinds."""
        return (*self.categories, *self.numbers, *self.dates, *self.texts)

    def misses(self, names: Sequence[str]) -> bool:
        """Return whether values are missing in one of these columns."""
        return not self.missing.isdisjoint(names)


@dataclass
class _Sorted:
    """What columns were found to be, until all are known."""

    numbers: list[str] = field(default_factory=list)
    categories: list[str] = field(default_factory=list)
    texts: list[str] = field(default_factory=list)
    dates: dict[str, str] = field(default_factory=dict)
    left_out: dict[str, str] = field(default_factory=dict)

    def any(self) -> bool:
        """Return whether a column is used."""
        return bool(self.numbers or self.categories or self.texts or self.dates)


def survey(table: Table, columns: Columns) -> Survey:
    """Tell the columns of a table apart.

    Parameters
    ----------
    table : Table
        With names.
    columns : Columns
        The roles that the person gives; one target is needed.

    Raises
    ------
    InputError
        If there is no such column, or none that can be used, or nothing to predict.
    UsageError
        If there is not one target, or a column has two roles.
    """
    names = table.names or ()
    places = Places.of(table, columns)
    if len(places.target) != 1:
        raise UsageError(
            f"-y names the column to predict, and {len(places.target) or 'none'} is named.\n"
            f"Say for example: -y {printable(names[-1])!r}"
        )
    frame = table.values
    target = find_target(frame.iloc[:, places.target[0]], names[places.target[0]], table.label)
    given = _given_roles(table, columns)
    found = _Sorted()
    for place in places.features:
        _sort_column(found, frame.iloc[:, place], names[place], table.label, given.get(place))
    if not found.any():
        reasons = "\n".join(f"{printable(name)!r}: {reason}" for name, reason in list(found.left_out.items())[:3])
        raise InputError(f"{table.label} has no column that a model can use.\n{reasons}")
    ids = None if places.id_col is None else names[places.id_col]
    left = {ids: "names the rows"} if ids is not None and ids not in found.left_out else {}
    features = [*found.numbers, *found.categories, *found.texts, *found.dates]
    missing = frozenset(name for name in features if frame[name].isna().any())
    groups, weight = (None if place is None else names[place] for place in (places.groups, places.weight))
    return Survey(
        numbers=tuple(found.numbers),
        categories=tuple(found.categories),
        texts=tuple(found.texts),
        dates=found.dates,
        left_out=left | found.left_out,
        missing=missing,
        rows=len(table) - target.missing,
        target=target,
        groups=groups,
        weight=weight,
    )


def _given_roles(table: Table, columns: Columns) -> dict[int, str]:
    """Return the kinds that the person gives: ``category``, or ``date`` with its format, by the place of the column."""
    roles = {}
    if columns.categorical not in {(), AUTO, NONE}:
        roles = dict.fromkeys(places_among(table, columns.categorical, "--categorical"), "category")
    for text in columns.dates:
        name, mark, rest = text.partition("=%")
        roles |= dict.fromkeys(places_among(table, (name,), "--dates"), f"date{f'%{rest}' if mark else ''}")
    return roles


def _sort_column(found: _Sorted, column: Any, name: str, label: str, role: str | None) -> None:
    """Add a column to its kind."""
    values = column.dropna()
    if role == "category":
        found.categories.append(name)
    elif role is not None:
        found.dates[name] = find_date_format(column, name, label, role.removeprefix("date") or None)
    elif not len(values):
        found.left_out[name] = "no value at all"
    elif _is_nested(values):
        found.left_out[name] = "values that are tables or lists themselves"
    elif values.nunique() == 1 and len(values) == len(column):
        found.left_out[name] = "the same value in each row"
    elif is_number(column.dtype):
        if _are_numbered(values, name, len(column)):
            found.left_out[name] = "a different number in each row, as an id has"
        else:
            found.numbers.append(name)
    elif look_like_dates(column):
        found.dates[name] = ISO
    else:
        _sort_text(found, column, values, name)


def _is_nested(values: Any) -> bool:
    """Return whether values are lists, dicts or arrays."""
    return bool(values.dtype == object) and any(
        hasattr(each, "__len__") and not isinstance(each, str) for each in values
    )


def _sort_text(found: _Sorted, column: Any, values: Any, name: str) -> None:
    """Tell sentences, categories, ids and numbers with decimal commas apart."""
    if hasattr(column.dtype, "categories"):
        found.categories.append(name)
        return
    texts = values.astype(str)
    if are_decimal(texts.iloc[:1000]):
        raise InputError(
            f"Column {printable(name)!r} holds numbers with decimal commas, and was read as text.\nSay --decimal ,"
        )
    different = int(texts.nunique())
    words = float(texts.iloc[:1000].str.count(r"\s+").mean()) + 1
    if words >= _WORDS_OF_TEXT and different > min(50, len(texts) / 2):
        found.texts.append(name)
    elif different == len(column) >= _FEWEST_ROWS:
        found.left_out[name] = "a different value in each row, as an id has"
    else:
        found.categories.append(name)


def _are_numbered(values: Any, name: str, rows: int) -> bool:
    """Return whether whole numbers name the rows: all are different, and without gaps or named like an id."""
    if values.dtype.kind not in "iuf" or rows < _FEWEST_ROWS or len(values) < rows or values.nunique() < rows:
        return False
    if not (values % 1 == 0).all():
        return False
    return bool(values.max() - values.min() == rows - 1) or _NAMED_ID.search(name.strip()) is not None
