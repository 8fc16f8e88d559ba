"""``raysk search``."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import typer

from raysk.cli.options.cluster import ClusterOptions
from raysk.cli.options.data import HoldOutOptions
from raysk.cli.options.earlier import SeedOptions
from raysk.cli.options.job import DryRun, File, SearchOverrides, Strict
from raysk.cli.options.limits import LimitOptions
from raysk.cli.options.output import SearchOutput
from raysk.cli.options.shortcuts import ShortcutOptions
from raysk.cli.settings import is_typed
from raysk.errors import UsageError

if TYPE_CHECKING:
    from raysk.cli.streams import DataOut
    from raysk.cli.view.live import View
    from raysk.events import Event, Sink
    from raysk.runner.outcome import Outcome

OUT_OF_TIME, FITS_FAILED = 124, 5
"""Exit codes with --strict; the first is that of timeout(1)."""


@dataclass(frozen=True, kw_only=True)
class Search(SearchOutput, ClusterOptions, HoldOutOptions, LimitOptions, ShortcutOptions, SeedOptions, SearchOverrides):
    """Run the parameter search defined in FILE on a Ray cluster.

    For example:

      raysk search spec.py --n-iter 1500 | jq .best_params

      raysk search spec.py --address auto -o best.pkl --results table.csv

      raysk search search.pkl --cv 10 --scoring f1_macro,accuracy --stream

      raysk search spec.py --seed-from latest --seed 1

      raysk search 'sklearn.svm:SVC()' --data sklearn:digits --space C=loguniform:1e-3:1e3
    """

    context: typer.Context
    file: File
    strict: Strict = False
    dry_run: DryRun = None

    def run(self) -> None:
        """Run the search, or say what would run."""
        from raysk.cli.commands import inspect
        from raysk.cli.commands.export import check_mlflow, log_to_mlflow
        from raysk.cli.commands.work import call_of, check_terminal, read_by, read_first, work_of
        from raysk.cli.streams import data_stdout
        from raysk.cli.view.live import View
        from raysk.cli.view.outcome import show_search
        from raysk.request.assemble import search_job
        from raysk.runner.run import run

        given, held, limits, shortcuts = self.given(), self.hold_out(), self.limits(), self.shortcuts()
        where, outputs = self.where(worker_output=self.verbose), self.outputs()
        seeds = self.seeds(outputs.resume)
        said: dict[str, Any] = {
            "overrides": self.overrides(),
            "given": given,
            "hold_out": held,
            "verification": self.verification(),
            "seeds": () if seeds is None else seeds.params,
        }
        make_job = functools.partial(search_job, **said, limits=limits, shortcuts=shortcuts)
        where.check(self._asked() | dict.fromkeys([*limits.options, *shortcuts.options], True))
        outputs.check(FILE=self.file, **read_by(given, held))
        self._check_output()
        check_mlflow(wanted=self.mlflow)
        with data_stdout() as out:
            check_terminal(outputs.output, out)
            if self.dry_run:
                shown: dict[str, Any] = {"as_json": self.as_json, "quiet": self.quiet}
                inspect.show(out, self.file, where, make_job=make_job, plan=self.dry_run, **shown)
                return
            still = self.stream and out.is_terminal
            view = View(quiet=self.quiet, verbose=self.verbose, still=still, until=limits.until)
            read, call = work_of(self.file, make_job, where), call_of(self.context, self.file)
            with view.running():
                if seeds is not None:
                    call["seeds"] = seeds.as_record()
                    view.say(f"Trying first the {seeds}")
                read = read_first(read, given, view)
                outcome = run(read, where, outputs, call=call, sink=_streaming(view, out) if self.stream else view)
                log_to_mlflow(outcome, view, wanted=self.mlflow)
            show_search(out, outcome, outputs.output, as_json=self.as_json or self.stream, quiet=self.quiet)
            self._exit(outcome)

    def _asked(self) -> dict[str, object]:
        """Return the options that only raysk's own plans can do, and whether each was given."""
        address = is_typed(self.context, "address")
        asked = {
            "--resume": self.resume,
            "--keep-estimators": self.keep_estimators,
            "--seed-from": self.seed_from,
            "--strict": self.strict,
            "--stream": self.stream,
        }
        return {"--address": address, "--verify-fits": self.verify_fits, **asked}

    def _check_output(self) -> None:
        """Fail before anything runs if options contradict each other."""
        from raysk.runner.outputs import is_stdout

        if self.no_refit and self.output is not None:
            raise UsageError(
                f"--no-refit fits no model that could be saved as {self.output}. Leave one of the two out."
            )
        if self.stream and is_stdout(self.output):
            raise UsageError("--stream and -o - both write to stdout. Save the model in a file.")

    def _exit(self, outcome: Outcome) -> None:
        """Leave with the exit code of a search that ended early, or whose fits failed, now that all is written."""
        outcome.raise_error()
        if self.strict and outcome.stopped == "time-budget":
            raise typer.Exit(OUT_OF_TIME)
        if self.strict and (outcome.failed or outcome.scores_failed):
            raise typer.Exit(FITS_FAILED)


def _streaming(view: View, out: DataOut) -> Sink:
    """Return a sink that also prints a JSON line per finished candidate."""
    from raysk.events import CandidateDone
    from raysk.util.jsonable import plain_parameter, to_json

    def sink(event: Event, /) -> None:
        view(event)
        if isinstance(event, CandidateDone):
            line = {"candidate": event.index, "params": plain_parameter(event.params)}
            line |= {"score": event.score, "scores": event.scores}
            out.write_line(to_json(line | {"failed": event.failed, "pruned": event.pruned}))

    return sink
