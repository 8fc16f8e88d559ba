"""Assign tasks to workers, and reassign the tasks of a lost worker.

    pending -> least loaded worker -> its reply, or it is gone -> the entry is completed, or handed out again
                   |
                   +-- worker gone: what it ran is split into its units and tried again, up to
                       MAX_LOSSES; what waited behind it goes elsewhere; a new worker is asked for
                   +-- it takes long: see `raysk.pool.stragglers`

Invariant: every entry is completed exactly once - result, error, or cancelled - also when its worker or node dies.
"""

from __future__ import annotations

import functools
import time
from collections import deque
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from raysk.errors import ClusterError, TaskLost
from raysk.events import WorkerLost
from raysk.pool import cpu_loans, stragglers
from raysk.pool.assignment import Entry
from raysk.pool.pace import Pace
from raysk.pool.reply import Gone, Reply
from raysk.pool.task import NOTHING
from raysk.pool.workers import Workers

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from concurrent.futures import Future

    from raysk.events import Sink
    from raysk.pool.assignment import Slot
    from raysk.pool.launcher import Hello, Launcher

MAX_LOSSES = 3
"""How many workers a unit may take down before it is given up."""

TICK_S = 2.0
"""How often the cluster is asked for nodes that joined or left, in seconds."""


class Dispatcher:
    """Hands entries out to workers; only the pool's collector thread uses it, except for the counts.

    Parameters
    ----------
    launcher : Launcher
    workers : int or None
        See `Workers`.
    post : callable
        Called with a function and its arguments, from any thread: lets the collector thread call it.
    sink : callable

    Attributes
    ----------
    crew : Workers
    entries : dict of Future to Entry
        All entries that are not completed.
    pending : deque of Entry
        Those that wait for a worker.
    released : list of str
        Shared objects that nobody needs any more.
    open : bool
        Whether anything is still handed out.
    cpu_s : float
        CPU time that the workers have spent, in seconds.
    alone : list
        See `raysk.pool.stragglers.alone`.
    """

    def __init__(self, launcher: Launcher, workers: int | None, post: Callable[..., None], sink: Sink) -> None:
        self._post, self._sink = post, sink
        self.entries: dict[Future[Any], Entry] = {}
        self.pending: deque[Entry] = deque()
        self.released: list[str] = []
        self.pace = Pace()
        self.next_tick, self.cpu_s, self.open, self.alone = 0.0, 0.0, True, stragglers.alone(())
        self.crew = Workers(launcher, workers, functools.partial(post, self.on_start), sink)

    def act(self) -> None:
        """Do what is due now: check the cluster, the slow entries and the waiting entries."""
        self._tick()
        self._look_at_slow_ones()
        self._dispatch()

    def forget_now(self) -> None:
        """Let idle workers forget what was released."""
        self._ask(self.crew.unaware(self.released))

    def next_check(self) -> float:
        """Return the time of the next check if no event arrives before, as a time of `time.monotonic`."""
        if self.crew.holding:
            return min(self.next_tick, self.crew.hold_until)
        next_check = min(self.next_tick, stragglers.look_at(self.crew.slots))
        if self.pending and self._is_lone(self.pending[0]):
            return min(next_check, cpu_loans.look_at(self.crew))
        if self.pending or not self.crew.spare():
            return next_check
        return min(next_check, stragglers.help_at(self.crew.slots, self.entries.values(), self.pace.task_s))

    def _tick(self) -> None:
        if time.monotonic() < self.next_tick:
            return
        self.next_tick = time.monotonic() + TICK_S
        self.crew.look_around()
        self.alone = stragglers.alone(self.crew.slots)
        for slot in self.crew.superfluous():
            self._end(slot)
        self._ask(self.crew.unaware(self.released))
        self._fill()

    def on_start(self, slot: Slot, answer: Hello | Gone) -> None:
        """Handle the start, or the failed start, of a requested worker."""
        reason = self.crew.on_start(slot, answer)
        if reason is not None:
            self.fail_all(reason)
        self._fill()

    def _fill(self) -> None:
        """Ask for the workers that are missing."""
        if self.open:
            self.crew.fill(needed=bool(self.entries))

    def fail_all(self, text: str) -> None:
        """Complete every entry with a `ClusterError`."""
        for entry in list(self.entries.values()):
            self._complete(entry, error=ClusterError(text))

    def on_submit(self, entry: Entry) -> None:
        """Take a new entry."""
        entry.lone = entry.task.lone and not self.entries
        self.entries[entry.future] = entry
        if self.crew.refusal is not None:
            self.fail_all(self.crew.refusal)
            return
        self.pending.append(entry)
        if self.crew.gave_up:
            self.crew.try_again()
            self._fill()

    def _dispatch(self) -> None:
        if self.crew.holding:
            return
        while self.pending and (slots := self._places(self.pending[0])):
            entry = self.pending.popleft()
            if entry.future not in self.entries:  # it was completed or cancelled while it waited
                continue
            if entry.future.running() or entry.future.set_running_or_notify_cancel():
                self._send(slots[0], entry, lenders=slots[1:])
            else:
                del self.entries[entry.future]
        if not self.pending:
            self._use_idle_workers()

    def _places(self, entry: Entry) -> list[Slot]:
        """Return the worker that runs an entry next, and those that lend it their CPUs; none if it must wait."""
        if self._is_lone(entry):
            return cpu_loans.places(self.crew)
        slot = self.crew.least_loaded(self.pace.depth(all_up=self.crew.all_up), entry.task.near)
        return [slot] if slot is not None else []

    def _is_lone(self, entry: Entry) -> bool:
        return entry.lone and list(self.entries) == [entry.future]

    def _send(self, slot: Slot, entry: Entry, lenders: Sequence[Slot] = ()) -> None:
        cpu_loans.lend(lenders, slot, entry)
        answered = functools.partial(self._post, self._on_answer, slot, entry)
        slot.send(entry, self.released, post=self._post, answered=answered, lenders=len(lenders))

    def _look_at_slow_ones(self) -> None:
        now = time.monotonic()
        for slot, entry in stragglers.running(self.crew.slots):
            if stragglers.give_up_at(slot, entry) <= now:
                self._give_up(slot, entry)
            elif stragglers.ask_at(slot, entry) <= now:
                entry.ask()
                slot.worker.news(entry.key, functools.partial(self._post, self._on_news, slot, entry))

    def _use_idle_workers(self) -> None:
        """Let them do what waits behind something slow, once it is taken back, or else what is late."""
        if not self.crew.idle():
            return
        for _, slot in zip(self.crew.spare(), stragglers.in_the_way(self.crew.slots), strict=False):
            slot.take_back(functools.partial(self._post, self._on_withdrawn))
        for slot, entry in zip(
            self.crew.spare(), stragglers.late(self.entries.values(), self.pace.task_s), strict=False
        ):
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
        if slot not in self.crew.slots:  # it ran what was just given up elsewhere
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
        self._count(slot, answer)
        if entry not in slot.queue or entry.future not in self.entries:  # its worker is gone, or it is done
            return
        value, error = entry.outcome(answer, slot)
        if error is None:
            rest = entry.go_on(told=len(value.units))
            self.entries[rest.future] = rest
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
        self._count(slot, answer)
        if entry.future in self.entries:  # else another worker was faster, or it was cancelled
            self.pace.learn(answer.wall_s)
            value, error = entry.outcome(answer, slot, told)
            self._complete(entry, value=value, error=error)

    def _count(self, slot: Slot, answer: Reply) -> None:
        self.cpu_s += answer.cpu_s
        self.crew.by_node.hear(slot.node, answer.memory)

    def _on_gone(self, slot: Slot, reason: str) -> None:
        if slot not in self.crew.slots:
            return
        units = sum(entry.size for entry in [*slot.queue][:1] if entry.future in self.entries)
        self._sink(WorkerLost(node=slot.node or "", reason=reason, units=units))
        self._end(slot, reason, charged=True)  # to Ray it may only be out of reach: then it lives, and holds its CPUs
        self._ask(self.crew.idle())  # those lost with the same node say so now, at no task's expense
        self._fill()

    def _ask(self, slots: Iterable[Slot]) -> None:
        """Send workers an empty task."""
        for slot in slots:
            self._send(slot, Entry.of(NOTHING, None))

    def _again(self, entry: Entry, reason: str, *, charged: bool) -> None:
        """Hand an entry out again after its worker was lost; charged if that worker was running it."""
        if entry.future not in self.entries:
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
            self.pending.appendleft(entry)

    def _split(self, entry: Entry) -> None:
        """Try every unit of a lost entry on its own."""
        for part in reversed(entry.split(functools.partial(self._complete, entry))):
            self.entries[part.future] = part
            self.pending.appendleft(part)

    def _complete(self, entry: Entry, *, value: Any = None, error: BaseException | None = None) -> None:
        """Complete an entry's future, once."""
        if self.entries.pop(entry.future, None) is not None:
            self.cancel([part.future for part in entry.parts])  # one of them failed: the others are not needed
            entry.settle(value, error)

    def cancel(self, futures: Sequence[Future[Any]]) -> None:
        """Cancel, then end the workers that ran only what was cancelled."""
        for future in futures:
            entry = self.entries.pop(future, None)
            if entry is None:
                continue
            entry.cancel()
            for slot in [slot for slot in entry.holders if slot.queue[0] is entry]:
                self._end(slot)
            self.cancel([part.future for part in entry.parts])
        if futures:
            self._fill()

    def _end(self, slot: Slot, reason: str = "it was ended", *, charged: bool = False) -> None:
        """End a worker; what is in its queue is handed out again, and what it ran is charged if that was the reason."""
        self.crew.end(slot)
        entries = list(slot.queue)
        slot.queue.clear()
        for entry in reversed(entries):  # in front of the rest, in their order
            entry.holders.remove(slot)
            self._again(entry, reason, charged=charged and entry is entries[0])

    def close(self) -> None:
        """End all workers, and cancel every entry. May be called twice."""
        self.open = False
        for entry in list(self.entries.values()):
            entry.cancel()
        self.entries.clear()
        for slot in list(self.crew.slots):
            self.crew.end(slot)
