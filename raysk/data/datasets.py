"""Load data by name: scikit-learn's and OpenML's data sets, and data in Python code or a pickle."""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

from raysk.data.table import Table, is_frame
from raysk.errors import InputError
from raysk.source import loader
from raysk.source.file_data import find_named_data
from raysk.util.values import parse_value
from raysk.util.words import join_names, printable, shorten, suggestion

if TYPE_CHECKING:
    from collections.abc import Callable

    from raysk.data.inputs import Stream
    from raysk.data.table_spec import TableSpec
    from raysk.jobs import Data

SKLEARN, OPENML = "sklearn:", "openml:"


def read(text: str) -> Table:
    """Read ``sklearn:NAME?arg=1``, ``openml:ID``, ``model.py:load_data`` or ``package.module:attr``.

    Raises
    ------
    InputError
        If there is no such data, or it cannot be made or fetched.
    UserCodeError
        If the person's code raises.
    """
    if text.startswith(SKLEARN):
        return _read_sklearn(text)
    if text.startswith(OPENML):
        return _read_openml(text)
    return _make_table(find_named_data(loader.load(text)), printable(text))


def read_pickle(stream: Stream, _known: TableSpec) -> Table:
    """Read the data in a pickle that the person named: a dict with X and y, a pair, a DataFrame or an array."""
    with stream.local() as path:
        return _make_table(find_named_data(loader.load_pickle(path, stream.label)), stream.label)


# --- scikit-learn's


def _read_sklearn(text: str) -> Table:
    name, _, arguments = text.removeprefix(SKLEARN).partition("?")
    function = _find_dataset(name, text)
    kwargs = {key: parse_value(value) for key, value in parse_qsl(arguments, keep_blank_values=True)}
    known = inspect.signature(function).parameters
    wrong = next((key for key in kwargs if key not in known), None)
    if wrong is not None:
        raise InputError(f"{printable(text)}: {name} takes no {wrong!r}.\n{suggestion(wrong, known, 'arguments')}")
    if function.__name__.startswith("make_"):  # the same data each time
        kwargs.setdefault("random_state", 0)
    return _from_sklearn(_make(function, kwargs, text), printable(text))


def _find_dataset(name: str, text: str) -> Callable[..., Any]:
    from sklearn import datasets

    functions = {}
    for each in datasets.__all__:
        kind, _, rest = each.partition("_")
        function = getattr(datasets, each)
        if kind == "make":
            functions[each] = function
        elif kind in {"load", "fetch"} and "return_X_y" in inspect.signature(function).parameters and rest != "openml":
            functions[rest] = function
    found = functions.get(name) or functions.get(name.removeprefix("load_").removeprefix("fetch_"))
    if found is None:
        raise InputError(
            f"{printable(text)}: scikit-learn has no such data set.\n{suggestion(name, functions, 'data sets')}"
        )
    return found  # type: ignore[no-any-return]


def _make(function: Callable[..., Any], kwargs: Mapping[str, Any], text: str) -> Any:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # one for each failed attempt; the error says it all
            return function(**kwargs)
    except OSError as err:
        raise InputError(f"{printable(text)} cannot be fetched: {shorten(str(err))}\nIs there a network?") from err
    except Exception as err:  # whatever these functions make of their arguments
        raise InputError(f"{printable(text)} cannot be made: {shorten(str(err))}") from err


def _from_sklearn(made: Any, label: str) -> Table:
    """Take ``(X, y, ...)``, X alone, or a Bunch, which also has names."""
    if isinstance(made, tuple):
        return Table(values=made[0], beside={"y": made[1]}, label=label)
    if not isinstance(made, Mapping):
        return Table(values=made, label=label)
    X, y = made["data"], made["target"]
    names = X.columns if is_frame(X) else made.get("feature_names")
    names = None if names is None else tuple(map(str, names))
    return Table(values=_as_columns(X), names=names, beside={} if y is None else {"y": y}, label=label)


def _read_openml(text: str) -> Table:
    from sklearn.datasets import fetch_openml

    name, _, arguments = text.removeprefix(OPENML).partition("?")
    which = {"data_id": int(name)} if name.isdecimal() else {"name": name}
    options = {key: parse_value(value) for key, value in parse_qsl(arguments)}
    made = _make(fetch_openml, {**which, "as_frame": True, "parser": "auto", **options}, text)
    return _from_sklearn(made, printable(text))


# --- the person's own


def _make_table(data: Data, label: str) -> Table:
    X = data.X.to_pandas() if hasattr(data.X, "to_pandas") else data.X  # polars, pyarrow
    beside = dict(data.fit_params) if data.y is None else {"y": data.y, **data.fit_params}
    names = tuple(map(str, X.columns)) if is_frame(X) else None
    test = None if data.held_out is None else _make_table(data.held_out, f"{label}:X_test")
    return Table(values=_as_columns(X), names=names, beside=beside, label=label, as_made=True, held_out=test)


def _as_columns(X: Any) -> Any:
    """Return an array or matrix; texts become one column."""
    import numpy as np

    if is_frame(X) or hasattr(X, "tocsr"):
        return X
    if hasattr(X, "to_frame"):  # a pandas Series
        return X.to_frame()
    texts = isinstance(X, list) and X and isinstance(X[0], str)
    array = np.asarray(X, dtype=object) if texts else np.asarray(X)
    if array.ndim == 0:
        raise InputError(
            f"The data is the single value {shorten(repr(X))}, and no table.\nGive {join_names(['X', 'y'])}."
        )
    return array.reshape(-1, 1) if array.ndim == 1 else array
