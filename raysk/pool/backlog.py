"""The units that are to be done, and the order in which they are handed out.

`raysk.pool.stream` asks a backlog for the next units whenever a worker has room. Pieces is the plain one: all units, in
their order. The schedules of a search (`raysk.plans.schedule`) decide anew with every result.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

if TYPE_CHECKING:
    from collections.abc import Hashable, Sequence

PIECE = 2**16
"""Millions of units are cut into pieces of so many first: what is left of one is copied for every message that is cut
off it, and no message has more."""


@runtime_checkable
class Backlog(Protocol):
    """Units that are not handed out yet."""

    @property
    def left(self) -> int:
        """How many units may still be handed out now; none for the moment, perhaps, while others run."""

    def take(self, count: int, worker: Hashable) -> Sequence[Any]:
        """Hand out the next units, at most so many, and at least one as long as any is left.

        Parameters
        ----------
        count : int
        worker : hashable
            Names the worker that will probably do them, as `Block.worker`; None where that is unknown.
        """

    def put_back(self, units: Sequence[Any]) -> None:
        """Take units back that a worker did not begin; they are next."""


class Pieces:
    """All units, in their order.

    Parameters
    ----------
    units : sequence
        Must support slicing.
    """

    def __init__(self, units: Sequence[Any]) -> None:
        self.left = len(units)
        self._parts = deque(units[at : at + PIECE] for at in range(0, len(units), PIECE))

    def take(self, count: int, worker: Hashable) -> Sequence[Any]:  # noqa: ARG002 - the same for all
        """Cut the next units off."""
        units = self._parts.popleft()
        if count < len(units):
            self._parts.appendleft(units[count:])
        part = units[:count]
        self.left -= len(part)
        return part

    def put_back(self, units: Sequence[Any]) -> None:
        """Put units in front of the others."""
        if len(units):
            self._parts.appendleft(units)
            self.left += len(units)
