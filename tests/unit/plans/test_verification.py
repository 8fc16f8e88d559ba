"""Fits that are done again by scikit-learn alone, on a pool without Ray."""

from __future__ import annotations

import threading

import numpy as np
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.datasets import make_classification
from sklearn.dummy import DummyClassifier
from sklearn.experimental import enable_halving_search_cv  # noqa: F401
from sklearn.model_selection import GridSearchCV, HalvingGridSearchCV, ShuffleSplit
from sklearn.tree import DecisionTreeClassifier

from raysk import plans
from raysk.errors import FitsDiffer, UsageError
from raysk.events import FitsVerified
from raysk.jobs import Shortcuts, Verification
from raysk.runner.outcome import Tally

X, Y = make_classification(n_samples=80, random_state=0)
TREE = DecisionTreeClassifier(random_state=0)
GRID = {"max_depth": [1, 2, 3]}


class ByThread(ClassifierMixin, BaseEstimator):
    """An estimator whose score depends on where it is fitted."""

    def __init__(self, number=0):
        self.number = number

    def fit(self, *_):
        """Note the thread."""
        self.where_ = float(threading.current_thread() is threading.main_thread())
        return self

    def score(self, *_):
        """Return 0.75 in the main thread."""
        return self.where_ / 4 + 0.5


@pytest.fixture
def verified(make_pool, launcher, Events):
    """Return a function that runs a search, and returns how many fits were verified.

    On one worker: workers are threads here, and two of them mix up the filters of this process's warnings.
    """
    launcher.by_hand, launcher.room = False, 1

    def run(search, fits, **said):
        events = Events()
        tally = Tally(events)
        plans.fit(make_pool(sink=tally), search, X, Y, {}, verification=Verification(fits=fits), **said)
        assert len(events.of(FitsVerified)) == 1
        return tally.counts.verified

    return run


@pytest.mark.parametrize(
    "search",
    [
        GridSearchCV(TREE, GRID, cv=ShuffleSplit(3), return_train_score=True, scoring=["accuracy", "f1"], refit="f1"),
        HalvingGridSearchCV(TREE, GRID, cv=2, random_state=0, factor=2),
    ],
    ids=["splits without a seed", "halving"],
)
def test_all_are_equal(verified, search):
    """The very splits of the run are used; more fits than there are means all. The global generator stays in place."""
    np.random.seed(0)  # noqa: NPY002 - scikit-learn's default
    plain = verified(search, 1000)
    assert plain == len(search.cv_results_["params"]) * search.n_splits_
    after = np.random.random()  # noqa: NPY002
    np.random.seed(0)  # noqa: NPY002
    assert verified(search, 2) == 2
    assert np.random.random() == after  # noqa: NPY002


def test_only_finished_fits_are_drawn(verified):
    """Failed fits are left out; equal ones, which were not done themselves, are verified too."""
    space = [{"strategy": ["constant"], "constant": ["x"]}, {"strategy": ["prior"], "random_state": [0, 1]}]
    with pytest.warns(UserWarning, match="fits failed|non-finite"):
        assert verified(GridSearchCV(DummyClassifier(), space, cv=2), 99) == 4
    assert verified(GridSearchCV(TREE, GRID, cv=4), 99, shortcuts=Shortcuts(prune="exact")) <= 12


def test_a_difference_is_an_error(verified):
    """It names candidate, split and both scores; the search is fitted all the same."""
    search = GridSearchCV(ByThread(), {"number": [7]}, cv=2)
    with pytest.raises(FitsDiffer) as told:
        verified(search, 1)
    assert search.best_estimator_.number == 7
    text = str(told.value)
    assert "number=7" in text
    assert "0.5 with raysk, 0.75 with scikit-learn alone" in text
    assert len(text.splitlines()) <= 5


def test_without_a_seed_it_says_so(verified):
    """Fits of an estimator without a seed differ honestly."""
    with pytest.raises(FitsDiffer, match="random_state is None"):
        verified(GridSearchCV(DecisionTreeClassifier(max_features=1), {"max_depth": [4, 5, 6]}, cv=5), 15)


def test_at_least_one():
    """Nobody asks for none."""
    with pytest.raises(UsageError, match="--verify-fits 0"):
        Verification(fits=0)
