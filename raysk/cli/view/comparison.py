"""Runs side by side on a terminal: a column a run, or below each other where there is no room."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

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
        (f"{subject} {name}".strip(), [_fact(name, value) for value in values])
        for subject, each in comparison.facts.items()
        for name, values in each.items()
    ]
    yield "What differs", facts


def _scores(comparison: Comparison) -> Iterator[Row]:
    each = comparison.contenders
    metrics = dict.fromkeys(str(one.metric) for one in each)
    yield " / ".join(metrics), [f"{one.mean:.5g} +- {one.std:.3g}" for one in each]
    yield "difference", ["", *map(_difference, comparison.differences)]
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


def _difference(difference: Difference) -> str:
    if difference.mean is None:
        return "-"
    error = difference.standard_error
    return f"{difference.mean:+.4g}" + ("" if error is None else f" +- {error:.2g}")


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
    names = [each.run.name for each in contenders]
    return [
        harmless(name if names.count(name) == 1 else each.run.shown)
        for name, each in zip(names, contenders, strict=True)
    ]


def _lines(names: Sequence[str], rows: Sequence[Row], width: int | None) -> Iterator[str]:
    columns = [TextColumn(name="", cells=[name for name, _ in rows])]
    columns += [TextColumn(name=name, cells=[cells[at] for _, cells in rows]) for at, name in enumerate(names)]
    lines = [f"  {line}" for line in table_lines(columns)]
    if width is None or max(map(len, lines)) <= width:
        yield from lines
        return
    indent = max(map(len, names)) + 4
    for name, cells in rows:
        yield f"  {name}"
        for run, cell in zip(names, cells, strict=True):
            if cell:
                first, *more = wrap(cell.split(" "), max(width - indent - 2, 8))
                yield f"    {run:<{indent - 4}}  {first}"
                yield from (f"    {'':<{indent - 4}}  {line}" for line in more)
