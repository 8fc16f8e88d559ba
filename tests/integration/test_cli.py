"""The command line from start to end: what it prints, writes and leaves behind."""

from __future__ import annotations

import json
import os
import pickle
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from sklearn.datasets import load_digits

SPEC = """
import os
import numpy as np
from sklearn.datasets import load_digits
from sklearn.model_selection import RandomizedSearchCV
from sklearn.svm import SVC

print("printed at import")
os.write(1, b"written to descriptor 1\\n")

class Chatty(SVC):
    def fit(self, X, y):
        print("printed by a worker")
        return super().fit(X, y)

X, y = load_digits(return_X_y=True)
X, y = X[:150], y[:150]
search = RandomizedSearchCV(
    Chatty(), {"C": np.logspace(-2, 2, 20), "gamma": np.logspace(-4, 0, 20)}, n_iter=6, cv=3, random_state=0, verbose=3
)
"""

SLOW = SPEC.replace("return super()", "__import__('time').sleep(0.2); return super()").replace("n_iter=6", "n_iter=200")

SUMMARY = [
    *["schema", "metric", "best_score", "best_score_std", "best_train_score", "best_params", "best_index", "scores"],
    "selection",
    "report",
    *[
        "candidates",
        "splits",
        "fits",
        "fits_failed",
        "scores_failed",
        "errors",
        "fits_lost",
        "fits_saved",
        "fits_shared",
    ],
    *["fits_pruned", "pruning", "steps_shared"],
    *["fits_resumed", "fits_verified", "time_s", "cpu_time_s", "workers", "nodes", "stopped", "run_dir", "model"],
    *["data", "test_score", "test_scores"],
]


@pytest.fixture
def spec(folder):
    path = folder / "my spec.py"
    path.write_text(SPEC)
    return path


@pytest.fixture
def expected(spec):
    """Run the same search with scikit-learn alone."""
    names = {"__name__": "spec"}
    exec(compile(spec.read_text().replace("verbose=3", "verbose=0"), spec, "exec"), names)  # noqa: S102 - the test's own
    return names["search"].fit(names["X"], names["y"])


def _processes_of(pid: int) -> list[str]:
    """Return the command lines of processes whose environment names this run's private folder."""
    found = []
    for proc in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            line = proc.read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            continue
        if f"raysk-{pid}-" in line:
            found.append(line)
    return found


def test_a_search_in_a_pipe(raysk, folder, spec, expected):
    """Without an address: stdout is one JSON object whatever prints, the answer is scikit-learn's, no Ray is left.

    Files that are named like libraries are not taken for them, neither here nor on workers. A class from the person's
    file works on workers, and in the saved model after the file is gone.
    """
    home = folder / "home"
    home.mkdir()
    process_env = {"HOME": str(home), "RAYSK_NO_VERIFY": "", "RAYSK_WORKERS": ""}
    for name in ("ray", "joblib", "pyarrow", "threadpoolctl", "psutil"):
        (folder / f"{name}.py").write_text("raise SystemExit('taken for the library of that name')\n")
    ran = raysk("search", spec.name, "-o", "best model.pkl", "--results", "table.jsonl", env=process_env)
    assert ran.code == 0, ran.err
    assert len(ran.out.splitlines()) == 1
    assert sorted(ran.summary) == sorted(SUMMARY)
    assert ran.summary["best_params"] == expected.best_params_
    assert ran.summary["best_score"] == expected.best_score_
    assert (ran.summary["candidates"], ran.summary["splits"], ran.summary["fits"]) == (6, 3, 18)
    assert "printed at import" in ran.err
    assert "written to descriptor 1" in ran.err
    assert list(home.iterdir()) == []
    rows = [json.loads(line) for line in (folder / "table.jsonl").read_text().splitlines()]
    assert [row["mean_test_score"] for row in rows] == expected.cv_results_["mean_test_score"].tolist()
    assert predictions(folder / "best model.pkl") == expected.predict(load_digits().data).tolist()
    assert json.loads((folder / "best model.json").read_text())["scores"]["best_params"] == expected.best_params_


