"""``raysk predict``."""

from __future__ import annotations

import itertools
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from raysk.cli.keeping import is_stdout
from raysk.cli.options import data as d  # noqa: TC001 - Typer reads the annotations
from raysk.cli.options.cluster import ModelWorkers
from raysk.cli.options.output import Force, Talk, option
from raysk.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from raysk.cli.loaded import Loaded
    from raysk.cli.streams import DataOut
    from raysk.cli.view.live import View
    from raysk.cluster import Starting
    from raysk.jobs import PredictJob
    from raysk.results.writers import Part


TEXTS = ("csv", "jsonl")  # the formats that a terminal can show


@dataclass(frozen=True, kw_only=True)
class PredictOptions:
    """What is predicted, and where it is written."""

    model: d.Model
    data: d.Table
    method: Annotated[
        str, typer.Option(metavar="NAME", help="predict, predict_proba, decision_function or transform.")
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
            help="Write the predictions here instead of to stdout: .csv, .jsonl, .parquet or .npy.",
        ),
    ] = None
    to: Annotated[
        str | None,
        option(metavar="NAME", help="Write csv, jsonl, parquet or npy, whatever the suffix; csv to stdout without it."),
    ] = None
    force: Force = False

    def job(self) -> PredictJob:
        """Return what is to be predicted, and where it is to be written."""
        from raysk.data.dialect import Dialect
        from raysk.data.formats import check_format
        from raysk.jobs import PredictJob
        from raysk.models.sidecar import sidecar_path
        from raysk.runs.existing import check_new
        from raysk.runs.targets import check_apart
        from raysk.runs.which import find_model
        from raysk.util.writing import check_output

        check_format(self.format_)
        model = find_model(self.model, "raysk predict")
        dialect = Dialect(sep=self.sep, decimal=self.decimal)
        output = None if is_stdout(self.output) else self.output
        beside = str(sidecar_path(Path(model))) if Path(model).name else None
        check_apart({"-o": output}, {"MODEL": model, "DATA": self.data, "the description of MODEL": beside})
        check_new([output], force=self.force)
        if output is not None:
            check_output(output)
        return PredictJob(
            model=model,
            named=self.model,
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
        from raysk.cli.loaded import Loaded, say_which, workers_at
        from raysk.cli.streams import data_stdout
        from raysk.cli.view.live import View
        from raysk.cli.view.summary import show_summary
        from raysk.events import PhaseStarted

        job, resources = self.job(), self.resources()
        with data_stdout() as out:
            still = job.output is None and out.is_terminal
            if still and job.written_as not in TEXTS:
                raise UsageError(
                    f"stdout is a terminal, which cannot show {job.written_as}. Name a file with -o, or a pipe."
                )
            view = View(quiet=self.quiet, verbose=self.verbose, still=still)
            say_which(job, view)
            with workers_at(self.address, resources, view, worker_output=self.verbose) as start, view.running():
                begin, written = time.perf_counter(), {"rows": 0, "columns": []}
                view(PhaseStarted(name=f"reading {job.model}"))
                loaded = Loaded(job)
                view(PhaseStarted(name="predicting"))
                _write(job, _tallied(_predicted(job, loaded, start, view), written), out)
                loaded.say_unseen(view)
            if job.output is not None:
                summary = _summary(job, written, time.perf_counter() - begin)
                show_summary(out, summary, as_json=self.as_json, rows=_rows(summary))


def _predicted(job: PredictJob, loaded: Loaded, start: Starting | None, view: View) -> Iterator[Part]:
    """Yield the predictions, named, as they are made."""
    from raysk.plans import rows
    from raysk.results.predictions import parts

    loaded.check_method(job.method)
    id_name, blocks = _blocks(job, loaded)
    if start is None:
        pairs = rows.here(loaded.model, job.method, blocks, view)
    else:
        pairs = rows.on_pool(loaded.pool_of(start), loaded.model, job.method, blocks)
    return parts(loaded.model, job.method, _refusing(loaded, pairs), id_name)


def _blocks(job: PredictJob, loaded: Loaded) -> tuple[str | None, Iterator[tuple[Any, Any]]]:
    """Return the name of the ids, and the rows of the table with the model's features, in the model's order."""
    from raysk.data.reading import Columns, blocks, id_name, id_values

    columns = Columns(features=job.features, drop=job.drop, id_col=job.id_col)
    tables = blocks(
        job.data, format=job.input_format, dialect=loaded.dialect, dtypes=loaded.features.dtypes, ids=job.id_col
    )
    first = next(tables)  # one without rows is refused
    pairs = ((loaded.split(table, columns).X, id_values(table, columns)) for table in itertools.chain([first], tables))
    return id_name(first, columns), pairs


def _refusing(loaded: Loaded, pairs: Iterator[tuple[Any, Any]]) -> Iterator[tuple[Any, Any]]:
    """Say from which row on the model refuses the table, if it does."""
    done = 0
    while True:
        with loaded.refusing(f", from row {done + 1:,} on"):
            pair = next(pairs, None)
        if pair is None:
            return
        yield pair
        one_output = pair[1][0] if isinstance(pair[1], list) else pair[1]
        done += one_output.shape[0]


def _tallied(stream: Iterable[Part], written: dict[str, Any]) -> Iterator[Part]:
    for part in stream:
        yield part
        written["rows"] += len(part)
        written["columns"] = list(part.columns)


def _write(job: PredictJob, stream: Iterator[Part], out: DataOut) -> None:
    from raysk.results.writers import WRITERS
    from raysk.util.writing import write_atomically

    writer = WRITERS[job.written_as]
    if job.output is None:
        writer(stream, out)
    else:
        write_atomically(job.output, lambda file: writer(stream, file), new=job.new)


def _summary(job: PredictJob, written: dict[str, Any], time_s: float) -> dict[str, Any]:
    return {
        "schema": 1,
        "model": job.model,
        "method": job.method,
        **written,
        "output": str(job.output),
        "format": job.written_as,
        "time_s": time_s,
    }


def _rows(summary: dict[str, Any]) -> list[tuple[str, str]]:
    return [
        ("predicted", f"{summary['rows']:,} rows in {summary['time_s']:.1f} s"),
        ("columns", ", ".join(summary["columns"])),
        ("output", summary["output"]),
    ]
