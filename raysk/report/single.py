"""The sections of a report on one run."""

from __future__ import annotations

import csv
from collections import Counter
from typing import TYPE_CHECKING, Any

import numpy as np

from raysk.report import figures
from raysk.report.diagram import diagram_of, saved_estimator
from raysk.report.heading import environment
from raysk.report.page import Section
from raysk.report.words import escape, number, rounded, score, seconds, shortened, table, terms, value_text
from raysk.runs.folder import CV, PYTHON_CV, RESULTS
from raysk.util.words import count, error_line

if TYPE_CHECKING:
    from collections.abc import Iterator

    from raysk.report.finding import Finding
    from raysk.report.importance import Importance
    from raysk.report.page import Figures
    from raysk.report.reading import Reading

MOST_PARAMETERS = 12
MOST_AXES = 10
MOST_CANDIDATES = 5000
TOP = 20
MOST_ERRORS = 30
QUIET_KINDS = {"result", "noise", "unimportant"}
"""Findings that are no warnings."""


def sections_of(run: Reading, drawn: Figures, estimator: Any = None) -> Iterator[Section]:
    """Yield the sections of a run, without those that it has nothing for.

    Parameters
    ----------
    run : Reading
    drawn : Figures
        Takes the figures.
    estimator : estimator or None
        The fitted search, where it is at hand; else its model is loaded.
    """
    if run.table is not None:
        shares = run.study.importance
        columns = sorted(run.columns, key=lambda column: -shares.shares.get(column.name, 0.0))
        yield _result(run)
        if len(run.order):
            if len(run.order) > 1:
                yield _over_time(run, drawn)
            if columns:
                yield _parameters(run, drawn, columns, shares)
                yield _parallel(run, drawn, columns)
            yield _top(run, drawn)
        if run.table.rounds is not None:
            yield _rounds(run, drawn)
    yield from filter(None, (_outer_result(run), _folds(run), _not_done(run), _work(run, drawn), _times(run, drawn)))
    if run.run.command not in {CV, PYTHON_CV}:  # they keep none
        yield _estimator(run, estimator)
    yield environment(run.run)


# --- what was found -------------------------------------------------------------------------------


def _result(run: Reading) -> Section:
    assert run.table is not None  # noqa: S101 - the caller has asked
    facts, row = run.run.facts, run.best
    html = "<p>No candidate has a finite score.</p>"
    if row is not None:
        mean, std = (float(each[run.table.metric][row]) for each in (run.table.mean, run.table.std))
        params = run.table.params[row]
        chosen = {short: value_text(params[name]) for name, short in run.short.items() if name in params}
        splits = run.table.splits[run.table.metric].shape[1]
        said = f"± {std:.2g} · {run.metric}, mean over {count(splits, 'split')}"
        html = (
            f'<div class="best"><p class="score"><strong>{number(mean)}</strong> '
            f'<span class="quiet">{escape(said)}<br>candidate {run.table.numbers[row]}</span></p>{terms(chosen)}</div>'
        )
    counted = {
        "Candidates": f"{len(run.table):,}" + ("" if run.table.is_whole or run.run.state == "done" else " so far"),
        "Fits": _counted(facts.get("fits")) or f"{len(run.fits):,}",
        "Score on held-out data": number(facts["test_score"]) if isinstance(facts.get("test_score"), float) else None,
        **{f"Mean {name}": score(float(run.table.mean[name][row]), float(run.table.std[name][row]))
           for name in (run.table.metrics[1:] if row is not None else ())},
    }  # fmt: skip
    return Section("result", "Result", f"{html}<h3>In all</h3>{terms(counted)}{_findings(run)}")


def _counted(value: Any) -> str | None:
    return f"{value:,}" if isinstance(value, int) else None


def _findings(run: Reading) -> str:
    shown = "".join(map(_finding, run.findings))
    return f'<h3>What it shows</h3><ul class="findings">{shown}</ul>' if shown else ""


def _finding(found: Finding) -> str:
    warn = "" if found.kind in QUIET_KINDS else ' class="warn"'
    advice = f"<p>{escape(found.advice)}</p>" if found.advice else ""
    command = f'<pre class="command">{escape(found.command)}</pre>' if found.command else ""
    evidence = f'<p class="quiet">{escape(found.evidence)}</p>' if found.evidence else ""
    return f"<li{warn}><h3>{escape(found.title)}</h3>{evidence}{advice}{command}</li>"


