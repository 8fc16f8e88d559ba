"""What a worker reserves of its node, and how many have room on one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from raysk.errors import ClusterError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


@dataclass(frozen=True)
class Reservation:
    """What Ray sets aside for one worker.

    Parameters
    ----------
    cpus : int
    memory : int or None
        In bytes; None means any. Ray places workers by it, and does not hold them to it.
    """

    cpus: int = 1
    memory: int | None = None

    def room(self, node: Mapping[str, Any]) -> int:
        """Return how many workers a node, as Ray describes it, holds in all."""
        resources = node["Resources"]
        workers = int(resources.get("CPU", 0)) // self.cpus
        return workers if self.memory is None else min(workers, int(resources.get("memory", 0)) // self.memory)

    def bundle(self, workers: int) -> dict[str, float]:
        """Return what so many workers reserve together, for a placement group of Ray's."""
        memory = {} if self.memory is None else {"memory": self.memory * workers}
        return {"CPU": self.cpus * workers, **memory}

    def options(self) -> dict[str, Any]:
        """Return the actor options that reserve it."""
        return {"num_cpus": self.cpus} | ({} if self.memory is None else {"memory": self.memory})

    def check(self, nodes: Sequence[Mapping[str, Any]]) -> None:
        """Raise a `ClusterError` if no node has room for a worker."""
        if any(self.room(node) for node in nodes):
            return
        cpus = max((int(node["Resources"].get("CPU", 0)) for node in nodes), default=0)
        if not cpus:
            raise ClusterError(
                "This cluster has no CPU to work on.\nAdd a node, or ask its autoscaler for some with --workers N."
            )
        if cpus < self.cpus:
            raise ClusterError(f"--cpus-per-fit {self.cpus}: the largest node of this cluster has {cpus} CPUs.")
        large = [node["Resources"] for node in nodes if node["Resources"].get("CPU", 0) >= self.cpus]
        most = max(resources.get("memory", 0) for resources in large)
        raise ClusterError(
            f"A worker needs {self.memory or 0:,} bytes of memory; the most that a node with {self.cpus} CPUs has "
            f"here is {most:,.0f}.\n"
            "Ask for less with --memory-per-fit."
        )
