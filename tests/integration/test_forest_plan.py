"""Forests grown on the pool against the same forests grown by scikit-learn alone: every tree must be equal."""

from __future__ import annotations

import gc
import os
import signal
import warnings
import weakref

import joblib
import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from sklearn import config_context
from sklearn.base import clone
from sklearn.datasets import load_digits
from sklearn.ensemble import (
    ExtraTreesClassifier,
    ExtraTreesRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
)
from sklearn.tree import DecisionTreeClassifier

import raysk
from raysk.bench.grown import GrownTrees
from raysk.events import Remark, WorkDone, WorkerLost, WorkPlanned
from raysk.plans import forest as plan

X, Y = load_digits(return_X_y=True)
X, Y = X[:150], Y[:150]
WEIGHT = np.linspace(0.1, 3.0, 150)
NAMES = np.array(["even", "odd"])[Y % 2]
HOLES = np.where(X == 4.0, np.nan, X)

FORESTS = [RandomForestClassifier, RandomForestRegressor, ExtraTreesClassifier, ExtraTreesRegressor]


def fit_here(forest, X, y, **params):
    with joblib.parallel_config(backend="sequential"):
        return forest.fit(X, y, **params)


def assert_same_tree(ours, theirs):
    """Compare two trees to the last bit."""
    assert ours.random_state == theirs.random_state
    mine, other = ours.tree_.__getstate__(), theirs.tree_.__getstate__()
    assert mine.keys() == other.keys()
    for name in other:
        if name == "nodes":  # by field: the bytes between them mean nothing
            assert all(np.array_equal(mine[name][field], other[name][field]) for field in other[name].dtype.names)
        else:
            np.testing.assert_array_equal(mine[name], other[name])


def _listed(value):
    """Return a list: of one item, if it is not one already, as with several outputs."""
    return value if isinstance(value, list) else [value]


def assert_same_forest(ours, theirs, X):
    """Compare two forests: their trees, everything else that fit sets, and what they predict."""
    assert type(ours) is type(theirs)
    assert len(ours.estimators_) == len(theirs.estimators_)
    for mine, other in zip(ours.estimators_, theirs.estimators_, strict=True):
        assert_same_tree(mine, other)
        assert set(vars(mine)) == set(vars(other))
    assert set(vars(ours)) == set(vars(theirs))
    for name, value in vars(theirs).items():
        if name.endswith("_") and name not in {"estimator_", "estimators_"}:
            for mine, other in zip(*map(_listed, (getattr(ours, name), value)), strict=True):
                np.testing.assert_array_equal(mine, other)
    assert repr(ours) == repr(theirs)
    assert repr(ours.estimator_) == repr(theirs.estimator_)
    assert np.array_equal(ours.predict(X), theirs.predict(X))
    assert np.array_equal(ours.feature_importances_, theirs.feature_importances_)


def both(make, X, y, **params):
    """Return a forest grown on the pool and its twin grown here."""
    return raysk.fit(make(), X, y, **params), fit_here(make(), X, y, **params)


@pytest.fixture(autouse=True)
def _ray(cluster):
    assert raysk.cluster.current() is cluster


@pytest.mark.parametrize("kind", FORESTS)
def test_every_tree_is_scikit_learns(kind):
    """With a seed, the forest is that of scikit-learn, tree by tree."""
    assert_same_forest(*both(lambda: kind(30, random_state=7), X, Y), X)


CASES = {
    "weights": (RandomForestClassifier(12, random_state=0), X, Y, {"sample_weight": WEIGHT}),
    "balanced": (RandomForestClassifier(12, random_state=0, class_weight="balanced"), X, Y % 3, {}),
    "balanced-subsample": (
        RandomForestClassifier(12, random_state=0, class_weight="balanced_subsample"),
        X,
        Y % 3,
        {"sample_weight": WEIGHT},
    ),
    "own-class-weights": (ExtraTreesClassifier(12, random_state=0, class_weight={0: 5.0, 1: 1.0}), X, Y % 2, {}),
    "half-the-samples": (RandomForestRegressor(12, random_state=0, max_samples=0.5), X, Y, {}),
    "extra-trees-bootstrapped": (ExtraTreesClassifier(12, random_state=0, bootstrap=True, max_samples=40), X, Y, {}),
    "two-outputs": (RandomForestClassifier(12, random_state=0), X, np.c_[Y, Y % 2], {}),
    "two-targets": (ExtraTreesRegressor(12, random_state=0), X, np.c_[Y, Y**2], {}),
    "names": (RandomForestClassifier(12, random_state=0), X, NAMES, {}),
    "table": (RandomForestClassifier(12, random_state=0), pd.DataFrame(X).add_prefix("pixel"), pd.Series(NAMES), {}),
    "sparse": (RandomForestClassifier(12, random_state=0), sparse.csr_matrix(X), Y, {}),
    "lists": (RandomForestClassifier(12, random_state=0), X.tolist(), Y.tolist(), {}),
    "integers": (RandomForestClassifier(12, random_state=0), X.astype(int), Y, {}),
    "columns-first": (RandomForestClassifier(12, random_state=0), np.asfortranarray(X), Y, {}),
    "missing-values": (RandomForestClassifier(12, random_state=0), HOLES, Y, {}),
    "grown-by-options": (
        RandomForestRegressor(12, random_state=0, max_depth=3, max_features="sqrt", criterion="poisson"),
        X,
        Y + 1.0,
        {},
    ),
    "numpys-count": (RandomForestClassifier(np.int64(5), random_state=np.int64(3)), X, Y, {}),
}


