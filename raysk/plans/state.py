"""What a fit elsewhere changes in an estimator, brought home: it is then as if it had been fitted here.

    driver                                     worker
    parts(estimator), their places ----------> Record(its copy, places)
                                               fit
    bring_home(changes, parts) <-------------- changes(): of each part, what is new, different or gone

A part is whatever the person may hold on to besides the estimator, or two places share: a pipeline's step, a
RandomState, a list given as a parameter. Its place is the path of attributes and items that leads to it. Parts stay
the objects that they are: changes name parts by their places, and are made in them. Its pickle tells whether a part
has changed. One that cannot be changed in place, such as a tuple, is replaced if it has.
"""

from __future__ import annotations

import hashlib
import inspect
import io
import pickle
import types
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from sklearn.base import BaseEstimator

from raysk.pool import Pickler

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping

Place: TypeAlias = "tuple[Any, ...]"
Changes: TypeAlias = "tuple[bytes, list[pickle.PickleBuffer]]"
"""Pickled, with the memory of arrays apart: a large one is not copied once more than others."""

PLAIN = (type(None), bool, int, float, complex, str, bytes, np.generic)
"""No parts: an equal one is as good as the same one."""

CODE = (type, types.FunctionType, types.BuiltinFunctionType, types.ModuleType)
"""Parts that do not change."""

WHOLE = ""
"""Names the contents of a part that has no attributes."""


def _set_items(part: Any, items: Any) -> None:
    part[...] = items


def _set_list(part: list[Any], items: list[Any]) -> None:
    part[:] = items


def _set_collection(part: Any, items: Any) -> None:
    part.clear()
    part.update(items)


def _random_bits(part: np.random.Generator) -> Any:
    return part.bit_generator.state


def _set_random_bits(part: np.random.Generator, state: Any) -> None:
    part.bit_generator.state = state


def _random_state(part: np.random.RandomState) -> Any:
    return part.get_state(legacy=False)


IN_PLACE: dict[type, tuple[Callable[[Any], Any], Callable[[Any, Any], None]]] = {
    list: (list, _set_list),
    dict: (dict, _set_collection),
    set: (set, _set_collection),
    np.ndarray: (np.ndarray.view, _set_items),
    np.random.RandomState: (_random_state, np.random.RandomState.set_state),
    np.random.Generator: (_random_bits, _set_random_bits),
}
"""How to read and to replace the contents of parts without attributes."""


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
        if not (place and str(place[-1]).endswith("_")):
            inside = _inside(part)
            waiting.extend(((*place, name), value) for name, value in inside if not isinstance(value, PLAIN))
    return found


def _inside(part: Any) -> Iterable[tuple[Any, Any]]:
    if type(part) in {list, tuple}:
        return enumerate(part)
    return part.items() if type(part) is dict else (_attributes(part) or {}).items()


def _attributes(part: Any) -> dict[str, Any] | None:
    """Return the attributes that an object is pickled as; None if it is pickled in another way."""
    kind: Any = type(part)
    if isinstance(part, CODE) or kind in IN_PLACE:
        return None
    if (kind.__reduce_ex__, kind.__reduce__) != (object.__reduce_ex__, object.__reduce__):  # a way of its own
        return dict(vars(part)) if hasattr(part, "get_params") else None
    try:
        _, arguments, state, *items = part.__reduce_ex__(2)
    except Exception:  # noqa: BLE001 - it cannot be pickled: whoever sends it says so
        return None
    if arguments != (kind,) or any(each is not None for each in items):  # it is a tuple, a list or a dict too
        return None
    if isinstance(state, tuple) and len(state) == 2:  # noqa: PLR2004 - so Python tells of __slots__
        return {**(state[0] or {}), **state[1]}
    return dict(state or {}) if isinstance(state, dict | None) else {WHOLE: state}


def _is_fixed(part: Any) -> bool:
    """Tell whether a part cannot be changed in place, as far as is known."""
    return type(part) not in IN_PLACE and _attributes(part) is None


def _contents(part: Any) -> dict[str, Any]:
    """Return what may change of a part: attributes by name, or all of it."""
    if isinstance(part, CODE):
        return {}
    attributes = _attributes(part)
    if attributes is not None:
        return attributes
    read, _ = IN_PLACE.get(type(part), (lambda each: each, None))
    return {WHOLE: read(part)}


