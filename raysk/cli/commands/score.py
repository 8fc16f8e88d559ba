"""``raysk score``."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

import typer

from raysk.cli.options import data as d  # noqa: TC001 - Typer reads the annotations
from raysk.cli.options.cluster import ModelWorkers
from raysk.cli.options.output import Talk
from raysk.errors import InputError

if TYPE_CHECKING:
    from raysk.cli.loaded import Loaded
    from raysk.data.reading import Table
    from raysk.jobs import Data, ScoreJob


@dataclass(frozen=True, kw_only=True)
class ScoreOptions:
    """What is scored, and how."""

    model: d.Model
    data: d.Table
    target: d.Target = None
    scoring: Annotated[
        str | None,
        typer.Option(envvar="RAYSK_SCORING", metavar="NAME[,NAME]", help="Metrics; without it, the model's own score."),
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
        from raysk.jobs import ScoreJob
        from raysk.request.overrides import metric_names
        from raysk.runs.targets import check_apart
        from raysk.runs.which import find_model

        check_format(self.format_)
        dialect = Dialect(sep=self.sep, decimal=self.decimal)
        check_apart({}, {"MODEL": self.model, "DATA": self.data})
        return ScoreJob(
            model=find_model(self.model, "raysk score"),
            named=self.model,
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
        from raysk.cli.loaded import Loaded, say_which, workers_at
        from raysk.cli.streams import data_stdout
        from raysk.cli.view.live import View
        from raysk.cli.view.summary import show_summary
        from raysk.events import PhaseStarted
        from raysk.plans.rows import predicting_on_pool

        job, resources = self.job(), self.resources()
        with data_stdout() as out:
            begin, view = time.perf_counter(), View(quiet=self.quiet, verbose=self.verbose)
            say_which(job, view)
            with workers_at(self.address, resources, view, worker_output=self.verbose) as start, view.running():
                view(PhaseStarted(name=f"reading {job.model}"))
                loaded = Loaded(job)
                view(PhaseStarted(name="scoring"))
                data = _data(job, loaded)
                model = loaded.model if start is None else predicting_on_pool(loaded.pool_of(start), loaded.model)
                scores = _scores(job, loaded, model, data)
                loaded.say_unseen(view)
            summary = {"schema": 1, "model": job.model, "data": job.data, "estimator": loaded.kind}
            summary |= {"rows": int(data.X.shape[0]), "scores": scores, "time_s": time.perf_counter() - begin}
            show_summary(out, summary, as_json=self.as_json, rows=_rows(summary))


def _data(job: ScoreJob, loaded: Loaded) -> Data:
    """Read the whole table, labels as the model knows them."""
    from raysk.data.checks import check_target
    from raysk.data.reading import TEXT, Columns, read_table
    from raysk.data.wants import wants_target

    dtypes = dict(loaded.features.dtypes)
    labels = getattr(getattr(loaded.model, "classes_", None), "dtype", None)
    if labels is not None and labels.kind in "OUS":
        dtypes |= dict.fromkeys(job.target or loaded.target, TEXT)
    table = read_table(job.data, format=job.input_format, dialect=loaded.dialect, dtypes=dtypes)
    known = "y" not in table.beside and set(loaded.target) <= set(table.names or ())
    target = job.target or (loaded.target if known else ())
    if loaded.target and not target and "y" not in table.beside and wants_target(loaded.model):
        raise InputError(_no_target(loaded, table))
    columns = Columns(target=target, features=job.features, drop=job.drop, weight=job.weight)
    data = loaded.split(table, columns)
    if data.y is None:
        check_target(loaded.model, table)
    return data


def _no_target(loaded: Loaded, table: Table) -> str:
    """Say which column the model was fitted to predict."""
    from raysk.util.words import listed, suggestion

    there = [each for each in table.names or () if each not in (loaded.features.names or ())]
    return (
        f"{table.label} has no column {listed(map(repr, loaded.target))}, "
        f"which the {loaded.kind} was fitted to predict.\n"
        f"{suggestion(loaded.target[0], there, 'columns that are no features')}\n"
        "If it is there by another name, say it with --target; to predict it, use 'raysk predict'."
    )


def _scores(job: ScoreJob, loaded: Loaded, model: Any, data: Data) -> dict[str, float]:
    """Return each metric's value; the model's own ``score`` where none is named."""
    from sklearn.metrics import check_scoring

    from raysk.errors import what_was_raised

    weight = data.fit_params.get("sample_weight")
    more = {} if weight is None else {"sample_weight": weight}
    with loaded.refusing():
        if not job.metrics:
            return {"score": float(model.score(data.X, data.y, **more))}
        found = check_scoring(model, scoring=list(job.metrics), raise_exc=False)(model, data.X, data.y, **more)
    for name, value in found.items():
        if isinstance(value, str):  # a traceback
            raised = what_was_raised(value)[:300]
            raise InputError(
                f"--scoring {name}: it cannot be computed for this {loaded.kind} and {job.data}.\n{raised}"
            )
    return {name: float(value) for name, value in found.items()}


def _rows(summary: dict[str, Any]) -> list[tuple[str, str]]:
    scores = [(name, f"{value:.6g}") for name, value in summary["scores"].items()]
    return [*scores, ("rows", f"{summary['rows']:,}")]
