"""Runs in other tools: what Optuna and MLflow read of them, and what goes wrong."""

from __future__ import annotations

import json

import numpy as np
import optuna
import pytest
from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution
from optuna.trial import TrialState

import raysk
from raysk.errors import InputError, RayskError, UsageError
from raysk.exports.place import Place, mask
from raysk.history.run import Run
from raysk.results.candidates import write_results
from raysk.runs.folder import JOURNAL, MANIFEST, RESULTS

PARAMS = [
    {"C": 0.001, "depth": 3, "size": (10, 5), "shrinking": True},
    {"C": 1.0, "depth": 5, "size": None, "shrinking": False},
    {"C": 100.0, "depth": 4, "size": (10, 5), "shrinking": True},
]
SPLITS = np.array([[0.5, 0.7], [0.9, 0.9], [np.nan, np.nan]])


@pytest.fixture(autouse=True)
def _in_a_new_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def run(tmp_path):
    """Return a search of three candidates, of which the last failed."""
    folder = tmp_path / "raysk-runs" / "first"
    folder.mkdir(parents=True)
    manifest = {
        "outcome": "done",
        "started": "2026-01-01T12:00:00.000+00:00",
        "ended": "2026-01-01T12:01:00.000+00:00",
        "job": {"command": "search", "source": "spec.py", "arguments": ["search", "spec.py"]},
        "git": {"commit": "abc", "dirty": True},
        "versions": {"raysk": "0.1.0"},
        "best": {"metric": "score", "best_score": 0.9, "best_params": PARAMS[1]},
        "space": {"C": {"kind": "float", "low": 1e-4, "high": 1e4, "log": True}},
    }
    (folder / MANIFEST).write_text(json.dumps(manifest))
    (folder / JOURNAL).write_text("")
    (folder / "model.pkl").write_bytes(b"never unpickled")
    results = {
        "mean_fit_time": np.array([1.0, 2.0, np.nan]),
        **{f"param_{name}": np.ma.array([each[name] for each in PARAMS], dtype=object) for name in PARAMS[0]},
        "params": PARAMS,
        "split0_test_score": SPLITS[:, 0],
        "split1_test_score": SPLITS[:, 1],
        "mean_test_score": SPLITS.mean(axis=1),
        "std_test_score": SPLITS.std(axis=1),
        "rank_test_score": np.array([2, 1, 3]),
        "error": ["", "", "ValueError: no"],
    }
    write_results(results, folder / RESULTS)
    return Run(folder)


@pytest.mark.parametrize("name", ["study.log", "study.db"])
def test_optuna_reads_candidates_as_trials(run, name):
    """A study has scores, states, splits, and the space of the run; the best are the same."""
    made = raysk.export(run, to=f"optuna:{name}")
    assert (made["candidates"], made["left_out"], made["name"]) == (3, 0, "first")
    storage = f"sqlite:///{name}"
    if name.endswith("log"):
        storage = optuna.storages.JournalStorage(optuna.storages.journal.JournalFileBackend(name))
    study = optuna.load_study(study_name="first", storage=storage)
    best, failed = study.best_trial, study.trials[2]
    assert best.value == 0.9
    assert best.params == {"C": 1.0, "depth": 5, "size": None, "shrinking": False}
    assert best.intermediate_values == {0: 0.9, 1: 0.9}
    assert best.user_attrs["fit_time_s"] == 2.0
    assert best.distributions["C"] == FloatDistribution(1e-4, 1e4, log=True)
    assert best.distributions["depth"] == IntDistribution(3, 5)
    assert best.distributions["size"] == CategoricalDistribution(("(10, 5)", None))
    assert (failed.state, failed.user_attrs["error"]) == (TrialState.FAIL, "ValueError: no")


def test_study_is_not_replaced_unasked(run):
    """A study of the same name stays, unless it may be replaced; other studies of the file stay in any case."""
    storage = optuna.storages.JournalStorage(optuna.storages.journal.JournalFileBackend("s.log"))
    optuna.create_study(study_name="other", storage=storage)
    raysk.export(run, to="optuna:s.log")
    with pytest.raises(InputError, match="--force"):
        raysk.export(run, to="optuna:s.log")
    made = raysk.export(run, to="optuna:s.log", top=1, force=True)
    assert (made["candidates"], made["left_out"]) == (1, 2)
    assert len(optuna.load_study(study_name="first", storage=storage).trials) == 1
    assert set(optuna.get_all_study_names(storage)) == {"other", "first"}


