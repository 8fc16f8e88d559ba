"""What each node does: its workers, and the memory that they see."""

from __future__ import annotations

from typing import TYPE_CHECKING

from raysk.events import NodeWork

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from raysk.pool.assignment import Slot

NAME_LENGTH = 8
"""So many characters of a node's id tell it from the others of a cluster."""


def node_name(node: str) -> str:
    """Return a node's id, short."""
    return node[:NAME_LENGTH]


class ByNode:
    """What is known of the nodes of a pool; written by its collector thread, read by any.

    Parameters
    ----------
    addresses : mapping of str to str
        By the ids of nodes that have said hello, see `raysk.pool.admission`.
    """

    def __init__(self, addresses: Mapping[str, str]) -> None:
        self._addresses = addresses
        self._memory: dict[str, tuple[int, int]] = {}

    def hear(self, node: str | None, memory: tuple[int, int] | None) -> None:
        """Take the memory of a node, in bytes, and what of it is free, if a worker there has looked."""
        if node is not None and memory is not None:
            self._memory[node] = memory

    def look(self, slots: Sequence[Slot]) -> tuple[NodeWork, ...]:
        """Return what each node does now, by their addresses."""
        found: dict[str, list[Slot]] = {}
        for slot in list(slots):
            if slot.node is not None:
                found.setdefault(slot.node, []).append(slot)
        each = (self._work(node, there) for node, there in found.items())
        return tuple(sorted(each, key=lambda work: (work.address, work.node)))

    def _work(self, node: str, slots: Sequence[Slot]) -> NodeWork:
        total, free = self._memory.get(node, (None, None))
        return NodeWork(
            node=node_name(node),
            address=self._addresses.get(node, node_name(node)),
            up=len(slots),
            busy=sum(bool(slot.queue) for slot in slots),
            memory_bytes=total,
            memory_free_bytes=free,
        )
