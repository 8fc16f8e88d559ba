"""How a result travels back: as one piece of bytes, which Ray passes on as it is.

    worker                                       driver
    Packed(value) -> content                     Reply.of(message) -> tail is read, content stays as it is
    .message(...) -> content, tail, its length

The tail comes last so that the value is pickled straight into the message: each copy of a large one costs as much as
the page faults of the memory it needs. The content is pickled in-band: arrays that come back are writable and own
their memory. Views into the object store would save the driver a copy, but mapping fresh shared memory costs it as
much (measured with forests).
"""

from __future__ import annotations

import io
import pickle
import traceback
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Sequence

from raysk.pool.ray.pickling import Pickler

Message: TypeAlias = "bytes | tuple[bytes, ...]"

APART_BYTES = 2**16

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
    """

    ok: bool
    content: bytes | memoryview
    frames: list[traceback.FrameSummary]
    wall_s: float
    cpu_s: float
    earlier: str = ""
    buffers: Sequence[Any] = ()

    def unpacked(self) -> Any:
        """Return the value, or the exception."""
        return pickle.loads(self.content, buffers=self.buffers)

    @classmethod
    def of(cls, message: Message) -> Reply:
        """Read what `Packed.message` wrote, without copying the content."""
        message, *buffers = (message,) if isinstance(message, bytes) else message
        view = memoryview(message)
        end = len(view) - LENGTH_BYTES
        start = end - int.from_bytes(view[end:], "big")
        ok, (places, earlier), wall_s, cpu_s = pickle.loads(view[start:end])
        frames = list(traceback.StackSummary.from_list(places))
        return cls(
            ok=ok, content=view[:start], buffers=buffers, frames=frames, earlier=earlier, wall_s=wall_s, cpu_s=cpu_s
        )


@dataclass(frozen=True)
class Gone:
    """A worker is no longer there, or never came up; `reason` is one line."""

    reason: str


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
        Pickler(self._file, protocol=5, buffer_callback=self._keep_in_band).dump(content)

    def _keep_in_band(self, buffer: pickle.PickleBuffer) -> bool:
        """Tell whether an array travels inside the pickle; put it beside that if not."""
        raw = buffer.raw()
        if not raw.readonly or raw.nbytes < APART_BYTES:
            return True
        self._buffers.append(buffer)
        return False

    def unpacked(self) -> Any:
        """Return what the driver would get."""
        return pickle.loads(self._file.getbuffer(), buffers=self._buffers)

    def message(
        self, *, ok: bool, frames: list[traceback.FrameSummary], wall_s: float, cpu_s: float, earlier: str = ""
    ) -> Message:
        """Return the message that `Reply.of` reads; the parameters are a `Reply`'s."""
        # Not the frames themselves: those of newer Pythons hold code, which plain pickle cannot take.
        places = [(frame.filename, frame.lineno, frame.name, frame.line) for frame in frames]
        tail = pickle.dumps((ok, (places, earlier), wall_s, cpu_s))
        self._file.write(tail)
        self._file.write(len(tail).to_bytes(LENGTH_BYTES, "big"))
        message = self._file.getvalue()
        return (message, *self._buffers) if self._buffers else message
