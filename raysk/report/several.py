"""The sections of a report that compares several runs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from raysk.history.comparison import compare_runs
from raysk.report.figures import axis_of_scores
from raysk.report.heading import command_line, when
from raysk.report.page import Section
from raysk.report.parameters import short_names
from raysk.report.reading import mapping_of
from raysk.report.words import escape, label, number, rounded, score, seconds, table, value_text

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from raysk.history.comparison import Difference
    from raysk.report.page import Figures
    from raysk.report.reading import Reading

COLOURS = 6
MOST_STEPS = 1000


def heading(runs: Sequence[Reading]) -> str:
    """Return the HTML above the sections."""
    names = ", ".join(each.run.name for each in runs)
    return f'<h1>{len(runs)} runs compared</h1>\n<p class="quiet">{escape(names)}</p>'


def compared(runs: Sequence[Reading], drawn: Figures) -> Iterator[Section]:
    """Yield the sections: best scores side by side, how they were reached, the parameters of the best."""
    yield _scores(runs, drawn)
    scored = [each for each in runs if len(each.order)]
    if scored:
        yield _progress(scored, drawn)
        yield _parameters(scored)
    yield _commands(runs)


def _scores(runs: Sequence[Reading], drawn: Figures) -> Section:
    rows, found = [], []
    for each in runs:
        row = each.best
        at = (float("nan"), float("nan"))
        if each.table is not None and row is not None:
            at = (float(each.scores[row]), float(each.table.std[each.table.metric][row]))
        found.append(at)
        time_s = each.run.facts.get("time_s")
        took = seconds(time_s) if isinstance(time_s, int | float) else "-"
        size = "-" if each.table is None else f"{len(each.table):,}"
        rows.append([each.run.name, each.run.state, each.metric, score(*at), size, f"{_fits(each):,}", took])
    header = ["run", "state", "metric", "best score", "candidates", "fits", "time"]
    listed = table("The best of each run", header, rows, numbers=[3, 4, 5, 6])
    several = {each.metric for each in runs}
    warning = (
        "" if len(several) == 1 else '<p class="notice">The runs have different metrics: scores do not compare.</p>'
    )
    shown = drawn.add("best-scores", _best_scores(runs, found))
    return Section("scores", "Best scores", f"{warning}{shown}{listed}{_differences(runs)}")


def _differences(runs: Sequence[Reading]) -> str:
    """Return the HTML of what is between the best run and each other one; none where scores do not compare."""
    scored = [each for each in runs if each.best is not None and len(each.order)]
    scored.sort(key=lambda each: -float(each.scores[each.best]))
    if len(scored) < 2 or len({each.metric for each in scored}) > 1:  # noqa: PLR2004 - a pair
        return ""
    best, *others = scored
    differences = compare_runs(*(each.run for each in scored)).differences
    rows = [[other.run.name, *_gap(gap)] for other, gap in zip(others, differences, strict=True)]
    return table(f"Beside the best, {best.run.name}", ["run", "difference", "standard error", "what that says"], rows)


def _gap(gap: Difference) -> list[str]:
    """Return a difference in words."""
    if gap.mean is None:
        return ["-", "-", str(gap.not_paired)]
    if gap.standard_error is None:
        return [f"{gap.mean:+.4g}", "-", f"cannot be told: {gap.not_paired or 'too few splits'}"]
    said = "equal" if gap.mean == gap.standard_error == 0 else "within noise"
    if abs(gap.mean) > gap.standard_error:
        said = "more than its error"
    return [f"{gap.mean:+.4g}", f"{gap.standard_error:.2g}", f"{said}, over {gap.paired_over}"]


def _fits(run: Reading) -> int:
    said = run.run.facts.get("fits")
    return said if isinstance(said, int) else len(run.fits)


def _best_scores(runs: Sequence[Reading], found: Sequence[tuple[float, float]]) -> dict[str, Any]:
    """Return the best score of each run, with its deviation over the splits."""
    traces = [
        {
            "type": "scatter", "mode": "markers", "showlegend": False, "x": rounded([mean]), "y": [at],
            "error_x": {"type": "data", "array": rounded([np.nan_to_num(std)]), "color": _colour(at), "thickness": 1.5},
            "marker": {"size": 10, "color": _colour(at)},
            "hovertemplate": label(f"{run.run.name}: {number(mean)}") + "<extra></extra>",
        }
        for at, (run, (mean, std)) in enumerate(zip(runs, found, strict=True))
    ]  # fmt: skip
    names = [label(each.run.name, 28) for each in runs]
    return {
        "data": traces,
        "layout": {
            "height": 80 + 34 * len(runs),
            "xaxis": {"title": {"text": label(_metric(runs)) + ", ± deviation over the splits"}},
            "yaxis": {"tickvals": list(range(len(runs))), "ticktext": names, "range": [len(runs) - 0.5, -0.5],
                      "showgrid": False},
        },
    }  # fmt: skip


def _metric(runs: Sequence[Reading]) -> str:
    """Return what an axis for all runs shows."""
    return runs[0].metric if len({each.metric for each in runs}) == 1 else "score"


def _colour(at: int) -> str:
    return f"--c{at % COLOURS}"


def _progress(runs: Sequence[Reading], drawn: Figures) -> Section:
    """Show the best so far of each run: over time where all journals tell it, and over its candidates."""
    timed = all(each.done_at is not None for each in runs)
    figures = [
        ("candidates", "candidates done", False),
        *([("time", "seconds since the first fit began", True)] * timed),
    ]
    html = "".join(
        drawn.add(f"progress-{name}", _best_so_far(runs, title, is_time=is_time)) for name, title, is_time in figures
    )
    return Section("progress", "Best so far", html)


def _best_so_far(runs: Sequence[Reading], title: str, *, is_time: bool) -> dict[str, Any]:
    traces = []
    for at, run in enumerate(runs):
        done_at = run.done_at
        order = run.order[np.argsort((run.table.numbers if done_at is None else done_at)[run.order], kind="stable")]  # type: ignore[union-attr]
        best = np.maximum.accumulate(run.scores[order])
        steps = np.unique([0, *np.flatnonzero(np.diff(best) > 0)[:MOST_STEPS] + 1, len(best) - 1])
        x = done_at[order] if is_time and done_at is not None else np.arange(1.0, len(order) + 1)
        traces.append({
            "type": "scatter", "mode": "lines", "name": label(run.run.name, 28),
            "x": rounded(x[steps]), "y": rounded(best[steps]),
            "line": {"shape": "hv", "width": 2.5, "color": _colour(at), "dash": "solid" if at < COLOURS else "dot"},
            "hovertemplate": "%{y:.4g}<extra>" + label(run.run.name, 28) + "</extra>",
        })  # fmt: skip
    return {
        "data": traces,
        "layout": {"height": 320,  "xaxis": {"title": {"text": title}},
                   "yaxis": axis_of_scores(_metric(runs), None)},
    }  # fmt: skip


def _parameters(runs: Sequence[Reading]) -> Section:
    """Show the parameters of the best of each run, a row each; what differs first."""
    best = [dict(each.table.params[each.best]) for each in runs]  # type: ignore[union-attr,index]
    names = list(dict.fromkeys(name for params in best for name in params))
    short = short_names(names)
    rows = [[short[name], *(value_text(params[name]) if name in params else "-" for params in best)] for name in names]
    rows.sort(key=lambda row: len(set(row[1:])) == 1)
    return Section(
        "parameters", "Parameters of the best",
        table("Parameters of the best candidate of each run", ["parameter", *(each.run.name for each in runs)], rows),
    )  # fmt: skip


def _commands(runs: Sequence[Reading]) -> Section:
    rows = [
        [each.run.name, command_line(each.run) or "-", when(each.run), _data(each)]
        for each in runs
    ]  # fmt: skip
    return Section(
        "commands", "What was run", table("What was run", ["run", "command", "when", "data"], rows, long=[1, 3])
    )


def _data(run: Reading) -> str:
    return str(mapping_of(run.run.facts.get("data")).get("line") or "-").removeprefix("data: ")
