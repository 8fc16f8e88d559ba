"""The public Python names: `connect`, `fit`, `run` and `register`."""

from __future__ import annotations

import contextlib
import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from raysk import cluster
from raysk.errors import CallError, ClusterError, UsageError
from raysk.events import null_sink
from raysk.jobs import Data, FitJob, Limits, Resources, SearchJob
from raysk.runner.outcome import Outcome
from raysk.runner.run import Work
from raysk.runner.run import run as run_job
from raysk.runner.where import Where
from raysk.util import inside

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from types import ModuleType

    from raysk.events import Sink
    from raysk.pool import Pool
    from raysk.runner.outputs import Outputs
    from raysk.runner.where import Start
    from raysk.source.found import Found

_borrowers: dict[cluster.Cluster, int] = {}
"""Connections that nobody has asked for by name, and how many use each."""

_standing: list[cluster.Cluster] = []
"""The one of them that joblib's backend uses, until the program ends or connects by name."""

_lock = threading.RLock()


def connect(  # noqa: PLR0913 - the options of the command line's panel "Cluster"
    address: str | None = None,
    *,
    workers: int | None = None,
    cpus_per_fit: int = 1,
    memory_per_fit: int | str | None = None,
    allow_versions: bool = False,
    worker_output: bool = False,
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
    memory_per_fit : int or str, optional
        Memory that each worker reserves, in bytes, or as ``"4GB"``; None means none in particular.
    allow_versions : bool, default=False
        Whether nodes are used that have another scikit-learn or numpy, although results may differ.
    worker_output : bool, default=False
        Whether what workers print is shown.
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
        If a number is out of range.
    """
    if inside.in_worker():
        return inside.connect()  # type: ignore[return-value]
    if inside.in_fork():
        raise ClusterError(inside.NO_CONNECTION)
    if isinstance(memory_per_fit, str):
        from raysk.util.values import parse_size

        memory_per_fit = parse_size(memory_per_fit, "--memory-per-fit")
    resources = Resources(
        workers=workers, cpus_per_fit=cpus_per_fit, memory_per_fit=memory_per_fit, allow_versions=allow_versions
    )
    _leave_standing()
    return cluster.Cluster(address, resources=resources, sink=sink, worker_output=worker_output)


def fit(  # noqa: PLR0913 - those of scikit-learn's fit, and what the command line says of a run
    estimator: Any,
    X: Any,
    y: Any = None,
    *,
    address: str | None = None,
    limits: Limits | None = None,
    run_dir: str | Path | None = None,
    resume: bool | str | Path = False,
    sink: Sink = null_sink,
    **fit_params: Any,
) -> Any:
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
    limits, run_dir, resume, sink
        See `run`.
    **fit_params : object
        Passed to the estimator's ``fit``. One that is called as a parameter above is passed by `run`.

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
        If another cluster's address is given while a connection is open; see also `run`.
    Exception
        Whatever the estimator's own code raises.
    """
    said: dict[str, Any] = {"address": address, "limits": limits, "run_dir": run_dir, "resume": resume, "sink": sink}
    return run(estimator, X, y, fit_params=fit_params, **said).estimator


def run(  # noqa: PLR0913 - as `fit`
    estimator: Any,
    X: Any,
    y: Any = None,
    *,
    fit_params: Mapping[str, Any] | None = None,
    address: str | None = None,
    resources: Resources | None = None,
    limits: Limits | None = None,
    run_dir: str | Path | None = None,
    resume: bool | str | Path = False,
    resume_anyway: bool = False,
    force: bool = False,
    verify: bool = True,
    sink: Sink = null_sink,
) -> Outcome:
    """Fit an estimator or a search as `fit` does, and return what the run did; ``raysk search`` runs by the same rules.

    Parameters
    ----------
    estimator, X, y, address
        See `fit`.
    fit_params : mapping of str to object, optional
        Passed to the estimator's ``fit``.
    resources : Resources, optional
        What of the cluster is used, if this call connects; an open connection has its own.
    limits : Limits, optional
        When a search ends early. Its time budget is counted from this call.
    run_dir : str or Path, optional
        A folder for what the run leaves behind, as that of ``raysk search``: ``run.json``, of a search
        ``journal.jsonl`` and ``results.csv``, ``model.pkl`` and ``model.json``. None leaves nothing.
    resume : bool, str or Path, default=False
        An earlier run of this search to go on with: fits in its journal are not done again. True means the run in
        `run_dir`, if there is one already.
    resume_anyway : bool, default=False
        Whether it goes on although something changed since.
    force : bool, default=False
        Whether the run in `run_dir` is replaced, if there is one already.
    verify : bool, default=True
        Whether the model in the run folder is loaded back in another process.
    sink : callable, optional
        Takes the `raysk.events` of this run. Those of the cluster go to the sink of `connect`.

    Returns
    -------
    Outcome
        Its `estimator` is the same object, fitted.

    Raises
    ------
    KeyboardInterrupt
        After Ctrl-C, when the run folder is written; a search has the candidates in ``cv_results_`` that were done.
    FitsFailed
        If a limit says so, when the run folder is written.
    InputError, UsageError
        See `fit`; if the earlier run is of another search, or another run would be written over.
    """
    if isinstance(estimator, type):
        raise CallError(f"{estimator.__name__} is a class; give an object of it: {estimator.__name__}()")
    job = _job(Data(X=X, y=y, fit_params=fit_params or {}), estimator, limits)
    if inside.stays_here():
        begin = time.perf_counter()
        keep = {"limits": limits, "run_dir": run_dir, "resume": resume}
        inside.run(estimator, X, y, fit_params=job.data.fit_params, **keep)
        return Outcome(estimator=estimator, time_s=time.perf_counter() - begin)
    outputs = _outputs(job, run_dir, resume, anyway=resume_anyway, force=force, verify=verify)
    where = _Open(address=address, resources=resources or getattr(cluster.current(), "resources", Resources()))
    work = Work(job=job, found=_found(job, outputs), needs_score=False)
    with _saved_by_value(work.found.modules):
        outcome = run_job(lambda _: work, where, outputs, call=_call(work), sink=sink)
    outcome.raise_error()
    return outcome


def _job(data: Data, estimator: Any, limits: Limits | None) -> FitJob | SearchJob:
    """Make a job; the clock of its limits starts."""
    from raysk.source.found import is_search

    source = type(estimator).__name__
    if is_search(estimator):
        return SearchJob(search=estimator, data=data, source=source, limits=(limits or Limits()).begun())
    if limits is not None:
        raise UsageError(f"limits end a search, and this {source} is none. Leave them out.")
    return FitJob(estimator=estimator, data=data, source=source)


def _outputs(
    job: FitJob | SearchJob, run_dir: str | Path | None, resume: bool | str | Path, **said: bool
) -> Outputs | None:
    """Return what a run leaves behind; None without a run folder."""
    if resume is not False and not isinstance(job, SearchJob):
        raise UsageError(f"resume goes on with a search, and this {job.source} is none. Leave it out.")
    if resume is True and run_dir is None:
        raise UsageError("resume=True goes on with the run in run_dir. Name that, or the run: resume='latest'.")
    if run_dir is None and resume is False:
        return None
    from raysk.runner.outputs import Outputs
    from raysk.runs.folder import JOURNAL
    from raysk.runs.which import find_search

    if resume is True and (Path(str(run_dir)) / JOURNAL).is_file():
        resume, run_dir = str(run_dir), None
    if isinstance(resume, str | Path) and run_dir is not None:
        raise UsageError("run_dir makes a new run, resume goes on with an earlier one. Leave one of the two out.")
    outputs = Outputs(
        run_dir=None if run_dir is None else Path(run_dir),
        resume=None if isinstance(resume, bool) else find_search(str(resume)),
        **said,
    )
    outputs.check()
    return outputs


def _found(job: FitJob | SearchJob, outputs: Outputs | None) -> Found:
    """Say where a job of this program's is from; whose code it is matters to a run folder only."""
    from raysk.source.found import Found
    from raysk.source.own import own_modules

    file = getattr(sys.modules.get("__main__"), "__file__", None)
    path = None if file is None or outputs is None else Path(file).absolute()
    modules = () if outputs is None else own_modules(set(), None)
    return Found(source=job.source, path=path, names={}, modules=modules)


@contextlib.contextmanager
def _saved_by_value(modules: Iterable[ModuleType]) -> Iterator[None]:
    """Save what these modules define with a model: it is loaded where they are not."""
    import cloudpickle

    known = cloudpickle.list_registry_pickle_by_value()
    new = [module for module in modules if module.__name__ not in known]
    for module in new:
        cloudpickle.register_pickle_by_value(module)
    try:
        yield
    finally:
        for module in new:
            with contextlib.suppress(ValueError):  # another thread did it
                cloudpickle.unregister_pickle_by_value(module)


def _call(work: Work) -> dict[str, Any]:
    """Return how the run was started, for its manifest."""
    from raysk.runs.folder import PYTHON

    path = work.found.path
    return {"command": PYTHON, "source": None if path is None else str(path), "arguments": [work.job.source]}


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


class _Open(Where):
    """The connection that is open, or one that this call opens and shares with those of other threads."""

    @contextlib.contextmanager
    def starting(self, _: Sink) -> Iterator[Start]:
        """Borrow the connection."""
        borrowed = _borrow(self.address, self.resources)
        try:
            yield _There(borrowed)
        finally:
            _give_back(borrowed)

    def send(self, modules: Iterable[ModuleType]) -> None:
        """Send nothing: workers import the program's modules, with a run folder as without."""


@dataclass(frozen=True)
class _There:
    """A cluster that need not be waited for."""

    cluster: cluster.Cluster

    def result(self) -> cluster.Cluster:
        return self.cluster


def _borrow(address: str | None, resources: Resources | None = None) -> cluster.Cluster:
    """Return the connection that is open, or a new one; calls of other threads share it, and the last one closes it."""
    with _lock:
        running = cluster.current()
        if running is None:
            running = cluster.Cluster(address, resources=resources)
            _borrowers[running] = 0
        elif address is not None and cluster.resolve(address) != running.address:
            raise UsageError(
                f"address={address!r}: this program is connected to {running.address or 'a Ray of its own'} already.\n"
                "Close that connection first, or leave address out to use it."
            )
        elif resources is not None and resources != running.resources:
            raise UsageError(
                "resources: this program is connected already, with others.\n"
                "Give them to raysk.connect, or close that connection first."
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
