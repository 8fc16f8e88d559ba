"""The pool as its callers see it, and the one thread that runs its rules.

    callers             collector thread (owns all state)              workers
    submit(task) ------> inbox -> pending -> least loaded ------------> run, reply
    future <------------ result | error | lost | cancelled <---------- reply, or the worker is gone

`raysk.pool.dispatch` decides which worker gets a task, and what happens to the tasks of a lost worker.

Invariant: every submitted task completes its future exactly once - result, error, or cancelled - also when its
worker or node dies. Every event goes into one inbox and is handled by one thread, so no lock is needed.
Callers only put events into the inbox.
"""

from __future__ import annotations

import contextlib
import queue
import threading
import time
from typing import TYPE_CHECKING, Any

from raysk.events import null_sink
from raysk.pool.assignment import Entry
from raysk.pool.dispatch import Dispatcher
from raysk.pool.shared import translate_pickling_errors

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from concurrent.futures import Future

    from raysk.events import Sink
    from raysk.pool.launcher import Launcher
    from raysk.pool.shared import Shared
    from raysk.pool.task import Task
    from raysk.pool.workers import Peak


class Pool:
    """One warm worker process per CPU slot.

    Parameters
    ----------
    launcher : Launcher
        Starts workers; see `raysk.pool.launcher`.
    workers : int or None
        Number of workers; None means as many as the cluster has room for, even when the cluster grows or shrinks.
    sink : callable
        Takes events.
    here : bool
        Whether its workers are, and will be, on this machine.
    """

    def __init__(
        self, launcher: Launcher, *, workers: int | None = None, sink: Sink = null_sink, here: bool = False
    ) -> None:
        self._launcher, self.sink, self.here = launcher, sink, here
        self._inbox: queue.SimpleQueue[tuple[Callable[..., None], tuple[Any, ...]]] = queue.SimpleQueue()
        self._dispatcher = Dispatcher(launcher, workers, self._post, sink)
        self._thread = threading.Thread(target=self._collect, name="raysk-pool", daemon=True)
        self._thread.start()

    # ------------------------------------------------------------------ what callers call, from any thread

    def submit(self, task: Task) -> Future[Any]:
        """Hand in a task.

        Returns
        -------
        future : concurrent.futures.Future
            Its result is what the function returned; with units, a `Block`, where a `TaskLost` stands for a unit that
            kept killing its worker. Fails with what the function raised, with `TaskLost` when there are no units,
            with `ClusterError` when no worker can be started, or is cancelled.

        Raises
        ------
        Unpicklable
        """
        with translate_pickling_errors():
            entry = Entry.of(task, task.units)
        self._post(self._dispatcher.on_submit, entry)
        return entry.future

    def share(self, value: Any) -> Shared:
        """Send an object once to whoever needs it, for use in any number of tasks; raises `Unpicklable`."""
        with translate_pickling_errors():
            return self._launcher.put(value)

    def release(self, shared: Iterable[Shared], *, now: bool = False) -> None:
        """Let workers forget shared objects: with their next task, or when idle at the next tick, or now."""
        self._post(self._dispatcher.released.extend, [each.key for each in shared])
        if now:
            self._post(self._dispatcher.forget_now)

    def cancel(self, futures: Iterable[Future[Any]]) -> None:
        """Cancel tasks; a worker that runs one is ended and replaced."""
        self._post(self._dispatcher.cancel, list(futures))

    def close(self) -> None:
        """End all workers; every task that is not done is cancelled. May be called twice."""
        self._post(self._dispatcher.close)
        if threading.current_thread() is not self._thread:
            self._thread.join()

    @property
    def wanted(self) -> int:
        """Number of workers that the pool aims for."""
        return self._dispatcher.crew.wanted

    @property
    def up(self) -> int:
        """Number of workers that are up."""
        return self._dispatcher.crew.up

    @property
    def cpu_s(self) -> float:
        """CPU time that the workers have spent on tasks, in seconds."""
        return self._dispatcher.cpu_s

    @property
    def alone(self) -> Sequence[tuple[Any, float]]:
        """The units that workers run on their own, and since when; see `raysk.pool.stragglers.alone`."""
        return self._dispatcher.alone

    @property
    def most_up(self) -> Peak:
        """The most workers, and the most nodes that had one, up at a time."""
        return self._dispatcher.crew.most_up

    def room(self) -> int:
        """Return how many tasks keep every worker busy: those that run and those that wait in their queues."""
        return max(self.up, self.wanted) * self._dispatcher.pace.depth(all_up=self._dispatcher.crew.all_up)

    def _post(self, handle: Callable[..., None], *args: Any) -> None:
        self._inbox.put((handle, args))
        if not self._dispatcher.open:  # the thread may have looked into the inbox for the last time
            self._drain()

    # ------------------------------------------------------------------ the collector thread: everything below

    def _collect(self) -> None:
        try:
            while self._dispatcher.open:
                self._step()
        except Exception as error:  # noqa: BLE001 - whatever ends this thread must not leave a caller waiting
            self._dispatcher.open = False
            self._dispatcher.fail_all(f"The cluster was lost: {error}")
        finally:
            self._dispatcher.close()
            self._drain()

    def _step(self) -> None:
        """Handle one event, or none if no event arrives in time; then do what is due."""
        with contextlib.suppress(queue.Empty):
            handle, args = self._inbox.get(timeout=max(self._dispatcher.next_check() - time.monotonic(), 0))
            handle(*args)
        if self._dispatcher.open:
            self._dispatcher.act()

    def _drain(self) -> None:
        """Cancel tasks that were submitted after the pool was closed."""
        with contextlib.suppress(queue.Empty):
            while True:
                handle, args = self._inbox.get_nowait()
                if handle == self._dispatcher.on_submit:
                    args[0].cancel()
