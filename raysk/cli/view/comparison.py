"""Runs side by side on a terminal: a column a run, or below each other where there is no room."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rich.cells import cell_len
from rich.text import Text

from raysk.cli.view.columns import TextColumn, table_lines
from raysk.cli.view.console import harmless, stdout_console
from raysk.cli.view.words import brief_value, wrap
from raysk.runs.folder import name_without_time
from raysk.util.names import short_names
from raysk.util.typed_json import value_text

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from raysk.cli.streams import DataOut
    from raysk.history.comparison import Comparison, Contender, Difference

    Row = tuple[str, list[str]]

INDENT = "  "

MOST_LONE = 5
"""Parameters of an estimator that not all runs have, and that are all shown; --json has each."""

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
    yield "Their parameters", [(short[name], _parameters(values)) for name, values in params.items()]
    yield "What differs", list(_facts(comparison))


def _facts(comparison: Comparison) -> Iterator[Row]:
    """Yield a row a fact; of parts of the estimator that not all have, not each parameter: that they are there."""
    for subject, each in comparison.facts.items():
        lone = [name for name, values in each.items() if subject == "estimator" and None in values]
        parts = {name for name in lone if any(other.startswith(f"{name}__") for other in lone)}
        folded = {name for name in lone if name not in parts} if len(lone) > MOST_LONE else set()
        for name, values in each.items():
            if name not in folded:
                yield (name if name == subject else f"{subject} {name}"), [_fact(name, value) for value in values]
        if folded:
            of_each = [sum(each[name][at] is not None for name in folded) for at in range(len(comparison.contenders))]
            yield "other parameters of these", [f"{number}" if number else "-" for number in of_each]


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
    if difference.not_paired is not None:
        return f"none: {difference.not_paired}"
    return difference.paired_over


def _parameters(values: Sequence[Any]) -> list[str]:
    """Return values in few digits, or in all where they would look alike."""
    brief = ["-" if value is ... else brief_value(value) for value in values]
    whole = ["-" if value is ... else " ".join(value_text(value).split()) for value in values]
    return list(map(harmless, brief if len(set(brief)) == len(set(whole)) else whole))


def _fact(name: str, value: Any) -> str:
    if value is None:
        return "-"
    text = harmless(str(value))
    return text[:HASH] if name.endswith(("hash", "commit", "code")) else text


def _names(contenders: Sequence[Contender]) -> list[str]:
    """Return the names of runs without their time where that leaves them different, or else their folders."""
    whole = [each.run.name + each.mark for each in contenders]
    for names in ([name_without_time(each.run.name) + each.mark for each in contenders], whole):
        if len(set(names)) == len(names):
            return list(map(harmless, names))
    return [harmless(each.run.shown + each.mark) for each in contenders]


def _lines(names: Sequence[str], rows: Sequence[Row], width: int | None) -> Iterator[str]:
    """Yield lines: a column a run, and above them the rows for which that is too wide."""
    narrow, wide = list(rows), []
    while width is not None and narrow and _width(_table(names, narrow)) > width:
        widest = max(narrow, key=lambda row: max(map(len, [row[0], *row[1]])))
        narrow.remove(widest)
        wide.append(widest)
    header, *lines = _table(names, narrow) if narrow else [""]
    if narrow:
        yield header
    left = iter(lines)
    for row in rows:
        yield from _below_each_other(names, row, width or 0) if row in wide else [next(left)]


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
