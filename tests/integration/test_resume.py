"""A search that ended early goes on where it was: `raysk resume`, and `search --resume`."""

from __future__ import annotations

import csv
import json
import signal
from collections import Counter
from pathlib import Path

import pytest

SPEC = """
import time
import numpy as np
from sklearn.datasets import load_digits
from sklearn.model_selection import RandomizedSearchCV
from sklearn.svm import SVC

class Counted(SVC):
    def fit(self, X, y):
        if len(y) < 150:  # not the refit
            with open("FITS", "a") as file:
                file.write("fit\\n")
            time.sleep(0.05)
        return super().fit(X, y)

X, y = load_digits(return_X_y=True)
X, y = X[:150], y[:150]
search = RandomizedSearchCV(Counted(), {"C": np.logspace(-2, 2, 40), "gamma": np.logspace(-4, 0, 40)}, n_iter=20, cv=3)
"""

FITS = 60


@pytest.fixture
def spec(folder):
    """Write a search without a seed: another run of it would draw other candidates."""
    path = folder / "spec.py"
    path.write_text(SPEC.replace("FITS", str(folder / "fits")))
    return path


def fits(folder):
    return len((folder / "fits").read_text().splitlines())


def cut_short(start, spec, head, sent, *options):
    """Start the search, end it in the middle, and return its exit code and what it said on stderr."""
    process = start("search", spec.name, "--stream", "--address", head, *options)
    for _ in range(3):
        process.stdout.readline()
    process.send_signal(sent)
    _, err = process.communicate(timeout=60)
    return process.returncode, err


def journal(folder):
    (path,) = (folder / "raysk-runs").glob("*/journal.jsonl")
    return path


def scores(run_dir):
    """Return the table of candidates without times."""
    with (Path(run_dir) / "results.csv").open() as file:
        return [{name: value for name, value in row.items() if "time" not in name} for row in csv.DictReader(file)]


def test_a_killed_driver_loses_only_what_was_in_flight(start, raysk, folder, spec, head):
    """After kill -9, resume does what is missing, draws the same candidates, and gives scikit-learn's own answer."""
    code, _ = cut_short(start, spec, head, signal.SIGKILL)
    assert code == -signal.SIGKILL
    kept = len(journal(folder).read_text().splitlines()) - 1
    assert 9 <= kept < FITS
    ran = raysk("resume", "latest", threads=True)
    assert ran.code == 0, ran.err
    assert ran.summary["fits_resumed"] >= kept
    assert ran.summary["fits"] == FITS
    assert len(journal(folder).read_text().splitlines()) == 1 + FITS

    names = {"__name__": "spec"}
    exec(compile(spec.read_text(), spec, "exec"), names)  # noqa: S102 - the test's own
    from sklearn.model_selection import GridSearchCV

    params = [json.loads(line) for line in ran.out.splitlines()[:-1]]
    grid = [
        {name: [value] for name, value in each["params"].items()}
        for each in sorted(params, key=lambda each: each["candidate"])
    ]
    alone = GridSearchCV(names["search"].estimator, grid, cv=3).fit(names["X"], names["y"])
    found = [float(row["mean_test_score"]) for row in scores(ran.summary["run_dir"])]
    assert found == alone.cv_results_["mean_test_score"].tolist()
    assert ran.summary["best_score"] == alone.best_score_


def test_ctrl_c_says_how_to_go_on(start, raysk, folder, spec, head):
    """Ctrl-C ends with 130 and the command that goes on; that command works from another folder, with more options."""
    code, err = cut_short(start, spec, head, signal.SIGINT)
    assert code == 130, err
    assert f"raysk resume {journal(folder).parent.relative_to(folder)}" in err
    (folder / "elsewhere").mkdir()
    ran = raysk("resume", str(journal(folder).parent), "--no-refit", cwd=folder / "elsewhere", threads=True)
    assert ran.code == 0, ran.err
    assert ran.summary["fits_resumed"] >= 9
    assert ran.summary["model"] is None
    assert not (folder / "elsewhere" / "raysk-runs").exists()


