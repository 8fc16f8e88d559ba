"""What the pool does with tasks that take long: it asks for news, and gives units up that are past their limit."""

from __future__ import annotations

import contextlib
import importlib
import queue
import time
from collections import deque
from concurrent.futures import wait

import pytest
from pooling import SOON_S, result, settle

from raysk.errors import TaskLost
from raysk.pool import Task, stragglers
from raysk.pool.assignment import Entry, Slot
from raysk.pool.reply import Gone

rules = importlib.import_module("raysk.pool.dispatch")


def same(units):
    return iter(units)


def slow_task(units, **options):
    return Task(function=same, units=units, **{"patience_s": 0.01, **options})


@pytest.fixture
def one_worker(launcher):
    launcher.room = 1
    return launcher


def test_a_worker_past_its_patience_is_asked_what_is_done(make_pool, one_worker):
    """What is done comes at once; the unit that goes on has a future of its own, which the worker's reply completes."""
    future = make_pool().submit(slow_task([4, 5, 6, 7]))
    call = one_worker.next_call()
    question = one_worker.next_question()
    assert question.key == call.key
    question.tell([4, 5])
    block = result(future)
    assert (block.units, block.values) == ([4, 5], [4, 5])
    assert not block.going_on.done()
    call.answer([4, 5, 6])
    rest = result(block.going_on)
    assert (rest.units, rest.values, rest.going_on) == ([6], [6], None)


def test_nothing_may_be_done_yet(make_pool, one_worker):
    """Where the first unit takes long, its block is empty, and the others are handed back."""
    future = make_pool().submit(slow_task([4, 5]))
    call = one_worker.next_call()
    one_worker.next_question().tell([])
    assert (result(future).units, result(future).values) == ([], [])
    call.answer([4])
    assert result(result(future).going_on).values == [4]


def test_a_reply_may_overtake_the_news(make_pool, one_worker):
    """Two answers of a worker may come in either order; what comes second is nothing new."""
    pool = make_pool()
    future = pool.submit(slow_task([4, 5, 6]))
    call = one_worker.next_call()
    question = one_worker.next_question()
    call.answer([4, 5])
    question.tell([4])
    settle(pool)
    assert (result(future).units, result(future).values, result(future).going_on) == ([4, 5], [4, 5], None)


@pytest.mark.parametrize("answer", [None, Gone("it says nothing")])
def test_a_worker_without_news_is_asked_again(make_pool, one_worker, answer):
    """A worker that has not begun, or has just ended, changes nothing."""
    future = make_pool().submit(slow_task([4, 5]))
    call = one_worker.next_call()
    one_worker.next_question().say(answer)
    one_worker.next_question()
    call.answer([4, 5])
    assert (result(future).values, result(future).going_on) == ([4, 5], None)


def test_one_unit_and_impatient_tasks_are_not_asked_for(make_pool, one_worker):
    """One unit has no news, and a task without patience is left alone."""
    pool = make_pool()
    for task in (slow_task([4]), slow_task([4, 5], patience_s=None), Task(function=abs, args=(-1,))):
        future = pool.submit(task)
        call = one_worker.next_call()
        settle(pool)
        call.answer([] if task.units is None else task.units)
        result(future)
    assert one_worker.asked.empty()


def test_a_worker_that_dies_after_its_news_takes_one_unit_along(make_pool, one_worker):
    """What was told is kept; only the unit that went on is tried again, elsewhere."""
    future = make_pool().submit(slow_task([4, 5, 6]))
    call = one_worker.next_call()
    one_worker.next_question().tell([4])
    going_on = result(future).going_on
    call.worker.die()
    again = one_worker.next_call()
    assert (again.units, again.worker is call.worker) == ([5], False)
    again.answer([5])
    assert result(going_on).values == [5]


def test_the_unit_that_goes_on_can_be_cancelled(make_pool, one_worker, eventually):
    """Its worker is ended, as for any task that runs."""
    pool = make_pool()
    future = pool.submit(slow_task([4, 5, 6]))
    call = one_worker.next_call()
    one_worker.next_question().tell([4])
    pool.cancel([result(future).going_on])
    eventually(lambda: call.worker.killed)


