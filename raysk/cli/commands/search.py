"""``raysk search``."""

from __future__ import annotations

import functools
import os
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

import typer

from raysk.cli.keeping import read_by, test_rows, with_model
from raysk.cli.options.cluster import ClusterOptions
from raysk.cli.options.data import HoldOutOptions
from raysk.cli.options.job import DryRun, File, SearchOverrides
from raysk.cli.options.limits import LimitOptions
from raysk.cli.options.output import SearchOutput
from raysk.cli.streams import data_stdout
from raysk.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from raysk.cli.keeping import Keeper, Kept
    from raysk.cli.running import Ran
    from raysk.cli.streams import DataOut
    from raysk.cli.view.live import View
    from raysk.events import Event, FitFailed, FitLost, Sink
    from raysk.jobs import Data
    from raysk.runner.outcome import Outcome, Tally
    from raysk.runs.folder import RunFolder

MOST_LOST = 5
"""So many fits that were given up are named on stderr."""

OUT_OF_TIME, FITS_FAILED = 124, 5
"""Exit codes with --strict; the first is that of timeout(1)."""


@dataclass(frozen=True, kw_only=True)
class Search(SearchOutput, ClusterOptions, HoldOutOptions, LimitOptions, SearchOverrides):
    """Run the parameter search defined in FILE on a Ray cluster.

    For example:

      raysk search spec.py --n-iter 1500 | jq .best_params

      raysk search spec.py --address auto -o best.pkl --results table.csv

      raysk search search.pkl --cv 10 --scoring f1_macro,accuracy --stream

      raysk search 'sklearn.svm:SVC()' --data sklearn:digits --space C=loguniform:1e-3:1e3
    """

    context: typer.Context
    file: File
    strict: Annotated[
        bool,
        typer.Option(
            "--strict",
            envvar="RAYSK_STRICT",
            metavar="",
            help="Exit with 5 if fits failed, with 124 if the time budget ended it.",
        ),
    ] = False
    dry_run: DryRun = False

    def run(self) -> None:
        """Run the search, or say what would run."""
        from raysk.cli import running
        from raysk.cli.commands import inspect
        from raysk.cli.view.live import View
        from raysk.cli.view.summary import show_summary
        from raysk.request.assemble import search_job
        from raysk.runner.outcome import Tally

        overrides, given, held, limits = self.overrides(), self.given(), self.hold_out(), self.limits()
        resources, kept = self.resources(), self.kept()
        make_job = functools.partial(search_job, overrides=overrides, given=given, hold_out=held, limits=limits)
        where = running.Where(
            address=self.address, resources=resources, backend=self.backend, worker_output=self.verbose
        )
        where.check(self.context, limits)
        _check_outputs(kept, self.file, read_by(given, held), no_refit=not overrides.refit, stream=self.stream)
        with data_stdout() as out, kept.keeper(out, verify=not self.no_verify) as keeper:
            if self.dry_run:
                inspect.show(out, self.file, where, as_json=self.as_json, make_job=make_job, quiet=self.quiet)
                return
            view = View(
                quiet=self.quiet, verbose=self.verbose, still=self.stream and out.is_terminal, until=limits.until
            )
            tally = Tally(_streaming(view, out) if self.stream else view)
            make = with_model(make_job, kept.output, keeper)
            keep = functools.partial(_keep, keeper=keeper, kept=kept, view=view, tally=tally)
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
            show_summary(keeper.finish(view), summary, as_json=self.as_json or self.stream, rows=_rows(summary))
            _end_early(ran, keeper, strict=self.strict)


def _end_early(ran: Ran, keeper: Keeper, *, strict: bool) -> None:
    """Leave with the exit code of a search that ended early, or whose fits failed, now that all is written."""
    ran.raise_early(keeper)
    if strict and ran.outcome.stopped == "time-budget":
        raise typer.Exit(OUT_OF_TIME)
    if strict and (ran.outcome.failed or ran.outcome.scores_failed):
        raise typer.Exit(FITS_FAILED)


def _check_outputs(kept: Kept, file: str, reads: dict[str, str], *, no_refit: bool, stream: bool) -> None:
    """Fail before anything runs if what the person wants to keep cannot be written."""
    from raysk.cli.keeping import is_stdout
    from raysk.results.tables import check_results

    kept.check(FILE=file, **reads)
    if no_refit and kept.output is not None:
        raise UsageError(f"--no-refit fits no model that could be saved as {kept.output}. Leave one of the two out.")
    if stream and is_stdout(kept.output):
        raise UsageError("--stream and -o - both write to stdout. Save the model in a file.")
    if kept.results is not None:
        check_results(kept.results)


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


