"""What can be known before a fit is said before a fit; and nothing that scikit-learn could fit is refused."""

from __future__ import annotations

import contextlib
import warnings

import numpy as np
import pandas as pd
import pytest
import scipy.sparse
from sklearn.base import clone
from sklearn.compose import TransformedTargetRegressor, make_column_transformer
from sklearn.datasets import make_classification
from sklearn.ensemble import BaggingClassifier
from sklearn.feature_extraction.text import HashingVectorizer, TfidfVectorizer
from sklearn.feature_selection import VarianceThreshold
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.metrics import f1_score, get_scorer, get_scorer_names, make_scorer
from sklearn.model_selection import GridSearchCV, TimeSeriesSplit
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import Pipeline, make_pipeline, make_union
from sklearn.preprocessing import (
    MaxAbsScaler,
    MinMaxScaler,
    PowerTransformer,
    QuantileTransformer,
    RobustScaler,
    StandardScaler,
)
from sklearn.svm import SVC
from sklearn.tree import DecisionTreeClassifier
from sklearn.utils import all_estimators

from raysk.errors import InputError, UsageError
from raysk.jobs import Data, FitJob, SearchJob
from raysk.request.before_fit import check_job
from raysk.request.data_checks import InspectedData, explain_refusal
from raysk.request.scoring_checks import check_scoring


def made():
    """Return one of each of scikit-learn's estimators that can be made without arguments."""
    found = []
    for name, kind in all_estimators():
        with contextlib.suppress(TypeError):
            found.append((name, kind()))
    return found


OTHERS = {
    "neighbours over what is there": KNeighborsClassifier(metric="nan_euclidean"),
    "a missing number": SimpleImputer(missing_values=-1),
    "imputed": make_pipeline(SimpleImputer(), LogisticRegression()),
    "scaled": make_pipeline(StandardScaler(), LogisticRegression()),
    "a union": make_pipeline(make_union(SimpleImputer(), StandardScaler()), LogisticRegression()),
    "scaled twice": make_pipeline(make_pipeline(MinMaxScaler(), RobustScaler()), "passthrough", SVC()),
    "scaled for trees": make_pipeline(StandardScaler(), DecisionTreeClassifier()),
    "scaled, then imputed": make_pipeline(MaxAbsScaler(), SimpleImputer(), SVC()),
    "ranks": make_pipeline(QuantileTransformer(n_quantiles=9), KNeighborsClassifier()),
    "powers": make_pipeline(PowerTransformer(), Ridge()),
    "without what varies little": make_pipeline(VarianceThreshold(), SVC()),
    "hashed words": make_pipeline(HashingVectorizer(), LogisticRegression()),
    "words alone": HashingVectorizer(),
    "columns": make_pipeline(make_column_transformer((SimpleImputer(), [1])), LogisticRegression()),
    "passed through": make_pipeline("passthrough", SVC()),
    "a kernel": SVC(kernel=lambda A, B: np.nan_to_num(A) @ np.nan_to_num(B).T),
    "words": make_pipeline(TfidfVectorizer(), LogisticRegression()),
    "own words": TfidfVectorizer(analyzer=str),
    "another target": TransformedTargetRegressor(Ridge(), func=np.nan_to_num, check_inverse=False),
    "bagged": BaggingClassifier(),
}
MADE = [*made(), *OTHERS.items()]
X, Y = make_classification(60, 5, random_state=0)
X = np.abs(X)


def put(value, kind=float):
    changed = X.astype(kind)
    changed[3, 1] = value
    return changed


