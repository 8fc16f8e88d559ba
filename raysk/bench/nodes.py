"""Several nodes simulated on this machine: separate Ray nodes and object stores, fits replaced by sleeps.

What is measured is what dispatch costs: sleeping fits need no CPU, so a small machine can stand for a large cluster.
``busy`` is the share of the workers' time that went into ``fit`` and ``score``, as scikit-learn measures them; what it
does before and after counts as idle.
"""

from __future__ import annotations

import contextlib
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from raysk.bench.workloads import FOLDS, WORKLOADS, Work

if TYPE_CHECKING:
    from collections.abc import Iterator

    from raysk.bench.arm import Request

STORE_BYTES = 100 * 2**20
SAMPLE = 20
"""So many fits of a workload are timed to learn how long its fits take."""

BUSY_S = 20.0
"""How long a simulated run should take at best, in seconds: long enough that its two ends weigh little."""


def measure(request: Request) -> dict[str, Any]:
    """Carry out a request with simulated nodes; ``request.simulate`` has ``nodes``, ``cpus_per_node``, ``fit_s``."""
    from raysk.bench import arm

    simulate = request.simulate or {}
    slots = simulate["nodes"] * simulate["cpus_per_node"]
    lengths = _lengths(request, simulate.get("fit_s"))
    with _cluster(simulate["nodes"], simulate["cpus_per_node"]) as address:
        there = replace(request, address=address, nodes=None, simulate=None)
        with arm.backend(there) as fit:
            fit(_sleeping([0.0], 2 * slots))
            cold_start_s = time.time() - request.started_at
            _wait_for_workers(slots)
            fit(_sleeping([0.05], 4 * slots))
            units = max(round(BUSY_S * slots * FOLDS / sum(lengths)), slots)
            work = _sleeping(lengths, units)
            begin, cpu = time.perf_counter(), time.process_time()
            fitted = fit(work)
            time_s, driver_cpu_s = time.perf_counter() - begin, time.process_time() - cpu
    results = fitted.cv_results_
    in_fits_s = FOLDS * float((results["mean_fit_time"] + results["mean_score_time"]).sum())
    return {
        "time_s": time_s,
        "busy": in_fits_s / (slots * time_s),
        "cold_start_s": cold_start_s,
        "driver_cpu_s": driver_cpu_s,
        "units": work.units,
        "answer": None,
        "best": "",
    }


def _wait_for_workers(slots: int) -> None:
    """Wait until raysk's workers are all up; other backends have theirs when their first fits are done."""
    from raysk import cluster

    running = cluster.current()
    deadline = time.monotonic() + 600
    while running is not None and running.pool.up < slots and time.monotonic() < deadline:
        time.sleep(0.1)


def _lengths(request: Request, fit_s: float | None) -> list[float]:
    """Return lengths of fits, in seconds: as asked for, or as a sample of the workload's takes here."""
    if fit_s is not None:
        return [fit_s] * FOLDS
    from raysk.bench import ideal

    workload = WORKLOADS[request.workload]
    work = workload.at(request.scale)
    lengths = []
    for number in range(min(SAMPLE, work.units)):
        begin = time.perf_counter()
        ideal.share(work, number * work.units // SAMPLE, work.units)
        lengths.append(time.perf_counter() - begin)
    return lengths


def _sleeping(lengths: list[float], units: int) -> Work:
    """Return a search whose fits sleep for these lengths, in turn."""
    import numpy as np
    from sklearn.model_selection import GridSearchCV

    count = max(units // FOLDS, 1)
    space = {"seconds": [lengths[number % len(lengths)] for number in range(count)]}
    X = np.arange(2.0 * FOLDS).reshape(-1, 1)
    search = GridSearchCV(_sleeper(), space, cv=FOLDS, refit=False)
    return Work(estimator=search, X=X, y=np.arange(2 * FOLDS) % 2, units=count * FOLDS)


def _sleeper() -> Any:
    from raysk.bench.sleeper import Sleeper

    return Sleeper()


@contextlib.contextmanager
def _cluster(nodes: int, cpus: int) -> Iterator[str]:
    """Start Ray nodes on this machine; yields their address."""
    from ray.cluster_utils import Cluster

    simulated = Cluster(initialize_head=True, head_node_args={"num_cpus": cpus, "object_store_memory": STORE_BYTES})
    try:
        for _ in range(nodes - 1):
            simulated.add_node(num_cpus=cpus, object_store_memory=STORE_BYTES)
        yield simulated.address
    finally:
        simulated.shutdown()
