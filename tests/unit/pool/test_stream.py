from __future__ import annotations

import importlib
import itertools
import random
import threading
import time
from concurrent.futures import CancelledError, Future, wait
from dataclasses import replace

import pytest
from pooling import assert_idle

from raysk.errors import TaskLost
from raysk.pool import Block, Task, stream

PATIENCE_S = 30
"""How long tasks of a test wait for each other, in seconds."""

settings = importlib.import_module("raysk.pool.stream")


class InstantPool:
    """Answers every message at once, and says that its units took `unit_s` each."""

    def __init__(self, unit_s, *, workers=2, at_most=None):
        self.up = self.wanted = workers
        self.sizes = []
        self._unit_s = unit_s if callable(unit_s) else lambda _units: unit_s
        self._at_most = at_most

    def submit(self, task):
        """Answer."""
        self.sizes.append(len(task.units))
        done = task.units[: self._at_most]
        future = Future()
        future.set_result(Block(units=done, values=list(done), wall_s=self._unit_s(done) * len(done)))
        return future

    def room(self):
        """Say that one message a worker is enough."""
        return self.up

    def cancel(self, futures):
        """Remember what is cancelled."""
        self.cancelled = list(futures)


def run(pool, units):
    """Return all values of a stream, in the order they come."""
    values = [value for block in stream(pool, Task(function=list), units) for value in block.values]
    assert not pool.cancelled
    return values


def test_no_units_give_no_blocks():
    """A stream of nothing ends at once."""
    assert run(InstantPool(0.0), []) == []


@pytest.mark.parametrize("units", [range(1), range(2), range(1000), list("abcdefg")])
@pytest.mark.parametrize("unit_s", [0.0, 0.001, 0.1, 10.0])
def test_every_unit_comes_exactly_once(units, unit_s):
    """Whatever units cost, each of them is in exactly one block."""
    assert sorted(run(InstantPool(unit_s), units)) == sorted(units)


def test_the_first_messages_hold_one_unit():
    """Before anything is known of its cost, a unit travels alone, to every worker and one more."""
    pool = InstantPool(0.001, workers=3)
    next(stream(pool, Task(function=list), range(1000)))
    assert pool.sizes == [1, 1, 1, 1]


def test_messages_grow_to_their_target_and_shrink_at_the_end():
    """Messages of cheap units grow until they take about TARGET_S, and get smaller towards the end."""
    pool = InstantPool(0.001)
    run(pool, range(20_000))
    target = settings.TARGET_S / 0.001
    assert max(pool.sizes) == pytest.approx(target, rel=0.01)
    tail = pool.sizes[pool.sizes.index(max(pool.sizes)) :]
    assert all(later <= earlier + 1 for earlier, later in itertools.pairwise(tail))
    assert settings.LEAST_S / 0.001 * 0.9 <= tail[-2] <= target / 8


def test_expensive_units_travel_alone():
    """A unit that takes longer than TARGET_S is a message of its own."""
    pool = InstantPool(5.0)
    run(pool, range(40))
    assert set(pool.sizes) == {1}


def test_sizes_follow_the_cost_of_units():
    """When units become dearer along the way, messages become smaller."""
    pool = InstantPool(lambda units: 0.001 if units[0] < 2000 else 0.05)
    run(pool, range(3000))
    assert max(pool.sizes) > 100
    assert pool.sizes[-1] <= 6


def test_units_handed_back_are_run_again():
    """Units that a worker did not begin go out again, and none of them is lost or doubled."""
    assert sorted(run(InstantPool(0.001, at_most=3), range(500))) == list(range(500))


class ToldPool(InstantPool):
    """Tells of the first unit of each message with several, while it goes on with the second."""

    def submit(self, task):
        """Answer, or tell."""
        if len(task.units) == 1:
            return super().submit(task)
        self.sizes.append(len(task.units))
        first, going_on = Future(), Future()
        going_on.set_result(Block(units=task.units[1:2], values=list(task.units[1:2]), wall_s=0.1))
        first.set_result(Block(units=task.units[:1], values=list(task.units[:1]), wall_s=0.1, going_on=going_on))
        return first


def test_what_a_worker_goes_on_with_is_waited_for():
    """The unit that goes on is in a block of its own, those after it are run again, and every unit comes once."""
    pool = ToldPool(0.01)
    assert sorted(run(pool, range(30))) == list(range(30))
    assert max(pool.sizes) > 2


def test_workers_that_come_later_get_messages():
    """A stream keeps as many messages out as the workers of the moment can take, and one more."""
    pool = InstantPool(10.0, workers=1)
    blocks = stream(pool, Task(function=list), range(100))
    next(blocks)
    assert len(pool.sizes) == 2
    pool.up = pool.wanted = 4
    next(blocks)
    assert len(pool.sizes) - 1 == 5


# --- on a pool


def double(units):
    return (2 * unit for unit in units)


def picky(bad, units):
    for unit in units:
        if unit == bad:
            raise ValueError(f"unit {unit}")
        yield unit


def values_of(blocks):
    return {unit: value for block in blocks for unit, value in zip(block.units, block.values, strict=True)}


@pytest.fixture
def one_answer(launcher):
    """Have the first message answered, from another thread."""
    thread = threading.Thread(target=lambda: launcher.next_call().run(), daemon=True)
    thread.start()
    yield
    thread.join(20)


def test_a_stream_runs_on_a_pool(make_pool, launcher):
    """All units are run by the pool's workers, and values belong to their units."""
    launcher.by_hand = False
    assert values_of(stream(make_pool(), Task(function=double), range(300))) == {i: 2 * i for i in range(300)}


