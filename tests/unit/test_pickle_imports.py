"""What a model file would import is found without loading it."""

import io
import json
import os
import pickle
import zipfile
from _compat_pickle import IMPORT_MAPPING, NAME_MAPPING

import cloudpickle
import joblib
import numpy as np
import pytest
from sklearn.datasets import load_iris
from sklearn.ensemble import GradientBoostingClassifier, RandomForestClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from raysk.runs.imports import imports_of
from raysk.runs.models import save_model

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
    assert set(imports_of(tmp_path / "m.skops").names) == {"sklearn.svm.SVC", "a.B"}


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04", b"\x80\x04."])
def test_damaged_skops(tmp_path, content):
    """A .skops file that is none is said to be so."""
    (tmp_path / "m.skops").write_bytes(content)
    assert imports_of(tmp_path / "m.skops").doubts


def test_by_value_is_what_cloudpickle_says(tmp_path):
    """A function's own modules are found: what it imports when it is loaded."""
    (tmp_path / "m.pkl").write_bytes(cloudpickle.dumps(lambda: os.path.join(json.dumps(1), "")))  # noqa: PTH118
    names = imports_of(tmp_path / "m.pkl").names
    assert {"os", "json"} <= set(names)
