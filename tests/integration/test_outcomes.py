"""An outcome is never prettier than the truth: searches without a score, failed fits, several metrics."""

from __future__ import annotations

import csv
import json
import re

import pytest

TEN_CLASSES = """
from sklearn.datasets import load_digits
from sklearn.svm import SVC

X, y = load_digits(return_X_y=True)
X, y = X[:120], y[:120]
estimator = SVC()
param_grid = {"C": [float(c) for c in range(1, 31)]}
cv = 2
"""

CANNOT_SCORE = """
def mine(estimator, X, y):
    raise ValueError("not ten classes")

scoring = mine
"""

TOO_SMALL = """
from sklearn.datasets import load_iris
from sklearn.svm import SVC

class Mine(SVC):
    def fit(self, X, y):
        if self.C < 0.5:
            raise ValueError("C is too small for me")
        return super().fit(X, y)

X, y = load_iris(return_X_y=True)
estimator = Mine()
param_grid = {"C": [0.1, 0.2, 1.0, 2.0]}
cv = 3
"""


@pytest.fixture
def search(forking, folder, Ran):
    """Return a function that runs a search on threads; see `forking`."""

    def run(text, *options):
        (folder / "spec.py").write_text(text)
        code = forking(folder, ["search", "spec.py", "--no-verify", "--run-dir", "run", *options])
        ran = Ran(code, (folder / "OUT").read_text(), (folder / "ERR").read_text())
        (folder / "OUT").unlink()
        (folder / "ERR").unlink()
        return ran

    return run


def table(folder):
    """Return the rows of the run's table."""
    return list(csv.DictReader((folder / "run" / "results.csv").open()))


def test_no_finite_score(raysk, folder, head):
    """A metric that cannot score these classes: exit 1 after ten candidates, with its words, and no model."""
    (folder / "spec.py").write_text(TEN_CLASSES + CANNOT_SCORE)
    ran = raysk("search", "spec.py", "--run-dir", "run", "--address", head)  # warnings of threads would mix
    ran.assert_error(1, "first 1", "of 30 candidates", "ValueError: not ten classes", "--max-failures 60")
    found = ran.summary
    assert [found[name] for name in ("best_score", "best_params", "best_index", "model")] == [None] * 4
    assert (found["metric"], found["stopped"]) == ("mine", "no-score")
    assert 10 <= found["candidates"] < 30
    assert found["scores_failed"] == found["fits"] == found["errors"][0]["count"]
    assert len(table(folder)) == found["candidates"]
    assert not (folder / "run" / "model.pkl").exists()
    assert json.loads((folder / "run" / "run.json").read_text())["outcome"] == "failed"
    assert ran.err.count("non-finite") == ran.err.count("Scoring failed") == 0

    again = raysk("resume", "run", "--max-failures", "60")
    again.assert_error(1, "No candidate has a finite score")
    assert again.summary["candidates"] == 30


def test_failed_fits(search, folder):
    """A reason is said once when it is first seen, and counted at the end; table and journal name it."""
    ran = search(TOO_SMALL, "--strict")
    assert ran.code == 5, ran.err
    assert len(re.findall(r"Failed: candidate [01], split \d \(C=0.[12]\): ValueError: C is too small", ran.err)) == 1
    assert "6 fits failed: ValueError: C is too small for me" in ran.err
    found = ran.summary
    assert (found["fits"], found["fits_failed"], found["scores_failed"]) == (12, 6, 0)
    assert found["errors"][0]["count"] == 6
    assert [row["error"] for row in table(folder)] == ["ValueError: C is too small for me"] * 2 + [""] * 2
    journal = [json.loads(line) for line in (folder / "run" / "journal.jsonl").read_text().splitlines()[1:]]
    assert {each["params"]["C"] for each in journal if each["fit_error"] and "params" in each} == {0.1, 0.2}


def test_what_was_measured(search):
    """The summary has the metric, its mean and spread, all metrics of several, and train scores where asked for."""
    text = TEN_CLASSES.replace("estimator = ", "from sklearn.model_selection import GridSearchCV\nestimator = ")
    text += "search = GridSearchCV(estimator, param_grid, cv=2, return_train_score=True)\n"
    found = search(text, "--scoring", "accuracy,f1_macro", "--strict").summary
    assert (found["metric"], found["fits"]) == ("accuracy", 60)
    assert set(found["scores"]) == {"accuracy", "f1_macro"}
    assert found["scores"]["accuracy"]["mean"] == found["best_score"]
    assert found["best_score_std"] > 0
    assert found["best_score"] < found["best_train_score"] <= 1.0
