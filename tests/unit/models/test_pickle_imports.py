"""What a model file would import is found without loading it."""

import io
import json
import os
import pickle
import zipfile
from _compat_pickle import IMPORT_MAPPING, NAME_MAPPING
from collections import OrderedDict, defaultdict, deque
from functools import partial

import cloudpickle
import joblib
import numpy as np
import pandas as pd
import pytest
from joblib.numpy_pickle import NumpyArrayWrapper
from scipy import sparse
from sklearn.datasets import load_iris
from sklearn.ensemble import GradientBoostingClassifier, RandomForestClassifier
from sklearn.neighbors import NearestNeighbors
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler
from sklearn.svm import SVC

from raysk.models.formats import SKOPS
from raysk.models.imports import imports_of
from raysk.models.store import save_model

X, y = load_iris(return_X_y=True)
LABELS = np.array(["a", "b", "c"], dtype=object)[y]


class Evil:
    """Runs a command when it is loaded."""

    def __reduce__(self):
        return os.system, ("touch evil",)


class Recording(pickle.Unpickler):
    """Loads a pickle and notes what it imports: what `imports_of` has to find."""

    def __init__(self, content):
        super().__init__(io.BytesIO(content))
        self.names = set()

    def find_class(self, module, name):  # noqa: D102
        # protocols 0 to 2 have the names of Python 2
        here = NAME_MAPPING.get((module, name), (IMPORT_MAPPING.get(module, module), name))
        self.names.add(".".join(here))
        return super().find_class(module, name)


@pytest.fixture(params=["pipeline", "forest", "boosting", "text labels"])
def fitted(request):
    """Return models that hold arrays of numbers, of structures, of objects and of text."""
    models = {
        "pipeline": (make_pipeline(StandardScaler(), SVC()), y),
        "forest": (RandomForestClassifier(3), y),
        "boosting": (GradientBoostingClassifier(n_estimators=2), y),
        "text labels": (SVC(), LABELS),
    }
    model, labels = models[request.param]
    return model.fit(X, labels)


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_what_a_pickle_imports(tmp_path, fitted, protocol):
    """In every protocol, what is found is exactly what loading it imports."""
    content = pickle.dumps(fitted, protocol=protocol)
    (tmp_path / "m.pkl").write_bytes(content)
    recorder = Recording(content)
    recorder.load()
    found = imports_of(tmp_path / "m.pkl")
    assert found.doubts == []
    assert set(found.names) == recorder.names
    assert not found.carries_code


@pytest.mark.parametrize("compress", [0, 3, ("gzip", 3), ("bz2", 3), ("xz", 3), ("lzma", 3)], ids=str)
def test_what_joblibs_files_import(tmp_path, fitted, compress):
    """Files of joblib's are followed over the arrays that stand in them, compressed or not."""
    joblib.dump(fitted, tmp_path / "m.joblib", compress=compress)
    recorder = Recording(pickle.dumps(fitted))
    recorder.load()
    found = imports_of(tmp_path / "m.joblib")
    assert found.doubts == []
    ours = {name for name in recorder.names if not name.startswith("numpy.")}
    assert ours < set(found.names)
    assert "joblib.numpy_pickle.NumpyArrayWrapper" in found.names


OBJECTS = np.array(["a", None, {"s": StandardScaler()}, np.array(["b"], dtype=object)], dtype=object)
HONEST = {
    "numbers": [np.zeros(3, kind) for kind in ("?", "i1", "u2", ">i4", "f2", "f4", "g", "c16", "S3", "U3", "V7")],
    "times": [np.zeros(2, "M8[ns]"), np.zeros(2, "m8[s]"), np.datetime64("2020-01-01"), pd.Timestamp("2020-01-01")],
    "structures": [
        np.zeros(2, [("a", "f8"), ("b", "i4", (2,)), ("c", [("d", "U3")])]),
        np.zeros(2, np.dtype([("a", "i1"), ("b", "f8")], align=True)),
        np.array([(1, "a")], [("a", "i4"), ("b", "O")]),
    ],
    "shapes": [np.array(3.0), np.zeros((0, 4)), np.asfortranarray(np.eye(3)), np.matrix([[1]]), np.zeros((300, 300))],
    "objects": [OBJECTS, OBJECTS[:1], {"copy": OBJECTS}, make_pipeline(StandardScaler())],
    "frames": [pd.DataFrame({"a": [1], "b": ["x"], "c": pd.Categorical(["u"])}), sparse.eye(3, format="csr")],
    "functions": [
        partial(np.clip, a_min=0),
        FunctionTransformer(np.log1p),
        str.lower,
        StandardScaler().fit(X).transform,
    ],
    "others": [OrderedDict(a=1), defaultdict(list), deque([1]), {1}, 1j, ..., type(None), b"x" * 300, bytearray(b"a")],
    "random": [np.random.RandomState(0), np.random.default_rng(0), np.ma.array([1, 2], mask=[0, 1])],
    "trees": [NearestNeighbors().fit(X), RandomForestClassifier(2).fit(X, LABELS)],
}


@pytest.mark.parametrize("label", HONEST)
def test_honest_files_are_not_doubted(tmp_path, label):
    """Whatever models hold is followed to the letter, in pickles and in files of joblib's."""
    path, value = tmp_path / "m", HONEST[label]
    for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
        path.write_bytes(pickle.dumps(value, protocol=protocol))
        assert imports_of(path).doubts == []
    for protocol, compress in ((None, 0), (None, 3), (2, 0), (5, ("xz", 1))):
        joblib.dump(value, path, protocol=protocol, compress=compress)
        assert imports_of(path).doubts == []


