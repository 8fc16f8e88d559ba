"""What takes long: asked for news, not waited for, started a second time, or ended.

a message past its patience       its worker tells what is done; the unit that goes on becomes an entry of its own
an entry, and a worker is idle    what waits behind it is taken back, unless it is begun, for the idle worker
an entry, and one is still idle   it is started there too; the first that ends counts. A message first has the time
                                  to be asked for news: two workers at one long unit keep what follows it waiting
a unit past its limit             it is given up with its worker
"""

from __future__ import annotations

import itertools
import math
import time
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable

    from raysk.pool.assignment import Entry, Slot

SECOND_START_S = 1.0
"""A task is started a second time on an idle worker once it has taken this long and three times the usual."""


TAKE_BACK_S = 0.1
"""An idle worker gets what waits behind a task that has taken this long; most are over before it could be asked for."""


def running(slots: Iterable[Slot]) -> list[tuple[Slot, Entry]]:
    """Return the workers that run something, and what."""
    return [(slot, slot.queue[0]) for slot in slots if slot.queue]


def alone(slots: Iterable[Slot]) -> list[tuple[Any, float]]:
    """Return the units that workers run on their own, and since when, as times of `time.monotonic`."""
    entries = ((entry, slot.began_at) for slot, entry in running(slots) if entry.size == 1)
    return [(entry.units[0], since) for entry, since in entries if entry.units and math.isfinite(since)]


def look_at(slots: Iterable[Slot]) -> float:
    """Return when one of the workers is to be asked or ended, as a time of `time.monotonic`; infinity means never."""
    times = ((ask_at(slot, entry), give_up_at(slot, entry)) for slot, entry in running(slots))
    return min(itertools.chain(*times), default=math.inf)


def ask_at(slot: Slot, entry: Entry) -> float:
    """Return when to ask a worker for news of what it runs, as a time of `time.monotonic`; infinity means never.

    Not of one unit, and not where another worker runs the same.
    """
    patience_s, limit_s = entry.task.patience_s, entry.task.limit_s
    if patience_s is None or entry.size == 1 or len(entry.holders) > 1:
        return math.inf
    if limit_s is not None:
        patience_s = min(patience_s, limit_s / 2)
    return max(slot.began_at, entry.asked_at) + patience_s


def give_up_at(slot: Slot, entry: Entry) -> float:
    """Return when to end a worker with what it runs, as a time of `time.monotonic`; infinity means never.

    Of several units one is known to be past the limit only by the news: without any, as from code that lets no
    other thread run, it is past twice the limit.
    """
    limit_s = entry.task.limit_s
    if limit_s is None:
        return math.inf
    return slot.began_at + (limit_s if entry.size == 1 else 2 * limit_s)


def take_back_at(slot: Slot) -> float:
    """Return when a worker may be asked for what waits in its queue, as a time of `time.monotonic`.

    Infinity means never: where nothing waits, or it is asked already.
    """
    if len(slot.queue) < 2 or slot.asked_at is not None:  # noqa: PLR2004 - the first is running
        return math.inf
    return _since(slot) + TAKE_BACK_S


def in_the_way(slots: Iterable[Slot]) -> list[Slot]:
    """Return the workers that may be asked now for what waits in their queues, by how long that has waited."""
    now = time.monotonic()
    return sorted((slot for slot in slots if take_back_at(slot) <= now), key=_since)


def help_at(slots: Iterable[Slot], entries: Iterable[Entry], usual_s: float | None) -> float:
    """Return when an idle worker may get something to do, as a time of `time.monotonic`; infinity means never."""
    times = itertools.chain(map(take_back_at, slots), (again_at(entry, usual_s) for entry in entries))
    return min(times, default=math.inf)


def _since(slot: Slot) -> float:
    """Return since when what waits in a queue has waited for the first, also while its data is loaded."""
    return slot.began_at if math.isfinite(slot.began_at) else slot.queue[0].sent_at


def again_at(entry: Entry, usual_s: float | None) -> float:
    """Return when an entry may be started a second time, as a time of `time.monotonic`; infinity means never.

    One that waits behind another, when that one may.
    """
    if usual_s is None or not entry.task.repeatable or len(entry.holders) != 1:
        return math.inf
    began_at = entry.holders[0].began_at
    since = max(_running_before(entry).sent_at, began_at if math.isfinite(began_at) else 0.0)
    return since + SECOND_START_S + 3 * usual_s


def _running_before(entry: Entry) -> Entry:
    """Return what the worker of an entry runs: that entry, or the one it waits behind."""
    return entry.holders[0].queue[0]


def late(entries: Iterable[Entry], usual_s: float | None) -> list[Entry]:
    """Return the entries that may be started a second time now: those that wait behind another first, then by age."""
    now = time.monotonic()
    overdue = [entry for entry in entries if again_at(entry, usual_s) <= now]
    return sorted(overdue, key=lambda entry: (_running_before(entry) is entry, entry.sent_at))
