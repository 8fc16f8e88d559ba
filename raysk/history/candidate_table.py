"""The candidates of one run as columns."""

from __future__ import annotations

import importlib
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from raysk.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pandas as pd

    Floats = np.ndarray[Any, np.dtype[np.float64]]


@dataclass(frozen=True, kw_only=True)
class CandidateTable:
    """The candidates of one run, a row each, by their numbers.

    Parameters
    ----------
    metric : str
        The metric that decides, as columns are called by it; ``score`` where there is one.
    metrics : tuple of str
        All, that one first.
    numbers : ndarray of int of shape (n,)
        As in ``cv_results_``.
    params : sequence of mapping of str to object
        Python's values, decoded when they are asked for; see `raysk.util.typed_json`.
    names : tuple of str
        All parameters.
    mean, std : mapping of str to ndarray of shape (n,)
        By metric, over the splits; NaN where a split is not done, has failed or was pruned.
    splits : mapping of str to ndarray of shape (n, n_splits)
    train_mean, train_splits : mapping
        The same of the training scores; empty where there are none.
    fit_time, score_time : ndarray of shape (n,)
        The mean, in seconds.
    errors : list of str or None
        Why the first of a candidate's fits, or scores, failed.
    pruned : ndarray of bool of shape (n,)
    rounds, resources : ndarray of int of shape (n,), or None
        Of a halving search.
    extra : mapping of str to list of str
        Other columns of the table.
    is_whole : bool
        Whether these are the candidates of a run that is done, and not what its journal has so far.
    total : int or None
        How many candidates the run has, if these are only the best of them.
    said_to_vary : tuple of str or None
        The parameters in which the candidates of the run differ; None if these tell.
    """

    metric: str
    metrics: tuple[str, ...]
    numbers: np.ndarray[Any, Any]
    params: Sequence[Mapping[str, Any]]
    names: tuple[str, ...]
    mean: Mapping[str, Floats]
    std: Mapping[str, Floats]
    splits: Mapping[str, Floats]
    train_mean: Mapping[str, Floats] = field(default_factory=dict)
    train_splits: Mapping[str, Floats] = field(default_factory=dict)
    fit_time: Floats
    score_time: Floats
    errors: list[str | None]
    pruned: np.ndarray[Any, Any]
    rounds: np.ndarray[Any, Any] | None = None
    resources: np.ndarray[Any, Any] | None = None
    extra: Mapping[str, list[str]] = field(default_factory=dict)
    is_whole: bool = True
    total: int | None = None
    said_to_vary: tuple[str, ...] | None = None

    def __len__(self) -> int:
        return len(self.numbers)

    @property
    def done(self) -> np.ndarray[Any, Any]:
        """How many splits of each candidate have a score."""
        done: np.ndarray[Any, Any] = np.isfinite(self.splits[self.metric]).sum(axis=1)
        return done

    @cached_property
    def varying(self) -> tuple[str, ...]:
        """The parameters in which candidates differ."""
        if self.said_to_vary is not None:
            return self.said_to_vary
        values: dict[str, set[str]] = {name: set() for name in self.names}
        for params in self.params:  # once: each is decoded
            for name, several in values.items():
                several.add(repr(params.get(name)))
        return tuple(name for name, several in values.items() if len(several) > 1)

    def order(self, metric: str | None = None) -> np.ndarray[Any, Any]:
        """Return the rows, the best score first; equal ones by their numbers, those without a score last.

        Of a halving search those of the last round come first: scikit-learn chooses among them.
        """
        mean = self.mean[metric or self.metric]
        order = np.argsort(-mean, kind="stable")
        if self.rounds is None:
            return order
        order = order[np.argsort(-self.rounds[order], kind="stable")]
        return order[np.argsort(~np.isfinite(mean[order]), kind="stable")]

    def best_rows(self, metric: str | None = None) -> np.ndarray[Any, Any]:
        """Return the rows that have a rank, the best first: those with a score.

        A candidate of a halving search has a row for each round that it was in, of which the last counts.
        """
        order = self.order(metric)
        order = np.asarray(order[np.isfinite(self.mean[metric or self.metric][order])])
        if self.rounds is None:
            return order
        latest: dict[str, int] = {}
        for row in order.tolist():
            latest.setdefault(self._without_resource(row), row)
        return np.array(list(latest.values()), dtype=int)

    def one_row_each(self) -> np.ndarray[Any, Any]:
        """Return a row for each candidate, as `best_rows` does, and then those without a score."""
        order = self.order()
        return np.concatenate([self.best_rows(), order[~np.isfinite(self.mean[self.metric][order])]])

    def places(self, metric: str | None = None) -> np.ndarray[Any, Any]:
        """Return the place of each row in `best_rows`, from 1; 0 of one that is not there."""
        order = self.best_rows(metric)
        places = np.zeros(len(self), int)
        places[order] = np.arange(1, len(order) + 1)
        return places

    def rank(self, metric: str | None = None) -> np.ndarray[Any, Any]:
        """Return the rank of each row from 1, as scikit-learn ranks: equal scores share the best rank."""
        mean = self.mean[metric or self.metric]
        ordered = np.sort(-np.where(np.isfinite(mean), mean, -np.inf))
        rank: np.ndarray[Any, Any] = 1 + np.searchsorted(ordered, -np.where(np.isfinite(mean), mean, -np.inf))
        return rank

    def to_pandas(self) -> pd.DataFrame:
        """Return the candidates as ``pandas.DataFrame(search.cv_results_)`` has them, as far as they are known.

        Raises
        ------
        InputError
            If pandas is not installed.
        """
        pandas = import_pandas()
        params = list(self.params)
        columns: dict[str, Any] = {f"param_{name}": [each.get(name) for each in params] for name in self.names}
        columns |= {"params": params, "mean_fit_time": self.fit_time, "mean_score_time": self.score_time}
        for kind, splits, means in (("test", self.splits, self.mean), ("train", self.train_splits, self.train_mean)):
            for metric, cells in splits.items():
                columns |= {f"split{number}_{kind}_{metric}": column for number, column in enumerate(cells.T)}
                columns[f"mean_{kind}_{metric}"] = means[metric]
        for metric in self.metrics:
            columns |= {f"std_test_{metric}": self.std[metric], f"rank_test_{metric}": self.rank(metric)}
        columns |= {"iter": self.rounds, "n_resources": self.resources, "error": self.errors, "pruned": self.pruned}
        known = {name: column for name, column in columns.items() if column is not None}
        return pandas.DataFrame(known, index=pandas.Index(self.numbers, name="candidate"))

    def _without_resource(self, row: int) -> str:
        """Return what stands for a candidate, whatever it could spend in a round."""
        params = {name: value for name, value in self.params[row].items() if name != self._resource}
        return repr(sorted(params.items()))

    @cached_property
    def _resource(self) -> str | None:
        """The parameter that a halving search gives more of in each round; None where it is the rows."""
        if self.resources is None:
            return None
        spent = self.resources.tolist()
        return next((name for name in self.names if [each.get(name) for each in self.params] == spent), None)


def import_pandas() -> Any:
    """Return pandas.

    Raises
    ------
    InputError
        If it is not installed.
    """
    try:
        return importlib.import_module("pandas")
    except ImportError as err:
        raise InputError(
            "A table for pandas needs pandas, which is not installed here.\nInstall it with: pip install 'raysk[data]'"
        ) from err
