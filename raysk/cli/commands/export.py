"""``raysk export``, and ``--mlflow`` of fit and search."""

from __future__ import annotations

import os
import shlex
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

import typer

from raysk.cli.options.output import Debug, Force, Json  # noqa: TC001 - Typer reads the annotations

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from raysk.events import Sink
    from raysk.runner.outcome import Outcome


@dataclass(frozen=True, kw_only=True)
class Export:
    """Write the candidates of RUN for another tool: a study of Optuna's, or runs of MLflow's.

    For example:

      raysk export latest --to optuna:study.log

      raysk export spec-20260101-120000 --to mlflow:sqlite:///mlflow.db --top 100

      MLFLOW_TRACKING_URI=https://mlflow.example.org raysk export latest --to mlflow
    """

    run_: Annotated[
        str, typer.Argument(metavar="RUN", help="A run: latest, its name, its folder, or a file in it.")
    ] = "latest"
    to: Annotated[
        str,
        typer.Option(
            metavar="PLACE",
            help="optuna:FILE, a database if it ends in .db or .sqlite3, else a journal. mlflow:URI, or mlflow for the "
            "server or database that MLFLOW_TRACKING_URI names. Passwords come from the environment only.",
        ),
    ]
    top: Annotated[
        int | None,
        typer.Option(
            metavar="N", help="Export the N best candidates. The default is all for Optuna, and 1,000 for MLflow."
        ),
    ] = None
    force: Force = False
    as_json: Json = False
    debug: Debug = False

    def run(self) -> None:
        """Export the run, and say where it is."""
        from raysk.cli.streams import data_stdout
        from raysk.cli.view.summary import show_summary
        from raysk.exports import export

        with data_stdout() as out:
            made = export(self.run_, to=self.to, top=self.top, force=self.force)
            show_summary(out, {"schema": 1, **made}, as_json=self.as_json, rows=list(_rows(made)))


def _rows(made: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield what a person wants to know."""
    yield made["tool"], made["place"]
    yield "study" if made["tool"] == "optuna" else "run", made["name"]
    left = made["left_out"]
    yield "candidates", f"{made['candidates']:,}" + (f" of {made['candidates'] + left:,}, the best" if left else "")
    if made["artifacts"]:
        yield "files", ", ".join(made["artifacts"])
    if made["next"]:
        yield "see it", made["next"]


def check_mlflow(*, wanted: bool) -> None:
    """Fail before a run if MLflow is wanted, and is not installed."""
    if wanted:
        from raysk.exports.place import MLFLOW, check_installed

        check_installed(MLFLOW)


def log_to_mlflow(outcome: Outcome, sink: Sink, *, wanted: bool) -> None:
    """Export a run that has ended, if that is wanted; what goes wrong is one remark, as the run itself is done."""
    if not wanted or outcome.run_dir is None:
        return
    from raysk.errors import RayskError
    from raysk.events import PhaseStarted, Remark
    from raysk.exports import export
    from raysk.util.words import count, error_line

    sink(PhaseStarted(name="exporting to MLflow"))
    try:
        made = export(outcome.run_dir, to="mlflow")
        left = f", the best of {made['candidates'] + made['left_out']:,}" if made["left_out"] else ""
        with_ = f" with {count(made['candidates'], 'candidate')}{left}" if made["candidates"] else ""
        text = f"MLflow: run {made['id']}{with_}, in {made['place']}"
    except RayskError as error:
        run = shlex.quote(os.path.relpath(outcome.run_dir))
        text = f"{' '.join(str(error).split())} Later: raysk export {run} --to mlflow"
    except Exception as error:  # noqa: BLE001 - whatever a library of somebody else's does: the run is done
        text = f"MLflow does not take the run: {error_line(error)}"
    sink(Remark(text=text))
