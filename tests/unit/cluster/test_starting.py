"""A cluster that is started and left while the program does something else."""

import threading

import pytest

from raysk.cluster import leaving, starting
from raysk.errors import ClusterError


class Closing:
    """A cluster that is closed when the test says so."""

    is_private = True

    def __init__(self):
        self.may_close, self.closed = threading.Event(), False

    def close(self):
        """Wait for the test."""
        self.may_close.wait()
        self.closed = True


@pytest.fixture
def cluster(monkeypatch):
    monkeypatch.setattr(leaving, "_at_once", threading.Event())
    made = Closing()
    monkeypatch.setattr(starting, "Cluster", lambda: made)
    yield made
    made.may_close.set()
    leaving.wait()


def test_the_program_goes_on_while_its_cluster_is_closed(cluster):
    """Nobody waits for the end of Ray but the end of the program: a summary is out before that."""
    with starting.Starting() as start:
        assert start.result() is cluster
    assert not cluster.closed
    (thread,) = (each for each in threading.enumerate() if each.name == "raysk-leave")
    assert not thread.daemon
    cluster.may_close.set()
    assert not leaving.leave()  # the program ends as others do
    assert cluster.closed
    assert not leaving.leave()  # may be called again


def test_nobody_waits_for_a_cluster_that_is_not_there_yet(cluster, monkeypatch):
    """It ends with the program, at once."""
    begun = threading.Event()
    monkeypatch.setattr(starting, "Cluster", lambda: begun.wait() and cluster)
    with starting.Starting():
        pass
    begun.set()
    assert leaving.leave()


def test_nobody_waits_for_a_ray_that_nobody_asked_for(cluster, eventually):
    """The program fails before it needs its own Ray."""
    ready = threading.Event()
    with pytest.raises(KeyError), starting.Starting(lambda _: ready.set()) as start:  # noqa: PT012 - as programs do
        eventually(start._done.is_set)
        raise KeyError
    assert ready.is_set()
    assert not cluster.closed
    assert leaving.leave()


def test_a_cluster_that_cannot_be_had_is_not_left(monkeypatch):
    """What went wrong is raised where the cluster is asked for; the end is an orderly one."""

    def fail():
        raise ClusterError("nobody there")

    monkeypatch.setattr(leaving, "_at_once", threading.Event())
    monkeypatch.setattr(starting, "Cluster", fail)
    with starting.Starting() as start, pytest.raises(ClusterError, match="nobody there"):
        start.result()
    assert not leaving.leave()
