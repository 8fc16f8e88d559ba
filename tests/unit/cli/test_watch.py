"""``raysk watch``: a run that goes on elsewhere, is done, crashes, or is left."""

from __future__ import annotations

import fcntl
import json
import os

import pytest
from growing_runs import GrowingRun, line, plan

from raysk.cli.commands import watch
from raysk.cli.view import watched as watched_view
from raysk.errors import InputError
from raysk.history import run as history_run
from raysk.history.run import Run

BEST = {"metric": "accuracy", "best_score": 0.75, "best_score_std": 0.25, "best_params": {"C": 1.0}}


@pytest.fixture
def make_run(tmp_path, monkeypatch):
    """Return a function that begins a run: its journal is locked until it ends."""
    monkeypatch.chdir(tmp_path)
    opened = []

    def make(name="one", *, goes_on=True, **facts):
        run = GrowingRun(tmp_path / "raysk-runs" / name)
        run.say(planned=[plan()], **facts)
        if goes_on:
            run.lock = os.open(run.journal, os.O_RDWR)
            fcntl.flock(run.lock, fcntl.LOCK_EX)
            opened.append(run)
        return run

    yield make
    for run in opened:
        if run.lock is not None:
            os.close(run.lock)


def crash(run):
    """End a run's process."""
    os.close(run.lock)
    run.lock = None


@pytest.fixture
def watched(monkeypatch, capfd):
    """Return a function that watches while this happens, a step each time the folder is looked at."""

    def run(*steps, name=None, **options):
        todo = list(steps)
        monkeypatch.setattr(watch.time, "sleep", lambda _: todo.pop(0)())
        watch.Watch(name=name, **options).run()
        assert not todo
        out, err = capfd.readouterr()
        return json.loads(out), err.splitlines()

    return run


def test_until_it_is_done(make_run, watched):
    """What happens is said as the run itself says it, then what came of it, and what to type next."""
    run = make_run(time_budget={"s": 60.0, "ends": 1e10})
    error = "Traceback (most recent call last):\n  File 'spec.py', line 1\nValueError: too small\n"
    found, said = watched(
        lambda: run.write(line(0, 0, 0.5, params={"C": 1.0}), line(0, 1, 1.0)),
        lambda: run.write(line(1, 0, "nan", error=error, params={"C": 2.0})),
        lambda: run.say(outcome="done", best=BEST, fits=6, fits_failed=1, time_s=1.5),
    )
    assert said == [
        "Watching raysk-runs/one",
        "3 candidates x 2 splits = 6 fits",
        "Failed: candidate 1, split 0 (C=2): ValueError: too small",
        "The run is done.",
        "Look at it: raysk results raysk-runs/one",
    ]
    assert found | BEST == found
    assert (found["state"], found["fits"], found["run"], found["model"]) == ("done", 6, "one", None)


def test_a_crash(make_run, watched):
    """A run whose process is gone is told as such, with the best of its journal and what goes on with it."""
    run = make_run()
    found, said = watched(
        lambda: run.write(line(0, 0, 0.5, params={"C": 1.0}), line(0, 1, 1.0), line(1, 0, 1.0)[:30]),
        lambda: crash(run),
    )
    assert (found["state"], found["best_score"], found["best_params"]) == ("crashed", 0.75, {"C": 1.0})
    assert (found["metric"], found["fits"], found["fits_failed"]) == ("accuracy", 2, 0)
    assert "Finished fits are kept. Go on with: raysk resume raysk-runs/one" in said


def test_an_end_that_is_no_crash(make_run, watched, monkeypatch):
    """A run that ends after its manifest was read, and before its lock is looked at, has not crashed."""
    run = make_run()
    is_locked = history_run._is_locked

    def end(journal):
        if run.lock is not None:
            run.say(outcome="done", best=BEST, fits=6)
            crash(run)
        return is_locked(journal)

    monkeypatch.setattr(history_run, "_is_locked", end)
    found, _ = watched(name="one")
    assert found["state"] == "done"


def test_leaving(make_run, monkeypatch, capfd):
    """Ctrl-C ends watching, as it ends everything, and touches nothing of the run."""
    run = make_run()
    before = {path.name: (path.read_bytes(), path.stat().st_mtime_ns) for path in run.path.iterdir()}

    def interrupt(_):
        raise KeyboardInterrupt

    monkeypatch.setattr(watch.time, "sleep", interrupt)
    with pytest.raises(KeyboardInterrupt):
        watch.Watch().run()
    assert "The run goes on." in capfd.readouterr().err
    assert before == {path.name: (path.read_bytes(), path.stat().st_mtime_ns) for path in run.path.iterdir()}


def test_which_run(make_run, watched):
    """Without a name it is the newest that goes on; where none does, the newest, of which only the end is told."""
    make_run("old", started="2026-01-01", goes_on=False, outcome="done", fits=1)
    going = make_run("going", started="2026-01-02")
    make_run("new", started="2026-01-03", goes_on=False, outcome="interrupted", fits=2)
    assert watch.find(None).name == "going"
    crash(going)
    found, said = watched()
    assert (found["run"], found["state"]) == ("new", "interrupted")
    assert said[0] == "No run goes on here. The newest is raysk-runs/new."


@pytest.mark.parametrize("name", ["nothing", None])
def test_no_run(tmp_path, monkeypatch, name):
    """Where there is none it is said where was looked."""
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError, match=r"There (is no run 'nothing'|are no runs in)"):
        watch.Watch(name=name).run()


def test_parameters_as_python_writes_them(make_run, watched):
    """NaN is no None, and an estimator no text; JSON has what it can."""
    typed = {"fill": {"python": "nan"}, "shape": {"python": "(1, 2)"}, "step": {"object": "SVC()"}}
    plain = {"fill": None, "shape": [1, 2], "step": "SVC()"}
    run = make_run(goes_on=False, outcome="done", best={**BEST, "best_params": plain, "params": typed})
    assert watched()[0]["best_params"] == plain
    rows = dict(watched_view._rows(watched_view._summary(Run(run.path))))
    assert rows["best params"] == "fill = nan\nshape = (1, 2)\nstep = SVC()"


def test_folds_of_a_cross_validation(make_run):
    """They are no outer folds."""
    scores = {"test_score": {"mean": 0.5, "std": 0.25}}
    run = make_run(goes_on=False, outcome="done", best=None, scores=scores, job={"command": "cv"})
    rows = dict(watched_view._rows(watched_view._summary(Run(run.path))))
    assert rows["test score"] == "0.5 +- 0.25 over the folds"