def test_news_of_a_task_that_was_cancelled_are_nothing(make_pool, one_worker):
    """Whoever cancelled it gets no values, and the pool goes on."""
    pool = make_pool()
    future = pool.submit(slow_task([4, 5, 6]))
    one_worker.next_call()
    question = one_worker.next_question()
    pool.cancel([future])
    question.tell([4])
    settle(pool)
    later = pool.submit(Task(function=abs, args=(-1,)))
    one_worker.next_call().run()
    assert result(later) == 1


def short_tasks_known(pool, launcher):
    """Let the pool know that tasks are short: it sends each worker a second one then."""
    known = [pool.submit(slow_task([0])) for _ in range(2)]
    for _ in known:
        launcher.next_call().answer([0])
    wait(known, timeout=SOON_S)


def one_behind_another(pool, launcher, **options):
    """Keep both workers busy, one with two tasks and one with a single one; returns these three calls and futures."""
    short_tasks_known(pool, launcher)
    futures = [pool.submit(slow_task([unit], **options)) for unit in (1, 2, 3)]
    calls = [launcher.next_call() for _ in futures]
    assert calls[2].worker is calls[0].worker is not calls[1].worker
    return calls, futures


@pytest.fixture
def withdrawn(launcher):
    """Let the test answer for workers that are asked to give tasks back."""
    launcher.withdrawn = queue.Queue()
    return lambda: launcher.withdrawn.get(timeout=SOON_S)


def test_what_waits_behind_another_is_given_to_an_idle_worker(make_pool, launcher):
    """It runs there, and is not run where it waited."""
    pool = make_pool()
    (slow_one, quick, behind), futures = one_behind_another(pool, launcher)
    quick.answer([2])
    again = launcher.next_call()
    assert (again.units, again.worker) == ([3], quick.worker)
    again.answer([3])
    assert result(futures[2]).values == [3]
    assert behind not in slow_one.worker.running
    slow_one.answer([1])
    settle(pool)
    assert result(futures[0]).values == [1]
    assert not any(slot.queue for slot in pool._dispatcher.crew.slots)


def test_what_is_begun_is_not_given_away(make_pool, launcher, withdrawn):
    """A worker that comes to it first keeps it; nobody else runs it."""
    pool = make_pool()
    (slow_one, quick, behind), futures = one_behind_another(pool, launcher)
    quick.answer([2])
    question = withdrawn()
    assert question.keys == [behind.key]
    slow_one.answer([1])
    question.say([])
    settle(pool)
    assert launcher.calls.empty()
    behind.answer([3])
    assert result(futures[2]).values == [3]


def test_a_worker_may_have_come_to_what_it_dropped(make_pool, launcher, withdrawn):
    """The reply that a task was passed over may overtake the one that says that it would be."""
    pool = make_pool()
    (slow_one, quick, behind), futures = one_behind_another(pool, launcher)
    quick.answer([2])
    question = withdrawn()
    slow_one.answer([1])
    slow_one.worker.running.remove(behind)
    behind.pass_over()
    settle(pool)
    assert launcher.calls.empty()
    question.say([behind.key])
    launcher.next_call().answer([3])
    assert result(futures[2]).values == [3]


def test_a_worker_that_is_asked_to_give_back_is_sent_nothing(make_pool, launcher, withdrawn):
    """What comes meanwhile goes elsewhere: a worker knows the last few tasks that it began, and no others."""
    pool = make_pool()
    (slow_one, quick, behind), _ = one_behind_another(pool, launcher)
    quick.answer([2])
    question = withdrawn()
    for unit in (4, 5, 6):
        pool.submit(slow_task([unit]))
    assert {launcher.next_call().worker for _ in range(2)} == {quick.worker}
    slow_one.answer([1])
    settle(pool)
    assert launcher.calls.empty()
    question.say([])
    assert launcher.next_call().worker is behind.worker


