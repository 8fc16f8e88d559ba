"""How the program ends after its clusters: in order, or at once where nobody should wait for Ray.

a cluster that is left        it is closed in the background, while the program goes on; the end waits for that
a Ray that is half started    nobody waits for it: it ends with the program, which ends without ceremony
a head that has gone          the same
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

_closing: list[threading.Thread] = []
_at_once = threading.Event()


def close_in_background(close: Callable[[], None]) -> None:
    """Close a cluster while the program goes on."""
    thread = threading.Thread(target=close, name="raysk-leave")
    _closing.append(thread)
    thread.start()


def end_at_once() -> None:
    """Let the program end without ceremony: something of Ray's is left that would be waited for."""
    _at_once.set()


def wait() -> None:
    """Wait until the clusters that were left are closed. May be called again."""
    while _closing:
        _closing.pop().join()


def leave() -> bool:
    """Wait until all clusters are closed; returns whether the program should then end at once, without ceremony."""
    wait()
    return _at_once.is_set()
