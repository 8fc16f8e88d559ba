"""Connect to a Ray cluster, or start a private Ray on this machine. The only ``ray.init`` in the program.

A private Ray listens on loopback, asks for a random token, keeps its files in a private temporary folder, and is
gone when the program is: its processes are tied to ours by the kernel, the folder is removed at the end.
"""

from __future__ import annotations

import atexit
import concurrent.futures.thread  # noqa: F401 - hooks fork, which must not happen while Ray is started
import contextlib
import os
import queue
import socket
import sys
import threading
from typing import TYPE_CHECKING, Any, ClassVar

from raysk import _compat
from raysk.cluster import refusals
from raysk.cluster.private import Private
from raysk.errors import ClusterError, UsageError
from raysk.events import ClusterReady, null_sink
from raysk.jobs import Resources
from raysk.util import inside

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from types import ModuleType

    from typing_extensions import Self

    from raysk.events import Sink
    from raysk.pool import Pool
    from raysk.pool.head import Head

ADDRESS_VARIABLES = ("RAYSK_ADDRESS", "RAY_ADDRESS")

KNOCK_S = 3.0
"""How long a host may take to accept a connection, in seconds; Ray itself would try for minutes."""

JOIN_S = 30.0
"""How long joining a cluster that accepts connections may take, in seconds; it takes 1-3 s."""

LEAVE_S = 3.0
"""How long the head has, in seconds, to say that it is there when we leave; Ray itself would wait for minutes."""

PATIENT = {"RAY_gcs_rpc_server_reconnect_timeout_s": "86400"}
"""Read by Ray when it is imported. By default its library ends the whole program, with exit code 1, when the head has
been silent for 60 s; raysk has its own way of hearing of that, and raises a `ClusterError` (see `raysk.pool.head`)."""

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
        refusals.check_surroundings()
        self.sink = sink
        self.resources = resources or Resources()
        self._closed = False
        self._private: Private | None = None
        self._pool: Pool | None = None
        self._joined: _Init | None = None
        Starting.wait_for_end()
        with _joining:
            try:
                self._joined = self._join(worker_output=worker_output)
                self._head = self._find_head()
                from raysk.pool.need import Need  # not before: it imports Ray

                self._need = Need(cpus=self.resources.cpus_per_fit, memory=self.resources.memory_per_fit)
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
        if inside.in_fork():
            raise ClusterError(inside.NO_CONNECTION)
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
        if inside.in_fork():  # all of it is the parent's
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

    def _join(self, *, worker_output: bool) -> _Init | None:
        """Connect or start Ray; return None when this process had done so by itself."""
        if _is_connected(self.address):
            return None
        options: dict[str, Any] = {"log_to_driver": worker_output, "logging_level": "ERROR"}
        if self.address is None:
            self._private = Private()  # Ray opens its own folder, inside, to everybody
            options |= {"address": "local", "include_dashboard": False, "_temp_dir": str(self._private.folder / "ray")}
            options |= {"_skip_env_hook": True}  # see `_compat.ray_settings`: there is no runtime environment
        else:
            for name, value in PATIENT.items():
                os.environ.setdefault(name, value)
            knock(self.address)  # may import Ray
            options |= {"address": self.address}
        private = self._private is not None
        with _compat.ray_settings(private=private, quiet=not worker_output), _compat.priority(usual=private):
            return _Init(self.address, options)

    def _find_head(self) -> Head:
        from raysk.pool.remote import head

        return head()

    def _leave(self, joined: _Init) -> None:
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
        from raysk.pool.remote import RayLauncher, travelling

        travel_by_value(travelling())  # so that nodes need not have it
        wanted = self.resources
        large = [node["NodeID"] for node in self._head.nodes() if self._need.room(node)]
        admission = Admission(large, allow_versions=wanted.allow_versions, sink=self.sink)
        launcher = RayLauncher(self._head, self._need, wanted.nodes, admission)
        return Pool(launcher, workers=wanted.workers, sink=self.sink, here=self._private is not None)


