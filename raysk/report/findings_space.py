"""Findings about the search space: a best value at the edge of its range, parameters that did not matter."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from raysk.report import commands
from raysk.report.axes import ABSENT, is_number
from raysk.report.finding import Finding
from raysk.report.importance import importance
from raysk.report.study import deviation, number, value_text
from raysk.util.words import count

if TYPE_CHECKING:
    from collections.abc import Sequence

    from raysk.report.axes import Axis
    from raysk.report.study import Rows, Study

FEWEST_LISTED = 3
"""Values of a list that has an edge and something within."""

FEWEST_DRAWN = 20
"""Candidates drawn from a distribution: of fewer, the best lies in an outer twentieth by chance too often."""

EDGE = 0.05
"""Outer part of a range, by the logarithm on a logarithmic axis, that counts as its edge: chance puts one best in ten
there."""

NEAR = 0.2
"""Outer part in which half of the top must lie, too: chance puts one in five there."""

INNER = 0.5
"""Outer part of the range that, without `NEAR`, the edge is compared with."""

RISES = 2.0
"""Standard errors by which the best at the edge must be above the best next to it: each is the luckiest of several."""

TOP = 10
"""Candidates of the top that are asked; of fewer than 100 candidates a tenth, and at least `FEWEST_TOP`."""

FEWEST_TOP = 4

NO_SHARE = 0.02
"""Share of the variance up to which a parameter did not matter: the noise of the shares is about 0.01."""

WELL_EXPLAINED = 0.6
"""R2 of the forest from which on small shares are believed: what it does not explain may be anybody's."""

UNBOUNDED = {"C", "alpha", "alphas", "gamma", "coef0", "l2_regularization", "reg_alpha", "reg_lambda", "tol", "noise"}
"""Parameters that 1 does not bound from above, as it does a part of the rows or columns."""

THIRDS = 3
"""Parts of a range that must all be good if a number did not matter."""

EIGHTH = 8
"""One in so many candidates is of the top in which all values of a parameter that did not matter must be."""

AS_OFTEN = 0.4
"""How often they must be there, of how often they are anywhere: chance varies it, but seldom by that."""

MOST_EDGES = 3
"""Edges that are told: with more, the range of everything was a guess, and these say so."""

FEWEST_FOR_NONE = 40
"""Candidates to say of a parameter that it did not matter."""


@dataclass(frozen=True)
class _Edge:
    """An end of a range; `within` are the rows next to it, `at` those on it, by their scores."""

    axis: Axis
    is_high: bool
    at: Rows
    within: Rows


def find_edges(study: Study) -> list[Finding]:
    """Find parameters whose best value is at the edge of what was tried, with scores that rise towards it."""
    found = []
    for axis in study.axes.values():
        edge = None if axis.is_category else _edge(study, axis)
        if edge is not None and not _is_natural(edge) and (finding := _describe_edge(study, edge)) is not None:
            found.append(finding)
    return sorted(found, key=lambda finding: -finding.weight)[:MOST_EDGES]


