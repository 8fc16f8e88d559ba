"""What a run records while it goes on: its journal and its manifest, and how to go on where it ended early."""

from __future__ import annotations

import contextlib
import functools
import shlex
from typing import TYPE_CHECKING, Any

from raysk.errors import AllFitsFailed, InputError, UsageError
from raysk.events import PhaseStarted, Remark
from raysk.source.objects import is_search
from raysk.util import exits
from raysk.util.jsonable import plain_parameter
from raysk.util.typed_json import encode_params

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from raysk.jobs import Data
    from raysk.runner.outcome import Outcome, Tally
    from raysk.runner.progress import Progress
    from raysk.runner.saving import Saver
    from raysk.runs.conditions import CurrentConditions
    from raysk.runs.folder import RunFolder
    from raysk.runs.journal import Journal
    from raysk.source.objects import SourceObjects

STILL_MET = {"stop-at", "patience", "max-failures"}
"""Limits that count what is in the journal; a time budget begins anew."""


@contextlib.contextmanager
def journaled(folder: RunFolder, made: CurrentConditions, tally: Tally, search: Any) -> Iterator[Journal]:
    """Keep a search's finished fits; if it ends before a candidate is done, say how to go on."""
    from raysk.results.candidates import empty_results, write_results
    from raysk.runs.folder import JOURNAL, RESULTS
    from raysk.runs.journal import Journal
    from raysk.searches.cross_validation import CrossValidation

    has_candidates = not isinstance(search, CrossValidation)
    with Journal(folder.path(JOURNAL), made, lambda text: tally(Remark(text=text))) as journal:
        before = len(journal.known)
        try:
            yield journal
        except AllFitsFailed:  # they would again
            raise
        except BaseException as error:
            tally(PhaseStarted(name="saving"))
            stopped = isinstance(error, KeyboardInterrupt | SystemExit)
            if stopped and not journal.known:
                tally(Remark(text="No fit was done yet: there is nothing to go on with. Give the command again."))
            if len(journal.known) > before or (stopped and journal.known):
                if has_candidates:
                    with contextlib.suppress(InputError):
                        write_results(empty_results(search), folder.path(RESULTS))
                tally(how_to_go_on(folder, tally.counts.stopped))
            raise


def how_to_go_on(folder: RunFolder, stopped: str | None) -> Remark:
    """Name the command that goes on with a search; a limit that is met already has to be wider then."""
    if folder.began_in_python:
        return Remark(text=f"Finished fits are kept. Go on with: {folder.python_call(folder.shown)}")
    wider = f" --{stopped} N" if stopped in STILL_MET else ""
    run = shlex.quote(folder.shown)
    return Remark(text=f"Finished fits are kept. Go on with: raysk resume {run}{wider}")


@contextlib.contextmanager
def recorded(
    folder: RunFolder, source: Path | None, saver: Saver, progress: Progress, **begin: Any
) -> Iterator[dict[str, Any]]:
    """Keep the run folder's manifest: "running" at first, with what the run is at, then how it ended.

    The manifest of an earlier run stays if going on with it is refused: its arguments resume it once more.

    Parameters
    ----------
    folder : RunFolder
    source : Path or None
        The person's file.
    saver : Saver
        Takes note if the manifest cannot be written.
    progress : Progress
        Knows what the run is at.
    **begin : object
        What is known at the beginning: ``job``, how the run was started, and others. Of an earlier run the tags stay,
        and its name if there is no other.

    Yields
    ------
    facts : dict
        What the caller wants recorded at the end, with ``outcome``.
    """
    from raysk.runs.folder import finish_manifest, new_manifest
    from raysk.runs.labels import labels

    earlier, refused = folder.said(), None
    named = begin.pop("name", None), begin.pop("tags", ())
    running = {**new_manifest(job=begin.pop("job"), source=source), **begin}
    folder.change_manifest(lambda said: {**running, **labels(said, *named)})
    facts: dict[str, Any] = {"model_sha256": None}
    outcome = "failed"
    try:
        write = functools.partial(_write_over, folder, running)
        with progress.kept(write), exits.Contained():
            yield facts
        outcome = facts.pop("outcome")
    except (KeyboardInterrupt, SystemExit):
        outcome = "interrupted"
        raise
    except (InputError, UsageError):
        refused = earlier
        raise
    finally:
        with saver.putting_errors_off():
            ended = {**finish_manifest(running, outcome, **facts), "planned": progress.planned}
            folder.change_manifest(lambda said: refused or {**ended, **labels(said)})  # a person may tag it meanwhile


def _write_over(folder: RunFolder, running: Mapping[str, Any], more: Mapping[str, Any]) -> None:
    from raysk.runs.labels import labels

    folder.change_manifest(lambda said: {**running, **more, **labels(said)})


def facts_of(outcome: Outcome) -> dict[str, Any]:
    """Return what the manifest says of an outcome."""
    scores, best = ("test_score", "test_scores", "train_score", "train_scores"), outcome.best
    return {
        "outcome": outcome.state,
        "model": None if outcome.model is None else str(outcome.model),
        "model_sha256": _hash_of(outcome.model),
        **{name: getattr(outcome, name) for name in scores},
        "outputs": outcome.outputs,
        "cluster": outcome.cluster,
        "time_s": outcome.time_s,
        "workers": outcome.workers,
        "cpu_time_s": outcome.cpu_time_s,
        "best": None if best is None else {**best, "params": encode_params(best["best_params"] or {})},
        "varying": outcome.varying,
        "fits": outcome.fits if is_search(outcome.estimator) else 1,  # a forest counts its trees
        "fits_failed": outcome.failed,
        "scores_failed": outcome.scores_failed,
        "fits_verified": outcome.verified,
        "fits_saved": outcome.saved,
        "fits_shared": outcome.shared,
        "fits_pruned": outcome.pruned,
        "pruning": outcome.pruning,
        "steps_shared": outcome.steps_shared,
        **_validation_facts(outcome.estimator),
    }


def _validation_facts(estimator: Any) -> dict[str, Any]:
    """Return what the manifest of a cross-validation has besides: scores and folds."""
    from raysk.searches.cross_validation import CrossValidation, fold_rows, scores_of

    is_validation = isinstance(estimator, CrossValidation) and hasattr(estimator, "results_")
    return {"scores": scores_of(estimator), "folds": fold_rows(estimator)} if is_validation else {}


def origin(found: SourceObjects, data: Data, best: Mapping[str, Any] | None) -> dict[str, Any]:
    """Return what a model's sidecar says of where the model came from, and of a search how good its best is."""
    from raysk.models.store import data_facts

    names = {"feature_names": data.feature_names, "target_names": data.target_names}
    facts = data_facts(data.X, data.y, **names, dates=data.dates)
    said = {"source": found.source, "source_hash": found.source_hash, "data": {"source": data.source, **facts}}
    return said if best is None else {**said, "scores": {**best, "best_params": plain_parameter(best["best_params"])}}


def _hash_of(model: Path | None) -> str | None:
    """Return the hash of a model that was just saved: another may take its place later."""
    from raysk.models.sidecar import read_sidecar

    said = None if model is None else read_sidecar(model)
    return None if said is None else (said.get("file") or {}).get("sha256")
