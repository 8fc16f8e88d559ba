"""The workers as the pool sees them: asked for, up, lost, replaced."""

from __future__ import annotations

import functools
import math
import time
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

from raysk.events import WorkersChanged
from raysk.pool.remote import Gone, Refused

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from raysk.events import Sink
    from raysk.pool.entry import Entry
    from raysk.pool.lend import Loan
    from raysk.pool.remote import Hello, Launcher, RemoteWorker

HOLD_S = 0.5
"""So long, in seconds, work waits after the first worker is up for those on other nodes: most come up within, and one
that is refused ends a job before it has begun. Where they all do, nothing is waited for."""

ANSWER_S = 1.0
"""So long, in seconds, an idle worker is kept for what is taken back from another; that takes milliseconds, more where
a task lets no other thread of its worker run."""

LATE_S = 1.0
"""So long, in seconds, a worker that starts may take more than the one before it and still be waited for by a task that
wants its CPUs. Those of a machine come up one after the other, some tenths of a second apart; where other programs
hold its CPUs some never do, and the task has waited in vain."""

MAX_FAILED_STARTS = 3
"""So many workers in a row failing to start, with none up, is the cluster's fault and not chance."""

MAX_FAILED_RESTARTS = 10
"""The same once a worker was up, which shows that they can start: whatever kills workers kills some at their start."""


class Most(NamedTuple):
    """The most of a job's workers that were up at a time, and the most nodes that had one."""

    workers: int
    nodes: int


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
        When it was asked for, likewise.
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


class Crew:
    """All workers of a pool; used by its collector thread only, but for the counts.

    Parameters
    ----------
    launcher : Launcher
    workers : int or None
        How many; None means as many as the cluster has room for, growing and shrinking with it.
    heard : callable
        Called with a slot and what its worker says or `Gone`, from any thread, when it is up or is not.
    sink : callable
    """

    def __init__(
        self, launcher: Launcher, workers: int | None, heard: Callable[[Slot, Hello | Gone], None], sink: Sink
    ) -> None:
        self._launcher, self._workers, self._heard, self._sink = launcher, workers, heard, sink
        self._failed_starts, self._may_fail = 0, MAX_FAILED_STARTS
        self.refusal: str | None = None
        self.hold_until = math.inf
        self._reported, self._start_s = (0, 0, 0), 0.0
        self.most_up = Most(0, 0)
        self.slots: list[Slot] = []
        self.wanted = 0
        self.look_around()

    @property
    def up(self) -> int:
        """Number of workers that are up."""
        return sum(slot.up for slot in self.slots)

    @property
    def nodes(self) -> int:
        """Number of nodes that have a worker."""
        return len({slot.node for slot in self.slots if slot.up})

    @property
    def all_up(self) -> bool:
        """Whether no worker is still to come."""
        return all(slot.up for slot in self.slots)

    @property
    def holding(self) -> bool:
        """Whether work should wait, until `hold_until` at most, as some node might have to be refused."""
        return time.monotonic() < self.hold_until and not self.all_up and bool(self._launcher.admission.unheard)

    @property
    def gave_up(self) -> bool:
        """Whether workers fail to start, so that no more are asked for."""
        return self._failed_starts >= self._may_fail

    def due(self) -> float:
        """Return until when workers may still come up, by what the last took, as a time of `time.monotonic`."""
        launched_at = max((slot.launched_at for slot in self.slots if not slot.up), default=-math.inf)
        return launched_at + self._start_s + LATE_S

    def look_around(self) -> None:
        """Count what the cluster has room for now."""
        slots = self._launcher.slots()  # asked for in any case: it says when the cluster is lost
        self.wanted = self._workers or max(slots, 1)

    def superfluous(self) -> list[Slot]:
        """Return workers that are waited for in vain, since the cluster became smaller."""
        return [slot for slot in self.slots if not slot.up][: max(len(self.slots) - self.wanted, 0)]

    def fill(self, *, needed: bool) -> None:
        """Ask for the workers that are missing; those that find no CPU yet are demand that an autoscaler sees.

        Parameters
        ----------
        needed : bool
            Whether tasks wait: then workers are asked for although they failed to start before.
        """
        if self.refusal is not None:
            return
        if self.gave_up:
            if self.slots or not needed:
                return
            self.try_again()
        for _ in range(self.wanted - len(self.slots)):
            slot = Slot(launched_at=time.monotonic())
            self.slots.append(slot)
            slot.remote = self._launcher.launch(lambda answer, slot=slot: self._heard(slot, answer))  # type: ignore[misc]
        self._report()

    def try_again(self) -> None:
        """Forget that workers failed to start."""
        self._failed_starts = 0

    def on_start(self, slot: Slot, answer: Hello | Gone) -> str | None:
        """Take the news of a worker that was asked for; returns why none can be started, if that is so."""
        if slot not in self.slots:
            return None
        verdict = answer if isinstance(answer, Gone) else self._launcher.admission.judged(answer)
        if isinstance(verdict, str):
            slot.node, self._start_s = verdict, time.monotonic() - slot.launched_at
            self.hold_until = min(self.hold_until, time.monotonic() + HOLD_S)
            self._failed_starts, self._may_fail = 0, MAX_FAILED_RESTARTS
            return None
        if isinstance(verdict, Refused):
            return self._on_refused(slot, verdict)
        self.end(slot)  # it may be up, and out of reach
        self._failed_starts += 1
        if self.up or not self.gave_up:
            return None
        return (
            f"No worker can be started; the last one says: {verdict.reason}\n"
            "Look at 'ray status' and at the node's logs."
        )

    def _on_refused(self, slot: Slot, refused: Refused) -> str | None:
        """Do without a node that joined later, if there are others; else nobody works any more."""
        self.end(slot)
        if refused.late and self.up:
            self.look_around()
            return None
        self.refusal = refused.reason
        return self.refusal

    def least_loaded(self, depth: int) -> Slot | None:
        """Return the worker with the shortest queue if that is below `depth`."""
        free = (slot for slot in self.slots if slot.up and slot.asked_at is None and not (slot.outrun or slot.lends))
        slot = min(free, key=lambda slot: len(slot.queue), default=None)
        return slot if slot and len(slot.queue) < depth else None

    def idle(self) -> list[Slot]:
        """Return the workers that have nothing to do."""
        return [slot for slot in self.slots if slot.up and not slot.queue and not slot.lends]

    def unaware(self, released: Sequence[str]) -> list[Slot]:
        """Return the idle workers that were not told to forget all of these: what they hold stays in the store."""
        return [slot for slot in self.idle() if slot.dropped < len(released)]

    def spare(self) -> list[Slot]:
        """Return the idle workers for which nothing is being taken back from another."""
        since = time.monotonic() - ANSWER_S
        coming = sum(slot.asked_at is not None and slot.asked_at > since for slot in self.slots)
        return self.idle()[coming:]

    def end(self, slot: Slot) -> None:
        """End a worker."""
        self.slots.remove(slot)
        if slot.remote is not None:
            slot.remote.kill()

    def _report(self) -> None:
        state = (self.up, self.wanted, self.nodes)
        if state != self._reported:
            self._reported = state
            self.most_up = Most(max(self.most_up.workers, self.up), max(self.most_up.nodes, self.nodes))
            self._sink(WorkersChanged(up=self.up, wanted=self.wanted, nodes=self.nodes))
