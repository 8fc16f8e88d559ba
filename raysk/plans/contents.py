"""How the contents of an object are read, and replaced where it stands: what is not an attribute of it.

Exactly these classes, and what a person derives from those that hold things.
"""

from __future__ import annotations

import array
import random
from collections import Counter, OrderedDict, defaultdict, deque
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from sklearn.base import BaseEstimator

if TYPE_CHECKING:
    from collections.abc import Callable

    Read: TypeAlias = Callable[[Any], Any]
    Write: TypeAlias = Callable[[Any, Any], None]


def _read_array(part: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    return part.view(np.ndarray)


def _write_array(part: np.ndarray[Any, Any], items: np.ndarray[Any, Any]) -> None:
    if part.shape != items.shape:  # the fit has reshaped it; refcheck is for when the size changes
        part.resize(items.shape, refcheck=False) if part.size == items.size else None
    part[...] = items


def _write_list(part: list[Any], items: list[Any]) -> None:
    list.__setitem__(part, slice(None), items)


def _write_set(part: set[Any], items: set[Any]) -> None:
    set.clear(part)
    set.update(part, items)


def _write_dict(part: dict[Any, Any], items: dict[Any, Any]) -> None:
    dict.clear(part)
    dict.update(part, items)


def _write_ordered(part: OrderedDict[Any, Any], items: dict[Any, Any]) -> None:
    OrderedDict.clear(part)
    OrderedDict.update(part, items)


def _write_deque(part: deque[Any], items: list[Any]) -> None:
    deque.clear(part)
    deque.extend(part, items)


def _write_bytes(part: Any, items: Any) -> None:
    part[:] = items


def _random_state(part: np.random.RandomState) -> Any:
    return part.get_state(legacy=False)


def _random_bits(part: np.random.Generator) -> Any:
    return part.bit_generator.state


def _set_random_bits(part: np.random.Generator, state: Any) -> None:
    part.bit_generator.state = state


def _bits(part: np.random.BitGenerator) -> Any:
    return part.state


def _set_bits(part: np.random.BitGenerator, state: Any) -> None:
    part.state = state


HOLDERS: dict[type, tuple[Read, Write]] = {
    OrderedDict: (lambda part: dict(OrderedDict.items(part)), _write_ordered),
    dict: (lambda part: dict(dict.items(part)), _write_dict),
    list: (lambda part: list(list.__iter__(part)), _write_list),
    set: (lambda part: set(set.__iter__(part)), _write_set),
    deque: (lambda part: list(deque.__iter__(part)), _write_deque),
}
"""Of which a person may derive a class of their own."""

IN_PLACE: dict[type, tuple[Read, Write]] = {
    **HOLDERS,
    Counter: HOLDERS[dict],
    defaultdict: HOLDERS[dict],
    bytearray: (bytes, _write_bytes),
    array.array: (lambda part: part[:], _write_bytes),
    np.ndarray: (_read_array, _write_array),
    np.matrix: (_read_array, _write_array),
    np.recarray: (_read_array, _write_array),
    np.random.RandomState: (_random_state, np.random.RandomState.set_state),
    np.random.Generator: (_random_bits, _set_random_bits),
    **dict.fromkeys((np.random.MT19937, np.random.PCG64, np.random.PCG64DXSM, np.random.Philox), (_bits, _set_bits)),
    random.Random: (random.Random.getstate, random.Random.setstate),
}
"""How to read and to replace the contents of an object of exactly this class, or derived from a holder."""


def of(kind: Any) -> tuple[Read, Write] | None:
    """Return how objects of a class are read and written; None if that is not known."""
    if kind in IN_PLACE:
        return IN_PLACE[kind]
    base: Any = next((each for each in kind.__mro__ if each in HOLDERS), None)
    return HOLDERS[base] if base is not None and not _has_its_own_way(kind, base) else None


def is_derived(kind: Any) -> bool:
    """Tell whether objects of a class have contents that are known, and attributes too."""
    return kind not in IN_PLACE and of(kind) is not None


def _has_its_own_way(kind: Any, base: Any) -> bool:
    """Tell whether a class says itself how it is pickled."""
    plain = (base, object, BaseEstimator)
    return any(
        getattr(kind, name, None) not in [getattr(each, name, None) for each in plain]
        for name in ("__reduce__", "__reduce_ex__", "__getstate__", "__setstate__")
    )
