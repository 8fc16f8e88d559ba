"""Candidates that cannot win are given up; the winner is scikit-learn's."""

from __future__ import annotations

import numpy as np
import pytest
from schedules import follow
from scipy.stats import rankdata
from sklearn.datasets import load_iris
from sklearn.experimental import enable_halving_search_cv  # noqa: F401
from sklearn.metrics import make_scorer
from sklearn.model_selection import GridSearchCV, HalvingGridSearchCV, KFold, RandomizedSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC, OneClassSVM
from sklearn.tree import DecisionTreeClassifier

from raysk import plans
from raysk.errors import UsageError
from raysk.events import CandidateDone, Stopped, WorkDone
from raysk.jobs import Limits, Shortcuts
from raysk.plans.pruning.bounds import bound
from raysk.plans.pruning.exact import ExactPruning
from raysk.runs.journal import Journal

X, Y = load_iris(return_X_y=True)
EXACT = Shortcuts(prune="exact")


def tables():
    """Yield tables of scores, and their maximum: with ties, failed fits, errors, and large numbers."""
    for seed in range(40):
        rng = np.random.default_rng(seed)
        candidates, splits = int(rng.integers(2, 60)), int(rng.integers(1, 11))
        scores = rng.beta(5, 2, (candidates, 1)) + rng.normal(0, 0.05, (candidates, splits))
        scores = np.round(np.minimum(scores, 1), int(rng.choice([1, 2, 15])))
        maximum = 1.0
        if seed % 4 == 1:
            scores, maximum = (scores - 1) * 10.0 ** rng.integers(-8, 9), 0.0
        if seed % 4 == 2:
            scores[rng.random(scores.shape) < 0.2] = np.nan
        if seed % 4 == 3:
            scores[:] = scores[0]
        yield seed, scores, maximum


def best_of(scores):
    """Return the candidate that scikit-learn chooses."""
    means = scores.mean(axis=1)
    if np.isnan(means).all():
        return 0
    return rankdata(-np.nan_to_num(means, nan=np.nanmin(means) - 1), method="min").argmin()


@pytest.mark.parametrize("workers", [1, 3, 20])
def test_the_winner_is_that_of_all_fits(workers):
    """Whatever the scores, and in whatever order fits end; with less to do where candidates differ."""
    fits = all_fits = 0
    for seed, scores, maximum in tables():
        size = range(0, len(scores) - 2, 3) if seed % 2 else ()
        families = [(each, each + 2, each + 1) for each in size]
        schedule = ExactPruning(range(scores.size), *scores.shape, maximum=maximum, families=families)
        done = follow(schedule, scores, workers, seed)
        left = np.full(scores.shape, np.nan)
        left.flat[list(done)] = scores.flat[list(done)]
        assert best_of(left) == best_of(scores), seed
        undone = np.setdiff1d(np.arange(scores.size), list(done)) // scores.shape[1]
        assert set(undone) <= set(schedule.pruned), seed
        fits, all_fits = fits + len(done), all_fits + scores.size
    assert fits < (0.8 if workers < 20 else 1) * all_fits


def test_what_is_known_is_not_done_again():
    """Fits of an earlier run count, and may show at once who cannot win."""
    scores = np.array([[0.9, 0.9, 0.9], [0.1, 0.1, 0.1], [0.95, 0.8, 0.8]])
    schedule = ExactPruning([4, 5, 7, 8], 3, 3, maximum=1.0)
    for fit in (0, 1, 2, 3, 6):
        schedule.hear(*divmod(fit, 3), {"test_scores": scores.flat[fit]})
    assert schedule.pruned == [1]
    assert follow(schedule, scores, 1, 0) == {7, 8}


