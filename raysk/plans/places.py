"""The parts of an estimator, and their places: what a fit elsewhere may change, and is to be the same object after it.

A part is whatever the person may hold on to besides the estimator, or two places share: a pipeline's step, a
RandomState, a list given as a parameter. Its place is the path of attributes and items that leads to it.
"""

from __future__ import annotations

import types
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from sklearn.base import BaseEstimator

from raysk.plans import contents

if TYPE_CHECKING:
    from collections.abc import Iterable

Place: TypeAlias = "tuple[Any, ...]"

PLAIN = (type(None), bool, int, float, complex, str, bytes, np.generic)
"""No parts: an equal one is as good as the same one."""

CODE = (type, types.FunctionType, types.BuiltinFunctionType, types.ModuleType)
"""Parts that do not change."""

WHOLE = ""
"""Names the contents of a part that has no attributes."""


def parts(estimator: Any) -> dict[Place, Any]:
    """Return the parts of an estimator, itself included, by their places.

    What an earlier fit has set, such as ``coef_``, is a part in one piece: the next fit sets another.
    """
    found: dict[Place, Any] = {}
    seen: set[int] = set()
    waiting: list[tuple[Place, Any]] = [((), estimator)]
    while waiting:
        place, part = waiting.pop()
        if id(part) in seen:
            continue
        seen.add(id(part))
        found[place] = part
        if not is_fitted(place[-1:]):
            inside = _inside(part)
            waiting.extend(((*place, name), value) for name, value in inside if not isinstance(value, PLAIN))
    return found


def is_fitted(place: Place) -> bool:
    """Tell whether a place is in what a fit has set."""
    return any(str(name).endswith("_") for name in place)


def _inside(part: Any) -> Iterable[tuple[Any, Any]]:
    if isinstance(part, list | tuple):
        yield from enumerate(part)
    elif isinstance(part, dict) and contents.of(type(part)):
        yield from dict.items(part)
    named = (attributes(part) or {}).items()
    yield from ((f".{name}", value) for name, value in named) if contents.is_derived(type(part)) else named


def attributes(part: Any) -> dict[str, Any] | None:
    """Return the attributes that an object is pickled as; None if it is pickled in another way."""
    kind: Any = type(part)
    if contents.is_derived(kind) or kind is types.SimpleNamespace:
        return dict(getattr(part, "__dict__", {}))
    if isinstance(part, CODE) or contents.of(kind):
        return None
    if (kind.__reduce_ex__, kind.__reduce__) != (object.__reduce_ex__, object.__reduce__):  # a way of its own
        return dict(vars(part)) if hasattr(part, "get_params") else None
    return _reduced(part)


def _reduced(part: Any) -> dict[str, Any] | None:
    """Return the attributes of an object that is pickled as Python does it; None if it is not."""
    kind = type(part)
    try:
        _, arguments, state, *items = part.__reduce_ex__(2)
    except Exception:  # noqa: BLE001 - it cannot be pickled: whoever sends it says so
        return None
    if arguments != (kind,) or any(each is not None for each in items):  # it is a tuple, a list or a dict too
        return None
    if takes_state(kind) and not isinstance(state, dict | None):
        return {WHOLE: state}
    if isinstance(state, tuple) and len(state) == 2:  # noqa: PLR2004 - so Python tells of __slots__
        return {**(state[0] or {}), **state[1]}
    return dict(state or {}) if isinstance(state, dict | None) else {WHOLE: state}


def takes_state(kind: Any) -> bool:
    """Tell whether objects of a class set their state themselves, whatever it is."""
    return getattr(kind, "__setstate__", None) not in {None, BaseEstimator.__setstate__}


def is_fixed(part: Any) -> bool:
    """Tell whether a part cannot be changed in place, as far as is known."""
    return contents.of(type(part)) is None and attributes(part) is None


def held_by(part: Any) -> dict[str, Any]:
    """Return what may change of a part: attributes by name, and what else it holds, or all of it."""
    if isinstance(part, CODE):
        return {}
    known, named = contents.of(type(part)), attributes(part)
    if known is not None:
        return {**(named or {}), WHOLE: known[0](part)}
    return {WHOLE: part} if named is None else named
