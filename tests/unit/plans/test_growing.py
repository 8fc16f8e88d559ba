"""Halving by trees: forests go on from those of the round before, bit for bit as if fitted anew."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.datasets import make_classification
from sklearn.ensemble import ExtraTreesClassifier, ExtraTreesRegressor, RandomForestClassifier, RandomForestRegressor
from sklearn.experimental import enable_halving_search_cv  # noqa: F401 - makes the halving searches importable
from sklearn.model_selection import HalvingGridSearchCV

from raysk import plans
from raysk.jobs import Shortcuts
from raysk.plans import growing
from raysk.plans.candidates import Candidates
from raysk.plans.growing import Chains, Growing, Nursery

X, Y = make_classification(120, 6, random_state=0)
FORESTS = [
    RandomForestClassifier(random_state=3, max_samples=0.7, class_weight={0: 1, 1: 3}),
    RandomForestRegressor(random_state=3, bootstrap=False, max_features=2),
    ExtraTreesClassifier(random_state=3, bootstrap=True),
    ExtraTreesRegressor(random_state=3, min_samples_leaf=3),
]
GRID = {"max_depth": [1, 2, 3, 4, 5, 6], "max_features": [1, 3]}


def grown(nursery, estimator, size, key=(0, 0)):
    """Return an estimator fitted with so many trees by way of a nursery."""
    forest = nursery.stand_in(clone(estimator), key)
    return forest.set_params(n_estimators=size).fit(X, Y)


@pytest.mark.parametrize("estimator", FORESTS, ids=lambda each: type(each).__name__)
def test_a_forest_goes_on(estimator):
    """What is grown in three rounds is the forest that is fitted at once, and its first trees are the same objects."""
    assert type(estimator) in growing.FORESTS
    nursery = Nursery()
    small = grown(nursery, estimator, 2)
    grown(nursery, estimator, 3)
    large = grown(nursery, estimator, 7)
    whole = clone(estimator).set_params(n_estimators=7).fit(X, Y)
    assert all(mine is its for mine, its in zip(small.estimators_, large.estimators_[:2], strict=True))
    assert large.get_params() == whole.get_params()
    assert {name for name in vars(large) if name != "fit"} == set(vars(whole))
    for mine, its in zip(large.estimators_, whole.estimators_, strict=True):
        assert mine.random_state == its.random_state
        np.testing.assert_array_equal(mine.tree_.value, its.tree_.value)
    np.testing.assert_array_equal(large.predict(X), whole.predict(X))


def test_a_worker_keeps_no_more_than_it_may(monkeypatch):
    """The oldest forests go when memory is short, and those of candidates that are out go at once."""
    nursery = Nursery()
    first = grown(nursery, FORESTS[0], 2, key=(0, 0))
    monkeypatch.setattr(growing, "MOST_BYTES", nursery._bytes)
    grown(nursery, FORESTS[0], 2, key=(1, 0))
    again = grown(nursery, FORESTS[0], 4, key=(0, 0))
    assert again.estimators_[0] is not first.estimators_[0]
    nursery.keep_only([5])
    assert (len(nursery._forests), nursery._bytes) == (0, 0)


def test_chains():
    """A candidate is the same one in the next round, whatever its number and its trees."""
    chains = Chains()
    depth = object()
    assert chains.of([{"a": 1, "b": depth}, {"a": 2, "b": depth}]) == [0, 1]
    assert chains.of([{"a": 2, "b": depth, "n_estimators": 9}, {"a": 1, "b": depth, "n_estimators": 9}]) == [1, 0]


def test_workers_get_the_fits_whose_forests_they_have():
    """A worker's own fits come first, then those of nobody, then those of whoever has most left."""
    schedule = Growing(range(7), ["a", "b", None, "a", "b", "b", "b"])
    assert list(schedule.workers) == ["a", "b", "a", "b"]
    assert schedule.take(9, "a") == [0, 3]
    assert schedule.take(1, "b") == [1]
    assert schedule.take(1, "new") == [2]
    schedule.put_back([1])
    assert schedule.take(1, "a") == [1]
    assert schedule.take(2, "a") == [4, 5]
    assert (schedule.left, schedule.take(1, None), schedule.left) == (1, [6], 0)


def test_when_forests_go_on():
    """Only scikit-learn's forests with a seed, halved by their trees, with nothing that a warm start would change."""

    def grows(estimator, resource="n_estimators", fit_params=(), **params):
        search = HalvingGridSearchCV(estimator, GRID, resource=resource, max_resources=8)
        columns = Candidates([{"max_depth": 2, "n_estimators": 4, **params}, {"max_depth": 3, "n_estimators": 4}])
        return growing.grows(search, estimator, columns, rows=90, fit_params=fit_params)

    seeded = RandomForestClassifier(random_state=0)
    assert grows(seeded)
    assert grows(seeded, fit_params=["sample_weight"])
    assert not grows(seeded, fit_params=["other"])
    assert not grows(seeded, resource="n_samples")
    assert not grows(RandomForestClassifier())
    assert not grows(seeded, random_state=None)
    assert not grows(clone(seeded).set_params(class_weight="balanced"))
    assert not grows(seeded, class_weight="balanced")
    assert not grows(clone(seeded).set_params(oob_score=True))
    assert not grows(clone(seeded).set_params(warm_start=True))


def test_a_search_by_trees_is_scikit_learns(make_pool, launcher, Events, monkeypatch):
    """Rounds, scores and the best are scikit-learn's, with and without sharing; shared trees are not grown again."""
    launcher.by_hand = False
    went_on = []
    own = Nursery._grow
    monkeypatch.setattr(Nursery, "_grow", lambda self, *args: (went_on.append(len(args[1])), own(self, *args))[1])
    search = HalvingGridSearchCV(
        FORESTS[0], GRID, resource="n_estimators", max_resources=16, factor=2, cv=3, random_state=0
    )
    expected = clone(search).fit(X, Y)
    for sharing in (True, False):
        went_on.clear()
        got = plans.fit(make_pool(sink=Events()), clone(search), X, Y, {}, shortcuts=Shortcuts(sharing=sharing))
        assert got.cv_results_["params"] == expected.cv_results_["params"]
        for column in ("mean_test_score", "std_test_score", "mean_train_score", "rank_test_score"):
            np.testing.assert_array_equal(got.cv_results_[column], expected.cv_results_[column])
        np.testing.assert_array_equal(got.predict(X), expected.predict(X))
        assert any(went_on) is sharing
