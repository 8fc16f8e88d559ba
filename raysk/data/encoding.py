"""Turn columns of text and dates into categories and numbers, which estimators take.

table, options, estimator --learn--> Encoding --> a model's sidecar
                                     Encoding --encode--> X, at predict time as at fit time
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from raysk.data import requirements
from raysk.data.columns import places_among
from raysk.data.dates import find_date_format, look_like_dates, to_days
from raysk.data.extras import import_extra
from raysk.data.separators import are_decimal
from raysk.data.table import is_frame, is_number
from raysk.errors import InputError, UsageError
from raysk.util.words import join_names, printable, shorten, type_name

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from raysk.data.columns import Columns
    from raysk.data.table import Table

AUTO, NONE = ("auto",), ("none",)


@dataclass(kw_only=True)
class Unseen:
    """A count, over all blocks of a table, of the values in columns of categories that a model was not fitted on."""

    counts: dict[str, int] = field(default_factory=dict)
    examples: dict[str, Any] = field(default_factory=dict)

    def add(self, name: str, values: Any) -> None:
        """Count values of a column."""
        if len(values):
            self.counts[name] = self.counts.get(name, 0) + len(values)
            self.examples.setdefault(name, values.iloc[0])

    def remark(self) -> str | None:
        """Return the counts in words, or None if there are none."""
        if not self.counts:
            return None
        each = (
            f"{printable(name)} in {count:,} row{'s' * (count != 1)} (such as {shorten(repr(self.examples[name]))})"
            for name, count in self.counts.items()
        )
        return f"Categories that the model was not fitted on are taken for missing: {join_names(each)}."


@dataclass(frozen=True, kw_only=True)
class Encoding:
    """The formats of dates and the known categories of features.

    Parameters
    ----------
    dates : mapping of int to str
        Formats of the columns of dates, by their places among the features.
    categories : mapping of int to list
        Categories of each column that has them, by its place among the features.
    only_known : bool
        Whether unknown values become missing, as suits an estimator that takes categories itself; else they become
        further categories.
    """

    dates: Mapping[int, str] = field(default_factory=dict)
    categories: Mapping[int, Sequence[Any]] = field(default_factory=dict)
    only_known: bool = True

    def encode(
        self, values: Any, names: Sequence[str], label: str, before: int = 0, *, unseen: Unseen | None = None
    ) -> Any:
        """Return the features with dates as days and categories as pandas' own; `values` if there is nothing to do.

        Parameters
        ----------
        values : DataFrame or ndarray of shape (n_rows, n_features)
        names : sequence of str
        label : str
            Their source, for messages.
        before : int
            Number of rows before these, for messages.
        unseen : Unseen or None
            Counts values that become missing.
        """
        if not self.dates and not self.categories:
            return values
        if is_frame(values):
            frame = values.copy(deep=False)
        else:
            frame = import_extra("pandas", "A table with column names").DataFrame(values, columns=list(names))
        for place, format_ in self.dates.items():
            frame.isetitem(place, to_days(frame.iloc[:, place], format_, names[place], label, before=before))
        for place, known in self.categories.items():
            column, lost = _categorize(frame.iloc[:, place], known, only_known=self.only_known)
            frame.isetitem(place, column)
            if unseen is not None:
                unseen.add(names[place], lost)
        return frame


def known_categories(X: Any) -> dict[int, list[Any]]:
    """Return the categories of the columns of X that have them, by place."""
    dtypes = getattr(X, "dtypes", ()) if is_frame(X) else ()
    return {place: each.categories.tolist() for place, each in enumerate(dtypes) if hasattr(each, "categories")}


def learn_encoding(table: Table, features: tuple[int, ...], columns: Columns, estimator: Any) -> Encoding:
    """Return the encoding of the features at some places of a table, for an estimator.

    Only `dates` and `categorical` of the columns are used. Texts become categories if the estimator takes categories
    itself.

    Raises
    ------
    InputError
        If there is no such column, a value is no date, or there are more categories than the estimator takes.
    UsageError
        If a column is no feature.
    """
    dates = _learn_dates(table, features, columns.dates)
    if columns.categorical in {(), AUTO}:
        chosen = _find_texts(table, features, dates, estimator)
    else:
        chosen = (
            [] if columns.categorical == NONE else _find_features(table, features, columns.categorical, "--categorical")
        )
    both = [place for place in chosen if place in dates]
    if both:
        raise UsageError(
            f"--dates and --categorical both name {table.name_of(features[both[0]])!r}: it can only be one."
        )
    categories = {place: _list_categories(_take_column(table, features[place])) for place in chosen}
    indexes, counts = [features[place] for place in categories], list(map(len, categories.values()))
    _check_counts(table, indexes, counts, estimator)
    return Encoding(dates=dates, categories=categories)


def _learn_dates(table: Table, features: tuple[int, ...], texts: Sequence[str]) -> dict[int, str]:
    found = {}
    for text in texts:
        name, percent, rest = text.partition("=%")
        said = percent[1:] + rest or None
        for place in _find_features(table, features, (name,), "--dates"):
            column = _take_column(table, features[place])
            found[place] = find_date_format(column, table.name_of(features[place]), table.label, said)
    return found


def _find_features(table: Table, features: tuple[int, ...], texts: Sequence[str], option: str) -> list[int]:
    """Return the places of the columns that an option names, among the features."""
    if hasattr(table.values, "tocsr"):
        raise UsageError(f"{option}: {table.label} is a sparse matrix, which holds numbers only.")
    indexes = places_among(table, texts, option)
    missing = [index for index in indexes if index not in features]
    if missing:
        raise UsageError(f"{option} {','.join(texts)}: {table.name_of(missing[0])!r} is no feature here.")
    return [features.index(index) for index in indexes]


def _find_texts(table: Table, features: tuple[int, ...], dates: Mapping[int, str], estimator: Any) -> list[int]:
    """Return the places of columns of text if an estimator takes categories itself; else none."""
    if not is_frame(table.values) or estimator is None:
        return []
    texts = [
        place
        for place, index in enumerate(features)
        if place not in dates and _may_hold_text(table.values.dtypes.iloc[index])
    ]
    takes = requirements.takes_categories(estimator)
    if texts and requirements.must_enable_categories(estimator):
        raise InputError(
            f"{table.label}: column {table.name_of(features[texts[0]])!r} is text, which "
            f"{type_name(requirements.first_step(estimator))} takes as categories only when told to.\n"
            "Say --set enable_categorical=True"
        )
    for place in texts if takes or not requirements.refuses_text(estimator) else ():
        _find_decimal_commas(table, features[place], takes=takes)
    return texts if takes else []


def _may_hold_text(dtype: Any) -> bool:
    """Return whether a column of that type may hold text."""
    return not is_number(dtype) and not hasattr(dtype, "categories") and dtype.kind not in "mM"


def _find_decimal_commas(table: Table, index: int, *, takes: bool) -> None:
    """Warn of a column of text that holds numbers with decimal commas; raise if it would become categories."""
    column, name = table.values.iloc[:, index].dropna(), table.name_of(index)
    some = column.iloc[:1000].astype(str)
    if len(some) and are_decimal(some):
        comma = some[some.str.contains(",")].iloc[0]
        said = f"{table.label}: column {name!r} holds {comma!r}, a number with a decimal comma, and was read as text."
        if takes:
            raise InputError(f"{said}\nSay --decimal , or, if these are categories, --categorical {name}")
        warnings.warn(f"{said} Say --decimal ,", stacklevel=2)


def _check_counts(table: Table, indexes: Sequence[int], counts: Sequence[int], estimator: Any) -> None:
    """Raise if there are more categories than an estimator takes; warn of dates among them."""
    most = None if estimator is None else requirements.most_categories(estimator)
    for index, count in zip(indexes, counts, strict=True):
        name, column = table.name_of(index), _take_column(table, index)
        dates = _may_hold_text(column.dtype) and look_like_dates(column)
        if most is not None and count > most:
            advice = f"Make numbers of these dates with --dates {name}" if dates else f"Leave it out with --drop {name}"
            raise InputError(
                f"{table.label}: column {name!r} has {count:,} categories, and "
                f"{type_name(requirements.first_step(estimator))} takes {most:,} at most.\n{advice}"
            )
        if dates:
            warnings.warn(
                f"{name} looks like dates, and each is a category: --dates {name} makes numbers.", stacklevel=2
            )


def _list_categories(column: Any) -> list[Any]:
    """Return the categories of a column, sorted as pandas sorts them."""
    categories = column.dtype if hasattr(column.dtype, "categories") else column.astype("category").dtype
    return list(categories.categories.tolist())


def _categorize(column: Any, known: Sequence[Any], *, only_known: bool) -> tuple[Any, Any]:
    """Return a column as known categories, and the values that are unknown."""
    pandas = import_extra("pandas", "Categories")
    categories, read = pandas.Index(known), column
    if categories.dtype.kind in "iuf" and not is_number(getattr(column.dtype, "categories", column).dtype):
        read = pandas.to_numeric(column, errors="coerce")  # 1.0 where 1 is known
    codes = categories.get_indexer(read)
    lost = column[(codes < 0) & column.notna().to_numpy()]
    if not only_known and len(lost):
        more = list(dict.fromkeys(lost.tolist()))
        return _categorize(column, [*known, *more], only_known=True)
    return pandas.Series(pandas.Categorical.from_codes(codes, categories=categories), index=column.index), lost


def _take_column(table: Table, index: int) -> Any:
    """Return a column as a Series, with missing values as pandas has them."""
    if is_frame(table.values):
        return table.values.iloc[:, index]
    return import_extra("pandas", "A table with column names").Series(table.values[:, index])
