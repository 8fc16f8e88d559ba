"""Findings about time: spent on fits that fail, on corners that are slow and no good, or by nobody."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import numpy as np

from raysk.report import commands
from raysk.report.axes import ABSENT, is_number
from raysk.report.corners import MOST_ROWS, corners_of, find_corner
from raysk.report.finding import Finding
from raysk.report.study import deviation, number
from raysk.report.timeline import timeline_of
from raysk.report.words import seconds
from raysk.util.words import count, shorten

if TYPE_CHECKING:
    from collections.abc import Sequence

    from raysk.report.corners import Corner, Mask
    from raysk.report.study import Study
    from raysk.report.timeline import Timeline

FEWEST_FAILED = 3
FAILED = 0.02
"""Candidates, and their part of all, that fail before anything is said: one failure is told by the page's own list."""

HOLDS = 0.8
"""Part of the failures that a corner must hold, and part of its candidates that must have failed."""

MOST_CORNERS = 3
"""Corners that are named: more are no pattern."""

SLOW_TIME = 0.25
"""Part of all fit time that a slow corner must take: less is not worth another search."""

SLOWER = 1.5
"""How much more of the time than of the candidates it must take."""

FEWEST_SLOW = 5
"""Candidates of a slow corner: fewer have not shown that it is no good."""

FAR_BELOW = 3.0
"""Standard errors by which the corner's best must be below the best. The best of a corner is a lucky one, and so is
the best of all; three errors leave room for that."""

SHORT_S = 10.0
"""Seconds of all fits, or of the run, below which nobody gains by less time."""

IDLE = 0.2
"""Idle part of the workers' time: start, end and the driver's work take some percent of any run."""


# --- fits that fail ---------------------------------------------------------------------------------


def find_no_score(study: Study) -> Finding:
    """Say why a search has no result."""
    errors = Counter(error for error in study.table.errors if error)
    if not errors:
        return Finding("no-score", "No candidate has a score yet.", "No candidate is done on all splits.", weight=1.0)
    error, times = errors.most_common(1)[0]
    evidence = f"{times} of {count(len(study.table), 'candidate')} failed with: {shorten(error)}"
    next_step = "The message is scikit-learn's or your own code's: mend what it names, and search again."
    return Finding("no-score", "No candidate has a score.", evidence, next_step, weight=1.0)


def find_failures(study: Study) -> Finding | None:
    """Find that fits fail, and in which corners of the space."""
    failed = study.failed
    if failed.sum() < max(FEWEST_FAILED, FAILED * len(failed)):
        return None
    wasted = float(study.time_s[failed].sum() / (study.time_s.sum() or 1.0))
    corners = _failing_corners(study, failed)
    title = f"{count(int(failed.sum()), 'candidate')} of {len(failed):,} failed"
    within = ""
    if corners:
        inside = np.any([corner.mask for corner in corners], axis=0)
        where = ", or ".join(corner.text(study.short) for corner in corners)
        title += f", {'all' if inside[failed].all() else 'most'} with {where}"
        within = (
            f"Of {count(int(inside.sum()), 'candidate')} there, {failed[inside].sum()} failed; of the "
            f"{(~inside).sum():,} others, {failed[~inside].sum()}. "
        )
    error, times = Counter(error for error in study.table.errors if error).most_common(1)[0]
    evidence = f"{within}They took {wasted:.0%} of the fit time. {times:,} of them say: {shorten(error)}"
    weight = 0.65 + 0.25 * max(wasted, float(failed.mean()))
    return Finding("failures", f"{title}.", evidence, _without(study, corners), weight=weight)


def _failing_corners(study: Study, failed: Mask) -> list[Corner]:
    """Return a few corners in which nearly all candidates failed, and nearly all failures are; else none."""
    corners: list[Corner] = []
    left = failed.copy()
    while len(left) <= MOST_ROWS and left.any() and len(corners) < MOST_CORNERS:
        corner = find_corner(left, study.axes, study.columns)
        if corner is None or failed[corner.mask].mean() < HOLDS or not left[corner.mask].any():
            break
        corners.append(corner)
        left &= ~corner.mask
    return corners if left.sum() <= (1 - HOLDS) * failed.sum() else []