DATA = {
    "numbers": (X, Y),
    "a missing value": (put(np.nan), Y),
    "an infinite value": (put(np.inf), Y),
    "float32": (put(np.nan).astype(np.float32), Y),
    "a word": (put("red", object), Y),
    "numbers as text": (put("1.5", object), Y),
    "None": (put(None, object), Y),
    "a frame": (pd.DataFrame(put(np.nan), columns=list("abcde")), Y),
    "a frame with a word": (pd.DataFrame(X).assign(word="red"), Y),
    "a sparse matrix": (scipy.sparse.csr_matrix(put(np.nan)), Y),
    "one dimension": (X[:, 0], Y),
    "three dimensions": (X[:, :, None], Y),
    "texts": (np.array(["red blue", "blue"] * 30, dtype=object), Y),
    "a frame of texts": (pd.DataFrame({"a": ["red blue", "blue"] * 30, "b": ["x y", "y"] * 30}), Y),
    "texts, one missing": (np.array(["red blue", "blue", None] * 20, dtype=object), Y),
    "a series of texts": (pd.Series(["red blue", "blue"] * 30), Y),
    "whole numbers": ((X * 10).astype(int), Y),
    "pandas' numbers": (pd.DataFrame((X * 10).astype(int)).astype("Int64").mask(X > 2), Y),
    "categories": (pd.DataFrame({"a": pd.Categorical(["x", "y"] * 30), "b": X[:, 0]}), Y),
    "dates": (pd.DataFrame({"a": pd.date_range("2020", periods=60)}), Y),
    "a list": (X.tolist(), Y.tolist()),
    "no target": (X, None),
    "a measured target": (X, X[:, 0]),
    "a target of names": (X, np.where(Y > 0, "yes", "no")),
    "a missing target": (X, np.where(Y > 0, 1.0, np.nan)),
    "an infinite target": (X, np.where(Y > 0, 1.0, np.inf)),
    "two targets": (X, np.column_stack([Y, 1 - Y])),
    "two measured targets": (X, X[:, :2]),
}


def fails(estimator, X, y):
    """Tell whether scikit-learn refuses to fit."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            clone(estimator).fit(X, y)
    except Exception:  # noqa: BLE001 - whatever it is
        return True
    return False


@pytest.mark.parametrize("kind", DATA)
def test_nothing_is_refused_that_scikit_learn_would_fit(kind):
    """Each of its estimators, with each kind of data: whoever is refused fails when it is fitted."""
    data = Data(X=DATA[kind][0], y=DATA[kind][1])
    refused = [(name, each) for name, each in MADE if explain_refusal(each, InspectedData(data)) is not None]
    assert [name for name, each in refused if not fails(each, data.X, data.y)] == []


# --- what is said


def said_of(estimator, data):
    """Return what a refusal says."""
    with pytest.raises(InputError) as raised:
        check_job(FitJob(estimator=estimator, data=data, source="m.py"))
    assert len(str(raised.value).splitlines()) <= 5
    return str(raised.value)


def test_the_cell_is_named_and_the_way_out():
    """Column, row and how many there are; SimpleImputer, and for what predicts trees that take it as it is."""
    frame = pd.DataFrame(X, columns=["age", "height", "b", "c", "d"])
    frame.loc[[3, 8], "height"] = np.nan
    frame.loc[5, "d"] = np.nan
    text = said_of(make_pipeline(StandardScaler(), LogisticRegression()), Data(X=frame, y=Y, source="people.csv"))
    assert text.startswith("people.csv: column 'height' has no value in row 4 and 1 more, and LogisticRegression takes")
    assert "same with d." in text
    assert "SimpleImputer" in text
    assert "HistGradientBoostingClassifier" in text
    named = Data(X=put(np.nan), y=X[:, 0], feature_names=("v", "w", "x", "y", "z"))
    assert "column 'w'" in (text := said_of(Ridge(), named))
    assert "HistGradientBoostingRegressor" in text
    sparse = Data(X=scipy.sparse.csr_matrix(put(np.nan)), y=Y)
    assert "column '1' has no value in row 4," in said_of(SVC(), sparse)
    infinite = said_of(SVC(), Data(X=put(np.inf), y=Y))
    assert "column '1' holds an infinite value in row 4," in infinite


def test_a_text_pipeline_on_a_table():
    """Of seven columns it would read the names: one has to be named."""
    table = pd.DataFrame({"id": range(60), "title": ["a b", "b c"] * 30, "body": ["c", "d"] * 30})
    words = OTHERS["words"]
    text = said_of(words, Data(X=table, y=Y, source="posts.csv", given=True))
    assert "takes one column of texts, and X has 3, of which title, body hold text" in text
    assert "--features title" in text
    assert "X = X['title']" in said_of(words, Data(X=table, y=Y))
    assert "no text in row 3 and 19 more" in said_of(words, Data(X=DATA["texts, one missing"][0], y=Y))


def test_a_target_that_is_not_there():
    """It is asked for where it can be said."""
    assert "--target" in said_of(SVC(), Data(X=X, source="t.csv", given=True))
    assert "Name it y" in said_of(make_pipeline(StandardScaler(), SVC()), Data(X=X))
    assert "takes classes, not measured" in said_of(SVC(), Data(X=X, y=X[:, 0]))
    assert "y has no value in " in said_of(Ridge(), Data(X=X, y=DATA["a missing target"][1]))


def test_the_wrong_number_of_dimensions():
    """scikit-learn's advice stays: reshape."""
    assert "X.reshape(-1, 1)" in said_of(SVC(), Data(X=X[:, 0], y=Y))
    assert "X.reshape(len(X), -1)" in said_of(SVC(), Data(X=X[:, :, None], y=Y))
    assert "TfidfVectorizer()" in said_of(SVC(), Data(X=DATA["texts"][0], y=Y))


