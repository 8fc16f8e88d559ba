"""What the measurements amount to: medians with least and most, ratios, and what they were measured on."""

from __future__ import annotations

import os
import platform
import statistics
from collections import Counter
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import joblib

from raysk.bench.workloads import WORKLOADS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from raysk.bench.request import Arm

SCHEMA = 1

TELLING_S = 1.0
"""Below this, in seconds, a time is mostly start and chance, and so is its ratio to another."""
PACKAGES = ("ray", "scikit-learn", "joblib", "numpy", "distributed")


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
        row["same_best"] = _has_same_best(row, rows)
    return {"schema": SCHEMA, "machine": machine(), "repeat": repeat, "results": rows}


def too_short(rows: Sequence[dict[str, Any]]) -> list[str]:
    """Return the workloads that some backend ran in so short a time that ratios tell little; not simulated ones."""
    of = Counter(row["workload"] for row in rows)
    timed = (row for row in rows if row["scale"] and row["time_s"] and of[row["workload"]] > 1)
    return list(dict.fromkeys(row["workload"] for row in timed if row["time_s"]["median"] < TELLING_S))


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
        "scale": None if request.simulate else request.scale,
        "nodes": request.nodes,
        "simulate": request.simulate,
        "workers": results[0]["workers"] if results else None,
        "unit": WORKLOADS[request.workload].unit,
        "units": units,
        "measured": len(results),
        "time_s": of("time_s"),
        "busy": of("busy"),
        "fits_done": of("fits_done"),
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


def _has_same_best(row: dict[str, Any], rows: Sequence[dict[str, Any]]) -> bool | None:
    """Tell whether all other backends chose a row's best candidate; None where there is nothing to compare."""
    alike = [each["best"] for each in rows if each["workload"] == row["workload"] and each is not row]
    others = [best for best in alike if best is not None]
    return all(best == row["best"] for best in others) if others and row["best"] is not None else None


def machine() -> dict[str, Any]:
    """Return what the measurements were made on."""
    return {
        "cpus": joblib.cpu_count(),
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
    "fits done",
    "same best",
    "busy",
    "driver us/unit",
    "driver MB",
    "all MB",
    "first fit",
)


def cells(row: dict[str, Any]) -> list[str]:
    """Return a row of the report in words, one for each of COLUMNS; what was not measured is empty."""
    if row["time_s"] is None:
        return [label(row), f"failed: {row['error']}".splitlines()[0], *[""] * (len(COLUMNS) - 2)]
    time_s, busy, done = row["time_s"], row["busy"], row.get("fits_done")  # older reports lack it
    return [
        label(row) + (f" ({row['measured']} of the measurements; others failed)" if row["error"] else ""),
        f"{time_s['median']:.2f} s",
        f"{time_s['min']:.2f}-{time_s['max']:.2f}" if time_s["min"] < time_s["max"] else "",
        *(f"{row[ratio]:.2f}" if row[ratio] else "" for ratio in ("ratio_to_loky", "ratio_to_ideal")),
        f"{done['median']:.0%}" if done else "",
        {True: "yes", False: "no", None: ""}[row["same_best"] if done else None],
        f"{busy['median']:.1%}" if busy else "",
        *(
            f"{row[key]['median']:,.0f}" if row[key] else ""
            for key in ("driver_cpu_us", "driver_peak_mb", "all_peak_mb")
        ),
        f"{row['cold_start_s']['median']:.1f} s" if row["cold_start_s"] else "",
    ]


def label(row: dict[str, Any]) -> str:
    """Return what a row's backend is called: with its nodes, where they were chosen."""
    if row["simulate"]:
        fit_s = row["simulate"]["fit_s"]
        sleeps = "" if fit_s is None else f", {fit_s * 1000:g} ms fits"
        return f"{row['backend']}, {row['nodes']} x {row['simulate']['cpus_per_node']} simulated CPUs{sleeps}"
    return (
        str(row["backend"])
        if row["nodes"] is None
        else f"{row['backend']}, {row['nodes']} node" + "s" * (row["nodes"] > 1)
    )


def title(rows: Sequence[dict[str, Any]]) -> str:
    """Return what rows of one workload are a measurement of."""
    sizes = dict.fromkeys(f"{row['units']:,} {row['unit']}s" for row in rows if row["units"])
    scale = rows[0]["scale"]
    return f"{rows[0]['workload']}: {' or '.join(sizes)}" + (f", scale {scale:.3g}" if scale else "")


def on(machine: dict[str, Any]) -> str:
    """Return in words what was measured on."""
    versions = ", ".join(f"{name} {number}" for name, number in machine["versions"].items() if number)
    return (
        f"{machine['cpus']} CPUs ({machine['processor']}, {machine['memory_gb']:g} GB), {machine['system']}, "
        f"Python {machine['python']}, {versions}"
    )
