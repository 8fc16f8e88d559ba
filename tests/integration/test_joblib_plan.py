"""Estimators that are fitted here, with their joblib calls on the pool, against scikit-learn alone."""

from __future__ import annotations

import os
import time
from pathlib import Path

import joblib
import numpy as np
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.compose import make_column_transformer
from sklearn.datasets import load_digits
from sklearn.ensemble import (
    BaggingClassifier,
    IsolationForest,
    RandomForestClassifier,
    StackingClassifier,
    VotingClassifier,
)
from sklearn.linear_model import RidgeClassifier
from sklearn.multiclass import OneVsRestClassifier
from sklearn.multioutput import MultiOutputRegressor
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline, make_union
from sklearn.preprocessing import MinMaxScaler, StandardScaler
from sklearn.svm import SVC, SVR
from sklearn.tree import DecisionTreeClassifier

import raysk
from raysk.events import Remark, WorkDone, WorkerLost, WorkPlanned
from raysk.plans import joblib_backend as plan

X, Y = load_digits(return_X_y=True)
X, Y = X[:150], Y[:150]
WEIGHT = np.linspace(0.1, 3.0, 150)
FOREST = RandomForestClassifier(8, random_state=0)
TREE = DecisionTreeClassifier(random_state=0)
MODELS = [("svm", SVC(random_state=0)), ("forest", FOREST), ("bayes", GaussianNB())]
COLUMNS = make_column_transformer((StandardScaler(), slice(0, 32)), (MinMaxScaler(), slice(32, 64)))

CASES = {
    "bagging": (BaggingClassifier(SVC(), 6, random_state=0), X, Y, {}),
    "bagging-of-columns": (BaggingClassifier(TREE, 6, max_features=0.5, max_samples=0.5, random_state=0), X, Y, {}),
    "bagging-with-weights": (BaggingClassifier(TREE, 6, random_state=0), X, Y, {"sample_weight": WEIGHT}),
    "stacking": (StackingClassifier(MODELS, RidgeClassifier(), cv=2), X, Y, {}),
    "voting": (VotingClassifier(MODELS), X, Y, {}),
    "soft-voting": (VotingClassifier(MODELS[1:], voting="soft", n_jobs=2), X, Y, {}),
    "pipeline": (make_pipeline(StandardScaler(), FOREST), X, Y, {}),
    "pipeline-of-unions": (make_pipeline(make_union(StandardScaler(), MinMaxScaler()), SVC()), X, Y, {}),
    "columns": (make_pipeline(COLUMNS, SVC()), X, Y, {}),
    "one-against-the-rest": (OneVsRestClassifier(SVC()), X, Y, {}),
    "several-targets": (MultiOutputRegressor(SVR()), X, np.c_[Y, Y**2], {}),
    "no-y": (IsolationForest(n_estimators=20, random_state=0), X, None, {}),
    "neighbours": (KNeighborsClassifier(3), X, Y, {}),
    "one-job": (BaggingClassifier(TREE, 4, random_state=0, n_jobs=1), X, Y, {}),
}


class Moody(ClassifierMixin, BaseEstimator):
    """A classifier whose first fit waits to be killed, if that is its mood."""

    def __init__(self, folder, mood="fine"):
        self.folder = folder
        self.mood = mood

    def fit(self, X, y):  # noqa: ARG002 - what scikit-learn calls
        """Fit, or wait for the end."""
        if self.mood == "waits to be killed":
            _wait_to_be_killed(self.folder)
        self.classes_, counts = np.unique(y, return_counts=True)
        self.most_ = self.classes_[counts.argmax()]
        return self

    def predict(self, X):
        """Say what was seen most."""
        return np.full(len(X), self.most_)


def _wait_to_be_killed(folder):
    """Tell this process's id and wait for the end; whoever comes later goes on."""
    try:
        Path(folder, "taken").touch(exist_ok=False)
    except FileExistsError:
        return
    Path(folder, "writing").write_text(str(os.getpid()))
    Path(folder, "writing").rename(Path(folder, "pid"))
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        time.sleep(0.01)


def fit_here(estimator, X, y=None, **params):
    with joblib.parallel_config(backend="sequential"):
        return estimator.fit(X, y, **params)


def assert_same_model(ours, theirs, X):
    """Compare two fitted estimators by what they set and what they predict."""
    assert type(ours) is type(theirs)
    assert repr(ours) == repr(theirs)
    assert set(vars(ours)) == set(vars(theirs))
    assert np.array_equal(ours.predict(X), theirs.predict(X))
    for method in ("predict_proba", "decision_function", "score_samples"):
        if hasattr(theirs, method):
            assert np.array_equal(getattr(ours, method)(X), getattr(theirs, method)(X))


@pytest.fixture(autouse=True)
def _ray(cluster):
    assert raysk.cluster.current() is cluster


@pytest.mark.parametrize("name", CASES)
def test_the_fitted_estimator_is_scikit_learns(name, events):
    """What is fitted through joblib equals what scikit-learn fits alone; a remark says which way it went."""
    estimator, X, y, params = CASES[name]
    assert plan.suits(estimator, params) is None
    mine = clone(estimator)
    assert raysk.fit(mine, X, y, **params) is mine
    assert_same_model(mine, fit_here(clone(estimator), X, y, **params), X)
    assert any("through joblib" in remark.text for remark in events.of(Remark))


def test_an_estimator_without_jobs_goes_another_way():
    """An estimator that has no parameter n_jobs, nor one inside it, is not for joblib."""
    assert plan.suits(SVC(), {}) is not None
    assert plan.suits(make_pipeline(StandardScaler(), SVC()), {}) is not None
    assert plan.suits(make_pipeline(StandardScaler(), FOREST), {}) is None


def test_the_calls_run_on_the_workers(events):
    """The sink hears of the calls: they are not made here."""
    raysk.fit(BaggingClassifier(TREE, 10, random_state=0), X, Y)
    planned = sum(event.units for event in events.of(WorkPlanned))
    assert planned == sum(event.units for event in events.of(WorkDone)) == 2  # bagging makes one call a worker


def test_a_fit_that_needs_writable_arrays_gets_them():
    """A tree asks for a writable X when values are missing; big arrays, which are shared read-only, are copied."""
    holes = np.tile(np.where(X == 4.0, np.nan, X), (4, 1)).astype(np.float32)
    labels = np.tile(Y, 4)
    assert holes.nbytes > plan.SHARE_BYTES
    mine = raysk.fit(BaggingClassifier(TREE, 4, random_state=0), holes, labels)
    assert_same_model(mine, fit_here(BaggingClassifier(TREE, 4, random_state=0), holes, labels), holes)


def test_a_failing_fit_fails_as_scikit_learns():
    """What a call raises on a worker is raised by fit, in the same words."""
    bad = BaggingClassifier(SVC(C=-1.0), 4, random_state=0)
    with pytest.raises(ValueError, match="The 'C' parameter of SVC") as theirs:
        fit_here(clone(bad), X, Y)
    with pytest.raises(ValueError, match="The 'C' parameter of SVC") as ours:
        raysk.fit(clone(bad), X, Y)
    assert str(ours.value) == str(theirs.value)


@pytest.mark.usefixtures("executioner")
def test_a_killed_worker_changes_nothing(tmp_path, events):
    """A worker that is killed in the middle of a call costs time, and nothing else."""
    model = BaggingClassifier(Moody(str(tmp_path), "waits to be killed"), 6, random_state=0)
    mine = raysk.fit(clone(model), X, Y)
    assert len(events.of(WorkerLost)) == 1
    assert_same_model(mine, fit_here(clone(model), X, Y), X)
