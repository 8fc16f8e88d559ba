"""What a run shows, in words: a few findings, each with its figures and what to type next.

    run.json, results.csv or journal --history--> table, fits --axes, importance--> Study --find_*--> findings

A healthy run has few. Nothing is claimed that a handful of splits cannot show: differences are told with their
standard errors, and thresholds stand, each with its reason, where they are used.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from raysk.history.candidates import open_search, read_candidates
from raysk.history.fits import read_fits
from raysk.report.axes import axes_of
from raysk.report.findings_scores import find_bad_split, find_cheaper, find_overfit, find_result, find_unstable
from raysk.report.findings_space import find_edges, find_unimportant
from raysk.report.findings_time import find_failures, find_idle, find_no_score, find_slow
from raysk.report.importance import importance as importance_of
from raysk.report.study import Study
from raysk.runs.lookup import LATEST

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from raysk.history.candidates import CandidateTable
    from raysk.history.fits import Fit
    from raysk.history.run import Run
    from raysk.report.axes import Axis
    from raysk.report.finding import Finding
    from raysk.report.importance import Importance

MOST = 8
"""Findings of one run: a longer list is not read."""


def findings(
    run: Run,
    table: CandidateTable,
    fits: Sequence[Fit],
    axes: Mapping[str, Axis],
    importance: Importance,
) -> list[Finding]:
    """Return what a search shows, the result first, then what matters most.

    Parameters
    ----------
    run : Run
    table : CandidateTable
    fits : sequence of Fit
        Empty if there is no journal.
    axes : mapping of str to Axis
        What `raysk.report.axes.axes_of` returns.
    importance : Importance
        What `raysk.report.importance.importance` returns.

    Returns
    -------
    list of Finding
        At most `MOST`.
    """
    study = Study(run, table, fits, axes, importance)
    if not len(study.order):
        return [find_no_score(study)]
    with np.errstate(invalid="ignore", divide="ignore"):
        single = (find_cheaper, find_unstable, find_bad_split, find_overfit, find_unimportant, find_failures, find_slow)
        asked = [*find_edges(study), *(find(study) for find in (*single, find_idle))]
        result = find_result(study)
    found = [finding for finding in asked if finding is not None]
    if any(finding.kind == "bad-split" for finding in found):  # it is what makes the scores unstable
        found = [finding for finding in found if finding.kind != "unstable"]
    others = sorted(found, key=lambda finding: -finding.weight)
    return [result, *others[: MOST - 1]]


def findings_of(run: str | Path | Run = LATEST) -> list[Finding]:
    """Read a run, and say what it shows: the result first, then what matters most.

    Parameters
    ----------
    run : str, Path or Run
        A run's name, its folder, a file in it, or ``latest``.

    Returns
    -------
    list of Finding
        A few; each has a ``title``, its ``evidence`` in figures, and a ``next_step``.

    Raises
    ------
    InputError
        If there is no such run, or it has no candidates.
    """
    run = open_search(run) if isinstance(run, str | Path) else run
    table = read_candidates(run)
    axes = axes_of(run, table)
    return findings(run, table, read_fits(run), axes, importance_of(table, axes))
