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

from ray import cloudpickle

from raysk.errors import Unpicklable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping


SMALL_BYTES = 2**16
"""What is at most so large travels with a message."""


Small: TypeAlias = "tuple[bytes, list[bytes]]"
"""A small object, pickled, and its buffers apart, so that its arrays are read-only, as those from the store. No class
of ours: it would travel too."""


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


class _Packer(cloudpickle.Pickler):  # type: ignore[misc]
    """A cloudpickle pickler that leaves shared objects behind and remembers which."""

    def __init__(self, file: io.BytesIO, packing: Packing) -> None:
        if packing.reducers:  # before the pickler is set up: it looks for its table then, and never again
            self.dispatch_table: Any = cloudpickle.Pickler.dispatch_table.new_child(dict(packing.reducers))
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


class _TooLarge(Exception):  # noqa: N818 - ends the pickling
    pass


class _SmallFile:
    """What a small object is pickled into."""

    def __init__(self) -> None:
        self._left = SMALL_BYTES
        self.parts: list[bytes] = []
        self.buffers: list[bytes] = []

    def write(self, data: bytes) -> None:
        self.parts.append(self._taken(data))

    def keep(self, buffer: pickle.PickleBuffer) -> None:
        self.buffers.append(self._taken(buffer.raw()))

    def _taken(self, data: bytes | memoryview) -> bytes:
        self._left -= len(data)
        if self._left < 0:
            raise _TooLarge
        return bytes(data)


def small(value: Any) -> Small | None:
    """Pickle an object if it is small; return None, as soon as that is known, if it is not."""
    file = _SmallFile()
    try:
        cloudpickle.Pickler(file, protocol=5, buffer_callback=file.keep).dump(value)
    except _TooLarge:
        return None
    return b"".join(file.parts), file.buffers


def fetched(ref: Any) -> Any:
    """Return the object that a worker gets by a `Shared.ref`."""
    if isinstance(ref, tuple):
        content, buffers = ref
        return pickle.loads(content, buffers=buffers)
    import ray

    return ray.get(ref)


def unpack(message: bytes, load: Callable[[str], Any]) -> Any:
    """Unpickle a message made by `pack`; `load` turns a key into the shared object."""
    return _Unpacker(message, load).load()


@contextlib.contextmanager
def travelling() -> Iterator[None]:
    """Say what cannot be pickled in our own words; joblib's users expect a PicklingError, which ours is too."""
    try:
        yield
    except (TypeError, AttributeError, pickle.PicklingError) as error:
        raise Unpicklable(f"It cannot be sent to the workers: {error}") from error
