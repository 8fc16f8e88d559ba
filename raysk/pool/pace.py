"""How long tasks take, and so how many of them a worker should have."""

from __future__ import annotations

PREFETCH_BELOW_S = 1.2
"""A worker gets a second task to wait in its queue when tasks are shorter than this, in seconds: between two
messages a worker waits some milliseconds, more where the driver is busy; a task queued behind a long one waits for
nothing. `raysk.pool.stream` cuts its messages to less than this."""

FADE = 0.8
"""How much of what was known about a task's time stays when another one is heard of."""


class Pace:
    """What is known of how long tasks take.

    Attributes
    ----------
    task_s : float or None
        What one takes on its worker, in seconds; None while that is not known.
    """

    def __init__(self) -> None:
        self.task_s: float | None = None

    def learn(self, wall_s: float) -> None:
        """Hear how long a task has taken, in seconds."""
        self.task_s = wall_s if self.task_s is None else FADE * self.task_s + (1 - FADE) * wall_s

    def depth(self, *, all_up: bool) -> int:
        """Return how many tasks a worker should have; `all_up` if no worker is still to come."""
        short = self.task_s is not None and self.task_s < PREFETCH_BELOW_S
        # Not while a worker is still to come: it would stand idle, and what waits behind a task stays there.
        return 2 if short and all_up else 1
