from __future__ import annotations

import importlib
import os
import random
import sys
import threading
from concurrent.futures import CancelledError, wait

import numpy as np
import pytest
from pooling import SOON_S, add, assert_idle, one, result, settle
from ray import cloudpickle

from raysk.errors import ClusterError, TaskLost, Unpicklable
from raysk.events import WorkerLost, WorkersChanged
from raysk.pool import Packing, RemoteTraceback, Shared, Task
from raysk.pool.ray.worker import Worker
from raysk.pool.reply import Gone, Reply
from raysk.pool.shared import SMALL_BYTES, contents, large, small
from raysk.pool.workers import MAX_FAILED_STARTS

pools, rules = (importlib.import_module(f"raysk.pool.{name}") for name in ("pool", "dispatch"))
slow = importlib.import_module("raysk.pool.stragglers")


def squares(units):
    return (unit * unit for unit in units)


def fails(text):
    raise KeyError(text)


def outcome(future):
    """Return what became of a future: "cancelled", its error, or its value."""
    try:
        error = future.exception(timeout=SOON_S)
    except CancelledError:
        return "cancelled"
    if isinstance(error, CancelledError):
        return "cancelled"
    return error if error is not None else future.result()


def names(calls):
    return [call.args[0] for call in calls]


# --- results


def test_a_future_gets_what_the_function_returns(make_pool, launcher):
    """A task's value comes back as it was returned."""
    launcher.by_hand = False
    assert result(make_pool().submit(Task(function=add, args=(2, 3)))) == 5


def test_a_task_with_units_gets_a_block(make_pool, launcher):
    """Units come back with one value each, in their order."""
    launcher.by_hand = False
    block = result(make_pool().submit(Task(function=squares, units=range(4))))
    assert (list(block.units), block.values) == ([0, 1, 2, 3], [0, 1, 4, 9])


def test_a_block_may_hold_only_the_first_units(make_pool, launcher):
    """A worker that hands units back answers with the first of them, and the block says which."""
    future = make_pool().submit(Task(function=squares, units=range(5)))
    launcher.next_call().answer([0, 1])
    assert (list(result(future).units), result(future).values) == ([0, 1], [0, 1])


def test_an_exception_comes_back_with_its_class_words_and_frames(make_pool, launcher):
    """What the function raised is raised here, caused by a traceback that names its line."""
    launcher.by_hand = False
    error = outcome(make_pool().submit(Task(function=fails, args=("colour",))))
    assert type(error) is KeyError
    assert error.args == ("colour",)
    assert isinstance(error.__cause__, RemoteTraceback)
    assert "raise KeyError(text)" in str(error.__cause__)


def test_what_cannot_be_pickled_is_said_to_the_caller(make_pool, launcher):
    """Handing in something that cannot travel raises at once, and the pool goes on."""
    launcher.by_hand = False
    pool = make_pool()
    with pytest.raises(Unpicklable, match="lock"):
        pool.submit(Task(function=add, args=(threading.Lock(), 1)))
    assert result(pool.submit(Task(function=add, args=(1, 1)))) == 2


def test_a_reply_that_cannot_be_unpickled_is_an_error_of_its_task(make_pool, launcher):
    """A value whose class is unknown here fails its own future and nothing else."""
    pool = make_pool()
    future = pool.submit(one("a"))
    call = launcher.next_call()
    call._take()(Reply(ok=True, content=b"no pickle at all", frames=[], wall_s=0.0, cpu_s=0.0))
    assert isinstance(outcome(future), Exception)
    later = pool.submit(one("b"))
    launcher.next_call().answer("fine")
    assert result(later) == "fine"


def raises_needs_two():
    # made here: Dask, which other tests import, changes how the exceptions that it finds are pickled
    class NeedsTwoError(Exception):
        """An exception that pickles but does not unpickle."""

        def __init__(self, first, second):
            super().__init__(f"{first} and {second}")

    raise NeedsTwoError("salt", "pepper")


@pytest.fixture
def worker(_as_a_worker):
    """Make a real worker in this process."""
    return Worker(cpus=1)


