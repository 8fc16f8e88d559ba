"""Searches that end before all is done: at a score, out of patience, after too many failures; workers are threads."""

from __future__ import annotations

import time

import numpy as np
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.experimental import enable_halving_search_cv  # noqa: F401 - makes the halving searches importable
from sklearn.model_selection import GridSearchCV, HalvingGridSearchCV

from raysk import plans
from raysk.errors import AllFitsFailed, TooManyFailures, UsageError
from raysk.events import CandidateDone, RefitStarted, Stopped
from raysk.jobs import Limits
from raysk.runs.journal import Journal

pytestmark = pytest.mark.filterwarnings("ignore:One or more of the test scores")
X = np.arange(120, dtype=float).reshape(-1, 1)
Y = np.arange(120) // 60
GRID = list(range(20))


class Named(ClassifierMixin, BaseEstimator):
    """Has the score that its number says, up to 0.1; with a negative number it fails."""

    def __init__(self, number=0):
        self.number = number

    def fit(self, X, y):  # noqa: ARG002 - scikit-learn's signature
        """Take a little time, so that an early end leaves something undone."""
        time.sleep(0.02)
        if self.number < 0:
            raise ArithmeticError("negative")
        self.fitted_ = True
        return self

    def score(self, X, y=None):  # noqa: ARG002 - as above
        """Say the number, as a part of 100."""
        return min(self.number, 10) / 100


@pytest.fixture
def events(Events):
    return Events()


@pytest.fixture
def pool(make_pool, launcher, events):
    """Return a pool of two workers that are threads."""
    launcher.by_hand = False
    return make_pool(sink=events)


def fitted(pool, search, journal=None, **limits):
    return plans.fit(pool, search, X, Y, {}, journal=journal, limits=Limits(**limits))


def grid(numbers, **options):
    return GridSearchCV(Named(), {"number": numbers}, cv=3, **{"error_score": np.nan, **options})


def stopped(events):
    (event,) = events.of(Stopped)
    return event


def test_a_search_ends_at_a_score(pool, events):
    """What is whole when the score is reached is the result: the table, the best of it, and that one refitted."""
    search = fitted(pool, grid(GRID), stop_at=0.05)
    assert stopped(events).reason == "stop-at"
    params = search.cv_results_["params"]
    assert [each["number"] for each in params] == list(stopped(events).kept)
    assert {each.index for each in events.of(CandidateDone)} == set(stopped(events).kept)
    assert search.best_score_ >= 0.05
    assert len(params) < len(GRID)
    assert search.best_estimator_.number == search.best_params_["number"]


def test_a_search_runs_out_of_patience(pool, events):
    """From the 10th candidate on none is better: the search ends a few later, with the best it has seen."""
    search = fitted(pool, grid(list(range(10, 60))), patience=4)
    assert stopped(events).reason == "patience"
    assert 5 <= len(search.cv_results_["params"]) < 50
    assert search.best_score_ == pytest.approx(0.1)


def test_a_limit_that_is_met_already_ends_a_resumed_search_at_once(pool, events, tmp_path):
    """What the journal knows counts, in the order in which it was done; with a wider limit the search goes on."""
    path = tmp_path / "journal.jsonl"

    def resumed(**limits):
        events.heard.clear()
        with Journal(path) as journal:
            return fitted(pool, grid(GRID), journal, **limits).cv_results_["params"]

    first, lines = resumed(stop_at=0.05), path.read_text()
    assert resumed(stop_at=0.05) == first
    assert stopped(events).reason == "stop-at"
    assert path.read_text() == lines
    assert resumed(stop_at=99) == [{"number": number} for number in GRID]
    assert resumed(patience=1) == [{"number": number} for number in GRID]  # nothing is left to leave out
    assert not events.of(Stopped)


def test_too_many_failures_end_a_search(pool, events):
    """More failures than allowed raise, once the search has the results that there are; nothing is refitted."""
    search = grid([*range(1, 10), *range(-30, 0)])
    with pytest.raises(TooManyFailures, match="negative") as caught:
        fitted(pool, search, max_failures=6)
    assert 6 < len(caught.value.errors) < 90
    assert stopped(events).reason == "max-failures"
    assert 1 <= len(search.cv_results_["params"]) < 39
    assert not hasattr(search, "best_estimator_")
    assert not events.of(RefitStarted)


def test_the_best_so_far_is_refitted_if_wanted(pool):
    """After too many failures the best so far is fitted on all data where that was asked for."""
    search = grid([*range(1, 10), *range(-30, 0)])
    with pytest.raises(TooManyFailures):
        fitted(pool, search, max_failures=6, refit_on_stop=True)
    assert search.best_estimator_.number == search.best_params_["number"] > 0


def test_where_every_fit_failed_there_is_no_best(pool):
    """If all that is done failed, nothing is refitted; a limit that is no failure ends as such a search does."""
    with pytest.raises(TooManyFailures):
        fitted(pool, grid(list(range(-30, 0))), max_failures=6, refit_on_stop=True)
    with pytest.raises(AllFitsFailed):
        fitted(pool, grid(list(range(-30, 0))), patience=3)


def test_halving_is_cut_in_its_round(pool, events):
    """A halving search that reaches its score ends in that round, and the best is one of that round."""
    search = HalvingGridSearchCV(Named(), {"number": [*range(8)]}, cv=3, factor=2, min_resources=15, random_state=0)
    fitted(pool, search, stop_at=0.07)
    assert stopped(events).reason == "stop-at"
    assert search.best_params_ == {"number": 7}
    assert set(search.cv_results_["iter"]) == {0}
    assert len(stopped(events).kept) == len(search.cv_results_["params"])


def test_a_scoring_function_without_a_score_that_decides(pool):
    """That only shows when the first candidate is done; the message is the same as beforehand."""

    def several(*_):
        return {"a": 1.0, "b": 2.0}

    with pytest.raises(UsageError, match="--stop-at"):
        fitted(pool, grid([1], scoring=several, refit=False), stop_at=1)
    assert fitted(pool, grid([1], scoring=several, refit="b"), stop_at=2).best_score_ == 2.0
