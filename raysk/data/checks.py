"""Refuse data that no fit could use, before a cluster works on it: what is wrong, in which column and row."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from raysk.data import wants
from raysk.data.table import is_frame, is_number
from raysk.data.texts import refuse_text
from raysk.errors import InputError
from raysk.source.own import is_own_file
from raysk.util.words import brief, listed, shown, type_name

if TYPE_CHECKING:
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
    import numpy as np

    if is_frame(X):
        if estimator is not None and wants.wants_numbers(estimator):
            refuse_text(X, label, estimator)
        for number, name in enumerate(X.columns):
            _refuse_infinite(X.iloc[:, number], f"column {shown(name)!r}", label)
    elif hasattr(X, "tocsr"):
        _refuse_infinite(X.data, "X", label)
    elif getattr(X, "ndim", 0) == 2:  # noqa: PLR2004 - rows and columns
        floats = _floats(X)
        if floats is not None and _has_infinite(floats):
            at = int(np.isinf(floats).any(axis=0).argmax())
            _refuse_infinite(X[:, at], f"column {shown(names[at])!r}", label)
    else:
        _refuse_infinite(X, "X", label)


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
    if name not in _PER_SAMPLE or not _is_array(value):
        return
    missing = _missing(value)
    if missing.any():
        raise InputError(f"{label}: {name} is missing in {_rows(missing)}.\nLeave these rows out, or fill them in.")
    if name == "sample_weight" and not all(is_number(dtype) for dtype in _dtypes(value)):
        raise InputError(f"{label}: the weights are text, not numbers.\nName another column with --weight.")
    _refuse_infinite(value, name, label)


def check_whole(estimator: Any) -> None:
    """Raise if an object of a library's class lacks what its class has, as one from another version's pickle may.

    Raises
    ------
    InputError
    """
    try:
        estimator.get_params(deep=True)
    except AttributeError as error:
        if not _is_of_a_library(type(error.obj)):
            return
        raise InputError(
            f"The {type_name(estimator)} is damaged, or was made by another version of its library:\n"
            f"{brief(f'{type(error).__name__}: {error}')}\n"
            "Make it again, with what is installed here."
        ) from error
    except Exception:  # noqa: BLE001 - a person's class may do anything here; it will say so where it matters
        return


def _is_of_a_library(kind: type) -> bool:
    file = getattr(sys.modules.get(kind.__module__), "__file__", None)
    return file is not None and not is_own_file(file)


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


# --- what is missing, what is infinite


def _is_array(value: Any) -> bool:
    """Return whether an array-like is one: of dense values, and lists of one length. scikit-learn takes others too."""
    import numpy as np

    try:
        return np.asarray(value).ndim > 0
    except ValueError:
        return False


def _missing(value: Any) -> Any:
    """Return for each row, as an array, whether something is missing."""
    import numpy as np

    if hasattr(value, "isna"):
        missing = value.isna().to_numpy()
    else:
        array = np.asarray(value)
        missing = array != array if array.dtype.kind in "fcO" else np.zeros(len(array), dtype=bool)  # noqa: PLR0124
    return missing if missing.ndim == 1 else missing.reshape(len(missing), -1).any(axis=1)


def _refuse_infinite(value: Any, name: str, label: str) -> None:
    import numpy as np

    for column in [value.iloc[:, number] for number in range(value.shape[1])] if is_frame(value) else [value]:
        floats = _floats(column)
        if floats is not None and _has_infinite(floats):
            rows = np.isinf(floats.reshape(len(floats), -1)).any(axis=1)
            raise InputError(
                f"{label}: {name} holds an infinite value in {_rows(rows)}.\n"
                "scikit-learn takes no infinite values: leave these rows out, or put a large number there."
            )


def _floats(value: Any) -> Any | None:
    """Return what may hold infinite values as an array, or None for what cannot."""
    import numpy as np

    if getattr(_dtypes(value)[0], "kind", "") != "f":
        return None
    return value.to_numpy(dtype=float, na_value=np.nan) if hasattr(value, "to_numpy") else np.asarray(value)


def _has_infinite(floats: Any) -> bool:
    """Return whether an array holds an infinite value; a finite sum says cheaply that it does not."""
    import numpy as np

    with np.errstate(all="ignore"):
        return not np.isfinite(floats.sum(dtype=float)) and bool(np.isinf(floats).any())


def _dtypes(value: Any) -> list[Any]:
    import numpy as np

    if is_frame(value):
        return list(value.dtypes)
    return [value.dtype if hasattr(value, "dtype") else np.asarray(value).dtype]


def _rows(mask: Any) -> str:
    """Return "row 3", or "row 3 and 5 more", counted from 1."""
    count = int(mask.sum())
    return f"row {int(mask.argmax()) + 1:,}" + (f" and {count - 1:,} more" if count > 1 else "")
