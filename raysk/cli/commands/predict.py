"""``raysk predict``."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from raysk.cli.options import data as d  # noqa: TC001 - Typer reads the annotations
from raysk.cli.options.cluster import ModelWorkers
from raysk.cli.options.output import Force, Talk, option
from raysk.errors import UsageError

if TYPE_CHECKING:
    from raysk.model_jobs import PredictJob
    from raysk.runner.predict import Predicted


TEXTS = ("csv", "jsonl")  # the formats that a terminal can show


@dataclass(frozen=True, kw_only=True)
class PredictOptions:
    """What is predicted, and where it is written."""

    model: d.Model
    data: d.Table
    method: Annotated[
        str,
        typer.Option(metavar="NAME", help="Method to call: predict, predict_proba, decision_function or transform."),
    ] = "predict"
    trust: d.Trust = None
    format_: d.Format = None
    sep: d.Sep = None
    decimal: d.Decimal = "."
    features: d.Features = None
    drop: d.Drop = None
    id_col: d.IdCol = None
    output: Annotated[
        Path | None,
        option(
            "--output",
            "-o",
            metavar="PATH",
            help="Path of the file of predictions: .csv, .jsonl, .parquet or .npy. The default is stdout.",
        ),
    ] = None
    to: Annotated[
        str | None,
        option(metavar="NAME", help="Format: csv, jsonl, parquet or npy. The default is the suffix, or csv on stdout."),
    ] = None
    force: Force = False

    def job(self) -> PredictJob:
        """Return what is to be predicted, and where it is to be written."""
        from raysk.data.dialect import Dialect
        from raysk.data.formats import check_format
        from raysk.model_jobs import PredictJob
        from raysk.models.sidecar import sidecar_path
        from raysk.runner.outputs import is_stdout
        from raysk.runs.collisions import check_distinct
        from raysk.runs.lookup import find_model, name_model
        from raysk.runs.overwriting import refuse_existing
        from raysk.util.writing import check_output

        check_format(self.format_)
        model = find_model(self.model, "raysk predict")
        dialect = Dialect(sep=self.sep, decimal=self.decimal)
        output = None if is_stdout(self.output) else self.output
        beside = str(sidecar_path(Path(model))) if Path(model).name else None
        check_distinct({"-o": output}, {"MODEL": model, "DATA": self.data, "the description of MODEL": beside})
        refuse_existing([output], force=self.force)
        if output is not None:
            check_output(output)
        return PredictJob(
            model=model,
            named=name_model(self.model, "raysk predict"),
            data=self.data,
            method=self.method,
            trust=tuple(self.trust or ()),
            input_format=self.format_,
            sep=dialect.sep,
            decimal=dialect.decimal,
            features=tuple(self.features or ()),
            drop=tuple(self.drop or ()),
            id_col=self.id_col,
            output=output,
            output_format=self.to,
            new=not self.force,
        )


@dataclass(frozen=True, kw_only=True)
class Predict(Talk, ModelWorkers, PredictOptions):
    """Predict the rows of DATA with a fitted MODEL.

    For example:

      cat new.csv | raysk predict model.pkl - > predictions.csv

      raysk predict model.pkl new.parquet --method predict_proba --id-col id -o proba.parquet

      raysk predict latest new.csv --address auto --to jsonl
    """

    def run(self) -> None:
        """Predict, and write the predictions."""
        from raysk.cli.streams import data_stdout
        from raysk.cli.view.live import View
        from raysk.cli.view.summary import show_summary
        from raysk.runner.predict import predict

        job, where = self.job(), self.where(worker_output=self.verbose)
        with data_stdout() as out:
            still = job.output is None and out.is_terminal
            if still and job.written_as not in TEXTS:
                raise UsageError(
                    f"stdout is a terminal, which cannot show {job.written_as}. Name a file with -o, or a pipe."
                )
            with View(quiet=self.quiet, verbose=self.verbose, still=still).running() as view:
                predicted = predict(job, where, out, view)
            if job.output is not None:
                summary = _summary(job, predicted)
                show_summary(out, summary, as_json=self.as_json, rows=_rows(summary))


def _summary(job: PredictJob, predicted: Predicted) -> dict[str, Any]:
    return {
        "schema": 1,
        "model": job.model,
        "method": job.method,
        "rows": predicted.rows,
        "columns": predicted.columns,
        "output": str(job.output),
        "format": job.written_as,
        "time_s": predicted.time_s,
    }


def _rows(summary: dict[str, Any]) -> list[tuple[str, str]]:
    return [
        ("predicted", f"{summary['rows']:,} rows in {summary['time_s']:.1f} s"),
        ("columns", ", ".join(summary["columns"])),
        ("output", summary["output"]),
    ]
