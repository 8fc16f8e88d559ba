"""The public Python names: `connect`, `fit`, `run`, `register`, and the objects that these take and return."""

from __future__ import annotations

import sys
import time
import warnings
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from raysk import cluster
from raysk.cluster.borrowing import leave_standing
from raysk.errors import CallError, ClusterError, UsageError
from raysk.events import null_sink
from raysk.jobs import Data, FitJob, Limits, Resources, SearchJob, Shortcuts, Verification
from raysk.models.by_value import saved_by_value
from raysk.results.selection import OneStandardError
from raysk.runner.borrowed import Borrowed
from raysk.runner.joblib_backend import register
from raysk.runner.outcome import Outcome
from raysk.runner.outer_folds import NestedOutcome, Nesting
from raysk.runner.outer_folds import run as run_nested
from raysk.runner.outputs import kind_of, recorded_outputs
from raysk.runner.run import Work
from raysk.runner.run import run as run_job
from raysk.runs.folder import CV, NESTED, PYTHON, PYTHON_CV, PYTHON_NESTED
from raysk.util import nested as nested_calls

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from raysk.events import Sink
    from raysk.runner.outputs import Outputs
    from raysk.runner.where import Where

__all__ = [
    "Limits",
    "OneStandardError",
    "Outcome",
    "Resources",
    "Shortcuts",
    "connect",
    "fit",
    "nested",
    "register",
    "run",
]


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
    if nested_calls.in_worker():
        return nested_calls.connect()  # type: ignore[return-value]
    if nested_calls.in_fork():
        raise ClusterError(nested_calls.NO_CONNECTION)
    if isinstance(memory_per_fit, str):
        from raysk.util.values import parse_size

        memory_per_fit = parse_size(memory_per_fit, "--memory-per-fit")
    resources = Resources(
        workers=workers, cpus_per_fit=cpus_per_fit, memory_per_fit=memory_per_fit, allow_versions=allow_versions
    )
    leave_standing()
    return cluster.Cluster(address, resources=resources, sink=sink, worker_output=worker_output)


