"""What a fit elsewhere changes in an estimator, brought home: it is then as if it had been fitted here.

    driver                                     worker
    parts(estimator), their places ----------> Record(its copy, places)
                                               fit
    bring_home(changes, parts) <-------------- changes(): of each part, what is new, different or gone

Parts stay the objects that they are: changes name parts by their places, and are made in them. A part's pickle tells
whether it has changed. One that cannot be changed in place, such as a tuple, is replaced if it has.
"""

from __future__ import annotations

import hashlib
import inspect
import io
import pickle
import types
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from raysk.errors import Unpicklable
from raysk.plans import contents
from raysk.plans.places import WHOLE, attributes, held_by, is_fitted, is_fixed, parts, takes_state
from raysk.pool import Pickler

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from raysk.plans.places import Place

Changes: TypeAlias = "tuple[bytes, list[pickle.PickleBuffer]]"
"""Pickled, with the memory of arrays apart: a large one is not copied once more than others."""


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
        news = {place: each for place, each in found.items() if any(each)}
        try:
            return self._pickled(news)
        except Exception as error:
            raise self._unpicklable(news, error) from error

    def stuck(self) -> list[str]:
        """Return the classes of parameters that have changed, and cannot be changed at home."""
        fixed = {place: part for place, part in self._parts.items() if is_fixed(part) and not is_fitted(place)}
        return sorted({type(part).__name__ for place, part in fixed.items() if self._look(part) != self._before[place]})

    def _pickled(self, news: Any) -> Changes:
        buffers: list[Any] = []
        file = io.BytesIO()
        _HomePickler(file, self._places, buffers.append).dump(news)
        return file.getvalue(), buffers

    def _unpicklable(self, news: Mapping[Place, Any], error: Exception) -> Exception:
        """Return what to raise if changes cannot travel: it names the attribute."""
        every = ((place, name, value) for place, (changed, _) in news.items() for name, value in changed.items())
        for place, name, value in every:
            if (its := self._why_not(value)) is not None:
                kind = type(self._parts[place]).__name__
                return Unpicklable(
                    f"The fit is done, but {f'{kind}.{name}' if name else f'a {kind}'} cannot be sent home from the "
                    f"worker: {its}.\n"
                    "Leave it out of what is pickled (__getstate__), or delete it at the end of fit."
                )
        return error

    def _why_not(self, value: Any) -> Exception | None:
        """Return why a value cannot be pickled; None if it can."""
        try:
            self._pickled(value)
        except Exception as error:  # noqa: BLE001 - any class may fail here, in any way
            return error
        return None

    def _news(self, place: Place) -> tuple[dict[str, Any], list[str]]:
        """Return what of a part has changed, and the names of what is gone."""
        part, before = self._parts[place], self._before[place]
        now = held_by(part)
        changed = {
            name: value
            for name, value in now.items()
            if name not in before or self._digest(value, part) != before[name]
        }
        return changed, [name for name in before if name not in now]

    def _replace_fixed(self) -> None:
        """Count what has changed, and cannot be changed at home, as new; so what it is in, if that is so too."""
        fixed = {place for place, part in self._parts.items() if is_fixed(part)}
        while changed := {place for place in fixed if self._look(self._parts[place]) != self._before[place]}:
            self._places = {key: place for key, place in self._places.items() if place not in changed}
            fixed -= changed

    def _look(self, part: Any) -> dict[str, bytes]:
        return {name: self._digest(value, part) for name, value in held_by(part).items()}

    def _digest(self, value: Any, part: Any) -> bytes:
        """Return a digest of a value's pickle, which refers to other parts by their places."""
        digest = _Digest()
        try:
            _Pickler(digest, self._places, digest.write, whole=part if value is part else None).dump(value)
        except Exception:  # noqa: BLE001 - the fit has set what cannot be pickled: `changes` says so
            return b""
        return digest.sum.digest()


def bring_home(changes: Changes, here: Mapping[Place, Any]) -> None:
    """Make the changes of a fit elsewhere in an estimator's parts.

    Parameters
    ----------
    changes : Changes
        Of `Record.changes`.
    here : mapping of tuple to object
        The estimator's `raysk.plans.places.parts`, by their places.
    """
    data, buffers = changes
    for place, (changed, gone) in _Unpickler(data, buffers, here).load().items():
        part = here[place]
        known = contents.of(type(part))
        if known is not None and WHOLE in changed:
            known[1](part, changed.pop(WHOLE))
        if changed or gone:
            _update(part, changed, gone)


def _update(part: Any, changed: Mapping[str, Any], gone: Iterable[str]) -> None:
    """Set an object's attributes past its own ``__setattr__``, as pickle does."""
    kind, slots = type(part), types.MemberDescriptorType
    for name in gone:
        if isinstance(inspect.getattr_static(kind, name, None), slots):
            object.__delattr__(part, name)
        else:
            vars(part).pop(name, None)
    if takes_state(kind):
        state = {**(attributes(part) or {}), **changed}
        part.__setstate__(state.get(WHOLE, state))
        return
    for name, value in changed.items():
        if isinstance(inspect.getattr_static(kind, name, None), slots):
            object.__setattr__(part, name, value)
        else:
            vars(part)[name] = value


def _is_of_store(memory: memoryview) -> bool:
    """Tell whether memory is read-only because it is not the array's own; else it is the fit that has made it so."""
    array: Any = memory.obj
    while isinstance(array, np.ndarray) and isinstance(array.base, np.ndarray):
        array = array.base
    return memory.readonly and isinstance(array, np.ndarray) and array.base is not None


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


class _HomePickler(_Pickler):
    """Sends arrays in the object store as what the person can write into, as locally into their own."""

    def persistent_id(self, obj: Any) -> Any:
        if isinstance(obj, pickle.PickleBuffer) and _is_of_store(obj.raw()):
            return bytearray(obj.raw())
        return super().persistent_id(obj)


class _Unpickler(pickle.Unpickler):
    """Finds parts by their places."""

    def __init__(self, data: bytes, buffers: Iterable[Any], here: Mapping[Place, Any]) -> None:
        super().__init__(io.BytesIO(data), buffers=buffers)
        self._here = here

    def persistent_load(self, pid: Place | bytearray) -> Any:
        return pid if isinstance(pid, bytearray) else self._here[pid]
