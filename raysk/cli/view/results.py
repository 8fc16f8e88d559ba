"""The candidates of a run on stdout, or in a file: a table for a person, objects, and files of columns."""

from __future__ import annotations

import io
import math
import re
from typing import TYPE_CHECKING, Any

from rich.text import Text

from raysk.cli.view.columns import TextColumn, cut, fit_columns, markdown_lines, table_lines
from raysk.cli.view.console import harmless, stderr_console, stdout_console
from raysk.history.columns import ABSENT, PARAMETER, SCORE, SECONDS, SPREAD
from raysk.history.run import RUNNING, UNKNOWN
from raysk.results.writers import WRITERS
from raysk.util.jsonable import to_json
from raysk.util.typed_json import value_text
from raysk.util.words import count

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from raysk.cli.streams import DataOut
    from raysk.history.columns import Column
    from raysk.history.listing import Listing
    from raysk.history.run import Run

_MODULE = re.compile(r"^(\w+\.)+(?=\w+:)")
"""What stands before the name of an exception's class."""

FORMATS = ("table", "md", "json", "jsonl", "csv", "parquet")

DIGITS = 5
"""Significant digits of the largest score: more only tell how long the mean is."""

LONGEST_CELL, LONGEST_FLOAT, SHORTEST_ERROR = 40, 8, 16
"""Characters of a parameter for a person, about half a line; of a float with all its digits; of an error."""

IMPORTANCE = {"mean": 9, "rank": 8, "round": 6, "resources": 2, "error": 3, "fit_time": 1, "splits": 0}
"""What stays the longest on a narrow terminal; others as `_text_column` says."""

OF_SPLITS, OF_PARAMETERS, OF_SPREAD = 5, 4, 2


def show_table(out: DataOut, run: Run, listing: Listing, *, is_chosen: bool) -> None:
    """Draw a table on a terminal, as wide as that is; elsewhere as wide as it gets."""
    _describe(run, listing)
    console = stdout_console(out)
    columns, gone = fit_columns(_text_columns(listing, is_chosen=is_chosen), console.width if out.is_terminal else None)
    names, *lines = table_lines(columns)
    console.print(Text(names, style="bold"), soft_wrap=True)
    if lines:
        out.write_line("\n".join(lines))
    if gone:
        stderr_console().say(f"Too narrow for {', '.join(gone)}. Choose columns with --columns.", wrap=True)


def encode(listing: Listing, run: Run, format_: str, *, is_chosen: bool) -> bytes:
    """Return the bytes of a file in a format."""
    if format_ in {"csv", "parquet"}:
        file = io.BytesIO()
        WRITERS[format_](iter([listing.texts() if format_ == "csv" else listing.typed()]), file)
        return file.getvalue()
    if format_ == "json":
        lines = [to_json(summary(listing, run))]
    elif format_ == "jsonl":
        lines = list(map(to_json, listing.objects()))
    else:
        columns = _text_columns(listing, is_chosen=is_chosen)
        lines = markdown_lines(columns) if format_ == "md" else table_lines(columns)
    return "".join(f"{line}\n" for line in lines).encode()


def summary(listing: Listing, run: Run) -> dict[str, Any]:
    """Return the rows as one object, with what a reader wants to know of the run."""
    table = listing.table
    return {
        "schema": 1,
        "run": run.shown,
        "state": run.state,
        "from": "results.csv" if table.is_whole else "journal.jsonl",
        "metric": metric_of(run) or table.metric,
        "metrics": list(table.metrics),
        "best_index": _chosen(run),
        "candidates": _total(listing),
        "matching": listing.matching,
        "rows": list(listing.objects()),
    }


def remark(run: Run, listing: Listing) -> str | None:
    """Say what a reader cannot see: that the run is not done, or that no candidate is as wanted."""
    if not listing.rows:
        return f"No candidate of {run.shown} matches."
    if listing.table.is_whole and run.state in {"done", UNKNOWN}:
        return None
    so_far = count(_total(listing), "candidate")
    if run.state == RUNNING:
        return f"{run.shown} is still running: {so_far} so far, read from its journal."
    if run.state == "done":
        return f"{run.shown} has no table: {so_far}, read from its journal."
    source = "" if listing.table.is_whole else ", read from its journal"
    return f"{run.shown} is not done ({run.state}): {so_far}{source}."


def metric_of(run: Run) -> str | None:
    """Return the name of the metric that decides, as ``run.json`` has it."""
    best: Mapping[str, Any] = run.facts.get("best") or {}
    metric = best.get("metric", run.facts.get("metric")) if isinstance(best, dict) else None
    return metric if isinstance(metric, str) else None