# --- a search


def search_job(search, X=X, y=Y, **more):
    return SearchJob(search=search, data=Data(X=X, y=y), source="s.py", **more)


IMPUTED = Pipeline([("first", SimpleImputer()), ("clf", LogisticRegression())])
PASSED = {
    "swapped in": GridSearchCV(
        clone(IMPUTED).set_params(first="passthrough"), {"first": ["passthrough", SimpleImputer()]}
    ),
    "one metric takes it": GridSearchCV(
        KNeighborsClassifier(), {"metric": ["l2", "nan_euclidean"], "n_neighbors": [1]}
    ),
    "own splits and no refit": GridSearchCV(SVC(), {"C": [1]}, cv=[(range(10, 30), range(30, 60))], refit=False),
    "one of two grids": GridSearchCV(IMPUTED, [{"first": ["passthrough"]}, {"clf__C": [1]}]),
    "many combinations": GridSearchCV(
        KNeighborsClassifier(),
        {
            "metric": ["l1", "l2", "cosine", "nan_euclidean"],
            "weights": ["uniform", "distance"],
            "algorithm": ["auto", "brute", "kd_tree", "ball_tree"],
            "metric_params": [None, {}],
            "n_jobs": [None],
        },
    ),
}


@pytest.mark.parametrize("kind", PASSED)
def test_a_search_that_may_take_it_is_not_refused(kind):
    """If any of its candidates takes what is missing."""
    check_job(search_job(PASSED[kind], put(np.nan)))


def test_a_search_none_of_whose_candidates_takes_it():
    """Whatever is searched, the first step sees what is missing; the person's objects stay as they are."""
    clf = SVC()
    pipeline = Pipeline([("scale", StandardScaler()), ("clf", LogisticRegression())])
    search = GridSearchCV(pipeline, {"clf": [clf], "clf__C": [1, 10], "scale__with_mean": [True, False]})
    with pytest.raises(InputError, match="SVC takes no missing values"):
        check_job(search_job(search, put(np.nan)))
    assert clf.C == 1.0
    with pytest.raises(InputError, match="needs a target"):
        check_job(search_job(search, y=None))


# --- scorers


def fails_always(*_):
    raise ValueError


TEN = np.arange(60) % 10
SCORED = {
    "f1 of two": (SVC(), "f1", Y),
    "f1_macro of ten": (SVC(), "f1_macro", TEN),
    "roc_auc of two names": (SVC(), "roc_auc", np.where(Y, "yes", "no")),
    "every class in one row": (SVC(), "f1", np.arange(60)),
    "one class": (SVC(), "f1", np.zeros(60)),
    "a regressor of classes": (Ridge(), "accuracy", TEN),
    "r2": (Ridge(), "r2", X[:, 0]),
    "one's own": (SVC(), make_scorer(fails_always), TEN),
    "a callable": (SVC(), fails_always, TEN),
    "none": (SVC(), None, TEN),
    "own splits": (SVC(), "f1", TEN),
    "two targets": (KNeighborsClassifier(), "f1", np.column_stack([Y, Y])),
    "no target": (SimpleImputer(), "r2", None),
}


