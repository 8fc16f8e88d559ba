"""``raysk fit``."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

import typer  # noqa: TC002 - Typer reads the annotations

from raysk.cli import options as o  # noqa: TC001 - Typer reads the annotations
from raysk.cli.bundles import bundled, fit_overrides, given_data, hold_out, kept_fit, resources

if TYPE_CHECKING:
    from raysk.cli.keeping import Kept
    from raysk.cli.running import Ran
    from raysk.jobs import Resources
    from raysk.spec.assemble import Overrides
    from raysk.spec.data import Given
    from raysk.spec.held_out import HoldOut


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
) -> None:
    """Fit the estimator defined in FILE on a Ray cluster.

    For example:

      raysk fit model.py --address auto -o model.pkl

      raysk fit 'model.py:make_model(depth=3)' --set n_estimators=5000

      raysk fit 'sklearn.svm:SVC()' --data train.csv --target price -o svc.pkl

      raysk fit model.py:forest --seed 0 --dry-run
    """
    from raysk.cli import inspect, running
    from raysk.cli.keeping import read_by, with_model
    from raysk.cli.render import View, show_summary
    from raysk.cli.streams import data_stdout
    from raysk.outcome import Tally
    from raysk.spec import assemble

    where = running.Where(address=address, resources=resources, backend=backend, worker_output=verbose)
    where.check(context)
    kept.check(FILE=file, **read_by(given, held))
    make_job = functools.partial(assemble.fit_job, overrides=overrides, given=given, hold_out=held)
    with data_stdout() as out, kept.keeper(out, verify=not no_verify) as keeper:
        if dry_run:
            inspect.show(out, file, where, as_json=as_json, make_job=make_job, quiet=quiet)
            return
        view = View(quiet=quiet, verbose=verbose)
        fitted, ran, written = running.carry_out(
            where,
            view,
            context=context,
            file=file,
            kept=kept,
            make_job=with_model(make_job, kept.output, keeper),
            keep=lambda *fitted: {"model": keeper.save(*fitted)},
            keeper=keeper,
            tally=Tally(view),
        )
        summary = _summary(fitted, ran) | written
        show_summary(keeper.finish(view), summary, as_json=as_json, rows=_rows(summary))
        keeper.raise_errors()


def _summary(fitted: Any, ran: Ran) -> dict[str, Any]:
    from raysk.runs.jsonable import plain_parameter

    return {
        "schema": 1,
        "estimator": type(fitted).__name__,
        "params": plain_parameter(fitted.get_params(deep=True)),
        "time_s": ran.time_s,
        "cpu_time_s": ran.cpu_time_s,
        "workers": ran.workers,
        "nodes": ran.nodes,
    }


def _rows(summary: dict[str, Any]) -> list[tuple[str, str]]:
    from raysk.cli.keeping import test_rows

    return [
        ("fitted", summary["estimator"]),
        *test_rows(summary),
        ("time", f"{summary['time_s']:.1f} s"),
        ("model", summary["model"] or "none: it could not be written"),
        ("run", summary["run_dir"]),
    ]
