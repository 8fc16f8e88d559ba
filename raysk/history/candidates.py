"""The candidates of a run as columns: from its table once it is done, else from its journal."""

from __future__ import annotations

import contextlib
import json
import math
import os
import re
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from raysk.errors import InputError
from raysk.history.candidate_table import CandidateTable
from raysk.history.fits import ONE_METRIC, read_fits
from raysk.history.results_file import ResultsFile, read_results
from raysk.history.rounds import planned_rounds, round_of
from raysk.history.run import RUNNING, Run, open_run, runs_in
from raysk.runs.folder import CV, JOURNAL, NESTED, PYTHON_CV, PYTHON_NESTED, RESULTS, RUNS_FOLDER, folds_of
from raysk.runs.lookup import LATEST
from raysk.util.typed_json import decode_params, value_of_text

__all__ = ["CandidateTable", "read_candidates"]

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from raysk.history.fits import Fit
    from raysk.history.rounds import PlannedRound

    Floats = np.ndarray[Any, np.dtype[np.float64]]

_KNOWN = re.compile(
    r"(split\d+|mean|std|rank)_(test|train)_|param_|mean_(fit|score)_time$|(params|error|pruned|iter|n_resources)$"
)
"""Columns of a table that are no others."""

NO_SEARCH = {"fit", NESTED, CV, PYTHON_NESTED, PYTHON_CV}
"""The commands whose runs have no candidates."""


MORE_SPLITS = 1000
"""By so much the number of a split may exceed that of all fits: a larger one is damaged, and would fill the memory."""


def read_candidates(
    run: Run | str | Path = LATEST, *, best: int | None = None, number: int | None = None
) -> CandidateTable:
    """Read the candidates of a run.

    Parameters
    ----------
    run : Run, str or Path, default="latest"
        As for `open_search`.
    best : int or None
        How many of the best are wanted, if not all: others are left out where that saves time.
    number : int or None
        The one that is wanted, if not all.

    Returns
    -------
    CandidateTable
        Its `to_pandas` makes a `pandas.DataFrame` of it.

    Raises
    ------
    InputError
        If it is no search, or nothing of it is done yet.
    """
    run = run if isinstance(run, Run) else open_search(run)
    file = _file_of(run)
    if file is not None:
        one = None if number is None or not 0 <= number < len(file.lines) else [number]
        return _from_file(run, file, one or _best_rows(run, file, best))
    fits = [fit for fit in read_fits(run) if not fit.fold]
    fits = [fit for fit in fits if fit.split < MORE_SPLITS + len(fits)]
    if fits:
        return _from_journal(run, fits)
    raise InputError(f"{run.shown!r} has no candidates to show: {_why_none(run)}")


def open_search(text: str | Path = LATEST) -> Run:
    """Find a run as `raysk.open_run` does, but ``latest`` is the newest search in ``raysk-runs``."""
    newest = next(searches_here(), None) if str(text) == LATEST and not Path(LATEST).is_dir() else None
    return newest or open_run(text)


def searches_here() -> Iterator[Run]:
    """Yield the searches in ``raysk-runs`` where we are, those that began last first."""
    here = Path.cwd() / RUNS_FOLDER
    return filter(_is_search, runs_in(here) if here.is_dir() else ())


def _is_search(run: Run) -> bool:
    if run.command in NO_SEARCH or folds_of(run.folder):
        return False
    return any((run.folder / name).is_file() for name in (JOURNAL, RESULTS)) or bool(run.facts.get("search"))


def _why_none(run: Run) -> str:
    """Return why a run has no candidates, and what to type next."""
    if folds := folds_of(run.folder):
        one = os.path.relpath(folds[0])
        return f"it has outer folds, each with a search of its own.\nSee the first: raysk results {shlex.quote(one)}"
    if run.state == RUNNING:
        return "no fit of it is done yet.\nSee what runs there are: raysk runs"
    if run.command in NO_SEARCH:
        return f"it is a run of {run.typed!r}, and no search.\nSee what runs there are: raysk runs"
    return "it has neither a table nor a journal with fits.\nSee what runs there are: raysk runs"


# --- from results.csv -----------------------------------------------------------------------------


def _file_of(run: Run) -> ResultsFile | None:
    """Return a run's table if it has candidates, and no journal knows more: a resumed run leaves its table behind."""
    if run.state == RUNNING:
        return None
    path = run.folder / RESULTS
    if run.state != "done" and _modified(run.folder / JOURNAL) > _modified(path):
        return None
    file = read_results(path)
    return file if file is not None and _metrics_of(file) else None