def _edge(study: Study, axis: Axis) -> _Edge | None:
    """Return the end of the range that the best candidate, and half of the top, is at."""
    column = study.columns[axis.name]
    rows = np.array([row for row in study.order if is_number(column[row])], dtype=int)
    if not len(rows) or rows[0] != study.top:
        return None
    numbers = np.array([float(column[row]) for row in rows])
    if axis.values is not None:
        return _edge_of_list(axis, rows, numbers)
    if axis.low is None or axis.high is None or len(rows) < FEWEST_DRAWN:
        return None
    low, high = axis.scaled(axis.low), axis.scaled(axis.high)
    place = (np.array([axis.scaled(each) for each in numbers]) - low) / (high - low or 1.0)
    place = 1 - place if (is_high := place[0] > 0.5) else place  # noqa: PLR2004 - the nearer end; 0 is the edge now
    top = place[: min(TOP, max(FEWEST_TOP, len(rows) // 10))]
    if place[0] > EDGE or (top <= NEAR).mean() < 0.5:  # noqa: PLR2004 - half
        return None
    return _Edge(axis, bool(is_high), rows[place <= NEAR], rows[(place > NEAR) & (place <= INNER)])


def _edge_of_list(axis: Axis, rows: Rows, numbers: np.ndarray[Any, Any]) -> _Edge | None:
    tried = np.unique(numbers)
    if len(tried) < FEWEST_LISTED or numbers[0] not in {tried[0], tried[-1]}:
        return None
    is_high = bool(numbers[0] == tried[-1])
    if numbers[0] != (axis.high if is_high else axis.low):
        return None  # there was more to try: the search has not come to the edge
    at, near, far = (rows[numbers == each] for each in (tried[::-1] if is_high else tried)[:3])
    rank = {int(row): place for place, row in enumerate(rows)}
    rises = rank[int(at[0])] < rank[int(near[0])] < rank[int(far[0])]
    return _Edge(axis, is_high, at, near) if rises else None


def _is_natural(edge: _Edge) -> bool:
    """Tell whether nothing is beyond: counts begin with 1, parts end at 1 unless the axis is logarithmic."""
    axis, end = edge.axis, edge.axis.high if edge.is_high else edge.axis.low
    if _counts(axis) and not edge.is_high:
        return end in {0, 1} or (end == 2 and axis.name.endswith("min_samples_split"))  # noqa: PLR2004 - of sklearn's trees
    is_part = not axis.is_integer and not axis.is_log and _last_name(axis) not in UNBOUNDED
    return bool(end == 0 or (edge.is_high and is_part and end == 1))


def _counts(axis: Axis) -> bool:
    """Tell whether a parameter takes integers only; a C of 1, 10 or 100 does not."""
    return axis.is_integer and _last_name(axis) not in UNBOUNDED


def _last_name(axis: Axis) -> str:
    return axis.name.rpartition("__")[2]


def _describe_edge(study: Study, edge: _Edge) -> Finding | None:
    if not len(edge.within):
        return None
    at, within = int(edge.at[0]), int(edge.within[0])
    gap, share = study.compare(at, within), study.importance.shares.get(edge.axis.name, 0.0)
    if not gap.mean > RISES * gap.error:  # NaN of too few splits, too
        return None
    axis, value = edge.axis, study.columns[edge.axis.name][at]
    end = "upper" if edge.is_high else "lower"
    title = f"The best {study.short[axis.name]} ({value_text(value)}) is at the {end} edge of what was tried."
    here = f"{value_text(study.columns[axis.name][within])}"
    evidence = (
        f"The range is {value_text(axis.low)} to {value_text(axis.high)}. The score still rises towards its edge: "
        f"{number(study.scores[at])} at {value_text(value)}, at best {number(study.scores[within])} further in (at "
        f"{here}). The paired difference over {gap.splits} splits is {number(gap.mean)}, its standard error "
        f"{deviation(gap.error)}."
    )
    return Finding("edge", title, evidence, _beyond(study, edge), weight=0.8 + 0.1 * share)


def _beyond(study: Study, edge: _Edge) -> str:
    """Return what to type to search beyond an edge."""
    axis, words = edge.axis, f"Search {'above' if edge.is_high else 'below'} it"
    low, high = _range_beyond(edge)
    if study.method == "grid" and axis.values is not None:
        values = commands.listed(_values_beyond(edge))
        return f"{words}." if values is None else commands.search_again(study.run, {axis.name: values}, words)
    values = commands.drawn(low, high, is_log=axis.is_log, is_integer=_counts(axis))
    return commands.search_again(study.run, {axis.name: values}, words)


def _range_beyond(edge: _Edge) -> tuple[float, float]:
    """Return a range that begins within the old one, and goes on beyond by half its width."""
    axis = edge.axis
    first, last = (axis.low or 0.0, axis.high or 0.0) if edge.is_high else (axis.high or 0.0, axis.low or 0.0)
    start, end = axis.scaled(first), axis.scaled(last)
    inner, outer = end - (end - start) / 4, end + (end - start) / 2
    if axis.is_log:
        inner, outer = 10**inner, 10**outer
    elif not edge.is_high and last > 0 >= outer:  # what was positive stays so
        outer = max(1, last / 10) if _counts(axis) else last / 10
    return (inner, outer) if edge.is_high else (outer, inner)


def _values_beyond(edge: _Edge) -> Sequence[float]:
    """Return the value at the edge of a list, and three that go on as the list does."""
    axis = edge.axis
    values = list(axis.values or ())
    near, last = (values[-2], values[-1]) if edge.is_high else (values[1], values[0])
    if axis.is_log or (last > 0 and near > 0 and not edge.is_high):
        new = [last * (last / near) ** step for step in range(4)]
    else:
        new = [last + (last - near) * step for step in range(4)]
    if _counts(axis):
        new = [each for each in dict.fromkeys(round(each) for each in new) if each > 0]
    return sorted(each if _counts(axis) else float(f"{each:.6g}") for each in new)


def find_unimportant(study: Study) -> Finding | None:
    """Find parameters that did not matter: for the forest, over all and the better half, and for getting to the top."""
    shares, explained = study.importance.shares, study.importance.explained or 0.0
    none = [name for name in study.axes if shares.get(name, 1.0) <= NO_SHARE]
    if len(study.order) < FEWEST_FOR_NONE or explained < WELL_EXPLAINED or not none:
        return None
    half = importance(study.table, study.axes, study.columns, study.better_half)
    none = [name for name in none if half.shares.get(name, 0.0) <= 2 * NO_SHARE and _is_anything_good(study, name)]
    if not none:
        return None
    names = ", ".join(study.short[name] for name in none)
    figures = ", ".join(f"{shares[name]:.1%} by {study.short[name]}" for name in none)
    evidence = (
        f"Of the differences between the scores of {count(study.importance.candidates, 'candidate')}, as far as a "
        f"forest on the parameters explains them ({explained:.0%}), {figures}. The best eighth has any of its values, "
        "or any third of its range, about as often as the others have."
    )
    each = "" if len(none) == 1 else ", each by itself"
    return Finding("unimportant", f"{names} did not matter{each}.", evidence, _leave_out(study, none), weight=0.3)


def _is_anything_good(study: Study, name: str) -> bool:
    """Tell whether the top has all values of a parameter, or all thirds of its range, about as often as all have."""
    axis, column = study.axes[name], study.columns[name]
    rows = [int(row) for row in study.order if column[row] is not ABSENT]
    if len(rows) < FEWEST_FOR_NONE:
        return False
    if axis.is_category or len({repr(column[row]) for row in rows}) <= THIRDS:
        where = np.array([repr(column[row]) for row in rows])
    else:
        places = np.array([axis.scaled(column[row]) for row in rows])
        where = np.digitize(places, np.linspace(places.min(), places.max(), THIRDS + 1)[1:-1])
    top = where[: len(rows) // EIGHTH]
    return all((top == place).mean() >= AS_OFTEN * (where == place).mean() for place in np.unique(where))


def _leave_out(study: Study, names: Sequence[str]) -> str:
    tried = {name: study.columns[name][study.top] for name in names if _is_there(study, name)}
    fixed = {name: commands.listed([_short(value)]) for name, value in tried.items()}
    said = {name: values for name, values in fixed.items() if values is not None}
    words = "Give one value, and spend the candidates on what matters"
    if study.method == "grid":
        sizes = [len(study.axes[name].values or ()) for name in names]
        words = f"Give one value: a grid of {math.prod(max(1, size) for size in sizes):,} times fewer candidates"
    return commands.search_again(study.run, said, words) if said else f"{words}."


def _is_there(study: Study, name: str) -> bool:
    value = study.columns[name][study.top]
    return is_number(value) or value is None or isinstance(value, str | bool | tuple)


def _short(value: Any) -> Any:
    """Return a value that is as good as one that did not matter, with three significant digits."""
    return float(f"{value:.3g}") if isinstance(value, float) else value