class Record:
    """Knows what an estimator is like before a fit, and finds what has changed after it.

    Parameters
    ----------
    estimator : estimator
        On the worker, before its fit.
    places : collection of tuple
        Of the parts at home.
    """

    def __init__(self, estimator: Any, places: Collection[Place]) -> None:
        known = set(places)
        self._parts = {place: part for place, part in parts(estimator).items() if place in known}
        self._places = {id(part): place for place, part in self._parts.items()}
        self._before = {place: self._look(part) for place, part in self._parts.items()}

    def changes(self) -> Changes:
        """Return what `bring_home` takes."""
        self._replace_fixed()
        found = {place: self._news(place) for place in self._places.values()}
        buffers: list[pickle.PickleBuffer] = []
        file = io.BytesIO()
        _Pickler(file, self._places, buffers.append).dump({place: news for place, news in found.items() if any(news)})
        return file.getvalue(), buffers

    def _news(self, place: Place) -> tuple[dict[str, Any], list[str]]:
        """Return what of a part has changed, and the names of what is gone."""
        part, before = self._parts[place], self._before[place]
        now = _contents(part)
        changed = {
            name: value
            for name, value in now.items()
            if name not in before or self._digest(value, part) != before[name]
        }
        return changed, [name for name in before if name not in now]

    def _replace_fixed(self) -> None:
        """Count what has changed, and cannot be changed at home, as new; so what it is in, if that is so too."""
        fixed = {place for place, part in self._parts.items() if _is_fixed(part)}
        while changed := {place for place in fixed if self._look(self._parts[place]) != self._before[place]}:
            self._places = {key: place for key, place in self._places.items() if place not in changed}
            fixed -= changed

    def _look(self, part: Any) -> dict[str, bytes]:
        return {name: self._digest(value, part) for name, value in _contents(part).items()}

    def _digest(self, value: Any, part: Any) -> bytes:
        """Return a digest of a value's pickle, which refers to other parts by their places."""
        digest = _Digest()
        _Pickler(digest, self._places, digest.write, whole=part if value is part else None).dump(value)
        return digest.sum.digest()


def bring_home(changes: Changes, here: Mapping[Place, Any]) -> None:
    """Make the changes of a fit elsewhere in an estimator's parts.

    Parameters
    ----------
    changes : Changes
        Of `Record.changes`.
    here : mapping of tuple to object
        The estimator's `parts`, by their places.
    """
    data, buffers = changes
    for place, (changed, gone) in _Unpickler(data, buffers, here).load().items():
        part = here[place]
        if type(part) in IN_PLACE:
            _, write = IN_PLACE[type(part)]
            write(part, changed[WHOLE])
        else:
            _update(part, changed, gone)


def _update(part: Any, changed: Mapping[str, Any], gone: Iterable[str]) -> None:
    """Set an object's attributes past its own ``__setattr__``, as pickle does."""
    kind, slots = type(part), types.MemberDescriptorType
    for name in gone:
        if isinstance(inspect.getattr_static(kind, name, None), slots):
            object.__delattr__(part, name)
        else:
            vars(part).pop(name, None)
    if getattr(kind, "__setstate__", None) not in {None, BaseEstimator.__setstate__}:
        state = {**(_attributes(part) or {}), **changed}
        part.__setstate__(state.get(WHOLE, state))
        return
    for name, value in changed.items():
        if isinstance(inspect.getattr_static(kind, name, None), slots):
            object.__setattr__(part, name, value)
        else:
            vars(part)[name] = value


class _Digest:
    """What a pickle is written into of which only the digest is wanted."""

    def __init__(self) -> None:
        self.sum = hashlib.blake2b(digest_size=16)

    def write(self, data: Any) -> None:
        self.sum.update(data.raw() if isinstance(data, pickle.PickleBuffer) else data)


class _Pickler(Pickler):  # type: ignore[misc]
    """Refers to parts by their places, but for one that is to be pickled itself."""

    def __init__(self, file: Any, places: Mapping[int, Place], take: Any, whole: Any = None) -> None:
        super().__init__(file, protocol=5, buffer_callback=take)
        self._places, self._whole = places, whole

    def persistent_id(self, obj: Any) -> Any:
        return None if obj is self._whole else self._places.get(id(obj))


class _Unpickler(pickle.Unpickler):
    """Finds parts by their places."""

    def __init__(self, data: bytes, buffers: Iterable[Any], here: Mapping[Place, Any]) -> None:
        super().__init__(io.BytesIO(data), buffers=buffers)
        self._here = here

    def persistent_load(self, pid: Place) -> Any:
        return self._here[pid]
