"""What can be said of a candidate, by name: its score and times, its parameters, the scores of its splits.

rank  candidate  mean  std  train  fit_time  score_time  splits  error  pruned  round  resources
mean_roc_auc  std_roc_auc  roc_auc  split0  split0_roc_auc        of one metric, where there are several
rank_test_score  rank_test_roc_auc                                scikit-learn's own, where equal scores share one
C  svc__C                                                         parameters
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from raysk.errors import UsageError
from raysk.util.names import short_names
from raysk.util.words import suggestion

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from raysk.history.candidate_table import CandidateTable

ABSENT = type("Absent", (), {"__repr__": lambda _: ""})()
"""Stands for a parameter that a candidate does not have."""

PARAMETER, SCORE, SPREAD, SECONDS, PLAIN = "parameter", "score", "spread", "seconds", "plain"
"""Kinds of columns: what their values are, and how they are written."""

RANK_OF = "rank_test_"
"""How scikit-learn's ranks are called, before the name of the metric."""

_SPLIT = re.compile(r"split(\d+)(?:_(?:test_)?(.+))?")
_METRIC = re.compile(r"(?:(mean|std|train)_(?:test_)?)?(.+)")
_ALIKE = {"mean_fit_time": "fit_time", "mean_score_time": "score_time", "iter": "round", "n_resources": "resources"}


@dataclass(frozen=True)
class Column:
    """A column.

    Parameters
    ----------
    name : str
        As a person writes it.
    key : str
        As files have it: the whole name of a parameter.
    kind : str
    values : callable
        Returns the values of rows, in their order.
    """

    name: str
    key: str
    kind: str
    values: Callable[[Sequence[int]], list[Any]]


class Columns:
    """All columns of a table.

    Parameters
    ----------
    table : CandidateTable
    """

    def __init__(self, table: CandidateTable) -> None:
        self.table = table
        self._short = short_names(table.names)
        self._params: dict[int, Mapping[str, Any]] = {}

    def find(self, name: str, option: str) -> Column:
        """Return a column by its name.

        Raises
        ------
        UsageError
            If there is none, with names like it.
        """
        found = self._find(name)
        if found is None:
            known = [*self._short.values(), *self.table.metrics[1:], *self._fixed, *self.table.extra]
            raise UsageError(f"{option}: there is no column {name!r}.\n{suggestion(name, known, 'columns')}")
        return found

    def __contains__(self, name: str) -> bool:
        return self._find(name) is not None

    def fixed(self, *names: str) -> Iterator[Column]:
        """Yield columns that every table has."""
        return (self._fixed[name] for name in names)

    def parameters(self, names: Iterable[str]) -> Iterator[Column]:
        """Yield columns of parameters by their whole names."""
        return map(self._parameter, names)

    def splits(self, metric: str) -> list[Column]:
        """Return a column for the score of each split."""
        return [self._split(number, metric) for number in range(self.table.splits[metric].shape[1])]

    def _find(self, name: str) -> Column | None:
        name = _ALIKE.get(name, name)
        if name in self._fixed:
            return self._fixed[name]
        whole = [each for each, short in self._short.items() if name in {each, short, f"param_{each}"}]
        if whole:
            return self._parameter(whole[0])
        if name in self.table.extra:
            return _column(name, PLAIN, self.table.extra[name])
        return self._of_metric(name)

    def _of_metric(self, name: str) -> Column | None:
        if name.startswith(RANK_OF) and (metric := name.removeprefix(RANK_OF)) in self.table.metrics:
            return _column(name, PLAIN, self.table.rank(metric))
        if match := _SPLIT.fullmatch(name):
            number, metric = int(match[1]), match[2] or self.table.metric
            cells = self.table.splits.get(metric)
            return self._split(number, metric) if cells is not None and number < cells.shape[1] else None
        if match := _METRIC.fullmatch(name):
            by_metric = {"std": self.table.std, "train": self.table.train_mean}.get(match[1], self.table.mean)
            if match[2] in by_metric:
                return _column(name, SPREAD if match[1] == "std" else SCORE, by_metric[match[2]])
        return None

    @cached_property
    def _fixed(self) -> dict[str, Column]:
        """The columns that every table has, by their names."""
        table, metric = self.table, self.table.metric
        nothing = np.full(len(table), np.nan)
        columns = [
            _column("rank", PLAIN, lambda: [place or None for place in table.places().tolist()]),
            _column("candidate", PLAIN, table.numbers),
            _column("round", PLAIN, table.rounds if table.rounds is not None else nothing),
            _column("resources", PLAIN, table.resources if table.resources is not None else nothing),
            _column("mean", SCORE, table.mean[metric]),
            _column("std", SPREAD, table.std[metric]),
            _column("train", SCORE, table.train_mean.get(metric, nothing)),
            _column("fit_time", SECONDS, table.fit_time),
            _column("score_time", SECONDS, table.score_time),
            _column("splits", PLAIN, table.done.tolist),
            _column("error", PLAIN, table.errors),
            _column("pruned", PLAIN, table.pruned),
        ]
        return {column.name: column for column in columns}

    def _parameter(self, name: str) -> Column:
        def values(rows: Sequence[int]) -> list[Any]:
            return [self._params_of(row).get(name, ABSENT) for row in rows]

        return Column(self._short[name], name, PARAMETER, values)

    def _params_of(self, row: int) -> Mapping[str, Any]:
        if row not in self._params:
            self._params[row] = self.table.params[row]
        return self._params[row]

    def _split(self, number: int, metric: str) -> Column:
        name = f"split{number}" if metric == self.table.metric else f"split{number}_{metric}"
        return _column(name, SCORE, self.table.splits[metric][:, number])


def _column(name: str, kind: str, cells: Any) -> Column:
    """Return a column of an array, a list, or a function that makes a list; absent numbers are None."""
    made: list[Any] = []

    def values(rows: Sequence[int]) -> list[Any]:
        if not made:
            whole = cells() if callable(cells) else cells.tolist() if hasattr(cells, "tolist") else cells
            made.extend(None if value != value else value for value in whole)  # noqa: PLR0124 - NaN
        return [made[row] for row in rows]

    return Column(name, name, kind, values)
