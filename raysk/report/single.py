"""The sections of a report on one run."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import numpy as np

from raysk.report import figures
from raysk.report.diagram import diagram_of, saved_estimator
from raysk.report.findings import findings
from raysk.report.heading import environment
from raysk.report.importance import importance
from raysk.report.page import Section
from raysk.report.reading import mapping_of
from raysk.report.words import escape, number, rounded, score, seconds, table, terms, value_text
from raysk.util.words import count, error_line

if TYPE_CHECKING:
    from collections.abc import Iterator

    from raysk.report.findings import Finding
    from raysk.report.importance import Importance
    from raysk.report.page import Figures
    from raysk.report.reading import Study

MOST_PARAMETERS = 12
MOST_AXES = 10
MOST_CANDIDATES = 5000
TOP = 20
MOST_ERRORS = 30
QUIET_KINDS = {"result", "noise", "unimportant"}
"""Findings that are no warnings."""


def sections_of(study: Study, drawn: Figures, estimator: Any = None) -> Iterator[Section]:
    """Yield the sections of a run, without those that it has nothing for.

    Parameters
    ----------
    study : Study
    drawn : Figures
        Takes the figures.
    estimator : estimator or None
        The fitted search, where it is at hand; else its model is loaded.
    """
    if study.table is not None:
        shares = importance(study.table)
        columns = sorted(study.columns, key=lambda column: -shares.shares.get(column.name, 0.0))
        yield _result(study)
        if len(study.order):
            yield _over_time(study, drawn)
            if columns:
                yield _parameters(study, drawn, columns, shares)
                yield _parallel(study, drawn, columns)
            yield _top(study, drawn)
        if study.table.rounds is not None:
            yield _rounds(study, drawn)
    yield from filter(None, (_not_done(study), _work(study, drawn), _times(study, drawn)))
    yield _estimator(study, estimator)
    yield environment(study.run)


# --- what was found -------------------------------------------------------------------------------


def _result(study: Study) -> Section:
    assert study.table is not None  # noqa: S101 - the caller has asked
    facts, row = study.run.facts, study.best
    html = "<p>No candidate has a finite score.</p>"
    if row is not None:
        mean, std = (float(each[study.table.metric][row]) for each in (study.table.mean, study.table.std))
        params = study.table.params[row]
        chosen = {short: value_text(params[name]) for name, short in study.short.items() if name in params}
        splits = study.table.splits[study.table.metric].shape[1]
        said = f"± {std:.2g} · {study.metric}, mean over {count(splits, 'split')}"
        html = (
            f'<div class="best"><p class="score"><strong>{number(mean)}</strong> '
            f'<span class="quiet">{escape(said)}<br>candidate {study.table.numbers[row]}</span></p>{terms(chosen)}</div>'
        )
    counted = {
        "Candidates": f"{len(study.table):,}" + ("" if study.table.is_whole else " so far"),
        "Fits": _counted(facts.get("fits")) or f"{len(study.fits):,}",
        "Score on held-out data": number(facts["test_score"]) if isinstance(facts.get("test_score"), float) else None,
        **{f"Mean {name}": score(float(study.table.mean[name][row]), float(study.table.std[name][row]))
           for name in (study.table.metrics[1:] if row is not None else ())},
    }  # fmt: skip
    return Section("result", "Result", f"{html}<h3>In all</h3>{terms(counted)}{_findings(study)}")


def _counted(value: Any) -> str | None:
    return f"{value:,}" if isinstance(value, int) else None


def _findings(study: Study) -> str:
    assert study.table is not None  # noqa: S101 - the caller has asked
    found = findings(study.run, study.table, study.fits)
    if not found:
        return ""
    return f'<h3>What it shows</h3><ul class="findings">{"".join(map(_finding, found))}</ul>'


def _finding(found: Finding) -> str:
    warn = "" if found.kind in QUIET_KINDS else ' class="warn"'
    advice = f"<p>{escape(found.advice)}</p>" if found.advice else ""
    command = f'<pre class="command">{escape(found.command)}</pre>' if found.command else ""
    evidence = f'<p class="quiet">{escape(found.evidence)}</p>' if found.evidence else ""
    return f"<li{warn}><h3>{escape(found.title)}</h3>{evidence}{advice}{command}</li>"


def _over_time(study: Study, drawn: Figures) -> Section:
    assert study.table is not None  # noqa: S101 - the caller has asked
    at = study.done_at
    extent = figures.score_range(study.scores[study.order])
    when = study.table.numbers.astype(float) if at is None else at
    figure = figures.score_over_time(
        study.table, when, study.order, study.metric, is_time=at is not None, extent=extent
    )
    said = [_drawn_of(study, figures.MOST_POINTS), _below(study, extent)]
    if study.table.rounds is not None:
        said.append("Rounds of halving are scored with different resources.")
    return Section("time", "Score over time", drawn.add("over-time", figure, " ".join(filter(None, said))))


def _drawn_of(study: Study, most: int) -> str:
    """Say that not all candidates are drawn; nothing if they are."""
    if len(study.order) <= most:
        return ""
    return f"{most:,} of {len(study.order):,} candidates are drawn: the best {most // 3:,}, and a sample of the others."


def _below(study: Study, extent: tuple[float, float] | None) -> str:
    below = 0 if extent is None else int((study.scores[study.order] < extent[0]).sum())
    return f"{count(below, 'candidate')} scored below what is drawn." if below else ""


# --- parameters -----------------------------------------------------------------------------------


def _parameters(study: Study, drawn: Figures, columns: list[Any], shares: Importance) -> Section:
    assert study.table is not None  # noqa: S101 - the caller has asked
    extent = figures.score_range(study.scores[study.order])
    panels = []
    for at, column in enumerate(columns[:MOST_PARAMETERS]):
        share = shares.shares.get(column.name)
        said = "" if share is None else f" <span>{share:.0%}</span>"
        figure = figures.panel(study.table, column, study.order, study.metric, extent)
        place = drawn.add(f"parameter-{at}", figure)
        panels.append(f'<div><h3 title="{escape(column.name)}">{escape(column.short)}{said}</h3>{place}</div>')
    notes = [
        f"Each parameter against the {study.metric}; the large point is the best candidate.",
        _drawn_of(study, figures.MOST_POINTS_OF_PANEL),
        _below(study, extent),
        f"{len(columns) - MOST_PARAMETERS} more parameters are not drawn." if len(columns) > MOST_PARAMETERS else "",
    ]
    grid = f'<h3>Each against the score</h3><p class="quiet">{escape(" ".join(filter(None, notes)))}</p>'
    html = f'{_importance(study, shares)}{grid}<div class="panels">{"".join(panels)}</div>'
    return Section("parameters", "Parameters", html)


def _importance(study: Study, shares: Importance) -> str:
    if not shares.shares:
        return f"<h3>Which mattered</h3><p>{escape(shares.doubt or 'That cannot be told.')}</p>"
    rows = "".join(
        f'<tr><th scope="row" title="{escape(name)}">{escape(study.short.get(name, name))}</th>'
        f'<td class="number">{share:.0%}</td>'
        f'<td class="bar"><span class="fill" style="width:{max(share, 0) * 100:.1f}%"></span></td></tr>'
        for name, share in list(shares.shares.items())[:MOST_PARAMETERS]
    )
    return (
        f'<table class="bars"><caption>Which parameters mattered: the share of each in how scores differ</caption>'
        '<thead><tr><th scope="col">parameter</th><th scope="col" class="number">share</th>'
        '<th scope="col">as a bar</th></tr></thead>'
        f'<tbody>{rows}</tbody></table><details><summary>How this is computed</summary>'
        f"<p>{escape(shares.method)}</p></details>"
    )


def _parallel(study: Study, drawn: Figures, columns: list[Any]) -> Section:
    assert study.table is not None  # noqa: S101 - the caller has asked
    rows = np.sort(figures.thinned(study.order, MOST_CANDIDATES))
    kept = columns[:MOST_AXES][::-1]  # the most important one beside the score
    of_score = {"name": study.metric, "short": study.metric, "log": False, "categories": None}
    drawn.parallel = {
        "numbers": study.table.numbers[rows].tolist(),
        "columns": [*(column.as_json(rows) for column in kept), of_score | {"at": rounded(study.scores[rows])}],
    }
    names = "".join(f'<th scope="col">{escape(name)}</th>' for name in ["candidate", *(each.short for each in kept)])
    said = _drawn_of(study, MOST_CANDIDATES)
    html = (
        '<p class="quiet">A line is a candidate; the better it is, the stronger its line. Drag along an axis to select. '
        "With the keyboard: Tab to an axis, arrow keys to select and to move, Shift and arrow keys to widen, Escape to "
        f"take it back. {escape(said)}</p>"
        '<div class="parallel" id="parallel" tabindex="0" role="group" aria-label="Parallel coordinates"></div>'
        '<div class="tools"><p id="parallel-said" aria-live="polite"></p>'
        '<button type="button" id="parallel-reset">Show all</button></div>'
        '<div class="scroll" tabindex="0" role="group" aria-label="The best of the selected candidates"><table>'
        f'<caption>The best of the selected candidates</caption><thead><tr>{names}<th scope="col">'
        f'{escape(study.metric)}</th></tr></thead><tbody id="parallel-rows"></tbody></table></div>'
    )
    return Section("together", "Parameters together", html)


# --- the best, and those that were not done -------------------------------------------------------


def _top(study: Study, drawn: Figures) -> Section:
    assert study.table is not None  # noqa: S101 - the caller has asked
    rows = study.order[:TOP]
    names = list(study.short)
    mean, std, train = study.table.mean, study.table.std, study.table.train_mean.get(study.table.metric)
    header = ["rank", "candidate", study.metric, *(["training"] if train is not None else []),
              *study.table.metrics[1:], "fit time", *study.short.values()]  # fmt: skip
    cells = []
    for at, row in enumerate(rows):
        params = study.table.params[row]
        scores = [score(float(mean[name][row]), float(std[name][row])) for name in study.table.metrics]
        training = [] if train is None else [number(float(train[row]))]
        values = [value_text(params[name]) if name in params else "–" for name in names]
        line = [f"#{at + 1}", str(study.table.numbers[row]), scores[0], *training, *scores[1:]]
        cells.append([*line, seconds(float(study.table.fit_time[row])), *values])
    shown = drawn.add("folds", figures.folds_of_top(study.table, rows, study.metric))
    listed = table(f"The best {len(rows)} candidates", header, cells, numbers=[2])
    return Section("top", f"The best {len(rows)} over the splits" if len(rows) > 1 else "The candidate over the splits",
                   f"{shown}{listed}")  # fmt: skip


def _rounds(study: Study, drawn: Figures) -> Section:
    assert study.table is not None  # noqa: S101 - the caller has asked
    header = ["round", "candidates", "resources of each", "best", "median"]
    listed = table("Rounds of halving", header, figures.rung_rows(study.table), numbers=[1, 2, 3, 4])
    shown = drawn.add("rounds", figures.rungs(study.table, study.metric)) if len(study.order) else ""
    return Section("rounds", "Rounds", f"{shown}{listed}")


def _not_done(study: Study) -> Section | None:
    """Return what failed, and what was not done; None if all fits were done."""
    facts = study.run.facts
    counted = {
        "Failed fits": facts.get("fits_failed"),
        "Failed scores": facts.get("scores_failed"),
        "Pruned: of candidates given up early": facts.get("fits_pruned"),
        "Shared: contained in others": facts.get("fits_shared"),
        "Saved: equal to others": facts.get("fits_saved"),
    }
    errors = _errors(study)
    shown = {name: f"{value:,}" for name, value in counted.items() if isinstance(value, int) and value}
    if not shown and not errors:
        return None
    listed = ""
    if errors:
        listed = table("Why fits failed", ["fits", "error", "first candidate", "its parameters"], errors, numbers=[0])
    return Section("failed", "Failed and not done", f'{terms(shown)}<div class="errors">{listed}</div>')


def _errors(study: Study) -> list[list[str]]:
    """Return a row for each distinct error: how many fits it failed, and the first candidate that it did."""
    pairs = [(fit.error, fit.candidate) for fit in study.fits if fit.error is not None]
    if not pairs and study.table is not None:
        said = zip(study.table.errors, study.table.numbers, strict=True)
        pairs = [(error, int(at)) for error, at in said if error is not None]
    first = {error: candidate for error, candidate in reversed(pairs)}
    rows = {} if study.table is None else {int(at): row for row, at in enumerate(study.table.numbers)}
    return [
        [f"{times:,}", error, str(first[error]), study.params_text(rows[first[error]]) if first[error] in rows else ""]
        for error, times in Counter(error for error, _ in pairs).most_common(MOST_ERRORS)
    ]


# --- the work -------------------------------------------------------------------------------------


def _work(study: Study, drawn: Figures) -> Section | None:
    work = study.timeline
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


def _times(study: Study, drawn: Figures) -> Section | None:
    times = np.array([fit.fit_time for fit in study.fits])
    if not len(times) and study.table is not None:
        times = study.table.fit_time[np.isfinite(study.table.fit_time)]
    if len(times) < 2:  # noqa: PLR2004 - one is no distribution
        return None
    middle, late = np.quantile(times, [0.5, 0.95])
    said = (
        f"Half of the fits took less than {seconds(float(middle))}, 95 % less than {seconds(float(late))}; "
        f"the longest {seconds(float(times.max()))}."
    )
    return Section("fit-times", "Fit times", drawn.add("fit-times", figures.fit_times(times), said))


def _estimator(study: Study, estimator: Any) -> Section:
    reason = ""
    if estimator is None:
        estimator, reason = saved_estimator(study.run)
    html = ""
    if estimator is not None:
        try:
            html = diagram_of(estimator)
        except Exception as error:  # noqa: BLE001 - a person's estimator may refuse in any way; the page does without
            reason = f"it cannot be drawn: {error_line(error)}"
    return Section("estimator", "Best estimator", html or f'<p class="quiet">Its diagram is left out: {escape(reason)}.</p>')
