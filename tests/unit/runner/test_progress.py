"""What a run is at, in ``run.json`` while it goes on."""

from __future__ import annotations

import time

import pytest

from raysk.errors import InputError
from raysk.events import (
    CandidateDone,
    NodeWork,
    PhaseStarted,
    RefitStarted,
    RoundStarted,
    WorkDone,
    WorkersChanged,
    WorkPlanned,
)
from raysk.jobs import Limits
from raysk.runner import progress as module
from raysk.runner.progress import Progress, time_budget

NODE = NodeWork(node="n1", address="10.0.0.1", up=2, busy=1)


def planned(**more):
    return WorkPlanned(**{"unit": "fit", "units": 6, "candidates": 3, "splits": 2, "varying": ("C",), **more})


@pytest.fixture
def notes(monkeypatch):
    """Return what was written."""
    monkeypatch.setattr(module, "EVERY_S", 0.01)
    return []


def test_what_is_noted(notes, eventually):
    """The plan of each round, and the latest of phase, workers, nodes and counts; events go on to the next sink."""
    heard = []
    progress = Progress(heard.append)
    said = [
        PhaseStarted(name="fitting"),
        WorkersChanged(up=2, wanted=4, nodes=1, by_node=lambda: (NODE,)),
        RoundStarted(number=1, of=2, resource="n_samples", amount=10),
        planned(),
        WorkDone(units=4, shared=1, pruned=2),
        CandidateDone(index=0, params={}, score=0.5),
        RoundStarted(number=2, of=2, resource="n_samples", amount=30),
        planned(candidates=1, units=2),
        CandidateDone(index=3, params={}, score=0.5),
        RefitStarted(params={}),
        WorkPlanned(unit="fit", units=1),
    ]
    with progress.kept(notes.append):
        for event in said:
            progress(event)
        eventually(lambda: notes and notes[-1]["progress"]["phase"] == "refitting")
    assert heard == said
    assert [(each["first"], each["candidates"], each["round"]["amount"]) for each in progress.planned] == [
        *((0, 3, 10), (3, 1, 30)),
    ]
    last = notes[-1]["progress"]
    assert (last["shared"], last["pruned"], last["candidates_done"]) == (1, 2, 1)
    assert last["workers"] == {"up": 2, "wanted": 4, "nodes": 1}
    assert last["nodes"] == [vars(NODE)]
    count = len(notes)
    progress(PhaseStarted(name="saving"))  # the run's last word is written by others
    assert len(notes) == count


def test_folds_are_counted_by_themselves():
    """The candidates of each outer fold begin at 0."""
    progress = Progress()
    for fold in (1, 2):
        progress(planned(fold=(fold, 2)))
    assert [(each["first"], each["fold"]) for each in progress.planned] == [(0, (1, 2)), (0, (2, 2))]


def test_a_full_disk(notes, eventually):
    """What cannot be noted stops nothing; the next note may be."""

    def write(note):
        notes.append(note)
        if len(notes) == 1:
            raise InputError("full")

    progress = Progress()
    with progress.kept(write):
        progress(PhaseStarted(name="fitting"))
        eventually(lambda: len(notes) == 1)
        progress(PhaseStarted(name="saving"))
        eventually(lambda: len(notes) == 2)


def test_time_budget():
    """When it ends is told by the clock on the wall, which others have too."""
    budget = time_budget(Limits(time_budget_s=60.0).begun())
    assert budget["s"] == 60.0
    assert budget["ends"] == pytest.approx(time.time() + 60.0, abs=5.0)
    assert time_budget(Limits()) is None
