"""Find the features of a fitted model in another table."""

from __future__ import annotations

import functools
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from raysk.data import requirements
from raysk.data.columns import Columns, Places
from raysk.data.encoding import Encoding
from raysk.data.split import split
from raysk.data.table import TEXT
from raysk.errors import InputError
from raysk.util.words import join_names

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from raysk.data.encoding import Unseen
    from raysk.data.table import Table
    from raysk.jobs import Data


@dataclass(frozen=True, kw_only=True)
class Features:
    """The features a model was fitted on, as its sidecar has them.

    Parameters
    ----------
    names : tuple of str or None
        Their names, in order; None where they had none.
    dtypes : mapping of str to str
        Their types, for `read_blocks`; empty where they had no names.
    as_frame : bool
        Whether X was a DataFrame.
    count : int or None
        Their number.
    encoding : Encoding
        Their encoding before the fit.
    """

    names: tuple[str, ...] | None
    dtypes: Mapping[str, str]
    as_frame: bool
    count: int | None = None
    encoding: Encoding = field(default_factory=Encoding)

    def split(self, table: Table, columns: Columns, estimator: Any = None, unseen: Unseen | None = None) -> Data:
        """Make X of the same features in the same order, whatever else a table holds.

        If only the model knows names, the table must have as many columns as the model has features. If only the table
        knows names, they are ignored. `features` of the columns is not used; `unseen` counts unknown categories.

        Raises
        ------
        InputError
            Naming the columns that are missing.
        """
        table = _widen(table, self.count)
        if self.names is not None:
            table = _add_names(table, columns, self.names) if table.names is None else table
            columns = replace(columns, features=self.names, by_name=True)
        only_known = estimator is None or requirements.takes_categories(estimator)
        encode = functools.partial(replace(self.encoding, only_known=only_known).encode, unseen=unseen)
        return split(table, columns, estimator=estimator, as_frame=self.as_frame, needs_target=False, encode=encode)


def _widen(table: Table, count: int | None) -> Table:
    """Add the last columns of a sparse table; svmlight omits columns of zeros."""
    if count is None or not hasattr(table.values, "tocsr") or table.n_columns >= count:
        return table
    values = table.values.tocsr(copy=True)
    values.resize(len(table), count)
    return replace(table, values=values)


def _add_names(table: Table, columns: Columns, names: Sequence[str]) -> Table:
    places = Places.of(table, columns).features
    if len(places) != len(names):
        raise InputError(
            f"{table.label} has {len(places)} columns for features, without names;\n"
            f"the model was fitted on {len(names)}: {join_names(names)}."
        )
    named_ = dict(zip(places, names, strict=True))
    return replace(table, names=tuple(named_.get(place, f"#{place}") for place in range(table.n_columns)))


def recorded_features(sidecar: Mapping[str, Any] | None) -> Features | None:
    """Return the features that a model's sidecar records, or None if it records none."""
    X = ((sidecar or {}).get("data") or {}).get("X")
    if X is None:
        return None
    names, dtype, shape = X.get("columns"), X.get("dtype"), X.get("shape") or []
    dtypes = dtype if isinstance(dtype, list) else [dtype] * len(names or ())
    known = zip(names or (), dtypes, strict=False)
    encoding = Encoding(dates=_index_by_place(X.get("dates")), categories=_index_by_place(X.get("categories")))
    return Features(
        names=None if names is None else tuple(names),
        dtypes={name: kind for name, kind in known if kind is not None} | types_as_written(encoding, names or ()),
        as_frame=X.get("type") == "DataFrame",
        count=shape[1] if len(shape) > 1 else None,
        encoding=encoding,
    )


def _index_by_place(values: Sequence[Any] | None) -> dict[int, Any]:
    return {place: value for place, value in enumerate(values or ()) if value is not None}


def types_as_written(encoding: Encoding, names: Sequence[str]) -> dict[str, str]:
    """Return the types of the columns whose values are looked up or parsed: text, or truth values."""
    places = {*encoding.dates, *encoding.categories}
    truths = {place for place, known in encoding.categories.items() if all(isinstance(each, bool) for each in known)}
    return {names[place]: "bool" if place in truths else TEXT for place in places if place < len(names)}
