"""The candidates of a run as columns: from its table once it is done, else from its journal."""

from __future__ import annotations

import ast
import csv
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from raysk.errors import InputError
from raysk.history.fits import ONE_METRIC, read_fits
from raysk.history.run import RUNNING
from raysk.runs.folder import RESULTS
from raysk.util.typed_json import decode_params

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from raysk.history.fits import Fit
    from raysk.history.run import Run

    Floats = np.ndarray[Any, np.dtype[np.float64]]

_SPLIT = re.compile(r"split\d+_")

MOST_CELL = 2**31 - 1
"""The most characters of a cell of a table."""


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
        return tuple(name for name in self.names if len({repr(each.get(name)) for each in self.params}) > 1)

    def order(self, metric: str | None = None) -> np.ndarray[Any, Any]:
        """Return the rows, the best score first; equal ones by their numbers, those without a score last."""
        return np.argsort(-self.mean[metric or self.metric], kind="stable")

    def rank(self, metric: str | None = None) -> np.ndarray[Any, Any]:
        """Return the rank of each row from 1, as scikit-learn ranks: equal scores share the best rank."""
        mean = self.mean[metric or self.metric]
        ordered = np.sort(-np.where(np.isfinite(mean), mean, -np.inf))
        rank: np.ndarray[Any, Any] = 1 + np.searchsorted(ordered, -np.where(np.isfinite(mean), mean, -np.inf))
        return rank


def read_candidates(run: Run) -> CandidateTable:
    """Read the candidates of a run.

    Raises
    ------
    InputError
        If it is no search, or nothing of it is done yet.
    """
    table = None if run.state == RUNNING else _from_table(run)
    if table is None:
        fits = [fit for fit in read_fits(run) if not fit.fold]
        table = _from_journal(run, fits) if fits else None
    if table is None:
        what = "no fit of it is done yet" if run.state == RUNNING else "it has neither a table nor a journal with fits"
        raise InputError(f"{run.shown!r} has no candidates to show: {what}.\nSee what runs there are: raysk runs")
    return table


# --- from results.csv -----------------------------------------------------------------------------


def _from_table(run: Run) -> CandidateTable | None:
    columns = _read_columns(run)
    metrics = [name.removeprefix("mean_test_") for name in columns if name.startswith("mean_test_")]
    count = len(next(iter(columns.values()), ()))
    if not metrics or not count:
        return None
    metric, names = _deciding(run, metrics), [name for name in columns if name.startswith("param_")]
    scores = {f"{what}_test_{each}" for each in metrics for what in ("mean", "std")}
    known = {*scores, *names, "params", "mean_fit_time", "mean_score_time", "error", "pruned", "iter", "n_resources"}
    return CandidateTable(
        metric=metric,
        metrics=(metric, *(each for each in metrics if each != metric)),
        numbers=np.arange(count),
        params=_TableParams(columns.get("params"), {name.removeprefix("param_"): columns[name] for name in names}),
        names=tuple(name.removeprefix("param_") for name in names),
        mean={each: _floats(columns[f"mean_test_{each}"]) for each in metrics},
        std={each: _floats(columns.get(f"std_test_{each}", [""] * count)) for each in metrics},
        splits={each: _splits(columns, "test", each, count) for each in metrics},
        train_mean={
            each: _floats(columns[f"mean_train_{each}"]) for each in metrics if f"mean_train_{each}" in columns
        },
        train_splits={
            each: _splits(columns, "train", each, count) for each in metrics if f"mean_train_{each}" in columns
        },
        fit_time=_floats(columns.get("mean_fit_time", [""] * count)),
        score_time=_floats(columns.get("mean_score_time", [""] * count)),
        errors=[text or None for text in columns.get("error", [""] * count)],
        pruned=np.array([text == "True" for text in columns.get("pruned", [""] * count)]),
        rounds=_integers(columns.get("iter")),
        resources=_integers(columns.get("n_resources")),
        extra={name: column for name, column in columns.items() if name not in known and not _SPLIT.match(name)},
    )


def _read_columns(run: Run) -> dict[str, list[str]]:
    """Return the columns of a run's table as text; none if it cannot be read."""
    csv.field_size_limit(MOST_CELL)
    try:
        with (run.folder / RESULTS).open(newline="", encoding="utf-8") as file:
            reader = csv.reader(file)
            header = next(reader, [])
            rows = [row for row in reader if len(row) == len(header)]
    except (OSError, ValueError, csv.Error):
        return {}
    return dict(zip(header, map(list, zip(*rows, strict=True)), strict=True)) if rows else {}


def _floats(texts: Iterable[str]) -> Floats:
    return np.array([text or "nan" for text in texts], dtype=float)


