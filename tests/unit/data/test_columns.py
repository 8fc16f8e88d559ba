"""Columns -> X, y, groups, weights: which are which, and what they become for which estimator."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from sklearn.base import BaseEstimator
from sklearn.cluster import KMeans
from sklearn.compose import make_column_transformer
from sklearn.decomposition import PCA
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier, VotingClassifier
from sklearn.feature_extraction import DictVectorizer
from sklearn.feature_extraction.text import CountVectorizer, TfidfVectorizer
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline, make_union
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, StandardScaler
from sklearn.svm import SVC

from raysk.data.reading import Columns, Features, id_values, recorded_features, split
from raysk.data.requirements import chooses_columns, needs_target, refuses_text, takes_documents
from raysk.data.table import Table
from raysk.errors import InputError, UsageError

FRAME = pd.DataFrame(
    {
        "id": ["007", "008", "009"],
        "age": [30, 40, 50],
        "pay": [1.5, 2.5, 3.5],
        "city": ["Bonn", "Köln", "Bonn"],
        "a,b": [7, 8, 9],
        "left": ["yes", "no", "yes"],
    }
)
TABLE = Table(values=FRAME, names=tuple(FRAME), label="t.csv")
ARRAY = Table(values=np.arange(12.0).reshape(3, 4), label="t.npy")


def parts(*, table=TABLE, estimator=None, as_frame=False, **columns):
    """Split a table."""
    return split(table, Columns(**columns), estimator=estimator, as_frame=as_frame)


# --- which columns


@pytest.mark.parametrize("target", [("left",), ("5",), ("-1",)])
def test_target_by_name_and_index(target):
    """A column is named, or counted from either end."""
    data = parts(target=target)
    assert data.y.tolist() == ["yes", "no", "yes"]
    assert data.y.dtype == "<U3"
    assert data.target_names == ("left",)
    assert data.feature_names == ("id", "age", "pay", "city", "a,b")


def test_the_target_of_an_earlier_run():
    """It is y where nothing else is, the table has it, and it has no other role; that nobody named it is known."""
    data = parts(earlier_target=("left",), estimator=LogisticRegression(), features=("age",))
    assert (data.target_names, data.target_is_earlier) == (("left",), True)
    assert "left" not in parts(earlier_target=("left",)).feature_names
    named = parts(earlier_target=("left",), target=("age",))
    assert (named.target_names, named.target_is_earlier) == (("age",), False)
    for other in ({"drop": ("left",)}, {"features": ("age", "left")}, {"groups": "left"}):
        assert parts(earlier_target=("left",), **other).y is None
    assert parts(earlier_target=("left", "gone")).y is None
    beside = Table(values=FRAME, names=tuple(FRAME), beside={"y": np.arange(3)})
    assert parts(table=beside, earlier_target=("left",)).y.tolist() == [0, 1, 2]
    with pytest.raises(InputError, match=r"\nThe run's was gone, which it does not have\.\nName it: -y COLUMN\."):
        parts(earlier_target=("gone",), estimator=LogisticRegression())


@pytest.mark.parametrize("features", [("pay,age",), ("pay", "age"), ("2,1",), (" pay , 1 ",)])
def test_features_in_the_order_they_are_said(features):
    """Features come repeated or with commas, and in that order."""
    data = parts(features=features)
    assert data.feature_names == ("pay", "age")
    assert data.X.tolist() == [[1.5, 30], [2.5, 40], [3.5, 50]]


def test_a_name_with_a_comma():
    """A text that is a column's name as a whole is that column, beside others too."""
    assert parts(features=("a,b", "age")).feature_names == ("a,b", "age")


def test_names_win_over_indexes():
    """A column that is called 0 is meant by 0."""
    table = Table(values=pd.DataFrame({"1": [5], "0": [6]}), names=("1", "0"))
    assert parts(table=table, features=("0",)).X.tolist() == [[6]]


def test_what_is_something_else_is_no_feature():
    """Target, groups, weights, ids and what is dropped are no features, unless they are said to be."""
    told = {"target": ("left",), "groups": "city", "weight": "pay", "id_col": "id", "drop": ("a,b",)}
    data = parts(**told)
    assert data.feature_names == ("age",)
    assert sorted(data.fit_params) == ["groups", "sample_weight"]
    assert data.fit_params["groups"].tolist() == ["Bonn", "Köln", "Bonn"]
    assert data.fit_params["sample_weight"].tolist() == [1.5, 2.5, 3.5]
    assert parts(**told, features=("age", "pay")).feature_names == ("age", "pay")
    assert id_values(TABLE, Columns(**told)).tolist() == ["007", "008", "009"]


