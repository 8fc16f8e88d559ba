"""Outputs that are there already: replaced with --force only."""

from __future__ import annotations

import json
import os
import pickle
import threading

import pytest

SPEC = """
import numpy as np
from sklearn.datasets import load_iris
from sklearn.model_selection import RandomizedSearchCV
from sklearn.svm import SVC

X, y = load_iris(return_X_y=True)
search = RandomizedSearchCV(SVC(), {"C": np.logspace(-2, 2, 20)}, n_iter=6, random_state=0)
"""

HERE = ["--backend", "threading"]

NAMED = {
    "model of a fit": ["fit", "spec.py", *HERE, "-o", "out.pkl"],
    "model of a search": ["search", "spec.py", *HERE, "-o", "out.pkl"],
    "table of candidates": ["search", "spec.py", *HERE, "--results", "out.csv"],
    "predictions": ["predict", "nothing.pkl", "nothing.csv", "--output", "out.csv"],
    "plot": ["bench", "--plot", "out.svg"],
}


@pytest.mark.parametrize("name", NAMED)
def test_an_output_that_is_there(raysk, folder, name):
    """It is left alone: exit 2 before anything runs, naming the file and what to type."""
    *_, path = arguments = NAMED[name]
    (folder / path).write_text("somebody's work")
    ran = raysk(*arguments)
    ran.assert_error(2, repr(path), "already exists", "--force")
    assert (folder / path).read_text() == "somebody's work"
    assert [each.name for each in folder.iterdir()] == [path]


def test_a_run_that_is_there(raysk, folder):
    """--run-dir with a run in it is refused as early; with --force it and outputs are replaced, other files stay."""
    run = folder / "run"
    run.mkdir()
    for name in ("run.json", "results.csv", "notes.txt"):
        (run / name).write_text("before")
    fit = ["fit", "sklearn.svm:SVC()", "--data", "sklearn:iris", "--run-dir", "run", *HERE]
    raysk("fit", "nothing.py", *HERE, "--run-dir", "run").assert_error(2, "'run'", "run.json", "--force")
    assert (run / "run.json").read_text() == "before"
    (folder / "out.pkl").write_text("before")
    ran = raysk(*fit, "-o", "out.pkl", "--force")
    assert ran.code == 0, ran.err
    assert pickle.loads((folder / "out.pkl").read_bytes()).n_features_in_ == 4
    assert sorted(each.name for each in run.iterdir()) == ["notes.txt", "run.json"]


@pytest.mark.usefixtures("model")
@pytest.mark.parametrize("name", ["/dev/stdout", "pipe"])
def test_pipes_and_devices_are_no_outputs_that_are_there(raysk, folder, name):
    """A named pipe, and stdout, though it is a file, are written to without --force, and stay what they are."""
    os.mkfifo(folder / "pipe")
    read = []
    reader = threading.Thread(target=lambda: read.append((folder / "pipe").read_text()), daemon=True)
    reader.start()
    with (folder / "stdout").open("w") as file:
        ran = raysk("predict", "model.pkl", "sklearn:iris", "-o", name, "--to", "csv", stdout=file)
    assert ran.code == 0, ran.err
    if name != "pipe":  # its reader waits for a writer
        (folder / "pipe").write_text("")
    reader.join(30)
    assert (read[0].startswith("prediction\n")) == (name == "pipe")
    assert (folder / "pipe").is_fifo()
    assert (folder / "stdout").read_text().startswith("prediction\n") == (name == "/dev/stdout")


def test_a_run_that_goes_on(raysk, folder):
    """Resume writes again what its run has written, with the settings of then, and nothing else that is there."""
    (folder / "spec.py").write_text(SPEC)
    (folder / "pyproject.toml").write_text("[tool.raysk]\nn-iter = 4\n")
    outputs = ["-o", "best.pkl", "--results", "table.csv", "--run-dir", "run"]
    ran = raysk("search", "spec.py", "-q", *outputs, env={"RAYSK_CV": "3", "RAYSK_SEED": "0"}, threads=True)
    assert ran.code == 0, ran.err
    (folder / "pyproject.toml").write_text("[tool.raysk]\nn-iter = 5\nseed = 7\n")
    before = (folder / "best.pkl").stat().st_mtime_ns
    again = raysk("resume", "run", env={"RAYSK_SCORING": "f1_macro"}, threads=True)
    assert again.code == 0, again.err
    assert [again.summary[name] for name in ("candidates", "splits", "fits_resumed")] == [4, 3, 12]
    assert (folder / "best.pkl").stat().st_mtime_ns > before
    assert {"--cv=3", "--seed=0"} <= set(json.loads((folder / "run" / "run.json").read_text())["job"]["arguments"])
    (folder / "other.csv").write_text("somebody's work")
    raysk("resume", "run", "--results", "other.csv", threads=True).assert_error(2, "other.csv", "--force")


@pytest.mark.parametrize(("command", "output"), [("fit", "best.pkl"), ("search", "-")])
def test_a_search_that_fits_no_model(raysk, folder, command, output):
    """Where the person's own search has refit=False there is nothing to save: exit 2 before it runs."""
    (folder / "spec.py").write_text(SPEC.replace("n_iter=6", "n_iter=6, refit=False"))
    ran = raysk(command, "spec.py", "-o", output, *HERE)
    ran.assert_error(2, f"-o {output}", "spec.py", "refit=False")
    assert ran.out == ""
    assert not (folder / "raysk-runs").exists()
