"""What `raysk fit` and `raysk search` have in common: connect while the file is read, run, leave a run folder."""

from __future__ import annotations

import contextlib
import gc
import os
import shlex
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from raysk import cluster, exits
from raysk.cli import signals
from raysk.cli.settings import as_typed, is_typed
from raysk.errors import AllFitsFailed, InputError, TaskLost, TooManyFailures, Unpicklable, UsageError
from raysk.here import check_sendable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from typer import Context

    from raysk.cli.keeping import Keeper, Kept
    from raysk.cli.render import View
    from raysk.events import Sink
    from raysk.jobs import FitJob, Limits, Resources, SearchJob
    from raysk.runs.folder import RunFolder
    from raysk.runs.journal import Journal
    from raysk.runs.made import Made
    from raysk.spec.loader import Found

STILL_MET = {"stop-at", "patience", "max-failures"}
"""Limits that count what is in the journal; a time budget begins anew."""

AFTER_LOSS = (
    "If memory ran out, try --memory-per-fit or a node that has more.\n"
    "If it was os._exit or a crash in native code, -v shows what workers print."
)


@dataclass(frozen=True, kw_only=True)
class Where:
    """Where a job runs, as the command line says.

    Parameters
    ----------
    address : str or None
    resources : Resources
    backend : str or None
        Another joblib backend that scikit-learn's own ``fit`` runs on; None means raysk's plans.
    worker_output : bool
        Whether what workers print is shown.
    """

    address: str | None
    resources: Resources
    backend: str | None = None
    worker_output: bool = False

    def check(self, context: Context, limits: Limits | None = None) -> None:
        """Fail before anything runs if options ask for what only raysk's own plans can do.

        Parameters
        ----------
        context : typer.Context
            Of the command.
        limits : Limits or None

        Raises
        ------
        UsageError
        """
        if self.backend in {None, "raysk"}:
            return
        reserved = {
            "--cpus-per-fit": self.resources.cpus_per_fit > 1,
            "--memory-per-fit": self.resources.memory_per_fit is not None,
            "--address": self.backend != "ray" and is_typed(context, "address"),
            **{f"--{name}": bool(context.params.get(name)) for name in ("resume", "strict", "stream")},
        }
        asked = [option for option, given in reserved.items() if given] + (limits.options if limits else [])
        if asked:
            raise UsageError(
                f"{asked[0]}: --backend {self.backend} cannot do that.\n"
                "Leave one of the two out; if it is a setting, 'raysk config' says where it is from."
            )

    def check_backend(self) -> None:
        """Fail if joblib knows no such backend, now that the person's file had its chance to register one.

        Raises
        ------
        UsageError
        """
        if self.backend in {None, "raysk", "ray"}:
            return
        from joblib import parallel

        known = {*parallel.BACKENDS, *parallel.EXTERNAL_BACKENDS, "ray", "raysk"}
        if self.backend not in known:
            names = ", ".join(sorted(known))
            raise UsageError(f"--backend {self.backend}: joblib does not know it. Known: {names}.")

    @contextlib.contextmanager
    def starting(self, sink: Sink) -> Iterator[cluster.Starting | None]:
        """Connect in the background, if a cluster is needed; leave at the end."""
        if self.backend not in {None, "raysk", "ray"}:
            yield None
            return
        check_sendable()
        options = {"resources": self.resources, "sink": sink, "worker_output": self.worker_output}
        plain = self.backend == "ray"  # its workers are not ours, and do not tell their versions
        with cluster.Starting(self._check if plain else None, address=self.address, warm=not plain, **options) as start:
            yield start

    def _check(self, running: cluster.Cluster) -> None:
        from raysk import preflight

        preflight.check(running, allow_versions=self.resources.allow_versions)


@dataclass(kw_only=True)
class Ran:
    """What a run took."""

    time_s: float = 0.0
    cpu_time_s: float | None = None
    workers: int | None = None
    nodes: int | None = None
    cluster: dict[str, Any] = field(default_factory=dict)
    early: BaseException | None = None
    """What ended a search early, to be raised when all is written."""

    def facts(self) -> dict[str, Any]:
        """Return what the run's manifest says of it."""
        outcome = "done"
        if self.early is not None:
            outcome = "failed" if isinstance(self.early, TooManyFailures) else "interrupted"
        return {"cluster": self.cluster, "time_s": self.time_s, "outcome": outcome}


