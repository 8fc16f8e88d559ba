"""What an earlier search found is used again: as a fit, as the beginning of another search, on other data."""

from __future__ import annotations

import csv
import json
import shutil
from pathlib import Path

import pytest

SPEC = """
from scipy.stats import loguniform
from sklearn.datasets import load_iris
from sklearn.model_selection import RandomizedSearchCV
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import MinMaxScaler, StandardScaler
from sklearn.svm import SVC

X, y = load_iris(return_X_y=True)
pipe = Pipeline([("scale", StandardScaler()), ("svc", SVC())])
space = {"scale": [StandardScaler(), MinMaxScaler()], "svc__C": loguniform(1e-3, 1e3)}
search = RandomizedSearchCV(pipe, space, n_iter=8, cv=3, random_state=0)
"""


@pytest.fixture
def first(raysk, folder):
    """Leave a search, the candidates of which have different scores."""
    (folder / "spec.py").write_text(SPEC)
    ran = raysk("search", "spec.py", "--run-dir", "first", threads=True)
    assert ran.code == 0, ran.err
    return ranked("first")


def rows(run):
    with (Path(run) / "results.csv").open() as file:
        return list(csv.DictReader(file))


def ranked(run):
    """Return the rows of a run's table, the best first."""
    return sorted(rows(run), key=lambda row: -float(row["mean_test_score"]))


def params(run):
    return [json.loads(row["params"]) for row in rows(run)]


def test_another_search_begins_with_the_best(raysk, first):
    """Its first candidates are those of the earlier run; resumed, it has them though that run is gone."""
    command = ("search", "spec.py", "--seed", "1", "--seed-from", "first", "--seed-top", "2", "--run-dir", "second")
    ran = raysk(*command, "--stop-at", "0.1", threads=True)
    assert ran.code == 0, ran.err
    assert "Trying first the 2 best candidates of first" in ran.err
    assert ran.summary["stopped"] == "stop-at"
    shutil.rmtree("first")
    ran = raysk("resume", "second", "--stop-at", "2", threads=True)
    assert ran.code == 0, ran.err
    assert (ran.summary["candidates"], ran.summary["fits"]) == (8, 24)
    assert ran.summary["fits_resumed"] >= 3
    assert params("second")[:2] == [json.loads(row["params"]) for row in first[:2]]
    assert [row["mean_test_score"] for row in rows("second")[:2]] == [row["mean_test_score"] for row in first[:2]]
    raysk("search", "spec.py", "--seed-from", "first").assert_error(3, "There is no run 'first'")
    raysk("search", "spec.py", "--seed-from", "second", "--backend", "threading").assert_error(2, "--seed-from")


def test_a_candidate_is_fitted_again(raysk, folder, first):
    """Here, on other data, from elsewhere; its model is the latest then, wherever it was saved."""
    second = json.loads(first[1]["params"])
    ran = raysk("fit", "spec.py", "--params", "first#2", "--set", "svc__tol=0.01", threads=True)
    assert ran.code == 0, ran.err
    assert ran.summary["params"]["svc__C"] == second["svc__C"]
    assert ran.summary["params"]["scale"] == second["scale"]["object"]
    assert ran.summary["params"]["svc__tol"] == 0.01
    elsewhere = folder / "else where"
    elsewhere.mkdir()
    lines = ["a,b,c,d,kind", *(f"{n % 7},{n % 5},{n % 3},{n},{n % 2}" for n in range(40))]
    (elsewhere / "new.csv").write_text("\n".join(lines))
    options = ("--data", "new.csv", "-y", "kind", "-o", "m.pkl")
    ran = raysk("refit", "../first", "--rank", "2", *options, cwd=elsewhere, threads=True)
    assert ran.code == 0, ran.err
    assert (ran.summary["data"]["rows"], ran.summary["params"]["svc__C"]) == (40, second["svc__C"])
    assert ran.summary["model"] == str(elsewhere / "m.pkl")
    table = str(elsewhere / "new.csv")
    ran = raysk("predict", "latest", table)
    assert (ran.code, len(ran.out.splitlines())) == (0, 41), ran.err
    ran = raysk("score", "latest", table)
    assert (ran.code, ran.summary["model"]) == (0, "else where/m.pkl"), ran.err
    raysk("refit", "first#99").assert_error(3, "8 candidates with a score", "raysk results first")
    raysk("refit", "latest").assert_error(3, "There is no search in")  # only fits
    raysk("refit", "first", "--target", "kind").assert_error(2, "--target")
    manifest = folder / "first" / "run.json"
    manifest.write_text(manifest.read_text().replace('"command": "search"', '"command": "raysk.fit"'))
    raysk("refit", "first").assert_error(
        3, "started from Python", "raysk.top_params", "raysk fit FILE --params 'first#1'"
    )
    manifest.unlink()
    raysk("refit", "first#2").assert_error(
        3, "does not say how the run was started", "raysk fit FILE --params 'first#2'"
    )