def test_a_worker_lost_while_it_is_asked_costs_what_waits_nothing(make_pool, launcher, withdrawn):
    """The task that it ran is charged, the one behind it runs elsewhere, once."""
    pool = make_pool()
    (slow_one, quick, _), futures = one_behind_another(pool, launcher)
    quick.answer([2])
    question = withdrawn()
    slow_one.worker.die()
    question.say(Gone("its process died"))
    calls = {tuple(call.units): call for call in (launcher.next_call(), launcher.next_call())}
    settle(pool)
    assert launcher.calls.empty()
    for units, call in calls.items():
        call.answer(list(units))
    assert [result(future).values for future in futures] == [[1], [2], [3]]


def test_an_answer_that_does_not_come_is_that_of_a_worker_that_is_gone(make_pool, launcher, withdrawn, eventually):
    """It may have dropped the task, or not: it is ended, so that the task runs once and somewhere."""
    pool = make_pool()
    (slow_one, quick, _), futures = one_behind_another(pool, launcher)
    quick.answer([2])
    withdrawn().say(Gone("it cannot be reached"))
    eventually(lambda: slow_one.worker.killed)
    calls = [launcher.next_call(), launcher.next_call()]
    assert sorted(call.units for call in calls) == [[1], [3]]
    for call in calls:
        call.answer(call.units)
    assert result(futures[2]).values == [3]


def test_what_is_cancelled_while_it_is_taken_back_is_not_run(make_pool, launcher, withdrawn):
    """Its worker dropped it, and nobody wants it any more."""
    pool = make_pool()
    (slow_one, quick, _), futures = one_behind_another(pool, launcher)
    quick.answer([2])
    question = withdrawn()
    pool.cancel([futures[2]])
    question.allow()
    settle(pool)
    assert futures[2].done()
    assert launcher.calls.empty()
    assert not slow_one.worker.killed
    slow_one.answer([1])
    assert result(futures[0]).values == [1]


@pytest.mark.usefixtures("withdrawn")
def test_a_short_task_is_waited_for(make_pool, launcher, monkeypatch):
    """What waits behind one that has hardly begun is not asked for: that would cost more than it brings."""
    monkeypatch.setattr("raysk.pool.stragglers.TAKE_BACK_S", 60.0)
    pool = make_pool()
    (slow_one, quick, behind), futures = one_behind_another(pool, launcher)
    quick.answer([2])
    slow_one.answer([1])
    behind.answer([3])
    wait(futures, timeout=SOON_S)
    assert launcher.withdrawn.empty()
    assert launcher.calls.empty()


def test_what_waits_behind_a_late_one_is_started_again_first(make_pool, launcher, monkeypatch, withdrawn):
    """Where a worker does not say whether it has begun, an idle one takes what waits before it repeats what runs."""
    monkeypatch.setattr("raysk.pool.stragglers.SECOND_START_S", 0.2)
    monkeypatch.setattr("raysk.pool.workers.ANSWER_S", 0.2)
    monkeypatch.setattr(rules, "TICK_S", 0.05)
    pool = make_pool()
    (slow_one, quick, _), futures = one_behind_another(pool, launcher, repeatable=True)
    quick.answer([2])
    question = withdrawn()
    again = launcher.next_call()
    assert (again.units, again.worker) == ([3], quick.worker)
    question.allow()  # late: the second start goes on, there is no third one
    settle(pool)
    assert launcher.calls.empty()
    again.answer([3])
    assert result(futures[2]).values == [3]
    assert launcher.next_call().units == slow_one.units


def test_a_unit_past_its_limit_is_given_up(make_pool, one_worker):
    """It is lost at once, without another try; its worker is ended, and what waited behind it is done elsewhere."""
    pool = make_pool()
    known = pool.submit(slow_task([0]))
    one_worker.next_call().answer([0])
    result(known)
    late, behind = (pool.submit(slow_task([unit], limit_s=limit_s)) for unit, limit_s in ((4, 0.02), (5, None)))
    call = one_worker.next_call()
    assert one_worker.next_call().units == [5]
    (loss,) = result(late).values
    assert isinstance(loss, TaskLost)
    assert "longer than 0.02 s" in str(loss)
    assert call.worker.killed
    again = one_worker.next_call()
    assert (again.units, again.worker is call.worker) == ([5], False)
    again.answer([5])
    assert result(behind).values == [5]


