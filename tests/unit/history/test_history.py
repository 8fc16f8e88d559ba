"""Runs that are read again: their journals and tables, whole, torn, and of an older raysk."""

from __future__ import annotations

import fcntl
import json
import os

import numpy as np
import pytest
from sklearn.svm import SVC

from raysk.errors import InputError
from raysk.history.candidates import open_search, read_candidates
from raysk.history.fits import JournalTail, read_fits
from raysk.history.run import Run, open_run, runs_in
from raysk.results.candidates import write_results
from raysk.runs.folder import JOURNAL, MANIFEST
from raysk.runs.journal import Journal
from raysk.runs.journal_round import Done

PARTS = {"estimator": SVC(), "data": (np.eye(10), np.arange(10)), "scoring": "accuracy", "options": "nan"}
SPLITS = [(np.arange(5), np.arange(5, 10)), (np.arange(5, 10), np.arange(5))]
CANDIDATES = [{"C": 1.0, "shape": (1, 2)}, {"C": 10.0, "shape": None}, {"C": 1, "shape": "x"}]
SCORES = [0.5, 0.75, 1.0, 0.5, 0.25, 0.25]


def result(score, **more):
    """Return what scikit-learn returns for a fit."""
    return {"fit_error": None, "test_scores": score, "fit_time": 0.5, "score_time": 0.5, "n_test_samples": 5, **more}


@pytest.fixture
def make_run(tmp_path):
    """Return a function that leaves the journal of a search with some of its fits, and a manifest."""

    def make(*fits, outcome="interrupted", name="first", **more):
        folder = tmp_path / "raysk-runs" / name
        folder.mkdir(parents=True)
        (folder / MANIFEST).write_text(json.dumps({"outcome": outcome, "job": {"command": "search"}} | more))
        with Journal(folder / JOURNAL) as journal:
            round_ = journal.round(PARTS, CANDIDATES, SPLITS, whole=True)
            done = Done(ended=1000.0, wall_s=2.0 * len(fits), worker="10.0.0.1:3")
            round_.add([(fit, result(SCORES[fit])) for fit in fits], done)
        return Run(folder)

    return make


def cv_results():
    """Return `cv_results_` of the three candidates."""
    splits = np.array(SCORES).reshape(3, 2)
    return {
        "mean_fit_time": np.full(3, 0.5),
        "mean_score_time": np.full(3, 0.5),
        "param_C": np.ma.array([1.0, 10.0, 1], dtype=object),
        "param_shape": np.ma.array([None, None, "x"], dtype=object),
        "params": CANDIDATES,
        "split0_test_score": splits[:, 0],
        "split1_test_score": splits[:, 1],
        "mean_test_score": splits.mean(axis=1),
        "std_test_score": splits.std(axis=1),
        "rank_test_score": np.array([2, 1, 3]),
    }


def test_fits_tell_where_and_when(make_run):
    """Fits of a block share its time, one after the other; parameters come with the first fit of a candidate."""
    first, second, third = read_fits(make_run(0, 1, 4))
    assert (first.candidate, first.split, first.scores, first.worker) == (0, 0, {"score": 0.5}, "10.0.0.1:3")
    assert [each.ended for each in (first, second, third)] == [996.0, 998.0, 1000.0]
    assert [each.params for each in (first, second, third)] == [CANDIDATES[0], None, CANDIDATES[2]]


def test_table_and_journal_tell_the_same(make_run):
    """Scores, order and parameters, with their types; a candidate that is not done has no mean."""
    run = make_run(*range(6), outcome="done")
    journaled = read_candidates(run)
    write_results(cv_results(), run.folder / "results.csv")
    table = read_candidates(run)
    assert (journaled.is_whole, table.is_whole) == (False, True)
    for each in (journaled, table):
        assert list(each.params) == CANDIDATES
        assert [type(params["C"]) for params in each.params] == [float, float, int]
        assert each.order().tolist() == [1, 0, 2]
        assert each.rank().tolist() == [2, 1, 3]
        assert each.varying == ("C", "shape")
        np.testing.assert_array_equal(each.splits["score"], np.array(SCORES).reshape(3, 2))
    partly = read_candidates(make_run(2, 3, 5, name="second"))
    assert partly.numbers.tolist() == [1, 2]
    np.testing.assert_array_equal(partly.mean["score"], [0.75, np.nan])
    assert partly.done.tolist() == [2, 1]


