"""Predictions as a table: its columns, named, part by part."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from raysk.errors import InputError
from raysk.results.writers import Part

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

DENSE_BYTES = 2**25
"""What a transformer gives as a sparse matrix is written in dense parts of at most about this size, in bytes."""


def prediction_parts(
    model: Any, method: str, predicted: Iterable[tuple[Any, Any]], id_name: str | None = None
) -> Iterator[Part]:
    """Name the columns of what a model's method gave.

    Parameters
    ----------
    model : estimator
    method : str
        ``predict``, ``predict_proba``, ``decision_function`` or ``transform``.
    predicted : iterable of (ids, values)
        As `raysk.plans.prediction` yields it.
    id_name : str or None
        The name of the column of ids; None if there is none.

    Yields
    ------
    Part

    Raises
    ------
    InputError
        If a column has the name of the ids.
    """
    names: list[str] = []
    for ids, values in predicted:
        for some, piece in _dense(ids, values):
            names = names or column_names(model, method, piece)
            if id_name in names:
                raise InputError(
                    f"The ids' column {id_name!r} has the name of a column of the output.\n"
                    "Rename it in the data, or leave --id-col out."
                )
            columns = {} if id_name is None else {id_name: some}
            yield Part(columns | named_columns(piece, names), array=piece)


def named_columns(values: Any, names: Sequence[str]) -> dict[str, Any]:
    """Return the columns of an array, a Series or a DataFrame by their names."""
    if not hasattr(values, "iloc"):
        table = values.reshape(-1, len(names))
        return {name: table[:, at] for at, name in enumerate(names)}
    frame = values if hasattr(values, "columns") else values.to_frame()
    return {name: frame.iloc[:, at] for at, name in enumerate(names)}


def _dense(ids: Any, values: Any) -> Iterator[tuple[Any, Any]]:
    """Yield dense pieces of a sparse matrix; anything else whole."""
    import numpy as np

    if isinstance(values, list):  # the probabilities of several outputs
        yield ids, np.hstack(values)
    elif not hasattr(values, "toarray"):
        yield ids, values if hasattr(values, "iloc") else np.asarray(values)
    else:
        step = max(1, DENSE_BYTES // (values.shape[1] * values.dtype.itemsize))
        for start in range(0, values.shape[0], step):
            part = slice(start, start + step)
            yield None if ids is None else ids[part], values.tocsr()[part].toarray()


# --- names ----------------------------------------------------------------------------------------

_WORDS = {"predict": "prediction", "predict_proba": "proba", "decision_function": "decision", "transform": "transform"}


def column_names(model: Any, method: str, values: Any) -> list[str]:
    """Return names for the columns of what a method gave.

    ``prediction``; ``proba_`` and ``decision_`` with the class; what ``get_feature_names_out`` says of a
    transformer; else the method's word with the column's number.
    """
    if hasattr(values, "iloc"):
        return [str(name) for name in values.columns] if hasattr(values, "columns") else [_WORDS[method]]
    if values.ndim == 1:
        return [_WORDS[method]]
    ends = _outputs(model) if method == "transform" else _classes(model) if method != "predict" else None
    if ends is None or len(ends) != values.shape[1]:
        ends = [str(number) for number in range(values.shape[1])]
    elif method == "transform":
        return ends
    return [f"{_WORDS[method]}_{end}" for end in ends]


def _outputs(model: Any) -> list[str] | None:
    try:
        return [str(name) for name in model.get_feature_names_out()]
    except Exception:  # noqa: BLE001 - not every transformer knows, and a person's own may fail in any way
        return None


def _classes(model: Any) -> list[str] | None:
    classes = getattr(model, "classes_", None)
    if isinstance(classes, list):  # of several outputs
        return [f"{number}_{name}" for number, each in enumerate(classes) for name in each]
    return None if classes is None else [str(name) for name in classes]