def searches():
    """Return searches."""
    tree = DecisionTreeClassifier(random_state=0)
    space = {"max_depth": [1, 2, 3], "min_samples_leaf": [1, 5, 30], "splitter": ["best", "random"]}
    steps = make_pipeline(StandardScaler(), SVC())
    alike = {"kernel": ["linear", "rbf"], "gamma": np.logspace(-6, 1, 8), "C": np.logspace(-4, 1, 6)}
    several = {"scoring": ["f1_macro", "accuracy"], "refit": "accuracy"}
    return {
        "folds": GridSearchCV(tree, space, cv=KFold(6, shuffle=True, random_state=0)),
        "errors": GridSearchCV(tree, space, cv=5, scoring="neg_log_loss", refit=False, return_train_score=True),
        "several": RandomizedSearchCV(tree, space, n_iter=9, cv=5, random_state=1, **several),
        "failing": GridSearchCV(
            steps, {"svc__C": np.logspace(-4, 1, 6), "svc__gamma": [1e-6, 1e-5, 1e-3, 1, -1]}, cv=4
        ),
        "alike": GridSearchCV(SVC(), alike, cv=4, error_score=0.0),
    }


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.FitFailedWarning", "ignore:One or more")
@pytest.mark.parametrize("name", searches())
def test_best_is_scikit_learns(name, make_pool, launcher, Events, tmp_path):
    """The best index, parameters and score; scores of what was done; and so it is when half of it is known."""
    launcher.by_hand = False
    search, local = searches()[name], searches()[name].fit(X, Y)
    wanted = {name: getattr(local, name, None) for name in ("best_index_", "best_params_", "best_score_")}
    table = local.cv_results_
    for run in range(2):
        events = Events()
        with Journal(tmp_path / "journal.jsonl") as journal:
            plans.fit(make_pool(sink=events), search, X, Y, {}, journal=journal, shortcuts=EXACT)
        assert {name: getattr(search, name, None) for name in wanted} == wanted
        pruned = search.cv_results_["pruned"]
        assert pruned.any()
        assert not pruned.all()
        for column in (each for each in table if each.startswith("split")):
            done = ~np.isnan(search.cv_results_[column])
            assert np.array_equal(search.cv_results_[column][done], np.asarray(table[column])[done])
        for column in (each for each in table if each.startswith("mean_test")):
            assert np.array_equal(search.cv_results_[column][~pruned], table[column][~pruned], equal_nan=True)
            assert np.isnan(search.cv_results_[column][pruned]).all()
        told = {event.index: event.pruned for event in events.of(CandidateDone)}
        assert sorted(told) == list(range(len(pruned)))
        assert all(told[index] for index in np.flatnonzero(pruned).tolist())  # others may have ended all the same
        if run == 0:
            lines = (tmp_path / "journal.jsonl").read_text().splitlines(keepends=True)
            (tmp_path / "journal.jsonl").write_text("".join(lines[: len(lines) // 2]))
    with Journal(tmp_path / "journal.jsonl") as journal:
        plans.fit(make_pool(), search, X, Y, {}, journal=journal)
    assert "pruned" not in search.cv_results_
    for column in (each for each in table if "test" in each):
        assert np.array_equal(search.cv_results_[column], table[column], equal_nan=True)
    assert sum(event.pruned for event in events.of(WorkDone)) > 0


def test_patience_counts_who_is_given_up(make_pool, launcher, Events):
    """A candidate that cannot win was no better than the best."""
    launcher.by_hand = False
    tree, events = DecisionTreeClassifier(random_state=0), Events()
    search = GridSearchCV(tree, {"max_depth": range(3, 9), "min_samples_leaf": [1, 60, 70, 80, 90, 100]}, cv=5)
    plans.fit(make_pool(sink=events), search, X, Y, {}, shortcuts=EXACT, limits=Limits(patience=3))
    assert [event.reason for event in events.of(Stopped)] == ["patience"]
    assert search.cv_results_["pruned"].any()


def any_metric(estimator, X, y):
    """Return a score."""
    return estimator.score(X, y)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"refit": len}, "function"),
        ({"scoring": ["accuracy", "f1_macro"], "refit": False}, "accuracy, f1_macro"),
        ({"scoring": any_metric}, "any_metric"),
        ({"scoring": make_scorer(max)}, "--score-max"),
        ({"estimator": OneClassSVM(), "scoring": "mutual_info_score"}, "mutual_info_score"),
    ],
)
def test_what_cannot_be_pruned_is_refused(options, words):
    """It is said what stands in the way, and what to type."""
    search = GridSearchCV(**{"estimator": SVC(), "param_grid": {"gamma": [1, 2]}, **options})
    with pytest.raises(UsageError, match=words) as error:
        bound(search, EXACT)
    assert len(str(error.value).splitlines()) <= 5


def test_what_is_known_of_a_metric():
    """Its largest value; an own metric's is what the person says; a search that chooses by scores is refused."""
    space = {"gamma": [1, 2]}
    assert bound(GridSearchCV(SVC(), space), EXACT) == 1
    assert bound(GridSearchCV(SVC(), space, scoring="neg_mean_squared_error"), EXACT) == 0
    assert bound(GridSearchCV(SVC(), space, scoring=any_metric), Shortcuts(prune="exact", score_max=3.0)) == 3
    assert bound(GridSearchCV(make_pipeline(SVC()), {"svc": [SVC(), DecisionTreeClassifier()]}), EXACT) == 1
    with pytest.raises(UsageError, match="HalvingGridSearchCV"):
        bound(HalvingGridSearchCV(SVC(), space), EXACT)
