"""Connections that nobody has asked for by name: calls share one, and the last call closes it.

raysk.fit            borrow, give back
joblib's backend     standing: until the program ends, or connects by name
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from raysk.cluster.address import resolve
from raysk.cluster.connection import Cluster, current
from raysk.errors import UsageError

if TYPE_CHECKING:
    from raysk.jobs import Resources
    from raysk.pool import Pool

_borrowers: dict[Cluster, int] = {}
"""Such connections, and how many use each."""

_standing: list[Cluster] = []
"""The one of them that joblib's backend uses, until the program ends or connects by name."""

_lock = threading.RLock()


def borrow(address: str | None, resources: Resources | None = None) -> Cluster:
    """Return the connection that is open, or a new one; calls of other threads share it, and the last one closes it."""
    with _lock:
        running = current()
        if running is None:
            running = Cluster(address, resources=resources)
            _borrowers[running] = 0
        elif address is not None and resolve(address) != running.address:
            raise UsageError(
                f"address={address!r}: this program is connected to {running.address or 'a Ray of its own'} already.\n"
                "Close that connection first, or leave address out to use it."
            )
        elif resources is not None and resources != running.resources:
            raise UsageError(
                "resources: this program is connected already, with others.\n"
                "Give them to raysk.connect, or close that connection first."
            )
        if running in _borrowers:
            _borrowers[running] += 1
        return running


def give_back(borrowed: Cluster) -> None:
    """Close a connection that was borrowed, if nobody else uses it."""
    with _lock:
        if borrowed not in _borrowers:  # a `connect` block's own, which closes it
            return
        _borrowers[borrowed] -= 1
        if not _borrowers[borrowed]:
            del _borrowers[borrowed]
            borrowed.close()


def standing_pool() -> Pool:
    """Return the running cluster's pool, or that of one that stands until the program ends."""
    with _lock:
        running = current()
        if running is None or (running in _borrowers and running not in _standing):
            running = borrow(None)
            _standing.append(running)
        return running.pool


def leave_standing() -> None:
    """Close the connection that nobody asked for by name: its workers hold the CPUs."""
    with _lock:
        while _standing:
            give_back(_standing.pop())
