"""Every example runs as its header says, from a folder that is not the checkout, with spaces in every path."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parents[2] / "examples"
SPECS = ["svm_digits.py", "forest_digits.py", "text_pipeline.py"]

TIMEOUT_S = 300  # of one command; each takes 5-20 s on two idle cores
pytestmark = pytest.mark.deadline(TIMEOUT_S + 30)

SEARCH_FIELDS = {
    *("schema", "metric", "best_score", "best_score_std", "best_train_score", "best_params", "best_index", "scores"),
    *("candidates", "splits", "fits", "fits_failed", "scores_failed", "errors", "fits_lost", "fits_saved"),
    *("fits_shared", "fits_pruned", "pruning", "steps_shared", "selection", "fits_verified"),
    *("fits_resumed", "time_s", "cpu_time_s", "workers", "nodes", "stopped", "run_dir", "model"),
    *("data", "test_score", "test_scores"),
}
FIT_FIELDS = {
    *("schema", "estimator", "fitted", "params", "time_s", "cpu_time_s", "workers", "nodes", "run_dir", "model"),
    *("train_score", "train_scores", "data", "test_score", "test_scores"),
}


@pytest.fixture
def examples(tmp_path):
    """Return a copy of examples/ in a folder with a space and a quote in its name."""
    return shutil.copytree(EXAMPLES, tmp_path / "Ann's examples", ignore=shutil.ignore_patterns("__pycache__"))


@pytest.fixture
def run(tmp_path, environment):
    """Return a function that runs a command in a folder of its own and returns what it wrote to stdout."""
    folder = tmp_path / "my work"
    folder.mkdir()

    def _run(*command, **more_env):
        done = subprocess.run(
            list(map(str, command)),
            cwd=folder,
            env=environment | more_env,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=TIMEOUT_S,
            check=False,
        )
        assert done.returncode == 0, f"exit code {done.returncode}\n{done.stderr[-4000:]}\n{done.stdout[-1000:]}"
        assert "Traceback" not in done.stderr
        return done.stdout

    return _run


@pytest.fixture
def raysk(run, programs):
    """Return a function that runs a raysk command and returns its one JSON object."""

    def _raysk(*args):
        text = run(programs / "raysk", *args)
        assert len(text.splitlines()) == 1
        return one_object(text)

    return _raysk


def one_object(text):
    """Return the JSON object that a text is; NaN and Infinity are no JSON."""
    value = json.loads(text, parse_constant=lambda name: pytest.fail(f"{name} is no JSON"))
    assert isinstance(value, dict)
    return value


def test_each_example_has_a_test():
    """A new example fails here until a test below runs it."""
    files = {path.name for path in EXAMPLES.iterdir() if path.is_file()}
    assert files == {*SPECS, "notebook_api.py", "pipeline.sh"}


@pytest.mark.parametrize("name", SPECS)
def test_inspect(raysk, examples, name):
    """Inspect finds estimator and data in each example, and which of search and fit would run."""
    facts = raysk("inspect", examples / name)
    assert facts["runs"] == ("fit" if name == "forest_digits.py" else "search")
    assert facts["estimator"]["kind"] == "classifier"
    assert facts["data"]["y"]["kind"] == "multiclass"
    if name == "svm_digits.py":  # the article's search: 300 candidates, 5 folds, 1,797 rows
        assert (facts["search"]["candidates"], facts["search"]["splits"]) == (300, 5)
        assert facts["data"]["X"]["shape"] == [1797, 64]


def test_svm_digits(raysk, examples, tmp_path):
    """A short random search answers with the whole summary, a model and a run folder."""
    model = tmp_path / "best model.pkl"
    summary = raysk("search", examples / "svm_digits.py", "--n-iter", 4, "--cv", 2, "-o", model)
    assert summary.keys() >= SEARCH_FIELDS
    assert summary["best_params"].keys() == {"C", "gamma", "tol", "class_weight"}
    assert 0 < summary["best_score"] <= 1
    assert 0 <= summary["best_index"] < 4
    assert (summary["candidates"], summary["splits"], summary["fits"]) == (4, 2, 8)
    assert (summary["fits_failed"], summary["stopped"]) == (0, None)
    assert summary["workers"] >= 1
    assert Path(summary["run_dir"]).is_dir()
    assert Path(summary["model"]).samefile(model)


def test_forest_digits(raysk, examples, tmp_path):
    """A fit with fewer trees answers with the whole summary, and saves the forest."""
    model = tmp_path / "forest.pkl"
    summary = raysk("fit", examples / "forest_digits.py", "--set", "n_estimators=40", "-o", model)
    assert summary.keys() >= FIT_FIELDS
    assert summary["estimator"] == "RandomForestClassifier"
    assert summary["params"]["n_estimators"] == 40
    assert summary["params"]["random_state"] == 0
    assert summary["workers"] >= 1
    assert Path(summary["model"]).samefile(model)


def test_text_pipeline(raysk, run, examples, tmp_path):
    """A search over loose parts; its model, with the file's own class in it, loads when the file is gone."""
    model = tmp_path / "text model.pkl"
    summary = raysk("search", examples / "text_pipeline.py", "--n-iter", 4, "--cv", 2, "--seed", 1, "-o", model)
    assert summary.keys() >= SEARCH_FIELDS
    assert (summary["candidates"], summary["splits"], summary["fits_failed"]) == (4, 2, 0)
    assert "features__shape__scale" in summary["best_params"]
    shutil.rmtree(examples)
    load = "import pickle, sys; model = pickle.load(open(sys.argv[1], 'rb')); print(*model.predict([sys.argv[2]]))"
    assert run(sys.executable, "-c", load, model, "petal width in cm").strip() == "iris"


def test_notebook_api(run, examples):
    """The script prints the scores of a search, of a forest and of a cross-validation."""
    lines = run(sys.executable, examples / "notebook_api.py").splitlines()
    assert [line.split()[0] for line in lines] == ["nodes", "search", "forest", "scores"]
    assert all(float(line.split()[1]) > 0.9 for line in lines[1:])


def test_pipeline(run, programs, examples, tmp_path):
    """The shell pipeline searches, hands the best parameters on, fits, and writes one JSON object."""
    command = tmp_path / "a program"
    command.symlink_to(programs / "raysk")
    out = tmp_path / "my models"
    out.mkdir()
    text = run("bash", examples / "pipeline.sh", out, RAYSK=str(command), N_ITER="3")
    summary = one_object(text)
    assert summary.keys() >= FIT_FIELDS
    assert summary["estimator"] == "SVC"
    assert summary["params"]["C"] != 1.0  # scikit-learn's default: the search's own came through
    assert Path(summary["model"]).samefile(out / "best svm.pkl")
