"""What `raysk fit` and `raysk search` have in common: connect while the file is read, run, leave a run folder."""

from __future__ import annotations

import contextlib
import gc
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from raysk import cluster
from raysk._compat import sklearn as sklearn_private
from raysk.cli import signals
from raysk.cli.recording import journal_of, origin, recorded, say_how_to_go_on
from raysk.cli.settings import as_typed, is_typed
from raysk.errors import FitsFailed, NoScore, TaskLost, Unpicklable, UsageError
from raysk.events import PhaseStarted, null_sink
from raysk.results.scores import best_of, has_score
from raysk.runner.held_out import score_held_out
from raysk.runner.outcome import Outcome
from raysk.util import exits
from raysk.util.here import check_sendable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from typer import Context

    from raysk.cli.keeping import Keeper, Kept
    from raysk.cli.view.live import View
    from raysk.events import Sink
    from raysk.jobs import Data, FitJob, Limits, Resources, SearchJob
    from raysk.runner.outcome import Tally
    from raysk.runs.folder import RunFolder
    from raysk.runs.journal import Journal
    from raysk.runs.made import Made
    from raysk.source.loader import Found

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
        from raysk.cluster import nodes

        nodes.check(running, allow_versions=self.resources.allow_versions)


@dataclass(kw_only=True)
class Ran:
    """What a run took."""

    time_s: float = 0.0
    cpu_time_s: float | None = None
    workers: int | None = None
    nodes: int | None = None
    cluster: dict[str, Any] = field(default_factory=dict)
    early: BaseException | None = None
    """What ended a search early, or made it fail, to be raised when all is written."""
    outcome: Outcome = field(default_factory=Outcome)
    best: dict[str, Any] | None = None
    """Of a search: its best candidate, see `raysk.results.scores.best_of`."""

    @property
    def ended_early(self) -> bool:
        """Whether a search may be gone on with; not where that would fail again."""
        return (self.early is not None or self.outcome.stopped is not None) and not isinstance(self.early, NoScore)

    def raise_early(self, keeper: Keeper) -> None:
        """Raise what could not be written, or what ended or failed the job, now that all is written."""
        keeper.raise_errors()
        if self.early is not None:
            raise self.early

    def facts(self) -> dict[str, Any]:
        """Return what the run's manifest says of it."""
        outcome = "done"
        if self.early is not None:
            outcome = "failed" if isinstance(self.early, FitsFailed) else "interrupted"
        done = self.outcome
        counts = {"fits": done.fits, "fits_failed": done.failed, "scores_failed": done.scores_failed}
        return {"cluster": self.cluster, "time_s": self.time_s, "outcome": outcome, "best": self.best, **counts}


def carry_out(
    where: Where,
    view: View,
    *,
    context: Context,
    file: str,
    kept: Kept,
    make_job: Callable[[Found], FitJob | SearchJob],
    keep: Callable[[Any, RunFolder, dict[str, Any], Data], dict[str, Any]],
    keeper: Keeper,
    tally: Tally,
) -> tuple[Any, Ran, dict[str, Any]]:
    """Read the file while Ray starts, run its job, and leave a run folder.

    Parameters
    ----------
    where, view, context, kept
        Of the command.
    file : str
        As the person wrote it.
    make_job : callable
        Makes the job of what was found in the file.
    keep : callable
        Called with what was fitted, the run folder, what a model's sidecar says of its origin, and the data;
        writes what should last and returns what the summary says of it.
    keeper : Keeper
        Takes note of what could not be written.
    tally : Tally
        Takes events.

    Returns
    -------
    fitted : estimator
    ran : Ran
    written : dict
        What `keep` returned, ``run_dir``, what data was used, and the scores of what of it was held out.
    """
    told = {"command": context.info_name, "source": file, "arguments": as_typed(context), "folder": str(Path.cwd())}
    keeper.get_ready()
    kept.say_what_goes_on(view)
    with where.starting(tally) as start, view.running():
        found, job, used = _read(where, file, make_job, view)
        folder = _folder(kept, start, found, tally)
        with (
            journal_of(folder, view, _made(found, kept, where), tally, job)
            if plans_search(where, job)
            else contextlib.nullcontext() as journal,
            recorded(folder, found, told, keeper, outputs=kept.outputs(), data=used) as facts,
        ):
            fitted, ran = run(where, start, job, found, journal, tally)
            written = keep(fitted, folder, origin(found, job.data), job.data)
            written |= {"data": used, **score_held_out(fitted, job.data.held_out, view.say)}
            facts.update(written, outputs=kept.outputs(keeper.lost), **ran.facts())
            if journal is not None and (ran.ended_early or keeper.errors):
                say_how_to_go_on(view, folder, ran.outcome.stopped)
    return fitted, ran, {"run_dir": str(folder.root.absolute()), **written}


