"""What a worker keeps of steps that it has fitted, in bounded memory: what was used longest ago goes first."""

from __future__ import annotations

import sys
import threading
from collections import OrderedDict
from itertools import islice
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import sparse

from raysk.pool.memory import share_bytes

if TYPE_CHECKING:
    from collections.abc import Hashable

PART = 0.25
"""How much of a worker's share of its node's memory is used unless something else was said: a fit needs several times
its data, and as much again stays with the worker when it is freed (`raysk.pool.ray.worker.KEPT`)."""

LOOKED_AT = 100
"""So many items of a collection say how large all are: a vocabulary has a hundred thousand."""

DEEPEST = 6
"""How many levels of a fitted transformer are looked at to tell its size."""


class StepCache:
    """Values by key, with a limit to what they take together; travels empty.

    Parameters
    ----------
    limit_bytes : int or None
        None means a part of the worker's share of its node's memory.
    """

    def __init__(self, limit_bytes: int | None) -> None:
        self._said = limit_bytes
        self._limit = int(PART * share_bytes()) if limit_bytes is None else limit_bytes
        self._entries: OrderedDict[Hashable, tuple[Any, int]] = OrderedDict()
        self._lock = threading.Lock()
        self.used_bytes = 0

    def __reduce__(self) -> Any:
        return StepCache, (self._said,)

    def get(self, key: Hashable) -> Any | None:
        """Return a value, or None if it is not there."""
        with self._lock:
            if key not in self._entries:
                return None
            self._entries.move_to_end(key)
            return self._entries[key][0]

    def has_room(self, n_bytes: int) -> bool:
        """Tell whether a value of this size is kept."""
        return n_bytes <= self._limit

    def put(self, key: Hashable, value: Any, n_bytes: int) -> None:
        """Keep a value, and let go what there is no room for beside it."""
        with self._lock:
            self.used_bytes += n_bytes - self._entries.pop(key, (None, 0))[1]
            self._entries[key] = value, n_bytes
            while self.used_bytes > self._limit:
                self.used_bytes -= self._entries.popitem(last=False)[1][1]


def is_data(value: Any) -> bool:
    """Tell whether this is data that can be copied, and its size told: an array, a sparse matrix, a table of pandas.

    An array with gaps is not: its copy has none, and sums over it may differ in their last bits.
    """
    if type(value) is np.ndarray:
        return not value.dtype.hasobject and bool(value.flags.forc)
    return sparse.issparse(value) or _is_table(value)


def copy_data(value: Any) -> Any:
    """Copy data, with the same order in memory: sums depend on it."""
    return value.copy(order="K") if isinstance(value, np.ndarray) else value.copy()


def are_apart(one: Any, other: Any) -> bool:
    """Tell whether nothing that is written into one of these can be seen in the other."""
    return one is not other and not any(np.may_share_memory(a, b) for a in _arrays(one) for b in _arrays(other))


def _arrays(value: Any) -> list[Any]:
    if isinstance(value, np.ndarray):
        return [value]
    if not sparse.issparse(value):
        return []
    parts = [part for each in vars(value).values() for part in (each if isinstance(each, tuple) else (each,))]
    return [part for part in parts if isinstance(part, np.ndarray)]


def _is_table(value: Any) -> bool:
    pandas = sys.modules.get("pandas")
    return pandas is not None and type(value) is pandas.DataFrame


def size_of(value: Any, depth: int = 0) -> int:
    """Return about how many bytes a value takes; of large collections some items stand for all."""
    if isinstance(value, np.ndarray):
        return int(value.nbytes)
    if _is_table(value):
        return int(value.memory_usage(deep=False).sum())
    own = sys.getsizeof(value)
    if depth >= DEEPEST:
        return own
    if isinstance(value, dict):
        return own + _size_of_items(value.items(), len(value), depth)
    if isinstance(value, list | tuple | set | frozenset):
        return own + _size_of_items(value, len(value), depth)
    return own + sum(size_of(part, depth + 1) for part in getattr(value, "__dict__", {}).values())


def _size_of_items(items: Any, count: int, depth: int) -> int:
    looked_at = min(count, LOOKED_AT)
    return sum(size_of(item, depth + 1) for item in islice(items, looked_at)) * count // max(looked_at, 1)
