"""A disk that is full, as the run folder's: what was written stays, and the result reaches stdout all the same."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

SIZE_KB = 64

SPEC = """
import numpy as np
from sklearn.dummy import DummyClassifier
from sklearn.model_selection import GridSearchCV

class Large(DummyClassifier):
    def fit(self, X, y):
        self.ballast_ = np.random.default_rng(0).random(100_000)
        return super().fit(X, y)

X, y = np.eye(90), np.arange(90) % 3
estimator = Large()
search = GridSearchCV(estimator, {"random_state": [*range(N)]}, cv=2)
"""


@pytest.fixture
def small_disk(folder):
    """Return a folder on a disk of SIZE_KB; skipped where none can be made, which must not be so in CI."""
    path = folder / "small"
    path.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", f"size={SIZE_KB}k", "tmpfs", str(path)]
    reason = "" if sys.platform == "linux" and os.geteuid() == 0 else "it needs Linux and root"
    if not reason:
        reason = subprocess.run(command, capture_output=True, text=True, check=False).stderr
    if reason and os.environ.get("CI"):
        pytest.fail(f"CI runs this test, but here no disk can be made: {reason}")
    elif reason:
        pytest.skip(f"no disk can be made: {reason}")
    yield path
    subprocess.run(["umount", "--lazy", str(path)], check=True)


def test_the_result_of_a_search_reaches_stdout(raysk, folder, small_disk, head):
    """Without room for journal, table and model the search ends with its summary, an error that names them, and 3."""
    (folder / "spec.py").write_text(SPEC.replace("N)", "300)"))
    ran = raysk("search", "spec.py", "--address", head, "--run-dir", "small/run", "--results", "table.csv")
    ran.assert_error(3, "the disk is full", "model.pkl", "Free some space")
    assert (ran.summary["candidates"], ran.summary["model"], ran.summary["stopped"]) == (300, None, None)
    assert ran.err.count("journal.jsonl cannot be written") == 1
    assert len((folder / "table.csv").read_text().splitlines()) == 301
    run = small_disk / "run"
    assert not (run / "model.pkl").exists()
    assert not list(run.glob(".*"))
    for line in (run / "journal.jsonl").read_text().splitlines():
        json.loads(line)
    assert json.loads((run / "run.json").read_text())["job"]["source"] == "spec.py"


def test_a_fit_says_that_its_model_cannot_be_written(raysk, folder, small_disk):
    """A model that does not fit on the disk of -o is in the run folder, and an error after the summary.

    An older one there stays as it was.
    """
    (folder / "spec.py").write_text(SPEC.replace("N)", "2)"))
    (small_disk / "model.pkl").write_text("an older one")
    ran = raysk("fit", "spec.py:estimator", "--backend", "threading", "-o", "small/model.pkl", "--force")
    ran.assert_error(3, "model.pkl", "the disk is full")
    model = Path(ran.summary["run_dir"], "model.pkl")
    assert (ran.summary["estimator"], ran.summary["model"]) == ("Large", str(model))
    assert model.stat().st_size > SIZE_KB * 1024
    assert (small_disk / "model.pkl").read_text() == "an older one"
