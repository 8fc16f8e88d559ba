"""One measurement: what runs in a process of its own.

    connect, fit five units   -> cold_start_s: since the process was started
    fit a few dozen units     -> every worker is warm
    fit the workload          -> time_s, driver_cpu_s, its answer

Run as a script; it reads the `Request` from its argument, and writes the result, one JSON object, into a file.
"""

from __future__ import annotations

import contextlib
import json
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from raysk.bench.workloads import Work

FIRST_UNITS = 5
WARM_UNITS_PER_CPU = 25

JOBLIBS_OWN = ("loky", "multiprocessing", "threading", "sequential")
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


def measure(request: Request) -> dict[str, Any]:
    """Carry out a request; returns what `raysk.bench.report` reads."""
    from raysk.bench import ideal
    from raysk.bench.workloads import WORKLOADS, answer

    workload = WORKLOADS[request.workload]
    if request.backend == "ideal":
        time_s, pieces = ideal.run(request.workload, request.scale, request.cpus)
        return {"time_s": time_s, "units": len(pieces), "answer": pieces, "best": ""}
    with backend(request) as fit:
        fit(workload.small(FIRST_UNITS))
        cold_start_s = time.time() - request.started_at
        fit(workload.small(WARM_UNITS_PER_CPU * request.cpus))
        work = workload.at(request.scale)
        before_mb, begin, cpu = private_mb(), time.perf_counter(), time.process_time()
        fitted = fit(work)
        time_s, driver_cpu_s = time.perf_counter() - begin, time.process_time() - cpu
        pieces, best = answer(fitted)
    return {
        "time_s": time_s,
        "cold_start_s": cold_start_s,
        "driver_cpu_s": None if request.backend in IN_THE_DRIVER else driver_cpu_s,
        "driver_before_mb": before_mb,
        "units": work.units,
        "answer": pieces,
        "best": best,
    }


def private_mb() -> float | None:
    """Return how much memory this process alone uses, in MB; None where the system does not tell."""
    from raysk.bench.memory import private_and_shared

    found = private_and_shared("self")
    return None if found is None else found[0]


@contextlib.contextmanager
def backend(request: Request) -> Iterator[Callable[[Work], Any]]:
    """Make a backend ready; yields a function that fits a workload on it."""
    if request.backend == "raysk":
        with _on_raysk(request) as fit:
            yield fit
        return
    import joblib

    with _for_joblib(request) as options, joblib.parallel_config(**options):
        yield lambda work: work.estimator.fit(work.X, work.y)


@contextlib.contextmanager
def _on_raysk(request: Request) -> Iterator[Callable[[Work], Any]]:
    from raysk import api
    from raysk.cluster import Cluster
    from raysk.jobs import Resources

    with Cluster(request.address or "local", resources=Resources(nodes=request.nodes)):
        yield lambda work: api.fit(work.estimator, work.X, work.y)


@contextlib.contextmanager
def _for_joblib(request: Request) -> Iterator[dict[str, Any]]:
    """Prepare one of joblib's backends; yields what to tell joblib."""
    if request.backend in JOBLIBS_OWN:
        yield {"backend": request.backend, "n_jobs": request.cpus}
    elif request.backend == "ray":
        from raysk import cluster

        with cluster.Cluster(request.address or "local", warm=False) as connected:
            cluster.register_rays_own_backend()
            # It cannot be kept to some nodes; it gets as many jobs as those have CPUs.
            per_node = connected.cpus // connected.nodes
            yield {"backend": "ray", "n_jobs": per_node * (request.nodes or connected.nodes)}
    elif request.backend == "dask":
        from distributed import Client, LocalCluster

        # Processes with one thread each: the article's Dask ran on threads, which made it look bad.
        with (
            LocalCluster(
                n_workers=request.cpus, threads_per_worker=1, processes=True, dashboard_address=None, silence_logs=50
            ) as workers,
            Client(workers),
        ):
            yield {"backend": "dask", "n_jobs": request.cpus}
    else:
        raise ValueError(f"unknown backend {request.backend!r}")


def main(argument: str, path: str) -> None:
    """Carry out the request in the argument, and write the result into a file."""
    request = Request(**json.loads(argument))
    if request.simulate is None:
        result = measure(request)
    else:
        from raysk.bench import nodes

        result = nodes.measure(request)
    Path(path).write_text(json.dumps(result), encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
