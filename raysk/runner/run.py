"""One job from start to end, for the shell and for Python.

    connect  while the job is read            where.py
    read     the job, and what it uses
    record   folder, manifest, journal        record.py     only with outputs; progress.py: what the run is at
    fit      on workers; events -> Tally      where.py, outcome.py
    save     the table and the model          saving.py     likewise
    report   a page about the run             reporting.py  if it is wanted
    verify   that the model loads             saving.py     likewise
                                          --> Outcome

A search that ends early has an outcome too; `Outcome.raise_error` raises what ended it, once everything is drawn.
"""

from __future__ import annotations

import contextlib
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from raysk.errors import NoScore
from raysk.events import PhaseStarted, Remark, null_sink
from raysk.jobs import SearchJob
from raysk.results.scores import expected_metric, has_score
from raysk.runner import where as place
from raysk.runner.outcome import Outcome, Tally
from raysk.runner.progress import Progress, time_budget
from raysk.runner.record import facts_of, how_to_go_on, journaled, origin, recorded
from raysk.runner.reporting import reported
from raysk.runner.saving import Saver

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from raysk.events import Sink
    from raysk.jobs import FitJob
    from raysk.runner.outputs import Outputs
    from raysk.runner.where import Start, Where
    from raysk.runs.folder import RunFolder
    from raysk.source.objects import SourceObjects


@dataclass(frozen=True, kw_only=True)
class Work:
    """A job, and the source of its code.

    Parameters
    ----------
    job : FitJob or SearchJob
    found : SourceObjects
        Where the job is from: the person's file and modules.
    needs_score : bool
        Whether a search of which no candidate has a finite score has failed; scikit-learn leaves that to the person.
    score_train : bool
        Whether the model is scored on the data that it was fitted on.
    """

    job: FitJob | SearchJob
    found: SourceObjects
    needs_score: bool = True
    score_train: bool = False


def read_file(
    file: str, make_job: Callable[[SourceObjects], FitJob | SearchJob], where: Where, sink: Sink = null_sink
) -> tuple[SourceObjects, FitJob | SearchJob]:
    """Read the person's file, make its job, and check what can be known before a fit.

    Parameters
    ----------
    file : str
        As the person wrote it.
    make_job : callable
        Makes the job of what the file holds.
    where : Where
    sink : callable
    """
    from raysk.request import before_fit
    from raysk.source import loader

    sink(PhaseStarted(name=f"reading {file}"))
    found = loader.load(file)
    where.check_backend()
    job = make_job(found)
    sink(PhaseStarted(name="checking"))
    before_fit.check_job(job)
    return found, job


def run(
    read: Callable[[Sink], Work],
    where: Where,
    outputs: Outputs | None = None,
    *,
    call: Mapping[str, Any] | None = None,
    sink: Sink = null_sink,
) -> Outcome:
    """Run one job.

    Parameters
    ----------
    read : callable
        Called with a sink while the cluster starts; returns the job.
    where : Where
    outputs : Outputs or None
        What the run leaves behind; None leaves nothing, and no run folder.
    call : mapping of str to object, or None
        How the run was started, as its manifest has it.
    sink : callable
        Takes the run's events.

    Returns
    -------
    Outcome

    Raises
    ------
    KeyboardInterrupt, SystemExit
        If the run is interrupted before it has a result.
    RayskError
        If the job cannot be read or run, or its model does not load back.
    """
    tally = Tally(progress := Progress(sink))
    if outputs is None:
        with where.starting(tally) as start:
            return _fit(where, start, read(tally), tally)
    call = {**(call or {}), "folder": str(Path.cwd())}
    with Saver(outputs, tally) as saver:
        if outputs.resume is not None:
            tally(Remark(text=f"Going on with {outputs.resume.shown}"))
        with where.starting(tally) as start:
            work = read(tally)
            outputs.check_fits_model(work.job.estimator, work.found.source)
            saver.expect(work.job.estimator)
            told: dict[str, Any] = {"saver": saver, "tally": tally, "progress": progress}
            outcome = _fit_and_record(where, start, work, outputs, call=call, **told)
        outcome = replace(outcome, report=reported(outputs, outcome.run_dir, tally, outcome.estimator))
        saver.verify(outcome.model, outcome.estimator, work.job.data.X)
    return outcome


