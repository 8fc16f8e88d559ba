"""``raysk fit``."""

from __future__ import annotations

import functools
from dataclasses import replace
from typing import TYPE_CHECKING

import typer  # noqa: TC002 - Typer reads the annotations

from raysk.cli.options import shared as o  # noqa: TC001 - Typer reads the annotations
from raysk.cli.options.bundles import bundled, fit_overrides, given_data, hold_out, kept_fit, resources

if TYPE_CHECKING:
    from raysk.data.reading import Given
    from raysk.jobs import Resources
    from raysk.request.assemble import Overrides
    from raysk.request.held_out import HoldOut
    from raysk.runner.outputs import Outputs


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
    kept: Outputs,
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
    from raysk.cli.commands import inspect
    from raysk.cli.commands.work import call_of, check_terminal, read_by, work_of
    from raysk.cli.settings import is_typed
    from raysk.cli.streams import data_stdout
    from raysk.cli.view.live import View
    from raysk.cli.view.outcome import show_fit
    from raysk.request import assemble
    from raysk.runner.run import run
    from raysk.runner.where import Where

    where = Where(address=address, resources=resources, backend=backend, worker_output=verbose)
    where.check({"--address": is_typed(context, "address")})
    outputs = replace(kept, verify=not no_verify)
    outputs.check(FILE=file, **read_by(given, held))
    make_job = functools.partial(assemble.fit_job, overrides=overrides, given=given, hold_out=held)
    with data_stdout() as out:
        check_terminal(outputs.output, out)
        if dry_run:
            inspect.show(out, file, where, as_json=as_json, make_job=make_job, quiet=quiet)
            return
        read = work_of(file, make_job, where, score_train=score)
        with View(quiet=quiet, verbose=verbose).running() as view:
            outcome = run(read, where, outputs, call=call_of(context, file), sink=view)
        show_fit(out, outcome, outputs.output, as_json=as_json, quiet=quiet)
        outcome.raise_error()
