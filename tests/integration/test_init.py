"""From a table to a model: a file is written for it, searched, kept, and exported; nothing is typed by hand."""

from __future__ import annotations

import json
import pickle

import numpy as np
import pandas as pd

ROWS = 60


def _write_table(folder):
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"row id": [f"r{number}" for number in range(ROWS)], "age": rng.integers(18, 80, ROWS) * 1.0})
    frame["city"], frame["left"] = rng.choice(["Bonn", "Kiel"], ROWS), rng.choice(["no", "yes"], ROWS)
    frame.loc[3, "age"] = None
    frame.to_csv(folder / "staff.csv", index=False)


def test_from_a_table_to_a_model(forking, folder, Ran):
    """Each command does what the one before says, and a tracking server that is not there costs one remark."""

    def run(*arguments, **environment):
        code = forking(folder, list(arguments), environment=environment, limit_s=60)
        ran = Ran(code, (folder / "OUT").read_text(), (folder / "ERR").read_text())
        (folder / "OUT").unlink()
        (folder / "ERR").unlink()
        assert code in {0, 2}, ran.err
        return ran

    _write_table(folder)
    made = run("init", "--data", "staff.csv", "-y", "left").summary
    assert (made["file"], made["next"]) == ("spec.py", "raysk search spec.py")
    assert made["columns"]["categories"] == ["city"]
    assert list(made["left_out"]) == ["row id"]
    run("init", "--data", "staff.csv", "-y", "left").assert_error(2, "spec.py", "--force")
    assert run("init", "fit", "-o", "-").out.startswith("# Tell harmless")

    options = ["--n-iter", "3", "--cv", "2", "--keep-estimators", "1", "--run-dir", "run", "--no-verify", "--mlflow"]
    nobody = {"MLFLOW_TRACKING_URI": "http://me:hush@127.0.0.1:9", "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "0"}
    ran = run("search", "spec.py", *options, **nobody)
    assert ran.summary["candidates"] == 3
    assert ran.err.count("does not take the run") == 1
    assert "hush" not in ran.err
    best = ran.summary["best_index"]
    assert sorted(path.name for path in (folder / "run" / "estimators").glob("*.pkl")) == [
        f"{best}-0.pkl",
        f"{best}-1.pkl",
    ]
    estimator = pickle.loads((folder / "run" / "estimators" / f"{best}-1.pkl").read_bytes())
    assert set(estimator.predict(pd.read_csv(folder / "staff.csv"))) <= {"no", "yes"}

    made = run("export", "run", "--to", "optuna:study.log", "--top", "2").summary
    assert (made["candidates"], made["left_out"], made["next"]) == (2, 1, "optuna-dashboard study.log")
    assert json.loads((folder / "study.log").read_text().splitlines()[0])["study_name"] == "run"