def fit(  # noqa: PLR0913 - those of scikit-learn's fit, and what the command line says of a run
    estimator: Any,
    X: Any,
    y: Any = None,
    *,
    address: str | None = None,
    limits: Limits | None = None,
    shortcuts: Shortcuts | None = None,
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
    limits, shortcuts, run_dir, resume, sink
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
    said: dict[str, Any] = {"address": address, "limits": limits, "shortcuts": shortcuts}
    outcome = run(estimator, X, y, fit_params=fit_params, run_dir=run_dir, resume=resume, sink=sink, **said)
    if outcome.stopped is not None:
        text = f"The search ended early ({outcome.stopped}) with {outcome.candidates:,} candidates; see raysk.run."
        warnings.warn(text, stacklevel=2)
    return outcome.estimator


def run(  # noqa: PLR0913 - as `fit`
    estimator: Any,
    X: Any,
    y: Any = None,
    *,
    fit_params: Mapping[str, Any] | None = None,
    address: str | None = None,
    resources: Resources | None = None,
    limits: Limits | None = None,
    shortcuts: Shortcuts | None = None,
    seeds: Sequence[Mapping[str, Any]] = (),
    run_dir: str | Path | None = None,
    name: str | None = None,
    tags: Sequence[str] = (),
    resume: bool | str | Path | None = False,
    resume_anyway: bool = False,
    force: bool = False,
    report: bool = False,
    verify: bool = True,
    verify_fits: int | None = None,
    keep_estimators: int = 0,
    sink: Sink = null_sink,
) -> Outcome:
    """Fit an estimator or a search as `fit` does, and return what the run did.

    Parameters
    ----------
    estimator, X, y, address, fit_params, resources
        See `fit`; what goes to the estimator's ``fit``; what of the cluster is used, if this call connects.
    limits, shortcuts, seeds : Limits, Shortcuts, list of dict, optional
        When a search ends early; which of its fits need not be done; what it tries first, as `top_params` has it.
    run_dir, name, tags, resume : str or Path, str, list of str, optional; bool, str or Path, default=False
        The folder of the run's files; without it a name or tag makes one in ``raysk-runs``. An earlier run of this
        search, whose fits are not done again: True means the one in `run_dir`, if there is one.
    resume_anyway, force, report : bool, default=False
        Go on although something changed since; replace another run in `run_dir`; write a page, see `write_report`.
    verify, verify_fits, keep_estimators : bool, default=True; int, optional; int, default=0
        Load the model back in another process; do so many fits again (or FitsDiffer); keep estimators of so many best.
    sink : callable, optional
        Takes the `raysk.events` of this run. Those of the cluster go to the sink of `connect`.

    Returns
    -------
    outcome : Outcome
        Its `estimator` is the same object, fitted.

    Raises
    ------
    KeyboardInterrupt, FitsFailed, InputError, UsageError
        The first two when all is written; `outcome` of the error says what was done. The others: see `fit`.
    """
    data = Data(X=X, y=y, fit_params=fit_params or {})
    said: dict[str, Any] = {"resume": resume, "name": name, "tags": tags}
    if nested_calls.stays_here():
        return _run_here(estimator, data, limits=limits, seeds=seeds, run_dir=run_dir, **said)
    job = _verified(_job(data, _checked(estimator), limits, shortcuts, seeds), verify_fits)
    said |= {"anyway": resume_anyway, "force": force, "report": report, "verify": verify}
    outputs = recorded_outputs(job, run_dir, keep_estimators=keep_estimators, **said)
    work = _work(job, is_recorded=outputs is not None)
    return _run(work, Borrowed(address=address, resources=resources or _resources(), given=resources), outputs, sink)


def nested(  # noqa: PLR0913 - those of cross_validate, and of `run`
    search: Any,
    X: Any,
    y: Any = None,
    *,
    outer: Any = 5,
    scoring: Any = None,
    return_train_score: bool = False,
    fit_params: Mapping[str, Any] | None = None,
    address: str | None = None,
    resources: Resources | None = None,
    limits: Limits | None = None,
    shortcuts: Shortcuts | None = None,
    run_dir: str | Path | None = None,
    name: str | None = None,
    tags: Sequence[str] = (),
    resume: bool | str | Path | None = False,
    resume_anyway: bool = False,
    force: bool = False,
    report: bool = False,
    sink: Sink = null_sink,
) -> NestedOutcome:
    """Cross-validate a search: the searches of all outer folds run at a time.

    Parameters
    ----------
    search : BaseSearchCV
    outer, scoring, return_train_score
        ``cv`` and others of scikit-learn's ``cross_validate``. Without `scoring`, the search's own metrics.
    X, y, fit_params, address, resources, limits, shortcuts, run_dir, name, tags, resume, resume_anyway, force
        See `run`, as for `report` and `sink`. Limits are those of each fold's search.

    Returns
    -------
    NestedOutcome
        Its `results` are what ``cross_validate(search, X, y, cv=outer, return_estimator=True)`` returns.

    Raises
    ------
    UsageError
        If `search` is none, or this is a call inside a fit; see also `run`. Also whatever the search of a fold raises.
    """
    if nested_calls.stays_here():
        raise UsageError("raysk.nested cannot run inside a fit, or in a fork. Use scikit-learn's cross_validate there.")
    data = Data(X=X, y=y, fit_params=fit_params or {})
    job = _job(data, _checked(search), limits, shortcuts)
    if not isinstance(job, SearchJob):
        raise UsageError(f"raysk.nested takes a search, and {job.source} is none. Use cross_validate for it.")
    said: dict[str, Any] = {"anyway": resume_anyway, "force": force, "report": report, "name": name, "tags": tags}
    outputs = recorded_outputs(job, run_dir, resume=resume, command=NESTED, verify=False, **said)
    work = _work(job, is_recorded=outputs is not None)
    where = Borrowed(address=address, resources=resources or _resources(), given=resources)
    nesting = Nesting(outer=outer, scoring=scoring, return_train_score=return_train_score)
    told: dict[str, Any] = {"nesting": nesting, "call": _call(work, PYTHON_NESTED), "sink": sink}
    with saved_by_value(work.found.modules):
        outcome = run_nested(lambda _: work, where, outputs, **told)
    if outcome.unwritten is not None:
        raise outcome.unwritten
    return outcome


def _run_here(estimator: Any, data: Data, **said: Any) -> Outcome:
    """Fit in this process, a worker or a fork."""
    begin = time.perf_counter()
    nested_calls.run(_checked(estimator), data.X, data.y, fit_params=data.fit_params, **said)
    return Outcome(estimator=estimator, time_s=time.perf_counter() - begin)


def _run(work: Work, where: Where, outputs: Outputs | None, sink: Sink) -> Outcome:
    """Run a job, and raise what ended it early."""
    with saved_by_value(work.found.modules):
        outcome = run_job(lambda _: work, where, outputs, call=_call(work), sink=sink)
    try:
        outcome.raise_error()
    except BaseException as error:
        error.outcome = outcome  # type: ignore[attr-defined]
        raise
    return outcome


def _verified(job: FitJob | SearchJob, fits: int | None) -> FitJob | SearchJob:
    if fits is None:
        return job
    if not isinstance(job, SearchJob):
        raise UsageError(f"verify_fits does fits of a search again, and {job.source} is not a search. Leave it out.")
    return replace(job, verification=Verification(fits=fits))


def _checked(estimator: Any) -> Any:
    if isinstance(estimator, type):
        raise CallError(f"{estimator.__name__} is a class; give an object of it: {estimator.__name__}()")
    return estimator


def _resources() -> Resources:
    """Return those of the connection that is open, or the usual ones."""
    running = cluster.current()
    return Resources() if running is None else running.resources


def _work(job: FitJob | SearchJob, *, is_recorded: bool) -> Work:
    """Say whose code a job is; that matters only to a run that is recorded."""
    from raysk.source.objects import SourceObjects
    from raysk.source.user_code import modules_of

    file = getattr(sys.modules.get("__main__"), "__file__", None)
    path = None if file is None or not is_recorded else Path(file).absolute()
    modules = modules_of(job.estimator) if is_recorded else ()
    found = SourceObjects(source=job.source, path=path, names={}, modules=modules)
    return Work(job=job, found=found, needs_score=False)


def _job(
    data: Data, estimator: Any, limits: Limits | None, shortcuts: Shortcuts | None, seeds: Sequence[Any] = ()
) -> FitJob | SearchJob:
    """Make a job; the clock of its limits starts."""
    if not isinstance(limits, Limits | None):
        raise CallError(f"limits={limits!r}: give an object, as limits=raysk.Limits(time_budget_s=600).")
    if not isinstance(shortcuts, Shortcuts | None):
        raise CallError(f"shortcuts={shortcuts!r}: give an object, as shortcuts=raysk.Shortcuts(prune='exact').")
    for name in _OURS & data.fit_params.keys():
        raise CallError(f"{name}: this is a limit of a search. Give it as limits=raysk.Limits({name}=...).")
    from raysk.request.earlier import seeds_for
    from raysk.request.pruning_checks import check_pruning
    from raysk.source.objects import is_search

    source = type(estimator).__name__
    if is_search(estimator):
        shortcuts = shortcuts or Shortcuts()
        check_pruning(estimator, shortcuts)
        said: dict[str, Any] = {"limits": (limits or Limits()).begun(), "shortcuts": shortcuts}
        return SearchJob(search=estimator, data=data, source=source, seeds=seeds_for(estimator, seeds), **said)
    for name, value in (("limits", limits), ("shortcuts", shortcuts), ("seeds", seeds or None)):
        if value is not None:
            raise UsageError(f"{name} are for searches, and {source} is not a search. Leave {name} out.")
    return FitJob(estimator=estimator, data=data, source=source)


_OURS = {"time_budget_s", "fit_timeout_s"}
"""Limits that no estimator's `fit` has: given to `fit`, they are not where they belong."""


def _call(work: Work, command: str | None = None) -> dict[str, Any]:
    """Return how the run was started, for its manifest."""
    command = command or (PYTHON_CV if kind_of(work.job) == CV else PYTHON)
    path = work.found.path
    return {"command": command, "source": None if path is None else str(path), "arguments": [work.job.source]}
