"""What the findings about a run are drawn from: its candidates in order, their parameters, and its command."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from raysk.history.noise import Difference, compare, errors_of_means, test_ratio_of
from raysk.report import words
from raysk.report.axes import ABSENT, columns_of
from raysk.report.parameters import short_names
from raysk.util.words import brief_value

if TYPE_CHECKING:
    from raysk.history.candidates import CandidateTable
    from raysk.history.fits import Fit
    from raysk.history.run import Run
    from raysk.report.axes import Axis
    from raysk.report.importance import Importance

    Rows = np.ndarray[Any, np.dtype[np.intp]]
    Floats = np.ndarray[Any, np.dtype[np.float64]]

ROUNDING = 1e-12
"""Differences of scores up to this are those of adding numbers in another order."""


@dataclass(frozen=True)
class Study:
    """A run, read.

    Parameters
    ----------
    run : Run
    table : CandidateTable
    fits : sequence of Fit
    axes : mapping of str to Axis
    importance : Importance
    """

    run: Run
    table: CandidateTable
    fits: Sequence[Fit]
    axes: Mapping[str, Axis]
    importance: Importance

    @cached_property
    def columns(self) -> dict[str, list[Any]]:
        """The value that each candidate has of each parameter that varies."""
        return columns_of(self.table)

    @cached_property
    def scores(self) -> Floats:
        """The mean of each candidate; of halving only the last round's, as others were scored with less."""
        mean, rounds = self.table.mean[self.table.metric], self.table.rounds
        return mean if rounds is None else np.where(rounds == rounds.max(), mean, np.nan)

    @cached_property
    def splits(self) -> Floats:
        """The scores of each candidate, a column a split."""
        return self.table.splits[self.table.metric]

    @cached_property
    def order(self) -> Rows:
        """The rows with a score, the best first."""
        order = np.argsort(-self.scores, kind="stable")
        found: Rows = order[np.isfinite(self.scores[order])]
        return found

    @cached_property
    def is_loss(self) -> bool:
        """Whether the score is a negated loss, such as ``neg_log_loss``: none is above 0."""
        return not (self.scores[self.order] > 0).any()

    @property
    def top(self) -> int:
        """The row with the best score."""
        return int(self.order[0])

    @cached_property
    def chosen(self) -> int:
        """The row that the run says is the best, which a rule may have chosen; else the one with the best score."""
        best = self.run.facts.get("best")
        index = best.get("best_index") if isinstance(best, Mapping) else None
        row = next(iter(np.flatnonzero(self.table.numbers == index).tolist()), self.top)
        return row if np.isfinite(self.table.mean[self.table.metric][row]) else self.top

    @property
    def better_half(self) -> Rows:
        """The better half of the rows with a score."""
        return self.order[: (len(self.order) + 1) // 2]

    @cached_property
    def test_ratio(self) -> float | None:
        """Test rows to training rows of a split; of halving, whose splits differ from round to round, None."""
        return test_ratio_of(self.run) if self.table.rounds is None else None

    @cached_property
    def within_noise(self) -> Rows:
        """The rows that differ from the one with the best score by no more than the standard error."""
        rest, gaps = self.order[1:], self.splits[self.top] - self.splits[self.order[1:]]
        error = errors_of_means(gaps, self.test_ratio)
        found: Rows = rest[np.abs(gaps.mean(axis=1)) <= error + ROUNDING]
        return found

    def compare(self, first: int, second: int) -> Difference:
        """Compare two rows on the same splits."""
        return compare(self.splits[first], self.splits[second], self.test_ratio)

    def error(self, row: int) -> float:
        """Return the standard error of a row's mean."""
        return float(errors_of_means(self.splits[row], self.test_ratio))

    def params_text(self, row: int) -> str:
        """Return the parameters of a row that vary, as ``C=10, gamma=0.1``."""
        values = {name: column[row] for name, column in self.columns.items() if column[row] is not ABSENT}
        return ", ".join(f"{self.short[name]}={value_text(value)}" for name, value in values.items())

    @cached_property
    def short(self) -> dict[str, str]:
        """The last part of each parameter's name, or all of it where two have the same last part."""
        return short_names(tuple(self.columns))

    @cached_property
    def failed(self) -> np.ndarray[Any, np.dtype[np.bool_]]:
        """Whether a fit of each candidate failed."""
        return np.array([error is not None for error in self.table.errors], dtype=bool)

    @cached_property
    def time_s(self) -> Floats:
        """The seconds that each candidate took, of all its splits together."""
        each = np.nan_to_num(self.table.fit_time) + np.nan_to_num(self.table.score_time)
        found: Floats = each * max(1, self.splits.shape[1])
        return found

    @property
    def metric(self) -> str:
        """What the score is, in words."""
        best = self.run.facts.get("best")
        said = best.get("metric") if isinstance(best, Mapping) else None
        known = [said, self.run.facts.get("metric")]
        return next((name for name in known if isinstance(name, str) and name), self.table.metric)

    @property
    def method(self) -> str | None:
        """How the candidates were chosen: ``grid``, ``random``, ``halving``, ``tpe``, or another way."""
        search = self.run.facts.get("search")
        method = search.get("method") if isinstance(search, Mapping) else None
        return method if isinstance(method, str) else None


def value_text(value: Any) -> str:
    """Return the value of a parameter: a float with four significant digits, all else as a person writes it."""
    return f"{value:.4g}" if isinstance(value, float) else brief_value(value)


def number(value: float) -> str:
    """Return a score or a difference with four significant digits; what is left of rounding is 0."""
    return words.number(value if abs(value) > ROUNDING else 0.0)


def deviation(value: float) -> str:
    """Return a deviation or an error with two significant digits."""
    return f"{value:.2g}" if abs(value) > ROUNDING else "0"
