"""Write a run as runs of MLflow's: one for the whole, and a child for each candidate.

The model goes there as a file: it is not loaded, so no flavor of MLflow's knows it.
"""

from __future__ import annotations

import contextlib
import logging
import math
import os
import shlex
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mlflow import MlflowClient
from mlflow import tracking as mlflow_tracking
from mlflow.entities import Metric, Param

from raysk.errors import InputError
from raysk.exports.place import mask
from raysk.history.candidates import CandidateTable, read_candidates
from raysk.models.sidecar import read_sidecar, sidecar_path
from raysk.runs.folder import MANIFEST, RESULTS, journals_of
from raysk.runs.lookup import find_model
from raysk.util.typed_json import decode_params
from raysk.util.words import shorten

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from raysk.history.run import Run

TOP = 1000
"""Candidates that are exported unless somebody says: more, MLflow's pages do not show well."""

REPORT = "report.html"

EXPERIMENT = "raysk"
"""The experiment, unless MLFLOW_EXPERIMENT_NAME names another."""

BATCH = 100
"""The most parameters that MLflow takes at once."""

PATIENCE = {"MLFLOW_HTTP_REQUEST_TIMEOUT": "10", "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1"}
"""How long, in seconds, and how often a server is asked, unless the person's environment says: a run waits for it."""

_LONGEST = {"param": 500, "tag": 5000}
"""Characters that every version of MLflow stores."""


def write_runs(run: Run, uri: str | None, *, top: int | None) -> dict[str, Any]:
    """Write the runs; see `raysk.exports.export.export`."""
    table = read_candidates(run) if journals_of(run.folder) else None
    rows = [] if table is None else table.one_row_each()[: top or TOP].tolist()
    with _patiently():
        uri = mlflow_tracking.get_tracking_uri() if uri is None else uri
        with _explained(uri):
            client = MlflowClient(tracking_uri=uri)
            experiment = _find_experiment(client)
            parent = _write_parent(client, experiment, run, table)
            with _or_failed(client, parent):
                if table is not None:
                    for row in rows:
                        _write_child(client, experiment, parent, table, row)
                artifacts = _write_artifacts(client, parent, run)
            client.set_terminated(parent, status=_STATUS.get(run.state, "FAILED"), end_time=_millis(run, "ended"))
    return {
        "tool": "mlflow",
        "place": mask(uri),
        "name": run.name,
        "id": parent,
        "candidates": len(rows),
        "left_out": 0 if table is None else len(table) - len(rows),
        "artifacts": artifacts,
        "next": f"mlflow ui --backend-store-uri {shlex.quote(uri)}" if uri.startswith("sqlite:") else None,
    }


_STATUS = {"done": "FINISHED", "running": "RUNNING", "interrupted": "KILLED", "crashed": "KILLED"}


# --- the runs


def _find_experiment(client: MlflowClient) -> str:
    name = os.environ.get("MLFLOW_EXPERIMENT_NAME") or EXPERIMENT
    known = client.get_experiment_by_name(name)
    return str(client.create_experiment(name) if known is None else known.experiment_id)


def _write_parent(client: MlflowClient, experiment: str, run: Run, table: CandidateTable | None) -> str:
    made = client.create_run(experiment, run_name=run.name, start_time=_millis(run, "started"), tags=_tags(run))
    best = _part(run, "best")
    params = decode_params(best.get("params")) or best.get("best_params") or _model_params(run)
    names = ("test_score", "train_score", "time_s", "fits", "fits_failed")
    metrics = {name: run.facts.get(name) for name in names}
    metrics |= {name: best.get(name) for name in ("best_score", "best_score_std", "best_train_score")}
    if table is not None and best.get("best_score") is not None:
        metrics[f"mean_test_{table.metric}"] = best["best_score"]
    _log(client, made.info.run_id, params if isinstance(params, dict) else {}, _metrics(metrics))
    return str(made.info.run_id)


def _write_child(client: MlflowClient, experiment: str, parent: str, table: CandidateTable, row: int) -> None:
    """Write a candidate; the scores of its splits are the steps of a metric."""
    number = int(table.numbers[row])
    tags = {"mlflow.parentRunId": parent, "raysk.candidate": str(number)}
    if (error := table.errors[row]) is not None:
        tags["raysk.error"] = error[: _LONGEST["tag"]]
    if table.pruned[row]:
        tags["raysk.pruned"] = "true"
    made = client.create_run(experiment, run_name=f"candidate {number}", tags=tags)
    values = {f"mean_test_{name}": table.mean[name][row] for name in table.metrics}
    values |= {f"std_test_{name}": table.std[name][row] for name in table.metrics}
    values |= {f"mean_train_{name}": mean[row] for name, mean in table.train_mean.items()}
    values |= {"mean_fit_time": table.fit_time[row], "mean_score_time": table.score_time[row]}
    metrics = _metrics(values)
    for name in table.metrics:
        for step, score in enumerate(table.splits[name][row].tolist()):
            metrics += _metrics({f"split_test_{name}": score}, step)
    _log(client, made.info.run_id, table.params[row], metrics)
    is_done = math.isfinite(table.mean[table.metric][row])
    client.set_terminated(made.info.run_id, status="FINISHED" if is_done else "FAILED" if error else "KILLED")


