"""Read the data that the person's file itself holds: ``X_train y_train``, ``X y``, ``data`` or ``load_data()``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from raysk.errors import InputError, UserCodeError
from raysk.jobs import Data, count_samples
from raysk.source.user_code import running
from raysk.util.words import join_names, printable, type_name

if TYPE_CHECKING:
    from raysk.source.objects import SourceObjects

_PER_SAMPLE = ("groups", "sample_weight")


def find_data(found: SourceObjects) -> Data | None:
    """Return the data in the file, or None when there is none.

    ``X_train`` is looked at first, whose ``X_test`` is then held out, then ``X``, then ``data``, then ``load_data()``,
    which is called.

    Raises
    ------
    InputError
        If the lengths differ, or what is named data is of no use.
    UserCodeError
        If ``load_data()`` raises.
    """
    if found.names.get("X_train") is not None:
        return _read_split(found.names, found)
    name, held = _find_held(found)
    if held is None:
        return None
    if held.get("X_train") is not None:
        return _read_split(held, found, f"{name}:")
    params = {**_collect_fit_params(found.names, found), **_collect_fit_params(held, found)}
    return Data(X=held["X"], y=held.get("y"), fit_params=params, source=_name_source(found, name))


def _read_split(held: Mapping[str, Any], found: SourceObjects, within: str = "") -> Data:
    """Return the data of `train_test_split`, by the names that everybody gives its parts."""
    X, y, X_test, y_test = (held.get(name) for name in ("X_train", "y_train", "X_test", "y_test"))
    test = None
    if X_test is not None and (y is None or y_test is not None):  # a contest's test data has no y
        source = _name_source(found, f"{within}X_test")
        test = Data(X=X_test, y=None if y is None else y_test, fit_params=_params_of_part(held, "test"), source=source)
    params = {**_collect_fit_params(held, found), **_params_of_part(held, "train")}
    _check_length(X, params)
    rest = tuple(name for name in ("X", "data") if held.get(name) is not None)
    rest += () if X_test is None or test is not None else ("X_test",)
    source = _name_source(found, f"{within}X_train")
    return Data(X=X, y=y, fit_params=params, source=source, passed_over=rest, held_out=test)


def _params_of_part(held: Mapping[str, Any], part: str) -> dict[str, Any]:
    named = {name: held.get(f"{name}_{part}") for name in _PER_SAMPLE}
    return {name: value for name, value in named.items() if value is not None}


def _check_length(X: Any, params: Mapping[str, Any]) -> None:
    for name in _PER_SAMPLE:
        value, rows = params.get(name), count_samples(X)
        count = None if value is None else count_samples(value)
        if rows is not None and count is not None and count != rows:
            raise InputError(
                f"X_train has {rows:,} rows but {name} has {count:,}.\n"
                f"Split it with X, and name it {name}_train; or say with --data FILE.py:NAME what is to be fitted."
            )


def _name_source(found: SourceObjects, name: str) -> str:
    return f"{found.where}:{name}"


def find_named_data(found: SourceObjects) -> Data:
    """Return the data that was named after the colon, or else the data that `find_data` finds.

    Raises
    ------
    InputError
        If there is none, or what is named is of no use as data.
    UserCodeError
        If ``load_data()`` raises.
    """
    if found.chosen is not None:
        held = _unpack(found.chosen, found.source.partition(":")[2] or "The object", found)
        if held.get("X") is None:
            return _read_split(held, found)
        return Data(X=held["X"], y=held.get("y"), fit_params=_collect_fit_params(held, found))
    data = find_data(found)
    if data is None:
        raise InputError(f"{found.where} holds no data.\nName it X and y, or write load_data() that returns X, y.")
    return data


def _find_held(found: SourceObjects) -> tuple[str, Mapping[str, Any] | None]:
    names = found.names
    if names.get("X") is not None:
        return "X", {"X": names["X"], "y": names.get("y")}
    data = names.get("data")
    if isinstance(data, Mapping) or _is_pair(data) or _is_table(data):
        # y stays the module's when data is X alone
        return "data", {"y": names.get("y"), **_unpack(data, "data", found)}
    if callable(names.get("load_data")):
        with running("load_data()", UserCodeError):
            made = names["load_data"]()
        return "load_data()", _unpack(made, "load_data()", found)
    return "", None


def _is_pair(value: Any) -> bool:
    return isinstance(value, tuple) and len(value) == len(("X", "y"))


def _is_table(value: Any) -> bool:
    shape = getattr(value, "shape", None)
    return isinstance(value, list) or (isinstance(shape, tuple) and len(shape) > 0)


def _unpack(value: Any, name: str, found: SourceObjects) -> Mapping[str, Any]:
    if isinstance(value, Mapping):
        return _unpack_mapping(value, name, found)
    if _is_pair(value) and value[0] is not None:
        return {"X": value[0], "y": value[1]}
    if _is_table(value):
        return {"X": value}
    size = f" of {len(value)}" if isinstance(value, tuple) else ""
    raise InputError(
        f"{printable(name)} in {found.where} gives {type_name(value)}{size}, which is not data.\n"
        "Give X, the pair (X, y), or a dict with X, y, groups and sample_weight."
    )


def _unpack_mapping(held: Mapping[str, Any], name: str, found: SourceObjects) -> Mapping[str, Any]:
    # scikit-learn's Bunch calls them data and target
    X = held.get("X", held.get("data"))
    if X is None and held.get("X_train") is not None:
        return held
    if X is None:
        raise InputError(
            f"{name} in {found.where} is a {type_name(held)} without X; "
            f"its keys are: {join_names(map(str, held))}.\n"
            "Give it the keys X and y, and groups or sample_weight where they are needed."
        )
    return {**held, "X": X, "y": held.get("y", held.get("target"))}


def _collect_fit_params(held: Mapping[str, Any], found: SourceObjects) -> dict[str, Any]:
    params = held.get("fit_params")
    if params is not None and not isinstance(params, Mapping):
        raise InputError(
            f"fit_params in {found.where} is of type {type_name(params)}.\n"
            "Write a dict of what fit takes besides X and y: fit_params = {'sample_weight': w}"
        )
    per_sample = {name: held[name] for name in _PER_SAMPLE if held.get(name) is not None}
    return {**(params or {}), **per_sample}