def test_a_finished_search_may_grow_but_not_become_another(raysk, folder, spec):
    """A larger --n-iter on a search with a seed does only the fits that are new; the same one does none.

    Other data, or other code of the estimator, is named and refused with exit 3; the journal stays.
    """
    first = raysk("search", spec.name, "--seed", "0", "--run-dir", "run", threads=True)
    assert first.code == 0, first.err
    done = fits(folder)
    again = raysk("resume", "run", threads=True)
    assert again.code == 0, again.err
    assert (again.summary["fits_resumed"], fits(folder)) == (FITS, done)
    assert again.summary["best_params"] == first.summary["best_params"]
    assert scores("run") == scores(again.summary["run_dir"])
    more = raysk("search", spec.name, "--seed", "0", "--resume", "run", "--n-iter", "25", threads=True)
    assert more.code == 0, more.err
    assert (more.summary["fits"], more.summary["fits_resumed"]) == (75, FITS)
    before = (folder / "run" / "journal.jsonl").read_bytes()
    assert len(before.splitlines()) == 1 + 75
    text = spec.read_text()
    for changed, word in [
        (text.replace("[:150]", "[:151]"), "data"),
        (text.replace("sleep(0.05)", "sleep(0.01)"), "code in spec.py"),
    ]:
        spec.write_text(changed)
        raysk("resume", "run", threads=True).assert_error(3, "cannot be resumed", word)
    assert (folder / "run" / "journal.jsonl").read_bytes() == before
    anyway = raysk("resume", "run", "--resume-anyway", threads=True)  # the last of them
    assert anyway.code == 0, anyway.err
    assert "Going on anyway, with other code in spec.py than when it began" in anyway.err
    assert anyway.summary["fits_resumed"] == 75


def test_a_refused_resume_changes_nothing(raysk, folder, spec):
    """Fewer candidates than the run has, or a cluster that is not there: the next resume is as if it had not been."""
    ran = raysk("search", spec.name, "--seed", "0", "--run-dir", "run", "--n-iter", "4", threads=True)
    assert ran.code == 0, ran.err
    before = {path.name: path.read_bytes() for path in (folder / "run").iterdir()}
    less = raysk("resume", "run", "--n-iter", "3", threads=True)
    less.assert_error(3, "fits of 4 candidates", "leaves 1 of them out")
    raysk("resume", "run", "--address", "localhost:1").assert_error(4, "localhost:1")
    assert {path.name: path.read_bytes() for path in (folder / "run").iterdir()} == before
    raysk("search", spec.name, "--address", "localhost:1").assert_error(4, "localhost:1")
    assert not (folder / "raysk-runs").exists()  # nor is a run left that never began


def test_what_cannot_be_resumed(raysk, folder, spec):
    """A folder that holds no search, none at all, or both options at once is an error that says what to do."""
    raysk("resume", "latest").assert_error(3, "no search to resume")
    raysk("resume", "nowhere").assert_error(3, "nowhere")
    raysk("search", spec.name, "--resume", "a", "--run-dir", "b", threads=True).assert_error(2, "--resume")
    run = folder / "run"
    run.mkdir()
    (run / "journal.jsonl").touch()
    for content in ("", "{", '{"job": {"arguments": [1], "folder": "."}}'):
        (run / "run.json").write_text(content)
        raysk("resume", "run").assert_error(3, "run.json", "--resume")
    (run / "journal.jsonl").write_text("no journal\n")
    raysk("search", spec.name, "--resume", "run", threads=True).assert_error(3, "no journal")