def test_several_targets():
    """Several targets make y a matrix: of numbers, or of texts where one is a text."""
    assert parts(target=("age,pay",), features=("a,b",)).y.tolist() == [[30, 1.5], [40, 2.5], [50, 3.5]]
    assert parts(target=("city", "pay"), features=("age",)).y.tolist()[1] == ["Köln", "2.5"]


def test_categories_of_numbers_are_numbers():
    """A target of categories is what the categories are."""
    frame = pd.DataFrame({"a": [1, 2], "n": pd.Categorical([5, 7]), "t": pd.Categorical(["x", "y"])})
    table = Table(values=frame, names=("a", "n", "t"))
    assert parts(table=table, target=("n",), features=("a",)).y.tolist() == [5, 7]
    assert parts(table=table, target=("t",), features=("a",)).y.tolist() == ["x", "y"]


def test_unusual_targets_are_scikit_learns_business():
    """Targets that are sparse, or lists of several lengths, are handed on as they are."""
    for y in ([[1], [1, 2], []], sparse.eye(3, format="csr")):
        assert parts(table=Table(values=ARRAY.values, beside={"y": y})).y is y


def test_unknown_columns():
    """An unknown column offers the nearest names; several are counted."""
    with pytest.raises(InputError, match=r"--target lft: t.csv has no column 'lft'.\nDid you mean left\?"):
        parts(target=("lft",))
    with pytest.raises(InputError, match="none of these columns: foo, bar"):
        parts(drop=("foo,bar",))
    with pytest.raises(InputError, match="4 columns without names"):
        parts(table=ARRAY, target=("left",))
    with pytest.raises(InputError, match="no column '9'"):
        parts(target=("9",))


def test_columns_that_contradict_each_other():
    """A column is not feature and target at once, and one option names one column."""
    with pytest.raises(UsageError, match="both name age"):
        parts(target=("age",), features=("age", "pay"))
    with pytest.raises(UsageError, match="--target age: age is a feature of the model"):
        parts(target=("age",), features=("age", "pay"), by_name=True)
    with pytest.raises(UsageError, match="--weight age,pay"):
        parts(weight="age,pay")


def test_what_came_beside_is_used_and_replaced():
    """Groups and y that came beside the table are used where no column is said."""
    table = Table(values=ARRAY.values, beside={"y": [1, 2, 3], "groups": [0, 0, 1], "verbose": True})
    data = parts(table=table)
    assert (data.y, data.fit_params) == ([1, 2, 3], {"groups": [0, 0, 1], "verbose": True})
    assert parts(table=table, target=("0",)).y.tolist() == [0, 4, 8]


# --- what X becomes


@pytest.mark.parametrize(
    ("dtypes", "common"),
    [
        ({"a": "int64", "b": "float32"}, "float64"),
        ({"a": "int8", "b": "int8"}, "int8"),
        ({"a": "bool", "b": "int64"}, "int64"),
        ({"a": "float32", "b": "float32"}, "float32"),
        ({"a": "Int64", "b": "Float32"}, "float64"),
    ],
)
def test_numbers_become_one_array(dtypes, common):
    """Columns of numbers become one C-contiguous array of the type that holds them all."""
    frame = pd.DataFrame({"a": [0, 1], "b": [1, 0]}).astype(dtypes)
    X = parts(table=Table(values=frame, names=("a", "b"))).X
    assert (X.dtype, X.tolist()) == (common, [[0, 1], [1, 0]])
    assert X.flags.c_contiguous


def test_nullable_numbers():
    """What is missing in pandas' own types is NaN."""
    frame = pd.DataFrame({"a": pd.array([1, None], dtype="Int64"), "b": [1.0, 2.0]})
    assert np.isnan(parts(table=Table(values=frame, names=("a", "b"))).X[1, 0])


