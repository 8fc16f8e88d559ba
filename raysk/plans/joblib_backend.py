"""Every other estimator that uses joblib inside: a joblib backend on the pool.

    joblib.Parallel            backend (driver)                                pool
    submit(batch, callback) -> waits while n_jobs batches are out -----------> a task whose units are the calls
                               arrays of SHARE_BYTES and more: put once,
                               and kept while batches use them
    callback(future) <-------- exactly once, whatever happens <--------------- result, error, lost, cancelled

A thin adapter: retries, replacement and splitting of a lost batch into its calls are the pool's.
"""

from __future__ import annotations

import functools
import hashlib
import threading
from collections import deque
from concurrent.futures import CancelledError, Future, wait
from typing import TYPE_CHECKING, Any

import joblib
import numpy as np
from joblib import parallel

from raysk._compat import sklearn as sklearn_private
from raysk.errors import TaskLost
from raysk.events import WorkDone, WorkPlanned
from raysk.plans.parts import call_fit, parameters
from raysk.pool import GRACE_S, Packing, Task
from raysk.util import nested

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from raysk.pool import Pool, Shared

SHARE_BYTES = 64 * 1024
"""Arrays from this size on are put in the object store once instead of travelling with every batch. A put costs
about 0.3 ms, a 64 KB array in a message about 0.05 ms each time."""

SURE_BYTES = 1024 * 1024
"""Arrays up to this size are looked at anew for every batch, as a caller may fill one again and again; that takes up to
1 ms. joblib's own processes get the first contents of larger ones, too."""


def suits(estimator: Any, _: Mapping[str, Any]) -> str | None:
    """Return why not: neither the estimator nor one inside it has a parallel part, a parameter ``n_jobs``."""
    names = parameters(estimator, deep=True)
    return None if any(name.rpartition("__")[2] == "n_jobs" for name in names) else "no part of it has n_jobs"


def remark(_: Pool, estimator: Any) -> str:
    """Return what is spread."""
    return f"{type(estimator).__name__} is fitted through joblib: its parallel calls run on workers."


def fit(pool: Pool, estimator: Any, X: Any, y: Any, fit_params: Mapping[str, Any]) -> None:
    """Call the estimator's own ``fit`` here, with its joblib calls on the pool; see `raysk.plans.fit`."""
    with joblib.parallel_config(backend=RayskBackend(lambda: pool), n_jobs=-1):
        call_fit(estimator, X, y, fit_params)