def _read(
    where: Where, file: str, make_job: Callable[[Found], FitJob | SearchJob], view: View
) -> tuple[Found, FitJob | SearchJob, dict[str, Any]]:
    """Return what a file holds, its job, and what data that uses; says the last, and what the person may not know."""
    from raysk.request.facts import data_in_short
    from raysk.source.found import fitted_on_import

    found, job = load_job(where, file, make_job, view)
    used = data_in_short(job.data, job.search if hasattr(job, "search") else job.estimator)
    for line in filter(None, (found.remark, fitted_on_import(found), used["line"])):
        view.say(line)
    return found, job, used


def load_job(
    where: Where, file: str, make_job: Callable[[Found], FitJob | SearchJob], sink: Sink = null_sink
) -> tuple[Found, FitJob | SearchJob]:
    """Read the file, make its job, and check what can be known before a fit."""
    from raysk.request import before_fit
    from raysk.source import loader

    sink(PhaseStarted(name=f"reading {file}"))
    found = loader.load(file)
    where.check_backend()
    job = make_job(found)
    sink(PhaseStarted(name="checking"))
    before_fit.check_job(job)
    return found, job


def _made(found: Found, kept: Kept, where: Where) -> Made:
    """Return what fits are made with now, and what the person accepts to have been other before."""
    from raysk.runs.made import Made

    return Made.of(found.modules, anyway=kept.anyway, allow_versions=where.resources.allow_versions)


def _folder(kept: Kept, start: cluster.Starting | None, found: Found, sink: Sink) -> RunFolder:
    """Return the folder of the run, once the cluster is there: a run that never begins leaves none, nor changes one."""
    kept.check(**{f"module {each.__name__}": getattr(each, "__file__", None) for each in found.modules})
    if start is not None:
        sink(PhaseStarted(name="connecting"))
        start.result()
    return kept.folder(run_name(found))


def plans_search(where: Where, job: FitJob | SearchJob) -> bool:
    """Tell whether a job is a search that raysk itself spreads, whose fits it can keep."""
    return hasattr(job, "search") and where.backend in {None, "raysk"}


def run(
    where: Where,
    start: cluster.Starting | None,
    job: FitJob | SearchJob,
    found: Found,
    journal: Journal | None,
    tally: Tally,
) -> tuple[Any, Ran]:
    """Fit a job's estimator or search where the command line says; returns it, fitted, and what that took."""
    estimator = job.search if hasattr(job, "search") else job.estimator
    tally(PhaseStarted(name="fitting"))
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
        from raysk.models.pickling import unpicklable

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
        except (KeyboardInterrupt, SystemExit, FitsFailed) as end:
            if journal is None or not hasattr(estimator, "cv_results_"):
                raise
            fitted, early = estimator, end
        ran = Ran(cpu_time_s=pool.cpu_s, workers=pool.most_up.workers, nodes=pool.most_up.nodes, early=early)
        ran.cluster = {"address": running.address, "nodes": running.nodes, "cpus": running.cpus}
    ran.time_s = time.perf_counter() - begin
    if ran.early is None and not has_score(fitted):
        ran.early = NoScore("No candidate has a finite score", None, "Choose another metric, or mend what fails.")
    ran.best = best_of(fitted) if hasattr(fitted, "cv_results_") else None
    ran.outcome = tally.outcome
    tally(PhaseStarted(name="saving"))
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
            if told := sklearn_private.all_fits_failed(error):
                raise told from None
            raise


def run_name(found: Found) -> str:
    """Return what a run folder is called after: the file without its suffix, or the object's name."""
    return found.path.stem if found.path is not None else found.source.partition("(")[0].rpartition(":")[2]