def _integers(texts: list[str] | None) -> np.ndarray[Any, Any] | None:
    return None if texts is None else np.array([text or "0" for text in texts], dtype=float).astype(int)


def _splits(columns: Mapping[str, list[str]], kind: str, metric: str, count: int) -> Floats:
    names, number = [], 0
    while (name := f"split{number}_{kind}_{metric}") in columns:
        names.append(name)
        number += 1
    return np.stack([_floats(columns[name]) for name in names], axis=1) if names else np.empty((count, 0))


class _TableParams(Sequence[Mapping[str, Any]]):
    """The parameters of each row of a table, decoded when they are asked for."""

    def __init__(self, encoded: list[str] | None, columns: Mapping[str, list[str]]) -> None:
        self._encoded, self._columns = encoded, columns

    def __len__(self) -> int:
        return len(self._encoded if self._encoded is not None else next(iter(self._columns.values()), ()))

    def __getitem__(self, row: Any) -> Any:
        if self._encoded is not None:
            try:
                return decode_params(json.loads(self._encoded[row]))
            except ValueError:
                return {}
        # a table of an older raysk: an empty cell may be None, or a parameter that the candidate does not have
        return {name: _literal(column[row]) for name, column in self._columns.items() if column[row]}


def _literal(text: str) -> Any:
    """Return the value that a cell shows; text is text."""
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return text


# --- from the journal -----------------------------------------------------------------------------


def _from_journal(run: Run, fits: Sequence[Fit]) -> CandidateTable:
    found = list(dict.fromkeys(name for fit in fits for name in fit.scores))
    metric = _deciding(run, found)
    metrics = (metric, *(name for name in found if name != metric))
    rows = _rows(fits)
    numbers, order = np.unique([row.number for row in rows], return_index=True)
    if len(order) < len(rows):  # a search that has grown may have given a number twice: they are numbered anew
        numbers, order = np.arange(len(rows)), np.argsort([row.number for row in rows], kind="stable")
    rows = [rows[at] for at in order]
    shape = (len(rows), 1 + max(fit.split for fit in fits))
    described = {_candidate_key(fit): fit.params for fit in fits if fit.params is not None}
    params = [described.get(row.key, {}) for row in rows]

    def grid(value: Callable[[Fit], float]) -> Floats:
        cells = np.full(shape, np.nan)
        for at, row in enumerate(rows):
            for split, fit in row.fits.items():
                cells[at, split] = value(fit)
        return cells

    splits = {name: grid(lambda fit, name=name: fit.scores.get(name, np.nan)) for name in metrics}  # type: ignore[misc]
    train = {name: grid(lambda fit, name=name: fit.train_scores.get(name, np.nan)) for name in metrics}  # type: ignore[misc]
    train = train if any(fit.train_scores for fit in fits) else {}
    return CandidateTable(
        metric=metric,
        metrics=metrics,
        numbers=numbers,
        params=params,
        names=tuple(dict.fromkeys(name for each in params for name in each)),
        mean={name: cells.mean(axis=1) for name, cells in splits.items()},
        std={name: cells.std(axis=1) for name, cells in splits.items()},
        splits=splits,
        train_mean={name: cells.mean(axis=1) for name, cells in train.items()},
        train_splits=train,
        fit_time=_mean_of_rows(grid(lambda fit: fit.fit_time)),
        score_time=_mean_of_rows(grid(lambda fit: fit.score_time)),
        errors=[next((fit.error for fit in row.fits.values() if fit.error is not None), None) for row in rows],
        pruned=np.zeros(len(rows), bool),
        is_whole=False,
    )


@dataclass
class _Row:
    """The fits of one candidate, or in halving of one in one round, by split."""

    key: str
    number: int
    fits: dict[int, Fit]


def _rows(fits: Iterable[Fit]) -> list[_Row]:
    """Put the fits of each candidate together; one that was tried again on all splits, as halving does, is another."""
    rows: list[_Row] = []
    latest: dict[str, _Row] = {}
    for fit in fits:
        key = _candidate_key(fit)
        row = latest.get(key)
        if row is None or fit.split in row.fits:
            row = latest[key] = _Row(key, fit.candidate, {})
            rows.append(row)
        row.number, row.fits[fit.split] = fit.candidate, fit
    return rows


def _candidate_key(fit: Fit) -> str:
    return fit.key.partition(" ")[0]


def _mean_of_rows(cells: Floats) -> Floats:
    """Return the mean of each row without its NaN; each has a number."""
    mean: Floats = np.nanmean(cells, axis=1)
    return mean


def _deciding(run: Run, metrics: Sequence[str]) -> str:
    """Return the metric that decides: the one that ``run.json`` names, or else the first."""
    said = run.facts.get("metric")
    return said if isinstance(said, str) and said in metrics else next(iter(metrics), ONE_METRIC)