def carry_out(
    where: Where,
    view: View,
    *,
    context: Context,
    file: str,
    kept: Kept,
    make_job: Callable[[Found], FitJob | SearchJob],
    keep: Callable[[Any, RunFolder, dict[str, Any], Any], dict[str, Any]],
    keeper: Keeper,
    sink: Sink | None = None,
) -> tuple[Any, Ran, dict[str, Any]]:
    """Read the file while Ray starts, run its job, and leave a run folder.

    Parameters
    ----------
    where : Where
    view : View
    context : typer.Context
        Of the command.
    file : str
        As the person wrote it.
    kept : Kept
        Where the run is kept.
    make_job : callable
        Makes the job of what was found in the file.
    keep : callable
        Called with what was fitted, the run folder, what a model's sidecar says of its origin, and the data X;
        writes what should last and returns what the summary says of it.
    keeper : Keeper
        Takes note of what could not be written.
    sink : callable or None
        Takes events; None means the view.

    Returns
    -------
    fitted : estimator
    ran : Ran
    written : dict
        What `keep` returned, and ``run_dir``.
    """
    told = {"command": context.info_name, "source": file, "arguments": as_typed(context), "folder": str(Path.cwd())}
    with where.starting(sink or view) as start, view.running():
        found, job = load_job(where, file, make_job)
        folder = _folder(kept, start, run_name(found))
        with (
            journal_of(folder, view, _made(found, kept, where))
            if plans_search(where, job)
            else contextlib.nullcontext() as journal,
            recorded(folder, found, told, keeper, outputs=kept.outputs()) as facts,
        ):
            fitted, ran = run(where, start, job, found, journal)
            written = keep(fitted, folder, origin(found, job.data), job.data.X)
            facts.update(written, outputs=kept.outputs(keeper.lost), **ran.facts())
            if journal is not None and (ran.early is not None or view.stopped or keeper.errors):
                say_how_to_go_on(view, folder)
    return fitted, ran, {"run_dir": str(folder.root.absolute()), **written}


def load_job(
    where: Where, file: str, make_job: Callable[[Found], FitJob | SearchJob]
) -> tuple[Found, FitJob | SearchJob]:
    """Read the file, make its job, and check what can be known before a fit."""
    from raysk.spec import before_fit, loader

    found = loader.load(file)
    where.check_backend()
    job = make_job(found)
    before_fit.check_job(job)
    return found, job


def _made(found: Found, kept: Kept, where: Where) -> Made:
    """Return what fits are made with now, and what the person accepts to have been other before."""
    from raysk.runs.made import Made

    return Made.of(found.modules, anyway=kept.anyway, allow_versions=where.resources.allow_versions)


def _folder(kept: Kept, start: cluster.Starting | None, name: str) -> RunFolder:
    """Return the folder of the run, once the cluster is there: a run that never begins leaves none, nor changes one."""
    if start is not None:
        start.result()
    return kept.folder(name)


def plans_search(where: Where, job: FitJob | SearchJob) -> bool:
    """Tell whether a job is a search that raysk itself spreads, whose fits it can keep."""
    return hasattr(job, "search") and where.backend in {None, "raysk"}


@contextlib.contextmanager
def journal_of(folder: RunFolder, view: View, made: Made) -> Iterator[Journal]:
    """Keep a search's finished fits; if it ends early, say how to go on."""
    from raysk.runs.folder import JOURNAL
    from raysk.runs.journal import Journal

    with Journal(folder.path(JOURNAL), made, view.say) as journal:
        before = len(journal.known)
        try:
            yield journal
        except AllFitsFailed:  # they would again
            raise
        except BaseException:
            if len(journal.known) > before:
                say_how_to_go_on(view, folder)
            raise


def say_how_to_go_on(view: View, folder: RunFolder) -> None:
    """Name the command that goes on with a search; a limit that is met already has to be another then."""
    wider = f" --{view.stopped} N" if view.stopped in STILL_MET else ""
    run = shlex.quote(os.path.relpath(folder.root))
    view.say(f"Finished fits are kept. Go on with: raysk resume {run}{wider}")


