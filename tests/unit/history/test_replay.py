"""A run told as events from its folder: a journal that is written line by line while somebody reads it."""

from __future__ import annotations

import math

import pytest
from growing_runs import PARAMS, GrowingRun, line, plan

from raysk.events import (
    CandidateDone,
    FitFailed,
    NodeWork,
    PhaseStarted,
    RoundStarted,
    WorkDone,
    WorkersChanged,
    WorkPlanned,
)
from raysk.history.replay import Replay
from raysk.history.run import Run

ODD_FACTS = {"splits": "two", "fold": 3, "units": math.inf, "round": {}}


@pytest.fixture
def folder(tmp_path):
    return GrowingRun(tmp_path)


def test_what_a_search_tells(folder):
    """The events are those that the run itself has told: what is planned, fits, candidates with their means."""
    folder.say(planned=[plan()])
    assert folder.news() == [WorkPlanned(unit="fit", units=6, candidates=3, splits=2, varying=("C",))]
    assert folder.news() == []
    folder.write(line(0, 0, 0.5, params=PARAMS), line(0, 1, 1.0), line(1, 0, 0.25, worker="n2:4"))
    assert folder.news() == [
        WorkDone(units=2, busy_s=1.0, node="n1"),
        WorkDone(units=1, busy_s=0.5, node="n2"),
        CandidateDone(index=0, params=PARAMS, score=0.75, scores={"score": 0.75}),
    ]
    folder.write(line(1, 1, 0.75))
    assert folder.news(CandidateDone) == [CandidateDone(index=1, params={}, score=0.5, scores={"score": 0.5})]


def test_several_metrics(folder):
    """The metric that decides is the one that the manifest names."""
    folder.say(planned=[plan()])
    both = {"accuracy": 0.5, "f1": 0.25}
    folder.write(line(2, 0, both), line(2, 1, both))
    (done,) = folder.news(CandidateDone)
    assert (done.index, done.score, done.scores) == (2, 0.5, both)


def test_torn_and_odd_lines(folder):
    """A line that is not whole is told of when it is; what is no fit, and what was there before, is passed over."""
    folder.say(planned=[plan()])
    whole = line(0, 0)
    for at in range(1, len(whole)):
        folder.write(whole[at - 1])
        assert folder.news(WorkDone) == []
    folder.write("\n", "{]\n", '{"part": {}}\n', "null\n", line(0, 0))
    assert folder.news(WorkDone) == [WorkDone(units=1, busy_s=0.5, node="n1")]


def test_fits_wait_for_their_plan(folder):
    """Fits that are there before it is known how many there will be are told of after that."""
    folder.write(line(0, 0))
    assert folder.news() == []
    folder.say(planned=[plan()])
    assert [type(event) for event in folder.news()] == [WorkPlanned, WorkDone]


def test_fits_wait_for_workers(folder):
    """Fits that are there before it is known that a worker is up are told of after that: the pace counts from it."""
    workers = {"up": 0, "wanted": 2, "nodes": 0}
    folder.say(planned=[plan()], progress={"workers": workers})
    folder.write(line(0, 0))
    assert [type(event) for event in folder.news()] == [WorkPlanned, WorkersChanged]
    folder.say(progress={"workers": {**workers, "up": 1, "nodes": 1}, "up_since": 150.0})
    up, done = folder.replay.news(Run(folder.path))
    assert (type(up.event), up.at, type(done.event)) == (WorkersChanged, 150.0, WorkDone)


def test_rounds(folder):
    """Each round of halving is told with its own candidates, whose numbers go on."""
    said = {"number": 1, "of": 2, "resource": "n_samples", "amount": 10}
    second = plan(at=300.0, first=3, candidates=1, units=2, round={**said, "number": 2, "amount": 30})
    folder.say(planned=[plan(round=said), second])
    folder.write(line(2, 0), line(3, 0, ended=400.0))
    each = (RoundStarted, WorkPlanned, WorkDone)
    assert [type(event) for event in folder.news()] == [*each, *each]
    told = Replay(Run(folder.path)).news(Run(folder.path))
    assert [(type(event), at) for event, at in told][:2] == [(RoundStarted, 100.0), (WorkPlanned, 100.0)]


def test_what_an_earlier_run_has_done(folder):
    """Fits that were known when the work was planned are no work that is done now, and their candidates are known."""
    folder.say(planned=[plan(units=4, resumed=2)])
    folder.write(line(0, 0, ended=50.0), line(0, 1, ended=None), line(1, 0, ended=150.0))
    planned, done, candidate = folder.news()
    assert (planned.resumed, done.units, candidate.index) == (2, 1, 0)
    folder.say(planned=[plan()])  # TPE finds what is known as it proposes it
    told = [event for event, _ in Replay(Run(folder.path)).news(Run(folder.path))]
    assert [event.units for event in told if isinstance(event, WorkDone)] == [3]


def test_failures(folder):
    """A failure is told once a reason, with the parameters of its candidate."""
    folder.say(planned=[plan()])
    error = "Traceback (most recent call last):\n  File 'spec.py', line 1\nValueError: too small\n"
    folder.write(*(line(0, split, "nan", error=error, params=PARAMS) for split in range(2)))
    _, failed, done, candidate = folder.news()
    assert failed == FitFailed(candidate=0, params=PARAMS, split=0, reason="ValueError: too small")
    assert (done.failed, candidate.failed, candidate.error) == (2, 2, "ValueError: too small")


def test_progress(folder):
    """Phases, workers, nodes, and what need not be done are told when they change."""
    node = {"node": "n1", "address": "10.0.0.1", "up": 2, "busy": 1, "memory_bytes": None, "memory_free_bytes": None}
    workers = {"up": 2, "wanted": 4, "nodes": 1}
    progress = {"phase": "fitting", "since": 99.0, "workers": workers, "nodes": [node], "shared": 1, "pruned": 2}
    folder.say(planned=[plan()], progress={**progress, "candidates_done": 1})
    phase, planned, up, counts, alike = folder.news()
    assert (up, phase) == (WorkersChanged(**workers), PhaseStarted(name="fitting"))
    assert up.by_node() == (NodeWork(**node),)
    assert (type(planned), counts) == (WorkPlanned, WorkDone(units=0, shared=1, pruned=2))
    assert alike.alike
    folder.say(progress={**progress, "phase": "refitting", "since": 300.0, "candidates_done": 1})
    assert folder.news() == [PhaseStarted(name="refitting")]


@pytest.mark.parametrize(
    "odd", [None, 3, [None], [{}], ["x"], *([plan(**{name: odd})] for name, odd in ODD_FACTS.items())]
)
def test_damaged_manifests(folder, odd):
    """What cannot be read is not told, and stops nothing."""
    folder.say(planned=odd, progress=odd, metric=odd)
    folder.write(line(0, 0))
    folder.news()
    (folder.path / "run.json").write_text("{")
    assert folder.news() == []
