"""Models are saved by value, with a sidecar, and load anywhere."""

import gzip
import hashlib
import importlib.util
import io
import json
import os
import pickle
import subprocess
import sys
import threading
import warnings
from pathlib import Path

import cloudpickle
import joblib
import numpy as np
import pandas as pd
import polars as pl
import pytest
from scipy import sparse
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.datasets import load_iris
from sklearn.exceptions import InconsistentVersionWarning
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from raysk.errors import InputError, UsageError
from raysk.models.describe import describe_file
from raysk.models.formats import is_model
from raysk.models.imports import NoModel
from raysk.models.store import check_model, data_facts, load_model, read_sidecar, save_model

X, y = load_iris(return_X_y=True)

USER_FILE = """
from sklearn.base import BaseEstimator, ClassifierMixin

def shift(value):
    return value + 1

class Mine(ClassifierMixin, BaseEstimator):
    def fit(self, X, y):
        self.classes_ = sorted(set(y))
        return self

    def predict(self, X):
        return [shift(0)] * len(X)
"""

LOAD = """
import sys, pickle
model = pickle.load(open(sys.argv[1], "rb"))
assert model.predict([[0], [0]]) == [1, 1]
assert not {"raysk", "ray"} & set(sys.modules)
"""


def refused(call, *args):
    """Return the message of the InputError that a call raises, of at most five lines."""
    with pytest.raises(InputError) as caught:
        call(*args)
    assert len(str(caught.value).splitlines()) <= 5
    return str(caught.value)


def names(path):
    """Return the names in a folder, hidden ones too."""
    return sorted(file.name for file in path.iterdir())


@pytest.fixture
def fitted():
    return SVC(C=2).fit(X, y)


@pytest.fixture
def saved(tmp_path, fitted):
    """Return the path of a saved model, with a space in it."""
    return save_model(fitted, tmp_path / "my model.pkl", {"source": "model.py:clf"})


@pytest.fixture
def user_module(tmp_path):
    """Return a module of the user's, imported from a file and registered by value."""
    file = tmp_path / "users_own.py"
    file.write_text(USER_FILE)
    spec = importlib.util.spec_from_file_location("users_own", file)
    module = importlib.util.module_from_spec(spec)
    sys.modules["users_own"] = module
    spec.loader.exec_module(module)
    cloudpickle.register_pickle_by_value(module)
    yield module
    cloudpickle.unregister_pickle_by_value(module)
    del sys.modules["users_own"]


class TestSave:
    @pytest.mark.parametrize("suffix", [".pkl", ".model", ""])
    @pytest.mark.parametrize("load", [lambda p: pickle.loads(p.read_bytes()), joblib.load, load_model])
    def test_plain_loaders(self, tmp_path, fitted, suffix, load):
        """Of any suffix but .joblib and .skops, the file loads with pickle, joblib and raysk, and predicts the same."""
        path = save_model(fitted, tmp_path / f"my model{suffix}", {})
        assert np.array_equal(load(path).predict(X), fitted.predict(X))

    def test_without_the_users_file(self, tmp_path, user_module):
        """A model of a class in the user's file loads in another process when the file is gone."""
        path = save_model(user_module.Mine().fit([[0], [1]], [0, 1]), tmp_path / "a b.pkl", {})
        (tmp_path / "users_own.py").unlink()
        subprocess.run([sys.executable, "-c", LOAD, path], check=True, timeout=60, cwd=tmp_path)

    def test_sidecar(self, saved):
        """The sidecar says what the model is, and what it is not is null."""
        described = json.loads(saved.with_name("my model.json").read_text())
        assert described["schema"] == 1
        assert described["estimator"] == "sklearn.svm._classes.SVC"
        assert described["parameters"]["C"] == 2
        assert (described["source"], described["source_hash"], described["scores"]) == (
            "model.py:clf",
            None,
            None,
        )
        assert (described["n_features_in"], described["classes"]) == (4, [0, 1, 2])
        assert described["feature_names_in"] is None
        assert set(described["versions"]) == {"python", "raysk", "scikit-learn", "numpy", "cloudpickle"}
        content = saved.read_bytes()
        sha256 = hashlib.sha256(content).hexdigest()
        assert described["file"] == {"name": saved.name, "size_bytes": len(content), "sha256": sha256}
        assert names(saved.parent) == ["my model.json", "my model.pkl"]

    def test_search(self, tmp_path):
        """The sidecar of a search over a pipeline has its columns, classes and the given scores."""
        table = pd.DataFrame(X, columns=list("abcd"))
        search = GridSearchCV(make_pipeline(StandardScaler(), SVC()), {"svc__C": [1, 2]}, cv=2).fit(table, y)
        path = save_model(search, tmp_path / "m.pkl", {"scores": {"best": np.float64("nan")}, "extra": 1})
        described = read_sidecar(path)
        assert described["feature_names_in"] == list("abcd")
        assert described["classes"] == [0, 1, 2]
        assert described["scores"] == {"best": None}
        assert described["extra"] == 1
        assert described["parameters"]["param_grid"] == {"svc__C": [1, 2]}

    def test_foreign_json_is_kept(self, tmp_path, fitted):
        """A model.json of the person's own is never written over: the model is refused before the job."""
        (tmp_path / "model.json").write_text('{"mine": 1}')
        for call in (
            lambda: check_model(tmp_path / "model.pkl"),
            lambda: save_model(fitted, tmp_path / "model.pkl", {}),
        ):
            assert "not raysk's" in refused(call)
        assert names(tmp_path) == ["model.json"]

    def test_saved_again(self, saved, fitted):
        """A model may replace an earlier model of the same name."""
        check_model(saved)
        save_model(fitted, saved, {"source": "second"})
        assert read_sidecar(saved)["source"] == "second"

    def test_json_suffix(self, tmp_path):
        """A model named .json is a usage error: that is the sidecar's name."""
        with pytest.raises(UsageError, match=r"\.pkl"):
            check_model(tmp_path / "model.json")

    def test_missing_folder(self, tmp_path, fitted):
        """A missing folder is an InputError that names it."""
        assert "does not exist" in refused(save_model, fitted, tmp_path / "no" / "m.pkl", {})