def predictions(model):
    """Return what a model predicts of the digits in a program of its own, in a folder of its own."""
    (model.parent / "elsewhere").mkdir()
    code = f"import pickle, json; from sklearn.datasets import load_digits; m = pickle.load(open({str(model)!r}, 'rb'))"
    code += "; print(json.dumps(m.predict(load_digits().data).tolist()))"
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, cwd=model.parent / "elsewhere", capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


def test_stream_and_the_run_folder(raysk, spec, expected):
    """--stream prints a line per candidate with its mean score; table and model are in the folder it names at last."""
    ran = raysk("search", spec.name, "--stream", threads=True)
    lines = [json.loads(line) for line in ran.out.splitlines()]
    candidates = {line["candidate"]: line for line in lines[:-1]}
    assert sorted(candidates) == list(range(6))
    assert [candidates[i]["score"] for i in range(6)] == expected.cv_results_["mean_test_score"].tolist()
    assert [candidates[i]["params"] for i in range(6)] == expected.cv_results_["params"]
    folder = Path(ran.summary["run_dir"])
    assert {path.name for path in folder.iterdir()} == {
        "run.json",
        "journal.jsonl",
        "results.csv",
        "model.pkl",
        "model.json",
    }
    assert json.loads((folder / "run.json").read_text())["outcome"] == "done"
    assert folder.name.startswith("my-spec") or folder.name.startswith("my spec")

    best = json.loads(raysk("results", "--top", "1").out)
    assert (best["candidates"], best["from"]) == (6, "results.csv")
    assert best["rows"][0]["params"] == expected.best_params_
    (folder / "results.csv").unlink()  # as if it still went on
    found = raysk("results", "--columns", "C,mean", "--where", "gamma > 0", "--sort", "candidate", "--format", "csv")
    assert [line.split(",")[1] for line in found.out.split()[1:]] == [
        str(mean) for mean in expected.cv_results_["mean_test_score"].tolist()
    ]
    assert "has no table: 6 candidates" in found.err
    compared = json.loads(raysk("compare", "latest", folder.name).out)
    same = {"mean": 0.0, "standard_error": 0.0, "splits": 3, "not_paired": None, "same_data": True}
    assert compared["differences"] == [same]
    raysk("results", "--format", "parquet", "-o", "t.txt", "--top", "x").assert_error(2, "--top x", "or all")


def test_reader_gone(start, folder, head):
    """`| head -1` ends the search quietly with exit 141."""
    (folder / "slow.py").write_text(SLOW)
    process = start("search", "slow.py", "--stream", "--address", head)
    process.stdout.readline()
    process.stdout.close()
    process.stdout = None
    _, err = process.communicate(timeout=60)
    assert process.returncode == 141, err
    assert "Traceback" not in err


def test_a_signal_ends_it_and_its_ray(start, folder, eventually):
    """Ctrl-C ends the run with 130, and the private Ray is gone, folder and all; SIGTERM: see test_interrupts."""
    (folder / "slow.py").write_text(SLOW)
    process = start("search", "slow.py", "--stream")
    process.stdout.readline()
    assert _processes_of(process.pid)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=30)
    assert process.returncode == 130, err
    assert err.endswith("\nInterrupted.\n")
    assert "Error" not in err
    eventually(lambda: not _processes_of(process.pid), "the private Ray to be gone")
    assert not list(Path("/tmp").glob(f"raysk-{process.pid}-*"))  # noqa: S108 - where it makes its folder


LEFT = """
import json, sys, time
import ray
from ray._private.state import actors

ray.init(sys.argv[1], log_to_driver=False)
deadline = time.monotonic() + 60
while True:
    left = [name for name, actor in actors().items() if actor["State"] != "DEAD"]
    free = ray.available_resources().get("CPU", 0)
    if (not left and free == ray.cluster_resources()["CPU"]) or time.monotonic() > deadline:
        break
    time.sleep(0.05)
print(json.dumps({"actors": left, "busy": ray.cluster_resources()["CPU"] - free}))
"""


