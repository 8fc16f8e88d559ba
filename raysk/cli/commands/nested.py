"""``raysk nested``."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import Annotated, Any

import typer

from raysk.cli.commands.search import FITS_FAILED, OUT_OF_TIME
from raysk.cli.options.cluster import ClusterOptions
from raysk.cli.options.data import DataOptions
from raysk.cli.options.job import DryRun, File, SearchChanges, Strict, TrainScore
from raysk.cli.options.limits import EndOptions
from raysk.cli.options.output import NestedOutput
from raysk.cli.options.shortcuts import ShortcutOptions
from raysk.errors import UsageError

FEWEST_FOLDS = 2


@dataclass(frozen=True, kw_only=True)
class Nested(NestedOutput, ClusterOptions, DataOptions, EndOptions, ShortcutOptions, SearchChanges):
    """Cross-validate the search defined in FILE, to tell how good the models are that it finds.

    On each outer fold the whole search runs, and its model is scored on rows that the search has not seen.

    For example:

      raysk nested spec.py --outer 5

      raysk nested search.pkl --scoring roc_auc --results folds.csv

      raysk nested spec.py --outer 10 --address auto | jq .test_score
    """

    context: typer.Context
    file: File
    outer: Annotated[int, typer.Option(envvar="RAYSK_OUTER", metavar="K", help="Number of outer folds.")] = 5
    train_score: TrainScore = False
    strict: Strict = False
    dry_run: DryRun = None

    def run(self) -> None:
        """Cross-validate the search, or say what would run."""
        from raysk.cli.commands import inspect
        from raysk.cli.commands.work import call_of, read_by, read_first, work_of
        from raysk.cli.streams import data_stdout
        from raysk.cli.view.live import View
        from raysk.cli.view.outer_folds import show_nested
        from raysk.request.assemble import search_job
        from raysk.runner import outer_folds

        if self.outer < FEWEST_FOLDS:
            raise UsageError(f"--outer {self.outer}: at least {FEWEST_FOLDS} folds are needed.")
        given, limits = self.given(), self.limits()
        where, outputs = self.where(worker_output=self.verbose), self.outputs()
        where.check({"raysk nested": True})
        outputs.check(FILE=self.file, **read_by(given))
        said: dict[str, Any] = {"overrides": self.overrides(), "given": given, "shortcuts": self.shortcuts()}
        make_job = functools.partial(search_job, **said, limits=limits)
        nesting = outer_folds.Nesting(outer=self.outer, return_train_score=self.train_score)
        with data_stdout() as out:
            if self.dry_run:
                shown: dict[str, Any] = {"as_json": self.as_json, "quiet": self.quiet}
                inspect.show(out, self.file, where, make_job=make_job, plan=self.dry_run, outer=self.outer, **shown)
                return
            read, call = work_of(self.file, make_job, where), call_of(self.context, self.file)
            with View(quiet=self.quiet, verbose=self.verbose, until=limits.until).running() as view:
                read = read_first(read, given, view)
                outcome = outer_folds.run(read, where, outputs, nesting=nesting, call=call, sink=view)
            show_nested(out, outcome, as_json=self.as_json)
        if outcome.unwritten is not None:
            raise outcome.unwritten
        if self.strict and outcome.stopped == "time-budget":
            raise typer.Exit(OUT_OF_TIME)
        if self.strict and (outcome.counts["failed"] or outcome.counts["scores_failed"]):
            raise typer.Exit(FITS_FAILED)
