"""Nested cross-validation on a pool without Ray: what it returns, leaves behind, and goes on with."""

from __future__ import annotations

import contextlib
import json
from types import SimpleNamespace

import numpy as np
import pytest
from sklearn.datasets import make_classification
from sklearn.dummy import DummyClassifier
from sklearn.model_selection import GridSearchCV, cross_validate

from raysk.errors import InputError, UsageError
from raysk.events import RefitStarted, Remark, WorkDone, WorkPlanned
from raysk.history.run import Run
from raysk.history.summaries import summarize
from raysk.jobs import Data, Limits, SearchJob
from raysk.runner.outer_folds import Nesting, run
from raysk.runner.outputs import Outputs
from raysk.runner.run import Work
from raysk.runner.where import Where
from raysk.runs.lookup import find_search
from raysk.runs.overwriting import remove_run
from raysk.source.objects import SourceObjects

X, Y = make_classification(n_samples=60, n_features=3, n_informative=2, n_redundant=0, random_state=0)
GRID = GridSearchCV(DummyClassifier(random_state=0), {"strategy": ["prior", "stratified", "uniform"]}, cv=2)


@pytest.fixture
def here(make_pool, launcher):
    """Return a place to run whose workers are threads of this process."""
    launcher.by_hand = False
    made = []

    class Here(Where):
        @contextlib.contextmanager
        def starting(self, _):
            if not made:
                made.append(make_pool())
            running = SimpleNamespace(pool=made[0], address=None, nodes=1, cpus=2)
            yield SimpleNamespace(result=lambda: running)

        def send(self, modules):
            pass

    return Here()


def work(search=GRID, limits=None):
    job = SearchJob(search=search, data=Data(X=X, y=Y), source="spec.py", limits=limits or Limits())
    return lambda _: Work(job=job, found=SourceObjects(source="spec.py", path=None, names={}))


def nested(here, read=None, outputs=None, **said):
    return run(read or work(), here, outputs, nesting=Nesting(outer=3, return_train_score=True), **said)


def test_of_several_metrics_the_one_that_decides_is_recorded(here, tmp_path):
    """A list of runs shows that one, and not the first."""
    search = GridSearchCV(GRID.estimator, GRID.param_grid, cv=2, scoring=["accuracy", "f1"], refit="f1")
    outcome = nested(here, work(search), Outputs(run_dir=tmp_path / "run"))
    assert outcome.metric is None
    said = summarize(Run(tmp_path / "run"))
    assert (said["metric"], said["best_score"]) == ("f1", outcome.scores["test_f1"]["mean"])


def test_results_are_scikit_learns_and_told_as_one_job(here, Events):
    """The arrays are those of cross_validate; fits of all folds add up, refits are not told."""
    theirs = cross_validate(GRID, X, Y, cv=3, return_train_score=True, return_estimator=True)
    events = Events()
    outcome = nested(here, sink=events)
    for name in ("test_score", "train_score"):
        assert np.array_equal(outcome.results[name], theirs[name])
        assert outcome.scores[name] == {"mean": theirs[name].mean(), "std": theirs[name].std()}
    assert set(outcome.results) == set(theirs)
    assert [fold.best["best_params"] for fold in outcome.folds] == [each.best_params_ for each in theirs["estimator"]]
    assert (outcome.counts["fits"], outcome.metric, outcome.run_dir, outcome.stopped) == (
        18,
        "DummyClassifier.score",
        None,
        None,
    )
    assert [event.fold for event in events.of(WorkPlanned)] == [(1, 3), (2, 3), (3, 3)]
    assert sum(event.units for event in events.of(WorkDone)) == 18
    assert not events.of(RefitStarted)
    assert events.of(WorkPlanned)[0].outlook().left_s is not None


def test_a_run_folder_and_how_it_goes_on(here, Events, tmp_path, monkeypatch):
    """Each fold has its journal; a run that goes on does no fit again, and a search does not take it for its own."""
    monkeypatch.chdir(tmp_path)
    root = tmp_path / "raysk-runs" / "run"
    outputs = Outputs(run_dir=root, results=tmp_path / "folds.csv")
    call = {"command": "nested", "arguments": ["nested", "spec.py"]}
    first = nested(here, work(), outputs, sink=Events(), call=call)
    assert {path.name for path in root.iterdir()} == {"run.json", "results.csv", "outer-1", "outer-2", "outer-3"}
    assert {path.name for path in (root / "outer-2").iterdir()} == {"journal.jsonl", "results.csv"}
    rows = (tmp_path / "folds.csv").read_text().splitlines()
    assert rows[0].startswith("fold,test_score,train_score,best_score")
    assert rows[0].endswith("param_strategy")
    assert len(rows) == 4
    manifest = json.loads((root / "run.json").read_text())
    assert (manifest["outcome"], manifest["fits"], len(manifest["folds"])) == ("done", 18, 3)
    assert all(said["values"] for said in manifest["space"].values())
    assert find_search("latest", "nested").root == root
    with pytest.raises(InputError, match="raysk nested"):
        find_search("run", "search")

    lost = root / "outer-2" / "journal.jsonl"
    lost.write_text("".join(lost.read_text().splitlines(keepends=True)[:3]))  # two of its fits are left
    again = nested(here, work(), Outputs(resume=find_search("latest", "nested")), sink=Events(), call=call)
    assert np.array_equal(again.results["test_score"], first.results["test_score"])
    assert (again.counts["fits"], again.counts["resumed"]) == (18, 14)
    remove_run(root)
    assert not list(root.rglob("*.*"))


def test_what_ends_it_is_told(here, Events, tmp_path):
    """A limit is that of each fold's search; what fails ends all, and the command to go on is said."""
    events = Events()
    outcome = nested(here, work(limits=Limits(stop_at=0.0)), sink=events)
    assert outcome.stopped == "stop-at"
    assert all(len(fold.estimator.cv_results_["params"]) < 3 for fold in outcome.folds)
    assert any("Outer fold 1: the search ends early (stop-at)" in event.text for event in events.of(Remark))

    def interrupt(event):
        if isinstance(event, WorkDone):
            raise OSError("the sink is gone")

    events.act = interrupt
    outputs = Outputs(run_dir=tmp_path / "run")
    with pytest.raises(OSError, match="gone"):
        nested(here, work(), outputs, sink=events, call={"command": "raysk.nested"})
    assert "raysk.nested(search, X, y, resume=" in events.of(Remark)[-1].text


def test_the_program_calls_it(monkeypatch):
    """raysk.nested refuses what is no search, and a call inside a fit, before anything starts."""
    import raysk

    with pytest.raises(UsageError, match="DummyClassifier is none"):
        raysk.nested(DummyClassifier(), X, Y)
    monkeypatch.setenv("_RAYSK_WORKER", "1")
    with pytest.raises(UsageError, match="inside a fit"):
        raysk.nested(GRID, X, Y)
