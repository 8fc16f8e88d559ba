"""The backends that are measured, made ready: each yields a function that fits a workload on it."""

from __future__ import annotations

import contextlib
import time
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from raysk.bench.request import Request
    from raysk.bench.workloads import Work

JOBLIBS_OWN = ("loky", "multiprocessing", "threading", "sequential")

WORKERS_S = 600.0
"""How long workers may take to be up, in seconds: a small machine that simulates a large cluster is slow."""


class Fitted(NamedTuple):
    """A workload that was fitted.

    Parameters
    ----------
    estimator : estimator
    fits_done : float or None
        The share of its fits that were done; None where it is known to be all of them.
    """

    estimator: Any
    fits_done: float | None = None


def wait_for_workers() -> None:
    """Wait until raysk's workers are all up; other backends have theirs when their first fits are done."""
    from raysk import cluster

    running = cluster.current()
    deadline = time.monotonic() + WORKERS_S
    while running is not None and running.pool.up < running.pool.wanted and time.monotonic() < deadline:
        time.sleep(0.05)


@contextlib.contextmanager
def ready(request: Request) -> Iterator[tuple[Callable[[Work], Fitted], int]]:
    """Make a backend ready; yields a function that fits a workload on it, and its number of workers."""
    if request.backend == "raysk":
        with _on_raysk(request) as ready:
            yield ready
        return
    if request.backend == "ideal":
        yield _fit, request.cpus
        return
    import joblib

    with _for_joblib(request) as options, joblib.parallel_config(**options):
        yield _fit, options["n_jobs"]


def _fit(work: Work) -> Fitted:
    """Fit a workload by scikit-learn."""
    return Fitted(work.estimator.fit(work.X, work.y))


@contextlib.contextmanager
def _on_raysk(request: Request) -> Iterator[tuple[Callable[[Work], Fitted], int]]:
    from raysk.cluster import Cluster
    from raysk.jobs import Resources

    resources = Resources(nodes=request.nodes, workers=request.cpus if request.address is None else None)
    with Cluster(request.address or "local", resources=resources) as cluster:
        yield _fit_on_raysk, cluster.pool.wanted


def _fit_on_raysk(work: Work) -> Fitted:
    """Fit a workload on the cluster that is connected."""
    from raysk import api
    from raysk.jobs import Shortcuts

    shortcuts = None if work.prune is None else Shortcuts(prune=work.prune)
    outcome = api.run(work.estimator, work.X, work.y, shortcuts=shortcuts)
    fits = outcome.fits + outcome.pruned
    return Fitted(outcome.estimator, (outcome.fits - outcome.saved - outcome.shared) / fits if fits else None)


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
