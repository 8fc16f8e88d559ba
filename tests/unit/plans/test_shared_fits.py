"""Which candidates are fitted once for all that are fitted alike."""

from __future__ import annotations

import inspect

import numpy as np
import pytest
from sklearn.base import BaseEstimator, TransformerMixin, clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import ColumnTransformer, TransformedTargetRegressor
from sklearn.decomposition import PCA
from sklearn.ensemble import (
    AdaBoostClassifier,
    AdaBoostRegressor,
    BaggingClassifier,
    BaggingRegressor,
    StackingClassifier,
    StackingRegressor,
    VotingClassifier,
    VotingRegressor,
)
from sklearn.feature_selection import RFE, RFECV, SelectFromModel, SequentialFeatureSelector
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import RANSACRegressor
from sklearn.metrics import accuracy_score, get_scorer, make_scorer, precision_score
from sklearn.model_selection import (
    FixedThresholdClassifier,
    GridSearchCV,
    KFold,
    ParameterGrid,
    RandomizedSearchCV,
    ShuffleSplit,
    TunedThresholdClassifierCV,
)
from sklearn.multiclass import OneVsOneClassifier, OneVsRestClassifier, OutputCodeClassifier
from sklearn.multioutput import ClassifierChain, MultiOutputClassifier, MultiOutputRegressor, RegressorChain
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import FeatureUnion, make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler
from sklearn.semi_supervised import SelfTrainingClassifier
from sklearn.svm import SVC, SVR, LinearSVC
from sklearn.utils import all_estimators

from raysk.bench.workloads import WORKLOADS
from raysk.plans.candidates import Candidates
from raysk.plans.shared_fits import leaders

ACCURACY = get_scorer("accuracy")


def fitted(estimator, grid, scorer=ACCURACY):
    """Return how many of a grid's candidates are fitted, and how many there are."""
    found = leaders(estimator, Candidates(list(ParameterGrid(grid))), scorer)
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


def test_values_that_only_look_alike_are_told_apart():
    """Objects, subclasses of plain values, and zeros with a sign are fitted each; odd ones are no error of ours."""

    class Often(float):
        def __eq__(self, other):
            return True

        __hash__ = float.__hash__

    svm = SVC(kernel="linear")
    assert fitted(svm, {"C": [Often(1.0), Often(2.0)]}) == (2, 2)
    assert fitted(svm, {"tol": [0.0, -0.0]}) == (2, 2)
    assert fitted(svm, {"coef0": [0.0, 10**400]}) == (2, 2)
    assert fitted(svm, {"degree": [3, 10**12]}) == (2, 2)
    assert fitted(svm, {"kernel": [["linear"], "linear"]}) == (2, 2)
    assert fitted(svm, {"class_weight": [{0: 1.0}, {0: 2.0}]}) == (2, 2)


def random_accuracy(y_true, y_pred):
    """Return a metric that is not the same twice."""
    return accuracy_score(y_true, y_pred) + np.random.default_rng().random()


def test_a_metric_of_the_persons_own_may_draw():
    """Only scikit-learn's own metrics are known to give equal predictions equal scores."""
    grid = {"gamma": [0.1, 1.0]}
    assert fitted(SVC(kernel="linear"), grid, make_scorer(random_accuracy)) == (2, 2)


# --- scikit-learn's estimators that hold another

LINEAR, REGRESSOR = SVC(kernel="linear", C=10.0), SVR(kernel="linear")
DRAWS = KFold(3, shuffle=True)
SEEDED = KFold(3, shuffle=True, random_state=0)

