"""``raysk score``."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

import typer

from raysk.cli.options import data as d  # noqa: TC001 - Typer reads the annotations
from raysk.cli.options.cluster import ModelWorkers
from raysk.cli.options.output import Talk

if TYPE_CHECKING:
    from raysk.model_jobs import ScoreJob


@dataclass(frozen=True, kw_only=True)
class ScoreOptions:
    """What is scored, and how."""

    model: d.Model
    data: d.Table
    target: d.Target = None
    scoring: Annotated[
        str | None,
        typer.Option(
            envvar="RAYSK_SCORING", metavar="NAME[,NAME]", help="Metrics. The default is the model's own score."
        ),
    ] = None
    trust: d.Trust = None
    format_: d.Format = None
    sep: d.Sep = None
    decimal: d.Decimal = "."
    features: d.Features = None
    drop: d.Drop = None
    weight: d.Weight = None

    def job(self) -> ScoreJob:
        """Return what is to be scored, and how."""
        from raysk.data.dialect import Dialect
        from raysk.data.formats import check_format
        from raysk.model_jobs import ScoreJob
        from raysk.request.overrides import metric_names
        from raysk.runs.collisions import check_distinct
        from raysk.runs.lookup import find_model, name_model

        check_format(self.format_)
        dialect = Dialect(sep=self.sep, decimal=self.decimal)
        check_distinct({}, {"MODEL": self.model, "DATA": self.data})
        return ScoreJob(
            model=find_model(self.model, "raysk score"),
            named=name_model(self.model, "raysk score"),
            data=self.data,
            trust=tuple(self.trust or ()),
            input_format=self.format_,
            sep=dialect.sep,
            decimal=dialect.decimal,
            features=tuple(self.features or ()),
            drop=tuple(self.drop or ()),
            target=tuple(self.target or ()),
            weight=self.weight,
            metrics=() if self.scoring is None else tuple(metric_names(self.scoring)),
        )


@dataclass(frozen=True, kw_only=True)
class Score(Talk, ModelWorkers, ScoreOptions):
    """Score a fitted MODEL on the rows of DATA.

    Without --target, it is the column that MODEL was fitted to predict, where its description and DATA have it.

    For example:

      raysk score model.pkl test.csv --target y | jq .scores

      raysk score model.pkl test.parquet --target y --scoring accuracy,f1_macro

      raysk score latest sklearn:digits --address auto
    """

    def run(self) -> None:
        """Score the model."""
        from raysk.cli.streams import data_stdout
        from raysk.cli.view.live import View
        from raysk.cli.view.summary import show_summary
        from raysk.runner.score import score

        job, where = self.job(), self.where(worker_output=self.verbose)
        with data_stdout() as out:
            with View(quiet=self.quiet, verbose=self.verbose).running() as view:
                scored = score(job, where, view)
            summary = {"schema": 1, "model": job.model, "data": job.data, **vars(scored)}
            show_summary(out, summary, as_json=self.as_json, rows=_rows(summary))


def _rows(summary: dict[str, Any]) -> list[tuple[str, str]]:
    scores = [(name, f"{value:.6g}") for name, value in summary["scores"].items()]
    return [*scores, ("rows", f"{summary['rows']:,}")]
