"""Who gets what, and what happens when a worker is gone.

    callers             collector thread (owns all state)              workers
    submit(task) ------> inbox -> pending -> least loaded ------------> run, reply
    future <------------ result | error | lost | cancelled <---------- reply, or the worker is gone
                                   |
                                   +-- worker gone: what it ran is split into its units and tried again, up to
                                       MAX_LOSSES; what waited behind it goes elsewhere; a new worker is asked for
                                   +-- it takes long: see `raysk.pool.slow`

Invariant: every submitted task completes its future exactly once - result, error, or cancelled - also when its
worker or node dies. Everything that happens is put into one inbox and handled by one thread, so there is
nothing to lock; callers only ever put.
"""

from __future__ import annotations

import contextlib
import functools
import queue
import threading
import time
from collections import deque
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from raysk.errors import ClusterError, TaskLost
from raysk.events import WorkerLost, null_sink
from raysk.pool import lend, slow
from raysk.pool.assignment import Entry
from raysk.pool.crew import Crew
from raysk.pool.pace import Pace
from raysk.pool.reply import Gone, Reply
from raysk.pool.shared import put_into_words
from raysk.pool.task import NOTHING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from concurrent.futures import Future

    from raysk.events import Sink
    from raysk.pool.assignment import Slot
    from raysk.pool.crew import Most
    from raysk.pool.launcher import Hello, Launcher
    from raysk.pool.shared import Shared
    from raysk.pool.task import Task

MAX_LOSSES = 3
"""How many workers a unit may take down before it is given up."""

TICK_S = 2.0
"""How often the cluster is asked for nodes that joined or left, in seconds."""


