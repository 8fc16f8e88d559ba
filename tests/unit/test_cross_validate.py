"""The public `cross_validate`, on a pool without Ray: its results, its run folder, and what it refuses."""

from __future__ import annotations

import contextlib
import json
from types import SimpleNamespace

import numpy as np
import pytest
from sklearn import config_context
from sklearn.dummy import DummyClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, GroupKFold, KFold, cross_validate

import raysk
from raysk.errors import UsageError
from raysk.runner.borrowed import Borrowed

X, Y = np.arange(80.0).reshape(-1, 2), np.arange(40) % 2
GROUPS = np.arange(40) // 4


@pytest.fixture(autouse=True)
def _here(monkeypatch, make_pool, launcher):
    """Let workers be threads of this process."""
    launcher.by_hand = False
    pool = make_pool()

    @contextlib.contextmanager
    def starting(_, __):
        running = SimpleNamespace(pool=pool, address=None, nodes=1, cpus=2)
        yield SimpleNamespace(result=lambda: running)

    monkeypatch.setattr(Borrowed, "starting", starting)


def test_it_returns_what_scikit_learns_does():
    """With all that can be asked for: estimators, indices, training scores, groups, several metrics."""
    said = {"groups": GROUPS, "cv": GroupKFold(3), "scoring": ["accuracy", "f1"], "return_train_score": True}
    said |= {"return_indices": True, "return_estimator": True, "params": {"sample_weight": np.linspace(0.1, 1, 40)}}
    theirs, ours = (validate(LogisticRegression(), X, Y, **said) for validate in (cross_validate, raysk.cross_validate))
    assert set(ours) == set(theirs)
    for part in ("train", "test"):
        assert all(map(np.array_equal, ours["indices"][part], theirs["indices"][part]))
    for mine, other in zip(ours["estimator"], theirs["estimator"], strict=True):
        assert np.array_equal(mine.coef_, other.coef_)
    for name in ("test_accuracy", "train_accuracy", "test_f1", "train_f1"):
        assert np.array_equal(ours[name], theirs[name])


def test_its_run_goes_on(tmp_path):
    """A splitter without a seed draws the same folds again, as the journal knows where the generator was."""
    model, said = DummyClassifier(strategy="uniform", random_state=0), {"cv": KFold(4, shuffle=True)}
    first = raysk.cross_validate(model, X, Y, run_dir=tmp_path / "run", **said)
    assert json.loads((tmp_path / "run" / "run.json").read_text())["job"]["command"] == "raysk.cross_validate"
    again = raysk.cross_validate(model, X, Y, resume=tmp_path / "run", **said)
    assert np.array_equal(first["test_score"], again["test_score"])
    assert np.array_equal(first["fit_time"], again["fit_time"])  # nothing was fitted again


@pytest.mark.parametrize(
    ("said", "word"),
    [
        ({"estimator": GridSearchCV(DummyClassifier(), {})}, "raysk.nested"),
        ({"params": {"groups": GROUPS}}, "groups=groups"),
        ({"return_estimator": True, "resume": "latest"}, "return_estimator"),
    ],
    ids=["a search", "groups for the fit", "estimators of an earlier run"],
)
def test_what_is_refused(said, word):
    """It is said what to write instead."""
    with pytest.raises(UsageError, match=word):
        raysk.cross_validate(**{"estimator": DummyClassifier(), "X": X, "y": Y, **said})


def test_groups_are_routed_where_routing_is_on():
    """As scikit-learn asks for it."""
    with config_context(enable_metadata_routing=True), pytest.raises(UsageError, match="params="):
        raysk.cross_validate(DummyClassifier(), X, Y, groups=GROUPS)
