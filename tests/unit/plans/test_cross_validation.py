"""Cross-validation on a pool without Ray: equal to scikit-learn's cross_validate, to the bit and the message."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from sklearn import config_context
from sklearn.datasets import make_classification
from sklearn.dummy import DummyClassifier
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.metrics import make_scorer, roc_auc_score
from sklearn.model_selection import GroupKFold, KFold, RepeatedStratifiedKFold, ShuffleSplit, cross_validate
from sklearn.svm import SVC

from raysk.searches.cross_validation import CrossValidation, Splits, fold_columns, fold_rows, scores_of

X, Y = make_classification(n_samples=90, n_features=6, flip_y=0.3, random_state=0)
WEIGHTS = np.linspace(0.1, 2, 90)
GROUPS = np.arange(90) % 6
MODEL = LogisticRegression()
FAILING = DummyClassifier(strategy="constant", constant=1)
"""Fails where no row that it is fitted on is of class 1."""

SOME_FAIL = [(np.flatnonzero(Y == 0), np.arange(20)), (np.arange(60), np.arange(60, 90)), (np.arange(50), [50, 51])]

pytestmark = pytest.mark.usefixtures("_one_thread")


def both(estimator, X, y):
    return {"right": float(estimator.score(X, y)), "size": len(X)}


def failing_score(estimator, X, y):
    if len(X) == 2:
        raise ValueError("two rows are too few")
    return float(estimator.score(X, y))


class Uncounted:
    """A splitter that does not know how many splits it draws."""

    def get_n_splits(self, *_):
        """Say what is not so."""
        return 7

    def split(self, X, *_, **__):
        """Draw two."""
        return KFold(2).split(X)


CASES = {
    "defaults": (MODEL, {}),
    "regressor": (Ridge(), {"cv": 4, "return_train_score": True}),
    "several metrics": (MODEL, {"cv": 3, "scoring": ["roc_auc", "accuracy"], "return_train_score": True}),
    "metrics by name": (MODEL, {"scoring": {"auc": make_scorer(roc_auc_score), "b": "f1"}}),
    "a function": (MODEL, {"scoring": both, "cv": 3, "return_train_score": True}),
    "weights": (MODEL, {"params": {"sample_weight": WEIGHTS}, "cv": 3, "scoring": "accuracy"}),
    "groups": (MODEL, {"groups": GROUPS, "cv": GroupKFold(3)}),
    "a splitter": (SVC(), {"cv": ShuffleSplit(4, random_state=1)}),
    "repeats": (SVC(), {"cv": RepeatedStratifiedKFold(n_splits=3, n_repeats=2, random_state=0)}),
    "an uncounted splitter": (MODEL, {"cv": Uncounted()}),
    "some fits fail": (FAILING, {"cv": SOME_FAIL, "return_train_score": True}),
    "some fits fail, several metrics": (FAILING, {"cv": SOME_FAIL, "scoring": ["accuracy", "f1"]}),
    "some fits fail, a function": (FAILING, {"cv": SOME_FAIL, "scoring": both}),
    "some fits fail, a number instead": (FAILING, {"cv": SOME_FAIL, "error_score": -1}),
    "a score fails": (MODEL, {"cv": SOME_FAIL[1:], "scoring": failing_score}),
}


def heard(run):
    """Return what a call returns, or raises, and the messages of its warnings."""
    with warnings.catch_warnings(record=True) as every:
        warnings.simplefilter("always")
        try:
            found = run()
        except Exception as error:  # noqa: BLE001 - it is compared
            found = error
    return found, sorted({str(each.message).split("\n  File")[0] for each in every})


def validate(fit_on_threads, estimator, *, params=None, groups=None, cv=None, **said):
    fit_params = {**(params or {}), **({} if groups is None else {"groups": groups})}
    splits = Splits(cv, classifier=not isinstance(estimator, Ridge))
    search = CrossValidation(estimator, cv=splits, **said)
    return fit_on_threads(search, X, Y, fit_params, workers=1)  # threads mix up the filters of warnings


def assert_same(ours, theirs):
    assert list(ours) == list(theirs)
    for name, values in theirs.items():
        if not name.endswith("_time"):
            assert type(ours[name]) is type(values)
            np.testing.assert_array_equal(ours[name], values)
            assert np.asarray(ours[name]).dtype == np.asarray(values).dtype
        assert np.shape(ours[name]) == np.shape(values)


@pytest.mark.parametrize(("estimator", "said"), CASES.values(), ids=CASES)
def test_equals_scikit_learns(fit_on_threads, estimator, said):
    """Names, values and warnings are those of cross_validate."""
    theirs, warned = heard(lambda: cross_validate(estimator, X, Y, **said))
    ours, told = heard(lambda: validate(fit_on_threads, estimator, **said))
    assert_same(ours.results_, theirs)
    assert told == warned


@pytest.mark.parametrize(
    "said",
    [
        {"cv": SOME_FAIL, "error_score": "raise"},
        {"cv": SOME_FAIL[:1]},
        {"scoring": "no such"},
        {"cv": SOME_FAIL[1:], "scoring": failing_score, "error_score": "raise"},
    ],
    ids=["raise", "all fail", "no such metric", "a score fails"],
)
def test_what_scikit_learn_refuses_is_refused(fit_on_threads, said):
    """Errors are of the same type, or of one that is made of it."""
    theirs, _ = heard(lambda: cross_validate(FAILING, X, Y, **said))
    ours, _ = heard(lambda: validate(fit_on_threads, FAILING, **said))
    assert isinstance(theirs, Exception)
    assert isinstance(ours, ValueError), ours
    assert str(ours).split("\n", maxsplit=1)[0].replace("CrossValidation", "cross_validate") in str(theirs)


def test_estimators_and_routed_weights(fit_on_threads):
    """Fitted estimators come back; with metadata routing, weights go where they are asked for."""
    theirs = cross_validate(MODEL, X, Y, cv=3, return_estimator=True)["estimator"]
    ours = validate(fit_on_threads, MODEL, cv=3, return_estimator=True).results_["estimator"]
    assert [type(each) for each in ours] == [LogisticRegression] * 3
    assert all(np.array_equal(a.coef_, b.coef_) for a, b in zip(ours, theirs, strict=True))
    with config_context(enable_metadata_routing=True):
        model = LogisticRegression().set_fit_request(sample_weight=True).set_score_request(sample_weight=True)
        said = {"params": {"sample_weight": WEIGHTS, "groups": GROUPS}, "cv": GroupKFold(3)}
        assert_same(validate(fit_on_threads, model, **said).results_, cross_validate(model, X, Y, **said))


def test_folds_as_rows(fit_on_threads):
    """A row a fold has its scores and why it failed; scores are means over all folds."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        search = validate(fit_on_threads, FAILING, cv=SOME_FAIL, error_score=0.0)
    rows = fold_rows(search)
    assert [row["fold"] for row in rows] == [1, 2, 3]
    assert "constant target value" in rows[0]["error"]
    assert [row["error"] for row in rows[1:]] == [None, None]
    assert scores_of(search) == {
        "test_score": {"mean": search.results_["test_score"].mean(), "std": search.results_["test_score"].std()}
    }
    assert list(fold_columns(search)) == ["fold", "test_score", "fit_time", "score_time", "error"]
    search.repeats = 3
    assert [(row["fold"], row["repeat"]) for row in fold_rows(search)] == [(1, 1), (1, 2), (1, 3)]