def test_a_stream_survives_its_workers(make_pool, launcher):
    """Workers that die in the middle cost nothing but time."""
    chance = random.Random(3)  # noqa: S311 - not for secrets
    launcher.by_hand = False
    launcher.dies_of = lambda call: len(call.units) > 1 and chance.random() < 0.2
    assert values_of(stream(make_pool(), Task(function=double), range(300))) == {i: 2 * i for i in range(300)}


@pytest.mark.parametrize("deadly", [0, 17])
def test_a_deadly_unit_is_given_up_alone(make_pool, launcher, deadly):
    """A unit that takes every worker down is a TaskLost, also when it travelled alone; the rest has values."""
    launcher.by_hand, launcher.dies_of = False, lambda call: deadly in call.units
    values = values_of(stream(make_pool(), Task(function=double), range(60)))
    assert isinstance(values.pop(deadly), TaskLost)
    assert values == {i: 2 * i for i in range(60) if i != deadly}


def test_an_error_ends_the_stream_and_cancels_the_rest(make_pool, launcher):
    """What the function raises is raised here, nothing of the stream runs on, and the pool is as good as new."""
    launcher.by_hand = False
    pool = make_pool()
    with pytest.raises(ValueError, match="unit 5"):
        values_of(stream(pool, Task(function=picky, args=(5,)), range(300)))
    assert_idle(pool)
    assert values_of(stream(pool, Task(function=double), range(3))) == {0: 0, 1: 2, 2: 4}


def fails_with_another(units):
    """Fail at unit 0 when unit 1 has begun; end unit 1 when the stream waits for it."""
    settings.both.wait(PATIENCE_S)
    if 0 in units:
        raise ValueError("unit 0")
    settings.waited.wait(PATIENCE_S)
    yield from units


def test_what_runs_beside_an_error_may_end(make_pool, launcher, monkeypatch):
    """Tasks beside one that failed get a moment to end by themselves: their workers are not replaced."""
    waited = threading.Event()
    monkeypatch.setattr(settings, "both", threading.Barrier(2), raising=False)
    monkeypatch.setattr(settings, "waited", waited, raising=False)
    monkeypatch.setattr(settings, "wait", lambda futures, timeout: (waited.set(), wait(futures, timeout + PATIENCE_S)))
    launcher.by_hand = False
    pool = make_pool()
    with pytest.raises(ValueError, match="unit 0"):
        values_of(stream(pool, Task(function=fails_with_another), range(2)))
    assert_idle(pool)
    assert not any(worker.killed for worker in launcher.launched)


@pytest.mark.usefixtures("one_answer")
def test_a_caller_that_stops_cancels_the_rest(make_pool, launcher):
    """When the caller stops iterating, what is out is cancelled and its workers are free again."""
    pool = make_pool()
    blocks = stream(pool, Task(function=double), range(300))
    assert next(blocks).values == [0]
    blocks.close()
    assert_idle(pool)
    assert any(worker.killed for worker in launcher.launched)


@pytest.mark.usefixtures("one_answer")
def test_a_closed_pool_ends_a_stream(make_pool):
    """Closing the pool ends a stream with CancelledError; it does not wait for ever."""
    pool = make_pool()
    blocks = stream(pool, Task(function=double), range(300))
    next(blocks)
    pool.close()
    with pytest.raises(CancelledError):
        list(blocks)


class NeverPool(InstantPool):
    """Takes messages and answers none."""

    def submit(self, task):
        """Take it."""
        self.sizes.append(len(task.units))
        return Future()


def test_a_stream_ends_when_its_time_is_over():
    """What runs when time is over is cancelled, and the stream ends though units are left."""
    pool = NeverPool(1.0)
    assert list(stream(pool, Task(function=list), range(10), until=time.monotonic() + 0.05)) == []
    assert len(pool.cancelled) == len(pool.sizes) == 3


def test_what_is_done_when_time_is_over_is_not_lost():
    """Blocks that came while the caller was busy are handed out also when time is over."""
    pool = InstantPool(0.001)
    until = time.monotonic() + 0.2
    blocks = stream(pool, Task(function=list), range(1000), until=until)
    next(blocks)
    handed_out = len(pool.sizes)
    time.sleep(max(until - time.monotonic(), 0) + 0.01)
    assert len(list(blocks)) == handed_out - 1
    assert len(pool.sizes) == handed_out


def test_nothing_is_begun_that_cannot_end_in_time():
    """Units that take longer than what is left are not handed out."""
    pool = InstantPool(100.0)
    blocks = list(stream(pool, Task(function=list), range(50), until=time.monotonic() + 60))
    assert 1 <= len(blocks) <= pool.room() + 1


class Growing:
    """A backlog that has a unit more for each answer, and notes for whom it was asked."""

    def __init__(self, units):
        self.units, self.asked, self.back = units, [], []

    @property
    def left(self):
        """One while there is another; what is next is known only once the last is done."""
        return int(self.units > 0)

    def take(self, count, worker):
        """Hand out one."""
        self.asked.append((count, worker))
        self.units -= 1
        return [self.units]

    def put_back(self, units):
        """Note them."""
        self.back += units


def test_a_backlog_says_what_is_next():
    """It is asked for the units, and is told of the worker that has answered, which should do them."""
    pool = InstantPool(0.001, workers=1)
    submit, near = pool.submit, []

    def answered(task):
        near.append(task.near)
        future = submit(task)
        done = Future()
        done.set_result(replace(future.result(), worker=len(near)))
        return done

    pool.submit = answered
    backlog = Growing(4)
    assert [block.units for block in stream(pool, Task(function=list), backlog)] == [[3], [2], [1], [0]]
    assert [worker for _, worker in backlog.asked] == near == [None, None, 1, 2]
    assert not backlog.back
