"""``raysk search``."""

from __future__ import annotations

import functools
import os
from collections import Counter
from typing import TYPE_CHECKING, Any

import typer

from raysk.cli import options as o  # noqa: TC001 - Typer reads the annotations
from raysk.cli.bundles import bundled, given_data, kept_search, limits, resources, search_overrides
from raysk.cli.keeping import read_by, with_model
from raysk.cli.streams import data_stdout
from raysk.errors import UsageError
from raysk.events import CandidateDone

if TYPE_CHECKING:
    from raysk.cli.keeping import Keeper, Kept
    from raysk.cli.render import View
    from raysk.cli.running import Ran
    from raysk.cli.streams import DataOut
    from raysk.events import Event, FitLost, Sink
    from raysk.jobs import Limits, Resources
    from raysk.runs.folder import RunFolder
    from raysk.spec.assemble import Overrides
    from raysk.spec.data import Given

OUT_OF_TIME, FITS_FAILED = 124, 5
"""Exit codes with --strict; the first is that of timeout(1)."""


@bundled(overrides=search_overrides, given=given_data, limits=limits, resources=resources, kept=kept_search)
def search(
    context: typer.Context,
    file: o.File,
    *,
    overrides: Overrides,
    given: Given | None,
    limits: Limits,
    address: o.Address = None,
    resources: Resources,
    backend: o.Backend = None,
    kept: Kept,
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
    from raysk.cli import inspect, running
    from raysk.cli.render import View, show_summary
    from raysk.spec.assemble import search_job

    make_job = functools.partial(search_job, limits=limits)
    where = running.Where(address=address, resources=resources, backend=backend, worker_output=verbose)
    where.check(context, limits)
    _check_outputs(kept, file, given, no_refit=not overrides.refit, stream=stream)
    with data_stdout() as out, kept.keeper(out, verify=not no_verify) as keeper:
        if dry_run:
            inspect.show(out, file, overrides, where, as_json=as_json, make_job=make_job, given=given, quiet=quiet)
            return
        view = View(quiet=quiet, verbose=verbose, still=stream and out.is_terminal)
        kept.say_what_goes_on(view)
        fitted, ran, written = running.carry_out(
            where,
            view,
            context=context,
            file=file,
            kept=kept,
            make_job=with_model(functools.partial(make_job, overrides=overrides, given=given), kept.output),
            keep=functools.partial(_keep, keeper=keeper, kept=kept, view=view),
            keeper=keeper,
            sink=_streaming(view, out) if stream else None,
        )
        summary = _summary(fitted, ran, view) | written
        show_summary(keeper.finish(view), summary, as_json=as_json or stream, rows=_rows(summary))
        _end_early(ran, view, keeper, strict=strict)


def _end_early(ran: Ran, view: View, keeper: Keeper, *, strict: bool) -> None:
    """Leave with the exit code of a search that ended early, or whose fits failed, now that all is written."""
    keeper.raise_errors()
    if ran.early is not None:
        raise ran.early
    if strict and view.stopped == "time-budget":
        raise typer.Exit(OUT_OF_TIME)
    if strict and view.failed:
        raise typer.Exit(FITS_FAILED)


def _check_outputs(kept: Kept, file: str, given: Given | None, *, no_refit: bool, stream: bool) -> None:
    """Fail before anything runs if what the person wants to keep cannot be written."""
    from raysk.cli.keeping import is_stdout
    from raysk.runs.tables import check_results

    kept.check(FILE=file, **read_by(given))
    if no_refit and kept.output is not None:
        raise UsageError(f"--no-refit fits no model that could be saved as {kept.output}. Leave one of the two out.")
    if stream and is_stdout(kept.output):
        raise UsageError("--stream and -o - both write to stdout. Save the model in a file.")
    if kept.results is not None:
        check_results(kept.results)


def _streaming(view: View, out: DataOut) -> Sink:
    """Return a sink that also prints a JSON line per finished candidate."""
    from raysk.runs.jsonable import plain_parameter, to_json

    def sink(event: Event, /) -> None:
        view(event)
        if isinstance(event, CandidateDone):
            line = {"candidate": event.index, "params": plain_parameter(event.params)}
            line |= {"score": event.score, "scores": event.scores}
            out.write_line(to_json(line | {"failed": event.failed}))

    return sink


def _keep(
    fitted: Any,
    folder: RunFolder,
    origin: dict[str, Any],
    X: Any,
    *,
    keeper: Keeper,
    kept: Kept,
    view: View,
) -> dict[str, Any]:
    """Write the table of candidates and the model."""
    from raysk.runs.tables import write_results

    view.say_what_was_lost()
    table = dict(fitted.cv_results_) | _lost_column(view, len(fitted.cv_results_["params"]))
    own, named = folder.path("results.csv"), kept.here / (kept.results or "")
    with keeper.putting_errors_off():
        write_results(table, own)
    if kept.results is not None and os.path.realpath(named) != os.path.realpath(own):
        with keeper.putting_errors_off(named):
            write_results(table, named, new=kept.is_new(named))
    facts = origin | {"scores": _best(fitted)}
    return {"model": keeper.save(fitted, folder, facts, X) if hasattr(fitted, "best_estimator_") else None}


def _lost_column(view: View, candidates: int) -> dict[str, list[int]]:
    """Return a column for the table of candidates: how many fits of each were given up; none if none was."""
    lost = Counter(each.candidate for each in view.lost)
    return {"fits_lost": [lost[number] for number in view.kept or range(candidates)]} if lost else {}


def _best(fitted: Any) -> dict[str, Any]:
    from raysk.runs.jsonable import plain_parameter

    best = {name: getattr(fitted, f"{name}_", None) for name in ("best_score", "best_params", "best_index")}
    return best | {"best_params": plain_parameter(best["best_params"])}


def _lost(event: FitLost) -> dict[str, Any]:
    from raysk.runs.jsonable import plain_parameter

    return {**vars(event), "params": plain_parameter(event.params)}


def _summary(fitted: Any, ran: Ran, view: View) -> dict[str, Any]:
    candidates, splits = len(fitted.cv_results_["params"]), fitted.n_splits_
    return {
        "schema": 1,
        **_best(fitted),
        "candidates": candidates,
        "splits": splits,
        "fits": candidates * splits,
        "fits_failed": None if ran.workers is None else view.failed,  # unknown on other backends
        "fits_lost": [_lost(each) for each in view.lost] or None,
        "fits_saved": view.saved,
        "fits_resumed": view.resumed,
        "time_s": ran.time_s,
        "cpu_time_s": ran.cpu_time_s,
        "workers": ran.workers,
        "nodes": ran.nodes,
        "stopped": "interrupted" if isinstance(ran.early, KeyboardInterrupt | SystemExit) else view.stopped,
    }


def _rows(summary: dict[str, Any]) -> list[tuple[str, str]]:
    params = summary["best_params"]
    rows = [
        ("best score", "" if summary["best_score"] is None else f"{summary['best_score']:.6g}"),
        ("best params", "" if params is None else "\n".join(f"{name} = {value!r}" for name, value in params.items())),
        ("fits", f"{summary['fits']:,} in {summary['time_s']:.1f} s"),
        ("in the journal", str(summary["fits_resumed"] or "")),
        ("failed", str(summary["fits_failed"] or "")),
        ("stopped", summary["stopped"] or ""),
        ("model", summary["model"] or ""),
        ("run", summary["run_dir"]),
    ]
    return [(name, value) for name, value in rows if value]
