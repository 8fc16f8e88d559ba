"""Candidates that hardly win are given up, and the answer does not depend on the number of workers."""

from __future__ import annotations

import numpy as np
import pytest
from schedules import follow
from sklearn.datasets import load_iris
from sklearn.model_selection import GridSearchCV
from sklearn.tree import DecisionTreeClassifier

from raysk import plans
from raysk.jobs import Limits, Shortcuts
from raysk.plans.pruning.forgiving import WINDOW, ForgivingPruning
from raysk.plans.pruning.race import Race, significantly_worse
from raysk.runs.journal import Journal

X, Y = load_iris(return_X_y=True)
SCHEDULES = [ForgivingPruning, Race]


def scores_of(seed, candidates=90, splits=6):
    """Return a table of scores; in some of them fits failed."""
    rng = np.random.default_rng(seed)
    scores = rng.beta(5, 2, (candidates, 1)) + rng.normal(0, 0.05, (candidates, splits)) + rng.normal(0, 0.05, splits)
    if seed % 3 == 2:
        scores[rng.random(scores.shape) < 0.1] = np.nan
    return scores


def outcome(schedule):
    """Return who was given up, and after how many folds."""
    return sorted(schedule.pruned), dict(sorted(schedule.counted.items()))


@pytest.mark.parametrize("kind", SCHEDULES)
@pytest.mark.parametrize("seed", range(6))
def test_the_answer_does_not_depend_on_the_workers(kind, seed):
    """Nor on the order in which fits end, nor on what is known from an earlier run."""
    scores = scores_of(seed)
    families = [(each, each + 1, each + 2) for each in range(0, 30, 3)] if seed % 2 else ()
    rng, answers = np.random.default_rng(seed), []
    for workers in (1, 2, 4, 64):
        known = np.flatnonzero(rng.random(scores.size) < 0.3) if workers == 4 else np.array([], int)
        left = np.setdiff1d(np.arange(scores.size), known)
        schedule = kind(left.tolist(), *scores.shape, own=range(len(scores)), families=families)
        for fit in rng.permutation(known).tolist():
            schedule.hear(*divmod(fit, scores.shape[1]), {"test_scores": scores.flat[fit]})
        done = follow(schedule, scores, workers, seed) | set(known.tolist())
        answers.append(outcome(schedule))
        finished = [each for each in range(len(scores)) if each not in schedule.counted]
        assert all(each * scores.shape[1] + split in done for each in finished for split in range(scores.shape[1]))
        if workers == 1:
            assert len(done) < 0.9 * scores.size
    assert answers[1:] == answers[:-1]
    best = np.nan_to_num(scores.mean(axis=1), nan=-1).argmax()
    assert best not in schedule.pruned


def test_who_is_worse_than_the_worst_fold_of_the_best():
    """A candidate is given up as soon as its mean is, if the best was known WINDOW lines before it."""
    scores = np.full((WINDOW + 3, 4), 0.5)
    scores[0] = [0.9, 0.7, 0.8, 0.8]
    scores[WINDOW] = [0.8, 0.5, 0.9, 0.9]
    scores[WINDOW + 1] = [0.6, 0.9, 0.9, 0.9]
    scores[WINDOW + 2] = [0.7, 0.7, 0.7, 0.7]
    schedule = ForgivingPruning(range(scores.size), *scores.shape, own=range(len(scores)))
    follow(schedule, scores, 2, 0)
    assert outcome(schedule) == ([WINDOW, WINDOW + 1], {WINDOW: 2, WINDOW + 1: 1})


def test_who_is_significantly_worse():
    """The test is that of a repeated-measures analysis of variance: folds are blocks."""
    rng = np.random.default_rng(0)
    folds = rng.normal(0, 1, 5)
    scores = np.array([folds, folds - 0.01, folds - 1]) + rng.normal(0, 0.05, (3, 5))
    assert significantly_worse(scores).tolist() == [False, False, True]
    assert significantly_worse(np.array([[1.0, 1, 1], [1, 1, np.nan]])).tolist() == [False, True]
    assert not significantly_worse(np.full((2, 3), np.nan)).any()
    assert not significantly_worse(np.full((4, 3), 0.5)).any()


