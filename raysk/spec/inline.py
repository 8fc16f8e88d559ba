"""The data that the person's file itself holds: ``X y``, ``data`` or ``load_data()``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from raysk import exits
from raysk.errors import InputError, UserCodeError
from raysk.jobs import Data
from raysk.spec.own import no_bytecode, raised
from raysk.spec.words import listed, shown, type_name

if TYPE_CHECKING:
    from raysk.spec.found import Found

_PER_SAMPLE = ("groups", "sample_weight")
_PAIR = 2


def find_data(found: Found) -> Data | None:
    """Return the data in the file, or None when there is none.

    ``X`` is looked at first, then ``data``, then ``load_data()``, which is called.

    Parameters
    ----------
    found : Found

    Returns
    -------
    Data or None

    Raises
    ------
    InputError
        If the lengths differ, or what is named data is of no use.
    UserCodeError
        If ``load_data()`` raises.
    """
    held = _held(found)
    if held is None:
        return None
    params = {**_fit_params(found.names, found), **_fit_params(held, found)}
    return Data(X=held["X"], y=held.get("y"), fit_params=params)


def chosen_data(found: Found) -> Data:
    """Return what was named as data: after the colon, or else what `find_data` finds.

    Parameters
    ----------
    found : Found

    Returns
    -------
    Data

    Raises
    ------
    InputError
        If there is none, or what is named is of no use as data.
    UserCodeError
        If ``load_data()`` raises.
    """
    if found.chosen is not None:
        held = _unpacked(found.chosen, found.source.partition(":")[2] or "The object", found)
        return Data(X=held["X"], y=held.get("y"), fit_params=_fit_params(held, found))
    data = find_data(found)
    if data is None:
        raise InputError(f"{found.where} holds no data.\nName it X and y, or write load_data() that returns X, y.")
    return data


def _held(found: Found) -> Mapping[str, Any] | None:
    names = found.names
    if names.get("X") is not None:
        return {"X": names["X"], "y": names.get("y")}
    data = names.get("data")
    if _is_data(data):
        # y stays the module's when data is X alone
        return {"y": names.get("y"), **_unpacked(data, "data", found)}
    if callable(names.get("load_data")):
        return _unpacked(_loaded(found), "load_data()", found)
    return None


def _is_data(value: Any) -> bool:
    pair = isinstance(value, tuple) and len(value) == _PAIR
    return pair or isinstance(value, Mapping) or _is_table(value)


def _is_table(value: Any) -> bool:
    shape = getattr(value, "shape", None)
    return isinstance(value, list) or (isinstance(shape, tuple) and len(shape) > 0)


def _loaded(found: Found) -> Any:
    try:
        with no_bytecode():
            return found.names["load_data"]()
    except exits.Terminated:
        raise
    except (Exception, SystemExit) as err:
        raise UserCodeError(raised(err, "load_data()")) from err


def _unpacked(value: Any, name: str, found: Found) -> Mapping[str, Any]:
    if isinstance(value, Mapping):
        return _from_mapping(value, name, found)
    if isinstance(value, tuple) and len(value) == _PAIR and value[0] is not None:
        return {"X": value[0], "y": value[1]}
    if _is_table(value):
        return {"X": value}
    size = f" of {len(value)}" if isinstance(value, tuple) else ""
    raise InputError(
        f"{shown(name)} in {found.where} gives {type_name(value)}{size}, which is not data.\n"
        "Give X, the pair (X, y), or a dict with X, y, groups and sample_weight."
    )


def _from_mapping(held: Mapping[str, Any], name: str, found: Found) -> Mapping[str, Any]:
    # scikit-learn's Bunch calls them data and target
    X = held.get("X", held.get("data"))
    if X is None:
        raise InputError(
            f"{name} in {found.where} is a {type_name(held)} without X; "
            f"its keys are: {listed(map(str, held))}.\n"
            "Give it the keys X and y, and groups or sample_weight where they are needed."
        )
    return {**held, "X": X, "y": held.get("y", held.get("target"))}


def _fit_params(held: Mapping[str, Any], found: Found) -> dict[str, Any]:
    params = held.get("fit_params")
    if params is not None and not isinstance(params, Mapping):
        raise InputError(
            f"fit_params in {found.where} is of type {type_name(params)}.\n"
            "Write a dict of what fit takes besides X and y: fit_params = {'sample_weight': w}"
        )
    per_sample = {name: held[name] for name in _PER_SAMPLE if held.get(name) is not None}
    return {**(params or {}), **per_sample}
