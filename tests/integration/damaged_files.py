"""Damaged pickles, tables and model files."""

from __future__ import annotations

import functools
import gzip
import io
import json
import pickle
from typing import TYPE_CHECKING

from damage import BYTES, Case, opcodes

if TYPE_CHECKING:
    import random
    from collections.abc import Callable

# --- pickles and joblib's files

READERS = (
    ["inspect", "FILE"],
    ["fit", "FILE", "--dry-run", "--data", "good.csv", "-y", "y"],
    ["search", "FILE", "--dry-run", "--data", "good.csv", "-y", "y"],
)
ASKED = (
    ["model", "show", "FILE"],
    ["predict", "FILE", "good.csv", "--drop", "y"],
    ["score", "FILE", "good.csv", "-y", "y"],
)
CSV = "a,b,y\n" + "".join(f"{i % 7},{i % 5}.5,{i % 2}\n" for i in range(40))


@functools.cache
def pickles() -> dict[str, bytes]:
    """Return what a person may have pickled; names that begin with ``fitted`` are models."""
    import joblib
    import numpy as np
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import RandomizedSearchCV
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler
    from sklearn.svm import SVC

    X, y = np.arange(80.0).reshape(40, 2) % 7, np.arange(40) % 2
    search = RandomizedSearchCV(SVC(), {"C": np.logspace(-2, 2, 9), "gamma": [0.1, 1.0]}, n_iter=3, random_state=0)
    fitted = make_pipeline(StandardScaler(), LogisticRegression()).fit(X, y)
    held = {"estimator": SVC(), "search": search, "fitted": fitted, "parts": {"model": SVC(), "X": X, "y": y}}
    made = {
        f"{name}-{protocol}.pkl": pickle.dumps(value, protocol) for name, value in held.items() for protocol in (2, 5)
    }
    for name, value in held.items():
        for compress in (0, 3):
            file = io.BytesIO()
            joblib.dump(value, file, compress=compress)
            made[f"{name}-z{compress}.joblib"] = file.getvalue()
    return made


def a_pickle(rng: random.Random) -> Case:
    name = rng.choice(sorted(pickles()))
    how = rng.choice([*BYTES, *[opcodes] * 8]) if name.endswith(".pkl") else rng.choice(BYTES)
    command = rng.choice(READERS + ASKED if name.startswith("fitted") else READERS)
    files = {name: how(rng, pickles()[name]), "good.csv": CSV.encode()}
    return Case(files, [name if word == "FILE" else word for word in command], how.__name__)


# --- tables and arrays

CELLS = (
    '"',
    ",",
    "\x00",
    "1e999",
    "nan",
    "\ufeff",
    "\r",
    "\n",
    "x" * 300_000,
    "\udc80",
    "-",
    "{}",
    "[",
    "null",
    "9" * 400,
)


def odd_cell(rng: random.Random, content: bytes) -> bytes:
    """Put something that does not belong there into a text."""
    start = rng.randrange(len(content))
    return content[:start] + rng.choice(CELLS).encode("utf-8", "surrogatepass") + content[start:]


@functools.cache
def tables() -> dict[str, bytes]:
    """Return one table in each format; the last column, or the last array, is y."""
    import numpy as np
    import pandas as pd

    frame = pd.read_csv(io.StringIO(CSV))
    X, y = frame[["a", "b"]].to_numpy(), frame["y"].to_numpy()

    def written(write: Callable[[io.BytesIO], object]) -> bytes:
        file = io.BytesIO()
        write(file)
        return file.getvalue()

    lines = "".join(f"{label} 1:{a} 2:{b}\n" for (a, b), label in zip(X, y, strict=True))
    return {
        "t.csv": CSV.encode(),
        "t.csv.gz": gzip.compress(CSV.encode(), mtime=0),
        "t.tsv": CSV.replace(",", "\t").encode(),
        "t.jsonl": frame.to_json(orient="records", lines=True).encode(),
        "t.parquet": written(frame.to_parquet),
        "t.feather": written(frame.to_feather),
        "t.npy": written(lambda file: np.save(file, frame.to_numpy())),
        "t.npz": written(lambda file: np.savez(file, X=X, y=y)),
        "c.npz": written(lambda file: np.savez_compressed(file, X=X, y=y)),
        "t.svmlight": lines.encode(),
        "t.pkl": pickle.dumps({"X": X, "y": y}),
    }


def data(rng: random.Random) -> Case:
    name = rng.choice(sorted(tables()))
    is_text = name in {"t.csv", "t.tsv", "t.jsonl", "t.svmlight"}
    how = rng.choice([*BYTES, *[odd_cell] * 8]) if is_text else rng.choice(BYTES)
    target = [] if name.endswith((".npz", ".svmlight", ".pkl")) else ["-y", "2" if name == "t.npy" else "y"]
    made = "sklearn.svm:SVC()"
    command = rng.choice(
        [
            ["inspect", made, "--data", name, *target],
            ["fit", made, "--dry-run", "--data", name, *target],
            ["search", made, "--dry-run", "--space", "C=1,10", "--data", name, *target],
            ["score", "fitted-5.pkl", name, *target],
            ["predict", "fitted-5.pkl", name, "--to", "jsonl", *(["--drop", target[1]] if target else [])],
        ]
    )
    files = {name: how(rng, tables()[name]), "fitted-5.pkl": pickles()["fitted-5.pkl"]}
    return Case(files, command, how.__name__)


# --- what lies beside a model, and models of skops

ODD_JSON = (b"", b"null", b"[]", b"3", b"{", b'{"kind": "raysk-model"}', b"[" * 100_000)
DEEPER = 0.7
ODD_VALUES = (None, 3, "x" * 1000, [], {}, [None], {"a": 1}, True, 1e300)


@functools.cache
def saved() -> dict[str, bytes]:
    """Return a model and its sidecar, and the same as skops writes it."""
    import tempfile
    from pathlib import Path

    from raysk.models.store import save_model

    model = pickle.loads(pickles()["fitted-5.pkl"])
    X = {"type": "DataFrame", "shape": [40, 2], "dtype": ["float64", "float64"], "columns": ["a", "b"]}
    facts = {"source": "spec.py", "scores": {"best_score": 1.0}, "data": {"X": X}}
    with tempfile.TemporaryDirectory() as folder:
        for name in ("model.pkl", "other.skops"):
            save_model(model, Path(folder, name), facts)
        return {path.name: path.read_bytes() for path in Path(folder).iterdir()}


def odd_value(rng: random.Random, content: bytes) -> bytes:
    """Change one value of a JSON object, or of one within."""
    described = part = json.loads(content)
    name = rng.choice(sorted(part))
    while isinstance(part[name], dict) and part[name] and rng.random() < DEEPER:
        part = part[name]
        name = rng.choice(sorted(part))
    part[name] = rng.choice(ODD_VALUES)
    return json.dumps(described).encode()


def odd_json(rng: random.Random, _: bytes) -> bytes:
    return rng.choice(ODD_JSON)


def beside(rng: random.Random) -> Case:
    model, damaged, ways = rng.choice(
        [("model.pkl", "model.json", [odd_value, odd_value, odd_json, *BYTES]), ("other.skops", "other.skops", BYTES)]
    )
    how = rng.choice(ways)
    command = [model if word == "FILE" else word for word in rng.choice(ASKED)]
    return Case({**saved(), damaged: how(rng, saved()[damaged]), "good.csv": CSV.encode()}, command, how.__name__)