@pytest.mark.parametrize("name", CASES)
def test_every_tree_is_scikit_learns_whatever_the_data(name):
    """Weights, class weights, sample sizes, several outputs, names, tables: the trees are scikit-learn's."""
    forest, X, y, params = CASES[name]
    assert plan.suits(forest, params) is None
    assert_same_forest(*both(lambda: clone(forest), X, y, **params), X)


@pytest.mark.parametrize("kind", [RandomForestClassifier, ExtraTreesRegressor])
def test_a_random_state_instance_ends_where_scikit_learn_leaves_it(kind):
    """The trees come from the person's RandomState, which goes on afterwards as if scikit-learn had used it."""
    mine, other = np.random.RandomState(3), np.random.RandomState(3)
    for _ in range(2):
        ours = raysk.fit(kind(10, random_state=mine), X, Y)
        theirs = fit_here(kind(10, random_state=other), X, Y)
        for tree, twin in zip(ours.estimators_, theirs.estimators_, strict=True):
            assert_same_tree(tree, twin)
        assert ours.random_state is mine
    assert mine.randint(1000, size=5).tolist() == other.randint(1000, size=5).tolist()


def test_numpys_global_seed_counts():
    """Without a random state the trees come from numpy's global one, which moves on as with scikit-learn."""
    forests, after = [], []
    for fit in (raysk.fit, fit_here):
        np.random.seed(11)  # noqa: NPY002 - what scikit-learn uses
        forests.append(fit(RandomForestClassifier(10), X, Y))
        after.append(np.random.randint(1000, size=5).tolist())  # noqa: NPY002
    assert_same_forest(*forests, X)
    assert after[0] == after[1]


def test_settings_travel():
    """scikit-learn's own configuration holds on the workers: parameters are checked, or not where that is asked for."""

    def make():
        return RandomForestClassifier(4, random_state=0, bootstrap="yes")

    with pytest.raises(ValueError, match="The 'bootstrap' parameter"):
        raysk.fit(make(), X, Y)
    with config_context(skip_parameter_validation=True):
        assert_same_forest(*both(make, X, Y), X)


def test_what_a_forest_warns_of_is_heard_here():
    """A warning of the fit comes once, as it does from scikit-learn."""
    heard = []
    for fit in (raysk.fit, fit_here):
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            fit(RandomForestClassifier(8, random_state=0), X, Y.reshape(-1, 1))
        heard.append([(warning.category, str(warning.message)) for warning in caught])
    assert heard[0] == heard[1] != []


@pytest.mark.parametrize(
    ("forest", "y", "words"),
    [
        (RandomForestClassifier(4, max_depth=-1), Y, "The 'max_depth' parameter"),
        (ExtraTreesClassifier(4, max_samples=0.5), Y, "`max_sample` cannot be set"),
        (RandomForestRegressor(4, criterion="poisson"), Y - 5.0, "negative"),
    ],
)
def test_a_forest_fails_as_scikit_learns(forest, y, words):
    """What scikit-learn raises for bad parameters or data is raised here, in its words."""
    with pytest.raises(ValueError, match=words) as theirs:
        fit_here(clone(forest), X, y)
    with pytest.raises(type(theirs.value)) as ours:
        raysk.fit(forest, X, y)
    assert str(ours.value) == str(theirs.value)
    assert not hasattr(forest, "estimators_")


# --- what goes through joblib instead


@pytest.mark.filterwarnings("ignore:Some inputs do not have OOB scores")
@pytest.mark.parametrize("kind", [RandomForestClassifier, RandomForestRegressor])
def test_out_of_bag_scores_are_scikit_learns(kind, events):
    """`oob_score` needs all trees where they are grown: such a forest goes through joblib, and is equal."""
    ours, theirs = both(lambda: kind(25, random_state=0, oob_score=True, bootstrap=True), X, Y)
    assert_same_forest(ours, theirs, X)
    assert ours.oob_score_ == theirs.oob_score_
    assert events.of(Remark)


