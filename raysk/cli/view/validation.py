"""What a cross-validation has found: the JSON summary, and for a person the scores and a table of the folds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rich.table import Table
from rich.text import Text

from raysk.cli.view.console import harmless, stdout_console
from raysk.cli.view.outcome import failed_in_all, failures, took
from raysk.cli.view.summary import show_summary
from raysk.results.scores import metric_name
from raysk.searches.cross_validation import fold_rows, scores_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from raysk.cli.streams import DataOut
    from raysk.runner.outcome import Outcome

MOST_FOLDS = 20
"""More folds are in the table of the run."""


def show_validation(out: DataOut, outcome: Outcome, *, as_json: bool) -> None:
    """Show the scores, in the mean and of each fold."""
    summary = _summary(outcome)
    if out.is_for_a_person and not as_json:
        stdout_console(out).print(_table(summary))
    show_summary(out, summary, as_json=as_json, rows=list(_rows(summary)))


def _summary(outcome: Outcome) -> dict[str, Any]:
    search = outcome.estimator
    scores = scores_of(search)
    one, train = scores.get("test_score"), scores.get("train_score", {})
    return {
        "schema": 1,
        "metric": metric_name(search),
        "test_score": (one or {}).get("mean"),
        "test_score_std": (one or {}).get("std"),
        "train_score": train.get("mean"),
        "scores": None if one else scores,
        "folds": fold_rows(search),
        "fits": search.n_splits_,
        **failures(outcome),
        "fits_resumed": outcome.resumed,
        **took(outcome),
        "run_dir": str(outcome.run_dir),
        "data": outcome.data,
    }


def _table(summary: Mapping[str, Any]) -> Table:
    """Return a table with a row a fold; a column that has no value is left out."""
    folds = summary["folds"]
    table = Table(box=None, pad_edge=False)
    columns = [name for name in folds[0] if any(fold[name] is not None for fold in folds)]
    for name in columns:
        table.add_column(Text(name.replace("_", " ")), justify="left" if name == "error" else "right", overflow="fold")
    for fold in folds[:MOST_FOLDS]:
        table.add_row(*(Text(_cell(name, fold[name])) for name in columns))
    return table


def _cell(name: str, value: Any) -> str:
    if name.endswith("_time"):
        return f"{value:.3g} s"
    if isinstance(value, float):
        return f"{value:.6g}"
    return "" if value is None else harmless(str(value))


def _rows(summary: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    count = len(summary["folds"])
    one = {"mean": summary["test_score"], "std": summary["test_score_std"]}
    for name, each in (summary["scores"] or {"test_score": one}).items():
        label = f"{summary['metric'] or 'score'}" if name == "test_score" else name.replace("_", " ")
        yield label, f"{each['mean']:.6g} +- {each['std']:.3g} over {count:,} folds"
    rest = {
        "train score": "" if summary["train_score"] is None else f"{summary['train_score']:.6g}",
        "fits": f"{summary['fits']:,} in {summary['time_s']:.1f} s",
        "in the journal": str(summary["fits_resumed"] or ""),
        "failed": failed_in_all(summary),
        "not shown": f"{count - MOST_FOLDS:,} folds: they are in results.csv" if count > MOST_FOLDS else "",
        "run": summary["run_dir"],
    }
    yield from ((name, value) for name, value in rest.items() if value)
