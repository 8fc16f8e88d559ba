"""Who gets what, and what happens when a worker is gone.

    callers             collector thread (owns all state)              workers
    submit(task) ------> inbox -> pending -> least loaded ------------> run, reply
    future <------------ result | error | lost | cancelled <---------- reply, or the worker is gone
                                   |
                                   +-- worker gone: what it ran is split into its units and tried again, up to
                                       MAX_LOSSES; what waited behind it goes elsewhere; a new worker is asked for

Invariant: every submitted task completes its future exactly once - result, error, or cancelled - also when its
worker or node dies. Everything that happens is put into one inbox and handled by one thread, so there is
nothing to lock; callers only ever put.
"""

from __future__ import annotations

import contextlib
import functools
import pickle
import queue
import threading
import time
from collections import deque
from concurrent.futures import CancelledError, Future
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from raysk.errors import ClusterError, TaskLost, Unpicklable
from raysk.events import WorkerLost, WorkersChanged, null_sink
from raysk.pool.remote import Gone, Launcher, RemoteWorker
from raysk.pool.task import Block, RemoteTraceback, Reply, Task

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from raysk.events import Sink
    from raysk.pool.shared import Shared

MAX_LOSSES = 3
"""How many workers a unit may take down before it is given up."""

PREFETCH_BELOW_S = 0.5
"""A worker gets a second task to wait in its queue when tasks are shorter than this, in seconds: a message takes
about a millisecond, which hurts short tasks; a task queued behind a long one waits for nothing."""

SECOND_START_S = 1.0
"""A task is started a second time on an idle worker once it has taken this long and three times the usual."""

TICK_S = 2.0
"""How often the cluster is asked for nodes that joined or left, in seconds."""

MAX_FAILED_STARTS = 3
"""So many workers in a row failing to start, with none up, is the cluster's fault and not chance."""


@dataclass(eq=False)
class _Entry:
    """A task, or one unit of a split one, on its way to completing its future."""

    task: Task
    units: Sequence[Any] | None
    message: bytes
    needs: dict[str, Shared]
    future: Future[Any]
    losses: int = 0
    holders: list[_Slot] = field(default_factory=list)
    parts: list[_Entry] = field(default_factory=list)
    sent_at: float = 0.0


@dataclass(eq=False)
class _Slot:
    """One worker process as the pool sees it."""

    remote: RemoteWorker | None = None
    node: str | None = None
    queue: deque[_Entry] = field(default_factory=deque)
    known: set[str] = field(default_factory=set)
    dropped: int = 0

    @property
    def up(self) -> bool:
        return self.node is not None


