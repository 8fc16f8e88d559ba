"""Measures one arm after the other, each in a process of its own; watches its memory and compares the answers."""

from __future__ import annotations

import contextlib
import importlib.util
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from raysk.bench.arm import BACKENDS, ON_A_CLUSTER, Request
from raysk.bench.memory import Peak, descendants
from raysk.bench.report import machine
from raysk.bench.workloads import WORKLOADS, digest
from raysk.errors import BenchFailed
from raysk.events import Event, null_sink

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from raysk.events import Sink

TIME_S = 10.0
"""How long a workload should take on this machine at best if no scale is given, in seconds."""

LOOK_S = 0.2
"""How often memory is looked at, in seconds."""

ONE_THREAD = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "BLIS_NUM_THREADS")
"""Every backend runs one fit per CPU, so each fit gets one thread."""


@dataclass(frozen=True, kw_only=True)
class Measured(Event):
    """One measurement is done, or failed: `number` of `of`."""

    number: int
    of: int
    workload: str
    backend: str
    result: dict[str, Any]


@dataclass(kw_only=True)
class Arm:
    """One workload on one backend, and its measurements.

    Parameters
    ----------
    request : Request
    results : list of dict
        Of the measurements that succeeded; see `raysk.bench.arm.measure`.
    error : str or None
        Why the last one that failed did.
    """

    request: Request
    results: list[dict[str, Any]] = field(default_factory=list)
    error: str | None = None


def installed() -> list[str]:
    """Return the backends that can be used here."""
    return [name for name in BACKENDS if name != "dask" or importlib.util.find_spec("distributed")]


def requests(  # noqa: PLR0913 - what a person can choose
    workloads: Sequence[str],
    backends: Sequence[str],
    *,
    scale: float | None,
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
        None chooses one for each workload, that takes about TIME_S on this machine.
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
        A measurement is given up after so long, in seconds.
    sink : callable
        Takes `Measured`.

    Returns
    -------
    arms : list of Arm

    Raises
    ------
    BenchFailed
        If two backends gave different answers to the same workload.
    """
    arms = [Arm(request=request) for request in wanted]
    number = 0
    for _ in range(repeat):
        for arm in arms:
            number += 1
            result = _measure(arm.request, limit_s)
            arm.error = result.get("error")
            if arm.error is None:
                arm.results.append(result)
            request = arm.request
            sink(
                Measured(
                    number=number,
                    of=repeat * len(arms),
                    workload=request.workload,
                    backend=request.backend,
                    result=result,
                )
            )
    compare(arms)
    return arms


def _measure(request: Request, limit_s: float) -> dict[str, Any]:
    """Measure once, in a process of its own; a failure is a result with ``error``."""
    with tempfile.TemporaryDirectory(prefix="raysk-bench-") as folder:
        out, said = Path(folder, "result.json"), Path(folder, "stderr")
        text = replace(request, started_at=time.time()).text()
        with said.open("wb") as stderr:
            process = subprocess.Popen(
                [sys.executable, "-m", "raysk.bench.arm", text, str(out)],
                stdin=subprocess.DEVNULL,
                stdout=stderr,
                stderr=stderr,
                env=os.environ | dict.fromkeys(ONE_THREAD, "1"),
                start_new_session=True,  # Ctrl-C is ours to pass on
            )
            peak = _watch(process, limit_s)
        if process.returncode != 0:
            return {"error": _reason(process.returncode, said, limit_s)}
        result: dict[str, Any] = json.loads(out.read_text(encoding="utf-8"))
    before = result.pop("driver_before_mb", None)
    if peak is not None:
        grown = None if before is None else max(peak.driver_mb - before, 0.0)
        result |= {"driver_peak_mb": peak.driver_mb, "driver_grown_mb": grown, "all_peak_mb": peak.all_mb}
    if result["answer"] is not None:
        result["answer"] = digest(result["answer"])
    return result


def _watch(process: subprocess.Popen[bytes], limit_s: float) -> Peak | None:
    """Wait for a process, looking at its memory; end it, and all it started, when time is up or we are."""
    peak, deadline = Peak(), time.monotonic() + limit_s
    try:
        while time.monotonic() < deadline:
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(LOOK_S)
                break
            peak.look(process.pid)
    finally:
        if process.poll() is None:
            for each in [process.pid, *descendants(process.pid)]:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(each, signal.SIGKILL)
            process.wait()
    return peak if peak.all_mb else None


def _reason(code: int, said: Path, limit_s: float) -> str:
    if code == -signal.SIGKILL:
        return f"took longer than {limit_s:g} s, or more memory than there is"
    lines = [line for line in said.read_text(encoding="utf-8", errors="replace").splitlines() if line.strip()]
    return lines[-1].strip()[:300] if lines else f"ended with exit code {code}"


def compare(arms: Sequence[Arm]) -> None:
    """Raise `BenchFailed` if two backends gave different answers to the same workload."""
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
