"""Which candidates are fitted once for all that are fitted alike."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.decomposition import PCA
from sklearn.ensemble import BaggingClassifier
from sklearn.metrics import get_scorer, make_scorer, precision_score
from sklearn.model_selection import GridSearchCV, ParameterGrid
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler
from sklearn.svm import SVC, SVR, LinearSVC

from raysk.bench.workloads import WORKLOADS
from raysk.plans.alike import leaders

ACCURACY = get_scorer("accuracy")


def fitted(estimator, grid, scorer=ACCURACY):
    """Return how many of a grid's candidates are fitted, and how many there are."""
    found = leaders(estimator, list(ParameterGrid(grid)), scorer)
    assert all(leader <= number and found[leader] == leader for number, leader in enumerate(found))
    return len(set(found)), len(found)


def test_the_published_grid_has_800_repeats():
    """Of 4,000 candidates 3,200 differ in what their kernel uses."""
    search = WORKLOADS["grid"].at(1.0).estimator
    assert fitted(search.estimator, search.param_grid, search._get_scorers()[0]) == (3_200, 4_000)


@pytest.mark.parametrize(
    ("kernel", "count"),
    [("linear", 1), ("rbf", 2), ("sigmoid", 2 * 2), ("poly", 2 * 2 * 2), (lambda a, b: a @ b.T, 2 * 2 * 2)],
)
def test_each_kernel_uses_its_own(kernel, count):
    """Of gamma, degree and coef0, only those that the kernel looks at tell candidates apart."""
    grid = {"gamma": [0.1, "auto"], "degree": [2, 3], "coef0": [0.0, 1.0]}
    assert fitted(SVR(kernel=kernel), grid) == (count, 8)
    if isinstance(kernel, str):
        assert fitted(SVR(), grid | {"kernel": [kernel]}) == (count, 8)


GAMMAS = {"svc__gamma": [0.1, 1.0]}


class Noise(TransformerMixin, BaseEstimator):
    """A step of the person's own: it may do anything."""


@pytest.mark.parametrize(
    ("estimator", "grid"),
    [
        (make_pipeline(StandardScaler(), SVC(kernel="linear")), GAMMAS),
        (make_pipeline(PCA(random_state=0), SVC(kernel="linear")), GAMMAS),
        (SVC(kernel="linear"), {"gamma": [np.float64(0.1), 1]}),
        (SVC(kernel="linear", gamma=5.0), [{"C": [1.0], "gamma": [1.0]}, {"C": [1.0], "gamma": [2.0]}]),
    ],
)
def test_alike(estimator, grid):
    """The last part of a pipeline counts too."""
    assert fitted(estimator, grid) == (1, 2)


@pytest.mark.parametrize(
    ("estimator", "grid"),
    [
        (SVC(kernel="linear"), {"C": [1.0, 2.0]}),
        (SVC(kernel="linear"), {"C": [1, 1.0]}),  # scikit-learn would say so in the table, and so it may matter
        (SVC(kernel="linear"), {"gamma": [0.1, -1.0]}),  # not valid: that fit fails
        (SVC(kernel="linear"), {"gamma": [0.1, "scael"]}),
        (SVC(kernel="linear"), {"coef0": [0.1, np.inf]}),
        (SVC(kernel="linear"), {"degree": [3, -3]}),
        (SVC(kernel="linear", probability=True), {"gamma": [0.1, 1.0]}),  # draws at random
        (LinearSVC(), {"intercept_scaling": [1.0, 2.0]}),
        (make_pipeline(PCA(), SVC(kernel="linear")), GAMMAS),  # may draw at random
        (make_pipeline(Noise(), SVC(kernel="linear")), GAMMAS),
        (make_pipeline(FunctionTransformer(np.log1p), SVC(kernel="linear")), GAMMAS),
        (BaggingClassifier(SVC(kernel="linear")), {"estimator__gamma": [0.1, 1.0]}),
        (make_pipeline(SVC(kernel="linear")), {"svc": [SVC(), SVC()]}),
        (type("Mine", (SVC,), {})(kernel="linear"), {"gamma": [0.1, 1.0]}),
    ],
)
def test_not_alike(estimator, grid):
    """Whatever is not certain is fitted."""
    assert fitted(estimator, grid) == (2, 2)


def test_a_scorer_of_the_persons_own_may_look_at_anything():
    """A function gets the estimator, and could read its gamma; a metric in `make_scorer` cannot."""
    grid = {"gamma": [0.1, 1.0]}
    assert fitted(SVC(kernel="linear"), grid, lambda estimator, _X, _y: estimator.gamma) == (2, 2)
    assert fitted(SVC(kernel="linear"), grid, make_scorer(precision_score, average="macro")) == (1, 2)
    several = GridSearchCV(SVC(), grid, scoring=["accuracy", "f1_macro"], refit=False)._get_scorers()[0]
    assert fitted(SVC(kernel="linear"), grid, several) == (1, 2)
