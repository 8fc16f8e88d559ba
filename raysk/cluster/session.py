"""The one call of ``ray.init``, for as long as the connection lives."""

from __future__ import annotations

import atexit
import contextlib
import queue
import threading
from typing import Any

from raysk._compat import ray as ray_private
from raysk.cluster import connection_errors, leaving
from raysk.errors import ClusterError

JOIN_S = 30.0
"""How long joining a cluster that accepts connections may take, in seconds; it takes 1-3 s."""


class Session:
    """Calls ``ray.init`` in a thread of its own, which lives as long as the connection.

    Of its own, because ``ray.init`` may try for minutes, and in the main thread would replace our SIGTERM handler.
    As long, because the kernel ends Ray's processes with the *thread* that started them.
    """

    def __init__(self, address: str | None, options: dict[str, Any]) -> None:
        self._options = options
        self._answer: queue.SimpleQueue[BaseException | None] = queue.SimpleQueue()
        self._over = threading.Event()
        threading.Thread(target=self._run, name="raysk-init", daemon=True).start()
        try:
            error = self._answer.get(timeout=None if address is None else JOIN_S)
        except queue.Empty:
            reason = f"it did not let us in within {JOIN_S:g} s"
            raise ClusterError(connection_errors.nothing_there(str(address), reason)) from None
        if error is not None:
            raise ClusterError(connection_errors.why(address, error)) from error

    def _run(self) -> None:
        import ray

        try:
            ray.init(**self._options)
        except BaseException as error:  # noqa: BLE001 - raised in the thread that waits for the answer
            with contextlib.suppress(Exception):  # it may have come any way, or nowhere
                ray.shutdown()
            self._answer.put(error)
        else:
            self._answer.put(None)
            self._over.wait()

    def shutdown(self) -> None:
        """Leave the cluster; a private Ray stops."""
        import ray

        ray.shutdown()
        self._over.set()

    def abandon(self) -> None:
        """Leave Ray to itself; the program's end does not wait for the head either."""
        import ray

        leaving.end_at_once()
        atexit.unregister(ray.shutdown)
        atexit.register(ray_private.let_go_of_ray)  # for those whose program does not end as ours
