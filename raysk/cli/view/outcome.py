"""What a run did: the JSON summary, which reads the run's `Outcome` and nothing else, and the table of its rows."""

from __future__ import annotations

import contextlib
import shutil
import sys
from typing import TYPE_CHECKING, Any, TextIO

from raysk.cli.streams import DataOut
from raysk.cli.view.summary import show_summary
from raysk.errors import ReaderGone
from raysk.runner.outputs import is_stdout
from raysk.util.jsonable import plain_parameter

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from raysk.events import FitFailed, FitLost
    from raysk.runner.outcome import Outcome
    from raysk.runner.outer_folds import NestedOutcome

    Rows = list[tuple[str, str]]


def show_search(out: DataOut, outcome: Outcome, output: Path | None, *, as_json: bool, quiet: bool) -> None:
    """Show what a search did; see `show_fit`."""
    summary = _search_summary(outcome)
    show_summary(_place(out, outcome, output, quiet=quiet), summary, as_json=as_json, rows=_search_rows(summary))


def show_fit(out: DataOut, outcome: Outcome, output: Path | None, *, as_json: bool, quiet: bool) -> None:
    """Show what a fit did; write its model to stdout if it is wanted there.

    Parameters
    ----------
    out : DataOut
    outcome : Outcome
    output : Path or None
        Where the person wants the model; where that is stdout, the summary goes to stderr.
    as_json : bool
        JSON also for a person.
    quiet : bool
        Say nothing on stderr.
    """
    summary = _fit_summary(outcome)
    show_summary(_place(out, outcome, output, quiet=quiet), summary, as_json=as_json, rows=_fit_rows(summary))


def _place(out: DataOut, outcome: Outcome, output: Path | None, *, quiet: bool) -> DataOut | None:
    """Return where the summary goes; stdout gets the model first if it is for that."""
    if not is_stdout(output):
        return out
    if outcome.model is not None:
        with outcome.model.open("rb") as file:
            shutil.copyfileobj(file, out)
    return None if quiet else _Stderr(sys.stderr)


class _Stderr(DataOut):
    """stderr, for the summary, which a person reads there; when its reader is gone the run is still done."""

    def __init__(self, file: TextIO) -> None:
        super().__init__(file)
        self.is_for_a_person = True

    def write_line(self, text: str) -> None:
        with contextlib.suppress(ReaderGone):
            super().write_line(text)


# --- JSON -----------------------------------------------------------------------------------------


def took(outcome: Outcome | NestedOutcome) -> dict[str, Any]:
    """Return what a run took, as summaries have it."""
    return {name: getattr(outcome, name) for name in ("time_s", "cpu_time_s", "workers", "nodes")}


def _left(outcome: Outcome) -> dict[str, Any]:
    """Return what every run leaves behind."""
    return {
        "run_dir": str(outcome.run_dir),
        "model": None if outcome.model is None else str(outcome.model),
        "report": None if outcome.report is None else str(outcome.report),
        "data": outcome.data,
        "test_score": outcome.test_score,
        "test_scores": outcome.test_scores,
    }


def _fit_summary(outcome: Outcome) -> dict[str, Any]:
    fitted = outcome.estimator
    return {
        "schema": 1,
        "estimator": type(fitted).__name__,
        "fitted": " ".join(str(plain_parameter(fitted)).split()),
        "params": plain_parameter(fitted.get_params(deep=True)),
        **took(outcome),
        **_left(outcome),
        "train_score": outcome.train_score,
        "train_scores": outcome.train_scores,
    }


def _search_summary(outcome: Outcome) -> dict[str, Any]:
    best, counted = outcome.best or {}, outcome.workers is not None  # on other backends nobody counts
    candidates, splits = len(outcome.estimator.cv_results_["params"]), outcome.estimator.n_splits_
    return {
        "schema": 1,
        **best,
        "best_params": plain_parameter(best["best_params"]),
        "candidates": candidates,
        "splits": splits,
        "fits": outcome.fits if counted else candidates * splits,
        **failures(outcome),
        "fits_saved": outcome.saved,
        "fits_shared": outcome.shared,
        "fits_pruned": outcome.pruned,
        "pruning": outcome.pruning,
        "steps_shared": outcome.steps_shared,
        "fits_resumed": outcome.resumed,
        "fits_verified": outcome.verified,
        **took(outcome),
        "stopped": outcome.stopped,
        **_left(outcome),
    }