def _fit_and_record(  # noqa: PLR0913 - what a run is made of
    where: Where,
    start: Start | None,
    work: Work,
    outputs: Outputs,
    *,
    call: Mapping[str, Any],
    saver: Saver,
    tally: Tally,
    progress: Progress,
) -> Outcome:
    """Fit a job, save what it made, and leave a run folder."""
    from raysk.request.method import method_facts
    from raysk.request.space_facts import space_facts

    job, found = work.job, work.found
    used = data_used(work, tally)
    folder = folder_of(outputs, start, found, tally)
    is_kept = where.has_plans and isinstance(job, SearchJob)  # a search that raysk itself spreads
    method = method_facts(job.search) if isinstance(job, SearchJob) else None
    earlier_s = outputs.earlier_s()  # before its journal is ours
    with contextlib.ExitStack() as stack:
        journal = None
        if is_kept:
            made = conditions_of(found, outputs, where)
            journal = stack.enter_context(journaled(folder, made, tally, job.estimator))
        metric = expected_metric(job.search) if isinstance(job, SearchJob) else None
        begin: dict[str, Any] = {
            "job": call,
            "outputs": outputs.written(),
            "data": used,
            "search": method,
            "metric": metric,
        }
        if isinstance(job, SearchJob):
            begin |= {"space": space_facts(job.search), "time_budget": time_budget(job.limits)}
        begin |= {**outputs.labels, "earlier_s": earlier_s}
        facts = stack.enter_context(recorded(folder, found.path, saver, progress, **begin))
        retention = saver.retention(folder) if isinstance(job, SearchJob) else None
        outcome = _fit(where, start, work, tally, journal=journal, retention=retention)
        outcome = replace(outcome, run_dir=folder.root.absolute(), data=used)
        if outcome.fits and outcome.resumed == outcome.fits and outcome.stopped is None:
            tally(Remark(text="No fit was left to do: the journal has them all"))
        tally(PhaseStarted(name="saving"))
        outcome = _save(outcome, work, folder, saver, tally)
        outcome = replace(outcome, outputs=tuple(outputs.written(saver.lost)))
        facts.update(facts_of(outcome))
        if journal is not None and (outcome.can_go_on or saver.error):
            tally(how_to_go_on(folder, outcome.stopped))
    return replace(outcome, unwritten=saver.error)


def _fit(  # noqa: PLR0913 - what is fitted, where, and what is kept of it
    where: Where, start: Start | None, work: Work, tally: Tally, *, journal: Any = None, retention: Any = None
) -> Outcome:
    """Fit a job; the outcome has the time that the fit took and the counts of events."""
    tally(PhaseStarted(name="fitting"))
    fitted = place.fit(where, start, work.job, work.found.modules, sink=tally, journal=journal, retention=retention)
    early, counts = fitted.early, tally.counts
    if early is None and work.needs_score and not has_score(fitted.estimator):
        early = NoScore("No candidate has a finite score", None, "Choose another metric, or mend what fails.")
    stopped = "interrupted" if isinstance(early, KeyboardInterrupt | SystemExit) else counts.stopped
    pruning = work.job.shortcuts.prune if isinstance(work.job, SearchJob) else None
    said = {"early": early, "stopped": stopped, "pruning": pruning}
    return Outcome(**{**vars(counts), **vars(fitted), **said})


def data_used(work: Work, sink: Sink) -> dict[str, Any]:
    """Return what data a job uses; remark on it, and on what the person may not know of the file."""
    from raysk.request.facts import summarize_data
    from raysk.source.objects import fitted_on_import

    used = summarize_data(work.job.data, work.job.estimator)
    for text in filter(None, (work.found.remark, fitted_on_import(work.found), used["line"])):
        sink(Remark(text=text))
    return used


def folder_of(outputs: Outputs, start: Start | None, found: SourceObjects, sink: Sink) -> RunFolder:
    """Return the folder of the run, once the cluster is there: a run that never begins leaves none, nor changes one."""
    outputs.check_apart(**{f"module {each.__name__}": getattr(each, "__file__", None) for each in found.modules})
    if start is not None:
        sink(PhaseStarted(name="connecting"))
        start.result()
    name = found.path.stem if found.path is not None else found.source.partition("(")[0].rpartition(":")[2]
    return outputs.folder(name)


def conditions_of(found: SourceObjects, outputs: Outputs, where: Where) -> Any:
    """Return what fits are made with now, and what the person accepts to have been other before."""
    from raysk.runs.conditions import CurrentConditions

    return CurrentConditions.of(found.modules, anyway=outputs.anyway, allow_versions=where.resources.allow_versions)


def _save(outcome: Outcome, work: Work, folder: RunFolder, saver: Saver, sink: Sink) -> Outcome:
    """Save the table of candidates and the model, and score the model; without a finite score there is none."""
    from raysk.runner.scoring import score_held_out

    fitted, job = outcome.estimator, work.job
    if isinstance(job, SearchJob):
        saver.save_table(fitted, outcome, folder)
    is_model = has_score(fitted) and (hasattr(fitted, "best_estimator_") or not isinstance(job, SearchJob))
    facts = origin(work.found, job.data, outcome.best if isinstance(job, SearchJob) else None)
    model = saver.save_model(fitted, folder, facts) if is_model else None
    train = job.data if work.score_train else None
    scores = score_held_out(fitted, train, sink, "train") | score_held_out(fitted, job.data.held_out, sink)
    return replace(outcome, model=model, **scores)
