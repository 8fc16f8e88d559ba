"""Many small units, cut into messages of the right size.

Units leave for the workers in messages that take about TARGET_S there: long enough to hide the message, short
enough to hear of results soon. Towards the end messages shrink, so that all workers finish together. A worker that
met expensive units hands back those it has not begun, if the task says so (`patience_s`). Which units are next is for
`raysk.pool.backlog` to say.
"""

from __future__ import annotations

import math
import queue
import time
from collections import deque
from concurrent.futures import wait
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from raysk.pool.backlog import Backlog, Pieces

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable, Iterator, Sequence
    from concurrent.futures import Future

    from raysk.pool.pool import Pool
    from raysk.pool.task import Block, Task

TARGET_S = 0.8
"""How long a message should keep a worker busy, in seconds. A message costs the driver 0.5 to 1.5 ms of CPU time
whatever is in it, most of it in Ray: longer ones make a fit cheaper; shorter ones bring results, and the balance
between workers, sooner. A finished fit should be heard of within a second."""

SHARES = 2
"""A message holds at most one part in so many of a worker's share of what is left: two messages are at each worker,
and the last ones should be short. Twice as many would double the messages at the end."""

LEAST_S = 0.04
"""Messages do not shrink below this at the end, in seconds: a shorter one costs more than the balance it brings."""

FADE = 0.8
"""How much of what was known about a unit's time stays when another block is heard of: candidates that are tried
in order often get dearer or cheaper along the way."""

TICK_S = 1.0
"""How long to wait for a block before looking for workers that came meanwhile, in seconds."""

GRACE_S = 0.5
"""How long tasks that run beside one that failed may take to end, in seconds. What is wrong with the data they find
out within milliseconds, and a worker that is ended in the middle of a task is missing for seconds; for longer the
person should not wait for the error."""


def stream(pool: Pool, task: Task, units: Sequence[Any] | Backlog, *, until: float | None = None) -> Iterator[Block]:
    """Run a task's function over all units and yield blocks of values as they are done, in any order.

    Parameters
    ----------
    pool : Pool
    task : Task
        What to run; its `units` are filled in here.
    units : sequence or Backlog
        A sequence must support slicing. A backlog may have more units, or fewer, after each block.
    until : float or None
        When to end though not all is done, as a time of `time.monotonic`: what runs then is cancelled, and what would
        hardly be done by then is not begun. None means never.

    Raises
    ------
    Exception
        What the function raised first; all that was handed out is cancelled then, as it is when the caller
        stops iterating.
    """
    work = _Work(units if isinstance(units, Backlog) else Pieces(units))
    done: queue.SimpleQueue[Future[Block]] = queue.SimpleQueue()
    flying: dict[Future[Block], Sequence[Any]] = {}
    # the workers that have answered, and were given nothing since; at first those that the backlog has units for
    free: deque[Hashable] = deque(getattr(units, "workers", ()))

    def fly(future: Future[Block], part: Sequence[Any]) -> None:
        flying[future] = part
        future.add_done_callback(done.put)

    try:
        while work.left or flying:
            left_s = math.inf if until is None else until - time.monotonic()
            while work.left and work.unit_s < left_s and len(flying) < pool.room() + 1:
                near = free.popleft() if free else None
                part = work.take(workers=max(pool.up, pool.wanted), near=near)
                fly(pool.submit(replace(task, units=part, near=near)), part)
            if not flying:
                return
            try:
                future = done.get(timeout=max(min(TICK_S, left_s), 0))  # what is there comes also when time is over
            except queue.Empty:
                if left_s <= 0:
                    return
                continue  # look at the room again: workers may have come
            part = flying.pop(future)
            block = _result(future, flying)
            done_units = len(block.units)
            if block.going_on is not None:
                fly(block.going_on, part[done_units : done_units + 1])
                done_units += 1
            else:
                free.append(block.worker)
            work.learn(block, part[done_units:])
            if block.values:
                yield block
    finally:
        pool.cancel(flying)


def _result(future: Future[Block], others: Iterable[Future[Block]]) -> Block:
    """Return a block, or raise what its task raised when the others had the time to end too."""
    try:
        return future.result()
    except Exception:
        wait(others, timeout=GRACE_S)
        raise


class _Work:
    """The units not handed out yet, and what is known of how long one takes."""

    def __init__(self, backlog: Backlog) -> None:
        self._backlog = backlog
        self._heard_units = 0.0
        self._heard_s = 0.0

    @property
    def left(self) -> int:
        """How many units may be handed out now."""
        return self._backlog.left

    @property
    def unit_s(self) -> float:
        """What a unit takes, in seconds, as far as is known."""
        return self._heard_s / self._heard_units if self._heard_units else 0.0

    def take(self, workers: int, near: Hashable) -> Sequence[Any]:
        """Return the next message's units, probably for the worker of this name."""
        return self._backlog.take(self._size(workers), near)

    def learn(self, block: Block, rest: Sequence[Any]) -> None:
        """Put units back that a worker did not begin, and learn how long the others took."""
        self._backlog.put_back(rest)
        self._heard_units = FADE * self._heard_units + len(block.units)
        self._heard_s = FADE * self._heard_s + block.wall_s

    def _size(self, workers: int) -> int:
        if not self._heard_units:
            return 1
        unit_s = max(self.unit_s, 1e-7)
        fair = self.left / (SHARES * workers)
        return max(1, int(min(TARGET_S / unit_s, max(fair, LEAST_S / unit_s))))
