"""Split a table into X, y and further arguments of ``fit``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from raysk.data import checks, requirements
from raysk.data.columns import Places
from raysk.data.encoding import Encoding, learn_encoding
from raysk.data.extras import import_extra
from raysk.data.table import is_frame, is_number
from raysk.errors import InputError
from raysk.jobs import Data

if TYPE_CHECKING:
    from collections.abc import Callable

    from raysk.data.columns import Columns
    from raysk.data.table import Table

    Encode = Callable[[Any, tuple[str, ...], str, int], Any]
    """Takes features, their names, their source, and the number of rows before; returns features."""


def split(  # noqa: PLR0913 - what a table, a person and a fitted model say
    table: Table,
    columns: Columns,
    *,
    estimator: Any = None,
    as_frame: bool = False,
    needs_target: bool = True,
    encode: Encode | None = None,
) -> Data:
    """Split a table into X, y and further arguments of ``fit``.

    Parameters
    ----------
    table : Table
    columns : Columns
    estimator : estimator or None
        An estimator that chooses columns gets a DataFrame, one that takes documents a column of texts. Data that it
        cannot take is refused. None means that any data will do.
    as_frame : bool
        Whether X stays a DataFrame even if it holds only numbers.
    needs_target : bool
        Whether to refuse a table without y for an estimator that needs one.
    encode : callable or None
        Encodes the features for a fitted model, as `raysk.data.encoding.Encoding.encode`; None learns the encoding.

    Returns
    -------
    Data
        X is a C-contiguous array of numbers, a CSR matrix, a Series of documents, or else a DataFrame.

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
        checks.check_target(estimator, table, columns.earlier_target)
    called, encoding = names or tuple(map(str, places.features)), Encoding()
    if encode is None:
        encoding = learn_encoding(table, places.features, columns, estimator)
        encode = encoding.encode
    values = encode(_take_columns(table, places.features), called, table.label, table.before)
    X = _make_features(table, places.features, values, estimator, as_frame=as_frame or table.as_made)
    checks.check_features(X, called, table.label, estimator)
    targets = tuple(table.names[index] for index in places.target) if table.names and places.target else None
    is_earlier = bool(targets) and not columns.target
    named: dict[str, Any] = {"feature_names": names, "target_names": targets, "target_is_earlier": is_earlier}
    return Data(X=X, y=y, fit_params=fit_params, dates=encoding.dates, **named)


def id_values(table: Table, columns: Columns) -> Any | None:
    """Return the column of row ids as an array or pyarrow's ChunkedArray, with None for missing ids; None without one.

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
    """Return the name of the column of row ids; its index where columns have no names.

    Raises
    ------
    InputError
        If there is no such column.
    """
    place = Places.of(table, columns).id_col
    return None if place is None else str(place) if table.names is None else table.names[place]


def _pick_beside(table: Table, places: Places) -> dict[str, Any]:
    """Return y, groups, weights and what else came beside the table; columns that were named come first."""
    said = {"y": places.target, "groups": places.groups, "sample_weight": places.weight}
    chosen = {name: (place,) if isinstance(place, int) else place for name, place in said.items() if place is not None}
    picked = {name: _take_columns(table, some) for name, some in chosen.items() if some}
    both = {**table.beside, **picked}
    for name, value in both.items():
        checks.check_beside(value, name, table.label)
    return {name: _make_plain(value) if name in picked else value for name, value in both.items()}


def _make_features(table: Table, places: tuple[int, ...], values: Any, estimator: Any, *, as_frame: bool) -> Any:
    import numpy as np

    if estimator is not None and len(places) == 1 and requirements.takes_documents(estimator):
        return values.iloc[:, 0] if is_frame(values) else values[:, 0]
    if hasattr(values, "tocsr"):
        return values.tocsr()
    framed = as_frame or (estimator is not None and requirements.chooses_columns(estimator))
    if is_frame(values):
        return values if framed or not all(map(is_number, values.dtypes)) else _as_array(values)
    if framed and table.names is not None and not table.as_made:
        names = [table.names[place] for place in places]
        return import_extra("pandas", "A table with column names").DataFrame(values, columns=names)
    return values if values.dtype.hasobject else np.ascontiguousarray(values)


def _take_columns(table: Table, places: tuple[int, ...]) -> Any:
    """Return some columns of a table's values, unchanged."""
    if places == tuple(range(table.n_columns)):
        return table.values
    if is_frame(table.values):
        return table.values.iloc[:, list(places)]
    return table.values[:, list(places)]


def _make_plain(values: Any) -> Any:
    """Return columns as an array of numbers or texts; a single column has shape (n_rows,)."""
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

    Columns are copied one by one. pandas makes an array in the other order, which would need a second copy.
    """
    import numpy as np

    plain = all(isinstance(dtype, np.dtype) for dtype in frame.dtypes)
    values = np.empty(frame.shape, np.result_type(*frame.dtypes) if plain else np.float64)
    for place in range(frame.shape[1]):
        column = frame.iloc[:, place]  # of pandas' own types of numbers some may be missing
        values[:, place] = column.to_numpy() if plain else column.astype("float64").to_numpy()
    return values
