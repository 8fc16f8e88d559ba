"""A head that answers, falls silent, speaks again or is lost."""

from __future__ import annotations

import queue
import threading
import time

import pytest

from raysk.errors import ClusterError
from raysk.pool.ray import head as module
from raysk.pool.ray.head import Head

HERE, GONE = {"NodeID": "a", "Alive": True}, {"NodeID": "b", "Alive": False}


class Cluster:
    """Answers what the test has put into `answers`, or waits for it."""

    def __init__(self):
        self.asked = 0
        self.answers = queue.Queue()

    def nodes(self):
        """Return or raise the next answer."""
        self.asked += 1
        answer = self.answers.get(timeout=60)
        if isinstance(answer, Exception):
            raise answer
        return answer


@pytest.fixture
def cluster():
    found = Cluster()
    yield found
    for _ in range(9):
        found.answers.put([])  # nobody waits for ever


@pytest.fixture
def head(cluster, monkeypatch):
    """Return a head that has answered once, to somebody with little patience."""
    cluster.answers.put([HERE, GONE])
    made = Head(cluster.nodes)
    assert made.nodes() == [HERE]
    monkeypatch.setattr(module, "ANSWER_S", 0.01)
    return made


def lose(head, monkeypatch):
    """Let a head be silent for too long."""
    monkeypatch.setattr(module, "LOST_S", 0.3)
    head.nodes()
    time.sleep(module.LOST_S)
    with pytest.raises(ClusterError):
        head.nodes()


def test_each_question_gets_a_new_answer(head, cluster):
    """As long as the head answers, what it says is what counts."""
    cluster.answers.put([HERE, HERE, GONE])
    assert head.nodes() == [HERE, HERE]


def test_a_silent_head_is_not_waited_for(head, cluster, eventually):
    """While the head is silent its last answer counts, and it is asked once; when it speaks again that is heard."""
    start = time.monotonic()
    assert [head.nodes() for _ in range(3)] == [[HERE]] * 3
    assert time.monotonic() - start < module.LOST_S / 2
    assert cluster.asked == 2
    cluster.answers.put([HERE, HERE])
    eventually(lambda: head.nodes() == [HERE, HERE], "the head's new answer")
    cluster.answers.put([])
    eventually(lambda: head.nodes() == [], "the head's next answer")


def test_a_head_that_is_silent_for_long_is_lost(head, monkeypatch):
    """After LOST_S the silence is an error that says what to do."""
    monkeypatch.setattr(module, "LOST_S", 0.3)
    assert head.nodes() == [HERE]
    time.sleep(module.LOST_S)
    with pytest.raises(ClusterError, match=r"has not answered for 0\.3 s\.\nLook at that machine"):
        head.nodes()


def test_a_head_that_never_answers_is_lost(cluster, monkeypatch):
    """Without a first answer there is nothing to go by."""
    monkeypatch.setattr(module, "LOST_S", 0.3)
    with pytest.raises(ClusterError, match="has not answered"):
        Head(cluster.nodes).nodes()


def test_what_ray_raises_is_raised(head, cluster):
    """An error is an answer, and not silence."""
    cluster.answers.put(ConnectionError("closed"))
    with pytest.raises(ConnectionError, match="closed"):
        head.nodes()


def test_a_call_is_done_when_it_returns(head):
    """A head that answers has been told when `tell` returns; what it says to that does not matter."""
    told = []
    head.tell(lambda: told.append(1))
    head.tell(lambda: 1 / 0)
    head.tell(lambda: told.append(2))
    assert told == [1, 2]


def test_nobody_waits_to_tell_a_silent_head(head, monkeypatch, eventually):
    """Calls to a silent head wait for it in the background."""
    speaks, told = threading.Event(), []
    head.tell(speaks.wait)
    monkeypatch.setattr(module, "ANSWER_S", 60)
    start = time.monotonic()
    head.tell(lambda: told.append(speaks.wait()))
    assert time.monotonic() - start < module.ANSWER_S / 2
    assert told == []
    speaks.set()
    eventually(lambda: told, "the call to be made")


def test_a_lost_head_is_told_nothing(head, monkeypatch):
    """Nothing is begun that would never end."""
    lose(head, monkeypatch)
    told = []
    head.tell(lambda: told.append(1))
    assert told == []


def test_whether_it_answers(head, cluster, monkeypatch):
    """A head that is there says so; a silent one is waited for, a lost one is not."""
    cluster.answers.put([])
    assert head.answers(60)
    assert not head.answers(0.01)
    lose(head, monkeypatch)
    assert not head.answers(60)
