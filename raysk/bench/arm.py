"""One measurement: what runs in a process of its own.

    connect, fit five units   -> cold_start_s: since the process was started
    fit a few dozen units     -> every worker is warm
    fit the workload          -> time_s (of a search that refits: the refit's), driver_cpu_s, its answer

`main` reads the `Request` from its argument, and writes the result, one JSON object, into a file.
"""

from __future__ import annotations

import contextlib
import gc
import json
import signal
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from raysk.bench.process import memory_mb
from raysk.errors import RayskError
from raysk.util import forks

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from raysk.bench.workloads import Work

WORKERS_S = 600.0
"""How long workers may take to be up, in seconds: a small machine that simulates a large cluster is slow."""

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
    if request.backend == "ideal" and not workload.lone:
        time_s, pieces = ideal.run(request.workload, request.scale, request.cpus)
        return {"time_s": time_s, "workers": request.cpus, "units": len(pieces), "answer": pieces, "best": None}
    with backend(request) as (fit, workers):
        fit(workload.small(FIRST_UNITS))
        cold_start_s = time.time() - request.started_at
        wait_for_workers()
        fit(workload.small(WARM_UNITS_PER_CPU * workers))
        work = workload.at(request.scale)
        gc.freeze()  # as the command line does, for every backend
        before, begin, cpu = memory_mb("self"), time.perf_counter(), time.process_time()
        fitted = fit(work)
        time_s, driver_cpu_s = time.perf_counter() - begin, time.process_time() - cpu
        time_s = getattr(fitted, "refit_time_", time_s)
        given, best = (None, None) if workload.lone else answer(fitted)
    return {
        "time_s": time_s,
        "cold_start_s": cold_start_s,
        "driver_cpu_s": None if request.backend in IN_THE_DRIVER else driver_cpu_s,
        "driver_before_mb": None if before is None else before[0],
        "workers": workers,
        "units": work.units,
        "answer": given,
        "best": best,
    }


def wait_for_workers() -> None:
    """Wait until raysk's workers are all up; other backends have theirs when their first fits are done."""
    from raysk import cluster

    running = cluster.current()
    deadline = time.monotonic() + WORKERS_S
    while running is not None and running.pool.up < running.pool.wanted and time.monotonic() < deadline:
        time.sleep(0.05)


@contextlib.contextmanager
def backend(request: Request) -> Iterator[tuple[Callable[[Work], Any], int]]:
    """Make a backend ready; yields a function that fits a workload on it, and its number of workers."""
    if request.backend == "raysk":
        with _on_raysk(request) as ready:
            yield ready
        return
    if request.backend == "ideal":
        yield lambda work: work.estimator.fit(work.X, work.y), request.cpus
        return
    import joblib

    with _for_joblib(request) as options, joblib.parallel_config(**options):
        yield lambda work: work.estimator.fit(work.X, work.y), options["n_jobs"]


@contextlib.contextmanager
def _on_raysk(request: Request) -> Iterator[tuple[Callable[[Work], Any], int]]:
    from raysk import api
    from raysk.cluster import Cluster
    from raysk.jobs import Resources

    resources = Resources(nodes=request.nodes, workers=request.cpus if request.address is None else None)
    with Cluster(request.address or "local", resources=resources) as cluster:
        yield lambda work: api.fit(work.estimator, work.X, work.y), cluster.pool.wanted


@contextlib.contextmanager
def _for_joblib(request: Request) -> Iterator[dict[str, Any]]:
    """Prepare one of joblib's backends; yields what to tell joblib."""
    if request.backend in JOBLIBS_OWN:
        yield {"backend": request.backend, "n_jobs": 1 if request.backend == "sequential" else request.cpus}
    elif request.backend == "ray":
        from raysk import cluster

        with cluster.Cluster(request.address or "local", warm=False) as connected:
            cluster.register_rays_own_backend()
            yield {"backend": "ray", "n_jobs": _rays_jobs(request, connected.cpus, connected.nodes)}
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


def _rays_jobs(request: Request, cpus: int, nodes: int) -> int:
    """Return how many jobs Ray's own backend gets; it cannot be kept to some nodes, so as many as those have CPUs."""
    if request.address is None:
        return request.cpus
    return cpus if request.nodes is None else cpus // nodes * request.nodes


def main(argument: str, path: str) -> None:
    """Carry out the request in the argument, and write the result into a file."""
    forks.end_when_told()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))  # so that all is closed in order
    request = Request(**json.loads(argument))
    try:
        if request.simulate is None:
            result = measure(request)
        else:
            from raysk.bench import nodes

            result = nodes.measure(request)
    except Exception as error:  # noqa: BLE001 - whatever a backend raises is its result
        result = {"error": f"{error}" if isinstance(error, RayskError) else f"{type(error).__name__}: {error}"}
    Path(path).write_text(json.dumps(result, default=str), encoding="utf-8")
