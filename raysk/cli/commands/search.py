"""``raysk search``."""

from __future__ import annotations

import functools
from dataclasses import replace
from typing import TYPE_CHECKING

import typer

from raysk.cli.options import shared as o  # noqa: TC001 - Typer reads the annotations
from raysk.cli.options.bundles import (
    bundled,
    given_data,
    hold_out,
    kept_search,
    limits,
    resources,
    search_overrides,
)
from raysk.errors import UsageError

if TYPE_CHECKING:
    from pathlib import Path

    from raysk.cli.streams import DataOut
    from raysk.cli.view.live import View
    from raysk.data.reading import Given
    from raysk.events import Event, Sink
    from raysk.jobs import Limits, Resources
    from raysk.request.assemble import Overrides
    from raysk.request.held_out import HoldOut
    from raysk.runner.outcome import Outcome
    from raysk.runner.outputs import Outputs

OUT_OF_TIME, FITS_FAILED = 124, 5
"""Exit codes with --strict; the first is that of timeout(1)."""


@bundled(
    overrides=search_overrides, given=given_data, held=hold_out, limits=limits, resources=resources, kept=kept_search
)
def search(
    context: typer.Context,
    file: o.File,
    *,
    overrides: Overrides,
    given: Given | None,
    held: HoldOut | None,
    limits: Limits,
    address: o.Address = None,
    resources: Resources,
    backend: o.Backend = None,
    kept: Outputs,
    no_verify: o.NoVerify = False,
    strict: o.Strict = False,
    as_json: o.Json = False,
    stream: o.Stream = False,
    quiet: o.Quiet = False,
    verbose: o.Verbose = False,
    debug: o.Debug = False,  # noqa: ARG001 - read by main
    dry_run: o.DryRun = False,
) -> None:
    """Run the parameter search defined in FILE on a Ray cluster.

    For example:

      raysk search spec.py --n-iter 1500 | jq .best_params

      raysk search spec.py --address auto -o best.pkl --results table.csv

      raysk search search.pkl --cv 10 --scoring f1_macro,accuracy --stream

      raysk search 'sklearn.svm:SVC()' --data sklearn:digits --space C=loguniform:1e-3:1e3
    """
    from raysk.cli.commands import inspect
    from raysk.cli.commands.work import call_of, check_terminal, read_by, work_of
    from raysk.cli.settings import is_typed
    from raysk.cli.streams import data_stdout
    from raysk.cli.view.live import View
    from raysk.cli.view.outcome import show_search
    from raysk.request.assemble import search_job
    from raysk.runner.run import run
    from raysk.runner.where import Where

    make_job = functools.partial(search_job, overrides=overrides, given=given, hold_out=held, limits=limits)
    where = Where(address=address, resources=resources, backend=backend, worker_output=verbose)
    asked = {"--address": is_typed(context, "address"), "--resume": kept.resume, "--strict": strict, "--stream": stream}
    where.check(asked | dict.fromkeys(limits.options, True))
    outputs = replace(kept, verify=not no_verify)
    outputs.check(FILE=file, **read_by(given, held))
    _check_options(outputs.output, no_refit=not overrides.refit, stream=stream)
    with data_stdout() as out:
        check_terminal(outputs.output, out)
        if dry_run:
            inspect.show(out, file, where, as_json=as_json, make_job=make_job, quiet=quiet)
            return
        view = View(quiet=quiet, verbose=verbose, still=stream and out.is_terminal, until=limits.until)
        with view.running():
            sink = _streaming(view, out) if stream else view
            outcome = run(work_of(file, make_job, where), where, outputs, call=call_of(context, file), sink=sink)
        show_search(out, outcome, outputs.output, as_json=as_json or stream, quiet=quiet)
        _exit(outcome, strict=strict)


def _exit(outcome: Outcome, *, strict: bool) -> None:
    """Leave with the exit code of a search that ended early, or whose fits failed, now that all is written."""
    outcome.raise_error()
    if strict and outcome.stopped == "time-budget":
        raise typer.Exit(OUT_OF_TIME)
    if strict and (outcome.failed or outcome.scores_failed):
        raise typer.Exit(FITS_FAILED)


def _check_options(output: Path | None, *, no_refit: bool, stream: bool) -> None:
    """Fail before anything runs if options contradict each other."""
    from raysk.runner.outputs import is_stdout

    if no_refit and output is not None:
        raise UsageError(f"--no-refit fits no model that could be saved as {output}. Leave one of the two out.")
    if stream and is_stdout(output):
        raise UsageError("--stream and -o - both write to stdout. Save the model in a file.")


def _streaming(view: View, out: DataOut) -> Sink:
    """Return a sink that also prints a JSON line per finished candidate."""
    from raysk.events import CandidateDone
    from raysk.util.jsonable import plain_parameter, to_json

    def sink(event: Event, /) -> None:
        view(event)
        if isinstance(event, CandidateDone):
            line = {"candidate": event.index, "params": plain_parameter(event.params)}
            line |= {"score": event.score, "scores": event.scores}
            out.write_line(to_json(line | {"failed": event.failed}))

    return sink
