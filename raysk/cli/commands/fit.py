"""``raysk fit``."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import Any

import typer  # noqa: TC002 - Typer reads the annotations

from raysk.cli.options.cluster import ClusterOptions
from raysk.cli.options.data import HoldOutOptions
from raysk.cli.options.earlier import ParamsOption
from raysk.cli.options.job import File, FitFlags, FitOverrides
from raysk.cli.options.output import FitOutput, Talk


@dataclass(frozen=True, kw_only=True)
class Fit(Talk, FitOutput, ClusterOptions, HoldOutOptions, FitOverrides, ParamsOption, FitFlags):
    """Fit the estimator defined in FILE on a Ray cluster.

    For example:

      raysk fit model.py --address auto -o model.pkl

      raysk fit 'model.py:make_model(depth=3)' --set n_estimators=5000

      raysk fit 'sklearn.svm:SVC()' --data train.csv --target price -o svc.pkl

      raysk fit model.py:forest --seed 0 --dry-run

      raysk fit spec.py --params latest#2 --data new.csv
    """

    context: typer.Context
    file: File

    def run(self) -> None:
        """Run the fit, or say what would run."""
        from raysk.cli.commands import inspect
        from raysk.cli.commands.export import check_mlflow, log_to_mlflow
        from raysk.cli.commands.work import call_of, check_terminal, read_by, read_first, work_of
        from raysk.cli.settings import is_typed
        from raysk.cli.streams import data_stdout
        from raysk.cli.view.live import View
        from raysk.cli.view.outcome import show_fit
        from raysk.request.assemble import fit_job
        from raysk.runner.run import run
        from raysk.util.words import pairs

        overrides, given, held, candidate = self.overrides(), self.given(), self.hold_out(), self.candidate()
        where, outputs = self.where(worker_output=self.verbose), self.outputs()
        if candidate is not None and given is not None:
            given = given.with_target_of(candidate.target)
        where.check({"--address": is_typed(self.context, "address")})
        outputs.check(FILE=self.file, **read_by(given, held))
        check_mlflow(wanted=self.mlflow)
        make_job = functools.partial(fit_job, overrides=overrides, given=given, hold_out=held, candidate=candidate)
        with data_stdout() as out:
            check_terminal(outputs.output, out)
            if self.dry_run:
                shown: dict[str, Any] = {"as_json": self.as_json, "quiet": self.quiet}
                inspect.show(out, self.file, where, make_job=make_job, plan=self.dry_run, candidate=candidate, **shown)
                return
            read = work_of(self.file, make_job, where, score_train=self.score)
            call = call_of(self.context, self.file)
            with View(quiet=self.quiet, verbose=self.verbose).running() as view:
                if candidate is not None:
                    view.say(f"Parameters of {candidate}: {', '.join(pairs(candidate.params))}")
                    call["candidate"] = candidate.as_record()
                    if candidate.rank == 1 and candidate.chosen not in {None, 1}:
                        view.say(f"The search itself chose rank {candidate.chosen}, by a rule of its own.")
                read = read_first(read, given, view)
                outcome = run(read, where, outputs, call=call, sink=view)
                log_to_mlflow(outcome, view, wanted=self.mlflow)
            show_fit(out, outcome, outputs.output, as_json=self.as_json, quiet=self.quiet)
            outcome.raise_error()
