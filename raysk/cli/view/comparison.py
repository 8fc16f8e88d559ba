"""Runs side by side on a terminal: a column a run, or below each other where there is no room."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rich.cells import cell_len
from rich.text import Text

from raysk.cli.view.columns import TextColumn, table_lines
from raysk.cli.view.console import harmless, stdout_console
from raysk.cli.view.words import wrap
from raysk.util.names import short_names
from raysk.util.typed_json import value_text

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from raysk.cli.streams import DataOut
    from raysk.history.comparison import Comparison, Contender, Difference

    Row = tuple[str, list[str]]

INDENT = "  "

HASH = 12
"""Digits of a hash that are shown."""


def show_comparison(out: DataOut, comparison: Comparison) -> None:
    """Draw runs side by side, what differs in them below."""
    console = stdout_console(out)
    names = _names(comparison.contenders)
    for title, rows in _sections(comparison):
        if not rows:
            continue
        console.print(Text(title, style="bold"), soft_wrap=True)
        for line in _lines(names, rows, console.width if out.is_terminal else None):
            out.write_line(line)


def _sections(comparison: Comparison) -> Iterator[tuple[str, list[Row]]]:
    yield "Best candidates", list(_scores(comparison))
    params = comparison.params()
    short = short_names(params)
    yield "Their parameters", [(short[name], list(map(_parameter, values))) for name, values in params.items()]
    facts = [
        (name if name == subject else f"{subject} {name}", [_fact(name, value) for value in values])
        for subject, each in comparison.facts.items()
        for name, values in each.items()
    ]
    yield "What differs", facts


def _scores(comparison: Comparison) -> Iterator[Row]:
    each = comparison.contenders
    metrics = dict.fromkeys(str(one.metric) for one in each)
    yield " / ".join(metrics), [f"{one.mean:.5g} +- {one.std:.3g}" for one in each]
    yield "difference", ["", *(_number(one.mean, "+.4g") for one in comparison.differences)]
    if any(one.standard_error is not None for one in comparison.differences):
        yield "standard error", ["", *(_number(one.standard_error, ".2g") for one in comparison.differences)]
    yield "paired over", ["", *map(_paired, comparison.differences)]
    yield "candidate", [f"{one.number} of {one.candidates:,}" for one in each]
    yield "fit time", [f"{one.fit_time:.3g} s" for one in each]
    optional = {
        "train score": [one.train for one in each],
        "test score": [one.run.facts.get("test_score") for one in each],
    }
    for name, values in optional.items():
        if any(isinstance(value, float) for value in values):
            yield name, [f"{value:.5g}" if isinstance(value, float) else "" for value in values]
    if any(one.run.state != "done" for one in each):
        yield "state", [one.run.state for one in each]


def _number(value: float | None, form: str) -> str:
    return "-" if value is None else format(value, form)


def _paired(difference: Difference) -> str:
    return f"{difference.splits} equal splits" if difference.not_paired is None else f"none: {difference.not_paired}"


def _parameter(value: Any) -> str:
    return "-" if value is ... else harmless(" ".join(value_text(value).split()))


def _fact(name: str, value: Any) -> str:
    if value is None:
        return "-"
    text = harmless(str(value))
    return text[:HASH] if name.endswith(("hash", "commit", "code")) else text


def _names(contenders: Sequence[Contender]) -> list[str]:
    """Return the names of runs, or their folders where two have one name."""
    names = [each.run.name + each.mark for each in contenders]
    return [
        harmless(name if names.count(name) == 1 else each.run.shown + each.mark)
        for name, each in zip(names, contenders, strict=True)
    ]


def _lines(names: Sequence[str], rows: Sequence[Row], width: int | None) -> Iterator[str]:
    """Yield lines: a column a run, and above them the rows for which that is too wide."""
    narrow, wide = list(rows), []
    while width is not None and narrow and _width(_table(names, narrow)) > width:
        widest = max(narrow, key=lambda row: max(map(len, [row[0], *row[1]])))
        narrow.remove(widest)
        wide.append(widest)
    for row in (row for row in rows if row in wide):
        yield from _below_each_other(names, row, width or 0)
    if narrow:
        yield from _table(names, narrow)


def _table(names: Sequence[str], rows: Sequence[Row]) -> list[str]:
    columns = [TextColumn(name="", cells=[name for name, _ in rows])]
    columns += [TextColumn(name=name, cells=[cells[at] for _, cells in rows]) for at, name in enumerate(names)]
    return [INDENT + line for line in table_lines(columns)]


def _width(lines: Sequence[str]) -> int:
    return max(map(cell_len, lines))


def _below_each_other(names: Sequence[str], row: Row, width: int) -> Iterator[str]:
    name, cells = row
    yield INDENT + name
    indent = max(map(len, names)) + 3 * len(INDENT)
    for run, cell in zip(names, cells, strict=True):
        lines = wrap(cell.split(" "), max(width - indent, 8)) if cell else []
        for number, line in enumerate(lines):
            yield f"{2 * INDENT}{'' if number else run:<{indent - 3 * len(INDENT)}}{INDENT}{line}"
