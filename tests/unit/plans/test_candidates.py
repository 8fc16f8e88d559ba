"""Candidates by column, and what a search of very many of them keeps."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
from sklearn.dummy import DummyClassifier
from sklearn.metrics import get_scorer
from sklearn.model_selection import GridSearchCV, ParameterGrid, RandomizedSearchCV
from sklearn.svm import SVC

from raysk import plans
from raysk.events import CandidateDone, Remark, WorkPlanned
from raysk.plans import round_results, rounds
from raysk.plans.candidates import Candidates
from raysk.plans.shared_fits import SharedFits, leaders
from raysk.runs import journal_round
from raysk.runs.journal import Journal
from raysk.runs.journal_round import Done

X, Y = np.arange(40.0).reshape(-1, 2), np.arange(20) % 2


DONE = Done(ended=0.0)


@pytest.mark.parametrize(
    "candidates",
    [
        [{"C": 1.0, "kernel": "rbf"}, {"kernel": "linear"}, {}, {"kernel": "rbf", "C": 2}],
        [{"x": value} for value in (0.0, -0.0, float("nan"), 1, 1.0, True, np.float64(1), None, "1", "nan")],
        [{"x": value} for value in (0.5, -0.0, 0.0, 1e300)],
        [{"x": np.float64(value)} for value in (0.5, -0.0, 0.5)],
        [{"step": DummyClassifier(), "x": [1, 2]}, {"step": None, "x": [1, 2]}],
    ],
)
def test_what_comes_out_is_what_went_in(candidates):
    """By column, candidates are the same: values with their classes and signs, names in their order."""
    table = Candidates(candidates)
    for one, other in zip(candidates, pickle.loads(pickle.dumps(table)), strict=True):
        assert list(one) == list(other)
        assert [(type(value), repr(value)) for value in one.values()] == [(type(v), repr(v)) for v in other.values()]


def test_each_value_is_held_once():
    """A grid of many candidates has few values, and objects of the person's stay the ones that they are."""
    step = DummyClassifier()
    table = Candidates(list(ParameterGrid({"a": np.linspace(0, 1, 30), "b": [step, DummyClassifier()]})))
    assert [len(column.values) for column in table.columns.values()] == [30, 2]
    assert table[0]["b"] is step
    assert len(pickle.dumps(table)) < 60 * (2 + 1) * 4 + 30 * 8 + 2_000


def test_followers_are_found_by_their_leader():
    """Of candidates that are fitted alike, each but the first is found by it, in order."""
    found = leaders(
        SVC(kernel="linear"), Candidates(list(ParameterGrid({"C": [1, 2], "gamma": [1, 2, 3]}))), get_scorer("accuracy")
    )
    assert found.tolist() == [0, 0, 0, 3, 3, 3]
    assert [SharedFits(found).followers(each) for each in (0, 3, 1)] == [[1, 2], [4, 5], []]
    assert not SharedFits(np.arange(3))


class Grid(ParameterGrid):
    """Counts how often it is expanded."""

    expanded = 0

    def __iter__(self):
        Grid.expanded += 1
        return super().__iter__()


class Searching(GridSearchCV):
    """Searches that grid."""

    def _run_search(self, evaluate_candidates):
        evaluate_candidates(Grid(self.param_grid))


def test_a_grid_is_expanded_once(make_pool, launcher, monkeypatch, tmp_path):
    """Counting, comparing, sending and recording candidates goes by the one list; so it does for what is drawn."""
    launcher.by_hand = False
    search = Searching(DummyClassifier(), {"constant": [0, 1], "strategy": ["constant", "prior"]}, cv=2)
    with Journal(tmp_path / "journal.jsonl") as journal:
        plans.fit(make_pool(), search, X, Y, {}, journal=journal)
    assert Grid.expanded == 1
    draws = []
    monkeypatch.setattr(Draws, "asked", draws)
    plans.fit(make_pool(), RandomizedSearchCV(DummyClassifier(), {"constant": Draws()}, n_iter=3, cv=2), X, Y, {})
    assert len(draws) == 3


class Draws:
    """A distribution that is asked for each candidate."""

    asked = ()

    def rvs(self, random_state=None):
        """Note that a value was drawn."""
        self.asked.append(random_state)
        return 0


def alike_search(**options):
    """Return a search of 12 candidates, of which 4 are fitted."""
    return GridSearchCV(SVC(kernel="linear"), {"C": [1, 2, 3, 4], "gamma": [1, 2, 3]}, cv=2, **options)


def test_only_fitted_candidates_have_results(make_pool, launcher, monkeypatch):
    """Those that are fitted alike have none of their own, and are told of; the table is scikit-learn's."""
    launcher.by_hand = False
    boards, heard = [], []
    monkeypatch.setattr(
        rounds,
        "RoundResults",
        lambda *args, **more: boards.append(round_results.RoundResults(*args, **more)) or boards[-1],
    )
    search = alike_search()
    plans.fit(make_pool(sink=heard.append), search, X, Y, {})
    (made,) = boards
    assert list(made.fits) == [0, 1, 6, 7, 12, 13, 18, 19]
    assert sum(result is not None for result in made._results) == len(made.fits)
    done = [event for event in heard if isinstance(event, CandidateDone)]
    assert sorted(event.index for event in done) == list(range(12))
    assert all(event.params == search.cv_results_["params"][event.index] for event in done)
    local = alike_search().fit(X, Y)
    for name in ("mean_test_score", "rank_test_score", "split1_test_score"):
        assert np.array_equal(search.cv_results_[name], local.cv_results_[name])


def test_a_big_search_that_is_cut_short(make_pool, launcher, monkeypatch):
    """Its table has what was fitted; rows of those that are alike to these would take too long to make."""
    launcher.by_hand = False
    monkeypatch.setattr(rounds, "MOST_ROWS", 5)
    heard, stop_after = [], 6

    def sink(event):
        heard.append(event)
        if isinstance(event, CandidateDone) and sum(isinstance(each, CandidateDone) for each in heard) == stop_after:
            raise KeyboardInterrupt

    search = alike_search()
    with pytest.raises(KeyboardInterrupt):
        plans.fit(make_pool(sink=sink), search, X, Y, {})
    assert search.cv_results_["params"] == [{"C": 1, "gamma": 1}, {"C": 2, "gamma": 1}]
    assert search.best_params_ in search.cv_results_["params"]
    assert [event.text for event in heard if isinstance(event, Remark)] == [
        "4 candidates that are fitted alike are left out of the results."
    ]
    assert [event.units for event in heard if isinstance(event, WorkPlanned)] == [8]


def test_keys_are_made_for_what_is_finished(tmp_path, monkeypatch):
    """A new journal makes no key of a candidate that it has no fit of; one that has fits tells whose they are."""
    made = []
    key = journal_round.params_fingerprint
    monkeypatch.setattr(
        journal_round, "params_fingerprint", lambda params, value: made.append(params) or key(params, value)
    )
    candidates, splits = [{"C": float(each)} for each in range(50)], [(X[:5], X[5:]), (X[5:], X[:5])]
    result = {"fit_error": None, "test_scores": 0.5, "fit_time": 0.1, "score_time": 0.2, "n_test_samples": 5}

    def begin(journal):
        return journal.round({"estimator": SVC()}, candidates, splits, whole=True)

    with Journal(tmp_path / "journal.jsonl") as journal:
        round_ = begin(journal)
        assert round_.known(range(100)) == {}
        round_.add([(14, result), (15, result)], DONE)
    assert made == [candidates[7]]
    with Journal(tmp_path / "journal.jsonl") as journal:
        assert list(begin(journal).known(range(100))) == [14, 15]
