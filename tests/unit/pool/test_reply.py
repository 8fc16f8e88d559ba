"""What workers send back."""

from __future__ import annotations

import pickle
import traceback

import numpy as np
import pytest

from raysk.pool import RemoteTraceback
from raysk.pool.ray.worker import _answer
from raysk.pool.reply import Packed, Reply, ZeroCopy


def message(content, **fields):
    """Return what a worker would send."""
    return Packed(content).message(**{"ok": True, "frames": [], "wall_s": 0.0, "cpu_s": 0.0, **fields})


@pytest.mark.parametrize("content", [None, "x", bytes(200_000), np.arange(5)])
def test_a_reply_arrives_as_it_was_packed(content):
    """Every field comes back, and the content is looked at where it lies."""
    frames = list(traceback.extract_stack(limit=2))
    if hasattr(traceback.FrameSummary, "_code"):  # newer Pythons
        assert frames[0]._code is not None
    sent = message(content, ok=False, frames=frames, wall_s=1.5, cpu_s=0.25)
    assert type(sent) is bytes  # Ray passes bytes on as they are
    reply = Reply.of(sent)
    assert (reply.ok, reply.wall_s, reply.cpu_s) == (False, 1.5, 0.25)
    assert [(frame.name, frame.line) for frame in reply.frames] == [(frame.name, frame.line) for frame in frames]
    assert np.array_equal(pickle.loads(reply.content), content)
    assert reply.content.obj is sent


def test_arrays_in_a_reply_are_the_receivers_own():
    """What is unpickled from a reply can be written to."""
    array = pickle.loads(Reply.of(message(np.zeros(3))).content)
    array[0] = 1.0
    assert array.tolist() == [1.0, 0.0, 0.0]


def test_an_array_that_is_not_to_be_copied_stays_where_it_is():
    """It is beside the message, which Ray copies once, and comes as a read-only view; other arrays are copied."""
    array = np.zeros(4, [("a", "i8"), ("b", "u1")]).reshape(2, 2)
    array.flags.writeable = False
    sent = message([ZeroCopy(array), np.zeros(3), ZeroCopy(array[1])])
    first, other, second = Reply.of(sent).unpacked()
    assert np.shares_memory(first, array)
    assert np.shares_memory(second, array[1])
    assert (first.dtype, first.shape, second.shape) == (array.dtype, (2, 2), (2,))
    assert (first.flags.writeable, other.flags.writeable) == (False, True)
    assert len(sent) == 3


def _fails_from(text):
    try:
        {}[text]
    except KeyError as error:
        raise ValueError("outer") from error


def test_an_exception_keeps_what_it_was_raised_from():
    """The traceback shows the exceptions before it, as Python does."""
    ok, content, raised = _answer(lambda: _fails_from("colour"))
    reply = Reply.of(content.message(ok=ok, wall_s=0.0, cpu_s=0.0, **raised))
    said = str(RemoteTraceback(reply.frames, reply.earlier))
    assert "KeyError: 'colour'\n\nThe above exception was the direct cause of the following exception:" in said
    assert said.index("KeyError: 'colour'") < said.index('raise ValueError("outer")')
