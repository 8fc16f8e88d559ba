"""Facts about estimators, searches and data, ready for JSON."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from raysk.spec.words import brief, type_name

if TYPE_CHECKING:
    from raysk.jobs import Data


def estimator_facts(estimator: Any) -> dict[str, Any]:
    """Return an estimator's class, short repr, steps and kind.

    Parameters
    ----------
    estimator : estimator

    Returns
    -------
    dict
    """
    steps = getattr(estimator, "steps", None)
    return {
        "class": type_name(estimator),
        "module": type(estimator).__module__,
        "repr": brief(repr(estimator)),
        "kind": _kind(estimator),
        "steps": [name for name, _ in steps] if isinstance(steps, list) else None,
    }


def _kind(estimator: Any) -> str | None:
    from sklearn.utils import get_tags

    try:
        return str(get_tags(estimator).estimator_type or "") or None
    except Exception:  # noqa: BLE001 - a person's class without scikit-learn's tags
        return None


def search_facts(search: Any, data: Data | None) -> dict[str, Any]:
    """Return a search's class and how much work it is.

    Parameters
    ----------
    search : BaseSearchCV
    data : Data or None
        None leaves the splits unknown where they depend on the data.

    Returns
    -------
    dict
        ``candidates``, ``splits`` and ``fits`` are None where they are not known before the run;
        ``fits`` leaves out the refit.
    """
    candidates, splits = _candidates(search), _splits(search, data)
    space = getattr(search, "param_grid", None) or getattr(search, "param_distributions", None)
    return {
        "class": type_name(search),
        "candidates": candidates,
        "splits": splits,
        "fits": None if candidates is None or splits is None else candidates * splits,
        "refit": search.refit if isinstance(search.refit, bool | str) else _name(search.refit),
        "scoring": _scoring(search.scoring),
        "cv": None if search.cv is None else brief(repr(search.cv)),
        "random_state": _seed(getattr(search, "random_state", None)),
        "parameters": _parameters(space),
    }


def _seed(value: Any) -> int | str | None:
    return value if value is None or isinstance(value, int) else brief(repr(value))


def _name(value: Any) -> str:
    return str(getattr(value, "__name__", None) or brief(repr(value)))


def _scoring(scoring: Any) -> str | list[str] | None:
    if scoring is None or isinstance(scoring, str):
        return scoring
    if isinstance(scoring, Mapping | list | tuple | set):
        return [str(name) for name in scoring]
    return _name(scoring)


def _parameters(space: Any) -> dict[str, int | None]:
    """Return each searched parameter and its number of values, None for a distribution."""
    grids = [space] if isinstance(space, Mapping) else space or []
    return {
        str(key): len(values) if hasattr(values, "__len__") else None for grid in grids for key, values in grid.items()
    }


def _candidates(search: Any) -> int | None:
    from sklearn.model_selection import GridSearchCV, ParameterGrid, RandomizedSearchCV

    run = getattr(type(search), "_run_search", None)  # an own one may try anything
    if run is GridSearchCV._run_search:  # noqa: SLF001 - scikit-learn's documented extension point
        return len(ParameterGrid(search.param_grid))
    if run is not RandomizedSearchCV._run_search:  # noqa: SLF001
        return None
    space = search.param_distributions
    grids = [space] if isinstance(space, Mapping) else space
    if any(hasattr(values, "rvs") for grid in grids for values in grid.values()):
        return int(search.n_iter)
    return min(int(search.n_iter), len(ParameterGrid(space)))  # lists alone are drawn without repeats


def _splits(search: Any, data: Data | None) -> int | None:
    from sklearn.base import is_classifier
    from sklearn.model_selection import check_cv

    if isinstance(search.cv, Iterator):  # asking would use it up
        return None
    try:
        cv = check_cv(search.cv, None if data is None else data.y, classifier=is_classifier(search.estimator))
        groups = None if data is None else data.fit_params.get("groups")
        return int(cv.get_n_splits(None if data is None else data.X, None if data is None else data.y, groups))
    except Exception:  # noqa: BLE001 - a person's splitter, or one that needs data that is not here
        return None


def data_facts(data: Data) -> dict[str, Any]:
    """Return type, shape and dtype of X, kind and classes of y, and what else goes to ``fit``.

    Parameters
    ----------
    data : Data

    Returns
    -------
    dict
    """
    return {
        "source": data.source,
        "X": {**_array_facts(data.X), "missing": _missing(data.X), "columns": data.feature_names},
        "y": None if data.y is None else {**_array_facts(data.y), **_target_facts(data.y)},
        "fit_params": sorted(data.fit_params),
    }


def _array_facts(array: Any) -> dict[str, Any]:
    shape = getattr(array, "shape", None)
    if shape is None and hasattr(array, "__len__"):
        shape = (len(array),)
    return {
        "type": type_name(array),
        "shape": None if shape is None else [int(size) for size in shape],
        "dtype": _dtype(array),
        "bytes": _bytes(array),
    }


def _dtype(array: Any) -> str | None:
    many = getattr(array, "dtypes", None)  # a data frame
    if many is not None and hasattr(many, "__iter__"):
        return ", ".join(sorted({str(kind) for kind in many}))
    one = getattr(array, "dtype", None)
    return None if one is None else str(one)


def _bytes(array: Any) -> int | None:
    used = getattr(array, "nbytes", None)
    if used is None and hasattr(array, "memory_usage"):
        used = array.memory_usage()
        used = used.sum() if hasattr(used, "sum") else used
    if used is None and hasattr(array, "data"):  # sparse
        used = getattr(array.data, "nbytes", None)
    return None if used is None else int(used)


def _missing(array: Any) -> bool | None:
    """Return whether a value is missing; None where that cannot be told cheaply."""
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
