"""What nested cross-validation has found: the JSON summary, and the table of its rows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from raysk.cli.view.outcome import not_done, took
from raysk.cli.view.summary import show_summary
from raysk.util.jsonable import plain_parameter
from raysk.util.words import pairs

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from raysk.cli.streams import DataOut
    from raysk.runner.outer_folds import NestedOutcome


def show_nested(out: DataOut, outcome: NestedOutcome, *, as_json: bool) -> None:
    """Show the scores of the outer folds, and what each search has chosen."""
    summary = _summary(outcome)
    show_summary(out, summary, as_json=as_json, rows=list(_rows(summary)))


def _summary(outcome: NestedOutcome) -> dict[str, Any]:
    scores, counts = outcome.scores, outcome.counts
    one, train = scores.get("test_score", {}), scores.get("train_score", {})
    return {
        "schema": 1,
        "metric": outcome.metric,
        "test_score": one.get("mean"),
        "test_score_std": one.get("std"),
        "train_score": train.get("mean"),
        "scores": None if one else scores,
        "folds": [{**row, "best_params": plain_parameter(row["best_params"])} for row in outcome.rows()],
        "fits": counts["fits"],
        "fits_failed": counts["failed"],
        "scores_failed": counts["scores_failed"],
        "fits_saved": counts["saved"],
        "fits_shared": counts["shared"],
        "fits_pruned": counts["pruned"],
        "steps_shared": counts["steps_shared"],
        "fits_resumed": counts["resumed"],
        **took(outcome),
        "stopped": outcome.stopped,
        "run_dir": str(outcome.run_dir),
        "report": None if outcome.report is None else str(outcome.report),
        "data": outcome.data,
    }


def _rows(summary: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    folds = summary["folds"]
    scores = summary["scores"] or {
        "test_score": {"mean": summary["test_score"], "std": summary["test_score_std"]},
    }
    for name, each in scores.items():
        label = f"{summary['metric'] or 'score'}" if name == "test_score" else name.replace("_", " ")
        yield label, f"{each['mean']:.6g} +- {each['std']:.3g} over {len(folds)} outer folds"
    for fold in folds:
        found = ", ".join(f"{fold[name]:.6g}" for name in scores)
        yield f"fold {fold['fold']}", f"{found}  {' '.join(pairs(fold['best_params'] or {}))}".rstrip()
    yield "fits", f"{summary['fits']:,} in {summary['time_s']:.1f} s"
    rest = {
        "not done": not_done(summary),
        "in the journal": str(summary["fits_resumed"] or ""),
        "failed": str(summary["fits_failed"] or ""),
        "stopped": summary["stopped"] or "",
        "report": summary["report"] or "",
        "run": summary["run_dir"],
    }
    yield from ((name, value) for name, value in rest.items() if value)
