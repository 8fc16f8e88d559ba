"""Data that is no file here: scikit-learn's, OpenML's, the person's code, and what URIs name."""

from __future__ import annotations

import gzip
import importlib
import sys
import urllib.error
from pathlib import Path

import fsspec
import numpy as np
import pandas as pd
import pytest
from sklearn import datasets
from sklearn.datasets import load_digits
from sklearn.utils import Bunch

from raysk.data.reading import Columns, DataSource, read_blocks, read_table, split
from raysk.errors import InputError, UsageError

CSV = "a,b,y\n1,2,0\n3,4,1\n"


def data_of(text, **columns):
    """Return X, y and the rest of what a text names."""
    return DataSource(source=text, columns=Columns(**columns)).load(None)


def fails(text, *words, error=InputError):
    """Assert an error of at most five lines that holds the words."""
    with pytest.raises(error) as caught:
        data_of(text)
    said = str(caught.value)
    assert len(said.splitlines()) <= 5, said
    for word in words:
        assert word in said


# --- scikit-learn


@pytest.mark.parametrize("text", ["sklearn:digits", "sklearn:load_digits"])
def test_scikit_learns_sets(text):
    """A set of scikit-learn's comes with its target and its names."""
    X, y = load_digits(return_X_y=True)
    data = data_of(text)
    assert np.array_equal(data.X, X)
    assert np.array_equal(data.y, y)
    assert data.feature_names[:2] == ("pixel_0_0", "pixel_0_1")
    assert data.source == text


def test_scikit_learns_generators():
    """A generator takes arguments, and gives the same each time unless a seed is said."""
    text = "sklearn:make_classification?n_samples=50&n_features=7&n_informative=3"
    one, two = data_of(text), data_of(text)
    assert one.X.shape == (50, 7)
    assert np.array_equal(one.X, two.X)
    assert not np.array_equal(one.X, data_of(text + "&random_state=1").X)
    assert data_of("sklearn:make_low_rank_matrix?n_samples=5").y is None


@pytest.mark.parametrize("text", ["sklearn:iris?as_frame=True", "sklearn:iris?return_X_y=True"])
def test_scikit_learns_arguments(text):
    """Arguments reach the function."""
    assert data_of(text).X.shape == (150, 4)


def test_scikit_learn_has_no_such_thing():
    """An unknown set, argument or value says so, and what is near."""
    fails("sklearn:digts", "no such data set", "digits")
    fails("sklearn:svmlight_file", "no such data set")
    fails("sklearn:make_blobs?n_smples=3", "n_smples", "n_samples")
    fails("sklearn:make_blobs?n_samples=-3", "cannot be made")


def test_sets_that_are_fetched_need_a_network(monkeypatch):
    """Without a network a set that has to be fetched says so."""

    def unreachable(*, return_X_y=False):
        raise urllib.error.URLError(f"no way {return_X_y}")

    monkeypatch.setattr(datasets, "fetch_covtype", unreachable)
    fails("sklearn:covtype", "cannot be fetched", "no way", "network")


# --- OpenML


def test_openml(monkeypatch):
    """An id or a name is fetched as a frame; y is what OpenML says."""
    asked = {}

    def fetch_openml(**options):
        asked.update(options)
        frame = pd.DataFrame({"a": [1.0, 2.0], "b": pd.Categorical(["x", "y"])})
        return Bunch(data=frame, target=pd.Series(["p", "n"]))

    monkeypatch.setattr(datasets, "fetch_openml", fetch_openml)
    data = data_of("openml:40945")
    assert (asked["data_id"], data.feature_names, list(data.y)) == (40945, ("a", "b"), ["p", "n"])
    data_of("openml:titanic?version=1")
    assert (asked["name"], asked["version"]) == ("titanic", 1)


def test_openml_without_a_network(monkeypatch):
    """Without a network OpenML cannot be reached, said in two lines and without warnings."""

    def fetch_openml(**_options):
        raise urllib.error.URLError("name or service not known")

    monkeypatch.setattr(datasets, "fetch_openml", fetch_openml)
    fails("openml:61", "cannot be fetched", "not known", "network")


