"""Whatever somebody has made of a model's sidecar, it is no traceback."""

import contextlib
import copy
import json
import os
import random
import warnings

import pytest
from sklearn.datasets import load_iris
from sklearn.svm import SVC

from raysk.cli.commands.model import _rows
from raysk.data.fitted import features_of, recorded_target
from raysk.errors import InputError
from raysk.models.describe import describe_file
from raysk.models.store import check_model, data_facts, load_model, read_sidecar, save_model

X, y = load_iris(return_X_y=True)

NAMES = [["a"], {"a": 1}, ".", "..", "a/b", "", "x" * 300, 1, True, "\0", "\ud800"]
ODD = [None, [], {}, [None], [[1]], {"a": [1]}, "a", "", 1, -1, 2**70, 1.5, True, float("nan"), "\ud800", "x" * 300]
FIELDS = "kind created versions estimator parameters source data scores feature_names_in n_features_in classes file"
INNER = ["file name", "file size_bytes", "file sha256", "versions scikit-learn", "versions numpy", "data X", "data y"]
INNER += [f"data {part} {name}" for part in "Xy" for name in ("type", "shape", "dtype", "columns", "sha256")]


@pytest.fixture(scope="module")
def described(tmp_path_factory):
    """Return a model, and what its sidecar says."""
    path = save_model(SVC().fit(X, y), tmp_path_factory.mktemp("m") / "m.pkl", {"data": data_facts(X, y)})
    return path, read_sidecar(path)


def use(path, described):
    """Ask for all that raysk reads from a sidecar; return what is said against it."""
    path.with_suffix(".json").write_text(json.dumps(described))
    sidecar = read_sidecar(path)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of versions
        model = load_model(path)
    assert features_of(model, sidecar).names is None or sidecar["data"]["X"]["columns"]
    assert all(isinstance(name, str) for name in recorded_target(sidecar))
    list(_rows(describe_file(path)))
    with contextlib.suppress(InputError):
        check_model(path)


@pytest.mark.parametrize("name", NAMES, ids=repr)
def test_names(described, name):
    """A name that no file beside can have is taken for unknown."""
    path, sound = described
    use(path, {**sound, "file": {"name": name}})
    assert read_sidecar(path)["file"]["name"] is None


@pytest.mark.parametrize("place", [*FIELDS.split(), *INNER])
def test_types(described, place):
    """Whatever stands in the place of something else, it is no traceback, and what is wrong is unknown."""
    path, sound = described
    *outer, last = place.split()
    for odd in ODD:
        changed = json.loads(json.dumps(sound))
        inner = changed
        for key in outer:
            inner = inner[key]
        inner[last] = odd
        use(path, {**changed, "kind": "raysk-model"})


def test_random_changes(described):
    """Two wrong parts at once are no traceback either."""
    path, sound = described
    rng = random.Random(13)  # noqa: S311 - an attack that can be repeated
    for _ in range(100):
        changed = json.loads(json.dumps(sound))
        for _ in range(2):
            inner, key = changed, None
            while isinstance(inner, dict) and inner and rng.random() < 0.8:
                outer, key = inner, rng.choice(list(inner))
                inner = inner[key]
            if key is not None:
                outer[key] = copy.deepcopy(rng.choice(ODD))
        use(path, {**changed, "kind": "raysk-model"})


def test_a_pipe_in_its_place(tmp_path):
    """A named pipe where the sidecar would be is not waited for."""
    os.mkfifo(tmp_path / "m.json")
    assert read_sidecar(tmp_path / "m.pkl") is None