def test_a_mixed_table_stays_a_frame():
    """Text beside numbers stays a DataFrame, as does anything with --as-frame."""
    assert list(parts(features=("age", "city")).X.columns) == ["age", "city"]
    assert isinstance(parts(features=("age",), as_frame=True).X, pd.DataFrame)
    named = Table(values=ARRAY.values, names=("a", "b", "c", "d"))
    assert list(parts(table=named, as_frame=True, drop=("c",)).X.columns) == ["a", "b", "d"]


def test_what_the_person_made_stays_as_they_made_it():
    """A DataFrame of the person's own code stays one."""
    table = Table(values=FRAME[["age", "pay"]], names=("age", "pay"), as_made=True)
    assert isinstance(parts(table=table).X, pd.DataFrame)


def test_a_column_transformer_gets_names():
    """An estimator that chooses columns gets a DataFrame, also deep within a search."""
    pipeline = make_pipeline(make_column_transformer((StandardScaler(), ["age"])), Ridge())
    for estimator in (pipeline, GridSearchCV(pipeline, {})):
        assert chooses_columns(estimator)
        X = parts(features=("age", "pay"), target=("a,b",), estimator=estimator).X
        assert list(X.columns) == ["age", "pay"]
    assert not chooses_columns(SVC())


@pytest.mark.parametrize(
    "estimator",
    [
        TfidfVectorizer(),
        make_pipeline(DictVectorizer(), LogisticRegression()),
        make_pipeline(CountVectorizer(), LogisticRegression()),
        GridSearchCV(make_pipeline(make_union(TfidfVectorizer(), CountVectorizer()), LogisticRegression()), {}),
    ],
)
def test_a_vectorizer_gets_documents(estimator):
    """One column of texts is a sequence of texts for an estimator that takes documents."""
    assert takes_documents(estimator)
    X = parts(features=("city",), target=("left",), estimator=estimator).X
    assert list(X) == ["Bonn", "Köln", "Bonn"]
    assert X.ndim == 1


def test_sparse_features():
    """Columns of a sparse matrix stay sparse; its target is dense."""
    table = Table(values=sparse.eye(4, format="csr"))
    data = parts(table=table, target=("1",), weight="0")
    assert data.X.shape == (4, 2)
    assert data.y.tolist() == [0, 1, 0, 0]
    assert data.fit_params["sample_weight"].tolist() == [1, 0, 0, 0]


# --- what an estimator wants


@pytest.mark.parametrize(
    ("estimator", "certain"),
    [
        (SVC(), True),
        (RandomForestClassifier(), True),
        (make_pipeline(StandardScaler(), SVC()), True),
        (GridSearchCV(SVC(), {"C": [1]}), True),
        (KMeans(), True),
        (make_pipeline("passthrough", SVC()), True),
        (SVC(kernel=lambda a, b: a @ b.T), False),
        (VotingClassifier([("a", SVC())]), False),
        (make_pipeline(OneHotEncoder(), SVC()), False),
        (make_pipeline(SimpleImputer(), SVC()), False),
        (make_pipeline(FunctionTransformer(), SVC()), False),
        (make_pipeline(make_column_transformer((OneHotEncoder(), ["city"])), SVC()), False),
        (BaseEstimator(), False),
    ],
)
def test_who_takes_numbers_only(estimator, certain):
    """Text is refused only where it is certain that scikit-learn would refuse it."""
    assert refuses_text(estimator) is certain
    if certain:
        with pytest.raises(InputError, match="'city' holds 'Bonn' in row 1"):
            parts(features=("age", "city"), target=("left",), estimator=estimator)
    else:
        parts(features=("age", "city"), target=("left",), estimator=estimator)


@pytest.mark.parametrize(
    ("estimator", "required"),
    [
        (SVC(), True),
        (make_pipeline(StandardScaler(), SVC()), True),
        (GridSearchCV(make_pipeline(PCA(), Ridge()), {}), True),
        (KMeans(), False),
        (make_pipeline(StandardScaler(), KMeans()), False),
        (BaseEstimator(), False),
    ],
)
def test_who_needs_a_target(estimator, required):
    """A missing target is refused where the last step learns from one, and names the columns."""
    assert needs_target(estimator) is required
    if required:
        with pytest.raises(InputError, match=r"-y COLUMN\. The columns are: id, age, pay"):
            parts(features=("age",), estimator=estimator)
    else:
        assert parts(features=("age",), estimator=estimator).y is None


