"""How far a worker is with a task that has units.

Shared by the worker's two threads: one runs the task, the other is asked for news of it. What was told as news is
not in the reply; after it was told, no other unit is begun.

    run    unit 0, 1, 2 . . . . . . . . . . .        -> reply: value 2, told 2; the units after it were not begun
    news              -> values 0 and 1
"""

from __future__ import annotations

import math
import threading
import time
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence


class Progress:
    """Values of the units that are done and not told of yet.

    Parameters
    ----------
    key : int
        Number of the task.
    units : sequence
    patience_s : float or None
        After this many seconds no other unit is begun. None means never.
    """

    def __init__(self, key: int, units: Sequence[Any], patience_s: float | None) -> None:
        self.key, self._units = key, units
        self._patience_s = math.inf if patience_s is None else patience_s
        self._lock = threading.Lock()
        self._values: list[Any] = []
        self.since = time.perf_counter()  # when the running unit was begun
        self.told = 0
        self._asked = self._ended = False

    def collect(self, function: Callable[[Sequence[Any]], Iterable[Any]]) -> list[Any]:
        """Run the units that nobody was told of; returns their values, at least one, so that work goes on.

        After a failure it may be called again.
        """
        with self._lock:
            self._values = []
        deadline = time.perf_counter() + self._patience_s
        for value in function(self._units[self.told :]):
            with self._lock:
                self._values.append(value)
                self.since = time.perf_counter()
                whole = self.told + len(self._values) == len(self._units)
                self._ended = whole or self._asked or self.since > deadline
            if self._ended:
                break
        return self._values

    def tell(self) -> list[Any] | None:
        """Return the values so far, which may be none, or None if the reply is on its way and has them all."""
        with self._lock:
            if self._ended:
                return None
            self._asked = True
            values, self._values = self._values, []
            self.told += len(values)
            return values
