"""``--data``, ``--space`` and their neighbours on the command line, as a person types them."""

from __future__ import annotations

import gzip
import io
import json
import os
import pickle
import struct
import subprocess
import zipfile
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import load_digits
from sklearn.ensemble import RandomForestClassifier
from sklearn.model_selection import GridSearchCV, GroupKFold, train_test_split
from sklearn.neighbors import KNeighborsClassifier

SVC = "sklearn.svm:SVC()"
HERE = ["--backend", "threading"]  # no Ray is started meanwhile
RNG = np.random.default_rng(0)
FRAME = pd.DataFrame(
    {
        "id": [f"{number:04}" for number in range(60)],
        "age": RNG.integers(18, 80, 60),
        "pay": RNG.normal(3000, 500, 60).round(2),
        "city": RNG.choice(["Bonn", "Kiel"], 60),
        "team": np.repeat(range(12), 5),
        "left": RNG.choice(["yes", "no"], 60),
    }
)

PIPELINE = """
from sklearn.compose import make_column_transformer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GroupKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

columns = make_column_transformer((StandardScaler(), ["age", "pay"]), (OneHotEncoder(), ["city"]))
model = make_pipeline(columns, LogisticRegression())
cv = GroupKFold(3)

def load_data():
    raise RuntimeError("the file's own data was loaded")
"""


@pytest.fixture
def table(folder):
    """Write the table into the current folder and return its name, which holds a space and a colon."""
    FRAME.to_csv(folder / "my: table.csv", index=False)
    return "my: table.csv"


# --- without Ray


def test_inspect_shows_the_table(raysk, table):
    """Inspect says what the table and its columns became."""
    facts = raysk("inspect", SVC, "--data", table, "-y", "left", "--drop", "city,id").summary
    assert facts["data"]["source"] == table
    assert facts["data"]["X"]["columns"] == ["age", "pay", "team"]
    assert (facts["data"]["X"]["type"], facts["data"]["X"]["shape"]) == ("ndarray", [60, 3])
    assert facts["data"]["y"]["kind"] == "binary"


def test_a_search_without_any_file(raysk):
    """An estimator, a data set and a space from the command line are a search."""
    space = ["--space", "C=loguniform:1e-3:1e3", "--space", "kernel=rbf,linear"]
    facts = raysk("search", SVC, "--data", "sklearn:digits", *space, "--dry-run").summary
    assert facts["data"]["X"]["shape"] == [1797, 64]
    assert (facts["search"]["class"], facts["search"]["fits"]) == ("RandomizedSearchCV", 50)
    assert facts["search"]["parameters"] == {"C": None, "kernel": 2}


def test_data_from_stdin(start, table):
    """`--data -` reads what is piped in, once, also where the job is made and described."""
    process = start(
        "fit", SVC, "--data", "-", "--target", "left", "--features", "age", "--dry-run", stdin=subprocess.PIPE
    )
    out, err = process.communicate(Path(table).read_text(), timeout=60)
    assert process.returncode == 0, err
    assert json.loads(out)["data"]["X"]["shape"] == [60, 1]


def test_the_files_own_data_is_not_loaded(raysk, table):
    """--data replaces what the file holds: its load_data() is not called."""
    Path("model.py").write_text(PIPELINE)
    facts = raysk("inspect", "model.py", "--data", table, "-y", "left", "--id-col", "id").summary
    assert facts["data"]["X"]["type"] == "DataFrame"
    raysk("inspect", "model.py").assert_error(1, "the file's own data was loaded")


def test_a_name_that_is_not_text(raysk, folder):
    """A file name of bytes that are no UTF-8 works."""
    for name, write in ((b"t\xff.csv", FRAME.to_csv), (b"\xff.parquet", FRAME.to_parquet), (b"\xff.npy", None)):
        with open(os.path.join(os.fsencode(folder), name), "wb") as file:  # noqa: PTH118, PTH123 - Path takes no bytes
            write(file, index=False) if write else np.save(file, FRAME[["age"]].to_numpy())
        columns = ["-y", "left", "--features", "age"] if write else []
        facts = raysk("inspect", "sklearn.cluster:KMeans()", "--data", name, *columns).summary
        assert facts["data"]["X"]["shape"] == [60, 1]


