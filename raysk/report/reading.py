"""What a report needs of one run, read once."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from raysk.errors import InputError
from raysk.history.candidates import read_candidates
from raysk.history.fits import read_fits
from raysk.report.axes import axes_of, columns_of
from raysk.report.parameters import column_of, short_names
from raysk.report.timeline import timeline_of
from raysk.report.words import value_text

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from raysk.history.candidates import CandidateTable
    from raysk.history.fits import Fit
    from raysk.history.run import Run
    from raysk.report.parameters import Column
    from raysk.report.timeline import Timeline

    Floats = np.ndarray[Any, np.dtype[np.float64]]
    Rows = np.ndarray[Any, np.dtype[np.intp]]


@dataclass(frozen=True)
class Study:
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

    @property
    def metric(self) -> str:
        """What the score is, in words."""
        said = [mapping_of(self.run.facts.get("best")).get("metric"), self.run.facts.get("metric")]
        known = None if self.table is None else self.table.metric
        return next((each for each in (*said, known) if isinstance(each, str) and each), "score")

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

    @property
    def scores(self) -> Floats:
        """The mean score of each row."""
        return np.array([]) if self.table is None else self.table.mean[self.table.metric]

    @cached_property
    def best(self) -> int | None:
        """The row that the run says is the best, or else the one with the best score; None if none has a score."""
        said = mapping_of(self.run.facts.get("best")).get("best_index")
        if self.table is not None and self.table.is_whole and isinstance(said, int):
            found = np.flatnonzero((self.table.numbers == said) & np.isfinite(self.scores))
            if len(found):
                return int(found[0])
        return int(self.order[0]) if len(self.order) else None

    @cached_property
    def columns(self) -> list[Column]:
        """The parameters that vary, on their axes."""
        if self.table is None:
            return []
        values = columns_of(self.table)
        axes, short = axes_of(self.run, self.table, values), short_names(list(values))
        return [column_of(axes[name], short[name], column) for name, column in values.items()]

    @cached_property
    def short(self) -> dict[str, str]:
        """The short name of each parameter that varies; of all, if none does."""
        if self.table is None:
            return {}
        return short_names(list(self.table.varying or self.table.names))

    def params_text(self, row: int) -> str:
        """Return the parameters of a row that vary, in one line."""
        params = {} if self.table is None else self.table.params[row]
        return ", ".join(f"{short}={value_text(params[name])}" for name, short in self.short.items() if name in params)

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


def study_of(run: Run) -> Study:
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
    return Study(run, table, fits)
