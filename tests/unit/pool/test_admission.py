"""Which workers may join a pool."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest
from pooling import SOON_S

from raysk.errors import ClusterError
from raysk.events import Remark
from raysk.pool import Task, workers
from raysk.pool.admission import Admission, Refused
from raysk.util.versions import installed_versions


def hello(node="node-0", errors=None, **versions):
    """Return what a worker says that has this machine's versions, but for some: ``scikit_learn="1.0"``."""
    changed = {name.replace("_", "-"): value for name, value in versions.items()}
    there = {**installed_versions(), **changed}
    return {"node": node, "address": "10.0.0.3", "host": "three", "versions": there, "errors": errors or {}}


@pytest.fixture
def heard():
    return []


def admission(heard, nodes=("node-0", "node-1"), **options):
    return Admission(nodes, sink=heard.append, **options)


def test_a_worker_like_us_may_join(heard):
    """With the same versions a worker is on its node, and nothing is said."""
    assert admission(heard).judged(hello()) == "node-0"
    assert heard == []


def test_a_worker_that_differs_is_refused(heard):
    """The refusal names the node, both versions and what to do, in at most five lines."""
    refused = admission(heard).judged(hello(scikit_learn="1.0.2"))
    assert isinstance(refused, Refused)
    assert not refused.late
    for words in (
        "10.0.0.3",
        "three",
        "scikit-learn 1.0.2",
        installed_versions()["scikit-learn"],
        "pip install",
        "raysk doctor",
    ):
        assert words in refused.reason
    assert "--allow-versions" in refused.reason
    assert len(refused.reason.splitlines()) <= 5


def test_a_node_that_joins_later_is_left_out(heard):
    """A node that was not there at the start and differs is left out; that is said once a node."""
    judge = admission(heard)
    for node in ("late-1", "late-1", "late-2"):
        assert judge.judged(hello(node, scikit_learn=None)).late
    assert judge.left_out == {"late-1", "late-2"}
    assert [event.text for event in heard] == ["Node 10.0.0.3 (three) has no scikit-learn: it is left out"] * 2


def test_what_may_change_results_is_said_once(heard):
    """A smaller difference of numpy does not stop a job; many nodes that differ alike are one remark."""
    judge = admission(heard)
    assert judge.judged(hello("node-0", scipy="1.0.0")) == "node-0"
    assert judge.judged(hello("node-1", scipy="1.0.0")) == "node-1"
    assert [type(event) for event in heard] == [Remark]
    assert "scipy 1.0.0" in heard[0].text
    assert "results may differ" in heard[0].text


def test_a_person_may_accept_other_versions(heard):
    """With allow_versions a worker with another scikit-learn joins, and it is said."""
    judge = admission(heard, allow_versions=True)
    assert judge.judged(hello(scikit_learn="1.0.2")) == "node-0"
    assert "scikit-learn 1.0.2" in heard[0].text
    assert isinstance(judge.judged(hello(scikit_learn=None)), Refused)


def test_nodes_are_waited_for_until_they_are_heard(heard):
    """Each node that was there at the start is unheard until a worker of it is up, whether it may join or not."""
    judge = admission(heard)
    judge.judged(hello("node-1"))
    assert judge.unheard == {"node-0"}
    judge.judged(hello("node-0", scikit_learn=None))
    assert judge.unheard == set()


# --- in the pool


@dataclass
class Judge:
    """Stands for an `Admission`: refuses these nodes."""

    refuses: dict = field(default_factory=dict)
    unheard: set = field(default_factory=set)
    left_out: set = field(default_factory=set)
    addresses: dict = field(default_factory=dict)

    def judged(self, node):
        """Refuse some; the others may join."""
        self.unheard.discard(node)
        return self.refuses.get(node, node)


@pytest.fixture
def judge(launcher):
    launcher.admission = Judge()
    return launcher.admission


def add_one(number):
    return number + 1


def one(number=1):
    return Task(function=add_one, args=(number,))


@pytest.mark.parametrize("first", ["refused", "submitted"])
def test_a_refused_worker_fails_every_task(make_pool, launcher, judge, eventually, first):
    """A worker of a node that must not be used ends all tasks with the reason, those handed in later too."""
    judge.refuses["node-1"] = Refused("other versions")
    launcher.hold = True
    pool = make_pool()
    eventually(lambda: len(launcher.held) == 2)
    early = pool.submit(one()) if first == "submitted" else None
    launcher.held[1]("node-1")
    if early is None:
        eventually(lambda: pool._dispatcher.crew.refusal)
        early = pool.submit(one())
    for future in (early, pool.submit(one())):
        with pytest.raises(ClusterError, match="other versions"):
            future.result(SOON_S)
    assert launcher.launched[1].killed
    assert len(launcher.launched) == 2


def test_the_pool_goes_on_without_a_node_that_joined_later(make_pool, launcher, judge, eventually):
    """A refused worker of a later node is ended, its node no longer counts, and tasks run on the others."""
    launcher.by_hand, launcher.room = False, 1
    pool = make_pool()
    assert pool.submit(one()).result(SOON_S) == 2
    judge.refuses["node-1"] = Refused("other versions", late=True)
    slots = launcher.slots
    launcher.slots = lambda: slots() - ("node-1" in judge.left_out)
    launcher.room, judge.left_out = 2, set()
    launcher.hold = True
    eventually(lambda: launcher.held)
    judge.left_out.add("node-1")  # as the real one does when it judges
    launcher.held[0]("node-1")
    eventually(lambda: launcher.launched[1].killed)
    assert pool.submit(one(2)).result(SOON_S) == 3
    assert (pool.up, pool.wanted, len(launcher.launched)) == (1, 1, 2)


def test_a_later_node_that_is_alone_and_refused_is_an_error(make_pool, launcher, judge):
    """Where nobody else works, a refused worker of a later node is the reason why nothing can run."""
    launcher.room = 1
    judge.refuses["node-0"] = Refused("other versions", late=True)
    with pytest.raises(ClusterError, match="other versions"):
        make_pool().submit(one()).result(SOON_S)


def test_work_waits_for_the_first_worker_of_each_node(make_pool, launcher, judge, eventually, monkeypatch):
    """While a node is unheard nothing is sent out; when all are heard work begins, though workers are still to come."""
    monkeypatch.setattr(workers, "HOLD_S", SOON_S)
    launcher.hold, launcher.room = True, 3
    judge.unheard.update({"node-0", "node-1"})
    pool = make_pool()
    eventually(lambda: len(launcher.held) == 3)
    future = pool.submit(one())
    launcher.held[0]("node-0")
    eventually(lambda: pool.up == 1)
    pool.release([])
    eventually(pool._inbox.empty)
    assert launcher.calls.empty()
    launcher.held[1]("node-1")
    launcher.next_call().answer("done")
    assert future.result(SOON_S) == "done"
    assert pool.up == 2


def test_work_does_not_wait_for_ever(make_pool, launcher, judge, eventually, monkeypatch):
    """A node that is not heard of, such as one whose CPUs others have, holds work up for HOLD_S only."""
    monkeypatch.setattr(workers, "HOLD_S", 0.05)
    launcher.hold = True
    judge.unheard.update({"node-0", "busy"})
    pool = make_pool()
    future = pool.submit(one())
    eventually(lambda: len(launcher.held) == 2)
    launcher.held[0]("node-0")
    launcher.next_call().answer("done")
    assert future.result(SOON_S) == "done"
    assert pool.up == 1
