"""Searches that punish whoever shares fits or steps carelessly: their results are scikit-learn's all the same."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from awkward_parts import Adding, CallCounter, Doubling, Fragile, OddOnes, first_adder, second_adder, state_score
from equal_searches import differences
from sklearn.compose import ColumnTransformer
from sklearn.decomposition import PCA
from sklearn.ensemble import (
    AdaBoostClassifier,
    BaggingClassifier,
    GradientBoostingClassifier,
    HistGradientBoostingClassifier,
    RandomForestClassifier,
)
from sklearn.feature_selection import SelectKBest
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import Lasso, LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import FeatureUnion, Pipeline, make_pipeline
from sklearn.preprocessing import FunctionTransformer, MinMaxScaler, StandardScaler
from sklearn.svm import SVC
from sklearn.tree import DecisionTreeClassifier

pytestmark = [pytest.mark.filterwarnings("ignore"), pytest.mark.usefixtures("_one_thread")]

ONE_OBJECT = {"a step that is frozen"}
"""Searches whose fits share an object that the scorer looks through: in threads, another fit may change it."""

RNG = np.random.default_rng(0)
X = RNG.standard_normal((80, 5))
Y = (X[:, 0] + 0.7 * RNG.standard_normal(80) > 0).astype(int)
WEIGHTS = RNG.uniform(0.1, 2, 80)
SIZES = {"n_estimators": [1, 2, 4, 6]}
BOTH = {"scoring": ["accuracy", "neg_log_loss"], "refit": "accuracy", "return_train_score": True}


def forest(**params):
    return RandomForestClassifier(random_state=0, **params)


def steps(*parts):
    """Return a pipeline whose steps are named a, b, c and so on."""
    return Pipeline(list(zip("abcdef", parts, strict=False)))


def right(estimator, X, y):
    return float(np.mean(estimator.predict(X) == y))


def last_of(estimator):
    return estimator[-1] if isinstance(estimator, Pipeline) else estimator


# --- scorers that do more than look


def spoiling(estimator, X, y):
    """Score, then take the estimator apart."""
    score, last = right(estimator, X, y), last_of(estimator)
    if isinstance(getattr(last, "estimators_", None), list):
        last.estimators_.reverse()
        last.estimators_.pop()
    last.set_params(verbose=0)
    last.classes_ = last.classes_[::-1]
    return score


def refitting(estimator, X, y):
    """Score what is fitted anew, on half of the rows."""
    return right(estimator.fit(X[::2], y[::2]), X, y)


def marking(estimator, X, y):
    """Score by how often an estimator was scored."""
    last = last_of(estimator)
    last.seen_ = getattr(last, "seen_", 0) + 1
    return last.seen_ + state_score(estimator, X, y) / 1e6


def scaling(estimator, X, y):
    """Score, and write into what the first step has learned."""
    estimator[0].scale_ *= 2
    return right(estimator, X, y) + float(estimator[0].scale_.sum())


def dislikes_two(estimator, X, y):
    """Fail for one size."""
    if estimator.n_estimators == 2:
        raise ValueError("not two")
    return right(estimator, X, y)


# --- functions and objects that look alike


def rolling(number):
    return lambda X: np.roll(X, number, axis=1) + number


def in_place(X):
    X *= 2
    return X


OBJECT = forest()
SEARCHES = {
    "a scorer that spoils a forest": (forest(), SIZES, {"scoring": spoiling}),
    "a scorer that spoils boosting": (GradientBoostingClassifier(random_state=0), SIZES, {"scoring": spoiling}),
    "a scorer that spoils a pipeline": (
        steps(StandardScaler(), forest()),
        {"b__n_estimators": [1, 2, 4], "a__with_std": [True, False]},
        {"scoring": spoiling},
    ),
    "a scorer that fits a forest again": (forest(), SIZES, {"scoring": refitting}),
    "a scorer that fits a pipeline again": (
        steps(StandardScaler(), LogisticRegression()),
        {"b__C": [0.1, 1, 10]},
        {"scoring": refitting},
    ),
    "a scorer that marks": (forest(), SIZES, {"scoring": marking, "return_train_score": True}),
    "a scorer that marks pipelines": (
        steps(StandardScaler(), PCA(2, random_state=0), LogisticRegression()),
        {"c__C": [0.1, 1, 10], "b__n_components": [1, 2]},
        {"scoring": marking},
    ),
    "a scorer that writes into a step": (
        steps(StandardScaler(), LogisticRegression()),
        {"b__C": [0.1, 1, 10]},
        {"scoring": scaling},
    ),
    "a scorer that fails for one size": (forest(), SIZES, {"scoring": dislikes_two}),
    "a size that fails where smaller ones do not": (
        BaggingClassifier(Fragile(), max_samples=5, random_state=0),
        {"n_estimators": [1, 2, 4, 9]},
        {"error_score": -3},
    ),
    "a subclass that predicts by its size": (OddOnes(random_state=0), SIZES, {}),
    "an ensemble of ensembles": (
        BaggingClassifier(forest(), random_state=0),
        {"n_estimators": [1, 2, 3], "estimator__n_estimators": [1, 2]},
        {"scoring": state_score},
    ),
    "sizes that are no sizes": (
        forest(),
        {"n_estimators": [np.int64(2), 2, True, 3.0, np.float64(3), "3", None, 0, -1, 5]},
        {"scoring": state_score},
    ),
    "one size several times": (forest(), {"n_estimators": [3, 3, 1, 3, 1]}, {"scoring": state_score}),
    "other sizes in other threads": (forest(), SIZES | {"n_jobs": [None, 2]}, {"scoring": state_score}),
    "forests that go on": (forest(), SIZES | {"warm_start": [False, True]}, {"scoring": state_score}),
    "forests with a random state": (
        RandomForestClassifier(random_state=np.random.RandomState(3)),
        SIZES,
        {"scoring": state_score},
    ),
    "boosting that ends at once": (
        AdaBoostClassifier(DecisionTreeClassifier(max_depth=9), random_state=0),
        SIZES,
        {"scoring": state_score},
    ),
    "boosting that may end early": (
        HistGradientBoostingClassifier(random_state=0),
        {"max_iter": [1, 3, 7], "early_stopping": ["auto", True], "n_iter_no_change": [1, 10]},
        {"scoring": state_score},
    ),
    "trees cut by what is no number": (
        DecisionTreeClassifier(random_state=0),
        {"ccp_alpha": [0, -0.0, 0.01, np.float64(0.01), 0.02, 0.5, -1, "a", None, np.nan, np.inf, True]},
        {"scoring": state_score},
    ),
    "features that are equal": (
        steps(FunctionTransformer(rolling(0)), SelectKBest(), DecisionTreeClassifier(random_state=0)),
        {"b__k": [0, 1, 3, "all", 99], "c__max_depth": [1, 3]},
        {"scoring": state_score},
    ),
    "steps that are replaced": (
        steps(StandardScaler(), SelectKBest(k=2), LogisticRegression()),
        {
            "a": [StandardScaler(), "passthrough", MinMaxScaler(), None],
            "b__k": [1, 2],
            "c": [SVC(), forest(n_estimators=3)],
        },
        {"scoring": state_score},
    ),
    "one object for all candidates": (
        steps(StandardScaler(), LogisticRegression()),
        {"b": [OBJECT], "b__n_estimators": [1, 3, 5], "a__with_std": [True, False]},
        {"scoring": state_score},
    ),
    "a step that is frozen": (
        steps(FrozenEstimator(StandardScaler().fit(X + 3)), forest()),
        {"b__n_estimators": [1, 3, 5]},
        {"scoring": state_score},
    ),
    "steps that give data frames": (
        steps(StandardScaler(), PCA(3, random_state=0), forest()).set_output(transform="pandas"),
        {"b__n_components": [2, 3], "c__n_estimators": [1, 3]},
        {"scoring": state_score},
    ),
    "functions that differ in what they hold": (
        steps(FunctionTransformer(), LogisticRegression()),
        {"a__func": [None, np.exp, rolling(1), rolling(2), rolling(1)], "b__C": [1, 2]},
        {"scoring": state_score},
    ),
    "classes that differ in what they hold": (
        steps(first_adder(), LogisticRegression()),
        {"a": [first_adder(), second_adder()], "b__C": [1, 2]},
        {"scoring": state_score},
    ),
    "arguments that are equal and not the same": (
        steps(FunctionTransformer(np.clip), LogisticRegression()),
        {
            "a__kw_args": [{"a_min": 0, "a_max": 1}, {"a_min": 0.0, "a_max": 1}, {"a_min": -1, "a_max": 1}],
            "b__C": [1, 2],
        },
        {"scoring": state_score},
    ),
    "numbers that are equal and not the same": (
        steps(Adding(), LogisticRegression()),
        {"a__number": [1, 1.0, True, np.float64(1), np.int64(1), -0.0, 0.0], "b__C": [1, 2]},
        {"scoring": state_score},
    ),
    "a step that counts": (steps(CallCounter(), LogisticRegression()), {"b__C": [0.1, 1, 10]}, BOTH),
    "steps that write into their input": (
        steps(StandardScaler(), Doubling(), Doubling(), LogisticRegression()),
        {"d__C": [0.1, 1, 10], "c__times": [1, 2]},
        BOTH,
    ),
    "scikit-learn's steps that write into their input": (
        steps(
            FunctionTransformer(), MinMaxScaler(copy=False), PCA(3, copy=False, random_state=0), LogisticRegression()
        ),
        {"d__C": [0.1, 1, 10], "c__whiten": [True, False]},
        BOTH,
    ),
    "a last step that writes into its input": (
        steps(StandardScaler(), Lasso(copy_X=False)),
        {"b__alpha": [0.001, 0.01, 0.1]},
        {"return_train_score": True},
    ),
    "a function that writes into what is passed through": (
        steps("passthrough", StandardScaler(), FunctionTransformer(in_place), LogisticRegression()),
        {"d__C": [0.1, 1, 10], "b": ["passthrough", StandardScaler()]},
        BOTH,
    ),
    "branches": (
        steps(FeatureUnion([("p", PCA(2, random_state=0)), ("q", CallCounter())]), LogisticRegression()),
        {"a__p__n_components": [1, 2], "a__transformer_weights": [None, {"p": 2.0}, {"p": 3.0}], "b__C": [1, 2]},
        BOTH,
    ),
    "columns": (
        steps(
            ColumnTransformer([("p", StandardScaler(), [0, 1]), ("q", Doubling(), [2, 3])], remainder="passthrough"),
            LogisticRegression(),
        ),
        {"a__p__with_std": [True, False], "a__q": ["drop", "passthrough", Doubling(2)], "b__C": [1, 2]},
        BOTH,
    ),
    "weights of a step": (
        steps(StandardScaler(), LogisticRegression()),
        {"b__C": [0.1, 1, 10]},
        {"a__sample_weight": WEIGHTS, "b__sample_weight": WEIGHTS},
    ),
}


def made(name):
    """Return a search and what its fit is told."""
    estimator, grid, options = SEARCHES[name]
    told = {key: value for key, value in options.items() if key.endswith("sample_weight")}
    options = {key: value for key, value in options.items() if key not in told}
    return GridSearchCV(estimator, grid, cv=3, **options), told


@pytest.mark.parametrize("name", SEARCHES)
def test_results_are_scikit_learns(name, fit_on_threads):
    """The table, the best and its predictions are equal to the last bit, and the data is as it was."""
    ours, told = made(name)
    theirs, _ = made(name)
    with warnings.catch_warnings():
        theirs.fit(X.copy(), Y, **told)
    data = X.copy()
    fit_on_threads(ours, data, Y, told, workers=1 if name in ONE_OBJECT else 2)
    assert differences(ours, theirs, X.copy) == []


def test_a_memory_of_the_persons_own(fit_on_threads, tmp_path):
    """A pipeline that keeps its steps in a folder does so."""
    search = [
        GridSearchCV(
            make_pipeline(StandardScaler(), PCA(3, random_state=0), LogisticRegression(), memory=str(tmp_path / each)),
            {"pca__n_components": [2, 3], "logisticregression__C": [1, 3]},
            scoring=state_score,
            cv=3,
        )
        for each in ("ours", "theirs")
    ]
    assert differences(fit_on_threads(search[0], X, Y, {}), search[1].fit(X, Y), X.copy) == []
    assert list((tmp_path / "ours").rglob("*.pkl"))
