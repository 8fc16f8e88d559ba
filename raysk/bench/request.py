"""What is measured, and what came of it."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from typing import Any

BACKENDS = ("raysk", "ray", "loky", "multiprocessing", "threading", "dask", "sequential", "ideal")
ON_A_CLUSTER = ("raysk", "ray")
IN_THE_DRIVER = ("threading", "sequential", "ideal")
"""Backends with no driver apart from the workers, so that its CPU time says nothing."""


@dataclass(frozen=True, kw_only=True)
class Request:
    """What to measure.

    Parameters
    ----------
    workload, backend : str
    scale : float
    cpus : int
        Workers on this machine; on a cluster there are as many as its nodes have CPUs.
    address : str or None
        Of a cluster, for the backends that can use one; None means this machine.
    nodes : int or None
        How many nodes of that cluster to use; None means all.
    simulate : dict or None
        See `raysk.bench.nodes`; None means that fits are fits.
    started_at : float
        When the process was started, as a time of `time.time`.
    """

    workload: str
    backend: str
    scale: float
    cpus: int
    address: str | None = None
    nodes: int | None = None
    simulate: dict[str, Any] | None = None
    started_at: float = 0.0

    def text(self) -> str:
        """Return the request as JSON."""
        return json.dumps(asdict(self))


@dataclass(kw_only=True)
class Arm:
    """One workload on one backend, and its measurements.

    Parameters
    ----------
    request : Request
    results : list of dict
        Of the measurements that succeeded; see `raysk.bench.arm.measure`.
    error : str or None
        Why the last one that failed did, if any.
    """

    request: Request
    results: list[dict[str, Any]] = field(default_factory=list)
    error: str | None = None