def _keep(
    fitted: Any,
    folder: RunFolder,
    origin: dict[str, Any],
    data: Data,
    *,
    keeper: Keeper,
    kept: Kept,
    view: View,
    tally: Tally,
) -> dict[str, Any]:
    """Write the table of candidates and the model; of a search without a finite score there is none."""
    from raysk.results.scores import best_of, has_score
    from raysk.results.tables import write_results
    from raysk.util.jsonable import plain_parameter

    outcome = tally.outcome
    for line in (*_lost_fits(outcome), *_failures(outcome)):
        view.say(line)
    table = dict(fitted.cv_results_) | _own_columns(outcome, len(fitted.cv_results_["params"]))
    own, named = folder.path("results.csv"), kept.here / (kept.results or "")
    with keeper.putting_errors_off():
        write_results(table, own)
    if kept.results is not None and os.path.realpath(named) != os.path.realpath(own):
        with keeper.putting_errors_off(named):
            write_results(table, named, new=kept.is_new(named))
    best = best_of(fitted)
    facts = origin | {"scores": best | {"best_params": plain_parameter(best["best_params"])}}
    is_model = hasattr(fitted, "best_estimator_") and has_score(fitted)
    return {"model": keeper.save(fitted, folder, facts, data.X) if is_model else None}


def _own_columns(outcome: Outcome, candidates: int) -> dict[str, list[Any]]:
    """Return columns for the table of candidates: how many fits of each were given up, and why its first one failed.

    There is none of what did not happen.
    """
    rows = range(candidates) if outcome.kept is None else outcome.kept
    lost = Counter(each.candidate for each in outcome.lost)
    columns: dict[str, list[Any]] = {"fits_lost": [lost[number] for number in rows]} if lost else {}
    return columns | ({"error": [outcome.errors.get(number) for number in rows]} if outcome.errors else {})


def _lost_fits(outcome: Outcome) -> Iterator[str]:
    """Yield the fits that were given up; a few of them, if there are many."""
    from raysk.cli.view.words import count, pairs

    for each in outcome.lost[:MOST_LOST]:
        params = " ".join(pairs(each.params)) or "no parameters"
        yield f"Given up: candidate {each.candidate}, split {each.split} ({params}): {each.reason}"
    if len(outcome.lost) > MOST_LOST:
        yield f"and {count(len(outcome.lost) - MOST_LOST, 'more fit')}; the summary names all"


def _failures(outcome: Outcome) -> Iterator[str]:
    """Yield, of what failed more than once, how often it did; that it did was said when it happened."""
    what = " and ".join(filter(None, ["fits" * bool(outcome.failed), "scores" * bool(outcome.scores_failed)]))
    for each in outcome.failures:
        if (count := outcome.reasons[each.reason]) > 1:
            yield f"{count:,} {what} failed: {each.reason}"


def _failed(event: FitFailed, count: int) -> dict[str, Any]:
    from raysk.util.jsonable import plain_parameter

    return {**vars(event), "params": plain_parameter(event.params), "count": count}


def _lost(event: FitLost) -> dict[str, Any]:
    from raysk.util.jsonable import plain_parameter

    return {**vars(event), "params": plain_parameter(event.params)}


def _summary(fitted: Any, ran: Ran) -> dict[str, Any]:
    from raysk.util.jsonable import plain_parameter

    best, done, counted = ran.best or {}, ran.outcome, ran.workers is not None  # on other backends nobody counts
    candidates, splits = len(fitted.cv_results_["params"]), fitted.n_splits_
    return {
        "schema": 1,
        **best,
        "best_params": plain_parameter(best["best_params"]),
        "candidates": candidates,
        "splits": splits,
        "fits": done.fits if counted else candidates * splits,
        "fits_failed": done.failed if counted else None,
        "scores_failed": done.scores_failed if counted else None,
        "errors": [_failed(each, done.reasons[each.reason]) for each in done.failures] or None,
        "fits_lost": [_lost(each) for each in done.lost] or None,
        "fits_saved": done.saved,
        "fits_resumed": done.resumed,
        "time_s": ran.time_s,
        "cpu_time_s": ran.cpu_time_s,
        "workers": ran.workers,
        "nodes": ran.nodes,
        "stopped": "interrupted" if isinstance(ran.early, KeyboardInterrupt | SystemExit) else done.stopped,
    }


def _rows(summary: dict[str, Any]) -> list[tuple[str, str]]:
    params = summary["best_params"]
    rows = [
        (f"best {summary['metric'] or 'score'}", _with_spread(summary["best_score"], summary["best_score_std"])),
        ("train score", _with_spread(summary["best_train_score"])),
        *((name, _with_spread(each["mean"], each["std"])) for name, each in (summary["scores"] or {}).items()),
        ("best params", "" if params is None else "\n".join(f"{name} = {value!r}" for name, value in params.items())),
        *test_rows(summary),
        ("fits", f"{summary['fits']:,} in {summary['time_s']:.1f} s"),
        ("in the journal", str(summary["fits_resumed"] or "")),
        ("failed", _failed_in_all(summary)),
        ("stopped", summary["stopped"] or ""),
        ("model", summary["model"] or ""),
        ("run", summary["run_dir"]),
    ]
    return [(name, value) for name, value in rows if value]


def _with_spread(mean: float | None, std: float | None = None) -> str:
    """Write a mean score, and how far the splits' scores are from it."""
    return "" if mean is None else f"{mean:.6g}" + ("" if std is None else f" +- {std:.3g} over the splits")


def _failed_in_all(summary: dict[str, Any]) -> str:
    counts = {"fits": summary["fits_failed"], "scores": summary["scores_failed"]}
    return ", ".join(f"{count:,} {what}" for what, count in counts.items() if count)