# --- the person's code


def test_blocks_of_named_data():
    """Data that is named comes in blocks like a file; rows are counted over all blocks, and there must be some."""
    tables = list(read_blocks("sklearn:iris", rows=60))
    assert [(len(table), table.before) for table in tables] == [(60, 0), (60, 60), (30, 120)]
    with pytest.raises(InputError, match="has no rows"):
        list(read_blocks("numpy:empty(0)", rows=60))


@pytest.fixture
def module(tmp_path, monkeypatch):
    """Return a function that writes data.py in the current folder; what is imported from it is forgotten."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    before = set(sys.modules)
    yield lambda text: Path("own_data.py").write_text(text, encoding="utf-8")
    for name in set(sys.modules) - before:
        if name.startswith(("own_data", "raysk_user")):
            del sys.modules[name]


OWN = """
import numpy as np
import pandas as pd

def load_data():
    return np.eye(3), [0, 1, 0]

def parts(n=2):
    return {"X": np.ones((n, 2)), "y": np.zeros(n), "groups": np.arange(n)}

def frame():
    return pd.DataFrame({"a": [1, 2], "b": [3, 4]})

def texts():
    return ["one", "two"], [0, 1]

def broken():
    return 1 / 0

number = 3
pair = (np.eye(2), np.ones(2))
"""


@pytest.mark.parametrize(
    ("text", "shape", "y"),
    [
        ("own_data.py", (3, 3), [0, 1, 0]),
        ("own_data.py:load_data", (3, 3), [0, 1, 0]),
        ("own_data.py:load_data()", (3, 3), [0, 1, 0]),
        ("own_data.py:parts(n=4)", (4, 2), [0, 0, 0, 0]),
        ("own_data:pair", (2, 2), [1, 1]),
        ("sklearn.datasets:load_wine", (178, 13), None),
    ],
)
def test_own_code(module, text, shape, y):
    """A function or an object of the person's, or of a library, gives the data."""
    module(OWN)
    data = data_of(text)
    assert data.X.shape == shape
    assert y is None or list(data.y) == y
    assert ("groups" in data.fit_params) == ("parts" in text)


def test_own_frames_stay_frames_and_have_columns(module):
    """A DataFrame of the person's own stays one, and columns of it can be said."""
    module(OWN)
    data = data_of("own_data.py:frame", target=("b",))
    assert isinstance(data.X, pd.DataFrame)
    assert (data.feature_names, data.y.tolist()) == (("a",), [3, 4])


def test_own_texts(module):
    """A list of texts is one column of them."""
    module(OWN)
    table = read_table("own_data.py:texts")
    assert table.values.tolist() == [["one"], ["two"]]


def test_own_code_fails(module):
    """What raises, is missing or is no data says so."""
    module(OWN)
    fails("own_data.py:broken", "ZeroDivisionError", "own_data.py")
    fails("own_data.py:load_dat", "load_data")
    fails("own_data.py:number", "int", "not data")
    fails("nowhere.py:load", "nowhere.py")


# --- files that are not there


def test_no_such_file(tmp_path, monkeypatch):
    """A missing file names its neighbours, or its missing folder."""
    monkeypatch.chdir(tmp_path)
    Path("train.csv").write_text(CSV)
    fails("trian.csv", "no file trian.csv", "Did you mean train.csv?")
    fails("no/train.csv", "folder no does not exist")
    fails(".", "is a folder", "train.csv")
    fails("x\0y.csv", "cannot be read")


# --- URIs


@pytest.fixture
def memory():
    """Return an empty file system in memory."""
    filesystem = fsspec.filesystem("memory")
    filesystem.store.clear()
    yield filesystem
    filesystem.store.clear()