def test_infinite_values_are_named_by_the_tables_index():
    """Without names, the index is that of the table, not that of X."""
    table = Table(values=np.array([[1, 2, 3], [4, 5, np.inf]]), label="t.npy")
    with pytest.raises(InputError, match="column '2' holds an infinite value in row 2"):
        parts(table=table, target=("0",))


def test_infinite_values_of_a_sparse_matrix():
    """Column and row are those of the matrix, not of its stored values."""
    values = sparse.csr_matrix([[0, 1.0, 0], [0, 0, 0], [0, 0, np.inf]])
    with pytest.raises(InputError, match="column '2' holds an infinite value in row 3"):
        parts(table=Table(values=values))


def test_infinite_values_in_pandas_own_types():
    """Infinite values are found beside missing ones, in a DataFrame too."""
    frame = pd.DataFrame({"a": pd.array([1.0, None, np.inf], dtype="Float64"), "b": ["x", "y", "z"]})
    with pytest.raises(InputError, match="column 'a' holds an infinite value in row 3"):
        parts(table=Table(values=frame, names=("a", "b")))


def test_categories_are_for_the_estimator_to_judge():
    """Categories are no text, and neither are numbers among objects."""
    frame = pd.DataFrame({"a": pd.Categorical(["x", "y"]), "b": np.array([1, 2.5], dtype=object), "y": [0, 1]})
    table = Table(values=frame, names=("a", "b", "y"))
    assert parts(table=table, target=("y",), estimator=HistGradientBoostingClassifier()).X.shape == (2, 2)


def test_missing_values_in_x_are_scikit_learns_business():
    """Some estimators take NaN in X."""
    table = Table(values=np.array([[1.0, np.nan], [3.0, 4.0]]))
    assert np.isnan(parts(table=table).X).any()


# --- the features of a fitted model


def sidecar(data):
    """Return what a model's sidecar says of the data it was fitted on."""
    from raysk.models.data_facts import data_facts

    facts = data_facts(data.X, data.y, feature_names=data.feature_names, target_names=data.target_names)
    return {"data": facts}


def test_a_model_remembers_names_and_types():
    """Names and types of the features are in the sidecar, whether X is an array or a DataFrame."""
    features = recorded_features(sidecar(parts(features=("pay", "age"))))
    assert features == Features(
        names=("pay", "age"), dtypes={"pay": "float64", "age": "float64"}, as_frame=False, count=2
    )
    features = recorded_features(sidecar(parts(features=("city", "age"), target=("left",))))
    assert features.as_frame
    assert (features.names, features.dtypes["age"]) == (("city", "age"), "int64")
    assert recorded_features(None) is None
    assert recorded_features({"data": None}) is None


def test_features_are_found_by_name():
    """Other columns in another order give the same X, without a target."""
    features = recorded_features(sidecar(parts(features=("pay", "age"), target=("left",))))
    shuffled = FRAME[["age", "left", "city", "pay"]]
    data = features.split(Table(values=shuffled, names=tuple(shuffled)), Columns(), SVC())
    assert data.X.tolist() == parts(features=("pay", "age")).X.tolist()
    assert data.y is None


def test_missing_features_are_named():
    """A table that lacks features is refused, naming them; a number is no index here."""
    features = Features(names=("pay", "age", "0"), dtypes={}, as_frame=False)
    frame = FRAME[["pay", "left"]]
    with pytest.raises(InputError, match="none of these columns: age, 0"):
        features.split(Table(values=frame, names=tuple(frame)), Columns())


def test_features_without_names():
    """An array's columns are taken in their order if there are as many as the model knows."""
    features = Features(names=("a", "b", "c"), dtypes={}, as_frame=True)
    X = features.split(ARRAY, Columns(target=("0",))).X
    assert list(X.columns) == ["a", "b", "c"]
    with pytest.raises(InputError, match="4 columns for features"):
        features.split(ARRAY, Columns())
    nameless = Features(names=None, dtypes={}, as_frame=False)
    assert nameless.split(TABLE, Columns(features=("age",)), None).X.tolist() == [[30], [40], [50]]


def test_sparse_features_get_their_last_columns():
    """A sparse file does not tell of last columns without values; the model knows how many there are."""
    features = recorded_features({"data": {"X": {"shape": [10, 6], "dtype": "float64", "columns": None}}})
    assert features.split(Table(values=sparse.eye(4, format="csr")), Columns()).X.shape == (4, 6)
