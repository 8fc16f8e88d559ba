"""`raysk nested` and `raysk cv`, as a person runs them."""

from __future__ import annotations

import json
import signal

import numpy as np
from scipy.stats import loguniform
from sklearn.datasets import load_digits
from sklearn.model_selection import RandomizedSearchCV, RepeatedStratifiedKFold, cross_validate
from sklearn.svm import SVC

SPEC = """
import time
from scipy.stats import loguniform
from sklearn.datasets import load_digits
from sklearn.model_selection import RandomizedSearchCV
from sklearn.svm import SVC

class Slow(SVC):
    def fit(self, X, y):
        time.sleep(0.05)
        return super().fit(X, y)

X, y = load_digits(return_X_y=True)
X, y = X[:150], y[:150]
space = {"C": loguniform(1e-2, 1e2), "gamma": loguniform(1e-4, 1)}
search = RandomizedSearchCV(Slow(random_state=0), space, n_iter=8, cv=3)
"""

MODEL = """
model = Slow()
"""


def test_interrupted_and_resumed_on_ray(start, raysk, folder, head, eventually):
    """Ctrl-C ends all folds and says how to go on; what is resumed has scikit-learn's own scores."""
    (folder / "spec.py").write_text(SPEC)
    process = start("nested", "spec.py", "--outer", "3", "--address", head, "--run-dir", "run")
    journals = [folder / "run" / f"outer-{number}" / "journal.jsonl" for number in (1, 2, 3)]

    def fits():
        return [len(path.read_text().splitlines()) - 1 if path.exists() else 0 for path in journals]

    eventually(lambda: sum(fits()) >= 6, "some fits")
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 130, err
    assert "raysk resume run" in err
    assert json.loads((folder / "run" / "run.json").read_text())["outcome"] == "interrupted"
    kept = sum(fits())
    assert kept < 72

    raysk("search", "spec.py", "--resume", "run").assert_error(3, "raysk nested", "raysk resume run")
    ran = raysk("resume", "run", "--train-score", threads=True)
    assert ran.code == 0, ran.err
    summary = ran.summary
    assert (summary["fits"], summary["metric"]) == (72, "accuracy")
    assert summary["fits_resumed"] == kept
    assert summary["train_score"] > summary["test_score"]

    X, y = (each[:150] for each in load_digits(return_X_y=True))
    header = json.loads(journals[0].read_text().splitlines()[0])
    state = header["random"]  # the search has no seed: its candidates were drawn from here
    np.random.set_state((state[0], np.array(state[1], np.uint32), *state[2:]))  # noqa: NPY002 - scikit-learn's default
    space = {"C": loguniform(1e-2, 1e2), "gamma": loguniform(1e-4, 1)}
    search = RandomizedSearchCV(SVC(random_state=0), space, n_iter=8, cv=3)
    theirs = cross_validate(search, X, y, cv=3, return_estimator=True)
    assert [fold["test_score"] for fold in summary["folds"]] == theirs["test_score"].tolist()
    assert [fold["best_params"] for fold in summary["folds"]] == [each.best_params_ for each in theirs["estimator"]]
    assert summary["test_score_std"] == theirs["test_score"].std()


def test_what_is_refused(raysk, folder):
    """Too few folds, and another backend, are said before anything starts."""
    (folder / "spec.py").write_text(SPEC)
    raysk("nested", "spec.py", "--outer", "1").assert_error(2, "--outer 1")
    raysk("nested", "spec.py", "--backend", "loky").assert_error(2, "raysk nested", "loky")
    assert raysk("nested", "spec.py", "--dry-run").code == 0


def test_one_estimator_is_cross_validated(raysk, folder):
    """`raysk cv` has the scores of cross_validate; what it leaves goes on; a dry run starts nothing."""
    (folder / "model.py").write_text(SPEC.replace("search =", "ours =").replace("sleep(0.05)", "sleep(0)") + MODEL)
    X, y = (each[:150] for each in load_digits(return_X_y=True))
    folds = RepeatedStratifiedKFold(n_splits=3, n_repeats=2, random_state=5)
    theirs = cross_validate(SVC(C=2), X, y, cv=folds, scoring=["accuracy", "f1_macro"], return_train_score=True)
    options = ["--repeats", "2", "--cv", "3", "--seed", "5", "--set", "C=2", "--scoring", "accuracy,f1_macro"]
    ran = raysk("cv", "model.py", *options, "--train-score", "--results", "folds.csv", "--run-dir", "run")
    assert ran.code == 0, ran.err
    summary = ran.summary
    for name in ("test_accuracy", "train_accuracy", "test_f1_macro"):
        assert [fold[name] for fold in summary["folds"]] == theirs[name].tolist()
        assert summary["scores"][name] == {"mean": theirs[name].mean(), "std": theirs[name].std()}
    assert [fold["repeat"] for fold in summary["folds"]] == [1, 1, 1, 2, 2, 2]
    assert (folder / "folds.csv").read_text().splitlines()[0].startswith("fold,repeat,test_accuracy,train_accuracy")
    assert raysk("resume", "run", threads=True).summary["fits_resumed"] == 6
    raysk("search", "model.py:ours", "--resume", "run").assert_error(3, "raysk cv", "raysk resume run")
    raysk("cv", "model.py:ours").assert_error(2, "raysk nested")
    plan = json.loads(raysk("cv", "--dry-run=time", "model.py", "--workers", "3").out)["plan"]
    assert (plan["fits"], plan["workers"], plan["time"]["timed"]) == (5, 3, 5)
