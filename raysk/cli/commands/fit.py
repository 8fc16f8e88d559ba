"""``raysk fit``."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

import typer  # noqa: TC002 - Typer reads the annotations

from raysk.cli.options import shared as o  # noqa: TC001 - Typer reads the annotations
from raysk.cli.options.bundles import bundled, fit_overrides, given_data, hold_out, kept_fit, resources

if TYPE_CHECKING:
    from raysk.cli.keeping import Keeper, Kept
    from raysk.cli.running import Ran
    from raysk.cli.view.live import View
    from raysk.data.reading import Given
    from raysk.jobs import Data, Resources
    from raysk.request.assemble import Overrides
    from raysk.request.held_out import HoldOut
    from raysk.runs.folder import RunFolder


@bundled(overrides=fit_overrides, given=given_data, held=hold_out, resources=resources, kept=kept_fit)
def fit(
    context: typer.Context,
    file: o.File,
    *,
    overrides: Overrides,
    given: Given | None,
    held: HoldOut | None,
    address: o.Address = None,
    resources: Resources,
    backend: o.Backend = None,
    kept: Kept,
    no_verify: o.NoVerify = False,
    as_json: o.Json = False,
    quiet: o.Quiet = False,
    verbose: o.Verbose = False,
    debug: o.Debug = False,  # noqa: ARG001 - read by main
    dry_run: o.DryRun = False,
    score: o.Score = False,
) -> None:
    """Fit the estimator defined in FILE on a Ray cluster.

    For example:

      raysk fit model.py --address auto -o model.pkl

      raysk fit 'model.py:make_model(depth=3)' --set n_estimators=5000

      raysk fit 'sklearn.svm:SVC()' --data train.csv --target price -o svc.pkl

      raysk fit model.py:forest --seed 0 --dry-run
    """
    from raysk.cli import running
    from raysk.cli.commands import inspect
    from raysk.cli.keeping import read_by, with_model
    from raysk.cli.streams import data_stdout
    from raysk.cli.view.live import View
    from raysk.cli.view.summary import show_summary
    from raysk.request import assemble
    from raysk.runner.outcome import Tally

    where = running.Where(address=address, resources=resources, backend=backend, worker_output=verbose)
    where.check(context)
    kept.check(FILE=file, **read_by(given, held))
    make_job = functools.partial(assemble.fit_job, overrides=overrides, given=given, hold_out=held)
    with data_stdout() as out, kept.keeper(out, verify=not no_verify) as keeper:
        if dry_run:
            inspect.show(out, file, where, as_json=as_json, make_job=make_job, quiet=quiet)
            return
        tally = Tally(view := View(quiet=quiet, verbose=verbose))
        make = with_model(make_job, kept.output, keeper)
        keep = functools.partial(_keep, keeper=keeper, view=view, score=score)
        fitted, ran, written = running.carry_out(
            where, view, context=context, file=file, kept=kept, make_job=make, keep=keep, keeper=keeper, tally=tally
        )
        summary = _summary(fitted, ran) | written
        show_summary(keeper.finish(view), summary, as_json=as_json, rows=_rows(summary))
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
