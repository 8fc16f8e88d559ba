"""What the measurements amount to: medians with least and most, ratios, and what they were measured on."""

from __future__ import annotations

import os
import platform
import statistics
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from raysk.bench.workloads import WORKLOADS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from raysk.bench.runner import Arm

SCHEMA = 1
PACKAGES = ("raysk", "ray", "scikit-learn", "joblib", "numpy", "distributed")


def report(arms: Sequence[Arm], *, repeat: int) -> dict[str, Any]:
    """Put the measurements together.

    Returns
    -------
    report : dict
        ``schema``, ``machine``, ``repeat`` and ``results``: a dict per arm, see `_row`.
    """
    rows = [_row(arm) for arm in arms]
    for row in rows:
        row["ratio_to_loky"] = _ratio(row, rows, "loky")
        row["ratio_to_ideal"] = _ratio(row, rows, "ideal")
    return {"schema": SCHEMA, "machine": machine(), "repeat": repeat, "results": rows}


def _row(arm: Arm) -> dict[str, Any]:
    """Return an arm's figures; each is a dict of median, min and max, or None where it was not measured.

    ``time_s`` and ``cold_start_s`` are in seconds, memory is in MB, ``driver_cpu_us`` is the driver's CPU time per
    unit in microseconds.
    """
    request, results = arm.request, arm.results
    units = results[0]["units"] if results else None

    def of(name: str, factor: float = 1.0) -> dict[str, float] | None:
        return spread([None if (value := result.get(name)) is None else value * factor for result in results])

    return {
        "workload": request.workload,
        "backend": request.backend,
        "scale": request.scale,
        "nodes": request.nodes,
        "cpus": request.cpus,
        "unit": WORKLOADS[request.workload].unit,
        "units": units,
        "time_s": of("time_s"),
        "busy": of("busy"),
        "driver_cpu_us": of("driver_cpu_s", 1e6 / units) if units else None,
        "driver_peak_mb": of("driver_peak_mb"),
        "driver_grown_mb": of("driver_grown_mb"),
        "all_peak_mb": of("all_peak_mb"),
        "cold_start_s": of("cold_start_s"),
        "best": results[0]["best"] if results else None,
        "error": arm.error,
    }


def spread(values: Sequence[float | None]) -> dict[str, float] | None:
    """Return median, least and most of what was measured; None if nothing was."""
    known = [value for value in values if value is not None]
    if not known:
        return None
    return {"median": statistics.median(known), "min": min(known), "max": max(known)}


def _ratio(row: dict[str, Any], rows: Sequence[dict[str, Any]], backend: str) -> float | None:
    """Return how many times as long as another backend's median a row's is."""
    other = next(
        (each for each in rows if (each["workload"], each["backend"]) == (row["workload"], backend) and each["time_s"]),
        None,
    )
    if other is None or row["time_s"] is None:
        return None
    return float(row["time_s"]["median"] / other["time_s"]["median"])


def machine() -> dict[str, Any]:
    """Return what the measurements were made on."""
    return {
        "cpus": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "processor": _processor(),
        "memory_gb": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "versions": {package: _version(package) for package in PACKAGES},
    }


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "")


COLUMNS = (
    "backend",
    "time",
    "least-most",
    "/ loky",
    "/ ideal",
    "busy",
    "driver us a unit",
    "driver MB",
    "all MB",
    "first fit",
)


def cells(row: dict[str, Any]) -> list[str]:
    """Return a row of the report in words, one for each of COLUMNS; what was not measured is empty."""
    name = row["backend"] if row["nodes"] is None else f"{row['backend']} {row['nodes']} nodes"
    if row["time_s"] is None:
        return [name, f"failed: {row['error']}", *[""] * (len(COLUMNS) - 2)]
    time_s, busy = row["time_s"], row["busy"]
    return [
        name,
        f"{time_s['median']:.2f} s",
        f"{time_s['min']:.2f}-{time_s['max']:.2f}" if time_s["min"] < time_s["max"] else "",
        *(f"{row[ratio]:.2f}" if row[ratio] else "" for ratio in ("ratio_to_loky", "ratio_to_ideal")),
        f"{busy['median']:.1%}" if busy else "",
        *(
            f"{row[key]['median']:,.0f}" if row[key] else ""
            for key in ("driver_cpu_us", "driver_peak_mb", "all_peak_mb")
        ),
        f"{row['cold_start_s']['median']:.1f} s" if row["cold_start_s"] else "",
    ]