def _chosen(run: Run) -> int | None:
    """Return the number of the candidate that the run chose; None if it has not, or does not say."""
    best = run.facts.get("best")
    return best.get("best_index") if isinstance(best, dict) else None


def _total(listing: Listing) -> int:
    return listing.table.total or len(listing.table)


def _describe(run: Run, listing: Listing) -> None:
    """Say which run it is, and of how many candidates these are."""
    total, shown = _total(listing), len(listing.rows)
    matching = "" if listing.matching == total else f" of {listing.matching:,} that match"
    said = f"{shown:,}{matching} of {count(total, 'candidate')}" if shown < total else count(total, "candidate")
    stderr_console().say(f"{run.shown}: {said} by {metric_of(run) or listing.table.metric}", wrap=True)
    chosen, best = _chosen(run), int(listing.table.numbers[listing.table.order()[0]])
    if chosen is not None and chosen != best:
        stderr_console().say(f"The run chose candidate {chosen}, not the one with the best score.", wrap=True)


# --- columns for a person -------------------------------------------------------------------------


def _text_columns(listing: Listing, *, is_chosen: bool) -> list[TextColumn]:
    """Return columns as text; scores with their spread, if that comes next. Chosen ones go from the last."""
    found: list[TextColumn] = []
    left = list(listing.columns)
    while left:
        column = left.pop(0)
        text = _text_column(column, listing.rows)
        if column.key == "mean" and left and left[0].key == "std":
            text = _with_spread(text, column.values(listing.rows), left.pop(0).values(listing.rows))
        found.append(text)
    if is_chosen:
        return [TextColumn(**{**vars(each), "importance": -place}) for place, each in enumerate(found)]
    return found


def _text_column(column: Column, rows: Sequence[int]) -> TextColumn:
    cells = column.values(rows)
    if column.kind == PARAMETER:
        is_number = all(isinstance(cell, int | float) for cell in cells)
        texts = [cut(_line(_brief(cell)), LONGEST_CELL) for cell in cells]
        return TextColumn(name=column.name, cells=texts, importance=OF_PARAMETERS, is_right=is_number)
    if column.key == "error":
        texts = [_MODULE.sub("", _line(cell or "")) for cell in cells]
        return TextColumn(name="error", cells=texts, importance=IMPORTANCE["error"], least=SHORTEST_ERROR)
    is_number = not any(isinstance(cell, str) for cell in cells)
    texts = _numbers(cells, column.kind) if is_number else [_line(cell or "") for cell in cells]
    importance = IMPORTANCE.get(column.key, OF_SPLITS if column.kind == SCORE else OF_SPREAD)
    return TextColumn(name=column.name, cells=texts, importance=importance, is_right=is_number)


def _with_spread(mean: TextColumn, means: Sequence[Any], stds: Sequence[Any]) -> TextColumn:
    """Return the column of means with their deviations behind them, if there is room."""
    digits = _decimals(means)
    spreads = [_number(std, digits) for std in stds]
    cells = [f"{text} +- {spread}" if spread else text for text, spread in zip(mean.cells, spreads, strict=True)]
    return TextColumn(name="mean +- std", cells=cells, importance=OF_SPREAD, narrower=("std", mean))


def _numbers(cells: Sequence[Any], kind: str) -> list[str]:
    if kind in {SCORE, SPREAD}:
        digits = _decimals(cells)
        return [_number(cell, digits) for cell in cells]
    if kind == SECONDS:
        return ["" if cell is None else f"{cell:.3g} s" for cell in cells]
    return ["" if cell is None else str(cell) for cell in cells]


def _number(cell: Any, decimals: int) -> str:
    return "" if cell is None else f"{cell:.{decimals}f}"


def _decimals(scores: Sequence[Any]) -> int:
    """Return how many decimals give the largest score `DIGITS` digits, so that scores stand below each other."""
    largest = max((abs(score) for score in scores if score is not None and math.isfinite(score)), default=0.0)
    return min(max(DIGITS - 1 - math.floor(math.log10(largest)), 0), 2 * DIGITS) if largest else DIGITS


def _brief(value: Any) -> str:
    """Return a parameter as Python writes it, but for the last digits of a float."""
    if value is ABSENT:
        return ""
    text = value_text(value)
    return f"{value:.6g}" if isinstance(value, float) and len(text) > LONGEST_FLOAT else text


def _line(text: str) -> str:
    return harmless(" ".join(text.split()))
