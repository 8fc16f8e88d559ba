"""A cluster that is started and left while the program does something else."""

import threading

import pytest

from raysk.cluster import connection as cluster


class Closing:
    """A cluster that is closed when the test says so."""

    may_close, closed = threading.Event(), False

    def close(self):
        """Wait for the test."""
        self.may_close.wait()
        Closing.closed = True


@pytest.fixture
def _fake(monkeypatch):
    monkeypatch.setattr(cluster, "Cluster", Closing)
    yield
    Closing.may_close.set()
    cluster.Starting.wait_for_end()


@pytest.mark.usefixtures("_fake")
def test_the_program_goes_on_while_its_cluster_is_closed():
    """Nobody waits for the end of Ray but the end of the program: a summary is out before that."""
    with cluster.Starting() as start:
        start.result()
    assert not Closing.closed
    assert [thread.daemon for thread in cluster.Starting.leaving] == [False]
    Closing.may_close.set()
    cluster.Starting.wait_for_end()
    assert Closing.closed
    assert cluster.Starting.leaving == []
    cluster.Starting.wait_for_end()  # may be called again
