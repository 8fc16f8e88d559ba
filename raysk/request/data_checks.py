"""Refuse data that scikit-learn would refuse in every fit, by the tags of the first and the last step.

Each rule is one of scikit-learn's own checks, made earlier. The tests try the rules with all of its estimators: they
refuse whatever is refused here. Estimators with parts or functions, and those of other libraries, are passed over.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

from raysk.data import requirements
from raysk.data.cells import Cell, Cells, begins_with_text, number_of_dimensions
from raysk.source.objects import is_search
from raysk.util.words import join_names, printable, type_name

if TYPE_CHECKING:
    from collections.abc import Iterator

    from raysk.jobs import Data


KEEP_MISSING = {
    *("StandardScaler", "MinMaxScaler", "MaxAbsScaler", "RobustScaler", "QuantileTransformer", "PowerTransformer"),
    "VarianceThreshold",
}
"""Steps that pass missing values on, and refuse infinite values."""


class InspectedData:
    """A job's data, and what was found in it; each thing is looked for once, when it is needed.

    Parameters
    ----------
    data : Data
    """

    def __init__(self, data: Data) -> None:
        self.data = data
        self.label = data.source or "X"
        self.dimensions = number_of_dimensions(data.X)

    @functools.cached_property
    def X(self) -> Cells:  # noqa: N802 - scikit-learn's own name
        """The cells of X."""
        return Cells(self.data.X, self.data.feature_names)

    @functools.cached_property
    def y(self) -> Cells:
        """The cells of y."""
        return Cells(self.data.y, self.data.target_names)


def explain_refusal(estimator: Any, seen: InspectedData) -> str | None:
    """Return why an estimator, which is no search, cannot be fitted to data, in words; None if no reason is known."""
    from sklearn import get_config

    last, readers = _find_last(estimator), _find_readers(estimator)
    reason = None if last is None else _refuse_y(last, seen)
    if reason is not None or not readers or get_config()["assume_finite"]:
        return reason
    if _is_vectorizer(readers[0]):
        return None if readers[0] is last else _refuse_documents(readers[0], seen)
    return _refuse_x(readers, last, seen)


# --- which steps


def _find_readers(estimator: Any) -> list[Any]:
    """Return the steps that see missing values in X: the first, and the next ones if it passes them on."""
    readers = []
    for step in _walk_steps(estimator):
        if step is None:
            break
        readers.append(step)
        if type(step).__name__ not in KEEP_MISSING:
            break
    return readers


def _walk_steps(estimator: Any) -> Iterator[Any]:
    """Yield the steps of a pipeline and of pipelines within it; None instead of an unknown step."""
    if not requirements.is_sklearns(estimator) or is_search(estimator):
        yield None
        return
    steps = requirements.steps_of(estimator)
    if not steps:
        yield estimator if requirements.is_simple(estimator) else None
    elif hasattr(estimator, "steps"):
        for step in steps:
            yield from _walk_steps(step)
    else:  # a union: all of its parts see the same
        yield next(_walk_steps(steps[0]))
        yield None


def _find_last(estimator: Any) -> Any | None:
    while requirements.is_sklearns(estimator) and not is_search(estimator):
        steps = getattr(estimator, "steps", None)
        if not steps:
            return estimator
        estimator = steps[-1][1]
    return None


def _is_vectorizer(estimator: Any) -> bool:
    return type(estimator).__module__.startswith("sklearn.feature_extraction.text") and requirements.takes_documents(
        estimator
    )


# --- y


def _refuse_y(last: Any, seen: InspectedData) -> str | None:
    tags = requirements.tags_of(last)
    if tags is None or not tags.target_tags.required:
        return None
    name = type_name(last)
    if seen.data.y is None:
        where = "Say which column with --target." if seen.data.given else "Name it y in the file beside X."
        return f"{name} needs a target y, and there is none.\n{where}"
    if not requirements.is_simple(last) or tags.estimator_type not in {"classifier", "regressor"}:
        return None
    for what, found in (("no value", seen.y.missing), ("an infinite value", seen.y.infinite)):
        if found is not None:
            return f"y has {what} in {found.rows}, and {name} takes none.\nLeave these rows out, or fill them in."
    if tags.estimator_type == "classifier" and (part := seen.y.fraction) is not None:
        return (
            f"y is {part.value:g} in row {part.row:,}: {name} is a classifier, and takes classes, not measured numbers."
            "\nTake a regressor, or make classes of them, for example with pandas.cut."
        )
    return None


# --- X


def _refuse_x(readers: list[Any], last: Any, seen: InspectedData) -> str | None:
    first = readers[0]
    takes = _input_tags(first)
    if not takes.two_d_array or takes.one_d_array or takes.three_d_array or takes.string or takes.dict:
        return None
    if reason := _refuse_shape(first, seen):
        return reason
    if requirements.refuses_text(first) and (cell := seen.X.text):
        advice = "Encode it in a pipeline, for example with OneHotEncoder, or leave it out."
        return _explain_cell(cell, f"holds {cell.shown} in row {cell.row:,}", first, "numbers", seen, advice)
    refusing = next((step for step in readers if not _input_tags(step).allow_nan), None)
    if refusing is not None and (cell := seen.X.missing):
        kind = {"classifier": "Classifier", "regressor": "Regressor"}.get(str(requirements.kind_of(last)))
        trees = f",\nor take HistGradientBoosting{kind}, which takes missing values as they are" if kind else ""
        advice = f"Fill them in: make_pipeline(SimpleImputer(), ...){trees}."
        return _explain_cell(cell, f"has no value in {cell.rows}", refusing, "no missing values", seen, advice)
    if (not takes.allow_nan or type(first).__name__ in KEEP_MISSING) and (cell := seen.X.infinite):
        advice = "Leave these rows out, or put a large number there."
        return _explain_cell(cell, f"holds an infinite value in {cell.rows}", first, "none", seen, advice)
    return None


def _explain_cell(cell: Cell, holds: str, step: Any, takes: str, seen: InspectedData, advice: str) -> str:  # noqa: PLR0913, PLR0917
    others = f"\nIt is the same with {join_names(cell.others)}." if cell.others else ""
    column = f"{seen.label}: column {printable(cell.column)!r} {holds}"
    return f"{column}, and {type_name(step)} takes {takes}.{others}\n{advice}"


def _input_tags(step: Any) -> Any:
    tags = requirements.tags_of(step)
    assert tags is not None  # noqa: S101 - `wants.is_simple` has asked for them
    return tags.input_tags


def _refuse_shape(first: Any, seen: InspectedData) -> str | None:
    name, X = type_name(first), seen.data.X
    if seen.dimensions == 1 and begins_with_text(X):
        return (
            f"{seen.label}: X is a column of texts, and {name} takes a table of numbers.\n"
            "Put a vectorizer before it: make_pipeline(TfidfVectorizer(), ...)."
        )
    if seen.dimensions in {1, 3}:
        columns = "(-1, 1) if it is one feature" if seen.dimensions == 1 else "(len(X), -1) to lay each sample out flat"
        return (
            f"{seen.label}: X has {seen.dimensions} dimension{'s' * (seen.dimensions > 1)}, "
            f"and {name} takes a table of rows and columns.\nWrite X.reshape{columns}."
        )
    return None


# --- documents


def _refuse_documents(first: Any, seen: InspectedData) -> str | None:
    """Refuse a table, of which a vectorizer would read the names of columns, and missing texts."""
    name = type_name(first)
    if seen.dimensions == 2:  # noqa: PLR2004 - rows and columns
        named = seen.X.text_columns()
        which = named[0] if named else (seen.data.feature_names or ("NAME",))[0]
        say = f"--features {printable(which)}" if seen.data.given else f"X = X[{str(which)!r}]"
        if seen.X.width == 1:
            return f"{seen.label}: X is a table with one column, and {name} takes the column itself.\nSay {say}."
        return (
            f"{seen.label}: {name} takes one column of texts, and X has {seen.X.width}"
            f"{f', of which {join_names(named)} hold text' if named else ''}.\n"
            f"Name one {'with' if seen.data.given else 'in the file:'} {say}, "
            "or give each its own vectorizer in a ColumnTransformer."
        )
    found = seen.X.absent if seen.dimensions == 1 else None
    if found is None:
        return None
    return f"{seen.label}: there is no text in {found.rows}, and {name} takes none that is missing.\nPut '' there."