def test_file_of_something_else_stays(run, tmp_path):
    """What is no storage of Optuna's is named, and not changed."""
    (tmp_path / "notes.db").write_text("my notes")
    with pytest.raises(InputError, match=r"notes\.db"):
        raysk.export(run, to="optuna:notes.db")
    assert (tmp_path / "notes.db").read_text() == "my notes"


def test_mlflow_gets_runs_and_files(run, tmp_path, monkeypatch):
    """The whole is a run, each candidate a child of it; table and model are artifacts, byte for byte."""
    from mlflow import MlflowClient

    monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")  # a database takes seconds to make
    uri = (tmp_path / "tracking").as_uri()
    monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
    made = raysk.export(run.name, to="mlflow", top=2)
    assert (made["candidates"], made["left_out"], made["place"]) == (2, 1, uri)
    assert made["artifacts"] == ["run.json", "results.csv", "model.pkl"]
    client = MlflowClient(tracking_uri=uri)
    parent = client.get_run(made["id"])
    assert parent.data.metrics["mean_test_score"] == 0.9
    assert parent.data.params["size"] == "None"
    assert parent.data.tags["mlflow.source.git.commit"] == "abc"
    assert (parent.info.status, parent.info.end_time - parent.info.start_time) == ("FINISHED", 60_000)
    [experiment] = [each for each in client.search_experiments() if each.name == "raysk"]
    child, other = client.search_runs(
        [experiment.experiment_id],
        f"tags.mlflow.parentRunId = '{made['id']}'",
        order_by=["metrics.mean_test_score DESC"],
    )
    assert (child.info.run_name, other.info.run_name) == ("candidate 1", "candidate 0")
    assert [each.value for each in client.get_metric_history(other.info.run_id, "split_test_score")] == [0.5, 0.7]
    copy = client.download_artifacts(made["id"], "model.pkl", str(tmp_path))
    with open(copy, "rb") as file:  # noqa: PTH123 - a text of MLflow's
        assert file.read() == b"never unpickled"


def test_half_a_run_of_mlflow_has_failed(run, tmp_path, monkeypatch):
    """What ends in the middle leaves no run that seems to go on forever."""
    from mlflow import MlflowClient

    from raysk.exports import mlflow_runs

    def broken(*_):
        raise OSError("no room")

    monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")
    monkeypatch.setattr(mlflow_runs, "_write_artifacts", broken)
    client = MlflowClient(tracking_uri=(tmp_path / "tracking").as_uri())
    with pytest.raises(InputError, match="no room"):
        raysk.export(run, to=f"mlflow:{(tmp_path / 'tracking').as_uri()}")
    [experiment] = [each for each in client.search_experiments() if each.name == "raysk"]
    [parent] = client.search_runs([experiment.experiment_id], f"tags.mlflow.runName = '{run.name}'")
    assert parent.info.status == "FAILED"


def test_mlflow_that_does_not_answer_is_named(run, monkeypatch):
    """A server that is not there ends in one error, soon, and without the password of its address."""
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://me:hush@127.0.0.1:9")
    with pytest.raises(InputError, match="Is its server running") as refused:
        raysk.export(run, to="mlflow")
    assert "hush" not in str(refused.value)


@pytest.mark.parametrize("text", ["x", "optuna", "optuna:", "mlflow:http://me:hush@host/", "sqlite:///x.db"])
def test_place_that_is_none(text):
    """Other forms, and passwords, are refused; a password is not repeated."""
    with pytest.raises(UsageError) as refused:
        Place.of(text)
    assert "hush" not in str(refused.value)


def test_missing_tool_is_named(monkeypatch):
    """The command that installs it is said."""
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    with pytest.raises(InputError, match=r"pip install 'raysk\[mlflow\]'"):
        Place.of("mlflow")


def test_passwords_are_masked():
    """Whatever is before the @ of a URI is not shown."""
    assert mask("see postgresql://me:a%20b@host/db?x=1") == "see postgresql://me:***@host/db?x=1"


def test_run_without_candidates(tmp_path):
    """There is nothing to export of a run that never got to work."""
    (tmp_path / "empty").mkdir()
    (tmp_path / "empty" / MANIFEST).write_text("{}")
    with pytest.raises(RayskError, match="no candidates"):
        raysk.export("empty", to="optuna:s.log")
    assert not (tmp_path / "s.log").exists()
