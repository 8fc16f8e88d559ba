"""What a run leaves behind while and after it runs: its journal, its manifest, and how to go on with it."""

from __future__ import annotations

import contextlib
import os
import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Any

from raysk.errors import AllFitsFailed, InputError, UsageError
from raysk.util import exits

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from raysk.cli.keeping import Keeper
    from raysk.cli.view.live import View
    from raysk.jobs import FitJob, SearchJob
    from raysk.runner.outcome import Tally
    from raysk.runs.folder import RunFolder
    from raysk.runs.journal import Journal
    from raysk.runs.made import Made
    from raysk.source.loader import Found

STILL_MET = {"stop-at", "patience", "max-failures"}
"""Limits that count what is in the journal; a time budget begins anew."""


@contextlib.contextmanager
def journal_of(folder: RunFolder, view: View, made: Made, tally: Tally, job: FitJob | SearchJob) -> Iterator[Journal]:
    """Keep a search's finished fits; if it ends before a candidate is done, say how to go on."""
    from raysk.results.tables import no_results, write_results
    from raysk.runs.folder import JOURNAL
    from raysk.runs.journal import Journal

    with Journal(folder.path(JOURNAL), made, view.say) as journal:
        before = len(journal.known)
        try:
            yield journal
        except AllFitsFailed:  # they would again
            raise
        except BaseException as error:
            stopped = isinstance(error, KeyboardInterrupt | SystemExit)
            if stopped and not journal.known:
                view.say("No fit was done yet: there is nothing to go on with. Give the command again.")
            if len(journal.known) > before or (stopped and journal.known):
                with contextlib.suppress(InputError):
                    write_results(no_results(getattr(job, "search", None)), folder.path("results.csv"))
                say_how_to_go_on(view, folder, tally.outcome.stopped)
            raise


def say_how_to_go_on(view: View, folder: RunFolder, stopped: str | None) -> None:
    """Name the command that goes on with a search; a limit that is met already has to be another then."""
    wider = f" --{stopped} N" if stopped in STILL_MET else ""
    run = shlex.quote(os.path.relpath(folder.root))
    view.say(f"Finished fits are kept. Go on with: raysk resume {run}{wider}")


@contextlib.contextmanager
def recorded(
    folder: RunFolder,
    found: Found,
    job: Mapping[str, Any],
    keeper: Keeper,
    *,
    outputs: Sequence[str],
    data: Mapping[str, Any],
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
    running = {**manifest(job=job, source=found.path), "outputs": outputs, "data": data}
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
            facts["model_sha256"] = _hash_of(facts.get("model"))
            folder.write_manifest(refused or ended(running, outcome, **facts))


def origin(found: Found, data: Any) -> dict[str, Any]:
    """Return what a model's sidecar says of where the model came from."""
    from raysk.models.store import data_facts

    names = {"feature_names": data.feature_names, "target_names": data.target_names}
    facts = data_facts(data.X, data.y, **names, dates=data.dates)
    return {"source": found.source, "source_hash": found.source_hash, "data": {"source": data.source, **facts}}


def _hash_of(model: str | None) -> str | None:
    """Return the hash of a model that was just saved: another may take its place later."""
    from raysk.models.sidecar import read_sidecar

    said = None if model is None else read_sidecar(Path(model))
    return None if said is None else (said.get("file") or {}).get("sha256")
