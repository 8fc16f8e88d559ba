"""Refuse text where an estimator takes numbers, and say what to do about it."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, Any

from raysk.data import wants
from raysk.data.dates import look_like_dates
from raysk.data.recipe import encoding_recipe
from raysk.data.separators import DECIMAL_COMMA
from raysk.data.table import is_number
from raysk.errors import InputError
from raysk.util.words import brief, listed, shown, type_name

if TYPE_CHECKING:
    from collections.abc import Sequence


def refuse_text(frame: Any, label: str, estimator: Any) -> None:
    """Raise if a DataFrame holds text, for an estimator whose first step takes numbers.

    Parameters
    ----------
    frame : DataFrame
    label : str
        Where it is from.
    estimator : estimator

    Raises
    ------
    InputError
        Naming column and row, with what to type or to paste.
    """
    # categories are for the estimator to judge: some of scikit-learn's take them
    kinds = enumerate(frame.dtypes)
    some = [number for number, kind in kinds if not is_number(kind) and not hasattr(kind, "categories")]
    wrong = {number: mask for number in some if (mask := _find_text(frame.iloc[:, number])).any()}
    if not wrong:
        return
    number, mask = next(iter(wrong.items()))
    row, value = int(mask.argmax()), frame.iloc[mask.argmax(), number]
    names = [frame.columns[number] for number in wrong]
    others = f" It is the same with {listed(names[1:])}." if len(names) > 1 else ""
    raise InputError(
        f"{label}: column {shown(names[0])!r} holds {brief(repr(value))} in row {row + 1:,}, "
        f"and {type_name(wants.first_step(estimator))} takes numbers.{others}\n"
        f"{_advise(frame, frame.iloc[:, number], value, names, estimator)}"
    )


def _advise(frame: Any, column: Any, value: Any, names: Sequence[Any], estimator: Any) -> str:
    name = shown(names[0])
    if DECIMAL_COMMA.fullmatch(str(value)):
        return "If its comma is a decimal one, say --decimal ,"
    if look_like_dates(column):
        return f"Dates become numbers with --dates {name}, or are left out with --drop {name}"
    if 2 * _find_text(column).sum() < column.notna().sum():
        return f"The rest of it is mostly numbers: correct that value, or leave the column out with --drop {name}"
    if wants.takes_categories(estimator):
        every = shlex.quote(",".join(map(str, names)))
        return f"Make categories of them with --categorical {every} (or leave that option out), or --drop them."
    tags = wants.tags_of(wants.first_step(estimator))
    missing = bool(frame.select_dtypes("number").isna().any().any()) and not (tags and tags.input_tags.allow_nan)
    columns = [name if isinstance(name, int) else str(name) for name in names]
    code, prefix = encoding_recipe(estimator, columns, missing=missing)
    before = f" (parameters then begin with {prefix})" if prefix else ""
    return f"Leave it out with --drop, or save these lines in a file, and give that for FILE{before}:\n{code}"


def _find_text(column: Any) -> Any:
    """Return for each row, as an array, whether it is neither a number nor missing."""
    import pandas as pd

    return (pd.to_numeric(column.astype(object), errors="coerce").isna() & column.notna()).to_numpy()
