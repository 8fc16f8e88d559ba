"""Limits of a search as the shell says them: fits that fail, fits that are set aside, options that mean nothing."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest

SPEC = """
import os
import numpy as np
from sklearn.model_selection import GridSearchCV
from sklearn.neighbors import KNeighborsClassifier

class Moody(KNeighborsClassifier):
    def fit(self, X, y):
        if self.leaf_size == 13 and X[0, 0] == 0:
            os._exit(1)
        if self.leaf_size > 50:
            raise ArithmeticError("in no mood")
        return super().fit(X, y)

X, y = np.arange(60.0).reshape(-1, 1), np.arange(60) // 30
search = GridSearchCV(Moody(), {"leaf_size": SIZES}, cv=2)
"""


@pytest.fixture
def spec(folder):
    """Return a function that writes a search over these sizes."""

    def write(sizes):
        (folder / "spec.py").write_text(SPEC.replace("SIZES", repr(sizes)))
        return "spec.py"

    return write


def table(folder):
    with (folder / "run" / "results.csv").open() as file:
        return list(csv.DictReader(file))


def test_a_failed_job_keeps_what_is_done(raysk, folder, spec):
    """Too many failures exit with 1 and say what was raised, after the table and the summary; more may be allowed."""
    command = ["search", spec([10, *range(60, 80)])]  # 20 candidates that fail twice
    ran = raysk(*command, "--max-failures", "20", "--run-dir", "run", threads=True)
    ran.assert_error(1, "--max-failures 20", "ArithmeticError: in no mood")
    assert (ran.summary["stopped"], ran.summary["model"]) == ("max-failures", None)
    assert ran.summary["candidates"] == len(table(folder)) >= 1
    assert "raysk resume run --max-failures N" in ran.err
    assert json.loads((folder / "run" / "run.json").read_text())["outcome"] == "failed"
    more = raysk("resume", "run", "--max-failures", "99", "--strict", threads=True)
    assert more.code == 5, more.err
    assert (more.summary["stopped"], more.summary["candidates"]) == (None, 21)
    assert Path(more.summary["model"]).exists()


def test_fits_that_were_set_aside_are_named(raysk, folder, spec, head):
    """A candidate that ends its worker each time is named on stderr, in the summary and in the table."""
    ran = raysk("search", spec([10, 13, 20]), "--address", head, "--run-dir", "run")
    assert ran.code == 0, ran.err
    (lost,) = ran.summary["fits_lost"]
    assert (lost["candidate"], lost["params"], lost["split"]) == (1, {"leaf_size": 13}, 1)
    assert "died 3 times" in lost["reason"]
    assert ran.summary["fits_failed"] == 1
    assert ran.err.count("Given up: candidate 1, split 1") == 1
    assert [row["fits_lost"] for row in table(folder)] == ["0", "1", "0"]
    assert ran.summary["best_params"]["leaf_size"] == 10


def test_limits_are_refused_where_they_mean_nothing(raysk, spec):
    """Another backend cannot end early, and metrics of which none decides give no score to go by."""
    raysk("search", spec([10]), "--stop-at", "0.9", "--backend", "loky").assert_error(2, "--stop-at", "loky")
    raysk("search", spec([10]), "--memory-per-fit", "1GB", "--backend", "ray").assert_error(2, "--memory-per-fit")
    assert not Path("raysk-runs").exists()
    path = Path(spec([10]))
    path.write_text(path.read_text().replace("cv=2", "cv=2, scoring=['accuracy', 'f1'], refit=False"))
    raysk("search", str(path), "--patience", "3", "--dry-run").assert_error(2, "--patience", "--scoring")
