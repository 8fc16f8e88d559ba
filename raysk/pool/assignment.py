"""Which task is at which worker.

    Entry  a task on its way to completing its future, whole or split into its units  -- holders --> slots
    Slot   one worker process, and what was sent to it                                -- queue ----> entries

Each knows the other: an entry is in a slot's queue as long as the slot is one of its holders.
"""

from __future__ import annotations

import functools
import itertools
import math
import time
from collections import deque
from concurrent.futures import CancelledError, Future
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from raysk.pool.task import Block, RemoteTraceback, Task
from raysk.util import exits

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from raysk.errors import TaskLost
    from raysk.pool.launcher import RemoteWorker
    from raysk.pool.reply import Gone, Reply
    from raysk.pool.shared import Shared


_keys, _names = itertools.count(), itertools.count()


@dataclass(eq=False)
class Entry:
    """A task, or one unit of a split one.

    Parameters
    ----------
    task : Task
    key : int
        Names it on its worker.
    units : sequence or None
        Which of the task's units; None if it has none.
    message, needs : bytes, dict of str to Shared
        See `raysk.pool.shared.pack`.
    future : concurrent.futures.Future
    losses : int
        How many workers died running it.
    holders : list of Slot
        Workers it was sent to that have not answered.
    parts : list of Entry
        Its units, if it was split.
    sent_at : float
        When it was sent last, or then asked for news of first, as a time of `time.monotonic`.
    asked_at : float
        When its worker was asked for news of it last, and answered, likewise; infinity while it has not answered.
    rest : Entry or None
        The unit that its worker goes on with after those it told of.
    told : int
        How many those are.
    lone : bool
        Whether the task may run alone, and nothing else was in the pool when it came.
    """

    task: Task
    key: int
    units: Sequence[Any] | None
    message: bytes
    needs: dict[str, Shared]
    future: Future[Any] = field(default_factory=Future)
    losses: int = 0
    holders: list[Slot] = field(default_factory=list)
    parts: list[Entry] = field(default_factory=list)
    sent_at: float = 0.0
    asked_at: float = 0.0
    rest: Entry | None = None
    told: int = 0
    lone: bool = False

    @classmethod
    def of(cls, task: Task, units: Sequence[Any] | None, losses: int = 0) -> Entry:
        """Pack these units of a task."""
        key = next(_keys)
        message, needs = task.pack(key, units)
        return cls(task=task, key=key, units=units, message=message, needs=needs, losses=losses)

    @property
    def size(self) -> int:
        """Number of units; 1 for a task without units."""
        return 1 if self.units is None else len(self.units)

    def loading(self, keys: Iterable[str]) -> bytes:
        """Make the message that lets a worker load these of the shared objects, and do no more."""
        return Entry.of(Task(function=len, args=([self.needs[key] for key in keys],)), None).message

    def ask(self) -> None:
        """Take note that its worker is asked for news, again only when it has answered."""
        if not self.asked_at:  # without news, as while data is loaded, it may be started elsewhere all the same
            self.sent_at = time.monotonic()
        self.asked_at = math.inf

    def go_on(self, told: int) -> Entry:
        """Make the entry of the unit that its worker goes on with, after so many that it told of."""
        self.told, self.rest = told, self.alone(told)
        return self.rest

    def answered_by(self, slot: Slot) -> tuple[Entry, int]:
        """Return what a worker's reply completes, and how many of the first values in it were told before."""
        if self.rest is not None and slot in self.rest.holders:  # this worker told of it, and not another one
            return self.rest, self.told
        return self, 0

    def split(self, complete: Callable[..., None]) -> list[Entry]:
        """Make one entry per unit; their futures run, as this one's does.

        Parameters
        ----------
        complete : callable
            Called with ``value=`` once all parts are done, or with ``error=`` for each that fails.
        """
        assert self.units is not None  # noqa: S101 - only what has units is split
        self.parts = [self.alone(at) for at in range(len(self.units))]

        def gather(part: Future[Any]) -> None:
            error = CancelledError() if part.cancelled() else part.exception()
            whole = None if error is not None else self.gathered()
            if error is not None:
                complete(error=error)
            elif whole is not None:
                complete(value=whole)

        for part in self.parts:
            part.future.add_done_callback(gather)
        return self.parts

    def alone(self, at: int) -> Entry:
        """Make an entry of one of the units; its future runs, as this one's does."""
        assert self.units is not None  # noqa: S101 - as above
        losses = min(self.losses, 1)  # it may have run on several workers, and one of its other units been to blame
        part = Entry.of(self.task, self.units[at : at + 1], losses)
        part.future.set_running_or_notify_cancel()
        part.sent_at = self.sent_at
        return part

    def gathered(self) -> Block | None:
        """Return the parts' values as one block, or None while one is missing."""
        assert self.units is not None  # noqa: S101 - only what has units is split
        if not all(part.future.done() for part in self.parts):
            return None
        blocks = [part.future.result() for part in self.parts]
        values = [value for block in blocks for value in block.values]
        return Block(units=self.units, values=values, wall_s=sum(block.wall_s for block in blocks))

    def lost(self, loss: TaskLost) -> tuple[Any, BaseException | None]:
        """Return value and error of an entry that is given up: a unit's loss is a value, a whole task's an error."""
        if self.units is None:
            return None, loss
        return Block(units=self.units, values=[loss], wall_s=0.0), None

    def outcome(self, reply: Reply, slot: Slot, told: int = 0) -> tuple[Any, BaseException | None]:
        """Return value and error that a worker's reply amounts to, from the unit on that follows what it told."""
        try:
            content = reply.unpacked()
        except BaseException as error:  # noqa: BLE001 - the person's classes may fail to unpickle in any way
            return None, exits.as_error(error)
        if not reply.ok:
            content.__cause__ = RemoteTraceback(reply.frames, reply.earlier)
            return None, content
        if self.units is None:
            return content, None
        values = content[told:]
        place: dict[str, Any] = {"worker": slot.name, "node": slot.node}
        return Block(units=self.units[: len(values)], values=values, wall_s=reply.wall_s, **place), None

    def settle(self, value: Any, error: BaseException | None) -> None:
        """Complete the future, unless its owner has cancelled it."""
        future = self.future
        if future.cancelled() or not (future.running() or future.set_running_or_notify_cancel()):
            return
        if error is None:
            future.set_result(value)
        else:
            future.set_exception(error)

    def cancel(self) -> None:
        """Cancel the future, also a running one; whoever waits for it hears of it."""
        if self.future.cancel():
            self.future.set_running_or_notify_cancel()
        elif not self.future.done():
            self.future.set_exception(CancelledError())