def ask(worker, task, refs=(), drop=()):
    """Return a worker's answer: whether it is a value, and the value or error."""
    message, _ = task.pack(0, task.units)
    reply = Reply.of(worker.run(message, dict(refs), drop))
    assert reply.wall_s >= 0
    assert reply.cpu_s >= 0
    assert bool(reply.frames) != reply.ok
    return reply.ok, cloudpickle.loads(reply.content)


def test_a_worker_answers_with_the_value(worker):
    """A worker runs the function and pickles what it returns."""
    assert ask(worker, Task(function=add, args=(1, 2))) == (True, 3)


def test_a_value_that_cannot_be_pickled_is_answered_with_an_error(worker):
    """A result that cannot travel is an error of the task, not the end of the worker."""
    ok, error = ask(worker, Task(function=threading.Lock))
    assert not ok
    assert "pickle" in str(error)
    assert ask(worker, Task(function=add, args=(1, 2))) == (True, 3)


def test_an_exception_that_cannot_travel_keeps_its_words(worker):
    """An exception whose class cannot be unpickled comes back as a RuntimeError that says the same."""
    ok, error = ask(worker, Task(function=raises_needs_two))
    assert not ok
    assert type(error) is RuntimeError
    assert str(error) == "NeedsTwoError: salt and pepper"


def test_a_worker_hands_units_back_when_its_patience_is_over(worker):
    """At least one unit is done, and those not begun in time are handed back."""
    task = Task(function=squares, units=[2, 3, 4], patience_s=0.0)
    assert ask(worker, task) == (True, [4])
    assert ask(worker, Task(function=squares, units=[2, 3, 4], patience_s=60.0)) == (True, [4, 9, 16])


def add_to(array, amount):
    """Change an array in place."""
    array += amount
    return array


def say_read_only():
    raise ValueError("this book is read-only")


def test_a_task_that_writes_into_shared_arrays_gets_copies(worker, monkeypatch):
    """Arrays of the store are read-only; a task that writes into one gets a copy, and the next task the original."""
    X = np.zeros(3)
    X.flags.writeable = False
    got = []
    monkeypatch.setattr("ray.get", lambda ref: got.append(ref) or large(contents(X)))
    shared = Shared("X", "ref")
    for _ in range(2):
        ok, value = ask(worker, Task(function=add_to, args=(shared, 5)), refs={"X": "ref"})
        assert (ok, value.tolist()) == (True, [5, 5, 5])
    assert got == ["ref"]
    assert X.tolist() == [0, 0, 0]
    ok, value = ask(worker, Task(function=add_to, args=(shared, 5)), refs={"X": "ref"}, drop=["X"])
    assert not ok


def test_a_withdrawn_task_is_passed_over(worker):
    """It is not run, but what its message says of shared objects holds for the next ones."""
    unwanted, _ = Task(function=len, args=("",)).pack(7, None)
    assert worker.withdraw([7]) == [7]
    assert worker.run(unwanted, {"list": small(contents([1, 2]))}) is None
    assert ask(worker, Task(function=len, args=(Shared("list", "ref"),))) == (True, 2)
    assert worker.withdraw([0]) == []


def forks(leave):
    """Fork, as a fit may; the child leaves by itself, the worker tells how."""
    if child := os.fork():
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    return leave()


@pytest.mark.parametrize(("leave", "code"), [(lambda: sys.exit(3), 3), (lambda: 1 / 0, 1), (lambda: None, 0)])
def test_a_forked_child_of_a_task_ends_with_it(worker, leave, code):
    """A child that leaves a fit ends as a program would, and does not go on as a second worker."""
    assert ask(worker, Task(function=forks, args=(leave,))) == (True, code)


@pytest.mark.parametrize("order", ["C", "F"])
def test_a_small_object_travels_with_the_message(worker, order):
    """What is small is not put in the store; its arrays are read-only all the same, and keep their order."""
    X = np.arange(6.0).reshape(2, 3, order=order)
    ref, shared = small(contents({"X": X, "name": "X"})), Shared("table", "ref")
    ok, value = ask(worker, Task(function=dict.__getitem__, args=(shared, "X")), refs={"table": ref})
    assert (ok, value.tolist(), value.flags.c_contiguous) == (True, X.tolist(), order == "C")
    ok, value = ask(worker, Task(function=lambda table: add_to(table["X"], 5), args=(shared,)))
    assert (ok, value.tolist()) == (True, (X + 5).tolist())
    ok, value = ask(worker, Task(function=dict.__getitem__, args=(shared, "X")))
    assert value.tolist() == X.tolist()  # what is written goes into copies


