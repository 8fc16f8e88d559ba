"""The pool in a world of chance: workers die, tell news, reply in any order; every unit comes back exactly once.

The pool's thread does not run: `World` takes its steps, one at a time, between things that happen to the workers, on
a clock of its own. So a seed says all that happens, and nothing is waited for.
"""

from __future__ import annotations

import importlib
import math
import queue
import random
from collections import Counter
from types import SimpleNamespace

import pytest
from ray import cloudpickle

from raysk.errors import TaskLost
from raysk.pool import Pool, Shared, Task, stream
from raysk.pool.progress import Turns
from raysk.pool.reply import Gone, Reply
from raysk.pool.shared import unpack
from raysk.pool.task import NOTHING

pools, streams, rules, *others = (
    importlib.import_module(f"raysk.pool.{name}")
    for name in ("pool", "stream", "dispatch", "stragglers", "workers", "cpu_loans", "assignment")
)

MOST_STEPS = 20_000
"""More than any of these runs takes; one that takes more goes on for ever."""


class ChanceWorker:
    """A worker as `raysk.pool.ray.worker.Worker` is one: runs its calls in order, and tells news of the first."""

    def __init__(self, world):
        self.world, self.calls, self.questions, self.turns = world, [], [], Turns()
        self.ends = self.dead = False

    def call(self, message, refs, drop, done, lenders=0):  # noqa: ARG002 - nothing is shared
        """Take a task."""
        key, function, _, units, patience_s = unpack(message, {}.__getitem__)
        call = SimpleNamespace(key=key, function=function, units=units, patience_s=patience_s, done=done)
        call.lenders, self.world.lent = lenders, self.world.lent + lenders
        call.began, call.values, call.asked = None, [], False
        if self.dead:
            self.world.post(done, Gone("dead"))
        else:
            self.calls.append(call)

    def news(self, key, done):
        """Be asked what is done."""
        if self.dead:
            self.world.post(done, Gone("dead"))
        else:
            self.questions.append((key, done))

    def withdraw(self, keys, done):
        """Be asked for what is not begun."""
        if self.dead:
            self.world.post(done, Gone("dead"))
        else:
            self.questions.append((keys, done))

    def kill(self):
        """End, some time soon."""
        self.ends = True

    def die(self):
        """End with all that was not answered."""
        self.dead = True
        for call in self.calls:
            self.world.post(call.done, Gone("died"))
        for _, done in self.questions:
            self.world.post(done, Gone("died"))
        self.calls, self.questions = [], []

    def work(self):
        """Do one unit of the first call, or all of a call without units."""
        call, world = self.calls[0], self.world
        if call.began is None and not self.turns.begin(call.key):
            self.calls.pop(0)
            world.post(call.done, None)
            return
        call.began = world.now if call.began is None else call.began
        if call.units is None:
            self.calls.pop(0)
            world.post(call.done, world.reply(call.function()))
            return
        at = len(call.values)
        if call.units[at] in world.poison:
            self.die()
            return
        world.ran[call.units[at]] += 1
        call.values.append(("value of", call.units[at]))
        late = call.patience_s is not None and world.now > call.began + call.patience_s
        if at + 1 == len(call.units) or call.asked or late:
            self.calls.pop(0)
            world.post(call.done, world.reply(call.values))

    def tell(self):
        """Answer the first question."""
        key, done = self.questions.pop(0)
        if isinstance(key, list):
            withdrawn = self.turns.withdraw(key)
            self.world.taken_back += len(withdrawn)
            self.world.post(done, withdrawn)
            return
        call = self.calls[0] if self.calls else None
        if call is None or call.key != key or call.began is None:
            self.world.post(done, None)
            return
        call.asked = True
        self.world.post(done, self.world.reply(call.values))