def npz_bomb():
    """Return an archive with an array of 64 bytes that claims 64 TB."""
    header = str({"descr": "<f8", "fortran_order": False, "shape": (10**12, 8)}).encode().ljust(117) + b"\n"
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("X.npy", b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header + bytes(64))
    return file.getvalue()


def pickle_in_npy():
    """Return an npy file that holds an object."""
    file = io.BytesIO()
    np.save(file, np.array([{}, 1], dtype=object))
    return file.getvalue()


DAMAGED = {
    "ragged.csv": (b"a,b,y\n1,2,3\n4,5\n", ["row 2:", "Expected 3 columns, got 2"]),
    "wrong type.csv": (b"a,y\n1,0\noops,1\n3,0\n", ["'a'", "'oops'", "row 2", "SVC"]),
    "no target.csv": (b"a,yy\n1,0\n2,1\n", ["'y'", "Did you mean yy"]),
    "missing.csv": (b"a,y\n1,0\n2,\n", ["y is missing in row 2"]),
    "infinite.csv": (b"a,y\n1,0\ninf,1\n", ["'a'", "infinite", "row 2"]),
    "empty.csv": (b"", ["is empty"]),
    "binary.csv": (bytes(range(256)), ["no text has"]),
    "bomb.npz": (npz_bomb(), ["claims to hold 64,000,000,000,000 bytes"]),
    "pickle.npy": (pickle_in_npy(), ["Python objects"]),
    "cut.csv.gz": (gzip.compress(b"a,y\n1,2\n" * 99)[:-9], ["cut.csv.gz"]),
    "cut.parquet": (b"PAR1" + bytes(99), ["cut.parquet"]),
}


@pytest.mark.parametrize("name", DAMAGED)
def test_damaged_data(raysk, folder, name):
    """Damaged data ends with exit 3 and at most five lines, and nothing on stdout."""
    content, words = DAMAGED[name]
    (folder / name).write_bytes(content)
    ran = raysk("inspect", SVC, "--data", name, "--target", "0" if ".np" in name else "y")
    ran.assert_error(3, *words)
    assert ran.out == ""


WRONG = {
    "columns without data": (["fit", SVC, *HERE, "-y", "left"], ["--target", "--data FILE.py:load_data"]),
    "unknown format": (["fit", SVC, *HERE, "--data", "t.csv", "--format", "cvs"], ["cvs", "csv"]),
    "password": (["fit", SVC, *HERE, "--data", "s3://me:hush@bucket/t.csv"], ["password", "environment"]),
    "no such distribution": (
        ["search", SVC, *HERE, "--data", "sklearn:digits", "--space", "C=loguniforn:1:2"],
        ["loguniform"],
    ),
    "a space of nothing": (["search", SVC, *HERE, "--data", "sklearn:digits", "--space", "C"], ["NAME=VALUE"]),
    "text of nothing": (["search", SVC, *HERE, "--data", "sklearn:digits", "--set-str", "C"], ["NAME=VALUE"]),
}


@pytest.mark.parametrize("name", WRONG)
def test_wrong_usage(raysk, name):
    """Options that make no sense end with exit 2 and say what to write."""
    arguments, words = WRONG[name]
    ran = raysk(*arguments)
    ran.assert_error(2, *words)
    assert "hush" not in ran.err


# --- with workers