def test_the_limit_is_that_of_a_unit_not_of_its_message(make_pool, one_worker):
    """A message with several units is split by its news before the one that takes long is given up."""
    future = make_pool().submit(slow_task([4, 5, 6], limit_s=0.2, patience_s=60.0))
    one_worker.next_call()
    one_worker.next_question().tell([4])
    assert result(future).values == [4]
    (loss,) = result(result(future).going_on).values
    assert isinstance(loss, TaskLost)


def test_of_several_units_without_news_each_is_tried_alone(make_pool, one_worker):
    """Where a unit lets no other thread run, nobody knows which it is: each gets its own time."""
    future = make_pool().submit(slow_task([4, 5], limit_s=0.05))
    one_worker.next_call()
    first = one_worker.next_call()
    assert first.units == [4]
    first.answer([4])
    assert one_worker.next_call().units == [5]
    block = result(future)
    assert block.values[0] == 4
    assert isinstance(block.values[1], TaskLost)


def test_a_limit_ends_both_starts_of_a_unit(make_pool, launcher, monkeypatch, eventually):
    """A unit that runs in two places is given up in both."""
    monkeypatch.setattr("raysk.pool.stragglers.SECOND_START_S", 0.0)
    pool = make_pool()
    short_tasks_known(pool, launcher)
    late = pool.submit(slow_task([4], limit_s=0.3, repeatable=True))
    first, second = launcher.next_call(), launcher.next_call()
    assert first.units == second.units == [4]
    assert isinstance(result(late).values[0], TaskLost)
    eventually(lambda: first.worker.killed and second.worker.killed)


def started_twice(pool, launcher, units, **options):
    """Hand in a task that is started on both workers; returns its future and both calls, the first one first."""
    short_tasks_known(pool, launcher)
    future = pool.submit(slow_task(units, repeatable=True, **options))
    return future, launcher.next_call(), launcher.next_call()


def test_a_limit_may_pass_where_another_worker_was_faster(make_pool, launcher, monkeypatch, eventually):
    """The slower of two workers is ended at the limit; the unit has its value, and the pool goes on."""
    monkeypatch.setattr("raysk.pool.stragglers.SECOND_START_S", 0.0)
    pool = make_pool()
    future, first, second = started_twice(pool, launcher, [4], limit_s=0.3)
    second.answer([4])
    assert result(future).values == [4]
    eventually(lambda: first.worker.killed)
    assert not second.worker.killed
    later = pool.submit(Task(function=abs, args=(-1,)))
    launcher.next_call().run()
    assert result(later) == 1


def test_the_reply_of_a_second_worker_is_not_that_of_the_unit_that_goes_on(make_pool, launcher, monkeypatch):
    """Where one of two workers has told news, the other's reply says nothing new, and that worker is free again."""
    monkeypatch.setattr("raysk.pool.stragglers.SECOND_START_S", 0.1)
    pool = make_pool()
    future, first, second = started_twice(pool, launcher, [4, 5, 6])
    launcher.next_question().tell([4])
    going_on = result(future).going_on
    second.answer([4, 5, 6])
    settle(pool)
    first.answer([4, 5])
    assert (result(going_on).units, result(going_on).values) == ([5], [5])
    settle(pool)
    assert not any(slot.queue for slot in pool._dispatcher.crew.slots)


def test_a_message_is_asked_for_news_before_it_is_started_elsewhere(make_pool, launcher, monkeypatch):
    """Also where both are due at once: two workers in one long unit would keep the units after it waiting."""
    monkeypatch.setattr("raysk.pool.stragglers.SECOND_START_S", 0.5)
    pool = make_pool()
    short_tasks_known(pool, launcher)
    pool.submit(slow_task([4, 5, 6], repeatable=True, patience_s=0.4))
    launcher.next_call()
    pool._post(time.sleep, 1.0)
    launcher.next_question().tell([4])
    assert launcher.next_call().units == [5]


