"""``raysk cv``."""

from __future__ import annotations

import functools
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Annotated, Any

import typer

from raysk.cli.commands.search import FITS_FAILED
from raysk.cli.options.cluster import ClusterOptions
from raysk.cli.options.data import DataOptions
from raysk.cli.options.job import DryRun, File, FitOverrides, Folds, Strict, TrainScore
from raysk.cli.options.limits import FitLimit
from raysk.cli.options.output import ValidationOutput

if TYPE_CHECKING:
    from raysk.request.overrides import Overrides


@dataclass(frozen=True, kw_only=True)
class Cv(ValidationOutput, ClusterOptions, DataOptions, FitLimit, FitOverrides):
    """Cross-validate the estimator defined in FILE on a Ray cluster.

    The scores are those of scikit-learn's cross_validate. Of a search, raysk nested does the same.

    For example:

      raysk cv model.py --cv 10

      raysk cv model.py --repeats 20 --scoring roc_auc,neg_log_loss --seed 0

      raysk cv 'sklearn.svm:SVC()' --data train.csv --target price --results folds.csv

      raysk cv model.py --set C=10 | jq .test_score
    """

    context: typer.Context
    file: File
    cv: Folds = None
    repeats: Annotated[
        int | None,
        typer.Option(envvar="RAYSK_REPEATS", metavar="R", help="Draw the folds R times, in other ways."),
    ] = None
    scoring: Annotated[
        str | None, typer.Option(envvar="RAYSK_SCORING", metavar="NAME[,NAME]", help="Metric, or several.")
    ] = None
    train_score: TrainScore = False
    strict: Strict = False
    dry_run: DryRun = None

    def overrides(self) -> Overrides:
        """Return the changes to make to a copy of the estimator, and how it is cross-validated."""
        return replace(super().overrides(), cv=self.cv, scoring=self.scoring)

    def run(self) -> None:
        """Cross-validate the estimator, or say what would run."""
        from raysk.cli.commands import inspect
        from raysk.cli.commands.work import call_of, read_by, read_first, work_of
        from raysk.cli.settings import is_typed
        from raysk.cli.streams import data_stdout
        from raysk.cli.view.live import View
        from raysk.cli.view.validation import show_validation
        from raysk.request.validation import validation_job
        from raysk.runner.run import run

        given, limits = self.given(), self.limits()
        where, outputs = self.where(worker_output=self.verbose), self.outputs()
        where.check(
            {"--address": is_typed(self.context, "address"), "--resume": self.resume, "--strict": self.strict}
            | dict.fromkeys(limits.options, True)
        )
        outputs.check(FILE=self.file, **read_by(given))
        said: dict[str, Any] = {"overrides": self.overrides(), "given": given, "limits": limits}
        make_job = functools.partial(validation_job, **said, repeats=self.repeats, train_score=self.train_score)
        with data_stdout() as out:
            if self.dry_run:
                shown: dict[str, Any] = {"as_json": self.as_json, "quiet": self.quiet}
                inspect.show(out, self.file, where, make_job=make_job, plan=self.dry_run, **shown)
                return
            read = work_of(self.file, make_job, where, needs_score=False)
            with View(quiet=self.quiet, verbose=self.verbose).running() as view:
                read = read_first(read, given, view)
                outcome = run(read, where, outputs, call=call_of(self.context, self.file), sink=view)
            show_validation(out, outcome, as_json=self.as_json)
        outcome.raise_error()
        if self.strict and (outcome.failed or outcome.scores_failed):
            raise typer.Exit(FITS_FAILED)
