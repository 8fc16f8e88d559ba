"""Nested cross-validation from start to end, for the shell and for Python.

connect, read, record   as run.py
fit and score           the searches of all outer folds on one pool, see raysk.plans.outer_folds
save                    a table with a row a fold; outer-1/ ... have journal and candidates of each search
--> NestedOutcome
"""

from __future__ import annotations

import contextlib
import itertools
import threading
import time
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from raysk.errors import AllFitsFailed
from raysk.events import (
    CandidateDone,
    FitFailed,
    FitLost,
    Outlook,
    PhaseStarted,
    RefitStarted,
    Remark,
    Stopped,
    WorkDone,
    WorkPlanned,
    null_sink,
)
from raysk.request.space_facts import space_facts
from raysk.results.scores import deciding_metric, metric_name
from raysk.runner.outcome import Outcome, Tally
from raysk.runner.progress import Progress, time_budget
from raysk.runner.record import how_to_go_on, recorded
from raysk.runner.reporting import reported
from raysk.runner.run import conditions_of, data_used, folder_of
from raysk.runner.saving import Saver
from raysk.runner.where import Telling, explained_errors
from raysk.runs.folder import RESULTS
from raysk.util import exits

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from raysk.errors import InputError
    from raysk.events import Event, Sink
    from raysk.runner.outputs import Outputs
    from raysk.runner.run import Work
    from raysk.runner.where import Start, Where
    from raysk.runs.folder import RunFolder
    from raysk.runs.journal import Journal

SUMMED = ("fits", "failed", "scores_failed", "saved", "shared", "pruned", "steps_shared", "resumed")
"""Counts of the folds' searches that add up."""


@dataclass(frozen=True, kw_only=True)
class Nesting:
    """What nested cross-validation has besides its search.

    Parameters
    ----------
    outer : int, splitter or iterable
        The outer folds, as ``cv`` of scikit-learn's ``cross_validate``.
    scoring : str, callable, list, tuple, dict or None
        Of the outer folds, as there. None means the search's own: all of its metrics, or its ``score``.
    return_train_score : bool
        As there.
    """

    outer: Any = 5
    scoring: Any = None
    return_train_score: bool = False

    def scoring_of(self, search: Any) -> Any:
        """Return what is given to ``cross_validate``."""
        several = isinstance(search.scoring, list | tuple | set | dict)
        return search.scoring if self.scoring is None and several else self.scoring


@dataclass(frozen=True, kw_only=True)
class NestedOutcome:
    """What nested cross-validation has found.

    Parameters
    ----------
    results : dict
        What scikit-learn's ``cross_validate`` returns, with ``return_estimator=True``: arrays with a value a fold.
    folds : tuple of Outcome
        What the search of each fold did.
    metric : str or None
        What ``test_score`` is; None where there are several.
    time_s, cpu_time_s, workers, nodes, cluster, run_dir, report, outputs, data, unwritten
        As of `Outcome`.
    """

    results: dict[str, Any]
    folds: tuple[Outcome, ...]
    metric: str | None
    time_s: float
    cpu_time_s: float
    workers: int
    nodes: int
    cluster: Mapping[str, Any] = field(default_factory=dict)
    run_dir: Path | None = None
    report: Path | None = None
    outputs: tuple[str, ...] = ()
    data: Mapping[str, Any] | None = None
    unwritten: InputError | None = None

    @property
    def counts(self) -> dict[str, int]:
        """The counts of all searches together."""
        return {name: sum(getattr(fold, name) for fold in self.folds) for name in SUMMED}

    @property
    def stopped(self) -> str | None:
        """Why the first of the searches that ended early did so; None where none did."""
        return next((fold.stopped for fold in self.folds if fold.stopped), None)

    @property
    def scores(self) -> dict[str, dict[str, float]]:
        """The mean over the folds, and the standard deviation (ddof=0), of ``test_score`` and all others."""
        names = [name for name in self.results if name.startswith(("test_", "train_"))]
        return {
            name: {"mean": float(self.results[name].mean()), "std": float(self.results[name].std())} for name in names
        }

    def rows(self) -> list[dict[str, Any]]:
        """Return what is known of each fold, in plain numbers and the best parameters of its search."""
        found: list[dict[str, Any]] = []
        for number, fold in enumerate(self.folds):
            scores = {name: float(self.results[name][number]) for name in self.scores}
            best = fold.best or {}
            chosen = {name: best.get(name) for name in ("best_score", "best_score_std", "best_params", "best_index")}
            took = {name: float(self.results[name][number]) for name in ("fit_time", "score_time")}
            done = {"fits": fold.fits, "fits_failed": fold.failed, "stopped": fold.stopped}
            found.append({"fold": number + 1, **scores, **chosen, **took, **done})
        return found


