"""What runs on the node: unpack a task, limit inner threads, run it, report.

Travels by value, so the nodes need ray, scikit-learn, joblib and threadpoolctl, but not raysk.
"""

from __future__ import annotations

import contextlib
import copy
import functools
import gc
import math
import os
import pickle
import socket
import sys
import time
import traceback
from typing import TYPE_CHECKING, Any

from raysk._compat import numpy as numpy_private
from raysk._compat import ray as ray_private
from raysk.pool import memory
from raysk.pool.progress import Progress, Turns
from raysk.pool.reply import Packed
from raysk.pool.shared import unpack
from raysk.pool.task import key_of
from raysk.util import forks, nested, sibling_imports
from raysk.util.exits import as_error  # not the module, which holds the program's own handlers: it would travel too
from raysk.util.versions import failed_imports, installed_versions

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from raysk.pool.reply import Message

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

TELL_S = 2.0
"""How often a worker tells what memory its node has, in seconds: looking takes 0.1 ms, as long as a small task."""

KEPT = 0.25
"""How much of its share of its node's memory, by CPUs, a worker keeps when it is free again."""


class Worker:
    """One worker process. `run` is called for one task at a time, the rest meanwhile from another thread.

    Neither is the main thread: an actor of Ray's whose methods may run side by side has none to run them in.

    Parameters
    ----------
    cpus : int
        CPUs reserved for this worker: the limit of its inner threads.
    preload : sequence of str
        Modules to import before the first task comes.
    folders : sequence of str
        Where the person's modules are found, if this machine has them.
    """

    def __init__(self, cpus: int, preload: Sequence[str] = (), folders: Sequence[str] = ()) -> None:
        self._cpus = cpus
        self._refs: dict[str, Any] = {}
        self._cache: dict[str, Any] = {}
        self._used: set[str] = set()
        self._copied: set[str] = set()
        self._turns = Turns()
        self._progress: Progress | None = None
        self._lap = (0.0, 0.0)
        self._told_memory_at = -math.inf
        forks.end_when_told()  # Ray's handler is written in Python too
        nested.enter_worker()
        os.environ.update(dict.fromkeys(THREAD_VARIABLES, str(cpus)))
        gc.disable()  # there is none in modules that are loaded: looking for it takes a sixth of the time
        self._broken = failed_imports(preload)
        for folder in folders:
            sibling_imports.add(folder)
        gc.enable()
        gc.freeze()  # modules stay: looking for garbage in them costs a fit now and then 0.1 s

    def hello(self) -> dict[str, Any]:
        """Say which node this worker is on, and what it has there: see `raysk.util.versions`."""
        import ray

        with contextlib.suppress(ImportError):  # then the answer says so, and no task comes
            self._limit_threads()  # here: OpenMP's limit is the thread's own, and this is the one that `run` gets
            nested.register()  # a person's function may name our backend
        share = int(ray_private.memory()[0] * self._cpus / ray_private.cpus())
        memory.enter_share(share)
        memory.keep_freed(at_most=int(KEPT * share))
        return {
            "node": ray.get_runtime_context().get_node_id(),
            "address": ray.util.get_node_ip_address(),
            "host": socket.gethostname(),
            "versions": installed_versions(self._broken),
            "errors": self._broken,
        }

    def run(
        self, message: bytes, refs: Mapping[str, Any] | None = None, drop: Sequence[str] = (), lenders: int = 0
    ) -> Message | None:
        """Run one task and return what `raysk.pool.reply.Reply.of` reads, or None if it was withdrawn.

        Parameters
        ----------
        message : bytes
            See `raysk.pool.task.Task.pack`.
        refs : mapping of str to ray.ObjectRef or Small
            Shared objects that this worker hears of for the first time; None if there are none.
        drop : sequence of str
            Shared objects that nobody needs any more.
        lenders : int
            How many other workers on this node lend it their CPUs for the task.
        """
        self._refs.update(refs or {})
        for key in drop:
            self._refs.pop(key, None)
            self._cache.pop(key, None)
            self._copied.discard(key)
        if not self._turns.begin(key_of(message)):
            return None
        self._progress = None
        self._lap = time.perf_counter(), time.process_time()
        ok, content, raised = _answer(lambda: self._compute(message, self._cpus * (1 + lenders)))
        return content.message(ok=ok, **raised, **self._measures(time.perf_counter()))

    def news(self, key: int) -> Message | None:
        """Return a reply with the units of a running task that are done; no other unit of it is begun then.

        None if it does not run, or its own reply is on its way.
        """
        progress = self._progress
        values = progress.tell() if progress is not None and progress.key == key else None
        if progress is None or values is None:
            return None
        ok, content, raised = _answer(lambda: values)
        return content.message(ok=ok, **raised, **self._measures(progress.since))

    def withdraw(self, keys: Sequence[int]) -> list[int]:
        """Return those of the tasks that were not begun; they will not be."""
        return self._turns.withdraw(keys)

    def _measures(self, until: float) -> dict[str, Any]:
        """Return what was taken since this was asked last, in seconds, and now and then the node's memory."""
        wall, cpu = self._lap
        self._lap = until, time.process_time()
        return {"wall_s": until - wall, "cpu_s": self._lap[1] - cpu, "memory": self._memory()}

    def _memory(self) -> tuple[int, int] | None:
        """Return what memory this node has and what is free of it, in bytes; None if that was told just before."""
        if time.monotonic() - self._told_memory_at < TELL_S:
            return None
        self._told_memory_at = time.monotonic()
        try:
            return ray_private.memory()
        except OSError:  # the fit may have opened all files that there may be
            return None

    def _compute(self, message: bytes, cpus: int) -> Any:
        """Run a task; again, on copies of what it shares, if it writes into that: arrays of the store are read-only."""
        try:
            return self._attempt(message, cpus)
        except ValueError as error:
            if not numpy_private.is_read_only(error) or self._used <= self._copied:
                raise
            self._copied |= self._used  # also for the next tasks that use it
            return self._attempt(message, cpus)

    def _attempt(self, message: bytes, cpus: int) -> Any:
        self._used = set()
        key, function, args, units, patience_s = unpack(message, self._load)
        with _within(cpus, n_jobs=self._cpus), contextlib.nullcontext() if cpus == self._cpus else _threads(cpus):
            if units is None:
                return function(*args)
            self._progress = self._progress or Progress(key, patience_s)
            return self._progress.collect(functools.partial(function, *args), units)

    def _load(self, key: str) -> Any:
        self._used.add(key)
        if key not in self._cache:
            modules = len(sys.modules)
            self._cache[key] = fetched(self._refs[key])
            if len(sys.modules) > modules:  # then it may have loaded another BLAS or OpenMP library
                self._limit_threads()
        value = self._cache[key]
        return copy.deepcopy(value) if key in self._copied else value

    def _limit_threads(self) -> None:
        import threadpoolctl

        threadpoolctl.threadpool_limits(self._cpus)


