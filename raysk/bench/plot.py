"""The article's bar chart: how many times as fast as loky each backend is, workload by workload."""

from __future__ import annotations

import html
import importlib.util
import io
import textwrap
from typing import Any

from raysk.bench.report import label, on, title
from raysk.errors import InputError

FORMATS = {".svg": "svg", ".png": "png", ".html": "svg"}
"""What a chart's file name may end in -> what is drawn."""

FOOTER_WIDTH = 80
"""Characters of the smallest letters that fit under one workload's bars."""

COLORS = {"raysk": "tab:orange", "ideal": "lightgray"}


def check_matplotlib() -> None:
    """Fail before anything is measured if no chart could be drawn.

    Raises
    ------
    InputError
        If matplotlib is not installed.
    """
    if importlib.util.find_spec("matplotlib") is None:
        raise InputError("--plot needs matplotlib: pip install 'raysk[bench]'")


def drawn(report: dict[str, Any], suffix: str) -> bytes:
    """Draw a report.

    Parameters
    ----------
    report : dict
        See `raysk.bench.report.report`.
    suffix : str
        One of FORMATS.

    Returns
    -------
    content : bytes
        Of the file.
    """
    picture = _picture(report, FORMATS[suffix])
    if suffix != ".html":
        return picture
    svg = picture.decode("utf-8")
    svg = svg[svg.index("<svg") :]
    page = '<!doctype html><html lang="en"><meta charset="utf-8"><title>raysk bench</title>'
    return f"{page}<h1>raysk bench</h1><p>{html.escape(on(report['machine']))}</p>{svg}</html>\n".encode()


def _picture(report: dict[str, Any], format_: str) -> bytes:
    import matplotlib as mpl
    from matplotlib.figure import Figure

    rows = report["results"]
    workloads = list(dict.fromkeys(row["workload"] for row in rows))
    figure = Figure(figsize=(4.5 * len(workloads), 4.5), layout="constrained")
    for axes, workload in zip(figure.subplots(1, len(workloads), squeeze=False)[0], workloads, strict=True):
        _draw(axes, [row for row in rows if row["workload"] == workload])
    figure.supxlabel(
        textwrap.fill(on(report["machine"]), FOOTER_WIDTH * len(workloads), break_on_hyphens=False), fontsize=6
    )
    stream = io.BytesIO()
    with mpl.rc_context({"svg.fonttype": "none"}):  # text stays text
        figure.savefig(stream, format=format_, dpi=150)
    return stream.getvalue()


def _draw(axes: Any, rows: list[dict[str, Any]]) -> None:
    """Draw one workload's bars."""
    done = [row for row in rows if row["time_s"]]
    against_loky = any(row["ratio_to_loky"] for row in done)
    lengths = [1 / row["ratio_to_loky"] if against_loky else row["units"] / row["time_s"]["median"] for row in done]
    bars = axes.barh(
        [label(row) for row in done], lengths, color=[COLORS.get(row["backend"], "tab:gray") for row in done]
    )
    axes.bar_label(bars, [f"{row['time_s']['median']:.1f} s" for row in done], padding=2)
    axes.invert_yaxis()
    axes.margins(x=0.2)
    axes.set_title(title(rows))
    axes.set_xlabel("speed, loky = 1: longer is faster" if against_loky else f"{rows[0]['unit']}s a second")
