"""Connect to a Ray cluster, or start a private Ray on this machine, and open a pool of workers there.

A private Ray listens on loopback, asks for a random token, keeps its files in a private temporary folder, and is
gone when the program is: its processes are tied to ours by the kernel, the folder is removed at the end.
"""

from __future__ import annotations

import atexit
import concurrent.futures.thread  # noqa: F401 - hooks fork, which must not happen while Ray is started
import os
import sys
import threading
from typing import TYPE_CHECKING, Any

from raysk._compat import ray as ray_private
from raysk.cluster import connection_errors, leaving
from raysk.cluster.address import knock, resolve
from raysk.cluster.private_ray import Private
from raysk.cluster.session import Session
from raysk.errors import ClusterError, UsageError
from raysk.events import ClusterReady, null_sink
from raysk.jobs import Resources
from raysk.util import nested

if TYPE_CHECKING:
    from collections.abc import Iterable
    from types import ModuleType

    from typing_extensions import Self

    from raysk.events import Sink
    from raysk.pool import Pool

LEAVE_S = 3.0
"""How long the head has, in seconds, to say that it is there when we leave; Ray itself would wait for minutes."""

PATIENT = {"RAY_gcs_rpc_server_reconnect_timeout_s": "86400"}
"""Read by Ray when it is imported. By default its library ends the whole program, with exit code 1, when the head has
been silent for 60 s; raysk has its own way of hearing of that, and raises a `ClusterError`: see `pool.ray.head`."""

_open: list[Cluster] = []
_joining = threading.Lock()
"""Held while a connection is made: Ray allows one a program, and cannot be started by two threads at once."""