def _over_time(run: Reading, drawn: Figures) -> Section:
    assert run.table is not None  # noqa: S101 - the caller has asked
    at = run.done_at
    extent = figures.score_range(run.scores[run.order])
    when = run.table.numbers.astype(float) if at is None else at
    figure = figures.score_over_time(run.table, when, run.order, run.metric, is_time=at is not None, extent=extent)
    said = [_drawn_of(run, figures.MOST_POINTS), _below(run, extent)]
    if run.table.rounds is not None:
        said.append("Rounds of halving are scored with different resources.")
    return Section("time", "Score over time", drawn.add("over-time", figure, " ".join(filter(None, said))))


def _drawn_of(run: Reading, most: int) -> str:
    """Say that not all candidates are drawn; nothing if they are."""
    if len(run.order) <= most:
        return ""
    return f"{most:,} of {len(run.order):,} candidates are drawn: the best {most // 3:,}, and a sample of the others."


def _below(run: Reading, extent: tuple[float, float] | None) -> str:
    below = 0 if extent is None else int((run.scores[run.order] < extent[0]).sum())
    return f"{count(below, 'candidate')} scored below what is drawn." if below else ""


# --- parameters -----------------------------------------------------------------------------------


def _parameters(run: Reading, drawn: Figures, columns: list[Any], shares: Importance) -> Section:
    assert run.table is not None  # noqa: S101 - the caller has asked
    extent = figures.score_range(run.scores[run.order])
    each = []
    for column in columns[:MOST_PARAMETERS]:
        share = shares.shares.get(column.name)
        title = column.short if share is None else f"{column.short} {share:.0%}"
        each.append(figures.panel(run.table, column, run.order, extent, title))
    notes = [
        f"Each parameter against the {run.metric}; the large point is the best candidate.",
        _drawn_of(run, figures.MOST_POINTS_OF_PANEL),
        _below(run, extent),
        f"{len(columns) - MOST_PARAMETERS} more parameters are not drawn." if len(columns) > MOST_PARAMETERS else "",
    ]
    shown = drawn.add("parameters", figures.panels(each))
    html = (
        f"{_importance(run, shares)}<h3>Each against the score</h3>"
        f'<p class="quiet">{escape(" ".join(filter(None, notes)))}</p>{shown}'
    )
    return Section("parameters", "Parameters", html)


def _importance(run: Reading, shares: Importance) -> str:
    if not shares.shares:
        return f"<h3>Which mattered</h3><p>{escape(shares.doubt or 'That cannot be told.')}</p>"
    rows = "".join(
        f'<tr><th scope="row" title="{escape(name)}">{escape(run.short.get(name, name))}</th>'
        f'<td class="number">{share:.0%}</td>'
        f'<td class="bar"><span class="fill" style="width:{max(share, 0) * 100:.1f}%"></span></td></tr>'
        for name, share in list(shares.shares.items())[:MOST_PARAMETERS]
    )
    return (
        '<table class="bars"><caption>Which parameters mattered: the share of each in how scores differ, alone '
        "and with others</caption>"
        '<thead><tr><th scope="col">parameter</th><th scope="col" class="number">share</th>'
        '<th scope="col">as a bar</th></tr></thead>'
        f"<tbody>{rows}</tbody></table><details><summary>How this is computed</summary>"
        f"<p>{escape(shares.method)}</p></details>"
    )