def test_an_interrupted_search_keeps_the_best_so_far(start, raysk, folder, spec, head):
    """After SIGTERM the table and the summary have the candidates that were done, without a model.

    While it runs, a second search on its folder is refused, and the first goes on.
    """
    spec.write_text(spec.read_text().replace("0.05", "0.3"))
    kept = ["--run-dir", "run", "--results", "table.csv"]
    process = start("search", spec.name, "--stream", "--address", head, *kept)
    lines = [json.loads(process.stdout.readline()) for _ in range(2)]
    raysk("search", spec.name, "--resume", "run", threads=True).assert_error(3, "in use")
    lines.append(json.loads(process.stdout.readline()))
    process.send_signal(signal.SIGTERM)
    out, err = process.stdout.read(), process.stderr.read()  # `communicate` would lose what is buffered
    assert process.wait(60) == 143, err
    assert "Go on with: raysk resume run" in err
    *more, summary = [json.loads(line) for line in out.splitlines()]
    done = {line["candidate"]: line["score"] for line in [*lines, *more]}
    assert (summary["stopped"], summary["model"]) == ("interrupted", None)
    found = [float(row["mean_test_score"]) for row in scores("run")]
    assert summary["candidates"] == len(found) < 20
    assert len(found) - len(done) in {0, 1}  # one may be done as the signal comes, and not be told of any more
    assert not Counter(done.values()) - Counter(found)
    assert summary["best_score"] == max(found)
    assert (folder / "table.csv").read_bytes() == (folder / "run" / "results.csv").read_bytes()
    assert json.loads((folder / "run" / "run.json").read_text())["outcome"] == "interrupted"


def test_a_time_budget_ends_the_search(raysk, folder, spec):
    """When its time is over a search keeps what is done, fits the best of it on all data, and may go on later."""
    quick = folder / "quick"
    pause = f"0 if __import__('os').path.exists({str(quick)!r}) else 0.5"
    spec.write_text(spec.read_text().replace("0.05", pause).replace("n_iter=20", "n_iter=100"))
    ran = raysk("search", spec.name, "--time-budget", "4s", "--strict", "--run-dir", "run", threads=True)
    assert ran.code == 124, ran.err
    assert ran.summary["stopped"] == "time-budget"
    assert 1 <= ran.summary["candidates"] < 100
    assert Path(ran.summary["model"]).exists()
    assert "Go on with: raysk resume run\n" in ran.err
    known = len((folder / "run" / "journal.jsonl").read_text().splitlines()) - 1
    quick.touch()
    again = raysk("resume", "run", "--time-budget", "60s", "--no-refit", "--strict", threads=True)
    assert again.code == 0, again.err
    assert again.summary["fits_resumed"] == known
    assert (again.summary["candidates"], again.summary["stopped"]) == (100, None)


def test_no_candidate_in_time(raysk, spec):
    """A budget in which no candidate is done is an error in two lines."""
    spec.write_text(spec.read_text().replace("0.05", "60"))
    ran = raysk("search", spec.name, "--time-budget", "1s", threads=True)
    ran.assert_error(1, "time budget", "Allow more time")


HALVING = """
from sklearn.experimental import enable_halving_search_cv
from sklearn.model_selection import HalvingGridSearchCV

space = {"C": [0.1, 1, 10, 100], "gamma": [1e-4, 1e-3, 1e-2]}
search = HalvingGridSearchCV(Counted(), space, cv=3, random_state=0, factor=2, min_resources=60, refit=False)
"""


def test_halving_goes_on_in_a_later_round(start, raysk, spec, head):
    """A halving search that was interrupted in its second round ends as scikit-learn's own does."""
    text = spec.read_text() + HALVING
    spec.write_text(text)
    process = start("search", spec.name, "--stream", "--address", head, "--run-dir", "run")
    for _ in range(12 + 1):
        process.stdout.readline()
    process.send_signal(signal.SIGINT)
    assert process.wait(60) == 130
    ran = raysk("resume", "run", threads=True)
    assert ran.code == 0, ran.err
    assert 39 <= ran.summary["fits_resumed"] < ran.summary["fits"]
    names = {"__name__": "spec"}
    exec(compile(text.replace("0.05", "0"), spec, "exec"), names)  # noqa: S102 - the test's own
    alone = names["search"].fit(names["X"], names["y"])
    assert [float(row["mean_test_score"]) for row in scores("run")] == alone.cv_results_["mean_test_score"].tolist()
    assert [int(row["iter"]) for row in scores("run")] == alone.cv_results_["iter"].tolist()
