"""What can be known before a fit is said before a fit; and nothing that scikit-learn could fit is refused."""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
import pytest
import scipy.sparse
from sklearn.base import clone
from sklearn.compose import TransformedTargetRegressor, make_column_transformer
from sklearn.datasets import make_classification
from sklearn.ensemble import BaggingClassifier
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline, make_union
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC
from sklearn.utils import all_estimators

from raysk.jobs import Data
from raysk.spec.unsuitable import Seen, refusal

def made():
    """Return one of each of scikit-learn's estimators that can be made without arguments."""
    found = []
    for name, kind in all_estimators():
        try:
            found.append((name, kind()))
        except TypeError:
            continue
    return found


OTHERS = {
    "neighbours over what is there": KNeighborsClassifier(metric="nan_euclidean"),
    "a missing number": SimpleImputer(missing_values=-1),
    "imputed": make_pipeline(SimpleImputer(), LogisticRegression()),
    "scaled": make_pipeline(StandardScaler(), LogisticRegression()),
    "a union": make_pipeline(make_union(SimpleImputer(), StandardScaler()), LogisticRegression()),
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
    except Exception:
        return True
    return False


@pytest.mark.parametrize("kind", DATA)
def test_nothing_is_refused_that_scikit_learn_would_fit(kind):
    """Each of its estimators, with each kind of data: whoever is refused fails when it is fitted."""
    data = Data(X=DATA[kind][0], y=DATA[kind][1])
    refused = [(name, each) for name, each in MADE if refusal(each, Seen(data)) is not None]
    print(kind, len(refused))
    assert [name for name, each in refused if not fails(each, data.X, data.y)] == []
