"""The public Python names: `connect`, `fit` and `register`."""

from __future__ import annotations

import contextlib
import threading
from typing import TYPE_CHECKING, Any

from raysk import cluster
from raysk.errors import CallError, ClusterError, UsageError
from raysk.events import null_sink
from raysk.jobs import Data, Resources
from raysk.util import inside

if TYPE_CHECKING:
    from collections.abc import Iterator

    from raysk.events import Sink
    from raysk.pool import Pool

_borrowers: dict[cluster.Cluster, int] = {}
"""Connections that nobody has asked for by name, and how many use each."""

_standing: list[cluster.Cluster] = []
"""The one of them that joblib's backend uses, until the program ends or connects by name."""

_lock = threading.RLock()


def connect(
    address: str | None = None,
    *,
    workers: int | None = None,
    cpus_per_fit: int = 1,
    allow_versions: bool = False,
    sink: Sink = null_sink,
) -> cluster.Cluster:
    """Connect to a Ray cluster, or start a private Ray on this machine.

    Use it as a context manager: inside, `raysk.fit` and joblib's backend "raysk" use this cluster's warm workers.

    Parameters
    ----------
    address : str, optional
        ``host:port``, ``ray://host:port``, ``auto`` for the cluster running on this machine, ``local`` for a
        private Ray. None looks at RAYSK_ADDRESS and RAY_ADDRESS, and starts a private Ray if neither is set.
    workers : int, optional
        How many worker processes; None means as many as the cluster's CPUs allow.
    cpus_per_fit : int, default=1
        CPUs that each worker reserves; inner threads are limited to it.
    allow_versions : bool, default=False
        Whether nodes are used that have another scikit-learn or numpy, although results may differ.
    sink : callable, optional
        Takes the `raysk.events` of all that runs on this cluster.

    Returns
    -------
    cluster : Cluster

    Raises
    ------
    ClusterError
        If nothing answers, the cluster refuses us, differs in version, or has no CPU; in a process that was forked
        from one that is connected.
    UsageError
        If `workers` or `cpus_per_fit` is below 1.
    """
    if inside.in_worker():
        return inside.connect()  # type: ignore[return-value]
    if inside.in_fork():
        raise ClusterError(inside.NO_CONNECTION)
    resources = Resources(workers=workers, cpus_per_fit=cpus_per_fit, allow_versions=allow_versions)
    _leave_standing()
    return cluster.Cluster(address, resources=resources, sink=sink)


def fit(estimator: Any, X: Any, y: Any = None, *, address: str | None = None, **fit_params: Any) -> Any:
    """Fit an estimator or a search on Ray; the answer is scikit-learn's own.

    While a `connect` connection is open its cluster is used; else this call connects and leaves again; calls that
    several threads make at a time share one connection. Inside a fit on a worker, and in a process forked from one
    that is connected, the estimator is fitted right there.

    Parameters
    ----------
    estimator : estimator
        Any scikit-learn estimator, or a ``*SearchCV``.
    X : array-like of shape (n_samples, n_features)
    y : array-like of shape (n_samples,) or (n_samples, n_outputs), optional
        None for unsupervised learning.
    address : str, optional
        See `connect`. While a connection is open it must be None, or that connection's address.
    **fit_params : object
        Passed to the estimator's ``fit``.

    Returns
    -------
    estimator : estimator
        The same object, fitted in place as its own ``fit`` does it: a pipeline's steps are fitted too, a RandomState
        given to it moves on, parameters stay the objects that they are.

    Raises
    ------
    InputError
        If X and y differ in length; it is a ValueError. What was to be fitted on a worker is as it was before.
    CallError
        If `estimator` is a class, or its ``fit`` cannot be called so; it is an InputError, and a TypeError.
    ClusterError
        See `connect`.
    UsageError
        If another cluster's address is given while a connection is open.
    Exception
        Whatever the estimator's own code raises.
    """
    if isinstance(estimator, type):
        raise CallError(f"{estimator.__name__} is a class; give an object of it: {estimator.__name__}()")
    data = Data(X=X, y=y, fit_params=fit_params)
    if inside.stays_here():
        return inside.fit(estimator, data.X, data.y, **data.fit_params)
    with _this_cluster(address) as pool:
        from raysk import plans

        return plans.fit(pool, estimator, data.X, data.y, data.fit_params)


def register() -> None:
    """Register the joblib backend "raysk".

    After it, ``joblib.parallel_config(backend="raysk")`` sends the parallel calls of any library built on joblib to
    Ray: to the cluster of the `connect` block that is running, else to one that is connected to when first needed,
    as `connect` does without arguments, and kept until the program ends.
    """
    import joblib

    joblib.register_parallel_backend("raysk", _backend)


def _backend(**options: Any) -> Any:
    """Make joblib's backend; connects first, since Ray reads our settings when it is imported."""
    if inside.stays_here():
        return inside.backend(**options)
    _standing_pool()
    from raysk.plans.joblib_backend import RayskBackend

    return RayskBackend(_standing_pool, **options)


@contextlib.contextmanager
def _this_cluster(address: str | None) -> Iterator[Pool]:
    borrowed = _borrow(address)
    try:
        yield borrowed.pool
    finally:
        _give_back(borrowed)


def _borrow(address: str | None) -> cluster.Cluster:
    """Return the connection that is open, or a new one; calls of other threads share it, and the last one closes it."""
    with _lock:
        running = cluster.current()
        if running is None:
            running = cluster.Cluster(address)
            _borrowers[running] = 0
        elif address is not None and cluster.resolve(address) != running.address:
            raise UsageError(
                f"address={address!r}: this program is connected to {running.address or 'a Ray of its own'} already.\n"
                "Close that connection first, or leave address out to use it."
            )
        if running in _borrowers:
            _borrowers[running] += 1
        return running


def _give_back(borrowed: cluster.Cluster) -> None:
    with _lock:
        if borrowed not in _borrowers:  # a `connect` block's own, which closes it
            return
        _borrowers[borrowed] -= 1
        if not _borrowers[borrowed]:
            del _borrowers[borrowed]
            borrowed.close()


def _standing_pool() -> Pool:
    """Return the running cluster's pool, or that of one that stands until the program ends."""
    with _lock:
        running = cluster.current()
        if running is None or (running in _borrowers and running not in _standing):
            running = _borrow(None)
            _standing.append(running)
        return running.pool


def _leave_standing() -> None:
    """Close the connection that nobody asked for by name: its workers hold the CPUs."""
    with _lock:
        while _standing:
            _give_back(_standing.pop())
