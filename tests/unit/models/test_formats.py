"""The formats of model files: pickle, joblib, skops."""

import importlib.util
import pickle
import sys

import cloudpickle
import joblib
import numpy as np
import pytest
from sklearn.datasets import load_iris
from sklearn.ensemble import GradientBoostingClassifier, RandomForestClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler
from sklearn.svm import SVC

from raysk.errors import InputError, UsageError
from raysk.models import formats
from raysk.models.describe import describe_file
from raysk.models.formats.format import Format
from raysk.models.imported import Imports
from raysk.models.store import check_model, load_model, save_model
from raysk.models.verify import Verifier

X, y = load_iris(return_X_y=True)

MODELS = [
    make_pipeline(StandardScaler(), SVC()),
    RandomForestClassifier(5, random_state=0),
    GradientBoostingClassifier(n_estimators=3, random_state=0),  # keeps its trees in an array of objects
]

USER_FILE = """
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.svm import SVC

def shift(value):
    return value + 1

class Mine(SVC):
    def predict(self, X):
        return [shift(each) for each in super().predict(X)]
"""


@pytest.fixture
def mine(tmp_path):
    """Return a class of the user's own file, which is registered to travel by value."""
    file = tmp_path / "users_own.py"
    file.write_text(USER_FILE)
    spec = importlib.util.spec_from_file_location("users_own", file)
    module = importlib.util.module_from_spec(spec)
    sys.modules["users_own"] = module
    spec.loader.exec_module(module)
    cloudpickle.register_pickle_by_value(module)
    yield module.Mine
    cloudpickle.unregister_pickle_by_value(module)
    sys.modules.pop("users_own", None)


@pytest.fixture
def skops():
    return pytest.importorskip("skops.io", reason="needs the extra skops")


@pytest.mark.parametrize("model", MODELS, ids=lambda model: type(model).__name__)
@pytest.mark.parametrize("suffix", [".pkl", ".joblib", ".bin"])
def test_round_trip(tmp_path, model, suffix):
    """A model of any format predicts the same after it is loaded."""
    path = save_model(model.fit(X, y), tmp_path / f"m{suffix}", {})
    assert np.array_equal(load_model(path).predict(X), model.predict(X))


@pytest.mark.parametrize("model", MODELS, ids=lambda model: type(model).__name__)
def test_joblib_maps_it(tmp_path, model):
    """joblib.load can map the arrays of a .joblib file into memory, as of its own files."""
    path = save_model(model.fit(X, y), tmp_path / "m.joblib", {})
    assert np.array_equal(joblib.load(path, mmap_mode="r").predict(X), model.predict(X))


def test_joblib_maps_arrays(tmp_path):
    """What is mapped is mapped: the arrays are memmaps."""
    path = save_model(SVC().fit(X, y), tmp_path / "m.joblib", {})
    assert isinstance(joblib.load(path, mmap_mode="r").support_vectors_, np.memmap)


@pytest.mark.parametrize("suffix", [".pkl", ".joblib"])
def test_own_classes_are_inside(tmp_path, mine, suffix):
    """A class of the user's file, and what its methods call, is in the file: another process needs no user file."""
    path = save_model(mine().fit(X, y), tmp_path / f"m{suffix}", {})
    expected = SVC().fit(X, y).predict(X) + 1
    del sys.modules["users_own"]
    assert np.array_equal(joblib.load(path).predict(X), expected)


def test_lambdas_in_joblib(tmp_path):
    """A .joblib file takes what only cloudpickle can pickle, such as a lambda and a module."""
    pipeline = make_pipeline(FunctionTransformer(lambda table: np.log1p(table)), SVC()).fit(X, y)  # noqa: PLW0108 - a lambda is the point
    pipeline.module_ = np
    path = save_model(pipeline, tmp_path / "m.joblib", {})
    assert np.array_equal(load_model(path).predict(X), pipeline.predict(X))


def test_joblib_under_another_suffix(tmp_path):
    """What joblib.dump wrote as .pkl loads by joblib's rules: arrays are never taken for instructions."""
    array = np.frombuffer(b"cos\nsystem\n(S'exit 1'\ntR." * 8, dtype="S1").copy()
    model = SVC().fit(X, y)
    model.note_ = array
    joblib.dump(model, tmp_path / "m.pkl")
    assert np.array_equal(load_model(tmp_path / "m.pkl").note_, array)


