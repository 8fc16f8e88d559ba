"""A task that runs alone gets the CPUs of the idle workers beside its own.

    Task(lone=True) -> nothing else is in the pool, and no worker is about to come up (`Workers.due`)
        -> the node with the most idle workers: one of them runs the task, with its own CPUs and those of the others
        -> the others get nothing to do until that one has answered, or is gone

A loan needs no end of its own: it is over when its borrower does not hold the entry any more, however that came. So
threads are never more than the CPUs that are ours and idle: OpenMP's, which spin where they wait, take many times as
long beside a process that is busy.

A task that comes while others are in the pool is not alone, also once they are done: programs that fit in several
threads would wait for each other's loans, fit by fit.
"""

from __future__ import annotations

import math
import time
from collections import defaultdict
from typing import TYPE_CHECKING

from raysk.pool.assignment import Loan
from raysk.pool.task import NOTHING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from raysk.pool.assignment import Entry, Slot
    from raysk.pool.workers import Workers


def places(crew: Workers) -> list[Slot]:
    """Return the worker that should run a task that is alone, and those that lend it their CPUs; none if it must wait.

    A worker that is about to come up is waited for.
    """
    return [] if time.monotonic() < crew.due() else _party(crew.slots)


def look_at(crew: Workers) -> float:
    """Return when it must wait no more for workers, as a time of `time.monotonic`; infinity if it does not."""
    due = crew.due()
    return due if due > time.monotonic() else math.inf


def _party(slots: Iterable[Slot]) -> list[Slot]:
    """Return the idle workers of the node that has the most of them."""
    nodes: defaultdict[str | None, list[Slot]] = defaultdict(list)
    for slot in slots:
        if slot.up and slot.asked_at is None and not slot.lends and all(entry.task is NOTHING for entry in slot.queue):
            nodes[slot.node].append(slot)
    return max(nodes.values(), key=len, default=[])


def lend(lenders: Iterable[Slot], borrower: Slot, entry: Entry) -> None:
    """Take note that these workers are idle for an entry's sake."""
    loan = Loan(borrower, entry)
    for slot in lenders:
        slot.loan = loan
