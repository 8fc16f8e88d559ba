"""scikit-learn's own checks of what an estimator must do, with each outermost ``fit`` through `raysk.fit`."""

from __future__ import annotations

import contextlib
import functools
from importlib import import_module
from unittest import SkipTest

import pytest
from sklearn.cluster import KMeans
from sklearn.ensemble import (
    BaggingClassifier,
    ExtraTreesRegressor,
    GradientBoostingRegressor,
    RandomForestClassifier,
    VotingClassifier,
)
from sklearn.experimental import enable_halving_search_cv  # noqa: F401 - makes the next import possible
from sklearn.feature_selection import SelectKBest
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LinearRegression, Ridge
from sklearn.model_selection import GridSearchCV, HalvingGridSearchCV
from sklearn.multioutput import MultiOutputRegressor
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.neural_network import MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from sklearn.svm import SVC, OneClassSVM
from sklearn.tree import DecisionTreeClassifier
from sklearn.utils.estimator_checks import estimator_checks_generator

import raysk

PLANS = {
    "search": [
        GridSearchCV(Ridge(), {"alpha": [0.1, 1.0]}, cv=2),
        HalvingGridSearchCV(Ridge(), {"alpha": [0.1, 1.0]}, cv=2, min_resources=10),
        raysk.TPESearchCV(Ridge(), {"alpha": [0.1, 1.0]}, n_iter=2, cv=2, random_state=0),
    ],
    "forest": [RandomForestClassifier(2, max_depth=2), ExtraTreesRegressor(2, max_depth=2)],
    "joblib_backend": [
        BaggingClassifier(n_estimators=2),
        KNeighborsClassifier(),
        LinearRegression(),
        MultiOutputRegressor(Ridge()),
        VotingClassifier([("a", GaussianNB()), ("b", DecisionTreeClassifier(max_depth=2))]),
    ],
    "single": [
        DecisionTreeClassifier(max_depth=2),
        GradientBoostingRegressor(n_estimators=2),
        KMeans(2, n_init=1, max_iter=5),
        MLPRegressor((2,), max_iter=3),
        OneClassSVM(),
        OneHotEncoder(handle_unknown="ignore"),
        SVC(),
        SelectKBest(k=1),
        SimpleImputer(),
        make_pipeline(StandardScaler(), Ridge()),
    ],
}
CASES = [(plan, estimator) for plan, estimators in PLANS.items() for estimator in estimators]


@contextlib.contextmanager
def fitted_by_raysk(kind):
    """Let ``fit`` of a class call `raysk.fit`, and what that calls be the class's own."""
    own, inherited = kind.fit, "fit" not in vars(kind)
    inside = []

    @functools.wraps(own)
    def fit(self, X, y=None, **params):
        if inside:  # an inherited one is looked for: a search has another base while it runs
            return (super(kind, self).fit if inherited else functools.partial(own, self))(X, y, **params)
        inside.append(self)
        try:
            return raysk.fit(self, X, y, **params)
        finally:
            inside.clear()

    kind.fit = fit
    try:
        yield
    finally:
        if inherited:
            del kind.fit
        else:
            kind.fit = own


def failure_of(check, estimator):
    """Return what a check raises; None if it passes, or does not apply."""
    try:
        check(estimator)
    except SkipTest:
        return None
    except Exception as error:  # noqa: BLE001 - whatever it is
        return error
    return None


@pytest.mark.usefixtures("cluster")
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(
    ("plan", "estimator"), CASES, ids=lambda each: each if isinstance(each, str) else type(each).__name__
)
def test_what_passes_alone_passes_with_raysk(plan, estimator):
    """No check fails that scikit-learn's own fit passes; that is tried alone only where a check fails with ours."""
    suiting = (name for name in PLANS if import_module(f"raysk.plans.{name}").suits(estimator, {}) is None)
    assert plan == next(suiting)
    failed = {}
    for given, check in estimator_checks_generator(estimator):
        with fitted_by_raysk(type(estimator)):
            error = failure_of(check, given)
        if error is not None and failure_of(check, given) is None:
            failed[str(check)] = error
    assert not failed