class RayskBackend(parallel.AutoBatchingMixin, parallel.ParallelBackendBase):  # type: ignore[misc]
    """joblib's side of the pool.

    Parameters
    ----------
    get_pool : callable
        Returns the pool; asked when a parallel call starts.
    """

    default_n_jobs = -1
    supports_retrieve_callback = True
    supports_inner_max_num_threads = False
    uses_threads = False
    supports_sharedmem = False

    def __init__(self, get_pool: Callable[[], Pool], **options: Any) -> None:
        super().__init__(**options)
        self._get_pool = get_pool
        self._lock = threading.Lock()
        self._n_jobs = 1
        self._busy = 0
        self._out: set[Future[Any]] = set()
        self._waiting: deque[tuple[Sequence[Any], Future[Any]]] = deque()
        self._shared: dict[int, _Argument] = {}
        self._passed: list[_Argument] = []

    def effective_n_jobs(self, n_jobs: int | None) -> int:
        """Return how many calls run at a time; negative numbers count back from the cluster's workers."""
        if n_jobs == 0:
            raise ValueError("n_jobs == 0 in Parallel has no meaning")
        if nested.in_fork():  # one job: joblib makes the calls here
            nested.remark()
            return 1
        if n_jobs is None:
            n_jobs = self.default_n_jobs
        if n_jobs > 0:
            return n_jobs
        # At least 2: with 1, joblib would run the calls here instead of on the one worker.
        return max(self._get_pool().wanted + 1 + n_jobs, 2 if n_jobs == -1 else 1)

    def configure(self, n_jobs: int = 1, parallel: Any = None, **_: Any) -> int:  # noqa: D102 - see the base class
        self.parallel = parallel
        self._n_jobs = self.effective_n_jobs(n_jobs)
        return self._n_jobs

    def start_call(self) -> None:
        """Choose the pool: a call ends where it began, also when the program connects elsewhere meanwhile."""
        self._pool = self._get_pool()

    def submit(self, func: Any, callback: Callable[[Any], None] | None = None) -> Future[Any]:
        """Hand a batch to the pool, or keep it until one of the ``n_jobs`` that are out is done."""
        future: Future[Any] = Future()
        if callback is not None:
            future.add_done_callback(callback)
        self._pool.sink(WorkPlanned(unit="call", units=len(func.items)))
        with self._lock:
            self._waiting.append((func.items, future))
        self._send_waiting()
        return future

    apply_async = submit  # its name before joblib 1.5

    def retrieve_result_callback(self, out: Future[Any]) -> list[Any]:
        """Return a batch's results, or raise what became of it."""
        values: list[Any] = out.result().values
        for value in values:
            if isinstance(value, TaskLost):
                raise value
        return values

    def stop_call(self) -> None:
        """Forget the call's arrays: the next call may have changed them in place."""
        with self._lock:
            over = [*self._shared.values(), *self._passed]
            self._shared, self._passed = {}, []
        self._pool.release([argument.shared for argument in over])

    def terminate(self) -> None:
        """Leave the workers to the next call: they stay warm."""
        self.reset_batch_stats()

    def abort_everything(self, ensure_ready: bool = True) -> None:  # noqa: ARG002, FBT001, FBT002 - joblib's signature
        """Cancel what is out; workers that still run it after a moment are replaced."""
        with self._lock:
            waiting, out = list(self._waiting), list(self._out)
            self._waiting.clear()
        for _, future in waiting:
            future.cancel()
        wait(out, timeout=GRACE_S)
        self._pool.cancel(out)

    def get_nested_backend(self) -> tuple[Any, int | None]:
        """Return what calls inside a worker use; the worker itself keeps them within its CPUs."""
        return parallel.SequentialBackend(nesting_level=(self.nesting_level or 0) + 1), None

    def _stand_in(self, used: dict[int, _Argument], obj: Any) -> Shared | None:
        """Share large arrays, wherever in a batch they are, and the function that runs a batch."""
        if obj is not _call and not (type(obj) is np.ndarray and _is_shareable(obj)):
            return None
        if id(obj) not in used:  # the object is kept with its handle, so that the id stays its own
            contents = _contents(obj)
            if not self._use_again(used, obj, contents):
                self._use(used, _Argument(obj, contents, self._pool.share(obj)))
        return used[id(obj)].shared

    def _use_again(self, used: dict[int, _Argument], obj: Any, contents: bytes) -> bool:
        """Let a batch use what stands for an object already, if it holds the same; tell whether it does."""
        with self._lock:
            known = self._shared.get(id(obj))
            if known is None or known.contents != contents:
                return False
            known.batches, known.out = known.batches + 1, known.out + 1
            used[id(obj)] = known
            return True

    def _use(self, used: dict[int, _Argument], argument: _Argument) -> None:
        """Let a batch use an object for the first time, or the first time that it holds this."""
        key = id(argument.obj)
        with self._lock:
            if key in self._shared:
                self._passed.append(self._shared[key])  # batches that are out may need it
            self._shared[key] = used[key] = argument

    def _forget(self) -> None:
        """Release what one batch only has used, and is done, so that calls may have any number of arrays."""
        with self._lock:
            over = {each for each in self._shared.values() if not each.out and each.batches == 1}
            over.update(each for each in self._passed if not each.out)
            self._shared = {key: each for key, each in self._shared.items() if each not in over}
            self._passed = [each for each in self._passed if each not in over]
        if over:
            self._pool.release([argument.shared for argument in over])

    def _send_waiting(self) -> None:
        """Hand batches to the pool, as many as ``n_jobs`` allows at a time."""
        while (batch := self._next_batch()) is not None:
            items, future = batch
            used: dict[int, _Argument] = {}
            try:
                ours = self._pool.submit(self._task(items, used))
            except Exception as error:  # noqa: BLE001 - what cannot be pickled is the caller's to hear of
                ours = Future()
                ours.set_exception(error)
            with self._lock:
                self._out.add(ours)
            self._forget()
            ours.add_done_callback(functools.partial(self._done, future, used))

    def _next_batch(self) -> tuple[Sequence[Any], Future[Any]] | None:
        """Take the next batch that may go out; the lock is never held while the pool is called, which calls back."""
        with self._lock:
            if not self._waiting or self._busy >= self._limit():
                return None
            self._busy += 1
            return self._waiting.popleft()

    def _limit(self) -> int | float:
        """Return how many batches may be out: fewer jobs than workers is a limit, more is only a longer queue."""
        return self._n_jobs if self._n_jobs < self._pool.wanted else float("inf")

    def _task(self, items: Sequence[Any], used: dict[int, _Argument]) -> Task:
        reducers = {}
        if (context_class := sklearn_private.callback_context_class()) is not None:
            reducers[context_class] = sklearn_private.reduce_callback_context
        packing = Packing(stand_in=functools.partial(self._stand_in, used), reducers=reducers)
        return Task(function=_call, units=items, packing=packing)

    def _done(self, future: Future[Any], used: dict[int, _Argument], ours: Future[Any]) -> None:
        """Pass a batch's outcome on to joblib, and let the next one out."""
        with self._lock:
            self._busy -= 1
            self._out.discard(ours)
            for argument in used.values():
                argument.out -= 1
        error = CancelledError() if ours.cancelled() else ours.exception()
        if error is None:
            block = ours.result()
            self._pool.sink(WorkDone(units=len(block.units), busy_s=block.wall_s))
            future.set_result(block)
        else:
            future.set_exception(error)
        self._send_waiting()


class _Argument:
    """A large array of a call's, or the function that runs its batches, and what stands for it.

    Attributes
    ----------
    batches, out : int
        How many batches have used it, and how many of them are out.
    """

    def __init__(self, obj: Any, contents: bytes, shared: Shared) -> None:
        self.obj, self.contents, self.shared = obj, contents, shared
        self.batches = self.out = 1


def _contents(obj: Any) -> bytes:
    """Return a digest of what an array holds, if it is looked at."""
    if type(obj) is not np.ndarray or obj.nbytes > SURE_BYTES:
        return b""
    return hashlib.blake2b(obj.tobytes(), digest_size=16).digest()


def _is_shareable(array: np.ndarray[Any, Any]) -> bool:
    """Tell whether an array comes back from the store as a read-only view, so that calls cannot disturb each other."""
    return array.nbytes >= SHARE_BYTES and not array.dtype.hasobject


def _call(units: Sequence[tuple[Callable[..., Any], tuple[Any, ...], Mapping[str, Any]]]) -> Iterator[Any]:
    """Make a batch's calls, on the worker."""
    for function, args, kwargs in units:
        yield function(*args, **kwargs)
