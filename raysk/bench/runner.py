"""Measures one arm after the other, each in a process of its own; watches its memory and compares the answers."""

from __future__ import annotations

import contextlib
import importlib.util
import json
import os
import signal
import subprocess
import tempfile
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from raysk.bench.process import Peak, command, end
from raysk.bench.report import machine
from raysk.bench.request import BACKENDS, ON_A_CLUSTER, Arm, Request
from raysk.bench.workloads import WORKLOADS, digest
from raysk.errors import BenchFailed
from raysk.events import Event, null_sink

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from raysk.events import Sink

TIME_S = 10.0
"""How long a workload should take on this machine at best if no scale is given, in seconds."""

LOOK_S = 0.5
"""How often memory is looked at, in seconds; a look takes some milliseconds."""

ONE_THREAD = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "BLIS_NUM_THREADS")
"""Every backend runs one fit per CPU, so each fit gets one thread; but for one that has the machine to itself."""


@dataclass(frozen=True, kw_only=True)
class Measuring(Event):
    """A measurement begins: `number` of `of`."""

    number: int
    of: int
    request: Request


@dataclass(frozen=True, kw_only=True)
class Measured(Measuring):
    """It is done, or failed: see `raysk.bench.arm.measure`, or ``error``."""

    result: dict[str, Any]


def installed() -> list[str]:
    """Return the backends that can be used here."""
    return [name for name in BACKENDS if name != "dask" or importlib.util.find_spec("distributed")]


FORKING = "multiprocessing"
"""Its workers are forks of a process that has had OpenMP's threads, for the data or a warm-up: a fit that uses OpenMP
waits for them for ever, so it is left out where fits use all threads."""


def requests(  # noqa: PLR0913 - what a person can choose
    workloads: Sequence[str],
    backends: Sequence[str],
    *,
    scale: float | None = None,
    cpus: int | None = None,
    address: str | None = None,
    nodes: Sequence[int | None] = (None,),
    simulate: Sequence[dict[str, Any]] = (),
) -> Iterator[Request]:
    """Yield what to measure, workload by workload.

    Parameters
    ----------
    workloads, backends : sequence of str
    scale : float or None
        None chooses one for each workload, that takes about TIME_S on this machine with nothing lost.
    cpus : int or None
        Workers on this machine; None means one for each CPU.
    address : str or None
        Of a cluster, which the backends of ON_A_CLUSTER use; None means this machine.
    nodes : sequence of int or None
        How many nodes of the cluster to use, in turn; None means all.
    simulate : sequence of dict
        Simulated nodes instead, for the backends of ON_A_CLUSTER; see `raysk.bench.nodes`.
    """
    cpus = cpus or machine()["cpus"]
    for name in workloads:
        size = WORKLOADS[name].scale_for(cpus, TIME_S) if scale is None else scale
        for backend in backends:
            if WORKLOADS[name].lone and backend == FORKING:
                continue
            request = Request(workload=name, backend=backend, scale=size, cpus=cpus)
            if simulate:
                yield from (replace(request, nodes=each["nodes"], simulate=each) for each in simulate)
            elif address is not None and backend in ON_A_CLUSTER:
                yield from (replace(request, address=address, nodes=count) for count in nodes)
            else:
                yield request


def run(wanted: Iterable[Request], *, repeat: int, limit_s: float, sink: Sink = null_sink) -> list[Arm]:
    """Measure everything ``repeat`` times, in turn.

    Parameters
    ----------
    wanted : iterable of Request
    repeat : int
    limit_s : float
        A measurement is given up after so long, in seconds, its start included.
    sink : callable
        Takes `Measuring` and `Measured`.

    Returns
    -------
    arms : list of Arm
    """
    arms = [Arm(request=request) for request in wanted]
    for number, arm in enumerate(arms * repeat, start=1):
        step: dict[str, Any] = {"number": number, "of": len(arms) * repeat, "request": arm.request}
        sink(Measuring(**step))
        result = _measure(arm.request, limit_s)
        if "error" in result:
            arm.error = result["error"]
        else:
            arm.results.append(result)
        sink(Measured(**step, result=result))
    return arms


def _measure(request: Request, limit_s: float) -> dict[str, Any]:
    """Measure once, in a process of its own; a failure is a result with ``error``."""
    with tempfile.TemporaryDirectory(prefix="raysk-bench-") as folder:
        out, said = Path(folder, "result.json"), Path(folder, "stderr")
        text = replace(request, started_at=time.time()).text()
        with said.open("wb") as stderr:
            process = subprocess.Popen(
                command("raysk.bench.arm", text, str(out)),
                stdin=subprocess.DEVNULL,
                stdout=stderr,
                stderr=stderr,
                env=os.environ | _threads(request.workload),
                start_new_session=True,  # Ctrl-C is ours to pass on
            )
            peak = _watch(process, limit_s)
        if peak is None:
            return {"error": f"took longer than {limit_s:g} s, its start included"}
        if process.returncode != 0:
            return {"error": _reason(process.returncode, said)}
        result: dict[str, Any] = json.loads(out.read_text(encoding="utf-8"))
    if "error" in result:
        return result
    before = result.pop("driver_before_mb", None)
    if peak.all_mb:
        result["driver_peak_mb"] = peak.driver_mb
        result["driver_grown_mb"] = None if before is None else max(peak.driver_mb - before, 0.0)
        result["all_peak_mb"] = peak.all_mb if request.address is None else None  # the rest is elsewhere
    if result["answer"] is not None:
        result["answer"] = digest(result["answer"])
    return result


def _threads(workload: str) -> dict[str, str]:
    lone = workload in WORKLOADS and WORKLOADS[workload].lone
    return {} if lone else dict.fromkeys(ONE_THREAD, "1")


def _watch(process: subprocess.Popen[bytes], limit_s: float) -> Peak | None:
    """Wait for a process, looking at its memory; end it, and all it started, when time is up or we are interrupted.

    Returns
    -------
    peak : Peak or None
        None if time was up.
    """
    peak, deadline = Peak(), time.monotonic() + limit_s
    try:
        while time.monotonic() < deadline:
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(LOOK_S)
                return peak
            peak.look(process.pid)
    finally:
        if process.poll() is None:
            end(process)
    return None


def _reason(code: int, said: Path) -> str:
    if code == -signal.SIGKILL:
        return "it was killed: there may not be enough memory"
    lines = [line for line in said.read_text(encoding="utf-8", errors="replace").splitlines() if line.strip()]
    return lines[-1].strip()[:300] if lines else f"ended with exit code {code}"


def compare(arms: Sequence[Arm]) -> None:
    """Raise `BenchFailed` if nothing was measured, or two backends gave different answers to the same workload."""
    if not any(arm.results for arm in arms):
        raise BenchFailed(f"Nothing could be measured; the last backend says:\n{arms[-1].error}")
    for name in dict.fromkeys(arm.request.workload for arm in arms):
        given: dict[str, list[str]] = {}
        for arm in arms:
            for result in arm.results:
                if arm.request.workload == name and result["answer"] is not None:
                    given.setdefault(result["answer"], []).append(arm.request.backend)
        if len(given) > 1:
            groups = "; ".join(", ".join(sorted(set(backends))) for backends in given.values())
            raise BenchFailed(
                f"The backends disagree on {name}: {groups}.\nThey must give the same scores and trees to the last bit."
            )
