"""How a worker tells of finished units while another goes on."""

from __future__ import annotations

import queue
import threading

import pytest
from pooling import SOON_S
from ray import cloudpickle

from raysk.pool import Task
from raysk.pool.progress import Turns
from raysk.pool.ray.worker import Worker
from raysk.pool.reply import Reply

"""How long a worker in these tests may take for anything, in seconds; it takes milliseconds."""

KEY = 7


class Steps:
    """Units that say when they are begun, and end when the test says so; unit "read-only" fails like a write."""

    def __init__(self):
        self.begun, self.go = queue.Queue(), queue.Queue()
        self.tries = []

    def __call__(self, units):
        """Run the units."""
        for unit in units:
            self.tries.append(unit)
            self.begun.put(unit)
            self.go.get(timeout=SOON_S)
            if unit == "fails":
                raise KeyError(unit)
            yield unit

    def __reduce__(self):
        return Steps.there, ()

    @classmethod
    def there(cls):
        """Return the one that the test looks at."""
        return cls.only

    def end(self, unit):
        """Let a unit end, once it is begun."""
        assert self.begun.get(timeout=SOON_S) == unit
        self.go.put(None)


@pytest.fixture
def steps():
    Steps.only = Steps()
    return Steps.only


@pytest.fixture
def worker(_as_a_worker):
    return Worker(cpus=1)


@pytest.fixture
def start(worker, steps):
    """Return a function that lets the worker run units in a thread, and returns a function that waits for the reply."""

    def start(units, **options):
        message, _ = Task(function=steps, units=units, **options).pack(KEY, units)
        replies = queue.Queue()
        threading.Thread(target=lambda: replies.put(worker.run(message)), daemon=True).start()
        return lambda: Reply.of(replies.get(timeout=SOON_S))

    return start


def values(reply):
    return cloudpickle.loads(reply.content)


def told(worker):
    answer = worker.news(KEY)
    return None if answer is None else values(Reply.of(answer))


def test_finished_units_are_told_while_the_nextgoes_on(worker, steps, start):
    """The reply repeats what was told; after the news no other unit is begun."""
    reply = start(["a", "b", "c", "d"])
    steps.end("a")
    steps.end("b")
    assert steps.begun.get(timeout=SOON_S) == "c"
    assert told(worker) == ["a", "b"]
    steps.go.put(None)
    last = reply()
    assert (last.ok, values(last)) == (True, ["a", "b", "c"])
    assert steps.tries == ["a", "b", "c"]
    assert told(worker) is None


def test_there_may_be_nothing_to_tell(worker, steps, start):
    """While the first unit goes on the news are empty, and the units behind it are handed back."""
    reply = start(["a", "b"])
    assert steps.begun.get(timeout=SOON_S) == "a"
    assert told(worker) == []
    steps.go.put(None)
    assert (values(reply()), steps.tries) == (["a"], ["a"])


def test_a_reply_on_its_way_is_not_told(worker, steps, start):
    """A worker that has ended, that runs another task, or that has run none has no news."""
    assert told(worker) is None
    reply = start(["a"])
    steps.end("a")
    assert values(reply()) == ["a"]
    assert told(worker) is None
    reply = start(["b", "c"])
    assert steps.begun.get(timeout=SOON_S) == "b"
    assert worker.news(KEY + 1) is None
    steps.go.put(None)
    steps.end("c")
    assert values(reply()) == ["b", "c"]


def test_an_error_after_the_news_is_that_of_the_unit_that_went_on(worker, steps, start):
    """A reply that is an error is one of the unit that went on: what was told has its values."""
    reply = start(["a", "fails", "c"])
    steps.end("a")
    assert steps.begun.get(timeout=SOON_S) == "fails"
    assert told(worker) == ["a"]
    steps.go.put(None)
    last = reply()
    assert not last.ok
    assert isinstance(values(last), KeyError)


def test_times_are_those_of_the_units_in_each_answer(worker, steps, start):
    """News and reply share the time between them: none is counted twice, none is missing."""
    reply = start(["a", "b", "c"])
    assert steps.begun.get(timeout=SOON_S) == "a"
    began, _ = worker._lap
    steps.go.put(None)
    assert steps.begun.get(timeout=SOON_S) == "b"
    first = Reply.of(worker.news(KEY))
    steps.go.put(None)
    last = reply()
    ended, _ = worker._lap
    assert first.wall_s > 0
    assert last.wall_s > 0
    assert first.wall_s + last.wall_s == pytest.approx(ended - began)


def test_what_is_told_cannot_travel(worker, steps, start, monkeypatch):
    """A value that cannot be pickled is an error in the news, as it is in a reply."""
    reply = start(["a", "b"])
    steps.end("a")
    assert steps.begun.get(timeout=SOON_S) == "b"
    monkeypatch.setattr(worker._progress, "_values", [threading.Lock()])
    answer = Reply.of(worker.news(KEY))
    assert not answer.ok
    assert "pickle" in str(values(answer))
    steps.go.put(None)
    reply()


def test_a_task_is_run_or_withdrawn_but_never_both():
    """A task that was begun stays with its worker; one that was withdrawn is passed over, and may come again later."""
    turns = Turns()
    assert turns.begin(1)
    assert turns.withdraw([1, 2, 3]) == [2, 3]
    assert not turns.begin(2)
    assert turns.begin(2)
    assert turns.withdraw([2]) == []


def test_a_task_may_be_withdrawn_before_it_arrives():
    """Messages of the two threads may overtake each other."""
    turns = Turns()
    assert turns.withdraw([5]) == [5]
    assert not turns.begin(5)