def test_a_warm_start_keeps_its_trees():
    """A forest that grows on keeps the trees it has, and the new ones are scikit-learn's."""
    ours, theirs = (
        fit(RandomForestClassifier(5, random_state=0, warm_start=True), X, Y) for fit in (raysk.fit, fit_here)
    )
    first = ours.estimators_[0]
    raysk.fit(ours.set_params(n_estimators=12), X, Y)
    fit_here(theirs.set_params(n_estimators=12), X, Y)
    assert ours.estimators_[0] is first
    assert_same_forest(ours, theirs, X)


class OwnForest(RandomForestClassifier):
    """A person's forest, which may fit in a way of its own."""

    def fit(self, X, y, sample_weight=None):
        """Fit on labels shifted by one."""
        return super().fit(X, y + 1, sample_weight)


def test_a_persons_own_forest_is_fitted_its_own_way():
    """A subclass keeps what its own `fit` does."""
    assert plan.suits(OwnForest(5), {}) is not None
    assert_same_forest(*both(lambda: OwnForest(5, random_state=0), X, Y), X)


@pytest.mark.parametrize(
    ("options", "params"),
    [({"oob_score": True}, {}), ({"warm_start": True}, {}), ({"n_estimators": 1}, {}), ({}, {"colour": 1})],
)
def test_what_does_not_suit(options, params):
    """Forests that cannot be grown apart are left to another plan."""
    assert plan.suits(RandomForestClassifier(**{"n_estimators": 10, **options}), params) is not None


# --- faults and events


def test_a_killed_worker_changes_no_tree(worker_pids, events):
    """A worker that is killed while the forest grows costs time, and no tree is another."""
    pids = sorted(worker_pids())

    def kill_one(event):
        if isinstance(event, WorkDone) and pids:
            os.kill(pids.pop(), signal.SIGKILL)
            pids.clear()

    events.heard.clear()
    events.act = kill_one
    ours = raysk.fit(ExtraTreesClassifier(400, random_state=1), X, Y)
    events.act = lambda _event: None
    assert len(events.of(WorkerLost)) == 1
    assert_same_forest(ours, fit_here(ExtraTreesClassifier(400, random_state=1), X, Y), X)


def test_events_count_trees(events):
    """The sink hears how many trees there will be, and of all of them when they are grown."""
    raysk.fit(RandomForestClassifier(40, random_state=0), X, Y)
    assert [(event.unit, event.units) for event in events.of(WorkPlanned)] == [("tree", 40)]
    assert sum(event.units for event in events.of(WorkDone)) == 40


# --- what it costs


def test_trees_travel_taken_apart(pool, monkeypatch):
    """A reply holds what its trees have in common once, and no tree object; the data is put once."""
    puts, replies = [], []
    put, hear = pool._launcher.put, pool._dispatcher._on_answer
    monkeypatch.setattr(pool._launcher, "put", lambda value: puts.append(value) or put(value))
    monkeypatch.setattr(pool._dispatcher, "_on_answer", lambda *args: replies.append(args[-1]) or hear(*args))
    forest = raysk.fit(RandomForestClassifier(300, random_state=0), X, Y)
    assert len(puts) == 2
    assert len(replies) < 300 / 3
    values = [value for reply in replies for value in reply.unpacked() if value is not None]
    assert sum(len(parts["own"]) for parts, *_ in values) >= 300
    for parts, *_ in values:
        assert {name for own in parts["own"] for name in own} <= {"random_state"}
        assert len(parts["states"]) == len(parts["own"])
        assert not any(isinstance(value, np.ndarray) for state in parts["states"] for value in state.values())
    assert_same_forest(forest, fit_here(RandomForestClassifier(300, random_state=0), X, Y), X)


def test_nothing_holds_what_trees_came_in(monkeypatch):
    """Trees own their arrays, and may be written to; what Ray's store held of them can go when the fit is over."""
    views = []
    put_together = plan._trees
    monkeypatch.setattr(
        plan,
        "_trees",
        lambda parts: views.extend(map(weakref.ref, parts["arrays"].values())) or put_together(parts),
    )
    forest = raysk.fit(RandomForestClassifier(60, random_state=0), X, Y)
    gc.collect()
    assert views
    assert not any(view() is not None for view in views)
    assert type(forest.estimators_) is list
    for tree in forest.estimators_:
        assert type(tree) is DecisionTreeClassifier
        tree.tree_.value[:] = 0.5
    assert np.all(forest.predict_proba(X) == 0.5)


def test_trees_that_were_grown_before(pool):
    """A benchmark hands trees back without growing any: the forest holds them, in turn."""
    trees = fit_here(RandomForestClassifier(3, random_state=5), X, Y).estimators_
    forest = RandomForestClassifier(20, random_state=0)
    plan.fit(pool, forest, X, Y, {}, grow=GrownTrees(trees, 0.0))
    for number, tree in enumerate(forest.estimators_):
        assert_same_tree(tree, trees[number % 3])
