"""What a report needs of one run, read once."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from raysk.errors import InputError
from raysk.history.candidates import read_candidates
from raysk.history.fits import read_fits
from raysk.report.axes import axes_of, columns_of
from raysk.report.findings import findings
from raysk.report.importance import importance
from raysk.report.parameters import column_of, short_names
from raysk.report.study import Study
from raysk.report.timeline import timeline_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from raysk.history.candidates import CandidateTable
    from raysk.history.fits import Fit
    from raysk.history.run import Run
    from raysk.report.finding import Finding
    from raysk.report.parameters import Column
    from raysk.report.timeline import Timeline

    Floats = np.ndarray[Any, np.dtype[np.float64]]
    Rows = np.ndarray[Any, np.dtype[np.intp]]


@dataclass(frozen=True)
class Reading:
    """A run, read.

    Parameters
    ----------
    run : Run
    table : CandidateTable or None
        None for a run without candidates of its own, such as nested cross-validation.
    fits : sequence of Fit
    """

    run: Run
    table: CandidateTable | None
    fits: Sequence[Fit]

    @cached_property
    def study(self) -> Study:
        """What findings are drawn from; only of a run with candidates."""
        assert self.table is not None  # noqa: S101 - see above
        values = columns_of(self.table)
        axes = axes_of(self.run, self.table, values)
        return Study(self.run, self.table, self.fits, axes, importance(self.table, axes, values))

    @cached_property
    def findings(self) -> list[Finding]:
        """What the run shows, in words; nothing of a run without candidates."""
        if self.table is None:
            return []
        return findings(self.run, self.table, self.fits, self.study.axes, self.study.importance)

    @property
    def metric(self) -> str:
        """What the score is, in words."""
        return self.study.metric if self.table is not None else str(self.run.facts.get("metric") or "score")

    @property
    def scores(self) -> Floats:
        """The mean score of each row."""
        return np.array([]) if self.table is None else self.table.mean[self.table.metric]

    @cached_property
    def order(self) -> Rows:
        """The rows with a score, the best first; after halving, those of later rounds come first."""
        if self.table is None:
            return np.array([], dtype=int)
        order = self.table.order()
        if self.table.rounds is not None:
            order = order[np.argsort(-self.table.rounds[order], kind="stable")]
        found: Rows = order[np.isfinite(self.scores[order])]
        return found

    @cached_property
    def best(self) -> int | None:
        """The row that the run says is the best, or else the one with the best score; None if none has a score."""
        if not len(self.order):
            return None
        return self.study.chosen if len(self.study.order) else int(self.order[0])

    @cached_property
    def columns(self) -> list[Column]:
        """The parameters that vary, on their axes."""
        study = self.study
        return [column_of(study.axes[name], study.short[name], column) for name, column in study.columns.items()]

    @cached_property
    def short(self) -> dict[str, str]:
        """The short name of each parameter that varies; of all, if none does."""
        return short_names(self.table.varying or self.table.names) if self.table is not None else {}

    @cached_property
    def timeline(self) -> Timeline | None:
        """The work of each worker; None if the journal does not say who did what when."""
        return timeline_of(self.fits)

    @cached_property
    def done_at(self) -> Floats | None:
        """When each row was done, in seconds since the first fit began; None if that is not known of all with a score.

        Times without work, as before a run was resumed, count too.
        """
        ended: dict[int, float] = {}
        for fit in self.fits:
            if fit.ended is not None and not fit.fold:
                ended[fit.candidate] = max(fit.ended, ended.get(fit.candidate, fit.ended))
        if self.table is None or not ended:
            return None
        first = min(fit.ended - fit.fit_time - fit.score_time for fit in self.fits if fit.ended is not None)
        at = np.array([ended.get(int(number), np.nan) for number in self.table.numbers]) - first
        return at if np.isfinite(at[self.order]).all() else None


def mapping_of(value: Any) -> Mapping[str, Any]:
    """Return a part of ``run.json``; an empty one for what is no object."""
    return value if isinstance(value, dict) else {}


def read(run: Run) -> Reading:
    """Read a run.

    Raises
    ------
    InputError
        If there is nothing to show: it is no search, or no fit of it is done yet.
    """
    fits = read_fits(run)
    table = None
    with contextlib.suppress(InputError) if any(fit.fold for fit in fits) else contextlib.nullcontext():
        table = read_candidates(run)
        table = replace(table, params=list(table.params))  # each is decoded once
    return Reading(run, table, fits)
