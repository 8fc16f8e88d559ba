"""Objects put once in the object store and unpacked once per worker; the messages that refer to them.

    driver                                   worker
    pool.share(X) -> Shared(key, ref)        cache: key -> X, read from shared memory on first use
    pack((f, Shared, 3)) -> bytes, {Shared}  unpack(bytes, cache.__getitem__) -> (f, X, 3)

A `Shared` may stand anywhere inside a message: the pickler leaves its key there, the unpickler asks the worker's
cache for the object. Arrays read from the store are read-only views, one copy per node.

A small object travels with the first message that needs it: to find it in the store would take a worker longer.
"""

from __future__ import annotations

import contextlib
import io
import pickle
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from raysk.errors import Unpicklable
from raysk.pool.ray.pickling import Pickler

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping


SMALL_BYTES = 2**16
"""What is at most so large travels with a message."""

MOST_SPAN = 1.25
"""An array is sent with all the memory between its first and last value if that is at most so many times its size."""

Contents: TypeAlias = "tuple[memoryview, list[memoryview]]"
"""An object, pickled, and its buffers apart, where they are."""

Small: TypeAlias = "tuple[bytes, list[bytes]]"
"""The same of a small object, so that its arrays are read-only, as those from the store. No class of ours: it would
travel too."""


@dataclass(frozen=True, eq=False)
class Shared:
    """Stands for an object in the object store, wherever it is used in a task.

    Parameters
    ----------
    key : str
        Name of the object in the workers' caches.
    ref : ray.ObjectRef or Small
        What a worker gets it by. The object is in the store for as long as this handle lives.
    """

    key: str
    ref: Any


@dataclass(frozen=True, kw_only=True)
class Packing:
    """How to pickle a message.

    Parameters
    ----------
    stand_in : callable or None
        Asked for every object on the way; may return a `Shared` to send instead of it.
    reducers : mapping of type to callable
        As in `copyreg`: how to pickle objects of exactly these classes.
    """

    stand_in: Callable[[Any], Shared | None] | None = None
    reducers: Mapping[type, Callable[[Any], Any]] = field(default_factory=dict)


PLAIN = Packing()
"""Nothing special."""


class _Packer(Pickler):  # type: ignore[misc]
    """A cloudpickle pickler that leaves shared objects behind and remembers which."""

    def __init__(self, file: io.BytesIO, packing: Packing) -> None:
        if packing.reducers:  # before the pickler is set up: it looks for its table then, and never again
            self.dispatch_table: Any = Pickler.dispatch_table.new_child(dict(packing.reducers))
        super().__init__(file)
        self.needs: dict[str, Shared] = {}
        self._stand_in = packing.stand_in

    def persistent_id(self, obj: Any) -> str | None:
        shared = obj if isinstance(obj, Shared) else self._stand_in and self._stand_in(obj)
        if not shared:
            return None
        self.needs[shared.key] = shared
        return shared.key


class _Unpacker(pickle.Unpickler):
    """Finds shared objects in a cache."""

    def __init__(self, message: bytes, load: Callable[[str], Any]) -> None:
        super().__init__(io.BytesIO(message))
        self._load = load

    def persistent_load(self, pid: str) -> Any:
        return self._load(pid)


def pack(content: Any, packing: Packing, tail: bytes = b"") -> tuple[bytes, dict[str, Shared]]:
    """Pickle a message; shared objects in it are replaced by their keys.

    Parameters
    ----------
    content : object
    packing : Packing
    tail : bytes
        Follows the pickle, where `unpack` does not look.

    Returns
    -------
    message : bytes
    needs : dict of str to Shared
        What the message refers to.
    """
    buffer = io.BytesIO()
    packer = _Packer(buffer, packing)
    packer.dump(content)
    buffer.write(tail)
    return buffer.getvalue(), packer.needs


def contents(value: Any) -> Contents:
    """Pickle an object, its buffers apart and without a copy.

    The arrays in it come back as read-only views. Those that do not fill their memory, like some columns of a table,
    come back with the same strides: numpy would copy them into the pickle, and out of it on every worker.
    """
    buffers: list[pickle.PickleBuffer] = []
    file = io.BytesIO()
    pickler = _ContentsPickler(file, protocol=5, buffer_callback=buffers.append)
    pickler.dump(value)
    return file.getbuffer(), [buffer.raw() for buffer in buffers]


def small(parts: Contents) -> Small | None:
    """Return a pickled object as it travels with a message, or None if it is not small."""
    content, buffers = parts
    if content.nbytes + sum(buffer.nbytes for buffer in buffers) > SMALL_BYTES:
        return None
    return bytes(content), [bytes(buffer) for buffer in buffers]


def large(parts: Contents) -> Any:
    """Return a pickled object as it is put into the store: without a copy on the way."""
    content, buffers = parts
    return pickle.PickleBuffer(content), [pickle.PickleBuffer(buffer) for buffer in buffers]


def _reduce_array(array: np.ndarray[Any, Any]) -> Any:
    """Reduce an array, whatever its strides, to what is pickled without a copy in it."""
    if array.flags.forc or array.dtype.hasobject:
        return array.__reduce_ex__(5)
    steps = [(length - 1) * stride for length, stride in zip(array.shape, array.strides, strict=True)]
    before = -sum(step for step in steps if step < 0)  # bytes in front of the first value
    span = before + sum(step for step in steps if step > 0) + array.itemsize
    if span > MOST_SPAN * array.nbytes:
        return np.ascontiguousarray(array).__reduce_ex__(5)
    memory = np.asarray(_Memory(array, before, span))
    return np.ndarray, (array.shape, array.dtype, memory, before, array.strides)


class _Memory:
    """The memory that an array lies in; numpy reads the interface, and holds on to the object."""

    def __init__(self, array: np.ndarray[Any, Any], before: int, span: int) -> None:
        self._array = array
        address = array.__array_interface__["data"][0] - before
        self.__array_interface__ = {"data": (address, True), "shape": (span,), "typestr": "|u1", "version": 3}


class _ContentsPickler(Pickler):  # type: ignore[misc]
    dispatch_table = Pickler.dispatch_table.new_child({np.ndarray: _reduce_array})


def unpack(message: bytes, load: Callable[[str], Any]) -> Any:
    """Unpickle a message made by `pack`; `load` turns a key into the shared object."""
    return _Unpacker(message, load).load()


@contextlib.contextmanager
def translate_pickling_errors() -> Iterator[None]:
    """Say what cannot be pickled in our own words; joblib's users expect a PicklingError, which ours is too."""
    try:
        yield
    except (TypeError, AttributeError, pickle.PicklingError) as error:
        raise Unpicklable(f"It cannot be sent to the workers: {error}") from error