HOLDERS = {
    "AdaBoostClassifier": lambda **_: AdaBoostClassifier(LINEAR, n_estimators=2, random_state=0),
    "AdaBoostRegressor": lambda **_: AdaBoostRegressor(REGRESSOR, n_estimators=2, random_state=0),
    "BaggingClassifier": lambda **_: BaggingClassifier(LINEAR, n_estimators=2, random_state=0),
    "BaggingRegressor": lambda **_: BaggingRegressor(REGRESSOR, n_estimators=2, random_state=0),
    "CalibratedClassifierCV": lambda cv=2: CalibratedClassifierCV(LINEAR, cv=cv),
    "ClassifierChain": lambda cv=None: ClassifierChain(LINEAR, cv=cv, order="random", random_state=0),
    "ColumnTransformer": lambda cv=2: make_pipeline(
        ColumnTransformer([("a", SequentialFeatureSelector(LINEAR, cv=cv, n_features_to_select=1), [0, 1])]), LINEAR
    ),
    "FeatureUnion": lambda **_: make_pipeline(FeatureUnion([("a", SelectFromModel(LINEAR, threshold=0))]), LINEAR),
    "FixedThresholdClassifier": lambda **_: FixedThresholdClassifier(LINEAR, threshold=0.2),
    "FrozenEstimator": lambda **_: VotingClassifier(
        [("a", FrozenEstimator(clone(LINEAR).fit(X, BINARY))), ("b", LINEAR)]
    ),
    "GridSearchCV": lambda cv=2: GridSearchCV(LINEAR, {"C": [0.1, 1.0]}, cv=cv),
    "MultiOutputClassifier": lambda **_: MultiOutputClassifier(LINEAR),
    "MultiOutputRegressor": lambda **_: MultiOutputRegressor(REGRESSOR),
    "OneVsOneClassifier": lambda **_: OneVsOneClassifier(LINEAR),
    "OneVsRestClassifier": lambda **_: OneVsRestClassifier(LINEAR),
    "OutputCodeClassifier": lambda **_: OutputCodeClassifier(LINEAR, random_state=0),
    "Pipeline": lambda **_: make_pipeline(StandardScaler(), LINEAR),
    "RANSACRegressor": lambda **_: RANSACRegressor(REGRESSOR, min_samples=5, residual_threshold=0.5, random_state=0),
    "RFE": lambda **_: RFE(LINEAR, n_features_to_select=1),
    "RFECV": lambda cv=2: RFECV(LINEAR, cv=cv),
    "RandomizedSearchCV": lambda cv=2: RandomizedSearchCV(LINEAR, {"C": [1.0, 2.0]}, n_iter=2, cv=cv, random_state=0),
    "RegressorChain": lambda cv=None: RegressorChain(REGRESSOR, cv=cv, random_state=0),
    "SelectFromModel": lambda **_: make_pipeline(SelectFromModel(LINEAR), GaussianNB()),
    "SelfTrainingClassifier": lambda **_: SelfTrainingClassifier(FixedThresholdClassifier(LINEAR), criterion="k_best"),
    "SequentialFeatureSelector": lambda cv=2: make_pipeline(
        SequentialFeatureSelector(LINEAR, cv=cv, n_features_to_select=1), LINEAR
    ),
    "StackingClassifier": lambda cv=2: StackingClassifier([("a", LINEAR)], final_estimator=GaussianNB(), cv=cv),
    "StackingRegressor": lambda cv=2: StackingRegressor([("a", REGRESSOR)], final_estimator=REGRESSOR, cv=cv),
    "TransformedTargetRegressor": lambda **_: TransformedTargetRegressor(REGRESSOR),
    "TunedThresholdClassifierCV": lambda cv=2: TunedThresholdClassifierCV(LINEAR, cv=cv, thresholds=3, random_state=0),
    "VotingClassifier": lambda **_: VotingClassifier([("a", LINEAR), ("b", GaussianNB())]),
    "VotingRegressor": lambda **_: VotingRegressor([("a", REGRESSOR)]),
}
X = np.random.RandomState(0).rand(40, 3)
BINARY = (X[:, 0] + np.random.RandomState(1).rand(40) > 1).astype(int)
SLOTS = {"base_estimator", "estimator", "estimators", "regressor", "steps", "transformer_list", "transformers"}


def test_every_holder_of_scikit_learns_is_known():
    """A new estimator of scikit-learn's that can hold another is looked at here."""
    found = {name for name, kind in all_estimators() if SLOTS & {*inspect.signature(kind).parameters}}
    assert found - {"HalvingGridSearchCV", "HalvingRandomSearchCV"} == {*HOLDERS}


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(
    ("name", "cv"),
    [(name, None) for name in HOLDERS]
    + [(name, DRAWS) for name, make in HOLDERS.items() if "cv" in inspect.signature(make).parameters]
    + [("RFECV", ShuffleSplit(2, test_size=0.5)), ("GridSearchCV", ShuffleSplit(2)), ("StackingClassifier", SEEDED)],
)
def test_what_is_fitted_once_scikit_learn_fits_alike(name, cv):
    """Whatever holds the machine, candidates that are fitted once have equal scores, bit for bit, in scikit-learn."""
    holder = HOLDERS[name](**({} if cv is None else {"cv": cv}))
    gammas = [key for key in holder.get_params() if key.rpartition("__")[2] == "gamma"]
    assert gammas
    grid = {key: [0.1, 5.0, 40.0] for key in gammas[:1]}
    if isinstance(holder, GridSearchCV):  # which sets a kernel itself
        holder.param_grid = {"kernel": ["rbf", "linear"]}
    y = np.c_[BINARY, 1 - BINARY] if "Chain" in name or "MultiOutput" in name else BINARY
    search = GridSearchCV(holder, grid, cv=2, refit=False).fit(X, y)
    found = leaders(clone(holder), Candidates(search.cv_results_["params"]), search._get_scorers()[0])
    for split in ("split0_test_score", "split1_test_score"):
        scores = search.cv_results_[split]
        assert np.array_equal(scores, scores[found], equal_nan=True)
    may_differ = cv is not None or "SearchCV" in name or name == "FrozenEstimator"
    assert len({*found}) == (3 if may_differ else 1)
