"""What the pool knows of workers, wherever they run: two protocols, so that its rules are tested without Ray."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from raysk.pool.admission import Admission
    from raysk.pool.reply import Gone, Reply
    from raysk.pool.shared import Shared

Hello: TypeAlias = "Mapping[str, Any]"
"""What `raysk.pool.ray.worker.Worker.hello` returns."""


class RemoteWorker(Protocol):
    """One worker process, wherever it runs."""

    def call(
        self,
        message: bytes,
        refs: Mapping[str, Any],
        drop: Sequence[str],
        done: Callable[[Reply | Gone | None], None],
        lenders: int = 0,
    ) -> None:
        """Ask for a task; `done` is called once, from any thread, with the reply or the news of the end.

        With None if the task was withdrawn. So many other workers lend it their CPUs.
        """

    def news(self, key: int, done: Callable[[Reply | Gone | None], None]) -> None:
        """Ask what is done of a task with units; `done` is called once, from any thread; see `Worker.news`."""

    def withdraw(self, keys: Sequence[int], done: Callable[[list[int] | Gone], None]) -> None:
        """Take tasks back that are not begun; `done` is called once, from any thread; see `Worker.withdraw`."""

    def kill(self) -> None:
        """End the process now."""


class Launcher(Protocol):
    """Starts workers and keeps shared objects; `admission` says which workers may join."""

    admission: Admission

    def launch(self, up: Callable[[Hello | Gone], None]) -> RemoteWorker:
        """Ask for a worker; `up` is called once, with what it says when it is up, or with why it is not."""

    def slots(self) -> int:
        """Return how many workers the cluster has room for in all; raises when the cluster is lost. Never waits."""

    def put(self, value: Any) -> Shared:
        """Make an object ready to be shared: put it in the store, if it is not small."""
