"""``raysk fit``."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

import typer

from raysk.cli.options.cluster import ClusterOptions
from raysk.cli.options.data import HoldOutOptions
from raysk.cli.options.job import DryRun, File, FitOverrides
from raysk.cli.options.output import FitOutput, Talk

if TYPE_CHECKING:
    from raysk.cli.keeping import Keeper
    from raysk.cli.running import Ran
    from raysk.cli.view.live import View
    from raysk.jobs import Data
    from raysk.runs.folder import RunFolder


@dataclass(frozen=True, kw_only=True)
class Fit(Talk, FitOutput, ClusterOptions, HoldOutOptions, FitOverrides):
    """Fit the estimator defined in FILE on a Ray cluster.

    For example:

      raysk fit model.py --address auto -o model.pkl

      raysk fit 'model.py:make_model(depth=3)' --set n_estimators=5000

      raysk fit 'sklearn.svm:SVC()' --data train.csv --target price -o svc.pkl

      raysk fit model.py:forest --seed 0 --dry-run
    """

    context: typer.Context
    file: File
    dry_run: DryRun = False
    score: Annotated[
        bool, typer.Option("--score", metavar="", help="Score the model on the data that it was fitted on, too.")
    ] = False

    def run(self) -> None:
        """Run the fit, or say what would run."""
        from raysk.cli import running
        from raysk.cli.commands import inspect
        from raysk.cli.keeping import read_by, with_model
        from raysk.cli.streams import data_stdout
        from raysk.cli.view.live import View
        from raysk.cli.view.summary import show_summary
        from raysk.request import assemble
        from raysk.runner.outcome import Tally

        overrides, given, held = self.overrides(), self.given(), self.hold_out()
        resources, kept = self.resources(), self.kept()
        where = running.Where(
            address=self.address, resources=resources, backend=self.backend, worker_output=self.verbose
        )
        where.check(self.context)
        kept.check(FILE=self.file, **read_by(given, held))
        make_job = functools.partial(assemble.fit_job, overrides=overrides, given=given, hold_out=held)
        with data_stdout() as out, kept.keeper(out, verify=not self.no_verify) as keeper:
            if self.dry_run:
                inspect.show(out, self.file, where, as_json=self.as_json, make_job=make_job, quiet=self.quiet)
                return
            tally = Tally(view := View(quiet=self.quiet, verbose=self.verbose))
            make = with_model(make_job, kept.output, keeper)
            keep = functools.partial(_keep, keeper=keeper, view=view, score=self.score)
            fitted, ran, written = running.carry_out(
                where,
                view,
                context=self.context,
                file=self.file,
                kept=kept,
                make_job=make,
                keep=keep,
                keeper=keeper,
                tally=tally,
            )
            summary = _summary(fitted, ran) | written
            show_summary(keeper.finish(view), summary, as_json=self.as_json, rows=_rows(summary))
            ran.raise_early(keeper)


def _keep(
    fitted: Any,
    folder: RunFolder,
    origin: dict[str, Any],
    data: Data,
    *,
    keeper: Keeper,
    view: View,
    score: bool,
) -> dict[str, Any]:
    """Save the model, and score it on what it was fitted on if that is wanted."""
    from raysk.results.scores import has_score
    from raysk.runner.held_out import score_held_out

    model = keeper.save(fitted, folder, origin, data.X) if has_score(fitted) else None
    return {"model": model, **score_held_out(fitted, data if score else None, view.say, "train")}


def _summary(fitted: Any, ran: Ran) -> dict[str, Any]:
    from raysk.util.jsonable import plain_parameter

    return {
        "schema": 1,
        "estimator": type(fitted).__name__,
        "fitted": " ".join(str(plain_parameter(fitted)).split()),
        "params": plain_parameter(fitted.get_params(deep=True)),
        "time_s": ran.time_s,
        "cpu_time_s": ran.cpu_time_s,
        "workers": ran.workers,
        "nodes": ran.nodes,
    }


def _rows(summary: dict[str, Any]) -> list[tuple[str, str]]:
    from raysk.cli.keeping import test_rows

    rows = [
        ("fitted", f"{summary['fitted']} on {summary['data']['line'].removeprefix('data: ')}"),
        ("train score", "" if summary["train_score"] is None else f"{summary['train_score']:.6g}"),
        *test_rows(summary),
        ("time", f"{summary['time_s']:.1f} s"),
        ("model", summary["model"] or "none: it could not be written"),
        ("run", summary["run_dir"]),
    ]
    return [(name, value) for name, value in rows if value]