@dataclass(eq=False)
class Slot:
    """One worker process.

    Parameters
    ----------
    remote : RemoteWorker or None
        None until it is asked for.
    node : str or None
        None until it is up.
    queue : deque of Entry
        What was sent to it and is not answered; the first is running.
    known : set of str
        Shared objects it has heard of.
    dropped : int
        How many of the released shared objects it was told to forget.
    began_at : float
        When the first of its queue was begun, as far as is known, as a time of `time.monotonic`; infinity while what
        it needs is loaded.
    asked_at : float or None
        When it was asked to give back what waits in its queue, as a time of `time.monotonic`; None once it has
        answered. Until then it is sent nothing.
    loan : Loan or None
        What it has lent its CPUs for; it is sent nothing until that is over.
    launched_at : float
        When it was asked for, as a time of `time.monotonic`.
    name : int
        Tells it from all others.
    """

    remote: RemoteWorker | None = None
    node: str | None = None
    queue: deque[Entry] = field(default_factory=deque)
    known: set[str] = field(default_factory=set)
    dropped: int = 0
    began_at: float = 0.0
    asked_at: float | None = None
    loan: Loan | None = None
    launched_at: float = 0.0
    name: int = field(default_factory=_names.__next__)

    @property
    def worker(self) -> RemoteWorker:
        """The process, once it is asked for."""
        assert self.remote is not None  # noqa: S101 - nobody else is sent anything
        return self.remote

    @property
    def outrun(self) -> bool:
        """Whether it runs what another worker has done already; nobody will end it, so nothing should wait for it."""
        return bool(self.queue) and self.queue[0].future.done()

    def begin(self, _: object = None) -> None:
        """Take note that the first of the queue begins."""
        self.began_at = time.monotonic()

    @property
    def lends(self) -> bool:
        """Whether it is idle for another's sake."""
        return self.loan is not None and not self.loan.over

    def send(
        self,
        entry: Entry,
        released: list[str],
        *,
        post: Callable[..., None],
        answered: Callable[..., None],
        lenders: int = 0,
    ) -> None:
        """Put an entry into the queue; so many others lend their CPUs. Both callables are called from any thread.

        Through `post` it hears itself when the data is loaded, where that matters.
        """
        refs, drop = self._news(entry.needs, released)
        self.queue.append(entry)
        entry.holders.append(self)
        entry.sent_at = time.monotonic()
        if self.queue[0] is entry:
            self.begin()
            if refs and entry.task.limit_s is not None:  # the time that a unit has begins when its data is there
                self.worker.call(entry.loading(refs), refs, drop, functools.partial(post, self.begin))
                refs, drop, self.began_at = {}, [], math.inf
        self.worker.call(entry.message, refs, drop, answered, lenders)

    def _news(self, needs: dict[str, Any], released: list[str]) -> tuple[dict[str, Any], list[str]]:
        """Return what the worker must hear with its next message: new shared objects, and those to forget."""
        refs = {key: shared.ref for key, shared in needs.items() if key not in self.known}
        self.known.update(refs)
        drop, self.dropped = released[self.dropped :], len(released)
        return refs, drop

    def take_back(self, told: Callable[[Slot, list[Entry], list[int] | Gone], None]) -> None:
        """Ask for what waits in the queue; `told` is called from any thread."""
        self.asked_at, behind = time.monotonic(), list(self.queue)[1:]
        self.worker.withdraw([entry.key for entry in behind], functools.partial(told, self, behind))

    def go_on(self, entry: Entry, rest: Entry, after_s: float) -> None:
        """Let the unit that goes on take the place of its entry, so long after that began."""
        rest.holders.append(self)
        entry.holders.remove(self)
        self.queue[self.queue.index(entry)] = rest
        self.began_at += after_s

    def let_go(self, entry: Entry) -> None:
        """Take out of the queue what the worker does no more; if it was the first, the next begins."""
        if self.queue[0] is entry:
            self.begin()
        self.queue.remove(entry)
        entry.holders.remove(self)

    @property
    def up(self) -> bool:
        """Whether the worker has said hello."""
        return self.node is not None


@dataclass(frozen=True, eq=False)
class Loan:
    """What an idle worker has lent its CPUs for.

    Parameters
    ----------
    borrower : Slot
        The worker that runs it.
    entry : Entry
    """

    borrower: Slot
    entry: Entry

    @property
    def over(self) -> bool:
        """Whether the borrower has answered, or is gone."""
        return self.borrower not in self.entry.holders