@pytest.mark.parametrize(
    "value",
    [np.zeros(SMALL_BYTES // 8), b"x" * SMALL_BYTES, list(range(SMALL_BYTES)), (np.zeros(5_000), "x" * 30_000)],
    ids=["array", "bytes", "list", "both"],
)
def test_a_large_object_is_for_the_store(value):
    """Large is what is more than a few messages' size, in arrays, or pickled, or together."""
    assert small(contents(value)) is None


def add_to_each(units):
    return (add_to(array, 1) for array in units)


def test_units_that_are_shared_arrays_are_copied_too(worker, monkeypatch):
    """A task of several calls, each with a shared array, gets copies of those when it writes into one."""
    X = np.zeros(3)
    X.flags.writeable = False
    monkeypatch.setattr("ray.get", lambda _: large(contents(X)))
    task = Task(function=add_to_each, units=[Shared("X", "ref")] * 2, patience_s=60.0)
    ok, values = ask(worker, task, refs={"X": "ref"})
    assert ok, values
    assert [value.tolist() for value in values] == [[1, 1, 1]] * 2


def test_an_error_that_only_speaks_of_read_only_is_the_tasks_own(worker):
    """What is no matter of shared arrays is raised as it is."""
    ok, error = ask(worker, Task(function=say_read_only))
    assert (ok, str(error)) == (False, "this book is read-only")


# --- who gets what


def test_a_task_goes_to_the_idle_worker(make_pool, launcher):
    """The next task goes to the worker that is free, not to the next in turn."""
    launcher.room = 3
    pool = make_pool()
    for text in "abc":
        pool.submit(one(text))
    calls = [launcher.next_call() for _ in "abc"]
    assert len({call.worker for call in calls}) == 3
    for text in "de":
        calls[1].answer("", wall_s=60.0)
        pool.submit(one(text))
        calls[1] = launcher.next_call()
        assert calls[1].worker.number == 1


@pytest.mark.parametrize(("wall_s", "depth"), [(0.01, 2), (60.0, 1)])
def test_short_tasks_get_a_second_one_in_the_queue(make_pool, launcher, wall_s, depth):
    """One task a worker before anything is measured, and two once tasks are known to be short."""
    launcher.room = 1
    pool = make_pool()
    for text in "abcde":
        pool.submit(one(text))
    settle(pool)
    assert len(launcher.launched[0].running) == 1
    launcher.next_call().answer("", wall_s=wall_s)
    settle(pool)
    assert len(launcher.launched[0].running) == depth
    assert pool.room() == depth


def test_nothing_is_queued_while_a_worker_is_still_to_come(make_pool, launcher, eventually):
    """A task waits for the worker that is starting instead of in another's queue, which it would not leave."""
    launcher.hold = True
    pool = make_pool()
    eventually(lambda: len(launcher.held) == 2)
    launcher.held[0]("node-0")
    known = pool.submit(one("known"))
    launcher.next_call().answer("")
    result(known)
    for text in "ab":
        pool.submit(one(text))
    assert names([launcher.next_call()]) == ["a"]
    settle(pool)
    assert launcher.calls.empty()
    launcher.held[1]("node-1")
    assert launcher.next_call().worker.number == 1


def test_tasks_leave_in_their_order(make_pool, launcher):
    """What was handed in first is sent first."""
    launcher.room, launcher.by_hand = 1, False
    pool = make_pool()
    wait([pool.submit(one(text)) for text in "abcdefgh"], timeout=SOON_S)
    assert names(launcher.launched[0].calls) == list("abcdefgh")


def test_a_late_task_is_started_again_on_an_idle_worker(make_pool, launcher, monkeypatch):
    """A repeatable task that takes long is started a second time, and the first result wins."""
    monkeypatch.setattr(slow, "SECOND_START_S", 0.02)
    pool = make_pool()
    known = pool.submit(one("known"))
    launcher.next_call().answer("")
    result(known)
    late = pool.submit(Task(function=add, args=("late", ""), repeatable=True))
    first, second = launcher.next_call(), launcher.next_call()
    assert first.worker is not second.worker
    second.answer("second")
    assert result(late) == "second"
    first.answer("first")
    settle(pool)
    assert result(late) == "second"
    assert not any(worker.dead for worker in launcher.launched)


def test_a_task_that_may_not_be_repeated_is_not(make_pool, launcher, monkeypatch):
    """Only a task that says so is started a second time."""
    monkeypatch.setattr(slow, "SECOND_START_S", 0.0)
    monkeypatch.setattr(rules, "TICK_S", 0.01)
    pool = make_pool()
    known = pool.submit(one("known"))
    launcher.next_call().answer("", wall_s=0.0)
    result(known)
    pool.submit(one("once"))
    launcher.next_call()
    repeated = pool.submit(Task(function=add, args=("twice", ""), repeatable=True))
    launcher.next_call().answer("")
    result(repeated)
    settle(pool)
    assert launcher.calls.empty()


def test_losing_one_of_two_starts_leaves_the_other(make_pool, launcher, monkeypatch):
    """A task that runs in two places survives the loss of one of them without a third start."""
    monkeypatch.setattr(slow, "SECOND_START_S", 0.02)
    launcher.hold = False
    pool = make_pool()
    known = pool.submit(one("known"))
    launcher.next_call().answer("")
    result(known)
    launcher.hold = True
    late = pool.submit(Task(function=add, args=("late", ""), repeatable=True))
    first, second = launcher.next_call(), launcher.next_call()
    first.worker.die()
    settle(pool)
    second.answer("second")
    assert result(late) == "second"


# --- workers that are gone


def test_a_lost_task_is_split_and_every_unit_runs(make_pool, launcher):
    """When a worker dies its units are tried one by one on others; values keep their order."""
    pool = make_pool()
    future = pool.submit(Task(function=squares, units=range(5)))
    launcher.next_call().worker.die()
    seen = []
    for _ in range(5):
        call = launcher.next_call()
        seen.append(list(call.units))
        call.run()
    assert sorted(seen) == [[0], [1], [2], [3], [4]]
    assert (list(result(future).units), result(future).values) == ([0, 1, 2, 3, 4], [0, 1, 4, 9, 16])


def test_a_worker_that_is_given_up_is_ended(make_pool, launcher, eventually):
    """A worker that Ray gives up, but that may live, is ended: it would hold its CPUs, and none could replace it."""
    future = make_pool().submit(Task(function=squares, units=range(1)))
    lost = launcher.next_call()
    lost.gone("out of reach")
    eventually(lambda: lost.worker.killed)
    launcher.next_call().run()
    assert result(future).values == [0]


@pytest.mark.parametrize("units", [range(4), range(2, 3)])
def test_a_unit_that_kills_its_worker_is_given_up_alone(make_pool, launcher, units):
    """After three losses a unit's value is a TaskLost; the others have theirs, in order."""
    launcher.by_hand, launcher.dies_of = False, lambda call: 2 in call.units
    values = result(make_pool().submit(Task(function=squares, units=units))).values
    assert [value for value in values if not isinstance(value, TaskLost)] == [i * i for i in units if i != 2]
    lost = values[list(units).index(2)]
    assert "died 3 times" in str(lost)
    deadly = [call for worker in launcher.launched for call in worker.calls if 2 in call.units]
    assert len(deadly) == rules.MAX_LOSSES


def test_a_task_without_units_is_lost_after_three_workers(make_pool, launcher):
    """A task in one piece is tried three times, then fails with TaskLost and the reason."""
    future = make_pool().submit(one("a"))
    for _ in range(3):
        launcher.next_call().worker.die("its node ran out of memory")
    error = outcome(future)
    assert isinstance(error, TaskLost)
    assert "its node ran out of memory" in str(error)


def test_what_waits_behind_is_not_charged(make_pool, launcher):
    """A task queued behind a deadly one keeps all its tries."""
    launcher.room = 1
    pool = make_pool()
    first = pool.submit(one("known"))
    launcher.next_call().answer("")
    result(first)
    deadly, behind = pool.submit(one("deadly")), pool.submit(one("behind"))
    for _ in range(3):
        assert names(launcher.next_call() for _ in range(2)) == ["deadly", "behind"]
        launcher.launched[-1].die()
    assert isinstance(outcome(deadly), TaskLost)
    for _ in range(2):
        launcher.next_call().worker.die()
    launcher.next_call().answer("well")
    assert result(behind) == "well"


def test_workers_that_died_idle_are_not_a_tasks_fault(make_pool, launcher):
    """A node that is lost while its workers are idle costs the next task nothing, however many they were."""
    launcher.room = 6
    pool = make_pool()
    first = pool.submit(one("first"))
    launcher.next_call().answer("")
    result(first)
    for worker in launcher.launched:
        worker.dead = True
    launcher.by_hand = False
    assert result(pool.submit(one("next"))) == "next"
    settle(pool)
    assert pool.up == 6


def test_a_lost_worker_is_replaced_and_told_of(make_pool, launcher, eventually):
    """A new worker is asked for at once, and the sink hears who was lost and who is there."""
    heard = []
    launcher.hold = True
    pool = make_pool(sink=heard.append)
    eventually(lambda: len(launcher.held) == 2)
    for number, up in enumerate(launcher.held):
        up(f"node-{number}")
    pool.submit(Task(function=squares, units=range(3)))
    launcher.next_call().worker.die()
    eventually(lambda: len(launcher.held) == 3)
    launcher.held[2]("node-2")
    eventually(lambda: pool.up == 2)
    settle(pool)
    lost = [event for event in heard if isinstance(event, WorkerLost)]
    assert [(event.node, event.reason, event.units) for event in lost] == [("node-0", "its process died", 3)]
    states = [(event.up, event.wanted, event.nodes) for event in heard if isinstance(event, WorkersChanged)]
    assert states == [(0, 2, 0), (1, 2, 1), (2, 2, 2), (1, 2, 1), (2, 2, 2)]


def test_every_future_is_completed_exactly_once(make_pool, launcher):
    """Whatever dies in whatever order, each task ends once: its value, or TaskLost for what was lost too often."""
    chance = random.Random(7)  # noqa: S311 - not for secrets
    launcher.room, launcher.by_hand = 4, False
    launcher.dies_of = lambda _call: chance.random() < 0.15
    pool = make_pool()
    ends = []
    tasks = [Task(function=squares, units=range(n % 5 + 1), repeatable=n % 2 == 0) for n in range(150)]
    futures = [pool.submit(task) for task in tasks]
    for future in futures:
        future.add_done_callback(ends.append)
    values = [result(future).values for future in futures]
    settle(pool)
    assert len(ends) == len(set(ends)) == len(futures)
    for task, got in zip(tasks, values, strict=True):
        assert len(got) == len(task.units)
        assert all(isinstance(v, TaskLost) or v == u * u for u, v in zip(task.units, got, strict=True))
    assert sum(isinstance(value, TaskLost) for got in values for value in got) < 10
    assert_idle(pool)


# --- growing and shrinking


@pytest.fixture
def _quick_tick(monkeypatch):
    monkeypatch.setattr(rules, "TICK_S", 0.01)


@pytest.mark.usefixtures("_quick_tick")
def test_a_pool_grows_with_the_cluster(make_pool, launcher, eventually):
    """Without a number of workers, nodes that join are used."""
    pool = make_pool()
    eventually(lambda: pool.up == 2)
    launcher.room = 5
    eventually(lambda: pool.up == 5)
    assert pool.most_up == (5, 5)


def test_the_most_that_were_up_stay_known(make_pool, launcher, eventually):
    """Workers that are ended, as an interrupt does, still count as those that a job had."""
    pool = make_pool()
    eventually(lambda: pool.up == 2)
    future = pool.submit(one("a"))
    launcher.next_call()
    pool.close()
    assert outcome(future) == "cancelled"
    assert pool.most_up == (2, 2)


@pytest.mark.usefixtures("_quick_tick")
def test_a_pool_with_a_number_of_workers_keeps_it(make_pool, launcher, eventually):
    """A given number of workers is asked for, whatever room there is."""
    pool = make_pool(workers=3)
    eventually(lambda: pool.up == 3)
    launcher.room = 7
    for _ in range(3):
        before = pool._dispatcher.next_tick
        eventually(lambda: pool._dispatcher.next_tick > before)  # noqa: B023 - used at once
    settle(pool)
    assert len(launcher.launched) == 3


@pytest.mark.usefixtures("_quick_tick")
def test_a_pool_that_shrinks_drops_those_that_wait(make_pool, launcher, eventually):
    """When room is lost, workers that never came up are ended, and those that work are kept."""
    pool = make_pool()
    eventually(lambda: pool.up == 2)
    launcher.hold, launcher.room = True, 4
    eventually(lambda: len(launcher.launched) == 4)
    launcher.room = 1
    eventually(lambda: [worker.killed for worker in launcher.launched] == [False, False, True, True])
    for up in launcher.held:
        up("node-late")
    settle(pool)
    assert pool.up == 2


# --- workers that do not start


def test_failing_starts_end_in_an_error(make_pool, launcher):
    """When three starts in a row fail and no worker is up, every task hears why."""
    launcher.refuse = "no module named sklearn"
    pool = make_pool()
    error = outcome(pool.submit(one("a")))
    assert isinstance(error, ClusterError)
    assert "no module named sklearn" in str(error)
    assert len(launcher.launched) <= 2 * (MAX_FAILED_STARTS + 1)


def test_workers_killed_at_their_start_are_asked_for_again(make_pool, launcher, eventually):
    """Once a worker was up, a few that die while they start in a row, with none up, do not end the work."""
    launcher.room = 1
    pool = make_pool()
    eventually(lambda: pool.up == 1)
    launcher.hold = True
    future = pool.submit(one("a"))
    launcher.next_call().worker.die()
    for died in range(MAX_FAILED_STARTS + 2):
        eventually(lambda died=died: len(launcher.held) > died)
        launcher.held[died](Gone("its process died"))
    eventually(lambda: len(launcher.held) > MAX_FAILED_STARTS + 2)
    launcher.held[-1]("node-0")
    launcher.next_call().answer("fine")
    assert result(future) == "fine"


def test_a_later_task_tries_again(make_pool, launcher):
    """After failed starts the next task asks for workers again."""
    launcher.refuse = "no module named sklearn"
    pool = make_pool()
    assert isinstance(outcome(pool.submit(one("a"))), ClusterError)
    settle(pool)
    launcher.refuse, launcher.by_hand = "", False
    assert result(pool.submit(one("b"))) == "b"


def test_the_last_worker_lost_after_failed_starts_ends_in_an_error(make_pool, launcher, eventually):
    """When others could not be started and the only worker dies, tasks fail; they do not wait for ever."""
    launcher.hold = True
    pool = make_pool(workers=2)
    launcher.refuse = "no room"
    eventually(lambda: len(launcher.held) == 2)
    launcher.hold = False
    launcher.held[0]("node-0")
    future = pool.submit(one("a"))
    call = launcher.next_call()
    from raysk.pool.reply import Gone

    launcher.held[1](Gone("no room"))
    eventually(lambda: pool._dispatcher.crew.gave_up)
    call.worker.die()
    assert isinstance(outcome(future), ClusterError)


# --- cancelling and closing


def test_cancelling_what_waits_costs_no_worker(make_pool, launcher):
    """A task that was not sent yet is cancelled without ending anybody."""
    launcher.room = 1
    pool = make_pool()
    running, waiting = pool.submit(one("running")), pool.submit(one("waiting"))
    call = launcher.next_call()
    pool.cancel([waiting])
    assert outcome(waiting) == "cancelled"
    call.answer("done")
    assert result(running) == "done"
    settle(pool)
    assert launcher.calls.empty()
    assert not call.worker.killed


def test_cancelling_what_runs_ends_its_worker(make_pool, launcher):
    """The worker of a cancelled task is ended and replaced; what waited behind it runs elsewhere."""
    launcher.room = 1
    pool = make_pool()
    known = pool.submit(one("known"))
    launcher.next_call().answer("")
    result(known)
    stuck, behind = pool.submit(one("stuck")), pool.submit(one("behind"))
    old = launcher.next_call().worker
    assert launcher.next_call().worker is old
    pool.cancel([stuck])
    assert outcome(stuck) == "cancelled"
    call = launcher.next_call()
    assert names([call]) == ["behind"]
    assert old.killed
    assert call.worker is not old
    call.answer("done")
    assert result(behind) == "done"


def test_cancelling_both_in_a_queue_leaves_nothing(make_pool, launcher):
    """Cancelling a running task together with the one behind it runs neither again."""
    launcher.room = 1
    pool = make_pool()
    known = pool.submit(one("known"))
    launcher.next_call().answer("")
    result(known)
    futures = [pool.submit(one("a")), pool.submit(one("b"))]
    for _ in futures:
        launcher.next_call()
    pool.cancel(futures)
    assert [outcome(future) for future in futures] == ["cancelled", "cancelled"]
    settle(pool)
    assert launcher.calls.empty()


def test_cancelling_a_split_task_stops_its_units(make_pool, launcher):
    """A task that was split after a loss is cancelled with all its units; none of them is run any more."""
    launcher.room = 1
    pool = make_pool()
    future = pool.submit(Task(function=squares, units=range(5)))
    launcher.next_call().worker.die()
    unit = launcher.next_call()
    pool.cancel([future])
    assert outcome(future) == "cancelled"
    assert_idle(pool)
    assert unit.worker.killed
    assert launcher.calls.empty()


def test_a_failing_unit_ends_the_whole_split_task(make_pool, launcher):
    """When a unit of a split task raises, the task fails with it and the other units are not run."""
    launcher.room = 1
    pool = make_pool()
    future = pool.submit(Task(function=squares, units=range(5)))
    launcher.next_call().worker.die()
    launcher.next_call().fail(ValueError("unit 0"))
    assert str(outcome(future)) == "unit 0"
    settle(pool)
    assert launcher.calls.empty()


def test_a_future_cancelled_by_its_owner_is_not_sent(make_pool, launcher):
    """The future's own cancel() works as long as the task waits."""
    launcher.room = 1
    pool = make_pool()
    first, second, third = (pool.submit(one(text)) for text in "abc")
    call = launcher.next_call()
    settle(pool)
    assert second.cancel()
    call.answer("", wall_s=60.0)
    result(first)
    call = launcher.next_call()
    assert names([call]) == ["c"]
    call.answer("c")
    assert result(third) == "c"


def test_closing_cancels_everything(make_pool, launcher):
    """What runs and what waits is cancelled, all workers are ended; closing again does nothing."""
    pool = make_pool()
    futures = [pool.submit(Task(function=squares, units=range(3))) for _ in range(5)]
    launcher.next_call()
    pool.close()
    pool.close()
    assert [outcome(future) for future in futures] == ["cancelled"] * 5
    assert all(worker.killed for worker in launcher.launched)


def test_a_task_handed_in_too_late_is_cancelled(make_pool):
    """A closed pool cancels a task instead of leaving its caller waiting."""
    pool = make_pool()
    pool.close()
    assert outcome(pool.submit(one("late"))) == "cancelled"
    pool.cancel([])
    pool.release([])


def test_a_task_handed_in_while_the_pool_closes_is_cancelled(make_pool, monkeypatch):
    """Between its last look at the inbox and its end, the collector thread leaves no task behind."""
    looked, go_on = threading.Event(), threading.Event()
    drain = pools.Pool._drain

    def drain_and_linger(self):
        drain(self)
        if threading.current_thread() is self._thread:
            looked.set()
            assert go_on.wait(SOON_S)

    monkeypatch.setattr(pools.Pool, "_drain", drain_and_linger)
    pool = make_pool()
    closing = threading.Thread(target=pool.close)
    closing.start()
    assert looked.wait(SOON_S)
    future = pool.submit(one("late"))
    go_on.set()
    closing.join(SOON_S)
    assert outcome(future) == "cancelled"


def test_a_callback_may_close_the_pool(make_pool, launcher):
    """Closing from a future's callback, which runs on the pool's thread, does not lock up."""
    pool = make_pool()
    future = pool.submit(one("a"))
    future.add_done_callback(lambda _: pool.close())
    launcher.next_call().answer("a")
    assert result(future) == "a"
    pool.close()  # waits for that thread, or the test does not end


@pytest.mark.usefixtures("_quick_tick")
@pytest.mark.parametrize("workers", [None, 2])
def test_a_cluster_that_is_lost_fails_all_tasks(make_pool, launcher, workers, eventually):
    """When the cluster no longer answers every task fails with ClusterError, and later ones are cancelled."""
    pool = make_pool(workers=workers)
    futures = [pool.submit(one(text)) for text in "abcdef"]
    launcher.next_call()
    launcher.slots_error = RuntimeError("Ray has gone")
    errors = [outcome(future) for future in futures]
    assert all(isinstance(error, ClusterError) and "Ray has gone" in str(error) for error in errors)
    eventually(lambda: outcome(pool.submit(one("late"))) == "cancelled", "the pool to end")


# --- shared objects


def test_a_shared_object_is_sent_to_a_worker_once(make_pool, launcher):
    """A worker is told of a shared object with its first task that needs it, and finds it ever after."""
    launcher.room = 1
    pool = make_pool()
    table = pool.share([1, 2, 3])
    told = []
    for _ in range(3):
        future = pool.submit(Task(function=add, args=(table, [4])))
        call = launcher.next_call()
        told.append(list(call.refs))
        call.run()
        assert result(future) == [1, 2, 3, 4]
    assert told == [[table.key], [], []]
    assert launcher.puts == [[1, 2, 3]]


def test_a_released_object_is_forgotten_by_all(make_pool, launcher):
    """Workers hear with their next task what nobody needs any more, each of them once."""
    launcher.room = 1
    pool = make_pool()
    table = pool.share("table")
    dropped = []
    for text in "abc":
        future = pool.submit(Task(function=add, args=(table if text == "a" else text, "")))
        call = launcher.next_call()
        dropped.append(call.drop)
        call.run()
        result(future)
        if text == "a":
            pool.release([table])
    assert dropped == [[], [table.key], []]
    assert not launcher.launched[0].store


def test_idle_workers_forget_now_if_that_is_wanted(make_pool, launcher):
    """What is released now is forgotten without another task; else at the next tick, so that no store holds it."""
    launcher.room, launcher.by_hand = 1, False
    pool = make_pool()
    for now in (True, False):
        table = pool.share("table")
        assert result(pool.submit(Task(function=add, args=(table, "!")))) == "table!"
        assert set(launcher.launched[0].store) == {table.key}
        pool.release([table], now=now)
        if not now:
            pool._dispatcher.next_tick = 0.0
        settle(pool)
        assert not launcher.launched[0].store


def test_a_replacement_is_told_of_shared_objects_anew(make_pool, launcher):
    """A new worker knows nothing: it gets the objects that its tasks need."""
    launcher.room = 1
    pool = make_pool()
    table = pool.share("table")
    future = pool.submit(Task(function=add, args=(table, "!")))
    launcher.next_call().worker.die()
    call = launcher.next_call()
    assert list(call.refs) == [table.key]
    call.run()
    assert result(future) == "table!"


def test_an_object_is_shared_wherever_it_stands(make_pool, launcher):
    """A packing may share an object in the middle of a message."""
    launcher.by_hand = False
    pool = make_pool()
    big = ["big"]
    table = pool.share(big)
    packing = Packing(stand_in=lambda obj: table if obj is big else None)
    nested = Task(function=add, args=([{"deep": big}], []), packing=packing)
    assert result(pool.submit(nested)) == [{"deep": ["big"]}]
    assert [list(call.refs) for worker in launcher.launched for call in worker.calls] == [[table.key]]


def test_a_task_goes_to_the_worker_it_names(make_pool, launcher):
    """If that one has room; else it goes to any. A block says who did it."""
    pool = make_pool(workers=2)
    first = pool.submit(Task(function=list, units=[1]))
    call = launcher.next_call()
    call.run()
    name, worker = result(first).worker, call.worker
    assert name is not None
    for _ in range(3):
        named = pool.submit(Task(function=list, units=[2], near=name))
        call = launcher.next_call()
        assert call.worker is worker
        call.run()
        assert result(named).worker == name
    elsewhere = pool.submit(Task(function=list, units=[3], near="nobody"))
    launcher.next_call().run()
    assert result(elsewhere).values == [3]