class Pool:
    """One warm worker process per CPU slot.

    Parameters
    ----------
    launcher : Launcher
        Starts workers; see `raysk.pool.remote`.
    workers : int or None
        How many workers; None means as many as the cluster has room for, growing and shrinking with it.
    sink : callable
        Takes events.
    """

    def __init__(self, launcher: Launcher, *, workers: int | None = None, sink: Sink = null_sink) -> None:
        self._launcher = launcher
        self._workers = workers
        self.sink = sink
        self._inbox: queue.SimpleQueue[tuple[Callable[..., None], tuple[Any, ...]]] = queue.SimpleQueue()
        self._slots: list[_Slot] = []
        self._pending: deque[_Entry] = deque()
        self._entries: dict[Future[Any], _Entry] = {}
        self._released: list[str] = []
        self._task_s: float | None = None
        self._failed_starts = 0
        self._reported = (0, 0, 0)
        self._next_tick = 0.0
        self._open = True
        self.cpu_s = 0.0
        self.wanted = workers or max(launcher.slots(), 1)
        self._thread = threading.Thread(target=self._collect, name="raysk-pool", daemon=True)
        self._thread.start()

    # ------------------------------------------------------------------ what callers call, from any thread

    def submit(self, task: Task) -> Future[Any]:
        """Hand in a task.

        Returns
        -------
        future : concurrent.futures.Future
            Its result is what the function returned; with units, a `Block`, where a `TaskLost` stands for a
            unit that kept killing its worker. Fails with what the function raised, with `TaskLost` when there
            are no units, with `ClusterError` when no worker can be started, or is cancelled.

        Raises
        ------
        Unpicklable
        """
        try:
            message, needs = task.pack(task.units)
        except (TypeError, AttributeError, pickle.PicklingError) as error:
            raise Unpicklable(f"It cannot be sent to the workers: {error}") from error
        entry = _Entry(task=task, units=task.units, message=message, needs=needs, future=Future())
        self._post(self._on_submit, entry)
        return entry.future

    def share(self, value: Any) -> Shared:
        """Put an object in the object store once, for use in any number of tasks.

        Raises
        ------
        Unpicklable
        """
        try:
            return self._launcher.put(value)
        except (TypeError, AttributeError, pickle.PicklingError) as error:
            raise Unpicklable(f"It cannot be sent to the workers: {error}") from error

    def release(self, shared: Iterable[Shared]) -> None:
        """Let workers forget shared objects, with their next task."""
        self._post(self._released.extend, [each.key for each in shared])

    def cancel(self, futures: Iterable[Future[Any]]) -> None:
        """Cancel tasks; a worker that runs one is ended and replaced."""
        self._post(self._on_cancel, list(futures))

    def close(self) -> None:
        """End all workers; every task that is not done is cancelled. May be called twice."""
        self._post(self._on_close)
        if threading.current_thread() is not self._thread:
            self._thread.join()

    def room(self) -> int:
        """Return how many tasks keep every worker busy: those that run and those that wait in their queues."""
        return max(self.up, self.wanted) * self._depth()

    @property
    def up(self) -> int:
        """Number of workers that are up."""
        return sum(slot.up for slot in self._slots)

    @property
    def nodes(self) -> int:
        """Number of nodes that have a worker."""
        return len({slot.node for slot in self._slots if slot.up})

    def _post(self, handle: Callable[..., None], *args: Any) -> None:
        self._inbox.put((handle, args))
        if not self._open:  # the thread may have looked into the inbox for the last time
            self._drain()

    # ------------------------------------------------------------------ the collector thread: everything below

    def _collect(self) -> None:
        try:
            while self._open:
                self._step()
        except Exception as error:  # noqa: BLE001 - whatever ends this thread must not leave a caller waiting
            for entry in list(self._entries.values()):
                self._complete(entry, error=ClusterError(f"The cluster was lost: {error}"))
            self._on_close()
        self._drain()

    def _step(self) -> None:
        """Handle one thing that happened, or the passing of time."""
        try:
            handle, args = self._inbox.get(timeout=max(self._next_check() - time.monotonic(), 0))
        except queue.Empty:
            pass
        else:
            handle(*args)
        if self._open:
            self._tick()
            self._dispatch()

    def _drain(self) -> None:
        """Answer what was submitted too late: the pool is closed."""
        with contextlib.suppress(queue.Empty):
            while True:
                handle, args = self._inbox.get_nowait()
                if handle == self._on_submit:
                    _cancel(args[0].future)

    def _next_check(self) -> float:
        """Return when to look again although nothing was heard, as a time of `time.monotonic`."""
        late = self._latest_start_of_a_repeat()
        return self._next_tick if late is None else min(self._next_tick, late)

    def _tick(self) -> None:
        if time.monotonic() < self._next_tick:
            return
        self._next_tick = time.monotonic() + TICK_S
        self.wanted = self._workers or max(self._launcher.slots(), 1)
        for slot in [slot for slot in self._slots if not slot.up][: max(len(self._slots) - self.wanted, 0)]:
            self._end(slot)
        self._fill()

    def _fill(self) -> None:
        """Ask for the workers that are missing; those that find no CPU yet are demand that an autoscaler sees."""
        if self._failed_starts >= MAX_FAILED_STARTS:
            if self._slots or not self._entries:
                return
            self._failed_starts = 0  # the last worker that was up is gone: try again, or say that it fails
        for _ in range(self.wanted - len(self._slots)):
            slot = _Slot()
            self._slots.append(slot)
            slot.remote = self._launcher.launch(functools.partial(self._post, self._on_start, slot))
        self._report_workers()

    def _on_start(self, slot: _Slot, answer: str | Gone) -> None:
        if slot not in self._slots:
            return
        if isinstance(answer, Gone):
            self._slots.remove(slot)
            self._on_failed_start(answer.reason)
        else:
            slot.node = answer
            self._failed_starts = 0
        self._fill()
        self._report_workers()

    def _on_failed_start(self, reason: str) -> None:
        self._failed_starts += 1
        if self._failed_starts < MAX_FAILED_STARTS or any(slot.up for slot in self._slots):
            return
        text = f"No worker can be started; the last one says: {reason}\nLook at 'ray status' and at the node's logs."
        for entry in list(self._entries.values()):
            self._finish(entry, ClusterError(text))

    def _on_submit(self, entry: _Entry) -> None:
        self._entries[entry.future] = entry
        if self._failed_starts >= MAX_FAILED_STARTS:
            self._failed_starts = 0
            self._fill()
        self._pending.append(entry)

    def _dispatch(self) -> None:
        while self._pending:
            slot = self._least_loaded()
            if slot is None:
                return
            entry = self._pending.popleft()
            if entry.future.running() or entry.future.set_running_or_notify_cancel():
                self._send(slot, entry)
            else:
                self._entries.pop(entry.future, None)
        self._start_late_ones_again()

    def _least_loaded(self) -> _Slot | None:
        ready = [slot for slot in self._slots if slot.up]
        slot = min(ready, key=lambda slot: len(slot.queue), default=None)
        return slot if slot and len(slot.queue) < self._depth() else None

    def _depth(self) -> int:
        return 2 if self._task_s is not None and self._task_s < PREFETCH_BELOW_S else 1

    def _send(self, slot: _Slot, entry: _Entry) -> None:
        refs = {key: shared.ref for key, shared in entry.needs.items() if key not in slot.known}
        slot.known.update(refs)
        drop, slot.dropped = self._released[slot.dropped :], len(self._released)
        slot.queue.append(entry)
        entry.holders.append(slot)
        entry.sent_at = time.monotonic()
        assert slot.remote is not None  # noqa: S101 - a slot that is up has one
        slot.remote.call(entry.message, refs, drop, functools.partial(self._post, self._on_answer, slot, entry))

    def _latest_start_of_a_repeat(self) -> float | None:
        """Return when the first running task may be started a second time; None if none or no worker is idle."""
        if self._pending or not any(slot.up and not slot.queue for slot in self._slots):
            return None
        return min((self._late_at(entry) for entry in self._repeatable()), default=None)

    def _repeatable(self) -> list[_Entry]:
        heard = self._entries.values() if self._task_s is not None else ()
        return [entry for entry in heard if entry.task.repeatable and len(entry.holders) == 1]

    def _late_at(self, entry: _Entry) -> float:
        return entry.sent_at + SECOND_START_S + 3 * (self._task_s or 0.0)

    def _start_late_ones_again(self) -> None:
        idle = [slot for slot in self._slots if slot.up and not slot.queue]
        if not idle:
            return
        late = [entry for entry in self._repeatable() if self._late_at(entry) <= time.monotonic()]
        for slot, entry in zip(idle, sorted(late, key=lambda entry: entry.sent_at), strict=False):
            self._send(slot, entry)

    def _on_answer(self, slot: _Slot, entry: _Entry, answer: Reply | Gone) -> None:
        if isinstance(answer, Gone):
            self._on_gone(slot, answer.reason)
            return
        if entry in slot.queue:
            slot.queue.remove(entry)
        self.cpu_s += answer.cpu_s
        if entry.future in self._entries:  # else another worker was faster, or it was cancelled
            self._task_s = answer.wall_s if self._task_s is None else 0.8 * self._task_s + 0.2 * answer.wall_s
            self._finish(entry, answer)

    def _on_gone(self, slot: _Slot, reason: str) -> None:
        if slot not in self._slots:
            return
        self._slots.remove(slot)
        first, *others = slot.queue or [None]
        units = 0 if first is None or first.future not in self._entries else len(first.units or [first])
        self.sink(WorkerLost(node=slot.node or "", reason=reason, units=units))
        for entry in [*others[::-1], first]:  # in front of the rest, in their order
            if entry is not None:
                entry.holders.remove(slot)
                self._again(entry, reason, charged=entry is first)
        self._ask_idle_workers()
        self._fill()

    def _ask_idle_workers(self) -> None:
        """Send idle workers an empty task: those lost with the same node say so now, at no task's expense."""
        task = Task(function=int)
        message, needs = task.pack(None)
        for slot in self._slots:
            if slot.up and not slot.queue:
                self._send(slot, _Entry(task=task, units=None, message=message, needs=needs, future=Future()))

    def _again(self, entry: _Entry, reason: str, *, charged: bool) -> None:
        """Hand an entry out again after its worker was lost; charged if that worker was running it."""
        if entry.future not in self._entries:
            return
        entry.losses += charged
        if entry.holders:  # it was started a second time, and that one goes on
            return
        if charged and entry.units is not None and len(entry.units) > 1:
            self._split(entry)
        elif entry.losses >= MAX_LOSSES:
            self._give_up(entry, TaskLost(f"its worker died {entry.losses} times running it ({reason})"))
        else:
            self._pending.appendleft(entry)

    def _give_up(self, entry: _Entry, lost: TaskLost) -> None:
        if entry.units is None:
            self._complete(entry, error=lost)
        else:
            self._complete(entry, value=Block(units=entry.units, values=[lost], wall_s=0.0))

    def _split(self, entry: _Entry) -> None:
        """Try every unit of a lost entry on its own, and gather their values."""
        assert entry.units is not None  # noqa: S101 - only what has units is split
        units = entry.units
        parts: list[Block | None] = [None] * len(units)

        def gather(index: int, part: Future[Any]) -> None:
            error = CancelledError() if part.cancelled() else part.exception()
            if error is not None:
                self._complete(entry, error=error)
                return
            parts[index] = part.result()
            done = [block for block in parts if block is not None]
            if len(done) == len(units):
                values = [value for block in done for value in block.values]
                whole = Block(units=units, values=values, wall_s=sum(block.wall_s for block in done))
                self._complete(entry, value=whole)

        for index in reversed(range(len(units))):
            one = units[index : index + 1]
            message, needs = entry.task.pack(one)
            part = _Entry(task=entry.task, units=one, message=message, needs=needs, future=Future())
            part.losses = entry.losses
            part.future.set_running_or_notify_cancel()
            part.future.add_done_callback(functools.partial(gather, index))
            self._entries[part.future] = part
            entry.parts.append(part)
            self._pending.appendleft(part)

    def _finish(self, entry: _Entry, outcome: Reply | Exception) -> None:
        """Complete an entry's future with what became of it."""
        if isinstance(outcome, Exception):
            self._complete(entry, error=outcome)
            return
        try:
            content = _unpickled(outcome)
        except Exception as error:  # noqa: BLE001 - the person's classes may fail to unpickle in any way
            self._complete(entry, error=error)
            return
        if not outcome.ok:
            content.__cause__ = RemoteTraceback(outcome.frames)
            self._complete(entry, error=content)
        elif entry.units is None:
            self._complete(entry, value=content)
        else:
            done = entry.units[: len(content)]
            self._complete(entry, value=Block(units=done, values=content, wall_s=outcome.wall_s))

    def _complete(self, entry: _Entry, *, value: Any = None, error: BaseException | None = None) -> None:
        if self._entries.pop(entry.future, None) is None:
            return
        if entry in self._pending:
            self._pending.remove(entry)
        if entry.parts:  # one of them may have failed: the others are not needed any more
            self._on_cancel([part.future for part in entry.parts])
        if entry.future.cancelled() or not (entry.future.running() or entry.future.set_running_or_notify_cancel()):
            return
        if error is None:
            entry.future.set_result(value)
        else:
            entry.future.set_exception(error)

    def _on_cancel(self, futures: Sequence[Future[Any]]) -> None:
        """Cancel, then end the workers that ran only what was cancelled."""
        for future in futures:
            entry = self._entries.pop(future, None)
            if entry is None:
                continue
            if entry in self._pending:
                self._pending.remove(entry)
            _cancel(future)
            for slot in [slot for slot in entry.holders if slot.queue and slot.queue[0] is entry]:
                self._end(slot)
            self._on_cancel([part.future for part in entry.parts])
        self._fill()

    def _end(self, slot: _Slot) -> None:
        """End a worker on purpose; what waited in its queue goes elsewhere."""
        self._slots.remove(slot)
        for entry in reversed(slot.queue):
            entry.holders.remove(slot)
            self._again(entry, "it was ended", charged=False)
        if slot.remote is not None:
            slot.remote.kill()

    def _on_close(self) -> None:
        self._open = False
        for future in list(self._entries):
            _cancel(future)
        self._entries.clear()
        for slot in self._slots:
            if slot.remote is not None:
                slot.remote.kill()
        self._slots.clear()

    def _report_workers(self) -> None:
        state = (self.up, self.wanted, self.nodes)
        if state != self._reported:
            self._reported = state
            self.sink(WorkersChanged(up=self.up, wanted=self.wanted, nodes=self.nodes))


def _cancel(future: Future[Any]) -> None:
    """Cancel a future, also a running one."""
    if not future.cancel() and not future.done():
        future.set_exception(CancelledError())


def _unpickled(reply: Reply) -> Any:
    from ray import cloudpickle

    return cloudpickle.loads(reply.content)
