from __future__ import annotations

import copyreg
import pickle

import numpy as np
import pytest

from raysk.pool.ray.worker import fetched
from raysk.pool.shared import MOST_SPAN, Packing, Shared, contents, large, pack, unpack

TABLE = Shared("table", None)


class Opaque:
    """A person's class that says how it is pickled."""

    def __init__(self, name):
        self.name = name

    def __reduce__(self):
        return Opaque, (self.name,)


class OpaqueToo(Opaque):
    pass


def back(content, packing=None, **found):
    """Return what a worker gets, whose cache holds `found`, and the keys that it was told to need."""
    message, needs = pack(content, packing or Packing())
    return unpack(message, found.__getitem__), set(needs)


@pytest.mark.parametrize("content", [None, 3, "text", [1, {"a": (2.5, b"x")}], range(5), slice(1, 2)])
def test_a_message_without_shared_objects_is_itself(content):
    """What is packed is what is unpacked."""
    assert back(content) == (content, set())


def test_a_shared_object_stands_for_what_the_worker_has():
    """A `Shared` anywhere in a message becomes the object in the worker's cache, and is not sent."""
    found = object()
    got, needs = back({"deep": [TABLE, 1]}, table=found)
    assert got == {"deep": [found, 1]}
    assert got["deep"][0] is found
    assert needs == {"table"}


def test_a_shared_object_that_is_used_twice_is_one_object():
    """Two uses of a handle are the same object on the worker."""
    got, needs = back((TABLE, [TABLE]), table=[])
    assert got[0] is got[1][0]
    assert needs == {"table"}


def test_the_needs_are_the_handles_themselves():
    """The message comes with the handles that keep its objects in the store."""
    _, needs = pack([TABLE], Packing())
    assert needs == {"table": TABLE}
    assert needs["table"] is TABLE


def test_a_packing_shares_objects_it_knows():
    """A stand-in is asked for every object, and its handle is sent instead."""
    array = np.arange(1000.0)
    packing = Packing(stand_in=lambda obj: TABLE if obj is array else None)
    message, needs = pack({"X": array, "y": np.arange(3)}, packing)
    assert set(needs) == {"table"}
    assert len(message) < array.nbytes
    got = unpack(message, {"table": "the array"}.__getitem__)
    assert got["X"] == "the array"
    assert got["y"].tolist() == [0, 1, 2]


def test_a_reducer_applies_to_its_class_only():
    """A packing says how objects of exactly one class are pickled; the registry of copyreg stays as it was."""
    before = dict(copyreg.dispatch_table)
    packing = Packing(reducers={Opaque: lambda obj: (Opaque, (obj.name.upper(),))})
    (first, second), _ = back((Opaque("a"), OpaqueToo("b")), packing)
    assert (first.name, second.name) == ("A", "b")
    assert copyreg.dispatch_table == before
    assert back(Opaque("a"))[0].name == "a"


def test_functions_made_on_the_fly_travel():
    """Lambdas and closures are packed with what they close over, shared objects among it."""
    factor = 3
    got, _ = back(lambda x: factor * x)
    assert got(2) == 6
    local = TABLE
    got, needs = back(lambda: local, table="found")
    assert got() == "found"
    assert needs == {"table"}


def test_what_cannot_be_pickled_is_an_error_here():
    """Packing raises what pickling raises."""
    with pytest.raises(TypeError, match="generator"):
        pack((n for n in range(3)), Packing())


def test_an_unknown_key_is_an_error():
    """A message that needs an object the worker was never told of fails, and does not guess."""
    message, _ = pack(TABLE, Packing())
    with pytest.raises(KeyError, match="table"):
        unpack(message, {}.__getitem__)
    with pytest.raises(pickle.UnpicklingError):
        pickle.loads(message)


BASE = np.arange(24_000.0).reshape(120, 200)
VIEWS = {
    "C": BASE,
    "F": np.asfortranarray(BASE),
    "columns": BASE[:, 1:190],
    "backwards": BASE[::-1, ::-1],
    "transposed columns": BASE[:, 10:].T,
    "of another type": BASE.astype(np.float32)[:, :-3],
    "repeated": np.broadcast_to(BASE[0], (50, 200)),
    "windows": np.lib.stride_tricks.sliding_window_view(BASE[0], 20),
    "records": np.zeros(300, dtype=[("a", "f8"), ("b", "i4"), ("c", "i2")])["a"],
    "every tenth": BASE[:, ::10],
    "no rows": BASE[:0, 1:],
    "a single value": BASE[3, 4:5],
}


@pytest.mark.parametrize("view", VIEWS.values(), ids=VIEWS)
def test_an_array_is_shared_without_a_copy_in_the_pickle(view, monkeypatch):
    """An array that does not fill its memory arrives with its values and is no part of the pickle, as any other."""
    content, buffers = contents({"X": view})
    assert content.nbytes < 1_000
    assert sum(buffer.nbytes for buffer in buffers) <= MOST_SPAN * view.nbytes
    monkeypatch.setattr("ray.get", lambda parts: parts)
    got = fetched([content, [buffer.toreadonly() for buffer in buffers]])["X"]
    assert np.array_equal(got, view)
    assert got.dtype == view.dtype
    assert not got.flags.writeable


@pytest.mark.parametrize("name", ["F", "columns", "backwards", "transposed columns", "repeated", "windows"])
def test_an_array_keeps_its_strides(name):
    """Values lie on the worker as they do here: BLAS gives other last bits for another order."""
    view = VIEWS[name]
    content, buffers = contents(view)
    assert pickle.loads(content, buffers=buffers).strides == view.strides


def test_what_holds_objects_is_pickled_as_it_is():
    """An array of objects cannot be a view of memory."""
    view = np.array([["a", None, 3], [1.5, "b", ()]], dtype=object)[:, 1:]
    content, buffers = contents(view)
    assert not buffers
    assert pickle.loads(content).tolist() == view.tolist()


def test_nothing_is_copied_on_the_way_to_the_store():
    """The store gets the memory of the array itself."""
    X = np.zeros((100, 300))
    _, buffers = large(contents(X[:, :280]))
    assert np.shares_memory(np.frombuffer(buffers[0], dtype=np.uint8), X)