def test_fit_from_a_table(raysk, table):
    """A model fitted on a table is scikit-learn's own, and its sidecar knows names and types of the features."""
    forest = "sklearn.ensemble:RandomForestClassifier(n_estimators=10, random_state=0)"
    columns = ["-y", "left", "--features", "pay,age", "--weight", "team", "--id-col", "id"]
    ran = raysk("fit", forest, "--data", table, *columns, "-o", "forest.pkl", threads=True)
    assert ran.code == 0, ran.err
    X, y = FRAME[["pay", "age"]].to_numpy(), FRAME["left"].to_numpy()
    own = RandomForestClassifier(n_estimators=10, random_state=0).fit(X, y, sample_weight=FRAME["team"])
    model = pickle.loads(Path("forest.pkl").read_bytes())
    assert np.array_equal(model.predict_proba(X), own.predict_proba(X))
    facts = json.loads(Path("forest.json").read_text())["data"]
    assert (facts["source"], facts["X"]["columns"], facts["X"]["dtype"]) == (table, ["pay", "age"], "float64")
    assert facts["y"]["columns"] == ["left"]


def test_search_a_pipeline_that_chooses_columns(raysk, table, head):
    """A pipeline gets a DataFrame, the file's splitter its groups, and nested names their space."""
    Path("model.py").write_text(PIPELINE)
    columns = ["-y", "left", "--groups", "team", "--id-col", "id"]
    space = ["--space", "logisticregression__C=logspace:-2:2:3", "--set-str", "logisticregression__solver=lbfgs"]
    ran = raysk("search", "model.py", "--data", table, *columns, *space, "-o", "best.pkl", "--address", head)
    assert ran.code == 0, ran.err
    assert f"data: X 60 x 3 (2 numbers, 1 text), y left: 2 classes, from {table}\n" in ran.err
    assert (ran.summary["data"]["held_out"], ran.summary["test_score"]) == (None, None)
    search = pickle.loads(Path("best.pkl").read_bytes())
    own = GridSearchCV(search.estimator, {"logisticregression__C": [0.01, 1, 100]}, cv=GroupKFold(3))
    own.fit(FRAME[["age", "pay", "city"]], FRAME["left"].to_numpy(), groups=FRAME["team"])
    assert ran.summary["best_params"] == own.best_params_
    assert np.array_equal(search.cv_results_["mean_test_score"], own.cv_results_["mean_test_score"])
    facts = json.loads(Path("best.json").read_text())["data"]["X"]
    assert (facts["type"], facts["columns"]) == ("DataFrame", ["age", "pay", "city"])


def test_damaged_data_for_a_fit(raysk, folder):
    """Where a cluster is connected to meanwhile, damaged data ends the same way, and leaves no run folder."""
    content, words = DAMAGED["ragged.csv"]
    (folder / "ragged.csv").write_bytes(content)
    raysk("fit", SVC, "--data", "ragged.csv", "-y", "y", threads=True).assert_error(3, *words)
    assert [path.name for path in folder.iterdir()] == ["ragged.csv"]


def test_search_a_named_set(raysk):
    """A search needs no file at all, gives scikit-learn's own scores, and is scored once on what was held out."""
    space = ["--space", "n_neighbors=1,5", "--cv", "2"]
    ran = raysk(
        *("search", "sklearn.neighbors:KNeighborsClassifier()", "--data", "sklearn:digits", "--test-size", "0.25"),
        *space,
        threads=True,
    )
    assert ran.code == 0, ran.err
    X, y = load_digits(return_X_y=True)
    X, X_test, y, y_test = train_test_split(X, y, stratify=y, random_state=0)
    own = GridSearchCV(KNeighborsClassifier(), {"n_neighbors": [1, 5]}, cv=2).fit(X, y)
    assert ran.summary["best_score"] == own.best_score_
    assert ran.summary["test_score"] == own.score(X_test, y_test)
    used = json.loads((Path(ran.summary["run_dir"]) / "run.json").read_text())
    assert used["data"] == ran.summary["data"]
    assert used["test_score"] == ran.summary["test_score"]
    assert ran.summary["data"]["line"] in ran.err
