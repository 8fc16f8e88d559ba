"""One measurement: what runs in a process of its own.

    connect, fit five units   -> cold_start_s: since the process was started
    fit a few dozen units     -> every worker is warm
    fit the workload          -> time_s (of a search that refits: the refit's), driver_cpu_s, its answer

`main` reads the `Request` from its argument, and writes the result, one JSON object, into a file.
"""

from __future__ import annotations

import gc
import json
import signal
import sys
import time
from pathlib import Path
from typing import Any

from raysk.bench import backends
from raysk.bench.process import memory_mb
from raysk.bench.request import IN_THE_DRIVER, Request
from raysk.errors import RayskError
from raysk.util import forks

FIRST_UNITS = 5
WARM_UNITS_PER_CPU = 25


def measure(request: Request) -> dict[str, Any]:
    """Carry out a request; returns what `raysk.bench.report` reads."""
    from raysk.bench import ideal
    from raysk.bench.workloads import WORKLOADS, answer, answer_of_scores

    workload = WORKLOADS[request.workload]
    if request.backend == "ideal" and not workload.lone:
        time_s, pieces = ideal.run(request.workload, request.scale, request.cpus)
        result = {"time_s": time_s, "workers": request.cpus, "units": len(pieces), "answer": pieces, "best": None}
        if workload.unit == "fit":
            result["answer"], result["best"] = answer_of_scores(workload.at(request.scale), pieces)
        return result
    with backends.ready(request) as (fit, workers):
        fit(workload.small(FIRST_UNITS))
        cold_start_s = time.time() - request.started_at
        backends.wait_for_workers()
        fit(workload.small(WARM_UNITS_PER_CPU * workers))
        work = workload.at(request.scale)
        gc.freeze()  # as the command line does, for every backend
        before, begin, cpu = memory_mb("self"), time.perf_counter(), time.process_time()
        fitted, done = fit(work)
        time_s, driver_cpu_s = time.perf_counter() - begin, time.process_time() - cpu
        time_s = getattr(fitted, "refit_time_", time_s)
        given, best = (None, None) if workload.lone else answer(fitted, best_only=work.prune is not None)
    return {
        "time_s": time_s,
        "cold_start_s": cold_start_s,
        "driver_cpu_s": None if request.backend in IN_THE_DRIVER else driver_cpu_s,
        "driver_before_mb": None if before is None else before[0],
        "workers": workers,
        "units": work.units,
        "fits_done": done,
        "answer": given,
        "best": best,
    }


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