def test_a_message_without_news_is_started_elsewhere(make_pool, launcher, monkeypatch):
    """However often its worker says that it has none, as while it loads data."""
    monkeypatch.setattr("raysk.pool.stragglers.SECOND_START_S", 0.2)
    pool = make_pool()
    short_tasks_known(pool, launcher)
    pool.submit(slow_task([4, 5], repeatable=True, patience_s=0.05))
    launcher.next_call()
    for _ in range(3):
        launcher.next_question().say(None)
    while launcher.calls.empty():
        with contextlib.suppress(queue.Empty):
            launcher.asked.get(timeout=0.05).say(None)
    assert launcher.next_call().units == [4, 5]


def test_a_second_start_counts_from_when_a_message_began():
    """One that waited behind another is not late because the other was."""
    now = time.monotonic()
    entry = Entry.of(slow_task([4, 5], repeatable=True, patience_s=1.0), [4, 5])
    slot = Slot(queue=deque([entry]), began_at=now)
    entry.holders, entry.sent_at = [slot], now - 5.0
    assert stragglers.again_at(entry, 0.0) >= stragglers.ask_at(slot, entry)


def test_news_of_a_worker_that_was_given_up_are_nothing(make_pool, one_worker):
    """What it ran is tried elsewhere, unit by unit, and nobody waits for the one that it went on with."""
    future = make_pool().submit(slow_task([4, 5], limit_s=0.2))
    given_up = one_worker.next_call()
    question = one_worker.next_question()
    alone = one_worker.next_call()
    assert given_up.worker.killed
    question.tell([4])
    alone.answer([4])
    one_worker.next_call().answer([5])
    block = result(future)
    assert (block.units, block.values, block.going_on) == ([4, 5], [4, 5], None)


def test_one_question_at_a_time(make_pool, one_worker):
    """A worker that cannot answer is not asked again meanwhile: the answers might change places."""
    pool = make_pool()
    future = pool.submit(slow_task([4, 5]))
    call = one_worker.next_call()
    question = one_worker.next_question()
    settle(pool)
    assert pool._dispatcher.entries[future].asked_at == float("inf")
    question.say(None)
    one_worker.next_question()
    call.answer([4, 5])
    assert result(future).values == [4, 5]


def keep_second(_data, units):
    return iter(units)


def test_loading_the_data_takes_none_of_a_units_time(make_pool, one_worker):
    """A new worker may take longer to get the data than a unit may take; the unit's time begins after that."""
    pool = make_pool()
    data = pool.share("data")
    future = pool.submit(Task(function=keep_second, args=(data,), units=[4], limit_s=0.1))
    loading = one_worker.next_call()
    assert list(loading.refs) == [data.key]
    assert wait([future], timeout=0.4).not_done
    assert not loading.worker.killed
    loading.run()
    call = one_worker.next_call()
    assert (call.worker, call.units, call.refs) == (loading.worker, [4], {})
    assert isinstance(result(future).values[0], TaskLost)
    assert call.worker.killed


def test_a_worker_that_dies_of_the_data_is_charged_to_what_needs_it(make_pool, one_worker):
    """Data that no worker survives ends in an error, and not in new workers for ever."""
    one_worker.by_hand = False
    one_worker.dies_of = lambda call: call.function is len
    pool = make_pool()
    future = pool.submit(Task(function=keep_second, args=(pool.share("data"),), units=[4], limit_s=60.0))
    assert isinstance(result(future).values[0], TaskLost)
    assert len(one_worker.launched) <= 4


def test_nothing_waits_behind_what_another_worker_has_done(make_pool, launcher, monkeypatch):
    """A worker that goes on with what is done already, perhaps for ever, gets nothing to wait in its queue."""
    monkeypatch.setattr("raysk.pool.stragglers.SECOND_START_S", 0.0)
    pool = make_pool()
    future, first, second = started_twice(pool, launcher, [4])
    second.answer([4])
    assert result(future).values == [4]
    futures = [pool.submit(Task(function=abs, args=(-number,))) for number in range(4)]
    for number, each in enumerate(futures):
        call = launcher.next_call()
        assert call.worker is second.worker
        call.run()
        assert result(each) == number
    assert not first.worker.killed
