"""What a job would do, without a cluster."""

from __future__ import annotations

import joblib
import numpy as np
import pytest
from sklearn.dummy import DummyClassifier
from sklearn.model_selection import GridSearchCV

from raysk.errors import UsageError
from raysk.events import PhaseStarted
from raysk.jobs import Data, FitJob, Resources, SearchJob
from raysk.runner.dry_run import count_workers, plan_job
from raysk.runner.where import Where

X, Y = np.arange(80.0).reshape(-1, 2), np.arange(40) % 2
GRID = GridSearchCV(DummyClassifier(), {"strategy": ["prior", "uniform"], "random_state": [0, 1]}, cv=2)


@pytest.fixture(autouse=True)
def _no_cluster(monkeypatch):
    for name in ("RAYSK_ADDRESS", "RAY_ADDRESS"):
        monkeypatch.delenv(name, raising=False)


def job(kind=SearchJob, **what):
    return kind(data=Data(X=X, y=Y, fit_params={"sample_weight": np.ones(40)}), source="spec.py", **what)


def test_a_search_is_counted_and_timed():
    """Both in JSON's own types; the wall time is that of the work on all workers."""
    events = []
    where = Where(resources=Resources(workers=2))
    said = plan_job(job(search=GRID), where, is_timed=True, sink=events.append)
    assert [event.name for event in events if isinstance(event, PhaseStarted)] == ["timing some fits"]
    time = said.pop("time")
    node_bytes = said.pop("node_bytes")
    assert X.nbytes < node_bytes < X.nbytes + 300_000  # our own code, in a process that has connected to Ray before
    assert said == {
        "outer": None,
        "candidates": 4,
        "splits": 2,
        "fits": 8,
        "saved": 0,
        "contained": 0,
        "to_do": 8,
        "steps_in_common": False,
        "workers": 2,
    }
    assert (time["timed"], time["of"], time["failed"]) == (8, 8, 0)
    assert time["wall_s"] == max(time["work_s"] / 2, time["slowest_s"])
    assert time["wall_high_s"] == pytest.approx(1.15 * time["wall_s"])  # fits side by side are slower
    assert plan_job(job(search=GRID), where)["time"] is None


def test_outer_folds_multiply():
    """The search of one fold has that fold's rows; there are as many searches as folds."""
    said = plan_job(job(search=GRID), Where(resources=Resources(workers=1)), outer=4, is_timed=True)
    assert (said["outer"], said["fits"], said["to_do"]) == (4, 32, 32)
    assert said["time"]["of"] == 8
    assert said["time"]["work_s"] == pytest.approx(4 * 8 * said["time"]["unit_s"])


def test_one_fit_tells_no_time():
    """It is counted and measured; a search that is fitted as an estimator is told of as a search."""
    said = plan_job(job(FitJob, estimator=DummyClassifier()), Where())
    assert (said["fits"], said["candidates"], said["time"]) == (1, None, None)
    assert said["node_bytes"] > X.nbytes
    with pytest.raises(UsageError, match="one fit"):
        plan_job(job(FitJob, estimator=DummyClassifier()), Where(), is_timed=True)
    assert plan_job(job(FitJob, estimator=GRID), Where())["fits"] == 8


def test_the_program_asks():
    """raysk.dry_run says the same; the program's search stays as it is."""
    import raysk

    said = raysk.dry_run(GRID, X, Y, resources=raysk.Resources(workers=3), outer=2)
    assert (said["fits"], said["workers"], said["time"]) == (16, 3, None)
    assert raysk.dry_run(GRID, X, Y, time=True)["time"]["timed"] == 8
    assert raysk.dry_run(DummyClassifier(), X, Y)["fits"] == 1
    assert not hasattr(GRID, "n_splits_")


def test_workers_are_counted_where_they_are_known():
    """Those that are asked for, or those of this machine; a cluster is not asked."""
    assert count_workers(Where(resources=Resources(workers=7), address="host:1")) == 7
    assert count_workers(Where(address="host:1")) is None
    assert count_workers(Where()) == joblib.cpu_count()
    assert count_workers(Where(resources=Resources(cpus_per_fit=10_000))) == 1
    time = plan_job(job(search=GRID), Where(address="host:1"), is_timed=True)["time"]
    assert (time["wall_s"], time["wall_low_s"]) == (None, None)
    assert time["work_s"] > 0
