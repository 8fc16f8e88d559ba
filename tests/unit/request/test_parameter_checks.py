"""Values of parameters that scikit-learn would refuse in every fit are refused before; others never."""

from __future__ import annotations

import contextlib
import warnings

import numpy as np
import pytest
import sklearn
from scipy import stats
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import StackingClassifier
from sklearn.feature_selection import SelectKBest
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, RandomizedSearchCV
from sklearn.pipeline import Pipeline, make_pipeline, make_union
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC
from sklearn.utils import all_estimators

from raysk.errors import InputError, UsageError
from raysk.request.distributions import parse_space
from raysk.request.overrides import Overrides, override_estimator
from raysk.request.parameter_checks import check_values

NOTHING = Overrides()


class Own(SVC):
    """Takes a kernel that SVC does not."""

    def fit(self, X, y):
        """Translate it."""
        return SVC(kernel="rbf").fit(X, y)


class Loose:
    """Draws as scipy's distributions do, from numpy's global generator."""

    def rvs(self, random_state=None):  # noqa: ARG002 - scikit-learn gives it
        """Move it."""
        return np.random.random()  # noqa: NPY002


def grid(space, estimator=None, **more):
    return GridSearchCV(estimator or SVC(), space, **more)


def drawn(space, estimator=None, **more):
    return RandomizedSearchCV(estimator or SVC(), space, **more)


def steps(**parts):
    return Pipeline(list(parts.items()))


TAKEN = {
    "defaults": SVC(),
    "a callable": SVC(kernel=np.dot),
    "numpy's numbers": SVC(C=np.float32(2), degree=np.int64(2)),
    "of one's own class": Own(kernel="mine"),
    "within one's own class": grid({"kernel": ["mine"]}, Own()),
    "replaced by the space": grid({"kernel": ["rbf"]}, SVC(kernel="mine")),
    "replaced by the space, deep": grid({"svc__kernel": ["rbf"]}, make_pipeline(SVC(kernel="mine"))),
    "a step that is swapped": grid({"clf": [SVC(), LogisticRegression()]}, steps(clf=SVC(kernel="mine"))),
    "of one of two swapped": grid({"clf": [SVC(), Own()], "clf__kernel": ["mine"]}, steps(clf=SVC())),
    "of a step that replaces": grid({"clf": [LogisticRegression()], "clf__penalty": ["l2"]}, steps(clf=SVC())),
    "of a replaced replacement": grid({"clf": [SVC(kernel="mine")], "clf__kernel": ["rbf"]}, steps(clf=SVC())),
    "passed through": grid({"scale": ["passthrough", None, StandardScaler()]}, steps(scale=None, clf=SVC())),
    "a union": make_pipeline(make_union(StandardScaler(), SelectKBest()), SVC()),
    "a search within": grid({"estimator__C": [1]}, grid({"kernel": ["rbf"]}, SVC(kernel="mine"))),
    "a distribution": drawn({"C": stats.loguniform(1e-3, 1e3), "kernel": ["rbf"]}),
    "drawn by one's own code": drawn({"kernel": Loose()}),
    "unhashable": grid({"weights": [[1, 2], None]}, Own()),
    "arrays": grid({"C": np.array([1, 2.5])}),
    "a list of grids": grid([{"kernel": ["rbf"]}, {"C": [1]}]),
    "nothing of a grid": grid([{}, {"C": [1]}]),
    "an unknown name": grid({"clf": [SVC()], "clf__nothing": [1]}, steps(clf=SVC())),
}


@pytest.mark.parametrize("kind", TAKEN)
def test_nothing_is_refused_that_could_be_fitted(kind):
    """Not what is replaced before it is fitted, nor what others' code takes."""
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        check_values(TAKEN[kind], NOTHING)


def test_no_estimator_is_refused_as_it_is_made():
    """All of scikit-learn's, with their defaults; one of them has a default that its fit refuses."""
    refused = []
    for name, kind in all_estimators():
        with contextlib.suppress(TypeError):
            try:
                check_values(kind(), NOTHING)
            except InputError:
                refused.append(name)
    assert set(refused) <= {"SelfTrainingClassifier"}


