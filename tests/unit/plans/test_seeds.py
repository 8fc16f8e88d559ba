"""Candidates of an earlier search that another one tries first; workers are threads."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats
from sklearn.datasets import load_iris
from sklearn.experimental import enable_halving_search_cv  # noqa: F401 - makes the next import possible
from sklearn.model_selection import (
    GridSearchCV,
    HalvingGridSearchCV,
    HalvingRandomSearchCV,
    ParameterSampler,
    RandomizedSearchCV,
)
from sklearn.preprocessing import MinMaxScaler, StandardScaler
from sklearn.tree import DecisionTreeClassifier

from raysk import TPESearchCV
from raysk.plans.schedule import InOrder
from raysk.plans.seeds import Seeds, SeedsFirst
from raysk.runner.outcome import Tally
from raysk.runs.journal import Journal

X, Y = load_iris(return_X_y=True)
SPACE = {
    "max_depth": stats.randint(1, 40),
    "min_samples_leaf": stats.uniform(0.01, 0.4),
    "criterion": ["gini", "entropy"],
}
GRID = {"max_depth": [1, 2, 3, None], "criterion": ["gini", "entropy"]}
SEEDS = (
    {"max_depth": 3, "min_samples_leaf": 0.0625, "criterion": "entropy"},
    {"max_depth": 2, "min_samples_leaf": 0.125, "criterion": "gini"},
)

pytestmark = pytest.mark.filterwarnings("ignore:All .* candidates are drawn at random")


def tree(**options):
    return DecisionTreeClassifier(random_state=0, **options)


def random_search(**options):
    return RandomizedSearchCV(tree(), SPACE, **{"n_iter": 6, "cv": 3, "random_state": 5} | options)


class Listed(RandomizedSearchCV):
    """Scikit-learn's own loop on the candidates that it is given."""

    def _run_search(self, evaluate_candidates):
        evaluate_candidates(self.listed)


def assert_scikit_learns(got, candidates):
    """Assert that the table, the best one and the refitted model are scikit-learn's on these candidates."""
    expected = Listed(tree(), SPACE, cv=got.cv)
    expected.listed = candidates
    expected.fit(X, Y)
    assert got.cv_results_["params"] == candidates
    assert got.cv_results_.keys() == expected.cv_results_.keys()
    for name, column in expected.cv_results_.items():
        if "time" not in name:
            np.testing.assert_array_equal(got.cv_results_[name], column)
    assert (got.best_index_, got.best_params_, got.best_score_) == (
        expected.best_index_,
        expected.best_params_,
        expected.best_score_,
    )
    np.testing.assert_array_equal(got.best_estimator_.predict(X), expected.best_estimator_.predict(X))


def test_a_random_search_draws_fewer(fit_on_threads):
    """Seeds come first, then what it would have drawn, as many in all; the answer is scikit-learn's on these."""
    drawn = list(ParameterSampler(SPACE, 6, random_state=5))
    got = fit_on_threads(random_search(), X, Y, {}, seeds=SEEDS)
    assert type(got) is RandomizedSearchCV
    assert_scikit_learns(got, [*SEEDS, *drawn[:4]])


def test_what_is_drawn_again_is_not_tried_again(fit_on_threads):
    """A seed that the search would have drawn itself has one row, and one more candidate is drawn."""
    drawn = list(ParameterSampler(SPACE, 6, random_state=5))
    plain = {name: value.item() if hasattr(value, "item") else value for name, value in drawn[4].items()}
    got = fit_on_threads(random_search(), X, Y, {}, seeds=[plain, dict(plain)])
    assert got.cv_results_["params"] == [drawn[4], *drawn[:4], drawn[5]]


def test_more_seeds_than_candidates(fit_on_threads):
    """Only the best of them are tried, as many as the search has candidates."""
    got = fit_on_threads(random_search(n_iter=1), X, Y, {}, seeds=SEEDS)
    assert got.cv_results_["params"] == [SEEDS[0]]


