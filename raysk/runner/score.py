"""How good a fitted model is on a table."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from raysk.errors import InputError
from raysk.events import PhaseStarted
from raysk.runner.loaded import loading

if TYPE_CHECKING:
    from collections.abc import Mapping

    from raysk.data.reading import Table
    from raysk.events import Sink
    from raysk.jobs import Data
    from raysk.model_jobs import ScoreJob
    from raysk.runner.loaded import Loaded
    from raysk.runner.where import Where


@dataclass(frozen=True, kw_only=True)
class Scored:
    """Scores by metric, of so many rows by a model of that class, and how long that took, in seconds."""

    estimator: str
    rows: int
    scores: Mapping[str, float]
    time_s: float


def score(job: ScoreJob, where: Where | None, sink: Sink) -> Scored:
    """Score a model on a table.

    Parameters
    ----------
    job : ScoreJob
    where : Where or None
        None predicts in this process.
    sink : callable
        Takes events.
    """
    from raysk.plans.prediction import predicting_on_pool

    begin = time.perf_counter()
    with loading(job, where, sink) as (loaded, start):
        sink(PhaseStarted(name="scoring"))
        data = _data(job, loaded)
        model = loaded.model if start is None else predicting_on_pool(loaded.pool_of(start), loaded.model)
        scores = _scores(job, loaded, model, data)
        loaded.remark_unseen(sink)
    time_s = time.perf_counter() - begin
    return Scored(estimator=loaded.kind, rows=int(data.X.shape[0]), scores=scores, time_s=time_s)


def _data(job: ScoreJob, loaded: Loaded) -> Data:
    """Read the whole table, labels as the model knows them."""
    from raysk.data.checks import check_target
    from raysk.data.reading import TEXT, Columns, read_table
    from raysk.data.requirements import needs_target

    dtypes = dict(loaded.features.dtypes)
    labels = getattr(getattr(loaded.model, "classes_", None), "dtype", None)
    if labels is not None and labels.kind in "OUS":
        dtypes |= dict.fromkeys(job.target or loaded.target, TEXT)
    table = read_table(job.data, format=job.input_format, dialect=loaded.dialect, dtypes=dtypes)
    known = "y" not in table.beside and set(loaded.target) <= set(table.names or ())
    target = job.target or (loaded.target if known else ())
    if loaded.target and not target and "y" not in table.beside and needs_target(loaded.model):
        raise InputError(_no_target(loaded, table))
    columns = Columns(target=target, features=job.features, drop=job.drop, weight=job.weight)
    data = loaded.split(table, columns)
    if data.y is None:
        check_target(loaded.model, table)
    return data


def _no_target(loaded: Loaded, table: Table) -> str:
    """Say which column the model was fitted to predict."""
    from raysk.util.words import join_names, suggestion

    there = [each for each in table.names or () if each not in (loaded.features.names or ())]
    return (
        f"{table.label} has no column {join_names(map(repr, loaded.target))}, "
        f"which the {loaded.kind} was fitted to predict.\n"
        f"{suggestion(loaded.target[0], there, 'columns besides the features')}\n"
        "If it is there by another name, say it with --target; to predict it, use 'raysk predict'."
    )


def _scores(job: ScoreJob, loaded: Loaded, model: Any, data: Data) -> dict[str, float]:
    """Return each metric's value; the model's own ``score`` where none is named."""
    from sklearn.metrics import check_scoring

    from raysk.errors import error_text

    weight = data.fit_params.get("sample_weight")
    more = {} if weight is None else {"sample_weight": weight}
    with loaded.refusing():
        if not job.metrics:
            return {"score": float(model.score(data.X, data.y, **more))}
        found = check_scoring(model, scoring=list(job.metrics), raise_exc=False)(model, data.X, data.y, **more)
    for name, value in found.items():
        if isinstance(value, str):  # a traceback
            raised = error_text(value)[:300]
            raise InputError(
                f"--scoring {name}: it cannot be computed for this {loaded.kind} and {job.data}.\n{raised}"
            )
    return {name: float(value) for name, value in found.items()}
