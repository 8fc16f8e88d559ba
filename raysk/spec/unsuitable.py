"""Data that an estimator of scikit-learn's refuses in every fit: by the tags of the step that sees X, and of the last.

Each rule is a check of scikit-learn's own, made earlier, and held against all its estimators in the tests: whatever is
refused here, they refuse. An estimator with parts of its own, or with functions, is passed over, as is every class of
another library.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

from raysk.spec import wants
from raysk.spec.cells import Cells, is_text, number_of_dimensions
from raysk.spec.found import is_search
from raysk.spec.parameter_values import is_sklearns
from raysk.spec.words import listed, shown, type_name

if TYPE_CHECKING:
    from collections.abc import Callable

    from raysk.jobs import Data


class Seen:
    """What was seen of a job's data; each thing is looked for once, when it is asked for.

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


def refusal(estimator: Any, seen: Seen) -> str | None:
    """Return why an estimator cannot be fitted on data, in words for the person; None if nobody knows of a reason.

    Parameters
    ----------
    estimator : estimator
        No search.
    seen : Seen

    Returns
    -------
    str or None
    """
    from sklearn import get_config

    last, first = _last(estimator), _first(estimator)
    reason = None if last is None else _y_refused(last, seen)
    if reason is not None or first is None or get_config()["assume_finite"]:
        return reason
    return _documents_refused(first, seen) if _is_vectorizer(first) else _x_refused(first, last, seen)


# --- which steps


def _first(estimator: Any) -> Any | None:
    """Return the step that sees X as it is; None if it has parts, or where others' code may come before it."""
    while is_sklearns(estimator) and not is_search(estimator):
        steps = [step for _, step in wants.steps_of(estimator) if step is not None and not isinstance(step, str)]
        if not steps:
            return estimator if _is_simple(estimator) else None
        estimator = steps[0]
    return None


def _last(estimator: Any) -> Any | None:
    while is_sklearns(estimator) and not is_search(estimator):
        steps = getattr(estimator, "steps", None)
        if not steps:
            return estimator
        estimator = steps[-1][1]
    return None


def _is_simple(estimator: Any) -> bool:
    """Tell whether an estimator has no parts and no functions of a person's, and tags that hold."""
    simple = not any(callable(value) or hasattr(value, "get_params") for value in wants.params_of(estimator).values())
    tags = wants.tags_of(estimator)
    return simple and tags is not None and not tags.no_validation


def _is_vectorizer(estimator: Any) -> bool:
    return type(estimator).__module__.startswith("sklearn.feature_extraction.text") and wants.wants_documents(estimator)


# --- y


def _y_refused(last: Any, seen: Seen) -> str | None:
    tags = wants.tags_of(last)
    if tags is None or not tags.target_tags.required:
        return None
    name = type_name(last)
    if seen.data.y is None:
        where = "Say which column with --target." if seen.data.source else "Name it y in the file beside X."
        return f"{name} needs a target y, and there is none.\n{where}"
    if not _is_simple(last) or tags.estimator_type not in {"classifier", "regressor"}:
        return None
    for what, found in (("no value", seen.y.missing), ("an infinite value", seen.y.infinite)):
        if found is not None:
            return f"y has {what} in {found.rows}, and {name} takes none.\nLeave these rows out, or fill them in."
    if tags.estimator_type == "classifier" and (part := seen.y.fraction) is not None:
        return (
            f"y is {part.value!r} in row {part.row:,}: {name} is a classifier, and takes classes, not measured numbers."
            "\nTake a regressor, or make classes of them, for example with pandas.cut."
        )
    return None


# --- X


def _x_refused(first: Any, last: Any, seen: Seen) -> str | None:
    takes = wants.tags_of(first).input_tags  # type: ignore[union-attr]
    if not takes.two_d_array or takes.one_d_array or takes.three_d_array or takes.string or takes.dict:
        return None
    if (shape := _shape_refused(first, seen)) is not None:
        return shape
    rules: list[tuple[bool, Callable[[], str | None]]] = [
        (wants.wants_numbers(first), lambda: _text_refused(first, seen)),
        (not takes.allow_nan, lambda: _missing_refused(first, last, seen)),
        (not takes.allow_nan, lambda: _infinite_refused(first, seen)),
    ]
    return next((reason for holds, rule in rules if holds and (reason := rule()) is not None), None)


def _shape_refused(first: Any, seen: Seen) -> str | None:
    name, X = type_name(first), seen.data.X
    if seen.dimensions == 1 and is_text(X):
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


def _text_refused(first: Any, seen: Seen) -> str | None:
    found = seen.X.text
    if found is None:
        return None
    return (
        f"{seen.label}: column {shown(found.column)!r} holds {found.shown} in row {found.row:,}, "
        f"and {type_name(first)} takes numbers.{_others(found.others)}\n"
        "Encode it in a pipeline, for example with OneHotEncoder, or leave it out."
    )


def _missing_refused(first: Any, last: Any, seen: Seen) -> str | None:
    found = seen.X.missing
    if found is None:
        return None
    kind = {"classifier": "Classifier", "regressor": "Regressor"}.get(_kind(last))
    trees = "" if kind is None else f",\nor take HistGradientBoosting{kind}, which takes missing values as they are"
    return (
        f"{seen.label}: column {shown(found.column)!r} has no value in {found.rows}, "
        f"and {type_name(first)} takes no missing values.{_others(found.others)}\n"
        f"Fill them in: make_pipeline(SimpleImputer(), ...){trees}."
    )


def _infinite_refused(first: Any, seen: Seen) -> str | None:
    found = seen.X.infinite
    if found is None:
        return None
    return (
        f"{seen.label}: column {shown(found.column)!r} holds an infinite value in {found.rows}, "
        f"and {type_name(first)} takes none.{_others(found.others)}\n"
        "Leave these rows out, or put a large number there."
    )


def _kind(last: Any) -> str:
    tags = None if last is None else wants.tags_of(last)
    return str(getattr(tags, "estimator_type", None))


def _others(names: list[str]) -> str:
    return f"\nIt is the same with {listed(names)}." if names else ""


# --- documents


def _documents_refused(first: Any, seen: Seen) -> str | None:
    """Texts come one by one: of a table with names a vectorizer would read these, of an array its rows."""
    name = type_name(first)
    if seen.dimensions == 2:  # noqa: PLR2004 - rows and columns
        count = seen.data.X.shape[1]
        named = seen.X.text_columns()
        which = named[0] if named else (seen.data.feature_names or ("NAME",))[0]
        say = f"--features {shown(which)}" if seen.data.source else f"X = X[{str(which)!r}]"
        return (
            f"{seen.label}: {name} takes one column of texts, and X has {count}"
            f"{f', of which {listed(named)} hold text' if named else ''}.\n"
            f"Name one {'with' if seen.data.source else 'in the file:'} {say}, "
            "or give each its own vectorizer in a ColumnTransformer."
        )
    found = seen.X.absent if seen.dimensions == 1 else None
    if found is None:
        return None
    return f"{seen.label}: there is no text in {found.rows}, and {name} takes none that is missing.\nPut '' there."
