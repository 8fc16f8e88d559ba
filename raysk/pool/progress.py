"""How far a worker is with its tasks, and with the units of one.

Shared by the worker's two threads: one runs the tasks, the other is asked for news of them. After news were told no
other unit is begun. The reply repeats what was told, so that each answer is whole without the other, whichever comes
first.

    run    unit 0, 1, 2 . . . . . . . . . . .        -> reply: values 0, 1 and 2; the units after it were not begun
    news              -> values 0 and 1

    run       task 7 . . . . . . . . . . .   task 8 is passed over
    withdraw            7 and 8 -> only 8 was not begun
"""

from __future__ import annotations

import math
import threading
import time
from collections import deque
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence


REMEMBERED = 16
"""How many of the tasks begun last a worker knows: more than it can be sent while it is asked for some of them."""


class Turns:
    """Which tasks were begun, and which are passed over when their turn comes."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._begun: deque[int] = deque(maxlen=REMEMBERED)
        self._withdrawn: set[int] = set()

    def begin(self, key: int) -> bool:
        """Tell whether the task with this number is to be run, now that its turn has come."""
        with self._lock:
            if key in self._withdrawn:
                self._withdrawn.remove(key)
                return False
            self._begun.append(key)
            return True

    def withdraw(self, keys: Iterable[int]) -> list[int]:
        """Return those of the tasks that were not begun; they will not be."""
        with self._lock:
            found = [key for key in keys if key not in self._begun]
            self._withdrawn.update(found)
            return found


class Progress:
    """Values of the units that are done.

    Parameters
    ----------
    key : int
        Number of the task.
    patience_s : float or None
        After this many seconds no other unit is begun. None means never.
    """

    def __init__(self, key: int, patience_s: float | None) -> None:
        self.key = key
        self._patience_s = math.inf if patience_s is None else patience_s
        self._lock = threading.Lock()
        self._values: list[Any] = []
        self.since = time.perf_counter()  # when the running unit was begun
        self._told = 0
        self._asked = self._ended = False

    def collect(self, function: Callable[[Sequence[Any]], Iterable[Any]], units: Sequence[Any]) -> list[Any]:
        """Run the units; returns the values of those that are done, one more than was told at least: work goes on.

        After a failure it may be called again, with the same units or copies: what was told of is not run again.
        """
        with self._lock:
            del self._values[self._told :]
        deadline = time.perf_counter() + self._patience_s
        for value in function(units[self._told :]):
            with self._lock:
                self._values.append(value)
                self.since = time.perf_counter()
                whole = len(self._values) == len(units)
                self._ended = whole or self._asked or self.since > deadline
            if self._ended:
                break
        return self._values

    def tell(self) -> list[Any] | None:
        """Return the values so far, which may be none, or None if the reply is on its way."""
        with self._lock:
            if self._ended:
                return None
            self._asked = True
            self._told = len(self._values)
            return list(self._values)