def _without(study: Study, corners: Sequence[Corner]) -> str:
    """Return how to search without some corners."""
    if not corners:
        return "Look at the messages in the list of failed fits."
    where = ", and ".join(corner.text(study.short) for corner in corners)
    single = [corner.conditions[0] for corner in corners if len(corner.conditions) == 1]
    if len(single) < len(corners) or len({condition.name for condition in single}) < len(single):
        return f"Leave {where} out: give the space as a list of dicts, each with values that go together."
    values = {corner.conditions[0].name: _values_without(study, corner) for corner in corners}
    known = {name: each for name, each in values.items() if each is not None}
    words = f"Leave {where} out"
    return commands.search_again(study.run, known, words) if len(known) == len(values) else f"{words}."


def _values_without(study: Study, corner: Corner) -> commands.Values | None:
    """Return the values, or the range, that a parameter has outside a corner."""
    condition = corner.conditions[0]
    axis = study.axes[condition.name]
    if axis.values is not None or condition.relation == "=":
        rest = _other_values(study, corner)
        return commands.listed(rest) if rest else None
    value = float(condition.value)
    low, high = (axis.low, value) if condition.relation == ">=" else (value, axis.high)
    if low is None or high is None:
        return None
    return commands.drawn(low, high, is_log=axis.is_log, is_integer=axis.is_integer)


def _other_values(study: Study, corner: Corner) -> list[Any]:
    """Return the different values that the rows outside a corner have, numbers in ascending order."""
    column = study.columns[corner.conditions[0].name]
    outside = [column[row] for row in np.flatnonzero(~corner.mask) if column[row] is not ABSENT]
    different = list({repr(value): value for value in outside}.values())
    return sorted(different) if all(map(is_number, different)) else different


# --- corners that are slow and no good --------------------------------------------------------------


def find_slow(study: Study) -> Finding | None:
    """Find the corner that takes the most time of those whose best is far below the best."""
    time_s, total = study.time_s, float(study.time_s.sum())
    if total < SHORT_S or not len(study.order) or len(time_s) > MOST_ROWS:
        return None
    found = [
        corner
        for axis in study.axes.values()
        for corner in corners_of(axis, study.columns[axis.name])
        if _is_slow(study, corner, total)
    ]
    if not found:
        return None
    corner = max(found, key=lambda each: float(time_s[each.mask].sum()))
    part, best = float(time_s[corner.mask].sum() / total), _best_in(study, corner)
    gap, splits = study.compare(study.top, best), max(1, study.splits.shape[1])
    title = f"{part:.0%} of the fit time went to {corner.text(study.short)}, which came nowhere near the best."
    evidence = (
        f"{count(int(corner.mask.sum()), 'candidate')} of {len(time_s):,}, "
        f"{seconds(time_s[corner.mask].mean() / splits)} a fit where the others take "
        f"{seconds(time_s[~corner.mask].mean() / splits)}. The best of them has "
        f"{number(study.scores[best])}, the best of all {number(study.scores[study.top])}: a paired difference of "
        f"{number(gap.mean)} with a standard error of {deviation(gap.error)} over {gap.splits} splits."
    )
    return Finding("slow", title, evidence, _without(study, [corner]), weight=0.4 + 0.4 * part)


def _is_slow(study: Study, corner: Corner, total: float) -> bool:
    rows, failed = corner.mask, study.failed
    part = float(study.time_s[rows].sum()) / total
    if rows.sum() < FEWEST_SLOW or part < max(SLOW_TIME, SLOWER * float(rows.mean())) or failed[rows].mean() > HOLDS:
        return False
    best = _best_in(study, corner)
    if best is None:
        return False
    gap = study.compare(study.top, best)
    return bool(gap.mean > FAR_BELOW * gap.error)  # False with too few splits


