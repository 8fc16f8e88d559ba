"""Write the candidates of a run as the trials of a study of Optuna's."""

from __future__ import annotations

import contextlib
import math
import shlex
import warnings
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import optuna
from optuna.trial import TrialState

from raysk.errors import InputError
from raysk.exports.distributions import as_choice, find_distributions
from raysk.history.candidates import CandidateTable, read_candidates
from raysk.history.fits import read_fits
from raysk.util.words import shorten
from raysk.util.writing import check_output

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from optuna.distributions import BaseDistribution
    from optuna.storages import BaseStorage
    from optuna.trial import FrozenTrial

    from raysk.history.run import Run

DATABASES = {".db", ".sqlite", ".sqlite3"}
"""Endings of files that become databases; all others become journals."""


def write_study(run: Run, file: str, *, top: int | None, force: bool) -> dict[str, Any]:
    """Write a study; see `raysk.exports.export.export`."""
    table, path = read_candidates(run), Path(file)
    check_output(path)
    rows = sorted(table.one_row_each()[:top].tolist())
    with _quiet(), _explained(path):
        storage = _open_storage(path)
        _make_room(storage, run.name, path, force=force)
        study = optuna.create_study(storage=storage, study_name=run.name, direction="maximize")
        try:
            _fill(study, run, table, rows)
        except BaseException:  # half a study would be taken for a whole one
            optuna.delete_study(study_name=run.name, storage=storage)
            raise
    shown = f"sqlite:///{path}" if path.suffix.lower() in DATABASES else str(path)
    return {
        "tool": "optuna",
        "place": str(path),
        "name": run.name,
        "id": None,
        "candidates": len(rows),
        "left_out": len(table) - len(rows),
        "artifacts": [],
        "next": f"optuna-dashboard {shlex.quote(shown)}",
    }


def _open_storage(path: Path) -> BaseStorage:
    if path.suffix.lower() in DATABASES:
        return optuna.storages.RDBStorage(f"sqlite:///{path}")
    return optuna.storages.JournalStorage(optuna.storages.journal.JournalFileBackend(str(path)))


def _make_room(storage: BaseStorage, name: str, path: Path, *, force: bool) -> None:
    """Remove a study of the same name if that may be."""
    if name not in optuna.get_all_study_names(storage):
        return
    if not force:
        raise InputError(
            f"{str(path)!r} has a study {name!r} already.\nAdd --force to replace it, or name another file."
        )
    optuna.delete_study(study_name=name, storage=storage)


def _fill(study: optuna.Study, run: Run, table: CandidateTable, rows: Sequence[int]) -> None:
    study.set_metric_names([table.metric])
    for name, value in {"raysk_run": str(run.folder), "command": run.command, "state": run.state}.items():
        study.set_user_attr(name, value)
    params = [table.params[row] for row in rows]
    distributions = find_distributions(params, run.facts.get("space"))
    times = _times(run)
    for row, each in zip(rows, params, strict=True):
        trial = _trial(table, row, each, distributions)
        if (span := times.get(int(table.numbers[row]))) is not None:
            trial.datetime_start, trial.datetime_complete = map(datetime.fromtimestamp, span)
        study.add_trial(trial)


def _trial(
    table: CandidateTable, row: int, params: Mapping[str, Any], distributions: Mapping[str, BaseDistribution]
) -> FrozenTrial:
    """Return a candidate as a trial; the scores of its splits are its intermediate values."""
    state, splits = _state(table, row), table.splits[table.metric][row]
    attrs = {
        "candidate": int(table.numbers[row]),
        "fit_time_s": _finite(table.fit_time[row]),
        "std": _finite(table.std[table.metric][row]),
        "error": table.errors[row],
        **{name: _finite(table.mean[name][row]) for name in table.metrics[1:]},
        **({} if table.resources is None else {"n_resources": int(table.resources[row])}),
    }
    return optuna.trial.create_trial(
        state=state,
        value=float(table.mean[table.metric][row]) if state == TrialState.COMPLETE else None,
        params={name: as_choice(value, distributions[name]) for name, value in params.items()},
        distributions={name: distributions[name] for name in params},
        intermediate_values={split: float(score) for split, score in enumerate(splits) if math.isfinite(score)},
        user_attrs={name: value for name, value in attrs.items() if value is not None},
    )


def _state(table: CandidateTable, row: int) -> TrialState:
    """Return whether a candidate has a score, was pruned, or failed; one that is not done counts as pruned."""
    if math.isfinite(table.mean[table.metric][row]):
        return TrialState.COMPLETE
    if table.errors[row] is not None and not table.pruned[row]:
        return TrialState.FAIL
    return TrialState.PRUNED


def _finite(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None


def _times(run: Run) -> dict[int, tuple[float, float]]:
    """Return when the first fit of each candidate began, and the last ended, where the journal says it."""
    spans: dict[int, tuple[float, float]] = {}
    for fit in read_fits(run):
        if fit.ended is None or fit.fold:
            continue
        began = fit.ended - fit.fit_time - fit.score_time
        first, last = spans.get(fit.candidate, (began, fit.ended))
        spans[fit.candidate] = min(first, began), max(last, fit.ended)
    return spans


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Let Optuna say nothing of the studies that it makes, nor that a part of it may change."""
    before = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
            yield
    finally:
        optuna.logging.set_verbosity(before)


@contextlib.contextmanager
def _explained(path: Path) -> Iterator[None]:
    """Turn what Optuna and its database raise about a file into an `InputError`."""
    try:
        yield
    except InputError:
        raise
    except Exception as error:  # each storage has its own
        raise InputError(
            f"{str(path)!r} cannot be written as a study: {type(error).__name__}: {shorten(str(error))}\n"
            "If it is a file of something else, name another: optuna:study.log or optuna:study.db"
        ) from error