def run(
    where: Where, start: cluster.Starting | None, job: FitJob | SearchJob, found: Found, journal: Journal | None
) -> tuple[Any, Ran]:
    """Fit a job's estimator or search where the command line says; returns it, fitted, and what that took."""
    estimator = job.search if hasattr(job, "search") else job.estimator
    gc.freeze()  # modules stay: looking for garbage in them costs 0.1 s, again every few thousand fits
    data, begin = job.data, time.perf_counter()
    if start is None or where.backend == "ray":
        ran = Ran()
        if start is not None:
            ran.nodes = start.result().nodes
            cluster.travel_by_value(found.modules)
        fitted = _fit_plainly(str(where.backend), where.resources.workers or -1, estimator, data)
    else:
        from raysk import plans
        from raysk.runs.pickling import unpicklable

        early: BaseException | None = None
        running = start.result()
        signals.take_back()
        cluster.travel_by_value(found.modules)
        pool = running.pool
        try:
            limits = getattr(job, "limits", None)
            with exits.Contained():
                fitted = plans.fit(pool, estimator, data.X, data.y, data.fit_params, journal=journal, limits=limits)
        except Unpicklable as error:
            raise unpicklable(estimator, error, "sent to the workers") from error
        except TaskLost as loss:
            raise TaskLost(f"The fit was given up: {loss}.\n{AFTER_LOSS}") from loss
        except (KeyboardInterrupt, SystemExit, TooManyFailures) as end:
            if journal is None or not hasattr(estimator, "cv_results_"):
                raise
            fitted, early = estimator, end
        ran = Ran(cpu_time_s=pool.cpu_s, workers=pool.most_up.workers, nodes=pool.most_up.nodes, early=early)
        ran.cluster = {"address": running.address, "nodes": running.nodes, "cpus": running.cpus}
    ran.time_s = time.perf_counter() - begin
    return fitted, ran


def _fit_plainly(backend: str, n_jobs: int, estimator: Any, data: Any) -> Any:
    """Run scikit-learn's own fit on another joblib backend; for "ray", as Ray's documentation says."""
    import joblib

    if backend == "ray":
        cluster.register_rays_own_backend()
    with joblib.parallel_config(backend=backend, n_jobs=n_jobs):
        try:
            return estimator.fit(*((data.X,) if data.y is None else (data.X, data.y)), **data.fit_params)
        except ValueError as error:
            if told := AllFitsFailed.told_by(error):
                raise told from None
            raise


def run_name(found: Found) -> str:
    """Return what a run folder is called after: the file without its suffix, or the object's name."""
    return found.path.stem if found.path is not None else found.source.partition("(")[0].rpartition(":")[2]


@contextlib.contextmanager
def recorded(
    folder: RunFolder, found: Found, job: Mapping[str, Any], keeper: Keeper, outputs: Sequence[str]
) -> Iterator[dict[str, Any]]:
    """Keep the run folder's manifest: "running" at first, then how it ended.

    That of an earlier run stays if going on with it is refused: by its arguments it is resumed once more.

    Yields
    ------
    facts : dict
        What the caller wants recorded at the end.
    """
    from raysk.runs.folder import ended, manifest

    earlier = refused = None
    with contextlib.suppress(InputError):
        earlier = folder.read_manifest()
    running = {**manifest(job=job, source=found.path), "outputs": outputs}
    folder.write_manifest(running)
    facts: dict[str, Any] = {}
    outcome = "failed"
    try:
        with exits.Contained():
            yield facts
        outcome = facts.pop("outcome")
    except (KeyboardInterrupt, SystemExit):
        outcome = "interrupted"
        raise
    except (InputError, UsageError):
        refused = earlier
        raise
    finally:
        with keeper.putting_errors_off():
            folder.write_manifest(refused or ended(running, outcome, **facts))


def origin(found: Found, data: Any) -> dict[str, Any]:
    """Return what a model's sidecar says of where the model came from."""
    from raysk.runs.models import data_facts

    facts = data_facts(data.X, data.y, feature_names=data.feature_names, target_names=data.target_names)
    return {"source": found.source, "source_hash": found.source_hash, "data": {"source": data.source, **facts}}
