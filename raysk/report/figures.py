"""Figures of one run, in Plotly's own JSON; colours are names of the page's CSS variables, such as ``--accent``."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from raysk.report.words import label, number, rounded, seconds

if TYPE_CHECKING:
    from raysk.history.candidates import CandidateTable
    from raysk.report.parameters import Column
    from raysk.report.timeline import Timeline

    Floats = np.ndarray[Any, np.dtype[np.float64]]
    Rows = np.ndarray[Any, np.dtype[np.intp]]
    Figure = dict[str, Any]

MOST_POINTS = 800
MOST_POINTS_OF_PANEL = 250
"""Each point is an element of the page: 12 panels of 2,000 take 3 s to draw."""

PANEL_HEIGHT = 240
LONGEST_TITLE = 32
CROWDED = 26
"""Names of categories with more characters than this in all stand askew below a panel."""

BINS = 40
WIDE = 50.0
"""Fit times that differ by this factor are shown on a logarithmic axis."""

JITTER = 0.22
"""How far the points of a category are spread, of the distance between two."""


def thinned(order: Rows, most: int) -> Rows:
    """Return rows to draw, the worst first: the best third of what can be drawn, and every so-manieth of the others.

    Parameters
    ----------
    order : ndarray
        All rows, the best first.
    """
    if len(order) <= most:
        return order[::-1]
    best, others = order[: most // 3], order[most // 3 :]
    chosen = others[np.linspace(0, len(others) - 1, most - len(best)).astype(int)]
    return np.concatenate([best, chosen])[::-1]


def score_range(scores: Floats) -> tuple[float, float] | None:
    """Return the range of scores to draw: without outliers far below, which would press all others into a line."""
    if not len(scores):
        return None
    low, tenth, high = float(scores.min()), float(np.quantile(scores, 0.1)), float(scores.max())
    if tenth - low > 2 * (high - tenth) > 0:
        low = tenth - (high - tenth)
    room = (high - low) * 0.05 or abs(high) * 0.05 or 0.05
    return low - room, high + room


def axis_of_scores(title: str, extent: tuple[float, float] | None) -> dict[str, Any]:
    """Return a Plotly axis of scores."""
    return {"title": {"text": label(title)}} | ({} if extent is None else {"range": rounded(extent, 6)})


def score_over_time(  # noqa: PLR0913 - what is drawn, and how
    table: CandidateTable, at: Floats, rows: Rows, metric: str, *, is_time: bool, extent: tuple[float, float] | None
) -> Figure:
    """Return the scores of candidates in the order in which they were done, and the best so far.

    Parameters
    ----------
    at : ndarray of shape (n,)
        When each candidate was done, in seconds, or its number.
    rows : ndarray
        The candidates with a score, the best first.
    """
    mean = table.mean[table.metric]
    drawn = thinned(rows, MOST_POINTS)
    in_order = rows[np.argsort(at[rows], kind="stable")]
    best = np.maximum.accumulate(mean[in_order])
    steps = np.concatenate([[0], np.flatnonzero(np.diff(best) > 0) + 1, [len(best) - 1]])
    unit = "seconds since the first fit began" if is_time else "candidate"
    return {
        "data": [
            {
                "type": "scatter", "mode": "markers", "name": "candidate",
                "x": rounded(at[drawn]), "y": rounded(mean[drawn]), "customdata": table.numbers[drawn].tolist(),
                "marker": {"size": 5, "color": "--point", "opacity": 0.55},
                "hovertemplate": "candidate %{customdata}: %{y:.4g}<extra></extra>",
            },
            {
                "type": "scatter", "mode": "lines", "name": "best so far",
                "x": rounded(at[in_order[steps]]), "y": rounded(best[steps]),
                "line": {"shape": "hv", "width": 2.5, "color": "--accent"},
                "hovertemplate": "best so far: %{y:.4g}<extra></extra>",
            },
        ],
        "layout": {"height": 320, "xaxis": {"title": {"text": unit}}, "yaxis": axis_of_scores(metric, extent)},
    }  # fmt: skip


def panel(table: CandidateTable, column: Column, rows: Rows, extent: tuple[float, float] | None, title: str) -> Figure:
    """Return one parameter against the score, categories as strips; a part of the figure of `panels`.

    Parameters
    ----------
    rows : ndarray
        The candidates with a score, the best first.
    title : str
        Plain text.
    """
    mean = table.mean[table.metric]
    rows = rows[np.isfinite(column.at[rows])]
    spread = np.zeros(len(table)) if column.categories is None else _jitter(len(table))
    value = "" if column.categories else "%{x:.4g}, "
    looks: list[tuple[Rows, dict[str, Any]]] = [
        (thinned(rows, MOST_POINTS_OF_PANEL), {"size": 5, "color": "--point", "opacity": 0.5}),
        (rows[:1], {"size": 11, "color": "--accent", "line": {"width": 2, "color": "--surface"}}),
    ]
    traces = [
        {
            "type": "scatter", "mode": "markers", "x": rounded(column.at[each] + spread[each]),
            "y": rounded(mean[each]), "customdata": table.numbers[each].tolist(), "marker": marker,
            "hovertemplate": "candidate %{customdata}: " + value + "%{y:.4g}<extra></extra>",
        }
        for each, marker in looks
    ]  # fmt: skip
    crowded = sum(map(len, column.categories or ())) > CROWDED
    return {
        "title": label(title, LONGEST_TITLE), "data": traces, "room": 76 if crowded else 28,
        "xaxis": _axis_of(column), "yaxis": axis_of_scores("", extent) | {"nticks": 5},
    }  # fmt: skip


def panels(each: list[Figure]) -> Figure:
    """Return one figure of panels, which the page puts side by side: it takes a third of the time of one for each."""
    return {"data": [], "panels": each, "layout": {"height": PANEL_HEIGHT, "showlegend": False}}


def _axis_of(column: Column) -> dict[str, Any]:
    if column.categories is not None:
        count = len(column.categories)
        return {
            "tickvals": list(range(count)),
            "ticktext": [label(name) for name in column.categories],
            "range": [-0.5, count - 0.5],
        }
    return (
        {"type": "log", "exponentformat": "power", "nticks": 6, "tickfont": {"size": 10}}
        if column.is_log
        else {"nticks": 6}
    )


def _jitter(count: int) -> Floats:
    """Return where points stand beside the middle of their category: spread evenly, and the same each time."""
    golden = 0.6180339887498949
    spread: Floats = ((np.arange(count, dtype=np.float64) * golden) % 1.0 - 0.5) * 2 * JITTER
    return spread


def folds_of_top(table: CandidateTable, rows: Rows, metric: str) -> Figure:
    """Return the scores of the best candidates over the splits, a line each."""
    splits, mean = table.splits[table.metric][rows], table.mean[table.metric][rows]
    places = np.arange(len(rows))
    ends = np.stack([splits.min(axis=1), splits.max(axis=1), np.full(len(rows), np.nan)], axis=1)
    traces: list[dict[str, Any]] = [
        {
            "mode": "lines", "x": rounded(ends.ravel()), "y": np.repeat(places, 3).tolist(), "hoverinfo": "skip",
            "line": {"width": 2, "color": "--grid"}, "showlegend": False,
        },
        {
            "mode": "markers", "name": "split", "x": rounded(splits.ravel()),
            "y": np.repeat(places, splits.shape[1]).tolist(),
            "customdata": np.tile(np.arange(splits.shape[1]), len(rows)).tolist(),
            "marker": {"size": 6, "color": "--point", "opacity": 0.7},
            "hovertemplate": "split %{customdata}: %{x:.4g}<extra></extra>",
        },
        {
            "mode": "markers", "name": "mean", "x": rounded(mean), "y": places.tolist(),
            "marker": {"size": 10, "color": "--accent", "symbol": "line-ns-open", "line": {"width": 3}},
            "hovertemplate": "mean: %{x:.4g}<extra></extra>",
        },
    ]  # fmt: skip
    if table.metric in table.train_mean:
        traces.append({
            "mode": "markers", "name": "mean of training scores", "x": rounded(table.train_mean[table.metric][rows]),
            "y": places.tolist(), "marker": {"size": 8, "color": "--warm", "symbol": "diamond-open"},
            "hovertemplate": "training: %{x:.4g}<extra></extra>",
        })  # fmt: skip
    ticks = {"tickvals": places.tolist(), "ticktext": [f"#{at + 1}" for at in places]}
    return {
        "data": [{"type": "scatter", **trace} for trace in traces],
        "layout": {
            "height": 90 + 20 * len(rows),
            "xaxis": {"title": {"text": label(metric)}},
            "yaxis": ticks | {"range": [len(rows) - 0.5, -0.5], "showgrid": False},
        },
    }


def work(timeline: Timeline) -> Figure:
    """Return the work of each worker as bars, a lane each; lines are drawn much faster than bars are."""
    lanes = timeline.lanes
    height = int(np.clip(600 / len(lanes), 8, 26))
    traces: list[dict[str, Any]] = []
    for failed, name, color in ((False, "fit", "--accent"), (True, "failed", "--bad")):
        x, y, texts = [], [], []
        for at, lane in enumerate(lanes):
            chosen = lane.failed == failed
            bars = np.stack([lane.start[chosen], lane.end[chosen], np.full(chosen.sum(), np.nan)], axis=1)
            x += rounded(bars.ravel(), 7)
            y += [at] * (3 * int(chosen.sum()))
            for start, end, fits in zip(lane.start[chosen], lane.end[chosen], lane.fits[chosen], strict=True):
                texts += [_bar_text(end - start, int(fits))] * 2 + [""]
        if x:
            traces.append({
                "type": "scatter", "mode": "lines", "name": name, "x": x, "y": y, "text": texts,
                "line": {"width": height * 0.65, "color": color, "simplify": False},
                "hovertemplate": "%{text}<extra></extra>",
            })  # fmt: skip
    names = [lane.worker for lane in lanes]
    several = len({name.rpartition(":")[0] for name in names}) > 1
    shown = [label(name if several else name.rpartition(":")[2], 16) for name in names]
    every = max(1, len(lanes) // 24)
    return {
        "data": traces,
        "layout": {
            "height": 90 + height * len(lanes),
            "xaxis": {"title": {"text": "seconds since the first fit began"}, "range": [0, timeline.span_s]},
            "yaxis": {
                "tickvals": list(range(0, len(lanes), every)), "ticktext": shown[::every],
                "range": [len(lanes) - 0.5, -0.5], "showgrid": False, "title": {"text": "worker"},
            },
        },
    }  # fmt: skip


def _bar_text(time_s: float, fits: int) -> str:
    return seconds(time_s) if fits == 1 else f"{fits:,} fits in {seconds(time_s)}"


def fit_times(times: Floats) -> Figure:
    """Return how long fits took, as a histogram; by the logarithm if they differ much."""
    low = max(float(times.min()), 1e-6)
    is_log = float(times.max()) > WIDE * low
    at = np.log10(np.maximum(times, low)) if is_log else times
    counts, edges = np.histogram(at, bins=BINS)
    ends = 10**edges if is_log else edges
    bars = {
        "type": "bar", "x": rounded((edges[1:] + edges[:-1]) / 2), "y": counts.tolist(),
        "width": rounded(np.diff(edges)), "marker": {"color": "--accent", "line": {"width": 0}},
        "text": [f"{seconds(a)} to {seconds(b)}" for a, b in pairwise(ends)],
        "textposition": "none", "hovertemplate": "%{y} fits of %{text}<extra></extra>",
    }  # fmt: skip
    decades = [float(each) for each in range(int(np.floor(edges[0])), int(np.ceil(edges[-1])) + 1)] if is_log else []
    ticks = {"tickvals": decades, "ticktext": [seconds(10**each) for each in decades]} if is_log else {}
    axis = {"title": {"text": "time of a fit" if is_log else "seconds a fit"}, **ticks}
    return {
        "data": [bars],
        "layout": {"height": 240, "bargap": 0.02, "xaxis": axis, "yaxis": {"title": {"text": "fits"}}},
    }


def rungs(table: CandidateTable, metric: str) -> Figure:
    """Return the scores of each round of halving."""
    rounds, mean = table.rounds, table.mean[table.metric]
    assert rounds is not None  # noqa: S101 - the caller has asked
    known = np.flatnonzero(np.isfinite(mean))
    at = rounds[known] + _jitter(len(table))[known]
    last = int(rounds.max())
    best = [float(np.nanmax(mean[rounds == number])) if np.isfinite(mean[rounds == number]).any() else np.nan
            for number in range(last + 1)]  # fmt: skip
    return {
        "data": [
            {
                "type": "scatter", "mode": "markers", "name": "candidate", "x": rounded(at), "y": rounded(mean[known]),
                "customdata": table.numbers[known].tolist(),
                "marker": {"size": 5, "color": "--point", "opacity": 0.55},
                "hovertemplate": "candidate %{customdata}: %{y:.4g}<extra></extra>",
            },
            {
                "type": "scatter", "mode": "lines+markers", "name": "best of the round",
                "x": list(range(last + 1)), "y": rounded(best), "line": {"width": 2, "color": "--accent"},
                "marker": {"size": 8, "color": "--accent"}, "hovertemplate": "best: %{y:.4g}<extra></extra>",
            },
        ],
        "layout": {
            "height": 300, "yaxis": axis_of_scores(metric, score_range(mean[known])),
            "xaxis": {"tickvals": list(range(last + 1)), "ticktext": [f"round {each}" for each in range(last + 1)]},
        },
    }  # fmt: skip


def rung_rows(table: CandidateTable) -> list[list[str]]:
    """Return a row for each round of halving: candidates, resources, best and median score."""
    assert table.rounds is not None  # noqa: S101 - the caller has asked
    found = []
    for each in np.unique(table.rounds):
        rows = np.flatnonzero(table.rounds == each)
        mean = table.mean[table.metric][rows]
        mean = mean[np.isfinite(mean)]
        resources = f"{int(table.resources[rows[0]]):,}" if table.resources is not None else "-"
        ends = [number(float(mean.max())), number(float(np.median(mean)))] if len(mean) else ["-", "-"]
        found.append([str(int(each)), f"{len(rows):,}", resources, *ends])
    return found