@pytest.mark.parametrize("kind", SCORED)
def test_scorers_that_can_score(kind, recwarn):
    """Of what is not certain nothing is said."""
    estimator, scoring, y = SCORED[kind]
    cv = [(range(30), range(30, 60))] if kind == "own splits" else None
    check_job(search_job(GridSearchCV(estimator, {}, scoring=scoring, cv=cv), y=y))
    assert [str(each.message) for each in recwarn.list if each.category is UserWarning] == []


def is_refused(estimator, name, y):
    try:
        check_scoring(GridSearchCV(estimator, {}, scoring=name), y)
    except InputError:
        return True
    return False


def scores(fitted, name, y):
    with contextlib.suppress(ValueError, TypeError, AttributeError), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        get_scorer(name)(fitted, X, y)
        return True
    return False


def test_all_scorers_by_name_on_targets_that_they_are_for():
    """None of scikit-learn's is refused where a plain classifier or regressor gets a score."""
    for estimator, y in ((LogisticRegression(), Y), (LogisticRegression(), TEN), (Ridge(), X[:, 0] + 1)):
        fitted = clone(estimator).fit(X, y)
        for name in get_scorer_names():
            assert not is_refused(estimator, name, y) or not scores(fitted, name, y), name


@pytest.mark.parametrize(
    ("estimator", "scoring", "y", "said"),
    [
        (SVC(), "f1", TEN, "average='binary'"),
        (SVC(), "f1", np.where(Y, "yes", "no"), "pos_label=1"),
        (SVC(), ["f1"], TEN, "average='binary'"),
        (SVC(), {"a": "f1", "b": make_scorer(f1_score)}, TEN, "average='binary'"),
        (SVC(), make_scorer(f1_score), TEN, "average='binary'"),
        (Ridge(), "accuracy", X[:, 0], "continuous"),
        (Ridge(), "neg_mean_squared_log_error", -1.5 - X[:, 0], "values less than"),
    ],
)
def test_scorers_that_cannot(estimator, scoring, y, said):
    """In scikit-learn's own words; wrong usage if an option says it."""
    search = GridSearchCV(estimator, {}, scoring=scoring, refit=False)
    with pytest.raises(InputError, match=said):
        check_job(search_job(search, y=y))
    with pytest.raises(UsageError, match=r"^--scoring .*\n.*" + said):
        check_job(search_job(search, y=y, scoring_is_said=True))


def test_one_of_several_metrics():
    """It is a remark if another one decides, unless the person has just asked for it."""
    search = GridSearchCV(SVC(), {}, scoring=["accuracy", "f1"], refit="accuracy")
    with pytest.warns(UserWarning, match="f1 cannot score this y, and will be nan"):
        check_job(search_job(search, y=TEN))
    with pytest.raises(UsageError, match=r"--scoring f1: .*\n.*\n.*--scoring f1_macro"):
        check_job(search_job(search, y=TEN, scoring_is_said=True))
    search.refit = "f1"
    with pytest.raises(InputError, match="'f1' cannot score"):
        check_job(search_job(search, y=TEN))


HOLE = np.where(np.arange(60)[:, np.newaxis] == 0, np.nan, X[:60])
LATE = TimeSeriesSplit(3, max_train_size=10)


@pytest.mark.parametrize(
    "search",
    [
        GridSearchCV(LogisticRegression(), {"C": [1.0, 2.0]}, cv=LATE, refit=False),
        GridSearchCV(LogisticRegression(), {"C": [1.0, 2.0]}, error_score=0.0, refit=False),
        GridSearchCV(LogisticRegression(), {"C": [1.0]}, scoring="f1", refit=lambda _: 0, cv=LATE),
    ],
    ids=["splits that leave it out", "a score for failures", "a person chooses"],
)
def test_what_scikit_learn_brings_to_an_end(search):
    """A row that no split has, a score for fits that fail, and a choice by other means: nothing is refused."""
    hole = search.refit is False
    check_job(SearchJob(search=search, data=Data(X=HOLE if hole else X[:60], y=np.arange(60) % 3), source="s"))


def test_a_positive_class_that_is_not_known():
    """Of two classes that are texts f1 does not know which is meant: what to say instead is named."""
    with pytest.raises(UsageError, match="make y 0 and 1"):
        check_scoring(GridSearchCV(SVC(), {}, scoring="f1"), np.array(["no", "yes"] * 20), said=True)
