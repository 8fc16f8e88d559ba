"""Describe estimators, searches and data for JSON and for one line on a terminal."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from raysk._compat import sklearn as sklearn_private
from raysk.data.requirements import kind_of
from raysk.data.table import is_number
from raysk.models.data_facts import shape_of
from raysk.request.method import HALVING, TPE, method_of
from raysk.request.space_checks import describe_values
from raysk.source.objects import grids_of
from raysk.util.words import printable, shorten, type_name

if TYPE_CHECKING:
    from raysk.jobs import Data

_LOOKED_AT = 100
"""Number of objects that tell whether all are texts."""


def estimator_facts(estimator: Any) -> dict[str, Any]:
    """Describe an estimator: its class, short repr, steps and kind."""
    steps = getattr(estimator, "steps", None)
    return {
        "class": type_name(estimator),
        "module": type(estimator).__module__,
        "repr": shorten(repr(estimator)),
        "kind": kind_of(estimator),
        "steps": [name for name, _ in steps] if isinstance(steps, list) else None,
    }


def is_validation(search: Any) -> bool:
    """Tell whether a search is the cross-validation of one estimator."""
    from raysk.searches.cross_validation import CrossValidation

    return isinstance(search, CrossValidation)


def search_facts(search: Any, data: Data | None) -> dict[str, Any]:
    """Describe a search: its class, its options, its space, and the number of fits.

    ``candidates``, ``splits`` and ``fits`` (without the refit) are None where the run, or missing data, alone can tell.
    ``resource`` and ``rounds`` are of halving, ``lag`` is of TPE.
    """
    candidates, splits, rounds = _count_candidates(search), _count_splits(search, data), _plan_rounds(search, data)
    evaluated = candidates if rounds is None else sum(each["candidates"] for each in rounds)
    seed = getattr(search, "random_state", None)
    space = [(str(key), values) for grid in grids_of(search) for key, values in grid.items()]
    return {
        "class": type_name(search),
        "method": method_of(search),
        "candidates": candidates if rounds is None else rounds[0]["candidates"],
        "splits": splits,
        "fits": None if evaluated is None or splits is None else evaluated * splits,
        "resource": getattr(search, "resource", None),
        "rounds": rounds,
        "lag": getattr(search, "lag", None),
        "refit": search.refit if isinstance(search.refit, bool | str) else _name_of(search.refit),
        "scoring": _describe_scoring(search.scoring),
        "cv": None if search.cv is None else shorten(repr(search.cv)),
        "random_state": seed if seed is None or isinstance(seed, int) else shorten(repr(seed)),
        "parameters": {name: len(values) if hasattr(values, "__len__") else None for name, values in space},
        "space": {name: describe_values(values) for name, values in space},
    }


def _name_of(value: Any) -> str:
    return str(getattr(value, "__name__", None) or shorten(repr(value)))


def _describe_scoring(scoring: Any) -> str | list[str] | None:
    if scoring is None or isinstance(scoring, str):
        return scoring
    if isinstance(scoring, Mapping | list | tuple | set):
        return [str(name) for name in scoring]
    return _name_of(scoring)


def _count_candidates(search: Any) -> int | None:
    from sklearn.model_selection import ParameterGrid

    way = method_of(search)
    if is_validation(search):
        return 1
    if way == "grid":
        return len(ParameterGrid(search.param_grid))
    if way == TPE:
        return int(search.count_candidates())
    if way != "random":  # halving counts by its data, and an own way may try anything
        return None
    if any(hasattr(values, "rvs") for grid in grids_of(search) for values in grid.values()):
        return int(search.n_iter)
    return min(int(search.n_iter), len(ParameterGrid(search.param_distributions)))  # drawn without repeats


def _plan_rounds(search: Any, data: Data | None) -> list[dict[str, int]] | None:
    """Return the candidates and the resource of each round of halving; None of another search, or without its data."""
    if data is None or method_of(search) != HALVING or isinstance(search.cv, Iterator):
        return None
    try:
        rounds = sklearn_private.halving_rounds(search, data.X, data.y, data.fit_params.get("groups"))
    except Exception:  # noqa: BLE001 - a person's splitter may do anything; the search will say so
        return None
    return [{"candidates": candidates, "resources": resources} for candidates, resources in rounds]


def _count_splits(search: Any, data: Data | None) -> int | None:
    from sklearn.base import is_classifier
    from sklearn.model_selection import check_cv

    if isinstance(search.cv, Iterator):  # asking would use it up
        return None
    X, y, groups = (None, None, None) if data is None else (data.X, data.y, data.fit_params.get("groups"))
    try:
        cv = check_cv(search.cv, y, classifier=is_classifier(search.estimator))
        return int(cv.get_n_splits(X, y, groups))
    except Exception:  # noqa: BLE001 - a person's splitter, or one that needs data that is not here
        return None


def describe_data(data: Data) -> dict[str, Any]:
    """Describe data: type, shape and dtype of X, kind and classes of y, and further arguments of ``fit``."""
    return {
        "source": data.source,
        "X": {**_array_facts(data.X), "missing": _has_missing(data.X), "columns": data.feature_names},
        "y": None if data.y is None else {**_array_facts(data.y), **_target_facts(data.y)},
        "fit_params": sorted(data.fit_params),
        "held_out": None if data.held_out is None else describe_data(data.held_out),
    }


def _array_facts(array: Any) -> dict[str, Any]:
    return {
        "type": type_name(array),
        "shape": shape_of(array),
        "dtype": _describe_dtype(array),
        "bytes": _count_bytes(array),
    }


def _describe_dtype(array: Any) -> str | None:
    several: Any = getattr(array, "dtypes", None)  # of a data frame
    if hasattr(several, "__iter__"):
        return ", ".join(sorted(set(map(str, several))))
    return str(array.dtype) if getattr(array, "dtype", None) is not None else None


def _count_bytes(array: Any) -> int | None:
    used = getattr(array, "nbytes", None)
    if used is None and hasattr(array, "memory_usage"):
        used = array.memory_usage()
        used = used.sum() if hasattr(used, "sum") else used
    if used is None and hasattr(array, "data"):  # sparse
        used = getattr(array.data, "nbytes", None)
    return None if used is None else int(used)


def _has_missing(array: Any) -> bool | None:
    """Return whether a value is missing; None if that takes long to find out."""
    import numpy as np

    try:
        if hasattr(array, "isna"):
            return bool(array.isna().to_numpy().any())
        return bool(np.isnan(array).any()) if isinstance(array, np.ndarray) else None
    except (TypeError, AttributeError):
        return None


def _target_facts(y: Any) -> dict[str, Any]:
    import numpy as np
    from sklearn.utils.multiclass import type_of_target

    try:
        kind = str(type_of_target(y))
    except (TypeError, ValueError):
        return {"kind": "unknown", "classes": None}
    classes = len(np.unique(np.asarray(y))) if kind in {"binary", "multiclass"} else None
    return {"kind": kind, "classes": classes}


def summarize_data(data: Data, estimator: Any) -> dict[str, Any]:
    """Describe the data of a run in one line, and in numbers.

    Parameters
    ----------
    data : Data
    estimator : estimator
        Tells whether y holds classes or numbers.

    Returns
    -------
    dict
        ``line``, ``rows``, ``features`` (None for texts), ``columns`` (how many of each kind), ``target`` (names, or
        None), ``kind`` (``classes``, ``numbers`` or None), ``classes`` (how many, or None), ``source``,
        ``passed_over`` and ``held_out`` (``rows`` and ``source``, or None).
    """
    shape = shape_of(data.X) or [0]
    kinds = Counter(_column_kinds(data.X))
    kind, classes = (None, None) if data.y is None else _target_kind(data.y, estimator)
    test = data.held_out
    rows = None if test is None else (shape_of(test.X) or [0])[0]
    facts = {
        "rows": shape[0],
        "features": shape[1] if len(shape) > 1 else None,
        "columns": {next(iter(kinds)): shape[1]} if len(kinds) == 1 and len(shape) > 1 else dict(kinds),
        "target": None if data.y is None else list(data.target_names or names_of(data.y)) or None,
        "kind": kind,
        "classes": classes,
        "source": data.source,
        "passed_over": list(data.passed_over) or None,
        "held_out": None if test is None else {"rows": rows, "source": test.source},
    }
    return {"line": _write_line(facts, shape, " (the run's target)" if data.target_is_earlier else ""), **facts}


def _write_line(facts: Mapping[str, Any], shape: list[int], about_y: str) -> str:
    size = " x ".join(f"{number:,}" for number in shape)
    kinds = facts["columns"]
    counted = ", ".join(f"{count:,} {_inflect(kind, count)}" for kind, count in kinds.items())
    what = f"{size} ({counted})" if len(kinds) > 1 else f"{size} {_inflect(next(iter(kinds), ''), 2)}".rstrip()
    names = " ".join(["y", *(facts["target"] or ())]) + about_y
    y = "no y" if facts["kind"] is None else f"{names}: {facts['kind']}"
    if facts["classes"] is not None:
        y = f"{names}: {facts['classes']:,} {'class' if facts['classes'] == 1 else 'classes'}"
    source = "" if facts["source"] is None else f", from {facts['source']}"
    if facts["passed_over"]:
        source += f" (not {' or '.join(facts['passed_over'])}, which it also holds)"
    test = facts["held_out"]
    other = "" if test is None or test["source"] == facts["source"] else f" from {test['source']}"
    held_out = "" if test is None else f"; held out: {test['rows']:,} {_inflect('rows', test['rows'])}{other}"
    return printable(f"data: X {what}, {y}{source}{held_out}")


def _inflect(plural: str, count: int) -> str:
    return plural if count != 1 else {"categories": "category"}.get(plural, plural.removesuffix("s"))


def names_of(y: Any) -> list[str]:
    """Return the names of the columns of y, if it has names."""
    columns = getattr(y, "columns", None)
    own = [getattr(y, "name", None)] if columns is None else list(columns)
    return [str(name) for name in own if name is not None and not callable(name)]


def _column_kinds(X: Any) -> Iterator[str]:
    """Yield the kinds of the columns; an array has one kind."""
    if hasattr(X, "columns") and hasattr(X, "dtypes"):
        yield from (_dtype_kind(dtype) for dtype in X.dtypes)
    elif hasattr(X, "dtype"):
        texts = X.dtype.kind == "O" and all(isinstance(each, str) for each in _take_first_cells(X))
        yield "texts" if texts else _dtype_kind(X.dtype)
    elif isinstance(X, list) and X:
        first = X[0][0] if isinstance(X[0], list | tuple) and X[0] else X[0]
        yield "texts" if isinstance(first, str) else "numbers" if isinstance(first, int | float) else "values"


def _take_first_cells(X: Any) -> list[Any]:
    values = X.to_numpy() if hasattr(X, "to_numpy") else X
    return list(values[:_LOOKED_AT].ravel()) if hasattr(values, "ravel") else [None]


def _dtype_kind(dtype: Any) -> str:
    """Return the kind of a column in words, from the name of its dtype in pandas, polars or numpy."""
    text = str(dtype).lower()
    if is_number(dtype) or text.startswith(("int", "uint", "float", "bool", "decimal")):
        return "numbers"
    if text.startswith(("categor", "enum")):
        return "categories"
    if text.startswith(("date", "time", "duration")):
        return "dates"
    return "texts" if text.startswith(("str", "object", "utf", "<u", "large_string")) else "values"


def _target_kind(y: Any, estimator: Any) -> tuple[str, int | None]:
    """Return ``classes`` and their number, or ``numbers``: as the estimator takes y, or else as y looks."""
    import numpy as np

    kind = kind_of(estimator)
    if kind not in {"classifier", "regressor"}:
        kind = "classifier" if _target_facts(y)["classes"] is not None else "regressor"
    if kind == "regressor":
        return "numbers", None
    try:
        values = np.asarray(y)
        return "classes", len(np.unique(values)) if values.ndim == 1 else None
    except (TypeError, ValueError):  # values that do not compare
        return "classes", None