def failures(outcome: Outcome) -> dict[str, Any]:
    """Return what summaries say of the fits of a run that failed; on other backends nobody counts them."""
    counted = outcome.workers is not None
    return {
        "fits_failed": outcome.failed if counted else None,
        "scores_failed": outcome.scores_failed if counted else None,
        "errors": [{**_fit(each), "count": outcome.reasons[each.reason]} for each in outcome.failures] or None,
        "fits_lost": [_fit(each) for each in outcome.lost] or None,
    }


def _fit(event: FitFailed | FitLost) -> dict[str, Any]:
    return {**vars(event), "params": plain_parameter(event.params)}


_NOT_DONE = {
    "fits_saved": "equal to others",
    "fits_shared": "contained in others",
    "fits_pruned": "of pruned candidates",
}
"""Why fits were not done, by the field that counts them."""


def not_done(summary: Mapping[str, Any]) -> str:
    """Say how many fits were not done, and why."""
    return ", ".join(f"{summary[name]:,} {why}" for name, why in _NOT_DONE.items() if summary[name])


# --- a table for a person -------------------------------------------------------------------------


def _fit_rows(summary: Mapping[str, Any]) -> Rows:
    rows = [
        ("fitted", f"{summary['fitted']} on {summary['data']['line'].removeprefix('data: ')}"),
        ("train score", _with_spread(summary["train_score"])),
        *_test_rows(summary),
        ("time", f"{summary['time_s']:.1f} s"),
        ("model", summary["model"] or "none: it could not be written"),
        ("run", summary["run_dir"]),
    ]
    return [(name, value) for name, value in rows if value]


def _search_rows(summary: Mapping[str, Any]) -> Rows:
    params = summary["best_params"]
    rows = [
        (f"best {summary['metric'] or 'score'}", _with_spread(summary["best_score"], summary["best_score_std"])),
        ("train score", _with_spread(summary["best_train_score"])),
        *((name, _with_spread(each["mean"], each["std"])) for name, each in (summary["scores"] or {}).items()),
        ("best params", "" if params is None else "\n".join(f"{name} = {value!r}" for name, value in params.items())),
        ("chosen by", _selected(summary["selection"])),
        *_test_rows(summary),
        ("fits", f"{summary['fits']:,} in {summary['time_s']:.1f} s"),
        ("not done", not_done(summary)),
        ("in the journal", str(summary["fits_resumed"] or "")),
        ("verified", _verified(summary["fits_verified"])),
        ("failed", failed_in_all(summary)),
        ("stopped", summary["stopped"] or ""),
        ("model", summary["model"] or ""),
        ("report", summary["report"] or ""),
        ("run", summary["run_dir"]),
    ]
    return [(name, value) for name, value in rows if value]


def _selected(selection: Mapping[str, Any] | None) -> str:
    """Say what a candidate was chosen from that need not have the best score; nothing if it has."""
    if selection is None or selection["top_score"] is None:
        return ""
    by = ", ".join(selection["order"]) if selection["order"] else "mean fit time, which differs from run to run"
    within = f"{selection['within']:,} within one standard error, {selection['standard_error']:.3g},"
    return f"1se: the simplest of {within} of {selection['top_score']:.6g}; simplest by {by}"


def _test_rows(summary: Mapping[str, Any]) -> Rows:
    """Return what the table says of the held-out data; nothing without any."""
    one, many = summary["test_score"], summary["test_scores"]
    scores = {"test score": one} if many is None else {f"test {name}": value for name, value in many.items()}
    return [(name, f"{value:.6g}") for name, value in scores.items() if value is not None]


def _with_spread(mean: float | None, std: float | None = None) -> str:
    """Write a mean score, and how far the splits' scores are from it."""
    return "" if mean is None else f"{mean:.6g}" + ("" if std is None else f" +- {std:.3g} over the splits")


def _verified(fits: int | None) -> str:
    """Say that fits were done again; nothing where none was."""
    return "" if fits is None else f"{fits:,} fits equal scikit-learn's"


def failed_in_all(summary: Mapping[str, Any]) -> str:
    """Say how many fits and scores failed; nothing where none did."""
    counts = {"fits": summary["fits_failed"], "scores": summary["scores_failed"]}
    return ", ".join(f"{count:,} {what}" for what, count in counts.items() if count)
