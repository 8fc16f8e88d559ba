"""A run that has ended, read from its folder: what came of it, and what to type next."""

from __future__ import annotations

import math
import shlex
from typing import TYPE_CHECKING, Any

from raysk.cli.view import words
from raysk.cli.view.summary import show_summary
from raysk.errors import InputError
from raysk.history.run import CRASHED
from raysk.runs.folder import CV, PYTHON_CV
from raysk.util.jsonable import plain_parameter
from raysk.util.typed_json import decode_params

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from raysk.cli.streams import DataOut
    from raysk.history.run import Run

ENDS = {
    "done": "The run is done.",
    "interrupted": "The run was interrupted.",
    "failed": "The run has failed.",
    CRASHED: "The run has crashed: its process is gone, and has said nothing.",
}


def next_steps(run: Run) -> Iterator[str]:
    """Yield what to type next, a line each."""
    from raysk.runner.record import how_to_go_on
    from raysk.runs.folder import RunFolder, journals_of

    has_journal = bool(journals_of(run.folder))
    if run.state in {CRASHED, "interrupted"} and has_journal:
        yield how_to_go_on(RunFolder(run.folder), run.facts.get("stopped")).text
    if has_journal:
        yield f"Look at it: raysk results {shlex.quote(run.shown)}"


def show_run(out: DataOut, run: Run, *, as_json: bool) -> None:
    """Show what came of a run: a table for a person, or one JSON object."""
    summary = _summary(run)
    plain = summary["best_params"] and plain_parameter(summary["best_params"])
    show_summary(out, {**summary, "best_params": plain}, as_json=as_json, rows=list(_rows(summary)))


def _summary(run: Run) -> dict[str, Any]:
    facts = run.facts
    told = ("started", "ended", "time_s", "fits", "fits_failed", "model", "test_score", "test_scores", "scores")
    return {
        "schema": 1,
        "run": run.name,
        "run_dir": str(run.folder),
        "command": run.command,
        "state": run.state,
        **{name: facts.get(name) for name in told},
        **_found(run),
    }


def _found(run: Run) -> dict[str, Any]:
    """Return the best candidate and the number of fits: as the run says, or else of what its journal has."""
    names = ("metric", "best_score", "best_score_std", "best_params")
    best = run.facts.get("best")
    if isinstance(best, dict) or "fits" in run.facts:
        said = best if isinstance(best, dict) else {}
        typed = decode_params(said.get("params"))
        return {name: said.get(name) for name in names} | ({"best_params": typed} if typed else {})
    return {**dict.fromkeys(names), "metric": run.facts.get("metric"), **_so_far(run)}


def _so_far(run: Run) -> dict[str, Any]:
    """Return what the journal of a run tells that has not come to its end; nothing if it has none."""
    from raysk.history.candidates import read_candidates
    from raysk.history.fits import ONE_METRIC, read_fits

    fits = read_fits(run)
    counts = {"fits": len(fits), "fits_failed": sum(fit.error is not None for fit in fits)} if fits else {}
    try:
        table = read_candidates(run)
    except InputError:  # no search, or nothing of it is done
        return counts
    row = int(table.order()[0])
    score, std = (float(each[table.metric][row]) for each in (table.mean, table.std))
    if math.isnan(score):  # no candidate is done
        return counts
    metric = run.facts.get("metric") if table.metric == ONE_METRIC else table.metric
    said = {"metric": metric, "best_score": score, "best_score_std": std, "best_params": dict(table.params[row])}
    return {**counts, **said}


def _rows(summary: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Return what is known as rows for a person."""
    yield "state", summary["state"]
    if summary["best_score"] is not None:
        std = summary["best_score_std"]
        spread = "" if std is None else f" +- {std:.3g} over the splits"
        yield f"best {summary['metric'] or 'score'}", f"{summary['best_score']:.6g}{spread}"
        yield "best params", "\n".join(f"{name} = {value!r}" for name, value in summary["best_params"].items())
    folds = "folds" if summary["command"] in {CV, PYTHON_CV} else "outer folds"
    for name, each in (summary["scores"] or {}).items():
        yield name.replace("_", " "), f"{each['mean']:.6g} +- {each['std']:.3g} over the {folds}"
    if summary["test_score"] is not None:
        yield "test score", f"{summary['test_score']:.6g}"
    if summary["fits"] is not None:
        took = "" if summary["time_s"] is None else f" in {summary['time_s']:.1f} s"
        failed = f", {summary['fits_failed']:,} failed" if summary["fits_failed"] else ""
        yield "fits", f"{words.count(summary['fits'], 'fit').split()[0]}{took}{failed}"
    if summary["model"]:
        yield "model", summary["model"]
    yield "run", summary["run_dir"]