class Starting:
    """A cluster that is being connected to, or started, while the program does something else.

    A context manager; at its end the cluster is closed, while the program goes on: `wait_for_end` waits for that. If it
    is not there yet by then, as when the person's file cannot be read, nobody waits for it: `abandoned` says that the
    program should end without ceremony, and a Ray that is half started, or that nobody has asked for yet, ends with it.
    The same goes for a cluster whose head has gone.

    Parameters
    ----------
    then : callable or None
        Called with the cluster once it is there, in the background too; what it raises, `result` raises.
    **options : object
        Of `Cluster`.
    """

    abandoned = False
    leaving: ClassVar[list[threading.Thread]] = []

    def __init__(self, then: Callable[[Cluster], None] | None = None, **options: Any) -> None:
        self._then = then
        self._asked = False
        self._cluster: Cluster | None = None
        self._error: BaseException | None = None
        self._done = threading.Event()
        threading.Thread(target=self._start, kwargs=options, name="raysk-start", daemon=True).start()

    def _start(self, **options: Any) -> None:
        try:
            self._cluster = Cluster(**options)
            if self._then is not None:
                self._then(self._cluster)
        except BaseException as error:  # noqa: BLE001 - raised in the thread that asks for the result
            self._error = error
        self._done.set()

    def result(self) -> Cluster:
        """Wait for the cluster, or raise what went wrong."""
        self._asked = True
        self._done.wait()
        if self._error is not None:
            raise self._error
        assert self._cluster is not None  # noqa: S101 - it is one or the other
        return self._cluster

    def _is_unused(self) -> bool:
        """Tell whether it is a Ray of our own that nobody has asked for yet: it can end as one that is half started."""
        return self._cluster is not None and self._cluster.is_private and not self._asked

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if not self._done.is_set() or (kind is not None and self._is_unused()):
            Starting.abandoned = True
        elif self._cluster is not None:
            leaving = threading.Thread(target=self._cluster.close, name="raysk-leave")
            Starting.leaving.append(leaving)
            leaving.start()

    @classmethod
    def wait_for_end(cls) -> None:
        """Wait until the clusters that were left are closed."""
        while cls.leaving:
            cls.leaving.pop().join()


def alive() -> list[dict[str, Any]]:
    """Return what Ray says of each node that is up."""
    import ray

    return [node for node in ray.nodes() if node["Alive"]]


def current() -> Cluster | None:
    """Return the connection that is open: there is one at most, and its workers hold the CPUs."""
    return _open[-1] if _open else None


def resolve(address: str | None) -> str | None:
    """Return the address to connect to; None means a private Ray on this machine."""
    for name in ADDRESS_VARIABLES:
        address = address or os.environ.get(name)
    return None if address in {None, "", "local"} else address


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


def knock(address: str) -> None:
    """Fail at once, with a `ClusterError`, when nothing listens at an address."""
    where = (_compat.last_cluster() or "") if address == "auto" else address
    host, _, port = where.removeprefix("ray://").rpartition(":")
    if address == "auto" and not host:
        return  # Ray says that there is none, or finds one that no "ray start" has started
    if not host or not port.isdigit():
        raise ClusterError(
            f"{address!r} is not an address of a Ray cluster.\n"
            "Write host:port (6379 is Ray's usual port), ray://host:port, auto or local."
        )
    try:
        socket.create_connection((host.strip("[]"), int(port)), timeout=KNOCK_S).close()
    except (OSError, OverflowError) as error:
        if address == "auto" and _compat.runs_here():
            return  # as above
        last = "the last one that was started here, " if address == "auto" else ""
        raise ClusterError(refusals.nothing_there(where, str(error), last)) from error


class _Init:
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
            raise ClusterError(refusals.nothing_there(str(address), reason)) from None
        if error is not None:
            raise ClusterError(refusals.why(address, error)) from error

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

        Starting.abandoned = True
        atexit.unregister(ray.shutdown)
        atexit.register(_compat.let_go_of_ray)  # for those whose program does not end as ours
