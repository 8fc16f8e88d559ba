"""The article's bar chart: how many times as fast as loky each backend is, workload by workload."""

from __future__ import annotations

import html
import io
from typing import TYPE_CHECKING, Any

from raysk.errors import InputError, UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

SUFFIXES = (".svg", ".png", ".html")
FORMATS = {".svg": "svg", ".png": "png", ".html": "svg"}


def check_plot(path: Path) -> None:
    """Fail before anything is measured if a chart could not be drawn there.

    Raises
    ------
    UsageError
        If the suffix is not one of SUFFIXES.
    InputError
        If matplotlib is not installed, or the folder is not there.
    """
    if path.suffix.lower() not in SUFFIXES:
        raise UsageError(f"--plot {path}: the name must end in {', '.join(SUFFIXES)}.")
    if not path.absolute().parent.is_dir():
        raise InputError(f"--plot {path}: there is no folder {str(path.absolute().parent)!r}.")
    try:
        import matplotlib.figure  # noqa: F401 - is it there?
    except ImportError as error:
        raise InputError("--plot needs matplotlib: pip install 'raysk[bench]'") from error


def draw(report: Mapping[str, Any], path: Path) -> None:
    """Draw a report as SVG, PNG or HTML, by the path's suffix; written whole or not at all.

    Parameters
    ----------
    report : mapping
        See `raysk.bench.report.report`.
    path : Path
    """
    suffix = path.suffix.lower()
    content = _picture(report["results"], FORMATS[suffix])
    if suffix == ".html":
        content = _page(content, report["machine"])
    whole = path.with_name(f".{path.name}.part")
    whole.write_bytes(content)
    whole.replace(path)


def label(row: Mapping[str, Any]) -> str:
    """Return what a row's backend is called: with its nodes, where they were chosen."""
    nodes = row["nodes"]
    return str(row["backend"]) if nodes is None else f"{row['backend']}, {nodes} node{'s' * (nodes != 1)}"


def _picture(rows: Sequence[Mapping[str, Any]], format_: str) -> bytes:
    from matplotlib.figure import Figure

    workloads = list(dict.fromkeys(row["workload"] for row in rows))
    figure = Figure(figsize=(4.2 * len(workloads), 4), layout="constrained")
    for axes, workload in zip(figure.subplots(1, len(workloads), squeeze=False)[0], workloads, strict=True):
        done = [row for row in rows if row["workload"] == workload and row["time_s"]]
        speeds = [_speed(row) for row in done]
        colors = ["tab:orange" if row["backend"] == "raysk" else "tab:gray" for row in done]
        bars = axes.barh([label(row) for row in done], speeds, color=colors)
        axes.bar_label(bars, labels=[f"{speed:.2f}" for speed in speeds], padding=2)
        axes.invert_yaxis()
        axes.margins(x=0.15)
        axes.set_title(f"{workload}: {done[0]['units']:,} {done[0]['unit']}s" if done else workload)
        against_loky = any(row["ratio_to_loky"] for row in done)
        axes.set_xlabel("time of loky / time" if against_loky else "units a second")
    stream = io.BytesIO()
    figure.savefig(stream, format=format_, dpi=150)
    return stream.getvalue()


def _speed(row: Mapping[str, Any]) -> float:
    return 1.0 / float(row["ratio_to_loky"]) if row["ratio_to_loky"] else float(row["units"] / row["time_s"]["median"])


def _page(svg: bytes, machine: Mapping[str, Any]) -> bytes:
    versions = ", ".join(f"{name} {number}" for name, number in machine["versions"].items() if number)
    on = f"{machine['cpus']} CPUs, {machine['processor']}, Python {machine['python']}, {versions}"
    picture = svg.decode("utf-8")
    picture = picture[picture.index("<svg") :]
    return (
        '<!doctype html><html lang="en"><meta charset="utf-8"><title>raysk bench</title>'
        f"<h1>raysk bench</h1><p>{html.escape(on)}</p>{picture}</html>\n"
    ).encode()
