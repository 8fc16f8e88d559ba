"""Where a job runs: on a cluster's workers by raysk's plans, or on another joblib backend by scikit-learn's own fit."""

from __future__ import annotations

import contextlib
import time
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Protocol

from raysk import cluster
from raysk._compat import sklearn as sklearn_private
from raysk.errors import FitsFailed, TaskLost, Unpicklable, UsageError
from raysk.jobs import Resources, SearchJob
from raysk.util import exits
from raysk.util.working_folder import check_sendable

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from types import ModuleType

    from raysk.events import Sink
    from raysk.jobs import FitJob
    from raysk.plans.retention import Retention
    from raysk.pool import Pool
    from raysk.runs.journal import Journal

AFTER_LOSS = (
    "If memory ran out, try --memory-per-fit or a node that has more.\n"
    "If it was os._exit or a crash in native code, -v shows what workers print."
)


class Start(Protocol):
    """A cluster that is there, or soon will be."""

    def result(self) -> cluster.Cluster:
        """Wait for it."""


@dataclass(frozen=True, kw_only=True)
class Where:
    """Where a job runs.

    Parameters
    ----------
    address : str or None
        See `raysk.cluster.Cluster`.
    resources : Resources
    backend : str or None
        Another joblib backend that scikit-learn's own ``fit`` runs on; None means raysk's plans.
    worker_output : bool
        Whether what workers print is shown.
    """

    address: str | None = None
    resources: Resources = field(default_factory=Resources)
    backend: str | None = None
    worker_output: bool = False

    @property
    def has_plans(self) -> bool:
        """Whether raysk itself spreads the job."""
        return self.backend in {None, "raysk"}

    def check(self, asked: Mapping[str, object]) -> None:
        """Fail before anything runs if options ask for what only raysk's own plans can do.

        Parameters
        ----------
        asked : mapping of str to object
            Such options, and whether each was given.

        Raises
        ------
        UsageError
        """
        if self.has_plans:
            return
        resources = self.resources
        reserved = {"--cpus-per-fit": resources.cpus_per_fit > 1, "--memory-per-fit": resources.memory_per_fit}
        given = [option for option, value in {**reserved, **asked}.items() if value]
        given = [option for option in given if (self.backend, option) != ("ray", "--address")]
        if given:
            raise UsageError(
                f"{given[0]}: --backend {self.backend} cannot do that.\n"
                "Leave one of the two out; if it is a setting, 'raysk config' says where it is from."
            )

    def check_backend(self) -> None:
        """Fail if joblib knows no such backend, now that the person's file had its chance to register one.

        Raises
        ------
        UsageError
        """
        if self.has_plans or self.backend == "ray":
            return
        from joblib import parallel

        known = {*parallel.BACKENDS, *parallel.EXTERNAL_BACKENDS, "ray", "raysk"}
        if self.backend not in known:
            names = ", ".join(sorted(known))
            raise UsageError(f"--backend {self.backend}: joblib does not know it. Known: {names}.")

    @contextlib.contextmanager
    def starting(self, sink: Sink) -> Iterator[Start | None]:
        """Connect in the background, if a cluster is needed; leave at the end."""
        if not self.has_plans and self.backend != "ray":
            yield None
            return
        check_sendable()
        options = {"resources": self.resources, "sink": sink, "worker_output": self.worker_output}
        check = None if self.has_plans else self._check_nodes  # workers of another backend do not tell their versions
        with cluster.Starting(check, address=self.address, warm=self.has_plans, **options) as start:
            yield start

    def send(self, modules: Iterable[ModuleType]) -> None:
        """Send the person's modules to the workers with the job."""
        cluster.travel_by_value(modules)

    def _check_nodes(self, running: cluster.Cluster) -> None:
        from raysk.cluster import nodes

        nodes.check(running, allow_versions=self.resources.allow_versions)


@dataclass(frozen=True, kw_only=True)
class Fitted:
    """A fitted estimator, and what fitting it took; see `raysk.runner.outcome.Outcome`."""

    estimator: Any
    time_s: float
    cpu_time_s: float | None = None
    workers: int | None = None
    nodes: int | None = None
    cluster: Mapping[str, Any]
    early: BaseException | None = None


