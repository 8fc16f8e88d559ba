"""The connection of a Python program as a place to run a job."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from raysk.cluster.borrowing import borrow, give_back
from raysk.runner.where import Where

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from types import ModuleType

    from raysk import cluster
    from raysk.events import Sink
    from raysk.jobs import Resources
    from raysk.runner.where import Start


@dataclass(frozen=True, kw_only=True)
class Borrowed(Where):
    """The connection that is open, or one that this call opens and shares with those of other threads.

    Parameters
    ----------
    given : Resources or None
        What the caller asked for; None takes an open connection as it is.
    """

    given: Resources | None = None

    @contextlib.contextmanager
    def starting(self, _: Sink) -> Iterator[Start]:
        """Borrow the connection."""
        borrowed = borrow(self.address, self.given)
        try:
            yield _There(borrowed)
        finally:
            give_back(borrowed)

    def send(self, modules: Iterable[ModuleType]) -> None:
        """Send nothing: workers import the program's modules, with a run folder as without."""


@dataclass(frozen=True)
class _There:
    """A cluster that need not be waited for."""

    running: cluster.Cluster

    def result(self) -> cluster.Cluster:
        return self.running