def test_equal_scores_share_a_rank(make_run):
    """As in scikit-learn; candidates without a score come last."""
    table = read_candidates(make_run(0, 1, 2, 3, 4, 5))
    object.__setattr__(table, "mean", {"score": np.array([0.5, np.nan, 0.5])})
    assert table.rank().tolist() == [1, 3, 1]
    assert table.order().tolist() == [0, 2, 1]


def test_every_torn_journal_is_read(make_run, tmp_path):
    """Cut at any byte it has its whole lines; what follows later comes with the next reading."""
    run = make_run(*range(6))
    content = (run.folder / JOURNAL).read_bytes()
    torn = tmp_path / "torn"
    torn.mkdir()
    for length in range(0, len(content), 7):
        (torn / JOURNAL).write_bytes(content[:length])
        tail = JournalTail(Run(torn))
        found = tail.read()
        assert len(found) == max(content[:length].count(b"\n") - 1, 0)
        (torn / JOURNAL).write_bytes(content)
        assert len(found) + len(tail.read()) == 6
    (torn / JOURNAL).write_bytes(content.replace(b'"fit_time": 0.5', b'"fit_time": "x"', 1))
    assert len(read_fits(Run(torn))) == 5


def test_the_newest_search_is_no_cross_validation(make_run, tmp_path, monkeypatch):
    """A cross-validation has a journal too, but its one candidate is no search's; by name it is shown."""
    monkeypatch.chdir(tmp_path)
    make_run(0, started="2026-01-01T00:00:00+00:00")
    make_run(0, name="later", outcome="done", started="2026-01-02T00:00:00+00:00", job={"command": "cv"})
    assert [open_search(text).name for text in ("latest", "later")] == ["first", "later"]


def test_outer_folds_are_counted(make_run):
    """Their fits tell the fold, by the numbers of the folders and not by their names as text."""
    run = make_run()
    content = (make_run(0, name="other").folder / JOURNAL).read_bytes()
    (run.folder / JOURNAL).unlink()
    for number in range(1, 12):
        (run.folder / f"outer-{number}").mkdir()
        (run.folder / f"outer-{number}" / JOURNAL).write_bytes(content if number in {2, 10} else content[:20])
    assert [fit.fold for fit in read_fits(run)] == [2, 10]


def test_a_journal_of_an_older_raysk(make_run):
    """Without numbers, times and parameters it still gives scores, in the order in which they came."""
    run = make_run(2, 3, 0, 1)
    lines = [json.loads(line) for line in (run.folder / JOURNAL).read_text().splitlines()]
    for line in lines:
        for name in ("candidate", "split", "ended", "worker", "params"):
            line.pop(name, None)
    (run.folder / JOURNAL).write_text("".join(f"{json.dumps(line)}\n" for line in lines))
    table = read_candidates(run)
    np.testing.assert_array_equal(table.splits["score"], [[1.0, 0.5], [0.5, 0.75]])
    assert read_fits(run)[0].ended is None


def test_nothing_to_show(make_run, tmp_path):
    """A run without a finished fit, and a folder that is none, are refused in words."""
    with pytest.raises(InputError, match="has no candidates to show"):
        read_candidates(make_run())
    with pytest.raises(InputError, match="is not the folder of a run"):
        open_run(tmp_path)


def test_runs_are_found(make_run, tmp_path, monkeypatch):
    """By name, by a file, and the latest by when it began."""
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError, match="There are no runs in"):
        open_run()
    make_run(0, name="a", started="2026-01-02T00:00:00+00:00")
    make_run(0, name="b", started="2026-01-01T00:00:00+00:00")
    assert [run.name for run in runs_in(tmp_path / "raysk-runs")] == ["a", "b"]
    assert open_run().name == "a"
    assert open_run("b").name == open_run("raysk-runs/b/journal.jsonl").name == "b"
    with pytest.raises(InputError, match="There is no run 'c'"):
        open_run("c")


def test_a_run_whose_process_is_gone_has_crashed(make_run):
    """It says that it runs, but nobody has its journal open."""
    run = make_run(0, outcome="running")
    assert run.state == "crashed"
    file = os.open(run.folder / JOURNAL, os.O_RDONLY)
    fcntl.flock(file, fcntl.LOCK_EX)
    assert run.refreshed().state == "running"
    os.close(file)
