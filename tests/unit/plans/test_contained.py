"""Which candidates are families: their fits are contained in the fit of the first."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.compose import ColumnTransformer, TransformedTargetRegressor, make_column_selector
from sklearn.decomposition import PCA
from sklearn.ensemble import (
    AdaBoostClassifier,
    AdaBoostRegressor,
    BaggingClassifier,
    GradientBoostingClassifier,
    HistGradientBoostingClassifier,
    RandomForestClassifier,
    RandomForestRegressor,
)
from sklearn.feature_selection import SelectFromModel, SelectKBest, chi2, mutual_info_classif
from sklearn.linear_model import LinearRegression
from sklearn.manifold import Isomap
from sklearn.model_selection import GridSearchCV, ParameterGrid
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, StandardScaler
from sklearn.tree import DecisionTreeClassifier, ExtraTreeRegressor

from raysk.plans.candidates import Candidates
from raysk.plans.contained import families
from raysk.plans.schedule import join

TREES = {"n_estimators": [10, 30, 20]}
FOREST = RandomForestClassifier(random_state=0)
HIST = HistGradientBoostingClassifier


def found(estimator, grid, *, leaders=None, rows=100, fit_params=()):
    """Return the families among a grid's candidates."""
    candidates = grid if isinstance(grid, list) else list(ParameterGrid(grid))
    leaders = np.arange(len(candidates)) if leaders is None else np.array(leaders)
    return families(estimator, Candidates(candidates), leaders, rows=rows, fit_params=fit_params)


def prefixed(prefix, grid):
    """Return a grid for a part of an estimator."""
    return {f"{prefix}__{name}": values for name, values in grid.items()}


class Own(TransformerMixin, BaseEstimator):
    """A step of the person's own: it may do anything."""


FORESTS = "randomforestclassifier"


@pytest.mark.parametrize(
    ("estimator", "grid"),
    [
        (FOREST, TREES),
        (FOREST, {"n_estimators": np.array([10, 30, 20])}),
        (RandomForestClassifier(), TREES | {"random_state": [5]}),
        (RandomForestClassifier(random_state=0, warm_start=True), TREES | {"warm_start": [False]}),
        (BaggingClassifier(DecisionTreeClassifier(max_features=1), random_state=0), TREES),
        (BaggingClassifier(make_pipeline(PCA(), GaussianNB()), random_state=0), TREES),
        (AdaBoostClassifier(random_state=0), TREES | {"estimator": [DecisionTreeClassifier(max_depth=2)]}),
        (GradientBoostingClassifier(random_state=0, subsample=0.5, init=GaussianNB()), TREES),
        (HIST(early_stopping=False), {"max_iter": [10, 30, 20]}),
        (HIST(), {"max_iter": [10, 30, 20]}),
        (HIST(early_stopping=False, max_features=0.5, random_state=1), {"max_iter": [10, 30, 20]}),
        (DecisionTreeClassifier(random_state=0), {"ccp_alpha": [0.2, 0.0, 0.1]}),
        (SelectKBest(), {"k": [5, "all", 6]}),
        (SelectKBest(partial(mutual_info_classif, random_state=0)), {"k": [5, "all", 6]}),
        (make_pipeline(StandardScaler(), PCA(random_state=0), FOREST), prefixed(FORESTS, TREES)),
        (make_pipeline(SelectKBest(chi2), FOREST), prefixed(FORESTS, TREES) | {"selectkbest__k": [3]}),
        (make_pipeline(FunctionTransformer(np.log1p), FOREST), prefixed(FORESTS, TREES)),
        (
            make_pipeline(ColumnTransformer([("a", OneHotEncoder(), make_column_selector(pattern="a"))]), FOREST),
            prefixed(FORESTS, TREES),
        ),
        (make_pipeline(StandardScaler(), FOREST), prefixed(FORESTS, TREES) | {"standardscaler": ["passthrough"]}),
        (TransformedTargetRegressor(AdaBoostRegressor(random_state=0)), prefixed("regressor", TREES)),
        (
            TransformedTargetRegressor(
                Pipeline([("a", StandardScaler()), ("b", RandomForestRegressor(random_state=0))]),
                func=np.log1p,
                inverse_func=np.expm1,
            ),
            prefixed("regressor__b", TREES),
        ),
    ],
)
def test_a_family(estimator, grid):
    """The largest comes first, then downwards."""
    assert found(estimator, grid) == [(1, 2, 0)]