class Pool:
    """One warm worker process per CPU slot.

    Parameters
    ----------
    launcher : Launcher
        Starts workers; see `raysk.pool.launcher`.
    workers : int or None
        How many workers; None means as many as the cluster has room for, growing and shrinking with it.
    sink : callable
        Takes events.
    here : bool
        Whether its workers are, and will be, on this machine.
    """

    def __init__(
        self, launcher: Launcher, *, workers: int | None = None, sink: Sink = null_sink, here: bool = False
    ) -> None:
        self._launcher, self.sink, self.here = launcher, sink, here
        self._inbox: queue.SimpleQueue[tuple[Callable[..., None], tuple[Any, ...]]] = queue.SimpleQueue()
        self._pending: deque[Entry] = deque()
        self._entries: dict[Future[Any], Entry] = {}
        self._released: list[str] = []
        self._pace = Pace()
        self._next_tick, self.cpu_s, self._open, self.alone = 0.0, 0.0, True, slow.alone(())
        self._crew = Crew(launcher, workers, functools.partial(self._post, self._on_start), sink)
        self._thread = threading.Thread(target=self._collect, name="raysk-pool", daemon=True)
        self._thread.start()

    # ------------------------------------------------------------------ what callers call, from any thread

    def submit(self, task: Task) -> Future[Any]:
        """Hand in a task.

        Returns
        -------
        future : concurrent.futures.Future
            Its result is what the function returned; with units, a `Block`, where a `TaskLost` stands for a unit that
            kept killing its worker. Fails with what the function raised, with `TaskLost` when there are no units,
            with `ClusterError` when no worker can be started, or is cancelled.

        Raises
        ------
        Unpicklable
        """
        with put_into_words():
            entry = Entry.of(task, task.units)
        self._post(self._on_submit, entry)
        return entry.future

    def share(self, value: Any) -> Shared:
        """Send an object once to whoever needs it, for use in any number of tasks; raises `Unpicklable`."""
        with put_into_words():
            return self._launcher.put(value)

    def release(self, shared: Iterable[Shared], *, now: bool = False) -> None:
        """Let workers forget shared objects: with their next task, or when idle at the next tick, or now."""
        self._post(self._released.extend, [each.key for each in shared])
        if now:
            self._post(lambda: self._ask(self._crew.unaware(self._released)))

    def cancel(self, futures: Iterable[Future[Any]]) -> None:
        """Cancel tasks; a worker that runs one is ended and replaced."""
        self._post(self._on_cancel, list(futures))

    def close(self) -> None:
        """End all workers; every task that is not done is cancelled. May be called twice."""
        self._post(self._on_close)
        if threading.current_thread() is not self._thread:
            self._thread.join()

    @property
    def wanted(self) -> int:
        """Number of workers there should be."""
        return self._crew.wanted

    @property
    def up(self) -> int:
        """Number of workers that are up."""
        return self._crew.up

    @property
    def most_up(self) -> Most:
        """The most workers, and the most nodes that had one, up at a time."""
        return self._crew.most_up

    def room(self) -> int:
        """Return how many tasks keep every worker busy: those that run and those that wait in their queues."""
        return max(self.up, self.wanted) * self._pace.depth(all_up=self._crew.all_up)

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
            self._open = False
            self._fail_all(f"The cluster was lost: {error}")
        finally:
            self._on_close()
            self._drain()

    def _step(self) -> None:
        """Handle one thing that happened, or the passing of time."""
        with contextlib.suppress(queue.Empty):
            handle, args = self._inbox.get(timeout=max(self._next_check() - time.monotonic(), 0))
            handle(*args)
        if self._open:
            self._tick()
            self._look_at_slow_ones()
            self._dispatch()

    def _drain(self) -> None:
        """Answer what was submitted too late: the pool is closed."""
        with contextlib.suppress(queue.Empty):
            while True:
                handle, args = self._inbox.get_nowait()
                if handle == self._on_submit:
                    args[0].cancel()

    def _next_check(self) -> float:
        """Return when to look again although nothing was heard, as a time of `time.monotonic`."""
        if self._crew.holding:
            return min(self._next_tick, self._crew.hold_until)
        next_check = min(self._next_tick, slow.look_at(self._crew.slots))
        if self._pending and self._is_lone(self._pending[0]):
            return min(next_check, lend.look_at(self._crew))
        if self._pending or not self._crew.spare():
            return next_check
        return min(next_check, slow.help_at(self._crew.slots, self._entries.values(), self._pace.task_s))

    def _tick(self) -> None:
        if time.monotonic() < self._next_tick:
            return
        self._next_tick = time.monotonic() + TICK_S
        self._crew.look_around()
        self.alone = slow.alone(self._crew.slots)
        for slot in self._crew.superfluous():
            self._end(slot)
        self._ask(self._crew.unaware(self._released))
        self._fill()

    def _on_start(self, slot: Slot, answer: Hello | Gone) -> None:
        reason = self._crew.on_start(slot, answer)
        if reason is not None:
            self._fail_all(reason)
        self._fill()

    def _fill(self) -> None:
        """Ask for the workers that are missing."""
        if self._open:
            self._crew.fill(needed=bool(self._entries))

    def _fail_all(self, text: str) -> None:
        for entry in list(self._entries.values()):
            self._complete(entry, error=ClusterError(text))

    def _on_submit(self, entry: Entry) -> None:
        entry.lone = entry.task.lone and not self._entries
        self._entries[entry.future] = entry
        if self._crew.refusal is not None:
            self._fail_all(self._crew.refusal)
            return
        self._pending.append(entry)
        if self._crew.gave_up:
            self._crew.try_again()
            self._fill()

    def _dispatch(self) -> None:
        if self._crew.holding:
            return
        while self._pending and (slots := self._places(self._pending[0])):
            entry = self._pending.popleft()
            if entry.future not in self._entries:  # it was completed or cancelled while it waited
                continue
            if entry.future.running() or entry.future.set_running_or_notify_cancel():
                self._send(slots[0], entry, lenders=slots[1:])
            else:
                del self._entries[entry.future]
        if not self._pending:
            self._use_idle_workers()

    def _places(self, entry: Entry) -> list[Slot]:
        """Return the worker that runs an entry next, and those that lend it their CPUs; none if it must wait."""
        if self._is_lone(entry):
            return lend.places(self._crew)
        slot = self._crew.least_loaded(self._pace.depth(all_up=self._crew.all_up))
        return [slot] if slot is not None else []

    def _is_lone(self, entry: Entry) -> bool:
        return entry.lone and list(self._entries) == [entry.future]

    def _send(self, slot: Slot, entry: Entry, lenders: Sequence[Slot] = ()) -> None:
        lend.lend(lenders, slot, entry)
        answered = functools.partial(self._post, self._on_answer, slot, entry)
        slot.send(entry, self._released, post=self._post, answered=answered, lenders=len(lenders))

    def _look_at_slow_ones(self) -> None:
        now = time.monotonic()
        for slot, entry in slow.running(self._crew.slots):
            if slow.give_up_at(slot, entry) <= now:
                self._give_up(slot, entry)
            elif slow.ask_at(slot, entry) <= now:
                entry.ask()
                slot.worker.news(entry.key, functools.partial(self._post, self._on_news, slot, entry))

    def _use_idle_workers(self) -> None:
        """Let them do what waits behind something slow, once it is taken back, or else what is late."""
        if not self._crew.idle():
            return
        for _, slot in zip(self._crew.spare(), slow.in_the_way(self._crew.slots), strict=False):
            slot.take_back(functools.partial(self._post, self._on_withdrawn))
        for slot, entry in zip(self._crew.spare(), slow.late(self._entries.values(), self._pace.task_s), strict=False):
            self._send(slot, entry)

    def _on_withdrawn(self, slot: Slot, entries: Sequence[Entry], answer: list[int] | Gone) -> None:
        """Hand out again what a worker had not begun; it passes over that."""
        slot.asked_at = None
        if isinstance(answer, Gone):  # it may live, and have dropped them
            self._on_gone(slot, answer.reason)
            return
        for entry in reversed(entries):
            if entry.key in answer and entry in slot.queue:
                slot.let_go(entry)
                self._again(entry, "", charged=False)

    def _give_up(self, slot: Slot, entry: Entry) -> None:
        """End the worker of a unit that takes too long; of several units, each is tried alone."""
        if slot not in self._crew.slots:  # it ran what was just given up elsewhere
            return
        reason = f"it took longer than {entry.task.limit_s:g} s"
        if entry.size == 1:
            value, error = entry.lost(TaskLost(reason))
            self._complete(entry, value=value, error=error)
        for holder in list(entry.holders):
            if holder.queue[0] is entry:
                self._end(holder, reason, charged=True)
        self._fill()

    def _on_news(self, slot: Slot, entry: Entry, answer: Reply | Gone | None) -> None:
        """Complete an entry with the units that are done; the one that its worker goes on with takes its place."""
        entry.asked_at = time.monotonic()
        if not isinstance(answer, Reply):
            return
        self.cpu_s += answer.cpu_s
        if entry not in slot.queue or entry.future not in self._entries:  # its worker is gone, or it is done
            return
        value, error = entry.outcome(answer)
        if error is None:
            rest = entry.go_on(told=len(value.units))
            self._entries[rest.future] = rest
            slot.go_on(entry, rest, after_s=answer.wall_s)
            value = replace(value, going_on=rest.future)
        self._complete(entry, value=value, error=error)

    def _on_answer(self, slot: Slot, entry: Entry, answer: Reply | Gone | None) -> None:
        if isinstance(answer, Gone):
            self._on_gone(slot, answer.reason)
        if not isinstance(answer, Reply):  # it was withdrawn
            return
        entry, told = entry.answered_by(slot)
        if entry in slot.queue:
            slot.let_go(entry)
        self.cpu_s += answer.cpu_s
        if entry.future in self._entries:  # else another worker was faster, or it was cancelled
            self._pace.learn(answer.wall_s)
            value, error = entry.outcome(answer, told)
            self._complete(entry, value=value, error=error)

    def _on_gone(self, slot: Slot, reason: str) -> None:
        if slot not in self._crew.slots:
            return
        units = sum(entry.size for entry in [*slot.queue][:1] if entry.future in self._entries)
        self.sink(WorkerLost(node=slot.node or "", reason=reason, units=units))
        self._end(slot, reason, charged=True)  # to Ray it may only be out of reach: then it lives, and holds its CPUs
        self._ask(self._crew.idle())  # those lost with the same node say so now, at no task's expense
        self._fill()

    def _ask(self, slots: Iterable[Slot]) -> None:
        """Send workers an empty task."""
        for slot in slots:
            self._send(slot, Entry.of(NOTHING, None))

    def _again(self, entry: Entry, reason: str, *, charged: bool) -> None:
        """Hand an entry out again after its worker was lost; charged if that worker was running it."""
        if entry.future not in self._entries:
            return
        entry.losses += charged
        if entry.holders:  # it was started a second time, and that one goes on
            return
        if charged and entry.size > 1:
            self._split(entry)
        elif entry.losses >= MAX_LOSSES:
            loss = TaskLost(f"its worker died {entry.losses} times running it ({reason})")
            value, error = entry.lost(loss)
            self._complete(entry, value=value, error=error)
        else:
            self._pending.appendleft(entry)

    def _split(self, entry: Entry) -> None:
        """Try every unit of a lost entry on its own."""
        for part in reversed(entry.split(functools.partial(self._complete, entry))):
            self._entries[part.future] = part
            self._pending.appendleft(part)

    def _complete(self, entry: Entry, *, value: Any = None, error: BaseException | None = None) -> None:
        """Complete an entry's future, once."""
        if self._entries.pop(entry.future, None) is not None:
            self._on_cancel([part.future for part in entry.parts])  # one of them failed: the others are not needed
            entry.settle(value, error)

    def _on_cancel(self, futures: Sequence[Future[Any]]) -> None:
        """Cancel, then end the workers that ran only what was cancelled."""
        for future in futures:
            entry = self._entries.pop(future, None)
            if entry is None:
                continue
            entry.cancel()
            for slot in [slot for slot in entry.holders if slot.queue[0] is entry]:
                self._end(slot)
            self._on_cancel([part.future for part in entry.parts])
        if futures:
            self._fill()

    def _end(self, slot: Slot, reason: str = "it was ended", *, charged: bool = False) -> None:
        """End a worker; what is in its queue is handed out again, and what it ran is charged if that was the reason."""
        self._crew.end(slot)
        entries = list(slot.queue)
        slot.queue.clear()
        for entry in reversed(entries):  # in front of the rest, in their order
            entry.holders.remove(slot)
            self._again(entry, reason, charged=charged and entry is entries[0])

    def _on_close(self) -> None:
        self._open = False
        for entry in list(self._entries.values()):
            entry.cancel()
        self._entries.clear()
        for slot in list(self._crew.slots):
            self._crew.end(slot)