def write_everything(folder):
    """Write the same table in several formats."""
    frame = pd.DataFrame({"a": [1.0, 3.0], "b": [2.0, 4.0], "y": [0.0, 1.0]})
    frame.to_csv(folder / "t.csv", index=False)
    (folder / "t.csv.gz").write_bytes(gzip.compress((folder / "t.csv").read_bytes()))
    frame.to_json(folder / "t.jsonl", orient="records", lines=True)
    frame.to_parquet(folder / "t.parquet")
    frame.to_feather(folder / "t.arrow")
    np.save(folder / "t.npy", frame.to_numpy())
    np.savez(folder / "t.npz", X=frame.to_numpy())
    frame.to_pickle(folder / "t.pkl")
    return [path.name for path in sorted(folder.iterdir())]


NAMES = ["t.arrow", "t.csv", "t.csv.gz", "t.jsonl", "t.npy", "t.npz", "t.parquet", "t.pkl"]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("scheme", ["file", "memory"])
def test_uri(tmp_path, memory, scheme, name):
    """A URI is read through pyarrow.fs or fsspec, whole and in blocks, whatever the format."""
    assert write_everything(tmp_path) == NAMES
    memory.pipe(f"/bucket/{name}", (tmp_path / name).read_bytes())
    uri = f"file://{tmp_path}/{name}" if scheme == "file" else f"memory://bucket/{name}"
    assert np.asarray(split(read_table(uri), Columns(target=("-1",))).X).tolist() == [[1, 2], [3, 4]]
    assert sum(len(block) for block in read_blocks(uri, rows=1)) == 2


def test_uri_of_nothing(tmp_path, memory):
    """A URI where nothing is says so, whatever library looked."""
    assert memory.ls("/") == []
    fails(f"file://{tmp_path}/t.csv", "t.csv", "cannot be opened")
    fails("memory://bucket/t.csv", "t.csv", "cannot be opened")
    fails("nosuchscheme://bucket/t.csv", "cannot be opened")
    fails("s3://[bucket/t.csv", "no URI")


def test_credentials_do_not_belong_in_a_uri():
    """A password in a URI is refused before anything is opened, and is not repeated."""
    with pytest.raises(UsageError) as caught:
        DataSource(source="s3://AKIA:hush@bucket/t.csv")
    assert "hush" not in str(caught.value)
    assert "environment" in str(caught.value)


def test_signatures_are_not_recorded(memory):
    """The query of a URI may be a signature: it is used, and neither shown nor kept."""
    memory.pipe("/bucket/t.csv?sig=hush", CSV.encode())
    data = data_of("memory://bucket/t.csv?sig=hush", target=("y",))
    assert data.source == "memory://bucket/t.csv"
    fails("memory://bucket/none.csv?sig=hush", "memory://bucket/none.csv")


# --- libraries that are not installed


@pytest.mark.parametrize(
    ("missing", "name", "command"),
    [
        ("pyarrow", "t.csv", "raysk[data]"),
        ("pandas", "t.csv", "raysk[data]"),
        ("pyarrow", "t.parquet", "raysk[data]"),
        ("pyarrow", "file:///t.csv", "raysk[data]"),
        ("fsspec", "memory://t.csv", "pip install fsspec"),
    ],
)
def test_a_missing_library_names_the_command(tmp_path, monkeypatch, missing, name, command):
    """Without pandas, pyarrow or fsspec the message says what to install."""
    write_everything(tmp_path)
    monkeypatch.chdir(tmp_path)
    import_module = importlib.import_module

    def without(module, *rest):
        if module.partition(".")[0] == missing:
            raise ModuleNotFoundError(module, name=missing)
        return import_module(module, *rest)

    monkeypatch.setattr(importlib, "import_module", without)
    fails(name, missing, command)


def test_options_of_data_need_data():
    """Options about columns without --data are wrong usage, and each is named."""
    options = {"format": "csv", "columns": Columns(target=("y",), weight="w"), "as_frame": True}
    with pytest.raises(UsageError, match="--target, --weight, --format, --as-frame"):
        DataSource.of(None, **options)
    assert DataSource.of(None, format=None, columns=Columns(), as_frame=False) is None