def _modified(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except OSError:
        return 0.0


def _metrics_of(file: ResultsFile) -> list[str]:
    return [name.removeprefix("mean_test_") for name in file if name.startswith("mean_test_")]


def _best_rows(run: Run, file: ResultsFile, best: int | None) -> list[int] | None:
    """Return the best rows; None for all: of a halving search a row alone does not tell how good it is."""
    if best is None or "iter" in file:
        return None
    mean = _floats(file[f"mean_test_{_deciding(run, _metrics_of(file))}"])
    return np.argsort(-mean, kind="stable")[:best].tolist()  # type: ignore[no-any-return]


def _from_file(run: Run, whole: ResultsFile, rows: Sequence[int] | None) -> CandidateTable:
    file = whole if rows is None else whole.take(rows)
    count = len(file.lines)
    empty = [""] * count
    metric = _deciding(run, metrics := _metrics_of(file))
    names = [name.removeprefix("param_") for name in file if name.startswith("param_")]
    trained = [each for each in metrics if f"mean_train_{each}" in file]
    return CandidateTable(
        metric=metric,
        metrics=(metric, *(each for each in metrics if each != metric)),
        numbers=np.arange(count) if rows is None else np.array(rows),
        params=_FileParams(file.get("params"), {name: file[f"param_{name}"] for name in names}, count),
        names=tuple(names),
        mean={each: _floats(file[f"mean_test_{each}"]) for each in metrics},
        std={each: _floats(file.get(f"std_test_{each}", empty)) for each in metrics},
        splits={each: _splits(file, "test", each) for each in metrics},
        train_mean={each: _floats(file[f"mean_train_{each}"]) for each in trained},
        train_splits={each: _splits(file, "train", each) for each in trained},
        fit_time=_floats(file.get("mean_fit_time", empty)),
        score_time=_floats(file.get("mean_score_time", empty)),
        errors=[text or None for text in file.get("error", empty)],
        pruned=np.array([text == "True" for text in file.get("pruned", empty)]),
        rounds=_integers(file.get("iter")),
        resources=_integers(file.get("n_resources")),
        extra={name: file[name] for name in file if not _KNOWN.match(name)},
        total=len(whole.lines),
        said_to_vary=_varying(run, whole, names),
    )


def _varying(run: Run, file: ResultsFile, names: Iterable[str]) -> tuple[str, ...]:
    """Return the parameters in which candidates differ: as the run says, or as all rows do."""
    said = run.facts.get("varying")
    if isinstance(said, list) and all(name in file for name in map("param_{}".format, said)):
        return tuple(name for name in names if name in said)
    return tuple(name for name in names if len(set(file[f"param_{name}"])) > 1)


def _floats(texts: Iterable[str]) -> Floats:
    return np.fromiter((_float(text) for text in texts), dtype=float)


def _float(text: str) -> float:
    """Return a number; NaN for an empty cell, and for what is none."""
    try:
        return float(text or "nan")
    except ValueError:
        return math.nan


def _integers(texts: list[str] | None) -> np.ndarray[Any, Any] | None:
    return None if texts is None else np.nan_to_num(_floats(texts)).astype(int)


def _splits(columns: ResultsFile, kind: str, metric: str) -> Floats:
    names, number = [], 0
    while (name := f"split{number}_{kind}_{metric}") in columns:
        names.append(name)
        number += 1
    return np.stack([_floats(columns[name]) for name in names], axis=1) if names else np.empty((len(columns.lines), 0))


class _FileParams(Sequence[Mapping[str, Any]]):
    """The parameters of each row of a table, decoded when they are asked for."""

    def __init__(self, encoded: list[str] | None, columns: Mapping[str, list[str]], count: int) -> None:
        self._encoded, self._columns, self._count = encoded, columns, count

    def __len__(self) -> int:
        return self._count

    def __getitem__(self, row: Any) -> Any:
        if self._encoded is not None:
            with contextlib.suppress(ValueError, RecursionError):
                return decode_params(json.loads(self._encoded[row]))
            return {}
        # a table of an older raysk: an empty cell may be None, or a parameter that the candidate does not have
        return {name: value_of_text(column[row]) for name, column in self._columns.items() if column[row]}


# --- from the journal -----------------------------------------------------------------------------


def _from_journal(run: Run, fits: Sequence[Fit]) -> CandidateTable:
    found = list(dict.fromkeys(name for fit in fits for name in fit.scores))
    metric = _deciding(run, found)
    metrics = (metric, *(name for name in found if name != metric))
    numbers, rows, rounds = _in_order(run, _rows(fits))
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
        rounds=np.array([each.number for each in rounds]) if rounds else None,
        resources=np.array([each.amount for each in rounds]) if rounds else None,
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


def _in_order(run: Run, rows: list[_Row]) -> tuple[np.ndarray[Any, Any], list[_Row], list[PlannedRound]]:
    """Return numbers, and the rows by them; with the round of each of a search by halving.

    Rows of a round that ``run.json`` does not tell of yet are left out: nobody knows what their candidates have spent.
    """
    planned = planned_rounds(run)
    told = [(row, found) for row in rows if (found := round_of(row.number, planned)) is not None]
    rows = sorted((row for row, _ in told) if told else rows, key=lambda row: row.number)
    numbers = np.array([row.number for row in rows])
    if len(np.unique(numbers)) < len(rows):  # a search that has grown may have given a number twice
        numbers = np.arange(len(rows))
    return numbers, rows, [found for _, found in sorted(told, key=lambda each: each[0].number)]


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
