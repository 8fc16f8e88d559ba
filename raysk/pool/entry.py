"""A task on its way to completing its future, whole or split into its units."""

from __future__ import annotations

import itertools
import math
import time
from concurrent.futures import CancelledError, Future
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from raysk.pool.task import Block, RemoteTraceback, Task
from raysk.util import exits

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from raysk.errors import TaskLost
    from raysk.pool.crew import Slot
    from raysk.pool.reply import Reply
    from raysk.pool.shared import Shared


_keys = itertools.count()


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

    def outcome(self, reply: Reply, told: int = 0) -> tuple[Any, BaseException | None]:
        """Return value and error that a worker's reply amounts to, from the unit on that follows what it told."""
        from ray import cloudpickle

        try:
            content = cloudpickle.loads(reply.content)
        except BaseException as error:  # noqa: BLE001 - the person's classes may fail to unpickle in any way
            return None, exits.as_error(error)
        if not reply.ok:
            content.__cause__ = RemoteTraceback(reply.frames, reply.earlier)
            return None, content
        if self.units is None:
            return content, None
        values = content[told:]
        return Block(units=self.units[: len(values)], values=values, wall_s=reply.wall_s), None

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