class Careful(BaseEstimator):
    """Holds a lock and knows how to leave it out."""

    def __init__(self):
        self.lock = threading.Lock()
        self.good = 1

    def __getstate__(self):
        return {name: value for name, value in vars(self).items() if name != "lock"}


class TestUnpicklable:
    def test_attribute_is_named(self, tmp_path, fitted):
        """An attribute that cannot be pickled is named, with the reason; no file is left."""
        fitted.cache_ = threading.Lock()
        message = refused(save_model, fitted, tmp_path / "m.pkl", {})
        assert "SVC.cache_ cannot be pickled" in message
        assert "lock" in message
        assert names(tmp_path) == []

    def test_nested_attribute(self, tmp_path):
        """The way to an attribute deep inside a pipeline is written as in Python."""
        pipeline = make_pipeline(StandardScaler(), SVC())
        pipeline[1].seen = {"a": [1, threading.Lock()]}
        message = refused(save_model, pipeline, tmp_path / "m.pkl", {})
        assert "Pipeline.steps[1][1].seen['a'][1] cannot be pickled" in message

    def test_what_is_left_out_is_not_blamed(self, tmp_path):
        """An attribute that __getstate__ leaves out is not blamed for another's fault."""
        careful = Careful()
        save_model(careful, tmp_path / "m.pkl", {})
        careful.socket = threading.Lock()
        assert "Careful.socket cannot" in refused(save_model, careful, tmp_path / "m.pkl", {})

    def test_old_model_is_kept(self, saved, fitted):
        """A model that cannot be saved leaves the earlier one and its sidecar as they were."""
        before = saved.read_bytes()
        fitted.cache_ = threading.Lock()
        refused(save_model, fitted, saved, {})
        assert saved.read_bytes() == before
        assert read_sidecar(saved)["source"] == "model.py:clf"


