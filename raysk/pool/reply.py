"""How a result travels back: as one piece of bytes, which Ray passes on as it is.

    worker                                       driver
    Packed(value) -> content                     Reply.of(message) -> tail is read, content stays as it is
    .message(...) -> content, tail, its length
                     and beside it the arrays that are `ZeroCopy`

The tail comes last so that the value is pickled straight into the message: each copy of a large one costs as much as
the page faults of the memory it needs. The content is pickled in-band: arrays that come back are writable and own
their memory. Only what the driver reads at once, and drops, may come as a view into the object store.
"""

from __future__ import annotations

import io
import pickle
import traceback
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from raysk.pool.ray.pickling import Pickler

if TYPE_CHECKING:
    from collections.abc import Sequence

Message: TypeAlias = "bytes | tuple[Any, ...]"
"""Bytes, which Ray passes on as they are; or a tuple of these and buffers, which it copies once, into its store."""

LENGTH_BYTES = 8
"""Size of the number that a reply ends with: the length of its tail."""


@dataclass(frozen=True)
class Reply:
    """What a worker sends back.

    Parameters
    ----------
    ok : bool
    content : bytes or memoryview
        Pickled value, or pickled exception.
    frames : list of traceback.FrameSummary
        Where the exception was raised; empty when `ok`.
    wall_s, cpu_s : float
        What it took on the worker, in seconds; without what news of it took, which said so.
    earlier : str
        What came before the exception, as `RemoteTraceback` has it.
    buffers : sequence of buffer
        The arrays beside the content.
    memory : (int, int) or None
        What memory its node has, and what of it is free, in bytes; None from a worker that has just told.
    """

    ok: bool
    content: bytes | memoryview
    frames: list[traceback.FrameSummary]
    wall_s: float
    cpu_s: float
    earlier: str = ""
    buffers: Sequence[Any] = ()
    memory: tuple[int, int] | None = None

    @classmethod
    def of(cls, message: Message) -> Reply:
        """Read what `Packed.message` wrote, without copying the content."""
        whole, *buffers = (message,) if isinstance(message, bytes) else message
        view = memoryview(whole)
        end = len(view) - LENGTH_BYTES
        start = end - int.from_bytes(view[end:], "big")
        ok, (places, earlier), wall_s, cpu_s, memory = pickle.loads(view[start:end])
        frames = list(traceback.StackSummary.from_list(places))
        content = view[:start]
        more = {"earlier": earlier, "buffers": buffers, "memory": memory}
        return cls(ok=ok, content=content, frames=frames, wall_s=wall_s, cpu_s=cpu_s, **more)

    def unpacked(self) -> Any:
        """Return the value or the exception."""
        return pickle.loads(self.content, buffers=self.buffers)


@dataclass(frozen=True)
class Gone:
    """A worker is no longer there, or never came up; `reason` is one line."""

    reason: str


class ZeroCopy:
    """An array in a value that reaches the driver as a read-only view into Ray's store, and not as a copy.

    For what the driver reads at once: the view keeps its whole message in the store, and ends with the connection.

    Parameters
    ----------
    array : ndarray
        Contiguous.
    """

    def __init__(self, array: np.ndarray[Any, Any]) -> None:
        self.array = array


class _Pickler(Pickler):  # type: ignore[misc]
    """Leaves out the arrays that are `ZeroCopy`, and puts them into a list."""

    def __init__(self, file: io.BytesIO, left_out: list[pickle.PickleBuffer]) -> None:
        def leave_out(value: ZeroCopy) -> Any:
            left_out.append(pickle.PickleBuffer(value.array))  # type: ignore[arg-type]  # it is a buffer
            return np.ndarray, (value.array.shape, value.array.dtype, left_out[-1])

        # Before the pickler is set up: it looks for its table then, and never again.
        self.dispatch_table: Any = Pickler.dispatch_table.new_child({ZeroCopy: leave_out})
        super().__init__(file, protocol=5, buffer_callback=lambda buffer: buffer not in left_out)


class Packed:
    """A value or an exception on its way to the driver.

    Parameters
    ----------
    content : object
        What is pickled, at once.
    """

    def __init__(self, content: Any) -> None:
        self._file = io.BytesIO()
        self._buffers: list[pickle.PickleBuffer] = []
        _Pickler(self._file, self._buffers).dump(content)

    def unpacked(self) -> Any:
        """Return what the driver would get."""
        return pickle.loads(self._file.getbuffer(), buffers=self._buffers)

    def message(  # noqa: PLR0913 - all that a reply tells
        self,
        *,
        ok: bool,
        frames: list[traceback.FrameSummary],
        wall_s: float,
        cpu_s: float,
        earlier: str = "",
        memory: tuple[int, int] | None = None,
    ) -> Message:
        """Return the message that `Reply.of` reads; the parameters are a `Reply`'s."""
        # Not the frames themselves: those of newer Pythons hold code, which plain pickle cannot take.
        places = [(frame.filename, frame.lineno, frame.name, frame.line) for frame in frames]
        tail = pickle.dumps((ok, (places, earlier), wall_s, cpu_s, memory))
        self._file.write(tail)
        self._file.write(len(tail).to_bytes(LENGTH_BYTES, "big"))
        message = self._file.getvalue()
        return (message, *self._buffers) if self._buffers else message
