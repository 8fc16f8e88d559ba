"""Several nodes simulated on this machine: separate Ray nodes and object stores, fits replaced by sleeps.

What is measured is what dispatch costs: sleeping fits need no CPU, so a small machine can stand for a large cluster.
``busy`` is the share of the workers' time that went into ``fit`` and ``score``, as scikit-learn measures them; what it
does before and after counts as idle. A forest's workers sleep, too, and then hand back trees that were grown before:
what the driver does with these is no simulation.
"""

from __future__ import annotations

import contextlib
import functools
import gc
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from raysk.bench import backends
from raysk.bench.workloads import FOLDS, WORKLOADS, Work

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from raysk.bench.request import Request

STORE_BYTES = 2**30
SAMPLE_UNITS = 10 * FOLDS
"""So many fits of a workload are done to learn how long its fits take."""

BUSY_S = 20.0
"""How long a simulated run should take at best, in seconds: long enough that its two ends weigh little."""


def measure(request: Request) -> dict[str, Any]:
    """Carry out a request with simulated nodes; ``request.simulate`` has ``nodes``, ``cpus_per_node``, ``fit_s``."""
    simulate = request.simulate or {}
    slots = simulate["nodes"] * simulate["cpus_per_node"]
    sample, lengths = _sample(request)
    if simulate["fit_s"] is not None:
        lengths = [simulate["fit_s"]]
    with _cluster(simulate["nodes"], simulate["cpus_per_node"]) as address:
        there = replace(request, address=address, nodes=None, simulate=None)
        with backends.ready(there) as (fit, _):
            run = functools.partial(_grow, sample) if _is_fed(request) else functools.partial(_sleep, fit)
            run([0.0], 2 * slots)
            cold_start_s = time.time() - request.started_at
            backends.wait_for_workers()
            run([0.05], 4 * slots)
            gc.freeze()  # as the command line does
            begin, cpu = time.perf_counter(), time.process_time()
            units, in_fits_s = run(lengths, max(round(BUSY_S * slots * len(lengths) / sum(lengths)), slots))
            time_s, driver_cpu_s = time.perf_counter() - begin, time.process_time() - cpu
    return {
        "time_s": time_s,
        "busy": in_fits_s / (slots * time_s),
        "cold_start_s": cold_start_s,
        "driver_cpu_s": driver_cpu_s,
        "workers": slots,
        "units": units,
        "answer": None,
        "best": None,
    }


def _sample(request: Request) -> tuple[Any, list[float]]:
    """Fit a sample of a workload here; returns it, and how long its fits took one after the other, in seconds."""
    workload = WORKLOADS[request.workload]
    small = workload.small(FOLDS)
    small.estimator.fit(small.X, small.y)  # imports
    work = workload.make(SAMPLE_UNITS, request.scale)
    begin = time.perf_counter()
    fitted = work.estimator.fit(work.X, work.y)
    if not hasattr(fitted, "cv_results_"):
        return fitted, [(time.perf_counter() - begin) / work.units]
    times: list[float] = (fitted.cv_results_["mean_fit_time"] + fitted.cv_results_["mean_score_time"]).tolist()
    return fitted, times


def _is_fed(request: Request) -> bool:
    """Tell whether grown trees can be handed back: only raysk's workers can be told to."""
    return request.backend == "raysk" and WORKLOADS[request.workload].unit == "tree"


def _grow(sample: Any, lengths: list[float], units: int) -> tuple[int, float]:
    """Fit a forest whose trees are those of a sample, in turn; returns how many, and the time slept, in seconds."""
    from raysk import cluster
    from raysk.bench.grown import GrownTrees
    from raysk.plans import forest

    connected, (tree_s,) = cluster.current(), lengths
    assert connected is not None  # noqa: S101 - the backend is ready
    work = WORKLOADS["forest"].make(min(units, WORKLOADS["forest"].units), 0.0)  # more would not fit into memory
    grown = GrownTrees(sample.estimators_, tree_s)
    forest.fit(connected.pool, work.estimator, work.X, work.y, {}, grow=grown)
    return work.units, tree_s * work.units


def _sleep(fit: Callable[[Work], backends.Fitted], lengths: list[float], units: int) -> tuple[int, float]:
    """Fit a search whose fits sleep; returns how many, and the time that they took, in seconds."""
    work = _sleeping(lengths, units)
    results = fit(work).estimator.cv_results_
    return work.units, FOLDS * float((results["mean_fit_time"] + results["mean_score_time"]).sum())


def _sleeping(lengths: list[float], units: int) -> Work:
    """Return a search whose fits sleep for these lengths, in turn."""
    import numpy as np
    from sklearn.model_selection import GridSearchCV

    from raysk.bench.sleeper import Sleeper

    count = max(units // FOLDS, 1)
    space = {"seconds": [lengths[number % len(lengths)] for number in range(count)]}
    X = np.arange(2.0 * FOLDS).reshape(-1, 1)
    search = GridSearchCV(Sleeper(), space, cv=FOLDS, refit=False)
    return Work(estimator=search, X=X, y=np.arange(2 * FOLDS) % 2, units=count * FOLDS)


@contextlib.contextmanager
def _cluster(nodes: int, cpus: int) -> Iterator[str]:
    """Start Ray nodes on this machine, as private as a Ray of our own; yields their address."""
    from raysk._compat import ray as ray_private
    from raysk.cluster.private_ray import Private

    private = Private()
    try:
        from ray.cluster_utils import Cluster

        options = {"num_cpus": cpus, "object_store_memory": STORE_BYTES, "node_ip_address": "127.0.0.1"}
        with ray_private.simulated_nodes():
            simulated = Cluster(
                initialize_head=True,
                head_node_args={**options, "include_dashboard": False, "temp_dir": str(private.folder / "ray")},
            )
            try:
                for _ in range(nodes - 1):
                    simulated.add_node(**options)
                yield simulated.address
            finally:
                simulated.shutdown()
    finally:
        private.remove()