class TestLoad:
    def test_missing(self, tmp_path):
        """A missing file is named."""
        assert "no model file" in refused(load_model, tmp_path / "no.pkl")

    def test_near(self, saved):
        """A missing file offers one with a name like its own."""
        assert "Did you mean" in refused(load_model, saved.with_suffix(".pk"))

    @pytest.mark.parametrize("suffix", [".csv", ".pkl", ".joblib", ".skops"])
    @pytest.mark.parametrize("content", [b"", b"d,age\n1,2\n", b"x,y\n1,2\n", b"cos\nsystem\n1,2\n"])
    def test_no_model_is_described(self, tmp_path, suffix, content):
        """A file that does not begin as a model is none: it is neither loaded nor described."""
        path = tmp_path / f"train{suffix}"
        path.write_bytes(content)
        with pytest.raises(NoModel, match=r"is no model|is empty"):
            describe_file(path)
        if suffix != ".skops":
            with pytest.raises(NoModel):
                load_model(path)
        assert not is_model(path)

    @pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
    def test_every_protocol(self, tmp_path, fitted, protocol):
        """A pickle of any protocol is a model, also from a pipe."""
        content = pickle.dumps(fitted, protocol)
        (tmp_path / "m.pkl").write_bytes(content)
        assert is_model(tmp_path / "m.pkl")
        assert load_model(tmp_path / "m.pkl").C == self.through_a_pipe(load_model, content).C == 2

    def test_joblibs_own_through_a_pipe(self, fitted):
        """A file of joblib's, which has to be read twice, is not taken for a damaged one when it comes from a pipe."""
        content = io.BytesIO()
        joblib.dump(fitted, content)
        assert "cannot be read from a pipe" in refused(self.through_a_pipe, load_model, content.getvalue())

    def test_folder(self, tmp_path):
        """A folder is named as one."""
        assert "is a folder" in refused(load_model, tmp_path)

    def test_truncated(self, saved):
        """A file that was cut short is said to be so, with both sizes."""
        content = saved.read_bytes()
        saved.write_bytes(content[: len(content) // 2])
        assert f"had {len(content):,} when it was saved" in refused(load_model, saved)

    @pytest.mark.parametrize("content", [b"", b"no pickle at all", b"\x80\x05", bytes(range(256)), b"x,y\n1,2\n"])
    def test_corrupt(self, tmp_path, content):
        """A file that is no pickle is an InputError that names it."""
        path = tmp_path / "bad file.pkl"
        path.write_bytes(content)
        assert str(path) in refused(load_model, path)

    def test_every_cut(self, saved):
        """Wherever a file is cut, loading it is an InputError."""
        content = saved.read_bytes()
        for length in range(0, len(content), 97):
            saved.write_bytes(content[:length])
            refused(load_model, saved)

    def test_missing_module(self, tmp_path, user_module, monkeypatch):
        """A model that needs a module which is not here names the module."""
        path = tmp_path / "m.pkl"
        path.write_bytes(pickle.dumps(user_module.Mine()))
        monkeypatch.delitem(sys.modules, "users_own")
        assert "'users_own'" in refused(load_model, path)
        monkeypatch.setitem(sys.modules, "users_own", user_module)

    def test_missing_class(self, tmp_path, user_module, monkeypatch):
        """A model of a class that its module no longer has names the class."""
        path = tmp_path / "m.pkl"
        path.write_bytes(pickle.dumps(user_module.Mine()))
        monkeypatch.delattr(user_module, "Mine")
        assert "Mine" in refused(load_model, path)

    def test_no_estimator(self, tmp_path):
        """A pickle of something else is an InputError that names its type."""
        (tmp_path / "m.pkl").write_bytes(pickle.dumps({"a": 1}))
        assert "type dict" in refused(load_model, tmp_path / "m.pkl")

    @pytest.mark.parametrize("compress", [0, 3, ("gzip", 3), ("bz2", 3), ("xz", 3)])
    def test_joblib_file(self, tmp_path, fitted, compress):
        """A file that joblib.dump wrote loads too, compressed or not."""
        joblib.dump(fitted, tmp_path / "m.joblib", compress=compress)
        assert np.array_equal(load_model(tmp_path / "m.joblib").predict(X), fitted.predict(X))

    def test_compressed_pickle(self, tmp_path, fitted):
        """A pickle in a gzip file loads, as joblib reads it."""
        (tmp_path / "m.pkl").write_bytes(gzip.compress(pickle.dumps(fitted)))
        assert load_model(tmp_path / "m.pkl").C == 2

    def test_a_pipe(self, saved):
        """A pickle loads from a pipe; one that was cut short there is said to be damaged, not empty."""
        content = saved.read_bytes()
        assert self.through_a_pipe(load_model, content).C == 2
        assert "is no model, or is damaged" in self.through_a_pipe(refused, content[:500])

    @staticmethod
    def through_a_pipe(call, content):
        """Call with the path of a pipe that holds some content and then ends."""
        out, into = os.pipe()
        os.write(into, content)
        os.close(into)
        try:
            path = Path(f"/dev/fd/{out}")
            return call(path) if call is load_model else call(load_model, path)
        finally:
            os.close(out)

    def test_same_version_is_silent(self, saved):
        """A model of this scikit-learn loads without a warning."""
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            load_model(saved)

    def test_other_version(self, tmp_path):
        """A model of another scikit-learn loads with one warning, not one per inner estimator."""
        pipeline = make_pipeline(StandardScaler(), SVC()).fit(X, y)
        path = save_model(pipeline, tmp_path / "m.pkl", {})
        version = read_sidecar(path)["versions"]["scikit-learn"]
        for file in (
            path,
            path.with_suffix(".json"),
        ):  # as long as the true one, so that the pickle stays sound
            other = "0" * len(version)
            file.write_bytes(file.read_bytes().replace(version.encode(), other.encode()))
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            load_model(path)
        assert [str(warning.message).count(other) for warning in caught] == [1]
        assert not issubclass(caught[0].category, InconsistentVersionWarning)

    @pytest.mark.parametrize("text", ["", "[]", '{"kind": "other"}', "\x00"])
    def test_damaged_sidecar(self, saved, text):
        """A model loads without its sidecar, and with a damaged one."""
        saved.with_suffix(".json").write_text(text)
        assert load_model(saved).C == 2
        saved.with_suffix(".json").unlink()
        assert load_model(saved).C == 2


def digest(X, y=None):
    return data_facts(X, y)["sha256"]


class TestDataFacts:
    def test_numpy(self):
        """An array has its shape, dtype and hash, and no columns."""
        facts = data_facts(X, y)
        assert facts["X"]["shape"] == [150, 4]
        assert (facts["X"]["dtype"], facts["X"]["columns"]) == ("float64", None)
        assert facts["y"]["shape"] == [150]
        assert len(facts["sha256"]) == 64

    def test_table(self):
        """A table has its column names and a dtype for each."""
        facts = data_facts(pd.DataFrame({"a": [1, 2], "b": ["x", None]}), pd.Series([0, 1], name="t"))
        assert facts["X"]["columns"] == ["a", "b"]
        assert facts["X"]["dtype"][0] == "int64"
        assert facts["y"]["dtype"] == "int64"
        assert facts["sha256"]

    def test_layout_does_not_matter(self):
        """Memory layout, blocks and row labels do not change the hash."""
        big = np.arange(600_000.0).reshape(-1, 2)
        assert digest(big) == digest(np.asfortranarray(big)) == digest(np.repeat(big, 2, axis=0)[::2])
        table = pd.DataFrame(X)
        assert digest(table) == digest(table.set_index(np.arange(150) + 7))

    @pytest.mark.parametrize("make", [np.array, pd.DataFrame, sparse.csr_matrix, sparse.coo_array])
    def test_one_value_matters(self, make):
        """One changed value changes the hash, for every kind of data."""
        changed = X.copy()
        changed[149, 3] += 1e-9
        assert digest(make(X)) == digest(make(X.copy())) is not None
        assert digest(make(X)) != digest(make(changed))

    def test_shape_dtype_and_names_matter(self):
        """The same bytes of another shape, type or column name are other data; so is y."""
        forms = [X, X.reshape(75, 8), X.view("int64"), pd.DataFrame(X), pd.DataFrame(X, columns=list("abcd"))]
        assert len({digest(form) for form in forms} | {digest(X, y), digest(X, y[::-1])}) == 7

    def test_sparse_forms(self):
        """The same sparse values have the same hash in every format."""
        matrix = sparse.random(50, 9, density=0.3, format="csr", random_state=0)
        assert digest(matrix) == digest(matrix.tocsc()) == digest(matrix.tocoo())

    @pytest.mark.parametrize(
        "data",
        [
            [[1, 2], [3, 4]],
            pl.DataFrame({"a": [1]}),
            np.array([{}, []], dtype=object),
            np.ma.MaskedArray([1, 2], mask=[True, False]),
            pd.DataFrame({"a": [[1], [2]]}),
        ],
        ids=["list", "polars", "objects", "masked", "lists in pandas"],
    )
    def test_no_hash(self, data):
        """Data that cannot be hashed quickly and surely has none, and none for both; its shape is told."""
        facts = data_facts(data, y)
        assert facts["X"]["sha256"] is None
        assert facts["sha256"] is None
        assert facts["X"]["shape"][0] == len(data)
        json.dumps(facts, allow_nan=False)

    @pytest.mark.parametrize(
        "data", [np.empty((0, 4)), np.empty((4, 0)), np.array(["2024"], "M8[ns]"), np.array(["a"])]
    )
    def test_odd_arrays(self, data):
        """Empty arrays, dates and text have a hash."""
        assert digest(data)


class Plain(ClassifierMixin):
    """An estimator without get_params and with a property that fails."""

    def fit(self):  # noqa: D102
        return self

    @property
    def classes_(self):  # noqa: D102
        raise RuntimeError


def test_odd_estimator(tmp_path):
    """An estimator without parameters, or whose property fails, is saved; those lines are null."""
    path = save_model(Plain(), tmp_path / "m.pkl", {})
    described = read_sidecar(path)
    assert (described["parameters"], described["classes"]) == (None, None)
