"""Run calls of raysk in this process if it is a worker, or was forked from a process that is connected.

    worker    a fit calls raysk.fit: it would wait for CPUs that its own search holds
    forked    the connection's threads stayed with the parent: nobody would ever answer

joblib's own backends run such nested calls where they are, and so do these. They travel by value: on a node without
raysk they are what a person's code imports under that name.
"""

from __future__ import annotations

import contextlib
import importlib.util
import os
import sys
import types
import warnings
from typing import TYPE_CHECKING, Any

from raysk._compat import ray as ray_private
from raysk.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from typing_extensions import Self

WORKER = "_RAYSK_WORKER"
"""Set in the environment of workers, which processes that a fit starts inherit."""

REFUSED = ("limits", "seeds", "run_dir", "resume")
"""Parameters of `raysk.run` that scikit-learn's own fit cannot do."""

LABELS = ("name", "tags")
"""Further ones, which `raysk.fit` does not have: there they are parameters of the estimator's own fit."""

CLASSES = ("Limits", "Shortcuts", "Resources", "Outcome", "OneStandardError")
"""The public names of raysk that are classes: a person's code may make objects of them when it is imported."""

IN_WORKER = "Calls of raysk inside a fit run on the worker that does the fit, on its CPUs."
IN_FORK = (
    "This process was forked from one that is connected to Ray, and the connection stayed there: "
    "calls of raysk run in this process."
)

NO_CONNECTION = (
    "This process was forked from one that is connected to Ray, and the connection's threads stayed there.\n"
    "Connect in a process of its own: multiprocessing.get_context('spawn')."
)

_forked: list[int] = []
"""Ids of the processes down to this one that were forked from one that is connected."""

_warned: set[int] = set()
"""Ids of the processes down to this one that have warned."""


def enter_worker() -> None:
    """Remember that this process is a worker; if its node has no raysk, provide a stand-in module."""
    os.environ[WORKER] = "1"
    if "raysk" not in sys.modules and importlib.util.find_spec("raysk") is None:
        sys.modules["raysk"] = sys.modules["raysk.api"] = stand_in()


def _enter_fork() -> None:
    """Remember that this process was forked from one that is connected, and leave Ray to its parent."""
    ray: Any = sys.modules.get("ray")
    if hasattr(ray, "is_initialized") and ray.is_initialized():
        _forked.append(os.getpid())
        ray_private.leave_ray_to_parent()


os.register_at_fork(after_in_child=_enter_fork)


def in_worker() -> bool:
    """Tell whether this process is a worker, or was started by one."""
    return WORKER in os.environ


def in_fork() -> bool:
    """Tell whether this process was forked from one that is connected."""
    return bool(_forked)


def stays_here() -> bool:
    """Tell whether calls of raysk run in this process."""
    return in_worker() or in_fork()


def fit(estimator: Any, X: Any, y: Any = None, *, address: Any = None, sink: Any = None, **said: Any) -> Any:  # noqa: ARG001
    """Fit an estimator in this process; see `raysk.fit`."""
    keep = {name: said.pop(name, None) for name in REFUSED}
    return run(estimator, X, y, fit_params=said, **keep).estimator


def run(
    estimator: Any, X: Any, y: Any = None, *, fit_params: Mapping[str, Any] | None = None, **said: Any
) -> types.SimpleNamespace:
    """Fit an estimator in this process; see `raysk.run`.

    What says where a job runs, and who hears of it, is ignored; what would change the answer, or leave files behind, is
    refused.
    """
    for name in (*REFUSED, *LABELS):
        if said.get(name):
            where = "inside a fit" if in_worker() else "in a process forked from one that is connected"
            raise UsageError(f"{name}: raysk cannot do that {where}: scikit-learn's own fit runs there. Leave it out.")
    remark()
    estimator.fit(*((X,) if y is None else (X, y)), **(fit_params or {}))
    return types.SimpleNamespace(estimator=estimator)


def connect(*_: Any, **__: Any) -> Here:
    """Return what a worker has instead of a connection; see `raysk.connect`."""
    return Here()


def register() -> None:
    """Register the joblib backend "raysk"; see `raysk.register`."""
    import joblib

    joblib.register_parallel_backend("raysk", backend)


def backend(**options: Any) -> Any:
    """Make a joblib backend for this process: threads where the worker has several CPUs, else none."""
    from joblib import parallel

    remark()
    active, _ = parallel.get_active_backend()
    threads = in_worker() and isinstance(active, parallel.ThreadingBackend)
    return (type(active) if threads else parallel.SequentialBackend)(**options)


def remark() -> None:
    """Warn once that calls of raysk run in this process; a fit of a search sends the warning to the driver."""
    if os.getpid() in _warned:
        return
    _warned.add(os.getpid())
    with contextlib.suppress(Warning):  # where warnings are errors the call is made all the same
        warnings.warn(IN_WORKER if in_worker() else IN_FORK, stacklevel=5)


class Here:
    """Stands for a connection where none is made; a context manager."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def close(self) -> None:
        """Do nothing."""


def stand_in() -> types.ModuleType:
    """Make a module with raysk's public names."""
    module = types.ModuleType("raysk", "The names of raysk, on a worker whose node does not have it.")
    vars(module).update(fit=fit, run=run, connect=connect, register=register, __path__=[], api=module)
    vars(module).update(dict.fromkeys(CLASSES, types.SimpleNamespace))
    return module