class Cluster:
    """A Ray cluster with a warm pool of workers; a context manager.

    Parameters
    ----------
    address : str or None
        ``host:port``, ``ray://host:port``, ``auto`` for the cluster running on this machine, ``local`` for a
        private Ray. None looks at RAYSK_ADDRESS and RAY_ADDRESS, and starts a private Ray if neither is set.
    resources : Resources
    sink : callable
        Takes events.
    worker_output : bool
        Whether what workers print is shown, on this process's stdout.
    warm : bool
        Whether workers are started at once, or when the pool is first used.

    Raises
    ------
    ClusterError
        If nothing answers, the cluster refuses us, differs in version, or has no CPU.
    """

    def __init__(
        self,
        address: str | None = None,
        *,
        resources: Resources | None = None,
        sink: Sink = null_sink,
        worker_output: bool = False,
        warm: bool = True,
    ) -> None:
        self.address = resolve(address)
        connection_errors.check_surroundings()
        self.sink = sink
        self.resources = resources or Resources()
        self._closed = False
        self._private: Private | None = None
        self._pool: Pool | None = None
        self._joined: Session | None = None
        leaving.wait()
        with _joining:
            try:
                self._joined = self._join(worker_output=worker_output)
                from raysk.pool.ray.head import connected_head  # not before: they import Ray
                from raysk.pool.ray.reservation import Reservation

                self._head = connected_head()
                self._need = Reservation(cpus=self.resources.cpus_per_fit, memory=self.resources.memory_per_fit)
                self.nodes, self.cpus = self._size()
                sink(ClusterReady(address=self.address, nodes=self.nodes, cpus=self.cpus))
                if warm:
                    self._pool = self._open_pool()
            except BaseException:
                self.close()
                raise
            _open.append(self)
        atexit.register(self.close)  # for those who never close it

    @property
    def pool(self) -> Pool:
        """The warm pool of workers."""
        if nested.in_fork():
            raise ClusterError(nested.NO_CONNECTION)
        if self._closed:
            raise ClusterError("This cluster connection is closed; open another with raysk.connect().")
        self._pool = self._pool or self._open_pool()
        return self._pool

    @property
    def is_private(self) -> bool:
        """Whether Ray was started for this alone, and ends with it."""
        return self._private is not None

    def __repr__(self) -> str:
        where = self.address or "a private Ray on this machine"
        return f"<Cluster: {where}, {'closed' if self._closed else f'{self.nodes} nodes, {self.cpus} CPUs'}>"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End the workers and the connection; a private Ray is stopped. May be called twice."""
        if nested.in_fork():  # all of it is the parent's
            return
        self._closed = True
        atexit.unregister(self.close)
        if self in _open:
            _open.remove(self)
        if self._pool is not None:
            self._pool.close()
            self._pool = None
        if self._joined is not None:
            self._leave(self._joined)
            self._joined = None
        if self._private is not None:
            self._private.remove()
            self._private = None

    def _join(self, *, worker_output: bool) -> Session | None:
        """Connect or start Ray; return None when this process had done so by itself."""
        if _is_connected(self.address):
            return None
        options: dict[str, Any] = {"log_to_driver": worker_output, "logging_level": "ERROR"}
        if self.address is None:
            self._private = Private()  # Ray opens its own folder, inside, to everybody
            options |= {"address": "local", "include_dashboard": False, "_temp_dir": str(self._private.folder / "ray")}
            options |= {"_skip_env_hook": True}  # see `ray_private.ray_settings`: there is no runtime environment
        else:
            for name, value in PATIENT.items():
                os.environ.setdefault(name, value)
            knock(self.address)  # may import Ray
            options |= {"address": self.address}
        private = self._private is not None
        with ray_private.ray_settings(private=private, quiet=not worker_output), ray_private.priority(usual=private):
            return Session(self.address, options)

    def _leave(self, joined: Session) -> None:
        """Leave in order, unless that would have to wait for a head that has gone."""
        if self._private is not None or self._head.answers(LEAVE_S):
            joined.shutdown()
        else:
            joined.abandon()

    def _size(self) -> tuple[int, int]:
        """Return the cluster's nodes and CPUs, if they are enough for one worker, or more may come."""
        nodes = self._head.nodes()
        if self.resources.workers is None:
            self._need.check(nodes)
        return len(nodes), int(sum(node["Resources"].get("CPU", 0) for node in nodes))

    def _open_pool(self) -> Pool:
        from raysk.pool import Pool
        from raysk.pool.admission import Admission
        from raysk.pool.ray.launcher import RayLauncher
        from raysk.pool.ray.pickling import travelling

        travel_by_value(travelling())  # so that nodes need not have it
        wanted = self.resources
        large = [node["NodeID"] for node in self._head.nodes() if self._need.room(node)]
        admission = Admission(large, allow_versions=wanted.allow_versions, sink=self.sink)
        launcher = RayLauncher(self._head, self._need, wanted.nodes, admission)
        return Pool(launcher, workers=wanted.workers, sink=self.sink, here=self._private is not None)


def alive() -> list[dict[str, Any]]:
    """Return what Ray says of each node that is up."""
    import ray

    return [node for node in ray.nodes() if node["Alive"]]


def current() -> Cluster | None:
    """Return the connection that is open: there is one at most, and its workers hold the CPUs."""
    return _open[-1] if _open else None


def travel_by_value(modules: Iterable[ModuleType]) -> None:
    """Send what these modules define to the workers by value, so that they need not have the files."""
    from ray import cloudpickle

    for module in modules:
        cloudpickle.register_pickle_by_value(module)


def register_rays_own_backend() -> None:
    """Register Ray's own joblib backend as "ray"; it rewires joblib for the whole process."""
    from ray.util.joblib import register_ray

    register_ray()


def _is_connected(address: str | None) -> bool:
    """Tell whether this program is connected to Ray, by its own doing, and may use that for an address.

    Raises
    ------
    UsageError
        If it is connected elsewhere: Ray allows one connection a program, and its workers hold the CPUs.
    """
    if "ray" not in sys.modules:
        return False
    import ray

    if not ray.is_initialized():
        return False
    if not _open and address in {None, "auto"}:
        return True
    where = (_open[-1].address or "a Ray of its own") if _open else "Ray"
    raise UsageError(
        f"This program is connected to {where} already, and Ray allows one connection at a time.\n"
        "Close it first, or leave the address out to use it."
    )
