"""The list of runs: a table that fits the terminal, or one JSON object.

Columns that do not fit are left out, the least important ones. Names of runs are cut in their middle, best parameters
after one of them, and nothing else.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from rich.cells import cell_len, set_cell_size
from rich.table import Table
from rich.text import Text

from raysk.cli.view.console import harmless, stdout_console
from raysk.cli.view.words import clock, pairs
from raysk.runs.folder import file_name
from raysk.util.jsonable import to_json
from raysk.util.names import short_names
from raysk.util.typed_json import decode_params
from raysk.util.words import count

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from raysk.cli.streams import DataOut

    Summary = Mapping[str, Any]

MOST_FAULTS = 3
"""Runs with a damaged run.json that are named one by one."""

NARROW = 60
"""Terminals of fewer columns have one space between columns instead of two."""

LONGEST = 40
"""Characters of a text in other columns than that of the run."""


def show_runs(out: DataOut, runs: Sequence[Summary], *, total: int, as_json: bool) -> None:
    """Write runs to stdout.

    Parameters
    ----------
    out : DataOut
    runs : sequence of dict
        See `raysk.history.summaries.summarize`.
    total : int
        How many runs there are, of which these are some.
    as_json : bool
        JSON also for a person.
    """
    if as_json or not out.is_for_a_person:
        out.write_line(to_json({"schema": 1, "total": total, "runs": list(runs)}))
    elif runs:
        console = stdout_console(out)
        console.print(_table(runs, console.width), no_wrap=True, crop=True)


def faults(runs: Sequence[Summary]) -> list[str]:
    """Return lines about runs of which less is shown than there should be."""
    damaged = [run for run in runs if run["fault"]]
    lines = [f"{_cut(_cell(run['run']), LONGEST)}: {run['fault']}." for run in damaged[:MOST_FAULTS]]
    more = len(damaged) - MOST_FAULTS
    return [*lines, *([f"{count(more, 'more run')} like that."] if more > 0 else [])]


def _table(runs: Sequence[Summary], width: int) -> Table:
    gap = 1 if width < NARROW else 2
    cells = {name: [_cell(make(run)) for run in runs] for name, make in COLUMNS.items()}
    needed = {name: max(map(cell_len, [name, *column])) for name, column in cells.items() if any(column)}
    widths = _fitting(needed, width, gap)
    if BEST in widths:  # what does not fill its room leaves it to others
        needed[BEST] = max(len(BEST), *(cell_len(_cell(_best(run, widths[BEST]))) for run in runs))
        widths = _fitting(needed, width, gap)
    cells[RUN] = [_cut(cell, widths[RUN]) for cell in cells[RUN]]
    cells[BEST] = [_cell(_best(run, widths.get(BEST, 0))) for run in runs]
    table = Table(box=None, pad_edge=False, padding=(0, gap, 0, 0), header_style="bold")
    for name in widths:
        table.add_column(name, no_wrap=True, justify="right" if name in NUMBERS else "left")
    for row in zip(*(cells[name] for name in widths), strict=True):
        table.add_row(*map(Text, row))
    return table


def _fitting(needed: Mapping[str, int], width: int, gap: int) -> dict[str, int]:
    """Return which columns fit, in their order, and how wide they are.

    Parameters
    ----------
    needed : mapping of str to int
        How wide the columns are that are not empty.
    width, gap : int
        Of the terminal, and between two columns.
    """
    widths = {RUN: min(needed[RUN], SHORTEST[RUN])}
    left = width - widths[RUN]
    for name in MOST_IMPORTANT_FIRST:
        least = min(needed.get(name, 0), SHORTEST.get(name, width))
        if least and least + gap <= left:
            widths[name] = max(least, min(needed[name], WANTED.get(name, least), left - gap))
            left -= widths[name] + gap
    for name in (RUN, BEST):
        more = min(needed[name] - widths[name], left) if name in widths else 0
        widths |= {name: widths[name] + more} if more else {}
        left -= more
    return {name: widths[name] for name in needed if name in widths}


def _cut(text: str, room: int) -> str:
    """Cut a text in its middle: the end of a run's name tells when it began."""
    if cell_len(text) <= room:
        return text
    end = min(room // 2, len(text))
    tail = text[len(text) - end :]
    while cell_len(tail) > room // 2:
        tail = tail[1:]
    return f"{set_cell_size(text, max(room - cell_len(tail) - 1, 0))}…{tail}"


def _cell(text: str) -> str:
    return harmless(" ".join(text.split()))


# --- columns --------------------------------------------------------------------------------------


def _name(run: Summary) -> str:
    """Return the name that a run was given, unless that of its folder has it."""
    name = run["name"] or ""
    return "" if run["run"].startswith(file_name(name)) else _cut(name, LONGEST)


def _score(run: Summary) -> str:
    return _cut(run["kind"] or "", LONGEST) if run["best_score"] is None else f"{run['best_score']:.4g}"


def _deviation(run: Summary) -> str:
    return "" if run["best_score_std"] is None else f"{run['best_score_std']:.2g}"


def _best(run: Summary, room: int = 60) -> str:
    """Return the best parameters in which candidates differ; as many as there is room for, none cut."""
    if run["candidate"] is not None:
        return _some([run["candidate"]], room, "")
    params = decode_params(run["params"]) or run["best_params"] or {}
    varying = params if run["varying"] is None else [name for name in run["varying"] if name in params]
    return _some(pairs(params, short_names(varying)), room, " ")


def _some(pieces: Sequence[str], room: int, between: str) -> str:
    """Join the first of some pieces, as many as fit, with a mark if there are more."""
    text = ""
    for number, piece in enumerate(pieces):
        longer = text + between * bool(text) + piece
        if len(longer) + 2 * (number < len(pieces) - 1) > room:
            return f"{text} …".strip()
        text = longer
    return text


def _data(run: Summary) -> str:
    data = run["data"] or {}
    shape = [f"{data[name]:,}" for name in ("rows", "features") if data.get(name) is not None]
    return " ".join(filter(None, [" x ".join(shape), _cut(data.get("source") or "", LONGEST)]))


def _fits(run: Summary) -> str:
    if run["fits"] is None:
        return ""
    return f"{run['fits']:,}" + (f" ({run['fits_failed']:,} failed)" if run["fits_failed"] else "")


def _when(run: Summary) -> str:
    """Return when a run began, by the clock of this place: the year only of another one."""
    if run["started"] is None:
        return ""
    began = datetime.fromisoformat(run["started"]).astimezone()
    this_year = began.year == datetime.now().astimezone().year
    return f"{began:%m-%d %H:%M}" if this_year else f"{began:%Y-%m-%d}"


RUN, BEST = "run", "best"

COLUMNS: dict[str, Callable[[Summary], str]] = {
    RUN: lambda run: run["run"],
    "name": _name,
    "state": lambda run: _cut(run["state"], LONGEST),
    "score": _score,
    "+-": _deviation,
    "metric": lambda run: _cut(run["metric"] or "", LONGEST),
    BEST: _best,
    "data": _data,
    "fits": _fits,
    "time": lambda run: "" if run["duration_s"] is None else clock(run["duration_s"]),
    "when": _when,
    "tags": lambda run: _some(run["tags"], LONGEST, ", "),
}
"""The columns in their order, and what a row has there."""

NUMBERS = {"score", "+-", "fits", "time"}

MOST_IMPORTANT_FIRST = ("state", "score", BEST, "+-", "name", "tags", "metric", "when", "time", "fits", "data")
"""The order in which columns get room, after that of the run."""

SHORTEST = {RUN: 20, BEST: 24}
"""How narrow columns may become whose cells can be cut: a name in its middle, parameters after one of them."""

WANTED = {BEST: 36}
"""How wide a column is before less important ones get room: what the best has is what one looks for."""
