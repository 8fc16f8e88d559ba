"""The simplest candidate within one standard error: chosen by order or by time, in scikit-learn's own search."""

from __future__ import annotations

import math
import pickle

import numpy as np
import pytest
from sklearn.datasets import make_classification
from sklearn.model_selection import GridSearchCV
from sklearn.tree import DecisionTreeClassifier

from raysk.results.scores import best_of, has_score
from raysk.results.selection import OneStandardError


def table(means, stds, params, **more):
    """Return a cv_results_ of which only these columns matter."""
    splits, times, metric = more.get("splits", 5), more.get("times"), more.get("metric", "score")
    names = {f"split{number}_test_{metric}": None for number in range(splits)}
    scores = {f"mean_test_{metric}": np.array(means), f"std_test_{metric}": np.array(stds)}
    return {**names, **scores, "params": params, "mean_fit_time": times or [1.0] * len(means)}


def depths(*values):
    return [{"depth": value} for value in values]


def test_within_one_standard_error():
    """The bound is the best's mean minus std(ddof=1) / sqrt(k); a candidate on it counts, one below it does not."""
    error = 0.1 / math.sqrt(4)  # k=5, and the table's std has ddof=0
    found = table([0.9 - error * 1.01, 0.9 - error * 0.99, 0.9], [0, 0, 0.1], depths(1, 2, 3))
    rule = OneStandardError(order=["depth"])
    assert rule(found) == 1
    said = rule.explain(found)
    assert (said["top_score"], said["top_index"], said["within"]) == (0.9, 2, 2)
    assert said["standard_error"] == pytest.approx(error)
    assert np.std([1, 2, 4, 4, 9], ddof=1) / math.sqrt(5) == pytest.approx(np.std([1, 2, 4, 4, 9]) / math.sqrt(4))


def test_order_of_simplicity():
    """Names decide one after the other, "-" turns one round; equal ones go by the score, then by their place."""
    params = [{"depth": 2, "C": 1}, {"depth": 2, "C": 9}, {"depth": 1, "C": 1}, {"depth": 1, "C": 9}]
    found = table([0.9, 0.9, 0.89, 0.9], [0.2] * 4, params)
    assert OneStandardError(order=["depth", "-C"])(found) == 3
    assert OneStandardError(order=["-depth", "C"])(found) == 0
    assert OneStandardError(order=["C"])(found) == 0
    assert OneStandardError(order=["depth"])(found) == 3  # better than 2


def test_values_that_are_no_numbers():
    """They stand in the order that is given, else in that of the candidates; one without the parameter comes last."""
    found = table([0.9] * 4, [0.2] * 4, [{}, *depths("all", 5, None)])
    assert OneStandardError(order=["depth"])(found) == 1
    assert OneStandardError(order=["-depth"])(found) == 3
    assert OneStandardError(order=["depth"], values={"depth": [5, "all", None]})(found) == 2


def test_by_fit_time_without_an_order():
    """The quickest is the simplest; of a candidate without a finite mean nobody speaks."""
    found = table([0.9, math.nan, 0.9], [0.1, math.nan, 0.1], depths(1, 2, 3), times=[2.0, 0.1, 1.0])
    assert OneStandardError()(found) == 2
    assert OneStandardError(order=["-depth"])(found) == 2
    assert OneStandardError().explain(found)["order"] is None


def test_no_score_and_one_split():
    """Without any score the first is chosen, as by scikit-learn; one split has no standard error."""
    assert OneStandardError()(table([math.nan] * 2, [math.nan] * 2, depths(1, 2))) == 0
    assert OneStandardError(order=["depth"])(table([0.8, 0.9], [0.0, 0.0], depths(1, 2), splits=1)) == 1


def test_in_scikit_learns_own_search():
    """It is a `refit` like any other: pickled, cloned, printed; the summary has its score and the best one."""
    X, y = make_classification(400, n_informative=6, flip_y=0.2, random_state=6)
    rule = OneStandardError(order=("max_depth",), metric="roc_auc")
    assert pickle.loads(pickle.dumps(rule)) == rule == eval(repr(rule))  # noqa: S307
    grid = {"max_depth": [1, 2, 3, 5, 8]}
    scoring = ["accuracy", "roc_auc"]
    search = GridSearchCV(DecisionTreeClassifier(random_state=0), grid, scoring=scoring, refit=rule, cv=5).fit(X, y)
    means, deviations = (search.cv_results_[f"{kind}_test_roc_auc"] for kind in ("mean", "std"))
    least = means.max() - deviations[means.argmax()] / 2
    assert search.best_index_ == np.flatnonzero(means >= least)[0] < means.argmax()
    said = best_of(search)
    assert said["best_score"] == means[search.best_index_]
    assert said["selection"]["top_score"] == means.max()
    assert has_score(search)
    search.cv_results_["mean_test_roc_auc"] = np.full(5, np.nan)
    assert not has_score(search)


def test_wrong_uses():
    """A text instead of a list is refused, and several metrics of which none is named."""
    with pytest.raises(TypeError, match="list of names"):
        OneStandardError(order="depth,-C")
    with pytest.raises(ValueError, match="metrics f1"):
        OneStandardError()(table([0.9], [0.1], depths(1), metric="f1"))