def test_a_memory_map(tmp_path):
    """An array that joblib finds mapped into memory is an array like any other."""
    mapped = np.memmap(tmp_path / "values", "f8", "w+", shape=(10,))
    joblib.dump([mapped], tmp_path / "m.joblib")
    assert imports_of(tmp_path / "m.joblib").doubts == []


@pytest.mark.parametrize("start", [b"", b"ab" * 50, b"cos\nsystem\n"], ids=["zeros", "text", "instructions"])
def test_files_of_joblib_before_1_2(tmp_path, start):
    """Their arrays are not aligned: what pickle takes the first bytes for is looked at too."""
    path = tmp_path / "m.joblib"
    array = np.frombuffer(start.ljust(200, b"\0"), "u1")
    wrapper = NumpyArrayWrapper(np.ndarray, array.shape, "C", array.dtype)
    del wrapper.numpy_array_alignment_bytes
    path.write_bytes(pickle.dumps(wrapper, protocol=3)[:-1] + array.tobytes() + b".")
    assert joblib.load(path).shape == (200,)
    found = imports_of(path)
    assert bool(found.doubts) == ("os.system" in found.names) == start.startswith(b"cos")


def test_the_version_that_wrote_it(tmp_path, fitted):
    """The version of scikit-learn is found without a sidecar."""
    import sklearn

    joblib.dump(fitted, tmp_path / "m.joblib")
    assert imports_of(tmp_path / "m.joblib").scikit_learn == [sklearn.__version__]


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_nothing_runs(tmp_path, monkeypatch, protocol):
    """A command in a pickle is named, and not run."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "m.pkl").write_bytes(pickle.dumps({"a": [1, Evil()]}, protocol=protocol))
    assert "posix.system" in imports_of(tmp_path / "m.pkl").names
    assert not (tmp_path / "evil").exists()


def test_a_pickle_in_a_pickle(tmp_path):
    """What a pickle loads from bytes that it holds is followed too."""
    inner = pickle.dumps(Evil())

    class Wrapped:
        def __reduce__(self):
            return pickle.loads, (inner,)

    (tmp_path / "m.pkl").write_bytes(pickle.dumps(Wrapped()))
    assert "posix.system" in imports_of(tmp_path / "m.pkl").names


@pytest.mark.parametrize("suffix", [".pkl", ".joblib"])
def test_code_inside(tmp_path, suffix):
    """Classes that travel by value are said to be code in the file, with the modules they use."""

    class Mine(SVC):
        def predict(self, X):
            return json.dumps(super().predict(X).tolist())

    path = save_model(Mine().fit(X, y), tmp_path / f"m{suffix}", {})
    found = imports_of(path)
    assert found.carries_code
    assert "json" in found.names
    assert found.doubts == []


def test_a_made_up_name(tmp_path):
    """A name that is put together when the file is loaded is said to be one."""
    content = b"\x80\x04(cbuiltins\nstr\nC\x02os\x85R\x8c\x06system\x93."
    (tmp_path / "m.pkl").write_bytes(content)
    assert any("made up" in name for name in imports_of(tmp_path / "m.pkl").names)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"hello",
        b"\x80\x05",
        b"\x80\x05\x8e\xff\xff\xff\xff\xff\xff\xff\x0f",  # 2**59 bytes
        b"\x80\x04\x93.",
        b"\x80\x04h\x07.",
        bytes(range(256)),
        pickle.dumps({"a": 1})[:-1],
        b"\x1f\x8b\x08nothing",
    ],
)
def test_what_cannot_be_followed(tmp_path, content):
    """A file that is no pickle, or damaged, is said to be so; nothing is raised."""
    (tmp_path / "m.pkl").write_bytes(content)
    assert imports_of(tmp_path / "m.pkl").doubts


def test_every_cut(tmp_path):
    """Wherever a file of joblib's is cut, that is said."""
    buffer = io.BytesIO()
    joblib.dump(SVC().fit(X, y), buffer)
    content = buffer.getvalue()
    for length in range(0, len(content) - 1, 97):
        (tmp_path / "m.joblib").write_bytes(content[:length])
        assert imports_of(tmp_path / "m.joblib").doubts


def test_skops(tmp_path):
    """A .skops file's types are read from it, without skops."""
    schema = {"__class__": "SVC", "__module__": "sklearn.svm", "content": [{"__class__": "B", "__module__": "a"}]}
    with zipfile.ZipFile(tmp_path / "m.skops", "w") as file:
        file.writestr("schema.json", json.dumps(schema))
    assert set(SKOPS.find_imports(tmp_path / "m.skops").names) == {"sklearn.svm.SVC", "a.B"}


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04", b"\x80\x04."])
def test_damaged_skops(tmp_path, content):
    """A .skops file that is none is said to be so."""
    (tmp_path / "m.skops").write_bytes(content)
    assert SKOPS.find_imports(tmp_path / "m.skops").doubts


def test_by_value_is_what_cloudpickle_says(tmp_path):
    """A function's own modules are found: what it imports when it is loaded."""
    (tmp_path / "m.pkl").write_bytes(cloudpickle.dumps(lambda: os.path.join(json.dumps(1), "")))  # noqa: PTH118
    names = imports_of(tmp_path / "m.pkl").names
    assert {"os", "json"} <= set(names)
