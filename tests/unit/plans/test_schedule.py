"""How a round of fits follows its schedule: units of several fits, fits tried one by one, candidates given up."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
from sklearn.dummy import DummyClassifier
from sklearn.model_selection import GridSearchCV

from raysk import plans
from raysk.errors import TaskLost
from raysk.events import WorkDone
from raysk.jobs import Limits
from raysk.plans import rounds
from raysk.plans.limits import Watch
from raysk.plans.round_results import RoundResults, Scoring
from raysk.plans.schedule import InOrder
from raysk.pool.task import Block
from raysk.runs.journal_round import NoRound

X, Y = np.zeros((12, 1)), np.array([0, 1] * 6)


class Noting(InOrder):
    """Notes what it hears, and gives up what it is told to."""

    def __init__(self, units):
        super().__init__(units)
        self.heard, self.pruned = [], []

    def hear(self, candidate, split, result):
        """Note it."""
        self.heard.append((candidate, split, result["test_scores"]))


@pytest.fixture
def heard(Events):
    """Take the events of a round."""
    return Events()


@pytest.fixture
def board(heard):
    """Hold the results of three candidates on two splits."""
    candidates, splits = [{"a": 1}, {"a": 2}, {"a": 3}], [([0], [1]), ([1], [0])]
    watch = Watch(Limits())
    watch.begin_round(3, 2, 1)
    return RoundResults(
        candidates,
        np.arange(3),
        splits,
        before=0,
        pool=SimpleNamespace(sink=heard, alone=[((2, 0), 1.0), (4, 2.0)]),
        journal=NoRound(),
        watch=watch,
        scoring=Scoring(scorers=None, metric=None, error_score=np.nan, train=False),
    )


def done(score, **notes):
    """Return what a worker says of a fit."""
    said = {"test_scores": score, "fit_error": None, "fit_time": 0.0, "score_time": 0.0, "n_test_samples": 1}
    return said | notes, ()


def test_a_unit_of_several_fits_brings_a_result_of_each(board, heard):
    """They are told of, counted and kept as fits; those after the first are shared, if they were not fitted anyway."""
    schedule = Noting([(2, 0), 1])
    board.recall()
    board.begin(schedule)
    board.put(
        Block(units=[(2, 0), 1], values=[(done(0.5, is_copy=True), done(0.25, is_copy=True)), done(0.75)], wall_s=1.0)
    )
    assert schedule.heard == [(1, 0, 0.5), (0, 0, 0.25), (0, 1, 0.75)]
    (told,) = heard.of(WorkDone)
    assert (told.units, told.shared, told.pruned) == (3, 1, 0)
    assert board.done().tolist() == [0]
    assert board.fits_left == 3
    assert board.running() == [(2, 1.0), (4, 2.0)]
    board.put(Block(units=[(3, 5)], values=[(done(0.5), done(0.25))], wall_s=1.0))
    assert heard.of(WorkDone)[1].shared == 0
    assert all("is_copy" not in result for result in board.results([0, 1]))


def test_several_fits_that_are_lost_together_are_tried_one_by_one(board, heard):
    """Only the first may have been too large; it alone is lost if it is lost again."""
    schedule = Noting([])
    board.recall()
    board.begin(schedule)
    board.put(Block(units=[(2, 0)], values=[TaskLost("memory")], wall_s=1.0))
    assert list(schedule.take(9, None)) == [2, 0]
    assert not heard.of(WorkDone)[0].units
    board.put(Block(units=[2, 0], values=[TaskLost("memory"), done(0.5)], wall_s=1.0))
    assert [(candidate, split) for candidate, split, _ in schedule.heard] == [(0, 0), (1, 0)]
    assert heard.of(WorkDone)[1].units == 2


def test_candidates_that_are_given_up_are_finished(board, heard):
    """Their fits are told of once, and nothing waits for them."""
    schedule = Noting([])
    board.recall()
    board.begin(schedule)
    schedule.pruned.append(1)
    board.put(Block(units=[2], values=[done(0.5)], wall_s=1.0))
    board.put(Block(units=[0, 1], values=[done(0.5), done(0.5)], wall_s=1.0))
    assert [event.pruned for event in heard.of(WorkDone)] == [1, 0]
    assert board.done().tolist() == [0, 1]
    assert (board.fits_left, board.all_done) == (2, False)
    board.put(Block(units=[4, 5], values=[done(0.5), done(0.5)], wall_s=1.0))
    assert board.all_done


def test_a_search_whose_units_are_of_several_fits(make_pool, launcher, monkeypatch):
    """The table is scikit-learn's, whatever the units are."""
    launcher.by_hand = False
    monkeypatch.setattr(rounds, "InOrder", lambda fits: Noting([(fits[2], fits[0]), fits[1], fits[3]]))
    search = GridSearchCV(DummyClassifier(), {"strategy": ["prior", "uniform"], "random_state": [0]}, cv=2)
    local = GridSearchCV(search.estimator, search.param_grid, cv=2).fit(X, Y)
    plans.fit(make_pool(), search, X, Y, {})
    for name in ("mean_test_score", "rank_test_score", "split0_test_score", "split1_test_score"):
        assert np.array_equal(search.cv_results_[name], local.cv_results_[name])