def test_a_shared_cluster_is_left_as_it_was(start, folder, head, environment):
    """However searches end, no actor of theirs stays on a cluster of others, and no CPU is kept."""
    (folder / "slow.py").write_text(SLOW)
    ends = [signal.SIGINT, signal.SIGKILL]
    for sent, process in [(sent, start("search", "slow.py", "--stream", "--address", head)) for sent in ends]:
        process.stdout.readline()
        process.send_signal(sent)
        process.communicate(timeout=30)
    look = [sys.executable, "-c", LEFT, head]
    said = subprocess.run(look, env=environment(), stdout=subprocess.PIPE, text=True, timeout=90, check=True).stdout
    assert json.loads(said) == {"actors": [], "busy": 0}


def test_a_killed_worker_costs_nothing(start, spec, expected, head):
    """A worker killed with SIGKILL in the middle of a search: the same result, and it is said."""
    pid = spec.parent / "pid"
    once = f"open({str(pid)!r}, 'x').write(str(os.getpid()))"  # whole before it is read: its fit ends later
    told = f"os.path.exists({str(pid)!r}) or {once}; __import__('time').sleep(0.2); return super()"
    spec.write_text(SPEC.replace("return super()", told))
    process = start("search", spec.name, "--stream", "--address", head, env={"RAYSK_WORKERS": ""})
    process.stdout.readline()
    os.kill(int(pid.read_text()), signal.SIGKILL)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 0, err
    assert "worker was lost" in err
    summary = json.loads(out.splitlines()[-1])
    assert summary["best_params"] == expected.best_params_
    assert summary["best_score"] == expected.best_score_


def test_fit_without_parallel_part_says_so(raysk, folder):
    """`raysk fit` of an estimator with no part to spread runs it on one worker and says so."""
    (folder / "model.py").write_text(
        "from sklearn.svm import SVC\n"
        "from sklearn.datasets import load_iris\n"
        "X, y = load_iris(return_X_y=True)\n"
        "model = SVC()\n"
    )
    ran = raysk("fit", "model.py:model", "--set", "C=3", "-o", "m.pkl", threads=True)
    assert ran.code == 0, ran.err
    assert "SVC has no part to spread: it is fitted on one worker" in ran.err
    assert ran.summary["params"]["C"] == 3
    assert pickle.loads((folder / "m.pkl").read_bytes()).C == 3


def test_a_pickled_search(raysk, folder, expected):
    """A pickle that holds a search and its data gives the same answer as the file it came from."""
    import cloudpickle
    from sklearn.base import clone

    X, y = load_digits(return_X_y=True)
    content = cloudpickle.dumps({"search": clone(expected), "X": X[:150], "y": y[:150]})
    (folder / "search.pkl").write_bytes(content)
    ran = raysk("search", "search.pkl", threads=True)
    assert ran.code == 0, ran.err
    assert ran.summary["best_params"] == expected.best_params_


@pytest.mark.parametrize("backend", ["ray", "loky", "threading"])
def test_the_plain_way(raysk, spec, expected, head, backend):
    """--backend runs scikit-learn's own fit on another joblib backend, with the same answer."""
    ran = raysk("search", spec.name, "--backend", backend, env={"RAYSK_ADDRESS": head})
    assert ran.code == 0, ran.err
    assert len(ran.out.splitlines()) == 1
    assert ran.summary["best_params"] == expected.best_params_


def test_inspect_and_dry_run_start_no_ray(raysk, spec):
    """Both tell what would run, with the options applied, and write nothing."""
    facts = json.loads(raysk("inspect", spec.name).out)
    assert facts["search"]["fits"] == 18
    facts = json.loads(raysk("search", spec.name, "--n-iter", "10", "--cv", "4", "--dry-run").out)
    assert facts["search"]["fits"] == 40
    assert [path.name for path in spec.parent.iterdir()] == [spec.name]
