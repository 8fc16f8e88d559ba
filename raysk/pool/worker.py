"""What runs on the node: unpack a task, limit inner threads, run it, report.

Travels by value, so the nodes need ray, scikit-learn, joblib and threadpoolctl, but not raysk.
"""

from __future__ import annotations

import contextlib
import copy
import gc
import os
import socket
import time
import traceback
from typing import TYPE_CHECKING, Any

from raysk.pool.reply import Packed
from raysk.pool.shared import unpack
from raysk.versions import imported, installed

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

# Read by BLAS and OpenMP libraries when they are loaded; Ray sets only the first. The last is how joblib and
# scikit-learn count CPUs, so that `n_jobs=-1` inside a fit means the CPUs this worker reserved.
THREAD_VARIABLES = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "BLIS_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
    "NUMBA_NUM_THREADS",
    "NUMEXPR_NUM_THREADS",
    "LOKY_MAX_CPU_COUNT",
)


class Worker:
    """One worker process; its methods are called one at a time.

    Parameters
    ----------
    cpus : int
        CPUs reserved for this worker: the limit of its inner threads.
    preload : sequence of str
        Modules to import before the first task comes.
    """

    def __init__(self, cpus: int, preload: Sequence[str] = ()) -> None:
        self._cpus = cpus
        self._refs: dict[str, Any] = {}
        self._cache: dict[str, Any] = {}
        self._used: set[str] = set()
        self._copied: set[str] = set()
        os.environ.update(dict.fromkeys(THREAD_VARIABLES, str(cpus)))
        self._broken = imported(preload)
        gc.freeze()  # modules stay: looking for garbage in them costs a fit now and then 0.1 s
        with contextlib.suppress(ImportError):  # then `hello` says so, and no task comes
            self._limit_threads()

    def hello(self) -> dict[str, Any]:
        """Say which node this worker is on, and what it has there: see `raysk.versions`."""
        import ray

        return {
            "node": ray.get_runtime_context().get_node_id(),
            "address": ray.util.get_node_ip_address(),
            "host": socket.gethostname(),
            "versions": installed(self._broken),
            "errors": self._broken,
        }

    def run(self, message: bytes, refs: Mapping[str, Any] | None = None, drop: Sequence[str] = ()) -> bytes:
        """Run one task and return what `raysk.pool.reply.Reply.of` reads.

        Parameters
        ----------
        message : bytes
            See `raysk.pool.task.Task.pack`.
        refs : mapping of str to ray.ObjectRef
            Shared objects that this worker hears of for the first time; None if there are none.
        drop : sequence of str
            Shared objects that nobody needs any more.
        """
        self._refs.update(refs or {})
        for key in drop:
            self._refs.pop(key, None)
            self._cache.pop(key, None)
            self._copied.discard(key)
        wall, cpu = time.perf_counter(), time.process_time()
        ok, content, frames = self._answer(message)
        wall_s, cpu_s = time.perf_counter() - wall, time.process_time() - cpu
        return content.message(ok=ok, frames=frames, wall_s=wall_s, cpu_s=cpu_s)

    def _answer(self, message: bytes) -> tuple[bool, Packed, list[traceback.FrameSummary]]:
        try:
            return True, Packed(self._compute(message)), []
        except BaseException as error:  # noqa: BLE001 - also a SystemExit of the person's code is an answer
            frames = list(traceback.extract_tb(error.__traceback__))
            return False, _packed_error(error), frames

    def _compute(self, message: bytes) -> Any:
        """Run a task; again, on copies of what it shares, if it writes into that: arrays of the store are read-only."""
        try:
            return self._attempt(message)
        except ValueError as error:
            if "read-only" not in str(error) or self._used <= self._copied:
                raise
            self._copied |= self._used  # also for the next tasks that use it
            return self._attempt(message)

    def _attempt(self, message: bytes) -> Any:
        self._used = set()
        function, args, units, patience_s = unpack(message, self._load)
        with self._within_cpus():
            if units is None:
                return function(*args)
            return _take(function(*args, units), patience_s)

    def _load(self, key: str) -> Any:
        self._used.add(key)
        if key not in self._cache:
            import ray

            self._cache[key] = ray.get(self._refs[key])
            self._limit_threads()  # unpickling may have loaded another BLAS or OpenMP library
        value = self._cache[key]
        return copy.deepcopy(value) if key in self._copied else value

    def _limit_threads(self) -> None:
        import threadpoolctl

        threadpoolctl.threadpool_limits(self._cpus)

    @contextlib.contextmanager
    def _within_cpus(self) -> Iterator[None]:
        """Keep parallel calls inside a fit within this worker's CPUs."""
        import joblib

        backend = "sequential" if self._cpus == 1 else _capped_threading(self._cpus)
        with joblib.parallel_config(backend=backend, n_jobs=self._cpus):
            yield


def _capped_threading(cpus: int) -> Any:
    from joblib import parallel

    class CappedThreading(parallel.ThreadingBackend):  # type: ignore[misc]
        """joblib's threads, never more than the worker's CPUs, whatever `n_jobs` asks for."""

        def effective_n_jobs(self, n_jobs: int) -> int:
            return min(int(super().effective_n_jobs(n_jobs)), cpus)

    # Nesting level 1 is joblib's own mark of a call inside a worker.
    return CappedThreading(nesting_level=1)


def _take(values: Iterable[Any], patience_s: float | None) -> list[Any]:
    """Collect values until all are there or time is up; at least one, so that work goes on."""
    deadline = time.perf_counter() + (float("inf") if patience_s is None else patience_s)
    taken = []
    for value in values:
        taken.append(value)
        if time.perf_counter() > deadline:
            break
    return taken


def _packed_error(error: BaseException) -> Packed:
    """Pack an exception, or one with the same words where its own class cannot travel."""
    try:
        packed = Packed(error)
        packed.unpacked()
    except Exception:  # noqa: BLE001 - any class of the person's may fail here, in any way
        return Packed(RuntimeError(f"{type(error).__name__}: {error}"))
    return packed