def _best_in(study: Study, corner: Corner) -> Any:
    """Return the best row of a corner; None if none has a score."""
    rows = study.order[corner.mask[study.order]]
    return int(rows[0]) if len(rows) else None


# --- nobody's time ----------------------------------------------------------------------------------


def find_idle(study: Study) -> Finding | None:
    """Find that workers were idle, and when."""
    timeline = timeline_of(study.fits)
    if timeline is None or timeline.span_s < SHORT_S:
        return None
    workers = max(timeline.workers, _workers(study))
    unused = 1 - timeline.workers / workers
    used = 1 - unused
    starts = np.array([float(lane.start[0]) for lane in timeline.lanes]) / timeline.span_s
    ends = 1 - np.array([float(lane.end[-1]) for lane in timeline.lanes]) / timeline.span_s
    idle = 1 - used * timeline.busy
    parts = {"unused": unused, "start": used * float(starts.mean()), "end": used * float(ends.mean())}
    parts["between"] = max(0.0, idle - sum(parts.values()))
    cause = max(parts, key=lambda name: parts[name])
    if idle < IDLE or workers == 1:
        return None
    title = f"The workers were idle for {idle:.0%} of their time{_WHY[cause]}."
    evidence = (
        f"{count(workers, 'worker')}, {seconds(timeline.span_s)}: {parts['unused']:.0%} of their time belongs to "
        f"workers that had no fit, {parts['start']:.0%} passed before a worker's first fit, {parts['between']:.0%} "
        f"between fits and {parts['end']:.0%} after its last. {_slowest(study)}"
    )
    return Finding("idle", title, evidence, _keep_busy(study, cause, timeline), weight=0.35 + 0.4 * idle)


_WHY = {
    "unused": ": there were fewer fits than workers",
    "start": ": some began late",
    "end": ", most of it at the end, waiting for a few long fits",
    "between": ", between fits",
}


def _workers(study: Study) -> int:
    """Return how many workers a run had, as far as ``run.json`` says; else 0."""
    said = study.run.facts.get("workers")
    return said if isinstance(said, int) else 0


def _slowest(study: Study) -> str:
    """Return what the fit took that ended last, beside the median."""
    last = max((fit for fit in study.fits if fit.ended is not None), key=lambda fit: fit.ended or 0.0)
    median = float(np.median([fit.fit_time for fit in study.fits]))
    found = np.flatnonzero(study.table.numbers == last.candidate)
    what = study.params_text(int(found[0])) if len(found) and not last.fold else ""
    with_params = f" ({what})" if what else ""
    return f"The last fit{with_params} took {seconds(last.fit_time)}, the median {seconds(median)}."


def _without_stragglers(study: Study) -> str:
    """Return how to give up the longest fits; not those of the best candidate."""
    limit_s = max(1, round(max(fit.fit_time for fit in study.fits) / 2))
    if not study.table.fit_time[study.top] < limit_s:
        return "The best candidate is one of the slow ones, which decide how long it takes: fewer workers do as well."
    words = "Leave the slow values out, or give up fits that take too long"
    return commands.with_options(study.run, words, f"--fit-timeout={limit_s}s")


def _keep_busy(study: Study, cause: str, timeline: Timeline) -> str:
    if cause == "unused":
        words = "More candidates, or more splits, take no more time"
        return commands.with_more_folds(study.run, words, study.splits.shape[1])
    if cause == "end":
        return _without_stragglers(study)
    if cause == "start":
        return "A cluster that runs already has its workers at once: ray start --head, then --address auto."
    if study.method == "tpe":
        return commands.with_options(study.run, "Let TPE fit more at a time", f"--lag={2 * timeline.workers}")
    if study.method == "halving":
        return commands.with_options(study.run, "Each round waits for the one before: fewer rounds", "--factor=4")
    return "Fits as short as these leave no time for more workers: fewer do as well."