class World:
    """Workers, the messages on their way to the pool, the time, and what may happen next."""

    def __init__(self, seed, *, deaths, poison=(), orderly=False):
        self.random, self.now = random.Random(seed), 1000.0  # noqa: S311 - no secret
        self.workers, self.messages = [], []
        self.deaths, self.poison, self.orderly = deaths, set(poison), orderly
        self.room, self.steps = self.random.randint(1, 4), 0
        self.ran, self.taken_back, self.lent = Counter(), 0, 0
        often = {each: self.random.choice([0.3, 1, 5]) for each in ("time", "post", "work", "news")}
        self.often = SimpleNamespace(**often)
        self.admission = SimpleNamespace(judged=lambda hello: hello, unheard=set(), left_out=set(), addresses={})
        self.pool = None

    def launch(self, up):
        """Start a worker."""
        self.workers.append(ChanceWorker(self))
        self.post(up, f"node-{len(self.workers) % 2}")
        return self.workers[-1]

    def slots(self):
        """Say how many workers there is room for."""
        return self.room

    def put(self, value):
        """Keep an object."""
        return Shared("key", value)

    def reply(self, content):
        """Return what the pool hears of a worker."""
        wall_s = self.random.choice([0.001, 0.3, 2.0])
        return Reply(ok=True, content=cloudpickle.dumps(content), frames=[], wall_s=wall_s, cpu_s=0.0)

    def post(self, done, answer):
        """Send a message, which arrives when chance says so; unless the world is orderly any may overtake any other."""
        self.messages.append((done, answer))

    def step(self):
        """Let something happen, and the pool handle all it has heard."""
        self.steps += 1
        assert self.steps < MOST_STEPS, "this goes on for ever"
        happen = [(self._time, self.often.time)]
        happen += [(self._arrives, self.often.post)] * bool(self.messages)
        for worker in self.workers:
            happen += [(worker.work, self.often.work)] * bool(worker.calls)
            happen += [(worker.tell, self.often.news)] * bool(worker.questions)
            happen += [(worker.die, 1)] * (worker.ends and not worker.dead)
            happen += [(self._dies(worker), 0.1)] * (not worker.dead and self.deaths > 0)
        events, weights = zip(*happen, strict=True)
        self.random.choices(events, weights)[0]()
        self.settle()

    def settle(self):
        """Let the pool handle all it has heard."""
        self.pool._step()
        while not self.pool._inbox.empty():
            self.pool._step()

    def _time(self):
        self.now += self.random.choice([0.01, 0.3, 1.5])

    def _arrives(self):
        done, answer = self.messages.pop(0 if self.orderly else self.random.randrange(len(self.messages)))
        done(answer)

    def _dies(self, worker):
        def die():
            self.deaths -= 1
            worker.die()

        return die


class _Inbox(queue.SimpleQueue):
    """The pool's: nothing is waited for."""

    def get(self, block=True, timeout=None):  # noqa: ARG002, FBT002 - as in the standard library
        """Return what is there, or raise Empty."""
        return super().get(block=False)


@pytest.fixture
def make_world(monkeypatch):
    """Make worlds with a pool in them, whose thread does not run."""

    def make(seed, **options):
        world = World(seed, **options)

        class Done(_Inbox):
            """The stream's: while it waits the world goes on."""

            def get(self, block=True, timeout=None):  # noqa: ARG002, FBT002 - as above
                until = world.now + (math.inf if timeout is None else timeout)
                while self.empty() and world.now < until:
                    world.step()
                return super().get()

        still = SimpleNamespace(Thread=lambda **_: SimpleNamespace(start=lambda: None), current_thread=lambda: None)
        clock = SimpleNamespace(monotonic=lambda: world.now)
        for module in (pools, streams, rules, *others):
            monkeypatch.setattr(module, "time", clock)
        monkeypatch.setattr(pools, "threading", still)
        monkeypatch.setattr(pools, "queue", SimpleNamespace(SimpleQueue=_Inbox, Empty=queue.Empty))
        monkeypatch.setattr(streams, "queue", SimpleNamespace(SimpleQueue=Done, Empty=queue.Empty))
        world.pool = Pool(world)
        return world

    return make


def run(world, units, until=None, most=math.inf, **options):
    """Stream the units through the pool, or about the first of them; returns the value of each."""
    found = {}
    task = Task(function=print, patience_s=1.0, **{"repeatable": True, **options})
    for block in stream(world.pool, task, range(units), until=until):
        for unit, value in zip(block.units, block.values, strict=True):
            assert unit not in found, "a unit came twice"
            found[unit] = value
        if len(found) >= most:
            break
    return found


def calm(world):
    """Let all that is under way come to an end."""
    while world.messages or any(worker.calls or worker.questions for worker in world.workers):
        world.step()


def check_nothing_left(world):
    """Fail if the pool waits for something although nothing is under way."""
    calm(world)
    assert not world.pool._dispatcher.entries
    assert not world.pool._dispatcher.pending
    assert [list(slot.queue) for slot in world.pool._dispatcher.crew.slots] == [[]] * len(
        world.pool._dispatcher.crew.slots
    )


@pytest.mark.parametrize("limit_s", [None, 4.0])
def test_every_unit_comes_once_with_its_value(make_world, limit_s):
    """Whatever dies, is late or is overtaken, each unit has its own value, or is named as lost."""
    for seed in range(45):
        world = make_world(seed, deaths=seed % 5)
        found = run(world, 60, limit_s=limit_s)
        assert sorted(found) == list(range(60)), seed
        for unit, value in found.items():
            lost = isinstance(value, TaskLost) and (limit_s is not None or seed % 5 >= rules.MAX_LOSSES)
            assert lost or value == ("value of", unit), seed
        check_nothing_left(world)