def _parallel(run: Reading, drawn: Figures, columns: list[Any]) -> Section:
    assert run.table is not None  # noqa: S101 - the caller has asked
    rows = np.sort(figures.thinned(run.order, MOST_CANDIDATES))
    place = {row: at for at, row in enumerate(run.order.tolist())}
    kept = columns[:MOST_AXES][::-1]  # the most important one beside the score
    of_score = {"name": run.metric, "short": run.metric, "log": False, "categories": None}
    drawn.parallel = {
        "numbers": run.table.numbers[rows].tolist(),
        "ranks": [place[row] for row in rows.tolist()],  # of equal scores too
        "columns": [*(column.as_json(rows) for column in kept), of_score | {"at": rounded(run.scores[rows])}],
    }
    names = "".join(f'<th scope="col">{escape(name)}</th>' for name in ["candidate", *(each.short for each in kept)])
    said = _drawn_of(run, MOST_CANDIDATES)
    html = (
        '<p class="quiet">A line is a candidate; the better it is, the stronger its line. Drag along an axis to '
        "select. With the keyboard: Tab to an axis, arrow keys to select and to move, Shift and arrow keys to widen, "
        f"Escape to take it back. {escape(said)}</p>"
        '<div class="parallel" id="parallel" tabindex="0" role="group" aria-label="Parallel coordinates"></div>'
        '<div class="tools"><p id="parallel-said" aria-live="polite"></p>'
        '<button type="button" id="parallel-reset">Show all</button></div>'
        '<div class="scroll" tabindex="0" role="group" aria-label="The best of the selected candidates"><table>'
        f'<caption>The best of the selected candidates</caption><thead><tr>{names}<th scope="col">'
        f'{escape(run.metric)}</th></tr></thead><tbody id="parallel-rows"></tbody></table></div>'
    )
    return Section("together", "Parameters together", html)


# --- the best, and those that were not done -------------------------------------------------------


def _top(run: Reading, drawn: Figures) -> Section:
    assert run.table is not None  # noqa: S101 - the caller has asked
    rows = run.order[:TOP]
    names = list(run.short)
    mean, std, train = run.table.mean, run.table.std, run.table.train_mean.get(run.table.metric)
    header = ["rank", "candidate", run.metric, *(["training"] if train is not None else []),
              *run.table.metrics[1:], "fit time", *run.short.values()]  # fmt: skip
    cells = []
    for at, row in enumerate(rows):
        params = run.table.params[row]
        scores = [score(float(mean[name][row]), float(std[name][row])) for name in run.table.metrics]
        training = [] if train is None else [number(float(train[row]))]
        values = [value_text(params[name]) if name in params else "-" for name in names]
        line = [f"#{at + 1}", str(run.table.numbers[row]), scores[0], *training, *scores[1:]]
        cells.append([*line, seconds(float(run.table.fit_time[row])), *values])
    shown = drawn.add("folds", figures.folds_of_top(run.table, rows, run.metric))
    title = f"The best {count(len(rows), 'candidate')}" if len(run.order) > 1 else "The candidate"
    listed = table(title, header, cells, numbers=[2, len(header) - len(names) - 1])
    return Section("top", f"The best {len(rows)} over the splits" if len(rows) > 1 else "The candidate over the splits",
                   f"{shown}{listed}")  # fmt: skip


def _outer_result(run: Reading) -> Section | None:
    """Return the mean score of outer folds; None for what has none."""
    folds = run.run.facts.get("folds") if run.table is None else None
    said = [fold.get("test_score") for fold in folds if isinstance(fold, dict)] if isinstance(folds, list) else []
    known = np.array([each for each in said if isinstance(each, float)])
    if not np.isfinite(known).any():
        return None
    known = known[np.isfinite(known)]
    spread = f"± {known.std():.2g} · {run.metric}, mean over {count(len(known), 'outer fold')}"
    html = f'<strong>{number(float(known.mean()))}</strong> <span class="quiet">{escape(spread)}</span>'
    return Section("result", "Result", f'<div class="best"><p class="score">{html}</p></div>')


def _folds(run: Reading) -> Section | None:
    """Return the table of outer folds as it was written; None for what has none."""
    if run.table is not None:
        return None
    try:
        with (run.run.folder / RESULTS).open(newline="", encoding="utf-8") as file:
            header, *rows = csv.reader(file)
    except (OSError, ValueError, csv.Error):  # it is written at the end only
        return None
    cells = [list(map(_cell, row)) for row in rows if len(row) == len(header)]
    return Section("folds", "Outer folds", table("The folds, and the best candidate of each search", header, cells))


def _cell(text: str) -> str:
    """Return a cell of a table that was written as text: of a fraction, four digits."""
    try:
        return shortened(text, 24) if text.lstrip("-").isdecimal() else number(float(text))
    except ValueError:
        return shortened(text, 24)