def test_two_formats_do_not_share_a_sidecar(tmp_path):
    """m.pkl and m.joblib would have one m.json: the second is refused, and says whose the first is."""
    save_model(SVC().fit(X, y), tmp_path / "m.pkl", {})
    with pytest.raises(InputError, match=r"describes 'm\.pkl'"):
        check_model(tmp_path / "m.joblib")
    (tmp_path / "m.pkl").rename(tmp_path / "n.pkl")
    check_model(tmp_path / "m.joblib")


def test_trust_is_for_skops(tmp_path):
    """--trust with a pickle is a usage error: a pickle runs whatever it says."""
    path = save_model(SVC().fit(X, y), tmp_path / "m.pkl", {})
    with pytest.raises(UsageError, match="pickle"):
        load_model(path, ["a.B"])


@pytest.mark.usefixtures("skops")
class TestSkops:
    def test_round_trip(self, tmp_path):
        """A pipeline of scikit-learn's own classes loads without trust."""
        model = MODELS[0].fit(X, y)
        path = save_model(model, tmp_path / "m.skops", {})
        assert np.array_equal(load_model(path).predict(X), model.predict(X))
        with pytest.raises(pickle.UnpicklingError):
            pickle.loads(path.read_bytes())

    def test_unknown_types_need_trust(self, tmp_path, mine):
        """A type that skops does not know is named, and loads once the person trusts it by name."""
        path = save_model(mine().fit(X, y), tmp_path / "m.skops", {})
        with pytest.raises(InputError, match=r"--trust users_own\.Mine"):
            load_model(path)
        assert type(load_model(path, ["users_own.Mine"])) is mine

    def test_files_beside_the_model_are_not_asked(self, tmp_path, mine):
        """Nothing that lies beside a model makes its types trusted."""
        path = save_model(mine().fit(X, y), tmp_path / "m.skops", {"trust": ["users_own.Mine"]})
        (tmp_path / "pyproject.toml").write_text('[tool.raysk]\ntrust = ["users_own.Mine"]\n')
        with pytest.raises(InputError, match="trust"):
            load_model(path)

    def test_cannot_be_saved(self, tmp_path):
        """What skops cannot write is said, with another format to use; no file is left."""
        model = SVC().fit(X, y)
        model.made_ = (each for each in ())
        with pytest.raises(InputError, match=r"\.pkl or \.joblib"):
            save_model(model, tmp_path / "m.skops", {})
        assert list(tmp_path.iterdir()) == []

    def test_damaged(self, tmp_path):
        """A damaged .skops file is bad input."""
        path = save_model(SVC().fit(X, y), tmp_path / "m.skops", {})
        path.write_bytes(path.read_bytes()[:500])
        with pytest.raises(InputError, match="damaged"):
            load_model(path)


def test_without_skops(tmp_path, monkeypatch):
    """Without skops installed, a .skops model is refused before the job runs, with the command that installs it."""
    monkeypatch.setitem(sys.modules, "skops", None)
    monkeypatch.setitem(sys.modules, "skops.io", None)
    with pytest.raises(InputError, match=r"pip install 'raysk\[skops\]'"):
        check_model(tmp_path / "m.skops")


def test_a_new_format(tmp_path, monkeypatch):
    """A format is one object: once it is registered, models are saved, loaded, verified and described in it."""
    kept = Format(
        name="reversed",
        suffixes=(".rev",),
        write=lambda model, file: file.write(pickle.dumps(model)[::-1]),
        load=lambda path, _: pickle.loads(path.read_bytes()[::-1]),
        check_beginning=lambda _: None,
        find_imports=lambda _: Imports(names=["sklearn.svm._classes.SVC"]),
        load_code="import pickle\nmodel = pickle.loads(open(path, 'rb').read()[::-1])",
        advice="Turn it round.",
    )
    monkeypatch.setattr(formats, "FORMATS", (kept, *formats.FORMATS))
    model = SVC().fit(X, y)
    path = save_model(model, tmp_path / "m.rev", {})
    assert np.array_equal(load_model(path).predict(X), model.predict(X))
    described = describe_file(path)
    assert (described["format"], described["imports"]) == ("reversed", ["sklearn.svm._classes.SVC"])
    with Verifier() as back:
        back.check(path, model, X)
    path.write_bytes(pickle.dumps(model))
    with Verifier() as back, pytest.raises(InputError, match=r"Turn it round\."):
        back.check(path, model, X)