def test_the_limit_is_that_of_the_pooled_t_test():
    """Beside it a difference is significant, or is not; the limit is computed by scipy's own analysis of two."""
    from scipy.stats import ttest_rel

    rng = np.random.default_rng(1)
    for _ in range(50):
        pair = rng.normal(0, 1, (2, 6))
        better, worse = (pair[0], pair[1]) if pair[0].mean() > pair[1].mean() else (pair[1], pair[0])
        p = ttest_rel(better, worse, alternative="greater").pvalue
        assert significantly_worse(pair).any() == (p < 0.05)


@pytest.mark.parametrize("prune", ["forgiving", "race"])
def test_a_search_gives_up(prune, make_pool, launcher, tmp_path):
    """Its table is the same on one worker and on several, and when it goes on from half of its journal."""
    launcher.by_hand = False
    space = {"max_depth": [None, 2, 1, 3], "min_samples_leaf": [1, 2, 5, 50, 60, 70, 80, 90, 100, 120, 140, 160]}

    def run(workers, folder):
        search = GridSearchCV(DecisionTreeClassifier(random_state=0), space, cv=6)
        with Journal(folder / "journal.jsonl") as journal:
            plans.fit(make_pool(workers=workers), search, X, Y, {}, journal=journal, shortcuts=Shortcuts(prune=prune))
        return {name: values for name, values in search.cv_results_.items() if "time" not in name}, search

    tables = []
    for workers in (1, 4):
        folder = tmp_path / str(workers)
        folder.mkdir()
        tables.append(run(workers, folder)[0])
    lines = (folder / "journal.jsonl").read_text().splitlines(keepends=True)
    (folder / "journal.jsonl").write_text("".join(lines[: len(lines) // 2]))
    table, search = run(2, folder)
    assert table["pruned"].sum() > 10
    assert not table["pruned"][search.best_index_]
    for other in tables:
        assert other.keys() == table.keys()
        assert all(
            np.array_equal(other[name], values, equal_nan=name.startswith(("split", "mean", "std")))
            for name, values in table.items()
            if name != "params" and not name.startswith("param_")
        )


def test_patience_waits_for_a_candidate_that_is_whole(make_pool, launcher, Events):
    """Whoever is given up before any candidate has all its folds tells nothing of how good the best is."""
    launcher.by_hand = False
    space = {"max_depth": [None, 3], "min_samples_leaf": [1, 2, 50, 60, 70, 80, 90, 100, 120, 140, 160]}
    search, events = GridSearchCV(DecisionTreeClassifier(random_state=0), space, cv=6), Events()
    limits = Limits(patience=2, require_score=True)
    plans.fit(make_pool(sink=events), search, X, Y, {}, shortcuts=Shortcuts(prune="race"), limits=limits)
    assert np.isfinite(search.best_score_)


def two_scores(estimator, X, y):
    """Return two scores by name, which only this function knows."""
    return {"score": estimator.score(X, y), "depth": -estimator.get_depth()}


@pytest.mark.parametrize("prune", ["race", "exact"])
def test_a_scoring_function_of_several_metrics(prune, make_pool, launcher):
    """What is given up has no value of any of them."""
    launcher.by_hand = False
    space = {"max_depth": [None, 2, 1], "min_samples_leaf": [1, 2, 5, 50, 60, 70, 80, 90, 100, 120, 140, 160]}
    search = GridSearchCV(
        DecisionTreeClassifier(random_state=0), space, cv=6, scoring=two_scores, refit="score", return_train_score=True
    )
    shortcuts = Shortcuts(prune=prune, score_max=1.0 if prune == "exact" else None)
    plans.fit(make_pool(), search, X, Y, {}, shortcuts=shortcuts)
    pruned = search.cv_results_["pruned"]
    assert pruned.any()
    assert np.isnan(search.cv_results_["mean_test_depth"][pruned]).all()
    assert np.isfinite(search.cv_results_["mean_train_score"][~pruned]).all()
