"""Table -> X, y and what else goes to ``fit``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from raysk.data import checks, wants
from raysk.data.columns import Places
from raysk.data.encoding import Encoding, learn
from raysk.data.extras import extra
from raysk.data.table import is_frame, is_number
from raysk.errors import InputError
from raysk.jobs import Data

if TYPE_CHECKING:
    from collections.abc import Callable

    from raysk.data.columns import Columns
    from raysk.data.table import Table

    Encode = Callable[[Any, tuple[str, ...], str, int], Any]
    """Features, their names, where they are from, and how many rows were before -> features."""


def split(  # noqa: PLR0913 - what a table, a person and a fitted model say
    table: Table,
    columns: Columns,
    *,
    estimator: Any = None,
    as_frame: bool = False,
    needs_target: bool = True,
    encode: Encode | None = None,
) -> Data:
    """Make X, y and what else goes to ``fit`` of a table.

    Parameters
    ----------
    table : Table
    columns : Columns
    estimator : estimator or None
        What it is for: one that chooses columns gets a DataFrame, one that takes documents the column of texts, and
        what it cannot take is refused. None asks nothing.
    as_frame : bool
        Whether X is a DataFrame also where all of it is numbers.
    needs_target : bool
        Whether y must be there for an estimator that learns from it.
    encode : callable or None
        Makes of features what a fitted model takes, as `raysk.data.encoding.Encoding.encode`; None learns it here.

    Returns
    -------
    Data
        X is a C-contiguous array where all features are numbers, a CSR matrix where they are sparse, a Series of
        documents, else a DataFrame.

    Raises
    ------
    InputError
        If there are no rows, no such columns, missing values in y, groups or weights, or infinite values; with an
        estimator also if it cannot take text that is there, or y is missing.
    UsageError
        If a column is to be a feature and a target.
    """
    if len(table) == 0:
        raise InputError(f"{table.label} has no rows.")
    places = Places.of(table, columns)
    names = None if table.names is None else tuple(table.names[index] for index in places.features)
    fit_params = _pick_beside(table, places)
    y = fit_params.pop("y", None)
    if y is None and estimator is not None and needs_target:
        checks.check_target(estimator, table)
    called, encoding = names or tuple(map(str, places.features)), Encoding()
    if encode is None:
        encoding = learn(table, places.features, columns, estimator)
        encode = encoding.encode
    values = encode(_take_columns(table, places.features), called, table.label, table.before)
    X = _make_features(table, places.features, values, estimator, as_frame=as_frame or table.as_made)
    checks.check_features(X, called, table.label, estimator)
    targets = tuple(table.names[index] for index in places.target) if table.names and places.target else None
    return Data(X=X, y=y, fit_params=fit_params, feature_names=names, target_names=targets, dates=encoding.dates)


def id_values(table: Table, columns: Columns) -> Any | None:
    """Return the column that names the rows.

    Returns
    -------
    ndarray or pyarrow.ChunkedArray of shape (n_rows,), or None
        None if no column is said. What is missing is None.

    Raises
    ------
    InputError
        If there is no such column.
    """
    place = Places.of(table, columns).id_col
    if place is None:
        return None
    if table.ids is not None:
        return table.ids
    if not is_frame(table.values):
        return table.values[:, place]
    column = table.values.iloc[:, place]
    if is_number(column.dtype) and not column.isna().any():
        return column.to_numpy()
    return column.astype(object).where(column.notna(), None).to_numpy()


def id_name(table: Table, columns: Columns) -> str | None:
    """Return the name of the column that names the rows; its index where columns have no names.

    Raises
    ------
    InputError
        If there is no such column.
    """
    place = Places.of(table, columns).id_col
    return None if place is None else str(place) if table.names is None else table.names[place]


def _pick_beside(table: Table, places: Places) -> dict[str, Any]:
    """Return y, groups, weights and what else came beside the table; what columns say comes first."""
    said = {"y": places.target, "groups": places.groups, "sample_weight": places.weight}
    chosen = {name: (place,) if isinstance(place, int) else place for name, place in said.items() if place is not None}
    picked = {name: _take_columns(table, some) for name, some in chosen.items() if some}
    both = {**table.beside, **picked}
    for name, value in both.items():
        checks.check_beside(value, name, table.label)
    return {name: _make_plain(value) if name in picked else value for name, value in both.items()}


def _make_features(table: Table, places: tuple[int, ...], values: Any, estimator: Any, *, as_frame: bool) -> Any:
    import numpy as np

    if estimator is not None and len(places) == 1 and wants.wants_documents(estimator):
        return values.iloc[:, 0] if is_frame(values) else values[:, 0]
    if hasattr(values, "tocsr"):
        return values.tocsr()
    framed = as_frame or (estimator is not None and wants.wants_names(estimator))
    if is_frame(values):
        return values if framed or not all(map(is_number, values.dtypes)) else _as_array(values)
    if framed and table.names is not None and not table.as_made:
        names = [table.names[place] for place in places]
        return extra("pandas", "A table with column names").DataFrame(values, columns=names)
    return values if values.dtype.hasobject else np.ascontiguousarray(values)


def _take_columns(table: Table, places: tuple[int, ...]) -> Any:
    """Return some columns of a table's values, as they are."""
    if places == tuple(range(table.n_columns)):
        return table.values
    if is_frame(table.values):
        return table.values.iloc[:, list(places)]
    return table.values[:, list(places)]


def _make_plain(values: Any) -> Any:
    """Return columns that were picked as an array of numbers or texts; a single one is of shape (n_rows,)."""
    if hasattr(values, "toarray"):
        values = values.toarray()
    if is_frame(values):
        within = {name: dtype.categories.dtype for name, dtype in values.dtypes.items() if hasattr(dtype, "categories")}
        values = values.astype(within)  # categories of numbers are numbers
        numbers = all(map(is_number, values.dtypes))
        values = _as_array(values) if numbers else values.astype(str).to_numpy(dtype=str)
    return values[:, 0] if values.shape[1] == 1 else values


def _as_array(frame: Any) -> Any:
    """Return a frame of numbers as one C-contiguous array, of the type that holds them all.

    A column at a time: pandas makes one in the other order, and the two would be there beside the frame.
    """
    import numpy as np

    plain = all(isinstance(dtype, np.dtype) for dtype in frame.dtypes)
    values = np.empty(frame.shape, np.result_type(*frame.dtypes) if plain else np.float64)
    for place in range(frame.shape[1]):
        column = frame.iloc[:, place]  # of pandas' own types of numbers some may be missing
        values[:, place] = column.to_numpy() if plain else column.astype("float64").to_numpy()
    return values