def _rounds(run: Reading, drawn: Figures) -> Section:
    assert run.table is not None  # noqa: S101 - the caller has asked
    header = ["round", "candidates", "resources of each", "best", "median"]
    listed = table("Rounds of halving", header, figures.rung_rows(run.table), numbers=[1, 2, 3, 4])
    shown = drawn.add("rounds", figures.rungs(run.table, run.metric)) if len(run.order) else ""
    return Section("rounds", "Rounds", f"{shown}{listed}")


def _not_done(run: Reading) -> Section | None:
    """Return what failed, and what was not done; None if all fits were done."""
    facts = run.run.facts
    counted = {
        "Failed fits": facts.get("fits_failed"),
        "Failed scores": facts.get("scores_failed"),
        "Pruned: of candidates given up early": facts.get("fits_pruned"),
        "Shared: contained in others": facts.get("fits_shared"),
        "Saved: equal to others": facts.get("fits_saved"),
    }
    errors = _errors(run)
    shown = {name: f"{value:,}" for name, value in counted.items() if isinstance(value, int) and value}
    if not shown and not errors:
        return None
    listed = ""
    if errors:
        listed = table(
            "Why fits failed", ["fits", "error", "first candidate", "its parameters"], errors, numbers=[0], long=[1, 3]
        )
    return Section("failed", "Failed and not done", f"{terms(shown)}{listed}")


def _errors(run: Reading) -> list[list[str]]:
    """Return a row for each distinct error: how many fits it failed, and the first candidate that it did."""
    pairs = [(fit.error, fit.candidate) for fit in run.fits if fit.error is not None]
    if not pairs and run.table is not None:
        said = zip(run.table.errors, run.table.numbers, strict=True)
        pairs = [(error, int(at)) for error, at in said if error is not None]
    first = dict(reversed(pairs))
    rows = {} if run.table is None else {int(at): row for row, at in enumerate(run.table.numbers)}
    return [
        [
            f"{times:,}",
            error,
            str(first[error]),
            run.study.params_text(rows[first[error]]) if first[error] in rows else "",
        ]
        for error, times in Counter(error for error, _ in pairs).most_common(MOST_ERRORS)
    ]


# --- the work -------------------------------------------------------------------------------------


def _work(run: Reading, drawn: Figures) -> Section | None:
    work = run.timeline
    if work is None:
        return None
    said = [
        f"{count(work.workers, 'worker')}, busy {work.busy:.0%} of {seconds(work.span_s)}.",
        f"{len(work.lanes)} of them are drawn." if work.workers > len(work.lanes) else "",
        f"Fits less than {seconds(work.merged_s)} apart are one bar." if work.merged_s else "",
        f"{seconds(work.pauses_s)} without any work, as before a resume, are left out." if work.pauses_s else "",
    ]
    figure = figures.work(work)
    return Section("work", "Work", drawn.add("work", figure, " ".join(filter(None, said))))


def _times(run: Reading, drawn: Figures) -> Section | None:
    times = np.array([fit.fit_time for fit in run.fits])
    if not len(times) and run.table is not None:
        times = run.table.fit_time[np.isfinite(run.table.fit_time)]
    if len(times) < 2:  # noqa: PLR2004 - one is no distribution
        return None
    middle, late = np.quantile(times, [0.5, 0.95])
    said = (
        f"Half of the fits took less than {seconds(float(middle))}, 95 % less than {seconds(float(late))}; "
        f"the longest {seconds(float(times.max()))}."
    )
    return Section("fit-times", "Fit times", drawn.add("fit-times", figures.fit_times(times), said))


def _estimator(run: Reading, estimator: Any) -> Section:
    reason = ""
    if estimator is None:
        estimator, reason = saved_estimator(run.run)
    html = ""
    if estimator is not None:
        try:
            html = diagram_of(estimator)
        except Exception as error:  # noqa: BLE001 - a person's estimator may refuse in any way; the page does without
            reason = f"it cannot be drawn: {error_line(error)}"
    return Section(
        "estimator", "Best estimator", html or f'<p class="quiet">Its diagram is left out: {escape(reason)}.</p>'
    )
