"""The workers as the pool sees them: asked for, up, lost, replaced."""

from __future__ import annotations

import functools
import math
import time
from typing import TYPE_CHECKING, NamedTuple

from raysk.events import WorkersChanged
from raysk.pool.admission import Refused
from raysk.pool.assignment import Slot
from raysk.pool.by_node import ByNode
from raysk.pool.reply import Gone

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Sequence

    from raysk.events import Sink
    from raysk.pool.launcher import Hello, Launcher

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


class Peak(NamedTuple):
    """The most of a job's workers that were up at a time, and the most nodes that had one."""

    workers: int
    nodes: int


class Workers:
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
        self.most_up = Peak(0, 0)
        self.slots: list[Slot] = []
        self.by_node = ByNode(launcher.admission.addresses)
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

    def least_loaded(self, depth: int, near: Hashable = None) -> Slot | None:
        """Return the worker with the shortest queue if that is below `depth`; of several the one of this name."""
        free = (slot for slot in self.slots if slot.up and slot.asked_at is None and not (slot.outrun or slot.lends))
        slot = min(free, key=lambda slot: (len(slot.queue), slot.name != near), default=None)
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
            self.most_up = Peak(max(self.most_up.workers, self.up), max(self.most_up.nodes, self.nodes))
            look = functools.partial(self.by_node.look, self.slots)
            self._sink(WorkersChanged(up=self.up, wanted=self.wanted, nodes=self.nodes, by_node=look))
