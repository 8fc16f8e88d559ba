"""Predictions are written part by part, and read back as they were."""

import io
import json

import numpy as np
import pandas as pd
import pytest
from sklearn.compose import make_column_transformer
from sklearn.datasets import load_iris
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LinearRegression
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from sklearn.svm import SVC

from raysk.errors import InputError
from raysk.plans.prediction import here
from raysk.results import predictions
from raysk.results.predictions import prediction_parts
from raysk.results.writers import WRITERS, Part

X, y = load_iris(return_X_y=True)
LABELS = np.array(["setosa", "versi, color", 'the "third"'])[y]
IDS = np.array([f"{number:03}" for number in range(len(X))])


class Pipe:
    """A file without a position, as a pipe is."""

    def __init__(self):
        self.content, self.writes = b"", 0

    def write(self, content):  # noqa: D102
        self.content += bytes(content)
        self.writes += 1
        return len(content)


def blocks(ids=None):
    """Yield four blocks of the iris."""
    for start in range(0, len(X), 40):
        yield X[start : start + 40], None if ids is None else ids[start : start + 40]


def written(model, method, form, ids=None):
    """Return what a writer writes of the predictions of all rows."""
    pipe = Pipe()
    WRITERS[form](
        prediction_parts(model, method, here(model, method, blocks(ids)), None if ids is None else "row"), pipe
    )
    return pipe.content


READERS = {
    "csv": lambda content: pd.read_csv(io.BytesIO(content), dtype={"row": str}),
    "jsonl": lambda content: pd.DataFrame([json.loads(line) for line in content.splitlines()]),
    "parquet": lambda content: pd.read_parquet(io.BytesIO(content)),
}


@pytest.mark.parametrize("form", READERS)
@pytest.mark.parametrize("method", ["predict", "decision_function"])
def test_tables_read_back(form, method):
    """Labels and numbers read back as they were, to the last bit, beside ids as they stand."""
    model = SVC().fit(X, LABELS)
    table = READERS[form](written(model, method, form, IDS))
    assert table["row"].tolist() == IDS.tolist()
    values = table.drop(columns="row").to_numpy()
    assert np.array_equal(values[:, 0] if method == "predict" else values, getattr(model, method)(X))


@pytest.mark.parametrize(
    ("model", "method"), [(SVC(), "predict"), (SVC(), "decision_function"), (StandardScaler(), "transform")]
)
@pytest.mark.parametrize("labels", [y, LABELS], ids=["numbers", "text"])
def test_npy_is_the_array(model, method, labels):
    """An .npy file holds what the method returns for all rows: shape, type and values."""
    model.fit(X, labels)
    array = np.load(io.BytesIO(written(model, method, "npy")), allow_pickle=False)
    expected = np.asarray(getattr(model, method)(X))
    assert (array.dtype, array.shape) == (expected.dtype, expected.shape)
    assert np.array_equal(array, expected)


def test_npy_holds_no_objects():
    """Objects would need a pickle: they are refused, with formats that hold them."""
    model = SVC().fit(X, LABELS.astype(object))
    with pytest.raises(InputError, match="csv"):
        written(model, "predict", "npy")


def test_numbers_without_value():
    """NaN is null in JSON, nan in CSV."""
    stream = [Part({"prediction": np.array([1.0, np.nan])})]
    for form, expected in {"jsonl": b'{"prediction": null}', "csv": b"nan"}.items():
        pipe = Pipe()
        WRITERS[form](stream, pipe)
        assert pipe.content.splitlines()[-1] == expected


def test_written_as_it_comes():
    """CSV and JSON lines are written a part at a time, the header once."""
    for form in ("csv", "jsonl"):
        pipe = Pipe()
        WRITERS[form](prediction_parts(SVC().fit(X, y), "predict", here(SVC().fit(X, y), "predict", blocks())), pipe)
        assert pipe.writes == 4
        assert len(pipe.content.splitlines()) == len(X) + (form == "csv")


def header(model, method, rows=X):
    """Return the names of the columns."""
    return list(next(prediction_parts(model, method, here(model, method, [(rows, None)]))).columns)


class TestNames:
    def test_classes(self):
        """Columns of probabilities and decisions are named by the class."""
        model = RandomForestClassifier(3).fit(X, LABELS)
        assert header(model, "predict_proba") == [f"proba_{name}" for name in model.classes_]
        assert header(SVC().fit(X, y), "decision_function") == ["decision_0", "decision_1", "decision_2"]

    def test_a_single_column(self):
        """A single column has the method's word."""
        two = SVC().fit(X[:100], y[:100])
        assert header(two, "predict") == ["prediction"]
        assert header(two, "decision_function") == ["decision"]

    def test_pairs_of_classes(self):
        """Decisions that are not one per class are numbered."""
        labels = np.arange(150) % 5
        model = SVC(decision_function_shape="ovo").fit(X, labels)
        assert header(model, "decision_function") == [f"decision_{number}" for number in range(10)]

    def test_several_outputs(self):
        """Several outputs are numbered; their classes follow."""
        model = RandomForestClassifier(3).fit(X, np.c_[y, y > 0])
        assert header(model, "predict") == ["prediction_0", "prediction_1"]
        assert header(model, "predict_proba") == ["proba_0_0", "proba_0_1", "proba_0_2", "proba_1_0", "proba_1_1"]
        assert header(LinearRegression().fit(X, np.c_[y, y]), "predict") == ["prediction_0", "prediction_1"]

    def test_a_transformers_own(self):
        """A transformer names its columns itself."""
        table = pd.DataFrame(X, columns=list("abcd"))
        assert header(StandardScaler().fit(table), "transform", table) == list("abcd")

    def test_frames(self):
        """A transformer that returns frames has its columns written one by one, each with its type."""
        table = pd.DataFrame({"a": [1.5, 2.5], "b": ["x", "y"]})
        chosen = make_column_transformer(("passthrough", ["b", "a"]), verbose_feature_names_out=False)
        chosen.set_output(transform="pandas").fit(table)
        pipe = Pipe()
        WRITERS["csv"](prediction_parts(chosen, "transform", here(chosen, "transform", [(table, None)])), pipe)
        assert pipe.content == b"b,a\nx,1.5\ny,2.5\n"

    def test_a_series(self):
        """A person's model may return a Series."""
        pipe = Pipe()
        WRITERS["csv"](prediction_parts(None, "predict", [(None, pd.Series([1.5, 2.5], name="p"))]), pipe)
        assert pipe.content == b"prediction\n1.5\n2.5\n"

    def test_ids_with_the_name_of_a_column(self):
        """Ids that would be taken for the prediction are refused."""
        model = SVC().fit(X, y)
        with pytest.raises(InputError, match="'prediction'"):
            list(prediction_parts(model, "predict", here(model, "predict", blocks(IDS)), "prediction"))


def test_sparse_output(monkeypatch):
    """What a transformer gives as a sparse matrix is written dense, a few rows at a time."""
    monkeypatch.setattr(predictions, "DENSE_BYTES", 10_000)
    model = OneHotEncoder().fit(X)
    some = list(prediction_parts(model, "transform", here(model, "transform", [(X, IDS)]), "row"))
    dense = [np.column_stack(list(part.columns.values())[1:]) for part in some]
    assert len(some) > 1
    assert max(piece.nbytes for piece in dense) <= 10_000
    assert np.array_equal(np.concatenate(dense), model.transform(X).toarray())
    assert np.array_equal(np.concatenate([part.columns["row"] for part in some]), IDS)