def _log(client: MlflowClient, run_id: str, params: Mapping[str, Any], metrics: Sequence[Metric]) -> None:
    texts = [Param(name, _as_text(value)[: _LONGEST["param"]]) for name, value in params.items()]
    client.log_batch(run_id, params=texts[:BATCH], metrics=metrics)
    for start in range(BATCH, len(texts), BATCH):
        client.log_batch(run_id, params=texts[start : start + BATCH])


def _metrics(values: Mapping[str, Any], step: int = 0) -> list[Metric]:
    """Return the values that are finite numbers."""
    numbers = {name: value for name, value in values.items() if isinstance(value, int | float) and math.isfinite(value)}
    return [Metric(name, float(value), _now(), step) for name, value in numbers.items()]


def _as_text(value: Any) -> str:
    return value if isinstance(value, str) else repr(value)


def _now() -> int:
    return int(datetime.now().astimezone().timestamp() * 1000)


def _millis(run: Run, name: str) -> int | None:
    """Return a time of the manifest's in milliseconds, as MLflow counts."""
    with contextlib.suppress(TypeError, ValueError):
        return int(datetime.fromisoformat(run.facts[name]).timestamp() * 1000) if run.facts.get(name) else None
    return None


def _part(run: Run, name: str) -> Mapping[str, Any]:
    part = run.facts.get(name)
    return part if isinstance(part, dict) else {}


def _tags(run: Run) -> dict[str, str]:
    """Return what describes a run: how it was started, on what, with which code and versions."""
    job, git, data, versions = (_part(run, name) for name in ("job", "git", "data", "versions"))
    said = {
        "mlflow.source.name": job.get("source"),
        "mlflow.source.git.commit": git.get("commit"),
        "raysk.run": str(run.folder),
        "raysk.state": run.state,
        "raysk.command": run.command,
        "raysk.arguments": mask(" ".join(map(str, job.get("arguments") or []))),
        "raysk.git.dirty": str(git["dirty"]).lower() if "dirty" in git else None,
        "raysk.data": data.get("line"),
        **{f"raysk.version.{name}": version for name, version in versions.items()},
    }
    tags = run.facts.get("tags")
    said |= {f"raysk.tag.{tag}": "true" for tag in (tags if isinstance(tags, list) else [])}
    return {name: str(value)[: _LONGEST["tag"]] for name, value in said.items() if value}


# --- the files


def _model_params(run: Run) -> Any:
    """Return the parameters of the model of a run that was no search, as its sidecar has them."""
    model = _model_file(run)
    return (read_sidecar(model) or {}).get("parameters") if model is not None else {}


def _model_file(run: Run) -> Path | None:
    """Return the model of a run, unless another has taken its place."""
    with contextlib.suppress(InputError):
        return Path(find_model(str(run.folder), "raysk export"))
    return None


def _write_artifacts(client: MlflowClient, parent: str, run: Run) -> list[str]:
    model = _model_file(run)
    paths = [run.folder / name for name in (MANIFEST, RESULTS, REPORT)]
    paths += [] if model is None else [model, sidecar_path(model)]
    there = [path for path in paths if path.is_file()]
    for path in there:
        client.log_artifact(parent, str(path))
    return [path.name for path in there]


# --- the server


@contextlib.contextmanager
def _or_failed(client: MlflowClient, run_id: str) -> Iterator[None]:
    """Let a run that is not written to its end be no run that goes on forever."""
    try:
        yield
    except BaseException:
        with contextlib.suppress(Exception):
            client.set_terminated(run_id, status="FAILED")
        raise


@contextlib.contextmanager
def _patiently() -> Iterator[None]:
    """Set how long a server is waited for, and let MLflow say nothing of databases that it makes."""
    said = {name: value for name, value in PATIENCE.items() if name not in os.environ}
    os.environ.update(said)
    loggers = [logging.getLogger(name) for name in ("mlflow", "alembic")]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)
        for name in said:
            os.environ.pop(name, None)


@contextlib.contextmanager
def _explained(uri: str) -> Iterator[None]:
    """Turn what MLflow raises into an `InputError`, without the password of its address."""
    try:
        yield
    except Exception as error:  # MLflow's own, its database's, the network's
        said = shorten(mask(str(error)))
        advice = "Is its server running? See MLFLOW_TRACKING_URI."
        if "://" not in uri or uri.startswith("file:"):
            advice = "MLflow no longer writes folders: name a database, such as mlflow:sqlite:///mlflow.db"
        raise InputError(
            f"MLflow at {mask(uri)!r} does not take the run: {type(error).__name__}: {said}\n{advice}"
        ) from error
