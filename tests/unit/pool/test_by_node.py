"""What each node does, as the pool knows it."""

from __future__ import annotations

from raysk.events import NodeWork, WorkersChanged
from raysk.pool import Task
from raysk.pool.reply import Packed, Reply


def one(number):
    return number + 1


def test_busy_workers_and_memory(make_pool, launcher, eventually):
    """Busy workers are counted when it is asked; a node's memory is what one of its workers has told last."""
    launcher.room = 2
    launcher.admission.addresses["node-0"] = "10.0.0.7"
    heard = []
    pool = make_pool(sink=heard.append)
    future = pool.submit(Task(function=one, args=(1,)))
    call = launcher.next_call()
    look = next(event.by_node for event in heard if isinstance(event, WorkersChanged))
    eventually(lambda: sorted(node.busy for node in look()) == [0, 1])
    assert [(node.address, node.up) for node in look()] == [("10.0.0.7", 1), ("node-1", 1)]
    reply = Packed(2).message(ok=True, frames=[], wall_s=0.1, cpu_s=0.1, memory=(64, 16))
    call._take()(Reply.of(reply))
    assert future.result(10) == 2
    busy = next(node for node in look() if node.memory_bytes is not None)
    assert (busy.memory_bytes, busy.memory_free_bytes, busy.busy) == (64, 16, 0)
    assert isinstance(busy, NodeWork)
