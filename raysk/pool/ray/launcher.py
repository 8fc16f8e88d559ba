"""Starts workers as Ray actors, calls them, hears of their end; keeps shared objects in Ray's store."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

from raysk._compat import ray as ray_private
from raysk.errors import ClusterError
from raysk.pool.ray.head import connected_ray
from raysk.pool.ray.worker import Worker
from raysk.pool.reply import Gone, Reply
from raysk.pool.shared import Shared, contents, large, small
from raysk.util import sibling_imports

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from raysk.pool.admission import Admission
    from raysk.pool.launcher import Hello, RemoteWorker
    from raysk.pool.ray.head import Head
    from raysk.pool.ray.reservation import Reservation
    from raysk.pool.reply import Message

# What every job imports on its workers anyway: doing so while the worker starts overlaps it with the rest.
PRELOAD = ("sklearn.model_selection", "sklearn.ensemble", "joblib", "threadpoolctl")

NEWS = "news"
"""The group of calls that Ray runs beside a worker's tasks, which it runs in the order they were sent."""

RESERVE_S = 30
"""How long reserving whole nodes may take, in seconds."""


class RayLauncher:
    """Workers as Ray actors that reserve what they need and are spread over the nodes.

    Parameters
    ----------
    head : Head
    need : Need
        What each worker reserves.
    nodes : int or None
        How many nodes get workers; None means all, also those that join later.
    admission : Admission
        Which of them may join.

    Raises
    ------
    ClusterError
        If there are fewer nodes.
    """

    def __init__(self, head: Head, need: Reservation, nodes: int | None, admission: Admission) -> None:
        import ray

        self._head, self._need = head, need
        self.admission = admission
        self._folders = sibling_imports.program_folders()
        self._keys = itertools.count()
        self._fixed_slots: int | None = None
        self._usually: Any = "SPREAD"
        if nodes is not None:
            self._usually, self._fixed_slots = self._some(nodes)
        # No restarts by Ray: the pool counts what each task has cost and replaces workers itself.
        self._options = need.options() | {"max_restarts": 0, "max_task_retries": 0, "enable_task_events": False}
        self._actor = ray.remote(concurrency_groups={NEWS: 1})(Worker)

    def _some(self, nodes: int) -> tuple[Any, int]:
        """Reserve all CPUs of so many nodes; returns how to get at them, and how many workers they hold."""
        from ray.util import placement_group
        from ray.util.scheduling_strategies import PlacementGroupSchedulingStrategy

        every = sorted((self._need.room(node) for node in self._head.nodes()), reverse=True)
        rooms = [room for room in every if room]
        if len(rooms) < nodes:
            raise ClusterError(f"--nodes {nodes}: this cluster has {len(rooms)} with CPUs for a worker.")
        group = placement_group([self._need.bundle(room) for room in rooms[:nodes]], strategy="STRICT_SPREAD")
        if not group.wait(RESERVE_S):
            raise ClusterError(f"--nodes {nodes}: the CPUs of so many nodes were not free within {RESERVE_S} s.")
        strategy = PlacementGroupSchedulingStrategy(group)
        return strategy, sum(rooms[:nodes])

    def launch(self, up: Callable[[Hello | Gone], None]) -> RemoteWorker:
        """See `Launcher.launch`."""
        connected_ray()
        actor = self._actor.options(scheduling_strategy=self._where(), **self._options)
        worker = _RayWorker(self._head, actor.remote(self._need.cpus, PRELOAD, self._folders))
        _when_done(worker.actor.hello.remote(), up)
        return worker

    def _where(self) -> Any:
        """Return where Ray should put a worker: anywhere but on nodes that were left out."""
        left_out = self.admission.left_out
        if not left_out:
            return self._usually
        from ray.util.scheduling_strategies import NodeLabelSchedulingStrategy, NotIn

        # Every node has its id as a label, whose name is not the same in all versions of Ray.
        labels = (
            (name, value, node["NodeID"]) for node in self._head.nodes() for name, value in node["Labels"].items()
        )
        label = next(name for name, value, node in labels if value == node)
        return NodeLabelSchedulingStrategy({label: NotIn(*left_out)})

    def slots(self) -> int:
        """See `Launcher.slots`."""
        nodes = self._head.nodes()
        if not nodes:
            raise ClusterError("none of its machines answers any more.")
        if self._fixed_slots is not None:
            return self._fixed_slots
        usable = [node for node in nodes if node["NodeID"] not in self.admission.left_out]
        return sum(self._need.room(node) for node in usable)

    def put(self, value: Any) -> Shared:
        """See `Launcher.put`."""
        parts = contents(value)
        return Shared(f"shared-{next(self._keys)}", small(parts) or connected_ray().put(large(parts)))


class _RayWorker:
    def __init__(self, head: Head, actor: Any) -> None:
        self._head, self.actor = head, actor

    def call(
        self,
        message: bytes,
        refs: Mapping[str, Any],
        drop: Sequence[str],
        done: Callable[[Reply | Gone | None], None],
        lenders: int = 0,
    ) -> None:
        # Bytes pass through Ray as they are, both ways; every other argument costs the driver about 0.05 ms to pickle.
        news = (refs, drop, lenders) if refs or drop or lenders else ()
        _when_done(self.actor.run.remote(message, *news), lambda answer: done(_read(answer)))

    def news(self, key: int, done: Callable[[Reply | Gone | None], None]) -> None:
        ref = self.actor.news.options(concurrency_group=NEWS).remote(key)
        _when_done(ref, lambda answer: done(_read(answer)))

    def withdraw(self, keys: Sequence[int], done: Callable[[list[int] | Gone], None]) -> None:
        _when_done(self.actor.withdraw.options(concurrency_group=NEWS).remote(keys), done)

    def kill(self) -> None:
        # Of one that is not up Ray waits until the head knows it.
        self._head.tell(lambda: connected_ray().kill(self.actor))


def _read(answer: Message | Gone | None) -> Reply | Gone | None:
    return answer if answer is None or isinstance(answer, Gone) else Reply.of(answer)


def _when_done(ref: Any, done: Callable[[Any], None]) -> None:
    """Call `done` with the value of a Ray reference, or with `Gone`, from one of Ray's threads."""

    def report(future: Any) -> None:
        error = future.exception()
        done(future.result() if error is None else Gone(_reason(error)))

    ref.future().add_done_callback(report)


def _reason(error: BaseException) -> str:
    """Say in one line why a worker is gone."""
    from ray import exceptions

    if isinstance(error, exceptions.ActorUnschedulableError):
        return f"no node can take it: {error}".splitlines()[0]
    if ray_private.is_out_of_memory(error):
        return "its node ran out of memory"
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    if ray_private.is_failed_start(error):
        return f"it failed to start: {lines[-1]}"
    return "its process died" if isinstance(error, exceptions.RayActorError) else lines[0]
