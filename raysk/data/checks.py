"""Refuse data that no fit could use, before a cluster works on it: what is wrong, in which column and row."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, Any

from raysk.data import requirements
from raysk.data.cells import Cells
from raysk.data.dates import look_like_dates
from raysk.data.recipe import encoding_recipe
from raysk.data.separators import DECIMAL_COMMA
from raysk.data.table import is_frame, is_number
from raysk.errors import InputError
from raysk.util.words import join_names, printable, rows_text, shorten, type_name

if TYPE_CHECKING:
    from collections.abc import Sequence

    from raysk.data.cells import Cell
    from raysk.data.table import Table

_PER_SAMPLE = ("y", "groups", "sample_weight")


def check_features(X: Any, names: tuple[str, ...], label: str, estimator: Any = None) -> None:
    """Raise for infinite values, and for text where the estimator takes numbers; `names` are those of the columns."""
    if is_frame(X) and estimator is not None and requirements.refuses_text(estimator):
        _refuse_text(X, label, estimator)
    found = Cells(X, names).infinite
    if found is not None:
        _refuse_infinite(found, f"column {printable(found.column)!r}" if getattr(X, "ndim", 0) == 2 else "X", label)  # noqa: PLR2004


def check_beside(value: Any, name: str, label: str) -> None:
    """Raise for missing or infinite values in y, groups or weights, and for weights that are no numbers.

    `name` is that of an argument of ``fit``; all others are left alone.
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
    if any(getattr(dtype, "kind", "") == "f" for dtype in dtypes):
        _refuse_infinite(Cells(values).infinite, name, label)


def check_target(estimator: Any, table: Table, earlier: Sequence[str] = ()) -> None:
    """Raise if an estimator cannot be fitted without y; `earlier` names what was y in an earlier run."""
    if requirements.needs_target(estimator):
        columns = "0, 1, ..., or -1 for the last" if table.names is None else join_names(table.names)
        was = f"\nThe run's was {join_names(earlier)}, which it does not have." if earlier else ""
        raise InputError(
            f"{type_name(estimator)} needs a target, and nothing says which column of {table.label} that is.{was}\n"
            f"Name it: -y COLUMN. The columns are: {columns}."
        )


def _as_array(value: Any) -> Any | None:
    """Return dense values as an array, pandas objects as they are; None for everything else."""
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


# --- text where an estimator takes numbers


def _refuse_text(frame: Any, label: str, estimator: Any) -> None:
    """Raise if a DataFrame holds text; the message says what to type or to paste."""
    # categories are for the estimator to judge: some of scikit-learn's take them
    kinds = enumerate(frame.dtypes)
    some = [number for number, kind in kinds if not is_number(kind) and not hasattr(kind, "categories")]
    wrong = {number: mask for number in some if (mask := _find_text(frame.iloc[:, number])).any()}
    if not wrong:
        return
    number, mask = next(iter(wrong.items()))
    row, value = int(mask.argmax()), frame.iloc[mask.argmax(), number]
    names = [frame.columns[number] for number in wrong]
    others = f" It is the same with {join_names(names[1:])}." if len(names) > 1 else ""
    raise InputError(
        f"{label}: column {printable(names[0])!r} holds {shorten(repr(value))} in row {row + 1:,}, "
        f"and {type_name(requirements.first_step(estimator))} takes numbers.{others}\n"
        f"{_advise(frame, frame.iloc[:, number], value, names, estimator)}"
    )


def _advise(frame: Any, column: Any, value: Any, names: Sequence[Any], estimator: Any) -> str:
    name = printable(names[0])
    if DECIMAL_COMMA.fullmatch(str(value)):
        return "If its comma is a decimal one, say --decimal ,"
    if look_like_dates(column):
        return f"Dates become numbers with --dates {name}, or are left out with --drop {name}"
    if 2 * _find_text(column).sum() < column.notna().sum():
        return f"The rest of it is mostly numbers: correct that value, or leave the column out with --drop {name}"
    if requirements.takes_categories(estimator):
        every = shlex.quote(",".join(map(str, names)))
        return f"Make categories of them with --categorical {every} (or leave that option out), or --drop them."
    tags = requirements.tags_of(requirements.first_step(estimator))
    missing = bool(frame.select_dtypes("number").isna().any().any()) and not (tags and tags.input_tags.allow_nan)
    columns = [name if isinstance(name, int) else str(name) for name in names]
    code, prefix = encoding_recipe(estimator, columns, missing=missing)
    before = f" (parameters then begin with {prefix})" if prefix else ""
    return f"Leave it out with --drop, or save these lines in a file, and give that for FILE{before}:\n{code}"


def _find_text(column: Any) -> Any:
    """Return for each row, as an array, whether it is neither a number nor missing."""
    import pandas as pd

    return (pd.to_numeric(column.astype(object), errors="coerce").isna() & column.notna()).to_numpy()
