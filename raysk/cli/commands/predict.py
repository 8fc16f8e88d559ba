"""``raysk predict``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from raysk.cli.options import data as d  # noqa: TC001 - Typer reads the annotations
from raysk.cli.options import shared as o  # noqa: TC001 - Typer reads the annotations
from raysk.cli.options.bundles import bundled
from raysk.errors import UsageError

if TYPE_CHECKING:
    from raysk.jobs import PredictJob
    from raysk.runner.predict import Predicted


TEXTS = ("csv", "jsonl")  # the formats that a terminal can show


def predict_job(
    model: d.Model,
    data: d.Table,
    method: d.Method = "predict",
    trust: d.Trust = None,
    format_: d.Format = None,
    sep: d.Sep = None,
    decimal: d.Decimal = ".",
    features: d.Features = None,
    drop: d.Drop = None,
    id_col: d.IdCol = None,
    output: d.Predictions = None,
    to: d.To = None,
    force: o.Force = False,
) -> PredictJob:
    """Return what is to be predicted, and where it is to be written."""
    from raysk.data.dialect import Dialect
    from raysk.data.formats import check_format
    from raysk.jobs import PredictJob
    from raysk.models.sidecar import sidecar_path
    from raysk.runner.outputs import is_stdout
    from raysk.runs.existing import check_new
    from raysk.runs.targets import check_apart
    from raysk.runs.which import find_model
    from raysk.util.writing import check_output

    check_format(format_)
    named, model = model, find_model(model, "raysk predict")
    dialect = Dialect(sep=sep, decimal=decimal)
    if is_stdout(output):
        output = None
    beside = str(sidecar_path(Path(model))) if Path(model).name else None
    check_apart({"-o": output}, {"MODEL": model, "DATA": data, "the description of MODEL": beside})
    check_new([output], force=force)
    if output is not None:
        check_output(output)
    return PredictJob(
        model=model,
        named=named,
        data=data,
        method=method,
        trust=tuple(trust or ()),
        input_format=format_,
        sep=dialect.sep,
        decimal=dialect.decimal,
        features=tuple(features or ()),
        drop=tuple(drop or ()),
        id_col=id_col,
        output=output,
        output_format=to,
        new=not force,
    )


@bundled(job=predict_job)
def predict(
    job: PredictJob,
    address: d.WorkersAddress = None,
    workers: o.Workers = None,
    cpus_per_fit: o.CpusPerFit = 1,
    as_json: o.Json = False,
    quiet: o.Quiet = False,
    verbose: o.Verbose = False,
    debug: o.Debug = False,  # noqa: ARG001 - read by main
) -> None:
    """Predict the rows of DATA with a fitted MODEL.

    For example:

      cat new.csv | raysk predict model.pkl - > predictions.csv

      raysk predict model.pkl new.parquet --method predict_proba --id-col id -o proba.parquet

      raysk predict latest new.csv --address auto --to jsonl
    """
    from raysk.cli.streams import data_stdout
    from raysk.cli.view.live import View
    from raysk.cli.view.summary import show_summary
    from raysk.jobs import Resources
    from raysk.runner import predict as runner
    from raysk.runner.where import Where

    resources = Resources(workers=workers, cpus_per_fit=cpus_per_fit)
    where = None if address is None else Where(address=address, resources=resources, worker_output=verbose)
    with data_stdout() as out:
        still = job.output is None and out.is_terminal
        if still and job.written_as not in TEXTS:
            raise UsageError(
                f"stdout is a terminal, which cannot show {job.written_as}. Name a file with -o, or a pipe."
            )
        with View(quiet=quiet, verbose=verbose, still=still).running() as view:
            predicted = runner.predict(job, where, out, view)
        if job.output is not None:
            summary = _summary(job, predicted)
            show_summary(out, summary, as_json=as_json, rows=_rows(summary))


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
