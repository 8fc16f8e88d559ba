"""Export a run.

run --history--> candidates as columns --+-- optuna_study: a trial each
                                         +-- mlflow_runs:  a child run each; model, report, table as artifacts
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from raysk.errors import UsageError
from raysk.exports.place import OPTUNA, Place
from raysk.history.candidates import open_search
from raysk.history.run import Run

if TYPE_CHECKING:
    from pathlib import Path


def export(run: Run | str | Path, *, to: str | Place, top: int | None = None, force: bool = False) -> dict[str, Any]:
    """Write the candidates of a run for another tool.

    Parameters
    ----------
    run : Run, str or Path
        ``latest``, a run's name, its folder, or a file in it.
    to : str
        ``optuna:FILE``: a study in a database (``.db``, ``.sqlite3``) or, with any other ending, in a journal, which
        ``optuna-dashboard`` reads; a trial for each candidate. ``mlflow:URI``: a run, a child run for each candidate,
        and the model, report and table as artifacts; ``mlflow`` leaves the URI to MLFLOW_TRACKING_URI.
    top : int, optional
        How many of the best candidates; None means all for Optuna, and 1,000 for MLflow.
    force : bool, default=False
        Whether a study of the same name is replaced.

    Returns
    -------
    dict
        Where it is: ``tool``, ``place``, ``name``, ``id``; ``candidates``, how many were written, and ``left_out``, how
        many were not; ``artifacts``, names of files; ``next``, a command that shows it.

    Raises
    ------
    UsageError
        If `to` is of another form, or `top` is less than 1.
    InputError
        If there is no such run, it has no candidates, a package is missing, or the other tool fails.
    """
    if top is not None and top < 1:
        raise UsageError(f"--top {top}: at least one candidate is exported.")
    place = to if isinstance(to, Place) else Place.of(to)
    run = run if isinstance(run, Run) else open_search(run)
    if place.tool == OPTUNA:
        from raysk.exports.optuna_study import write_study

        return write_study(run, str(place.where), top=top, force=force)
    from raysk.exports.mlflow_runs import write_runs

    return write_runs(run, place.where, top=top)