def fit(  # noqa: PLR0913 - what is fitted, where, and who hears of it
    where: Where,
    start: Start | None,
    job: FitJob | SearchJob,
    modules: tuple[ModuleType, ...],
    *,
    sink: Sink,
    journal: Journal | None = None,
    retention: Retention | None = None,
) -> Fitted:
    """Fit a job's estimator or search.

    Parameters
    ----------
    where : Where
    start : Start or None
        What `Where.starting` gave.
    job : FitJob or SearchJob
    modules : tuple of module
        The person's, which go to the workers with the job.
    sink : callable
        Takes the events of this job.
    journal : Journal or None
        Keeps a search's finished fits. With one, a search that ends early is returned with what ended it.
    retention : Retention or None
        Which estimators of a search are kept, and how.

    Returns
    -------
    Fitted
    """
    running = None if start is None else start.result()
    if running is not None:
        where.send(modules)
    if running is None or not where.has_plans:
        return _fit_plainly(where, job, running)
    exits.take_back()
    pool: Any = Telling(running.pool, sink)
    cpu_s, begin = pool.cpu_s, time.perf_counter()
    early = _fit_on(pool, job, journal, retention, where.resources.cpus_per_fit)
    return Fitted(
        estimator=job.estimator,
        time_s=time.perf_counter() - begin,
        cpu_time_s=pool.cpu_s - cpu_s,
        workers=pool.most_up.workers,
        nodes=pool.most_up.nodes,
        cluster={"address": running.address, "nodes": running.nodes, "cpus": running.cpus},
        early=early,
    )


def _fit_on(
    pool: Any, job: FitJob | SearchJob, journal: Journal | None, retention: Retention | None, cpus: int
) -> BaseException | None:
    """Fit on a pool; return what ended a search early, if there is a journal and a candidate is done."""
    from raysk import plans

    whole, data = job.estimator, job.data
    said: dict[str, Any] = {}
    if isinstance(job, SearchJob):
        said = {"limits": job.limits, "shortcuts": job.shortcuts, "seeds": job.seeds}
    if isinstance(job, SearchJob) and job.verification is not None:
        said["verification"] = replace(job.verification, cpus=cpus)
    before = getattr(whole, "cv_results_", None)  # of an earlier fit
    try:
        with explained_errors(whole), exits.Contained():
            plans.fit(pool, whole, data.X, data.y, data.fit_params, journal=journal, retention=retention, **said)
    except (KeyboardInterrupt, SystemExit, FitsFailed) as end:
        if journal is None or getattr(whole, "cv_results_", None) is before:
            raise
        return end
    return None


@contextlib.contextmanager
def explained_errors(whole: Any) -> Iterator[None]:
    """Say what to do about an estimator that cannot be sent to the workers, or whose fit was given up."""
    from raysk.models.unpicklable import unpicklable_error

    try:
        yield
    except Unpicklable as error:
        raise unpicklable_error(whole, error, "sent to the workers") from error
    except TaskLost as loss:
        raise TaskLost(f"The fit was given up: {loss}.\n{AFTER_LOSS}") from loss


class Telling:
    """A pool whose plans tell the sink of one job besides its own: jobs may share a pool."""

    def __init__(self, pool: Pool, sink: Sink) -> None:
        self._pool = pool
        self.sink = sink if any(each is pool.sink for each in _chain(sink)) else _both(sink, pool.sink)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._pool, name)


def _chain(sink: Sink | None) -> Iterator[Sink]:
    """Return a sink, and those that it hands events on to."""
    while sink is not None:
        yield sink
        sink = getattr(sink, "then", None)


def _both(one: Sink, other: Sink) -> Sink:
    def sink(event: Any, /) -> None:
        one(event)
        other(event)

    return sink


def _fit_plainly(where: Where, job: FitJob | SearchJob, running: cluster.Cluster | None) -> Fitted:
    """Run scikit-learn's own fit on another joblib backend; for "ray", as Ray's documentation says."""
    import joblib

    if running is not None:
        cluster.register_rays_own_backend()
    whole, data, begin = job.estimator, job.data, time.perf_counter()
    with joblib.parallel_config(backend=where.backend, n_jobs=where.resources.workers or -1):
        try:
            whole = whole.fit(*((data.X,) if data.y is None else (data.X, data.y)), **data.fit_params)
        except ValueError as error:
            if told := sklearn_private.all_fits_failed(error):
                raise told from None
            raise
    time_s, nodes = time.perf_counter() - begin, None if running is None else running.nodes
    return Fitted(estimator=whole, time_s=time_s, nodes=nodes, cluster={})