def test_a_grid_is_searched_whole(fit_on_threads):
    """Its candidates are the same in another order, also where values are estimators."""
    space = {"max_depth": [1, 2, 3], "splitter": ["best", "random"]}
    got = fit_on_threads(GridSearchCV(tree(), space, cv=3), X, Y, {}, seeds=[{"splitter": "random", "max_depth": 2}])
    alone = GridSearchCV(tree(), space, cv=3).fit(X, Y)
    params = alone.cv_results_["params"]
    order = [3, 0, 1, 2, 4, 5]
    assert got.cv_results_["params"] == [params[number] for number in order]
    np.testing.assert_array_equal(got.cv_results_["mean_test_score"], alone.cv_results_["mean_test_score"][order])
    assert got.best_score_ == alone.best_score_

    scalers = [StandardScaler(), MinMaxScaler(), StandardScaler(with_mean=False)]
    seeds = Seeds(got, [{"scaler": scalers[1], "C": 1}])
    grid = [{"scaler": scaler, "C": C} for scaler in scalers for C in (1, 2)]
    assert seeds.put_first(grid) == [grid[2], *grid[:2], *grid[3:]]
    assert seeds.put_first(grid) == grid  # there is one first round
    assert seeds.count == 0


@pytest.mark.parametrize(
    "search",
    [
        HalvingRandomSearchCV(tree(), SPACE, n_candidates=6, cv=3, random_state=5, factor=2, min_resources=36),
        HalvingRandomSearchCV(
            tree(),
            {"min_samples_leaf": stats.uniform(0.01, 0.4), "criterion": ["gini", "entropy"]},
            n_candidates=6,
            cv=3,
            random_state=5,
            factor=2,
            resource="max_depth",
            max_resources=12,
            min_resources=3,
        ),
        HalvingGridSearchCV(tree(), GRID, cv=3, random_state=5, factor=2, min_resources=36),
    ],
    ids=["rows", "parameter", "grid"],
)
def test_halving_begins_with_them(fit_on_threads, search):
    """The first round has as many candidates as without; later rounds are scikit-learn's own choice of them."""
    names = set(GRID if hasattr(search, "param_grid") else search.param_distributions)
    seeds = [{name: value for name, value in each.items() if name in names} for each in SEEDS]
    got = fit_on_threads(search, X, Y, {}, seeds=seeds)
    first = [
        params for params, number in zip(got.cv_results_["params"], got.cv_results_["iter"], strict=True) if not number
    ]
    shared = {} if search.resource == "n_samples" else {"max_depth": 3}
    assert first[:2] == [{**seed, **shared} for seed in seeds]
    assert len(first) == (8 if hasattr(search, "param_grid") else 6) == got.n_candidates_[0]


def test_tpe_proposes_them_first(fit_on_threads):
    """They are its first trials, with their own values; not one that is not of the space, or comes again."""
    law = {**SPACE, "ccp_alpha": stats.expon(scale=0.01)}
    seeds = [{**each, "ccp_alpha": 0.0123456789} for each in (*SEEDS, SEEDS[0])]
    seeds.insert(1, {**seeds[0], "max_depth": 99})
    results = [
        fit_on_threads(
            TPESearchCV(tree(), law, n_iter=14, lag=2, cv=3, random_state=0), X, Y, {}, seeds=seeds, workers=n
        )
        for n in (1, 3)
    ]
    assert results[0].cv_results_["params"][:2] == [seeds[0], seeds[2]]
    assert seeds[0] not in results[0].cv_results_["params"][2:]
    assert results[0].cv_results_["params"] == results[1].cv_results_["params"]
    assert len(results[0].cv_results_["params"]) == 14


@pytest.mark.parametrize("search", [random_search(), TPESearchCV(tree(), SPACE, n_iter=8, lag=2, cv=3, random_state=1)])
def test_a_journal_knows_them(fit_on_threads, tmp_path, search):
    """With the same seeds nothing is fitted again."""
    tallies = [Tally(), Tally()]
    for tally in tallies:
        with Journal(tmp_path / "journal") as journal:
            fit_on_threads(search, X, Y, {}, seeds=SEEDS, journal=journal, sink=tally)
    assert [tally.counts.resumed for tally in tallies] == [0, tallies[0].counts.fits]


def test_their_fits_are_handed_out_first():
    """Whatever the order of the others is; what comes back is next."""

    class Backwards(InOrder):
        def __init__(self, units):
            super().__init__(units[::-1])

    seeds = Seeds(random_search(), SEEDS)
    seeds.put_first([{"max_depth": number} for number in range(6)])
    schedule = seeds.schedule([*range(12)], 2, Backwards)
    assert isinstance(schedule, SeedsFirst)
    assert schedule.left == 12
    assert [*schedule.take(3, None), *schedule.take(3, None)] == [0, 1, 2, 3]
    schedule.put_back([3])
    assert [*schedule.take(5, None), *schedule.take(2, None)] == [3, 11, 10]
    assert schedule.left == 6