def test_only_poison_is_lost(make_world):
    """A unit that ends every worker is given up alone, the others have their values."""
    for seed in range(45):
        world = make_world(seed, deaths=0, poison=[7, 8], orderly=True)
        found = run(world, 30)
        lost = [unit for unit, value in found.items() if isinstance(value, TaskLost)]
        assert sorted(lost) == [7, 8], seed
        assert all(value == ("value of", unit) for unit, value in found.items() if unit not in lost), seed
        check_nothing_left(world)


def test_a_stream_may_end_early(make_world):
    """What was not waited for is cancelled, what came has its value, and the pool goes on with other work."""
    for seed in range(45):
        world = make_world(seed, deaths=seed % 3)
        until = world.now + 10 if seed % 2 else None
        early = run(world, 60, until=until, most=seed)
        later = run(world, 20)
        assert sorted(later) == list(range(20)), seed
        for found in (early, later):
            assert all(value == ("value of", unit) for unit, value in found.items()), seed
        check_nothing_left(world)


def test_what_is_taken_back_runs_once(make_world):
    """Where no worker is lost and nothing is started twice, each unit runs once, wherever it waited before."""
    taken_back = 0
    for seed in range(45):
        world = make_world(seed, deaths=0)
        found = run(world, 60, repeatable=False)
        assert sorted(found) == list(range(60)), seed
        assert set(world.ran.values()) == {1}, seed
        check_nothing_left(world)
        taken_back += world.taken_back
    assert taken_back > 0


@pytest.mark.parametrize(("deaths", "cancels"), [(0, False), (0, True), (2, False), (2, True)])
def test_single_tasks_are_taken_back_too(make_world, deaths, cancels):
    """Tasks that are no messages of a stream are each done, though some are cancelled and workers are lost."""
    taken_back = 0
    for seed in range(30):
        world = make_world(seed, deaths=deaths)
        futures = [world.pool.submit(Task(function=print, units=[unit])) for unit in range(20)]
        unwanted = futures[seed % 7 :: 7] if cancels else []
        while not all(future.done() for future in futures):
            world.step()
            if world.steps == 10 + seed:
                world.pool.cancel(unwanted)
        for unit, future in enumerate(futures):
            cancelled = future in unwanted and (future.cancelled() or future.exception() is not None)
            assert cancelled or future.result().values == [("value of", unit)], seed
        assert deaths or cancels or set(world.ran.values()) == {1}, seed  # else workers end while they have work
        check_nothing_left(world)
        taken_back += world.taken_back
    assert taken_back > 0


def check_loans(world):
    """Fail if workers are lent to more than one task, or work meanwhile, or were lent and the worker not told."""
    slots = world.pool._dispatcher.crew.slots
    loans = [slot.loan for slot in slots if slot.lends]
    assert len({loan.entry for loan in loans}) <= 1
    for slot in slots:
        assert not slot.lends or all(entry.task is NOTHING for entry in slot.queue)
    for loan in loans:
        assert loan.borrower in slots
        assert loan.borrower.node in {slot.node for slot in slots if slot.lends}
        assert loan.entry in loan.borrower.queue


@pytest.mark.parametrize(("deaths", "cancels"), [(0, False), (1, False), (2, True)])
def test_lone_tasks_borrow_and_nothing_is_lost(make_world, deaths, cancels):
    """Lone tasks come at an idle pool and at a busy one, workers die: each task ends once, lent workers stay idle."""
    lent = 0
    for seed in range(40):
        world = make_world(seed, deaths=deaths)
        futures, ends = [], []
        for number in range(12):
            task = Task(function=int, lone=True) if number % 3 else Task(function=print, units=[number])
            futures.append(world.pool.submit(task))
            futures[-1].add_done_callback(ends.append)
            for _ in range(world.random.choice([0, 3, 60])):
                world.step()
                check_loans(world)
            if cancels and not number % 4:
                world.pool.cancel([futures[-1]])
        while not all(future.done() for future in futures):
            world.step()
            check_loans(world)
        for number, future in enumerate(futures):
            if cancels and not number % 4 and (future.cancelled() or future.exception() is not None):
                continue
            value = future.result()
            assert value == 0 if number % 3 else value.values == [("value of", number)], seed
        assert len(ends) == len(futures), seed
        check_nothing_left(world)
        assert not any(slot.lends for slot in world.pool._dispatcher.crew.slots), seed
        lent += world.lent
    assert lent > 0