REFUSED = {
    "itself": (SVC(C=-1), "C=-1"),
    "a step": (make_pipeline(StandardScaler(), SVC(kernel="lin")), "svc__kernel='lin'"),
    "deep": (
        StackingClassifier([("a", make_pipeline(SelectKBest(k=-1), SVC()))]),
        "a__selectkbest__k=-1",
    ),
    "of columns": (ColumnTransformer([("a", StandardScaler(with_mean="no"), [0])]), "a__with_mean='no'"),
    "under a search": (grid({"gamma": [1]}, SVC(C=-1)), "C=-1"),
    "of the search": (grid({"C": [1]}, error_score="ignore"), "error_score='ignore'"),
    "all of a list": (grid({"kernel": ["a", "b"]}), "kernel='a'"),
    "a whole distribution": (drawn({"C": stats.uniform(-3, 1)}), "C="),
    "one, and scores may not fail": (grid({"C": [1, -1]}, error_score="raise"), "C=-1"),
    "all grids": (grid([{"C": [-1]}, {"C": [-2]}]), "C=-1"),
    "of every swapped step": (grid({"clf": [SVC(), SVC(C=2)], "clf__C": [-1]}, steps(clf=SVC())), "clf__C=-1"),
    "of all that are swapped in": (grid({"clf": [SVC(C=-1)]}, steps(clf=SVC())), "clf__C=-1"),
}


@pytest.mark.parametrize("kind", REFUSED)
def test_what_no_fit_could_have_is_refused(kind):
    """The parameter, its value, and scikit-learn's own words are said, in at most five lines."""
    estimator, said = REFUSED[kind]
    with pytest.raises(InputError, match=r"must be") as raised:
        check_values(estimator, NOTHING)
    assert said in str(raised.value)
    assert len(str(raised.value).splitlines()) <= 5


def test_some_values_of_a_persons_own_space():
    """scikit-learn would count these fits as failed, and go on: so does raysk, with a remark per parameter."""
    search = grid([{"C": [1, -1, -2], "kernel": ["rbf", "rfb"]}, {"C": [1]}])
    with pytest.warns(UserWarning, match=r"Fits with (C=-1|kernel='rfb') will fail") as heard:
        check_values(search, NOTHING)
    assert len(heard) == 2


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"space": ("kernel=rfb,linear",)}, "--space kernel=rfb,linear: The 'kernel' parameter of SVC must be a str"),
        ({"space": ("C=uniform:-3:-1",)}, "--space C=uniform:-3:-1: The 'C' parameter"),
        ({"set": ("kernel=lin",)}, "--set kernel='lin': The 'kernel' parameter of SVC must be a str"),
        ({"set_str": ("kernel=lin",)}, "--set kernel='lin': The 'kernel' parameter"),
    ],
)
def test_what_an_option_says_is_wrong_usage(options, said):
    """One bad value of --space is enough: it is a slip. What may be meant is named."""
    overrides = Overrides(**options)
    space = dict(map(parse_space, overrides.space))
    search = drawn(space or {"C": [1]})
    override_estimator(search.estimator, overrides)
    with pytest.raises(UsageError) as raised:
        check_values(search, overrides)
    assert str(raised.value).startswith(said)
    meant = {"kernel=rfb,linear": "rbf", "kernel=lin": "linear"}.get(next(iter(options.values()))[0])
    assert meant is None or str(raised.value).endswith(f"Did you mean {meant}?")


def test_draws_leave_the_persons_generators_alone():
    """Neither numpy's global one, nor that of a distribution, is moved."""
    own = stats.uniform(1, 2)
    own.random_state = np.random.RandomState(5)
    np.random.seed(3)  # noqa: NPY002
    check_values(drawn({"C": own, "gamma": Loose()}, random_state=np.random.RandomState(0)), NOTHING)
    assert np.random.random() == np.random.RandomState(3).random()  # noqa: NPY002
    assert own.rvs() == stats.uniform(1, 2).rvs(random_state=np.random.RandomState(5))


def test_whoever_has_turned_validation_off_has_it_off():
    """As scikit-learn's own setting says."""
    with sklearn.config_context(skip_parameter_validation=True):
        check_values(SVC(C=-1), NOTHING)


def test_a_long_list_is_looked_at_quickly():
    """At the ends at least."""
    with pytest.warns(UserWarning, match="C=-1"):
        check_values(grid({"C": [*range(1, 300_000), -1]}), NOTHING)