def run(  # noqa: PLR0913 - as `raysk.runner.run.run`
    read: Callable[[Sink], Work],
    where: Where,
    outputs: Outputs | None = None,
    *,
    nesting: Nesting,
    call: Mapping[str, Any] | None = None,
    sink: Sink = null_sink,
) -> NestedOutcome:
    """Cross-validate a search; see `raysk.runner.run.run`.

    Raises
    ------
    KeyboardInterrupt, SystemExit, RayskError
        Also if a single fold fails: finished fits are in the journals.
    """
    sink = progress = Progress(_once(sink))
    if outputs is None:
        with where.starting(sink) as start:
            work = read(sink)
            return _fit(where, start, work, nesting, _splits(work, nesting), sink=sink)
    call = {**(call or {}), "folder": str(Path.cwd())}
    with Saver(replace(outputs, verify=False), sink) as saver, where.starting(sink) as start:
        if outputs.resume is not None:
            sink(Remark(text=f"Going on with {outputs.resume.shown}"))
        told: dict[str, Any] = {"call": call, "saver": saver, "progress": progress}
        outcome = _fit_and_record(where, start, read(sink), outputs, nesting, **told)
    return replace(outcome, report=reported(outputs, outcome.run_dir, sink))


def _fit_and_record(  # noqa: PLR0913 - what a run is made of
    where: Where,
    start: Start | None,
    work: Work,
    outputs: Outputs,
    nesting: Nesting,
    *,
    call: Mapping[str, Any],
    saver: Saver,
    progress: Progress,
) -> NestedOutcome:
    """Fit and score all folds, and leave a run folder."""
    job: Any = work.job
    used, made = data_used(work, progress), conditions_of(work.found, outputs, where)
    folder, splits = folder_of(outputs, start, work.found, progress), _splits(work, nesting)
    begin: dict[str, Any] = {"job": call, "outputs": outputs.written(), "data": used}
    begin |= {"time_budget": time_budget(job.limits), "space": space_facts(job.estimator), **outputs.labels}
    begin["earlier_s"] = outputs.earlier_s()
    with (
        _journaled(folder, made, len(splits), progress) as journals,
        recorded(folder, work.found.path, saver, progress, **begin) as facts,
    ):
        outcome = _fit(where, start, work, nesting, splits, sink=progress, journals=journals)
        progress(PhaseStarted(name="saving"))
        _save_tables(outcome, folder, outputs, saver)
        outcome = replace(outcome, run_dir=folder.root.absolute(), data=used, outputs=(*outputs.written(saver.lost),))
        facts.update(_facts_of(outcome))
        if outcome.stopped is not None:
            progress(how_to_go_on(folder, outcome.stopped))
    return replace(outcome, unwritten=saver.error)


def _splits(work: Work, nesting: Nesting) -> list[tuple[Any, Any]]:
    from raysk.plans.outer_folds import outer_splits

    data = work.job.data
    return outer_splits(work.job.estimator, nesting.outer, data.X, data.y, data.fit_params.get("groups"))


def _fit(  # noqa: PLR0913 - as above
    where: Where,
    start: Start | None,
    work: Work,
    nesting: Nesting,
    splits: Sequence[tuple[Any, Any]],
    *,
    sink: Sink,
    journals: Sequence[Journal | None] = (),
) -> NestedOutcome:
    """Fit and score all folds on the pool."""
    from raysk.plans.outer_folds import FoldPool, OuterFold, fit_and_score

    job: Any = work.job
    data = job.data
    sink(PhaseStarted(name="fitting"))
    running: Any = None if start is None else start.result()
    where.send(work.found.modules)
    exits.take_back()
    pool: Any = Telling(running.pool, sink)
    together = _Together(pool.sink, len(splits))
    tallies = [Tally(together.of(number)) for number in range(len(splits))]
    folds = [
        OuterFold(number=number, train=train, test=test, pool=FoldPool(pool, tallies[number]), journal=journal)
        for number, ((train, test), journal) in enumerate(itertools.zip_longest(splits, journals))
    ]
    said = {"scoring": nesting.scoring_of(job.search), "return_train_score": nesting.return_train_score}
    cpu_s, begin = pool.cpu_s, time.perf_counter()
    with explained_errors(job.search), exits.Contained():
        found = fit_and_score(
            job.search, data.X, data.y, data.fit_params, folds, limits=job.limits, shortcuts=job.shortcuts, **said
        )
    results = _joined(found)
    done = zip(results["estimator"], results["fit_time"], tallies, strict=True)
    return NestedOutcome(
        results=results,
        folds=tuple(Outcome(estimator=each, time_s=float(s), **vars(tally.counts)) for each, s, tally in done),
        metric=_metric(job.search, nesting) if "test_score" in results else None,
        time_s=time.perf_counter() - begin,
        cpu_time_s=pool.cpu_s - cpu_s,
        workers=pool.most_up.workers,
        nodes=pool.most_up.nodes,
        cluster={"address": running.address, "nodes": running.nodes, "cpus": running.cpus},
    )


