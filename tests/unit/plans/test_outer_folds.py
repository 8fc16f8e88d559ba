"""Nested cross-validation on a pool without Ray: equal to scikit-learn's, all folds at a time."""

from __future__ import annotations

import threading

import numpy as np
import pytest
from scipy.stats import loguniform
from sklearn.datasets import make_classification
from sklearn.dummy import DummyClassifier
from sklearn.experimental import enable_halving_search_cv  # noqa: F401
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import (
    GridSearchCV,
    GroupKFold,
    HalvingRandomSearchCV,
    RandomizedSearchCV,
    ShuffleSplit,
    cross_validate,
)

from raysk.errors import AllFitsFailed
from raysk.events import WorkPlanned, null_sink
from raysk.plans.outer_folds import FoldPool, OuterFold, fit_and_score, outer_splits

X, Y = make_classification(n_samples=120, n_features=6, flip_y=0.3, random_state=0)
GRID = GridSearchCV(LogisticRegression(), {"C": [0.01, 0.1, 1, 10]}, cv=3)


@pytest.fixture
def pool(make_pool, launcher):
    launcher.by_hand = False
    return make_pool()


def nested(pool, search, outer, *, fit_params=None, sink=null_sink, **said):
    fit_params = fit_params or {}
    splits = outer_splits(search, outer, X, Y, fit_params.get("groups"))
    folds = [
        OuterFold(number=number, train=train, test=test, pool=FoldPool(pool, sink))
        for number, (train, test) in enumerate(splits)
    ]
    return fit_and_score(search, X, Y, fit_params, folds, **said)


def assert_equal(ours, theirs):
    """Assert that scores and searches of all folds are those of one call of cross_validate."""
    for name, values in theirs.items():
        if name.startswith(("test_", "train_")):
            assert np.array_equal(np.concatenate([each[name] for each in ours]), values)
    for (mine,), search in zip([each["estimator"] for each in ours], theirs["estimator"], strict=True):
        assert type(mine) is type(search)
        assert mine.best_params_ == search.best_params_
        assert np.array_equal(mine.cv_results_["mean_test_score"], search.cv_results_["mean_test_score"])


@pytest.mark.parametrize(
    ("search", "outer"),
    [
        (GRID, 4),
        (RandomizedSearchCV(LogisticRegression(), {"C": loguniform(1e-3, 1e3)}, n_iter=5, cv=3), 3),
        (GridSearchCV(LogisticRegression(), {"C": [0.1, 1]}, cv=ShuffleSplit(3)), ShuffleSplit(3, random_state=1)),
        (HalvingRandomSearchCV(LogisticRegression(), {"C": loguniform(1e-3, 1e3)}, cv=2, random_state=0), 2),
    ],
    ids=["grid", "random without a seed", "splits without a seed", "halving"],
)
def test_equals_cross_validate(pool, search, outer):
    """Scores, best parameters and tables are scikit-learn's, also where candidates come from the global generator."""
    np.random.seed(3)  # noqa: NPY002 - scikit-learn's default
    theirs = cross_validate(search, X, Y, cv=outer, return_train_score=True, return_estimator=True)
    after = np.random.random()  # noqa: NPY002
    np.random.seed(3)  # noqa: NPY002
    assert_equal(nested(pool, search, outer, return_train_score=True), theirs)
    assert np.random.random() == after  # noqa: NPY002 - the generator is where scikit-learn leaves it


def test_groups_weights_and_several_metrics(pool):
    """Fit parameters go to every search, cut to its rows; groups to the outer splits too."""
    said = {"groups": np.arange(120) % 6, "sample_weight": np.linspace(0.5, 1.5, 120)}
    metrics = ["accuracy", "roc_auc"]
    search = GridSearchCV(LogisticRegression(), {"C": [0.1, 1]}, cv=GroupKFold(2), scoring=metrics, refit="roc_auc")
    theirs = cross_validate(
        search, X, Y, groups=said["groups"], cv=GroupKFold(3), params=said, scoring=metrics, return_estimator=True
    )
    ours = nested(pool, search, GroupKFold(3), fit_params=said, scoring=metrics)
    for name in ("test_accuracy", "test_roc_auc"):
        assert np.array_equal(np.concatenate([each[name] for each in ours]), theirs[name])


def test_folds_run_at_a_time(make_pool, launcher):
    """The fits of a second fold are handed out before the first fold has had a result."""
    planned, both = set(), threading.Event()

    def sink(event):
        if isinstance(event, WorkPlanned) and event.candidates:
            planned.add(threading.current_thread().name)
            if len(planned) == 2:
                both.set()

    ours = []
    run = threading.Thread(target=lambda: ours.extend(nested(make_pool(), GRID, 2, sink=sink)), daemon=True)
    run.start()
    assert both.wait(20)  # no call was answered yet
    while run.is_alive():
        if not launcher.calls.empty():
            launcher.next_call().run()
        run.join(0.001)
    assert len(ours) == 2


def test_a_fold_that_fails_ends_the_others(make_pool, launcher, eventually):
    """The first error is raised, and nothing is left on the pool."""
    launcher.by_hand = False
    pool = make_pool()
    search = GridSearchCV(DummyClassifier(), {"strategy": ["constant"], "constant": ["nowhere", "else"]}, cv=2)
    with pytest.raises(AllFitsFailed):
        nested(pool, search, 3)

    def is_over():
        return not any(thread.name.startswith("raysk-fold") for thread in threading.enumerate())

    eventually(is_over, "the end of the folds' threads")