@pytest.mark.parametrize(
    ("estimator", "grid"),
    [
        (RandomForestClassifier(), TREES),
        (RandomForestClassifier(random_state=np.random.RandomState(0)), TREES),
        (FOREST, TREES | {"random_state": [None]}),
        (FOREST, TREES | {"random_state": [np.random.RandomState(0)]}),
        (RandomForestClassifier(random_state=0, warm_start=True), TREES),
        (FOREST, TREES | {"warm_start": [True]}),
        (RandomForestClassifier(random_state=0, oob_score=True), TREES),
        (type("Mine", (RandomForestClassifier,), {})(random_state=0), TREES),
        (FOREST, {"n_estimators": [10, 0]}),  # not valid: that fit fails
        (FOREST, {"n_estimators": [10, 20.0]}),
        (FOREST, {"n_estimators": [10, True]}),
        (FOREST, {"n_estimators": [10]}),
        (FOREST, {"max_depth": [2, 3]}),
        (FOREST, {"ccp_alpha": [0.0, 0.1]}),  # of the trees in it
        (FOREST, [{"n_estimators": 10, "max_depth": 1}, {"n_estimators": 20, "max_depth": 2}]),
        (FOREST, [{"n_estimators": 10}, {}]),
        (FOREST, [{"n_estimators": 10, "max_depth": 1}, {"n_estimators": 20, "max_depth": True}]),
        (BaggingClassifier(), TREES),
        (BaggingClassifier(random_state=0, oob_score=True), TREES),
        (BaggingClassifier(Own(), random_state=0), TREES),
        (BaggingClassifier(Isomap(), random_state=0), TREES),
        (BaggingClassifier(GridSearchCV(GaussianNB(), {}), random_state=0), TREES),
        (AdaBoostClassifier(random_state=0), TREES | {"estimator": [Own()]}),
        (AdaBoostClassifier(), TREES),
        (GradientBoostingClassifier(random_state=0, n_iter_no_change=5), TREES),
        (GradientBoostingClassifier(random_state=0, warm_start=True), TREES),
        (GradientBoostingClassifier(random_state=0, init=FOREST.__class__()), TREES),
        (HIST(early_stopping=True, random_state=0), {"max_iter": [10, 20]}),
        (HIST(early_stopping=False, max_features=0.5), {"max_iter": [10, 20]}),
        (HIST(early_stopping=False, warm_start=True), {"max_iter": [10, 20]}),
        (HIST(early_stopping=False), {"max_iter": [10, 20], "max_features": [0.5]}),
        (DecisionTreeClassifier(), {"ccp_alpha": [0.0, 0.1]}),
        (ExtraTreeRegressor(random_state=0), {"ccp_alpha": [0.0, -0.1]}),
        (SelectKBest(mutual_info_classif), {"k": [5, 6]}),
        (SelectKBest(partial(mutual_info_classif, random_state=None)), {"k": [5, 6]}),
        (SelectKBest(lambda X, _: X[0]), {"k": [5, 6]}),
        (PCA(random_state=0), {"n_components": [1, 2]}),
        (make_pipeline(PCA(), FOREST), prefixed(FORESTS, TREES)),
        (make_pipeline(Own(), FOREST), prefixed(FORESTS, TREES)),
        (make_pipeline(StandardScaler(copy=False), FOREST), prefixed(FORESTS, TREES)),
        (make_pipeline(StandardScaler(), FOREST), prefixed(FORESTS, TREES) | {"standardscaler__copy": [False]}),
        (make_pipeline(StandardScaler(), FOREST), prefixed(FORESTS, TREES) | {"standardscaler": [Own()]}),
        (make_pipeline(StandardScaler(), FOREST), prefixed(FORESTS, TREES) | {FORESTS: [FOREST]}),
        (make_pipeline(FunctionTransformer(np.frompyfunc(abs, 1, 1)), FOREST), prefixed(FORESTS, TREES)),
        (make_pipeline(SelectFromModel(DecisionTreeClassifier()), FOREST), prefixed(FORESTS, TREES)),
        (make_pipeline(SelectFromModel(FOREST), GaussianNB()), prefixed("selectfrommodel__estimator", TREES)),
        (type("Mine", (Pipeline,), {})([("a", FOREST)]), prefixed("a", TREES)),
        (TransformedTargetRegressor(AdaBoostRegressor(random_state=0), func=np.cbrt, inverse_func=lambda y: y**3),
         prefixed("regressor", TREES)),
        (Pipeline([]), TREES),
        (Pipeline([("a", None)]), TREES),
        (TransformedTargetRegressor(), TREES),
        (AdaBoostRegressor(LinearRegression(copy_X=False), random_state=0), TREES),
    ],
)  # fmt: skip
def test_no_family(estimator, grid):
    """Whatever is not certain is fitted by itself."""
    assert found(estimator, grid) == []


def test_hist_gradient_boosting_knows_the_rows():
    """It stops early by itself above 10,000 rows, and draws above 200,000."""
    grid = {"max_iter": [10, 20]}
    assert found(HIST(), grid, rows=10_000) == found(HIST(early_stopping=False), grid, rows=200_000) == [(1, 0)]
    assert found(HIST(), grid, rows=10_001) == found(HIST(early_stopping=False), grid, rows=200_001) == []
    assert found(HIST(early_stopping=False, random_state=0), grid, rows=200_001) == [(1, 0)]


def test_what_goes_to_fit():
    """Weights do not stop the sharing; a monitor, which may end the fit, does."""
    boosting = GradientBoostingClassifier(random_state=0)
    assert found(boosting, TREES, fit_params=["sample_weight"]) == [(1, 2, 0)]
    assert found(boosting, TREES, fit_params=["sample_weight", "monitor"]) == []


def test_several_families():
    """All that is not the size is equal in a family, values by their class too; others are left alone."""
    weights, tree = {0: 1, 1: 2}, DecisionTreeClassifier()
    grid = [{"max_depth": [1, 1.0], "n_estimators": [5, 10]}, {"class_weight": [weights], "n_estimators": [5, 10, 10]}]
    assert sorted(found(FOREST, list(ParameterGrid(grid)))) == [(1, 0), (3, 2), (5, 6, 4)]
    odd = [{"n_estimators": number, "max_features": np.ones(1) if number % 2 else "sqrt"} for number in range(1, 5)]
    assert found(FOREST, odd) == [(3, 1)]
    assert found(FOREST, TREES, leaders=[0, 1, 1]) == [(1, 0)]
    assert found(AdaBoostClassifier(random_state=0), TREES | {"estimator": [None, tree, GaussianNB()]}) == [
        (1, 2, 0),
        (4, 5, 3),
        (7, 8, 6),
    ]


def test_units():
    """Fits of a family on one split are one unit, as far as they are to be done; nothing is lost or done twice."""
    assert join(range(4), [], 2) == range(4)
    assert join(range(8), [(2, 0, 3)], 2) == [(4, 0, 6), (5, 1, 7), 2, 3]
    assert join([0, 2, 3, 5, 7], [(2, 0, 3)], 2) == [0, 2, 3, (5, 7)]
