"""Refuse data that no fit could use, before a cluster works on it: what is wrong, in which column and row."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from raysk.data import wants
from raysk.data.cells import Cells
from raysk.data.table import is_frame, is_number
from raysk.data.texts import refuse_text
from raysk.errors import InputError
from raysk.util.words import listed, rows_text, shown, type_name

if TYPE_CHECKING:
    from raysk.data.cells import Cell
    from raysk.data.table import Table

_PER_SAMPLE = ("y", "groups", "sample_weight")


def check_features(X: Any, names: tuple[str, ...], label: str, estimator: Any = None) -> None:
    """Raise for infinite values, and for text where an estimator takes numbers.

    Parameters
    ----------
    X : DataFrame, Series, ndarray or sparse matrix
    names : tuple of str
        What the columns of X are called, or their indexes.
    label : str
        Where the data is from.
    estimator : estimator or None

    Raises
    ------
    InputError
    """
    if is_frame(X) and estimator is not None and wants.wants_numbers(estimator):
        refuse_text(X, label, estimator)
    found = Cells(X, names).infinite
    if found is not None:
        _refuse_infinite(found, f"column {shown(found.column)!r}" if getattr(X, "ndim", 0) == 2 else "X", label)  # noqa: PLR2004


def check_beside(value: Any, name: str, label: str) -> None:
    """Raise for missing or infinite values in y, groups or weights, and for weights that are no numbers.

    Parameters
    ----------
    value : array-like
    name : str
        What it is to ``fit``; anything but ``y``, ``groups`` and ``sample_weight`` is left alone.
    label : str
        Where the data is from.

    Raises
    ------
    InputError
    """
    values = _as_array(value) if name in _PER_SAMPLE else None
    if values is None:
        return
    missing = _find_missing(values)
    if missing.any():
        rows = rows_text(int(missing.argmax()) + 1, int(missing.sum()))
        raise InputError(f"{label}: {name} is missing in {rows}.\nLeave these rows out, or fill them in.")
    dtypes = values.dtypes if is_frame(values) else [values.dtype]
    if name == "sample_weight" and not all(map(is_number, dtypes)):
        raise InputError(f"{label}: the weights are text, not numbers.\nName another column with --weight.")
    _refuse_infinite(Cells(values).infinite, name, label)


def check_target(estimator: Any, table: Table) -> None:
    """Raise if an estimator cannot be fitted without y.

    Raises
    ------
    InputError
    """
    if wants.wants_target(estimator):
        columns = "0, 1, ..., or -1 for the last" if table.names is None else listed(table.names)
        raise InputError(
            f"{type_name(estimator)} needs a target, and nothing says which column of {table.label} that is.\n"
            f"Say it with --target; the columns are: {columns}."
        )


def _as_array(value: Any) -> Any | None:
    """Return dense values, and lists of one length, as an array, pandas' own as they are; None for all others."""
    import numpy as np

    if hasattr(value, "isna"):
        return value
    try:
        array = np.asarray(value)
    except ValueError:
        return None
    return array if array.ndim else None


def _find_missing(value: Any) -> Any:
    """Return for each row, as an array, whether something is missing."""
    import numpy as np

    if hasattr(value, "isna"):
        missing = value.isna().to_numpy()
    else:
        missing = value != value if value.dtype.kind in "fcO" else np.zeros(len(value), dtype=bool)  # noqa: PLR0124
    return missing if missing.ndim == 1 else missing.reshape(len(missing), -1).any(axis=1)


def _refuse_infinite(found: Cell | None, name: str, label: str) -> None:
    if found is not None:
        raise InputError(
            f"{label}: {name} holds an infinite value in {found.rows}.\n"
            "scikit-learn takes no infinite values: leave these rows out, or put a large number there."
        )
