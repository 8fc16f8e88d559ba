"""What can be handed to the pool."""

from __future__ import annotations

import traceback
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from raysk.pool.shared import PLAIN, Packing, pack

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Sequence
    from concurrent.futures import Future

    from raysk.pool.shared import Shared


KEY_BYTES = 8
"""Size of the number that a message ends with: it names the task, also to who does not unpickle it."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Task:
    """A function to run on a worker.

    Parameters
    ----------
    function : callable or Shared
        Called as ``function(*args)``, or as ``function(*args, units)`` when there are units.
    args : tuple
        Small arguments, and `Shared` ones, which arrive as the objects they stand for.
    units : sequence or None
        What the task can be split into. The function then returns an iterable with one value per unit, in
        order. None means that the task is one piece.
    patience_s : float or None
        After this many seconds the worker hands back the units it has not begun, and is asked for those that are
        done while another goes on. None means never.
    limit_s : float or None
        A unit that takes longer than this, in seconds, is given up, and its worker replaced. None means never.
    repeatable : bool
        Whether an idle worker may start it a second time when it takes long.
    lone : bool
        Whether it gets the CPUs of idle workers too where nothing else is in the pool; see `raysk.pool.cpu_loans`.
    packing : Packing
        How to pickle it.
    near : hashable
        Names the worker that should run it if no other has less to do, as `Block.worker`; None means any.
    """

    function: Callable[..., Any] | Shared
    args: tuple[Any, ...] = ()
    units: Sequence[Any] | None = None
    patience_s: float | None = None
    limit_s: float | None = None
    repeatable: bool = False
    lone: bool = False
    packing: Packing = PLAIN
    near: Hashable = None

    def pack(self, key: int, units: Sequence[Any] | None) -> tuple[bytes, dict[str, Shared]]:
        """Make the message that asks a worker for these units of the task, and names them by a number."""
        content = (key, self.function, self.args, units, self.patience_s)
        return pack(content, self.packing, tail=key.to_bytes(KEY_BYTES, "big"))


NOTHING = Task(function=int)
"""What a worker is sent to hear some news, or to say that it lives; it takes no time."""


def key_of(message: bytes) -> int:
    """Return the number that names a message's task."""
    return int.from_bytes(message[-KEY_BYTES:], "big")


@dataclass(frozen=True, kw_only=True)
class Block:
    """The result of a task with units.

    Parameters
    ----------
    units : sequence
        The units that are done: all of the task's, or the first of them if patience ran out; there may be none.
    values : list
        One value per unit; a `TaskLost` for a unit that was given up.
    wall_s : float
        What they took on the worker, in seconds.
    going_on : concurrent.futures.Future or None
        Of the block with the unit after these, which the worker goes on with. None means that it ended with them.
    worker : hashable
        Names the worker that did them; None where there were several.
    node : str or None
        The node of that worker.
    """

    units: Sequence[Any]
    values: list[Any]
    wall_s: float
    going_on: Future[Block] | None = None
    worker: Hashable = None
    node: str | None = None


class RemoteTraceback(Exception):  # noqa: N818 - shown as the cause of an error, never raised
    """Where on a worker an exception was raised; set as the exception's `__cause__`.

    Parameters
    ----------
    frames : list of traceback.FrameSummary
    earlier : str
        The tracebacks of the exceptions before it, its cause or its context, as Python shows them.
    """

    def __init__(self, frames: list[traceback.FrameSummary], earlier: str = "") -> None:
        super().__init__(frames, earlier)
        self.frames, self.earlier = frames, earlier

    def __str__(self) -> str:
        here = "Traceback on the worker (most recent call last):\n" + "".join(traceback.format_list(self.frames))
        return f"\n{self.earlier}{here}"