def _joined(found: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Return the results of all folds as one call of ``cross_validate`` returns them."""
    import numpy as np

    joined = {name: [each[name] for each in found] for name in found[0]}
    searches = [search for several in joined.pop("estimator") for search in several]
    return {name: np.concatenate(values) for name, values in joined.items()} | {"estimator": searches}


def _metric(search: Any, nesting: Nesting) -> str | None:
    if nesting.scoring is None:
        return metric_name(search)
    return str(getattr(nesting.scoring, "__name__", nesting.scoring))


# --- what the folds tell --------------------------------------------------------------------------


def _once(sink: Sink) -> Sink:
    """Return a sink that passes a remark on once: every fold makes it."""
    said: set[str] = set()

    def tell(event: Event, /) -> None:
        if not isinstance(event, Remark) or event.text not in said:
            sink(event)
        if isinstance(event, Remark):
            said.add(event.text)

    return tell


class _Together:
    """Tells of the searches of all folds as of one job: their fits add up, their phases and refits are not told."""

    def __init__(self, sink: Sink, of: int) -> None:
        self._sink, self._of = sink, of
        self._outlooks: dict[int, Callable[[], Outlook]] = {}
        self._lock = threading.Lock()

    def of(self, number: int) -> Sink:
        """Return the sink of a fold, from 0."""
        is_over = threading.Event()  # the fits are: what follows is of the refit

        def sink(event: Event, /) -> None:
            match event:
                case RefitStarted():
                    is_over.set()
                case WorkPlanned() if not is_over.is_set():
                    self._plan(number, event)
                case Stopped():
                    kept = f"with {len(event.kept):,} candidates"
                    self._sink(Remark(text=f"Outer fold {number + 1}: the search ends early ({event.reason}) {kept}"))
                case WorkDone() if not is_over.is_set():
                    self._sink(event)
                case CandidateDone() | FitFailed() | FitLost():
                    self._sink(event)
                case Remark() if not is_over.is_set():
                    self._sink(event)

        return sink

    def _plan(self, number: int, event: WorkPlanned) -> None:
        with self._lock:
            self._outlooks[number] = event.outlook
        self._sink(replace(event, fold=(number + 1, self._of), outlook=self._outlook))

    def _outlook(self) -> Outlook:
        """Return the workers' time that all folds still take; which fits are slow the pool tells no fold apart."""
        with self._lock:
            left = [outlook().left_s for outlook in self._outlooks.values()]
        known = [left_s for left_s in left if left_s is not None]
        return Outlook(left_s=sum(known) if len(known) == self._of else None)


# --- what is recorded -----------------------------------------------------------------------------


@contextlib.contextmanager
def _journaled(folder: RunFolder, made: Any, count: int, sink: Sink) -> Iterator[list[Journal]]:
    """Keep the finished fits of every fold's search; if the job ends before it is done, say how to go on."""
    from raysk.runs.folder import JOURNAL
    from raysk.runs.journal import Journal

    with contextlib.ExitStack() as stack:
        paths = [folder.fold(number + 1).path(JOURNAL) for number in range(count)]
        journals = [stack.enter_context(Journal(path, made, lambda text: sink(Remark(text=text)))) for path in paths]
        before = sum(len(journal.known) for journal in journals)
        try:
            yield journals
        except AllFitsFailed:  # they would again
            raise
        except BaseException as error:
            known = sum(len(journal.known) for journal in journals)
            if known > before or (known and isinstance(error, KeyboardInterrupt | SystemExit)):
                sink(how_to_go_on(folder, None))
            raise


def _save_tables(outcome: NestedOutcome, folder: RunFolder, outputs: Outputs, saver: Saver) -> None:
    """Write the table of folds, in the run folder and where the person wants it, and the candidates of each fold."""
    from raysk.results.candidates import write_results, write_table

    columns = _columns(outcome.rows())
    for number, fold in enumerate(outcome.folds, 1):
        with saver.putting_errors_off():
            write_results(fold.estimator.cv_results_, folder.fold(number).path(RESULTS))
    with saver.putting_errors_off():
        write_table(columns, folder.path(RESULTS))
    if outputs.table is not None:
        with saver.putting_errors_off(outputs.table):
            write_table(columns, outputs.table, new=outputs.is_new(outputs.table))


def _columns(rows: Sequence[Mapping[str, Any]]) -> dict[str, list[Any]]:
    """Return rows as columns, one for each parameter of the best candidates."""
    from raysk.util.jsonable import plain_parameter

    flat = [
        {name: value for name, value in row.items() if name != "best_params"}
        | {f"param_{name}": plain_parameter(value) for name, value in (row["best_params"] or {}).items()}
        for row in rows
    ]
    names = dict.fromkeys(name for row in flat for name in row)
    return {name: [row.get(name) for row in flat] for name in names}


def _facts_of(outcome: NestedOutcome) -> dict[str, Any]:
    """Return what the manifest says of an outcome."""
    counts = outcome.counts
    return {
        "outcome": "done",
        "model": None,
        "metric": outcome.metric or deciding_metric(outcome.results["estimator"][0].refit),
        **{name: getattr(outcome, name) for name in ("scores", "outputs", "cluster", "time_s")},
        "folds": outcome.rows(),
        "fits": counts["fits"],
        "fits_failed": counts["failed"],
        "scores_failed": counts["scores_failed"],
    }