def fetched(ref: Any) -> Any:
    """Return the object that a worker gets by a `Shared.ref`."""
    import ray

    content, buffers = ref if isinstance(ref, tuple) else ray.get(ref)
    return pickle.loads(content, buffers=buffers)


@contextlib.contextmanager
def _within(cpus: int, n_jobs: int) -> Iterator[None]:
    """Keep parallel calls inside a fit within so many CPUs; those that do not say `n_jobs` get that number."""
    import joblib

    # Nesting level 1 is joblib's own mark of a call inside a worker.
    one = joblib.parallel.SequentialBackend(nesting_level=1)
    with joblib.parallel_config(backend=one if cpus == 1 else _capped_threading(cpus), n_jobs=n_jobs):
        yield


@contextlib.contextmanager
def _threads(cpus: int) -> Iterator[None]:
    """Let libraries use so many CPUs for a while, as they would by themselves on a machine that has these."""
    import joblib
    import threadpoolctl

    usual = {name: os.environ[name] for name in THREAD_VARIABLES}
    os.environ.update(dict.fromkeys(THREAD_VARIABLES, str(cpus)))
    cores = joblib.cpu_count(
        only_physical_cores=True
    )  # scikit-learn's choice for OpenMP; fewer on a whole machine only
    try:
        with threadpoolctl.threadpool_limits({"openmp": cores, "blas": cpus}):
            yield
    finally:
        os.environ.update(usual)


def _capped_threading(cpus: int) -> Any:
    from joblib import parallel

    class CappedThreading(parallel.ThreadingBackend):  # type: ignore[misc]
        """joblib's threads, never more than the worker's CPUs, whatever `n_jobs` asks for."""

        def effective_n_jobs(self, n_jobs: int) -> int:
            return min(int(super().effective_n_jobs(n_jobs)), cpus)

    return CappedThreading(nesting_level=1)


def _answer(compute: Callable[[], Any]) -> tuple[bool, Packed, dict[str, Any]]:
    """Return what is computed, packed, or what it raises and where."""
    here = os.getpid()
    try:
        value = compute()
        forks.end_child_of(here)
        return True, Packed(value), {"frames": []}
    except BaseException as error:  # noqa: BLE001 - also a SystemExit of the person's code is an answer
        forks.end_child_of(here, error)
        frames = list(traceback.extract_tb(error.__traceback__))
        return False, _packed_error(as_error(error)), {"frames": frames, "earlier": _earlier(error)}


def _earlier(error: BaseException) -> str:
    """Return the tracebacks of what an exception was raised from, or during, as Python shows them; else nothing."""
    told = traceback.TracebackException.from_exception(error)
    before = told.__cause__ or (None if told.__suppress_context__ else told.__context__)
    if before is None:
        return ""
    how = "The above exception was the direct cause of" if told.__cause__ else "During handling of the above exception"
    end = f"{how} the following exception:" if told.__cause__ else f"{how}, another exception occurred:"
    return "".join(before.format()) + f"\n{end}\n\n"


def _packed_error(error: BaseException) -> Packed:
    """Pack an exception, or one with the same words where its own class cannot travel."""
    try:
        packed = Packed(error)
        packed.unpacked()
    except BaseException:  # noqa: BLE001 - any class of the person's may fail here, in any way
        return Packed(RuntimeError(f"{type(error).__name__}: {error}"))
    return packed
