"""How a result travels back: as one piece of bytes, which Ray passes on as it is.

    worker                                    driver
    pack_reply(...) -> length, head, content  Reply.of(message) -> head is read, content stays as it is

The content is pickled in-band: arrays that come back are writable and own their memory. Views into the object store
would save a copy, but mapping fresh shared memory costs the driver as much (measured with forests).
"""

from __future__ import annotations

import pickle
import traceback
from dataclasses import dataclass

LENGTH_BYTES = 8
"""Size of the number that a reply begins with: the length of its head."""


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
        What it took on the worker, in seconds.
    """

    ok: bool
    content: bytes | memoryview
    frames: list[traceback.FrameSummary]
    wall_s: float
    cpu_s: float

    @classmethod
    def of(cls, message: bytes) -> Reply:
        """Read what `pack_reply` wrote, without copying the content."""
        view = memoryview(message)
        start = LENGTH_BYTES + int.from_bytes(view[:LENGTH_BYTES], "big")
        ok, places, wall_s, cpu_s = pickle.loads(view[LENGTH_BYTES:start])
        frames = list(traceback.StackSummary.from_list(places))
        return cls(ok=ok, content=view[start:], frames=frames, wall_s=wall_s, cpu_s=cpu_s)


def pack_reply(content: bytes, *, ok: bool, frames: list[traceback.FrameSummary], wall_s: float, cpu_s: float) -> bytes:
    """Return the message that `Reply.of` reads; the parameters are a `Reply`'s."""
    # Not the frames themselves: those of newer Pythons hold code, which plain pickle cannot take.
    places = [(frame.filename, frame.lineno, frame.name, frame.line) for frame in frames]
    head = pickle.dumps((ok, places, wall_s, cpu_s))
    return b"".join([len(head).to_bytes(LENGTH_BYTES, "big"), head, content])
