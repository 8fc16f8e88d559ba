"""What a fitted model says of a table, row by row, written as it is made."""

from __future__ import annotations

import itertools
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from raysk.events import PhaseStarted
from raysk.runner.loaded import loading

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from raysk.events import Sink
    from raysk.model_jobs import PredictJob
    from raysk.results.writers import Part
    from raysk.runner.loaded import Loaded
    from raysk.runner.where import Start, Where


@dataclass(frozen=True, kw_only=True)
class Predicted:
    """What was predicted: how many rows, under which names of columns, and how long that took, in seconds."""

    rows: int
    columns: tuple[str, ...]
    time_s: float


def predict(job: PredictJob, where: Where | None, out: Any, sink: Sink) -> Predicted:
    """Write what a model says of a table.

    Parameters
    ----------
    job : PredictJob
    where : Where or None
        None predicts in this process.
    out : binary file
        Takes the predictions, unless the job names a file.
    sink : callable
        Takes events.
    """
    begin, written = time.perf_counter(), {"rows": 0, "columns": ()}
    with loading(job, where, sink) as (loaded, start):
        sink(PhaseStarted(name="predicting"))
        _write(job, _tallied(_predicted(job, loaded, start, sink), written), out)
        loaded.remark_unseen(sink)
    return Predicted(**written, time_s=time.perf_counter() - begin)  # type: ignore[arg-type]


def _predicted(job: PredictJob, loaded: Loaded, start: Start | None, sink: Sink) -> Iterator[Part]:
    """Yield the predictions, named, as they are made."""
    from raysk.plans import prediction
    from raysk.results.predictions import prediction_parts

    loaded.check_method(job.method)
    id_name, blocks = _blocks(job, loaded)
    if start is None:
        pairs = prediction.here(loaded.model, job.method, blocks, sink)
    else:
        pairs = prediction.on_pool(loaded.pool_of(start), loaded.model, job.method, blocks)
    return prediction_parts(loaded.model, job.method, _refusing(loaded, pairs), id_name)


def _blocks(job: PredictJob, loaded: Loaded) -> tuple[str | None, Iterator[tuple[Any, Any]]]:
    """Return the name of the ids, and the rows of the table with the model's features, in the model's order."""
    from raysk.data.reading import Columns, id_name, id_values, read_blocks

    columns = Columns(features=job.features, drop=job.drop, id_col=job.id_col)
    tables = read_blocks(
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
        written["columns"] = tuple(part.columns)


def _write(job: PredictJob, stream: Iterator[Part], out: Any) -> None:
    from raysk.results.writers import WRITERS
    from raysk.util.writing import write_atomically

    writer = WRITERS[job.written_as]
    if job.output is None:
        writer(stream, out)
    else:
        write_atomically(job.output, lambda file: writer(stream, file), new=job.new)
