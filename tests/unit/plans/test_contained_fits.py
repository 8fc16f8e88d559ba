"""A fit cut to a smaller size is, bit for bit, what scikit-learn fits with that size."""

from __future__ import annotations

from functools import partial

import joblib
import numpy as np
import pytest
from sklearn import clone
from sklearn.compose import TransformedTargetRegressor
from sklearn.datasets import make_classification, make_regression
from sklearn.ensemble import (
    AdaBoostClassifier,
    AdaBoostRegressor,
    BaggingClassifier,
    BaggingRegressor,
    ExtraTreesClassifier,
    ExtraTreesRegressor,
    GradientBoostingClassifier,
    GradientBoostingRegressor,
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
)
from sklearn.feature_selection import SelectKBest, chi2, f_classif, mutual_info_classif
from sklearn.linear_model import Ridge
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler, StandardScaler
from sklearn.svm import SVC
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor, ExtraTreeClassifier, ExtraTreeRegressor

from raysk.plans.contained import CONTAINED, place_in
from raysk.plans.contained_fits import cut

THREE, BINARY = (
    make_classification(240, 12, n_informative=6, n_classes=classes, flip_y=0.1, random_state=0) for classes in (3, 2)
)
NUMBERS = make_regression(200, 8, noise=20.0, random_state=0)
SEVERAL = make_regression(200, 8, n_targets=2, noise=20.0, random_state=0)
SEPARATE = (np.arange(40.0).reshape(-1, 1), np.arange(40) // 20)
TREES, ALPHAS, FEATURES = (30, 17, 2, 1), (0.0, 0.003, 0.011, 10.0), ("all", 12, 5, 0)
TIES = (0.01226190476190476, 0.01625925925925925, 0.028260805731735922)
"""The tree pruned to the first of these cannot be pruned on to the second: other sums of the same numbers."""

FOREST = {"n_estimators": TREES}
ENDS = {"n_estimators": (30, 18, 17, 16, 15, 13, 12, 11, 10, 9, 8, 1)}
"""For boosting that ends early: what happens in its last round depends on whether it is the last one anyway."""

SEEDED = {"random_state": 3}

ROWS = [
    (RandomForestClassifier(**SEEDED), FOREST, THREE),
    (RandomForestClassifier(bootstrap=False, max_features=None, class_weight="balanced", **SEEDED), FOREST, BINARY),
    (RandomForestClassifier(max_samples=0.5, class_weight="balanced_subsample", n_jobs=2, **SEEDED), FOREST, THREE),
    (RandomForestRegressor(max_features=0.5, criterion="poisson", **SEEDED), FOREST, (NUMBERS[0], abs(NUMBERS[1]))),
    (RandomForestRegressor(**SEEDED), FOREST, SEVERAL),
    (ExtraTreesClassifier(bootstrap=True, **SEEDED), FOREST, THREE),
    (ExtraTreesRegressor(max_leaf_nodes=9, ccp_alpha=0.1, **SEEDED), FOREST, NUMBERS),
    (BaggingClassifier(**SEEDED), FOREST, THREE),
    (BaggingClassifier(GaussianNB(), max_samples=0.4, max_features=0.5, **SEEDED), FOREST, THREE),
    (BaggingClassifier(KNeighborsClassifier(), bootstrap=False, max_samples=0.4, n_jobs=2, **SEEDED), FOREST, BINARY),
    (BaggingClassifier(SVC(), max_samples=0.4, **SEEDED), FOREST, THREE),
    (BaggingRegressor(bootstrap_features=True, **SEEDED), FOREST, NUMBERS),
    (AdaBoostClassifier(**SEEDED), FOREST, THREE),
    (AdaBoostClassifier(DecisionTreeClassifier(max_depth=3, max_features=2), **SEEDED), FOREST, THREE),
    (AdaBoostClassifier(GaussianNB(), learning_rate=0.5, **SEEDED), ENDS, BINARY),  # bad in the 10th
    (AdaBoostClassifier(DecisionTreeClassifier(), **SEEDED), FOREST, THREE),  # perfect at once
    (AdaBoostClassifier(DecisionTreeClassifier(max_depth=1, splitter="random"), **SEEDED), ENDS, SEPARATE),  # the 16th
    (AdaBoostClassifier(DecisionTreeClassifier(max_depth=1), learning_rate=60.0, **SEEDED), FOREST, THREE),
    (AdaBoostRegressor(loss="exponential", **SEEDED), FOREST, NUMBERS),
    (AdaBoostRegressor(Ridge(), loss="square", learning_rate=3.0, **SEEDED), FOREST, NUMBERS),
    (AdaBoostRegressor(DecisionTreeRegressor(max_depth=1, max_features=1), **SEEDED), ENDS, NUMBERS),  # bad in the 17th
    (AdaBoostRegressor(Ridge(1e6), **SEEDED), ENDS, NUMBERS),  # bad in the 12th
    (GradientBoostingClassifier(**SEEDED), FOREST, THREE),
    (GradientBoostingClassifier(subsample=0.6, max_features=3, loss="exponential", **SEEDED), FOREST, BINARY),
    (GradientBoostingClassifier(init=GaussianNB(), **SEEDED), FOREST, BINARY),
    (GradientBoostingRegressor(subsample=0.5, max_features="sqrt", loss="huber", **SEEDED), FOREST, NUMBERS),
    (GradientBoostingRegressor(init="zero", loss="quantile", ccp_alpha=0.1, **SEEDED), FOREST, NUMBERS),
    (HistGradientBoostingClassifier(early_stopping=False), {"max_iter": TREES}, THREE),
    (HistGradientBoostingClassifier(early_stopping=False, max_features=0.5, **SEEDED), {"max_iter": TREES}, BINARY),
    (HistGradientBoostingRegressor(max_leaf_nodes=5, loss="absolute_error"), {"max_iter": TREES}, NUMBERS),
    (DecisionTreeClassifier(**SEEDED), {"ccp_alpha": ALPHAS}, THREE),
    (DecisionTreeClassifier(random_state=0), {"ccp_alpha": TIES}, THREE),
    (DecisionTreeClassifier(max_leaf_nodes=30, class_weight="balanced", **SEEDED), {"ccp_alpha": ALPHAS[1:]}, BINARY),
    (DecisionTreeRegressor(max_features=4, **SEEDED), {"ccp_alpha": (0.0, 5.0, 500.0, 10**9)}, SEVERAL),
    (ExtraTreeClassifier(max_features=None, **SEEDED), {"ccp_alpha": ALPHAS}, THREE),
    (ExtraTreeRegressor(**SEEDED), {"ccp_alpha": (1.0, 5.0, 500.0)}, NUMBERS),
    (SelectKBest(f_classif), {"k": FEATURES}, THREE),
    (make_pipeline(MinMaxScaler(), SelectKBest(chi2)), {"selectkbest__k": FEATURES}, THREE),
    (SelectKBest(partial(mutual_info_classif, random_state=0)), {"k": FEATURES}, THREE),
    (
        make_pipeline(StandardScaler(), RandomForestClassifier(**SEEDED)),
        {"randomforestclassifier__n_estimators": TREES},
        THREE,
    ),
    (TransformedTargetRegressor(AdaBoostRegressor(**SEEDED)), {"regressor__n_estimators": TREES}, NUMBERS),
    (
        make_pipeline(
            StandardScaler(),
            TransformedTargetRegressor(
                make_pipeline(MinMaxScaler(), GradientBoostingRegressor(subsample=0.5, **SEEDED)),
                transformer=StandardScaler(),
            ),
        ),
        {"transformedtargetregressor__regressor__gradientboostingregressor__n_estimators": TREES},
        NUMBERS,
    ),
]
METHODS = ("predict", "predict_proba", "decision_function", "transform", "apply", "get_support", "staged_predict")
ATTRIBUTES = ("feature_importances_", "n_iter_", "estimators_samples_")
MOVED_ON = (np.random.RandomState, np.random.Generator)
"""Where a larger fit has left its generator: nothing draws from it again."""


def same(one, other, where=""):
    """Assert that two objects are equal in all that they are made of, but for what is drawn next."""
    assert type(one) is type(other), where
    if isinstance(one, np.ndarray) and one.dtype != object:
        assert np.array_equal(one, other, equal_nan=one.dtype.kind == "f"), where
    elif isinstance(one, np.ndarray | list | tuple):
        assert len(one) == len(other), where
        for number, (a, b) in enumerate(zip(one, other, strict=True)):
            same(a, b, f"{where}[{number}]")
    elif isinstance(one, dict):
        assert one.keys() == other.keys(), where
        for name, value in one.items():
            same(value, other[name], f"{where}.{name}")
    elif hasattr(one, "tree_"):
        same(
            {**vars(one), "tree_": one.tree_.__getstate__()},
            {**vars(other), "tree_": other.tree_.__getstate__()},
            where,
        )
    elif hasattr(one, "__dict__") and not isinstance(one, MOVED_ON) and not callable(one):
        same(vars(one), vars(other), where)
    elif isinstance(one, str | float | int):
        assert one == other or one != one, where  # noqa: PLR0124 - NaN


def answers(estimator, X):
    """Return all that an estimator says of rows, and of itself."""
    said = {}
    for name in METHODS:
        if (method := getattr(estimator, name, None)) is not None:
            found = method() if name == "get_support" else method(X)
            said[name] = found if isinstance(found, np.ndarray) else list(found)
    known = {name: getattr(estimator, name, None) for name in ATTRIBUTES}
    return said | known | {"repr": repr(estimator), "params": repr(estimator.get_params())}


@pytest.fixture(autouse=True)
def _threads():
    """Let several jobs be threads, which start at once."""
    with joblib.parallel_config(backend="threading"):
        yield


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(("estimator", "grid", "data"), ROWS, ids=lambda each: type(each).__name__)
def test_a_cut_fit_is_scikit_learns(estimator, grid, data):
    """Whatever a scorer may look at is equal: predictions, stages, importances, parameters, and what is fitted."""
    ((parameter, values),) = grid.items()
    place = place_in(estimator)
    assert place.parameter == parameter
    X, y = data
    one = clone(estimator).set_params(**{parameter: place.row.fits(values)}).fit(X, y)
    copies = [cut(one, parameter, value) for value in values]
    for value, copy in zip(values, copies, strict=True):
        fitted = clone(estimator).set_params(**{parameter: value}).fit(X, y)
        same(answers(copy, X), answers(fitted, X))
        same(copy, fitted)


def test_every_row_is_tested():
    """No class is in the table that is not above."""
    assert {type(place_in(estimator).part) for estimator, _, _ in ROWS} == {*CONTAINED}
