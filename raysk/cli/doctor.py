"""``raysk doctor``."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from raysk.cli import options as o  # noqa: TC001 - Typer reads the annotations
from raysk.errors import ClusterError, Unpicklable, UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.table import Table
    from rich.text import Text

    from raysk.cli.streams import DataOut
    from raysk.preflight import Finding, Node, Report
    from raysk.spec.loader import Found

RIGHT = {"free CPUs", "free memory", "store", "shm"}
"""Columns of figures."""

MAX_SAID = 3
"""Findings that a message names; with a line before and a line after them it stays within five."""

File = Annotated[
    str | None,
    typer.Argument(
        metavar="FILE", help="Python file or pickle, as for fit: try to load its estimator there.", show_default=False
    ),
]
Timeout = Annotated[
    float,
    typer.Option(metavar="SECONDS", help="How long a node may take to answer.", rich_help_panel="Cluster"),
]


def doctor(
    file: File = None,
    address: o.Address = None,
    timeout: Timeout = 30.0,
    allow_versions: o.AllowVersions = False,
    as_json: o.Json = False,
    debug: o.Debug = False,  # noqa: ARG001 - read by main
) -> None:
    """Look at every node of a cluster, and say what would keep a job from running there.

    For example:

      raysk doctor --address auto

      raysk doctor spec.py --address auto --json | jq -c '.nodes[] | [.address, .cpus_free]'
    """
    from raysk import cluster
    from raysk.cli.render import View, stderr_console
    from raysk.cli.streams import data_stdout
    from raysk.jobs import Resources
    from raysk.spec import loader

    if not timeout > 0:
        raise UsageError(f"--timeout {timeout:g}: it must be a number above 0.")
    console = stderr_console()
    anywhere = Resources(workers=1)  # so that a cluster without CPUs is not refused: it is looked at
    with data_stdout() as out, cluster.Starting(address=address, resources=anywhere, sink=View(), warm=False) as start:
        found = None if file is None else loader.load(file)
        running = start.result()
        with console.status("Asking every node"):
            report = _look(found, timeout_s=timeout, allow_versions=allow_versions)
        findings = report.findings
        _show(out, report, findings, address=running.address, as_json=as_json)
    for line in _grouped(findings, fatal=False):
        console.print(f"Note: {line}", markup=False, highlight=False, soft_wrap=True)
    fatal = _grouped(findings, fatal=True)
    if fatal:
        raise ClusterError("\n".join(["A job would fail on this cluster.", *_cut(fatal)]))


def _look(found: Found | None, *, timeout_s: float, allow_versions: bool) -> Report:
    """Ask every node, also whether it can load what is in the person's file: what a job would send there."""
    from raysk import preflight
    from raysk.runs.pickling import unpicklable
    from raysk.spec.loader import find_estimator, find_search

    if found is None:
        return preflight.look(timeout_s=timeout_s, allow_versions=allow_versions)
    estimator = find_search(found) or find_estimator(found)
    data = [type(found.names[name]) for name in ("X", "y") if name in found.names]  # their libraries must be there
    try:
        return preflight.look((estimator, data), timeout_s=timeout_s, allow_versions=allow_versions)
    except Unpicklable as error:
        raise unpicklable(estimator, error, "sent to the workers") from error


def _grouped(findings: Sequence[Finding], *, fatal: bool) -> list[str]:
    """Return a line per finding that names all its nodes."""
    from raysk.spec.words import listed

    nodes: dict[str, list[str]] = {}
    for each in findings:
        if each.fatal == fatal:
            nodes.setdefault(f"{each.text}. {each.remedy}", []).append(each.node)
    return [f"{listed(names)}: {text}" for text, names in nodes.items()]


def _cut(lines: list[str]) -> list[str]:
    more = len(lines) - MAX_SAID
    return lines if more <= 0 else [*lines[:MAX_SAID], f"And {more} more, named above."]


def _show(out: DataOut, report: Report, findings: Sequence[Finding], *, address: str | None, as_json: bool) -> None:
    """Write the report to stdout: JSON, or tables on a terminal."""
    from raysk.runs.jsonable import to_json

    if as_json or not out.is_terminal:
        summary = {"schema": 1, "ok": not any(each.fatal for each in findings), "address": address, **asdict(report)}
        out.write_line(to_json(summary | {"findings": [asdict(each) for each in findings]}))
        return
    from rich.console import Console
    from rich.text import Text

    from raysk.preflight import name_of

    console = Console(file=out.file)
    here = ", ".join(f"{package} {version}" for package, version in report.here.items() if version)
    console.print(Text(f"here: {here}", style="dim"))
    cells = [_cells(node, name_of(node, report.nodes)) for node in report.nodes]
    for table in _tables(cells, console.width):
        console.print()
        console.print(table)


def _cells(node: Node, name: str) -> dict[str, Text]:
    """Return what is shown of a node, by column."""
    from rich.filesize import decimal
    from rich.text import Text

    cells = {"node": Text(name), "versions": _versions(node)}
    if node.cpus_free is not None:
        cells["free CPUs"] = Text(f"{node.cpus_free:g} of {node.cpus}", style="yellow" * (node.cpus_free < 1))
    if node.memory_bytes is not None and node.memory_free_bytes is not None:
        cells["free memory"] = Text(f"{decimal(node.memory_free_bytes)} of {decimal(node.memory_bytes)}")
    if node.store_bytes is not None:
        cells["store"] = Text(decimal(node.store_bytes))
    if node.shm_bytes is not None:
        cells["shm"] = Text(decimal(node.shm_bytes))
    if node.unpickles is not None:
        cells["estimator"] = Text("loads") if node.unpickles else Text("fails", style="bold red")
    return cells


def _versions(node: Node) -> Text:
    from rich.text import Text

    if node.error is not None:
        return Text(node.error, style="bold red")
    styled = {each: "bold red" if each.fatal else "yellow" if each.results else "dim" for each in node.differences}
    return Text("\n").join([Text(str(each), style=style) for each, style in styled.items()] or [Text("as here")])


def _tables(nodes: list[dict[str, Text]], width: int) -> list[Table]:
    """Return one table with a row per node if there is room, else a small one per node."""
    from rich.table import Table

    columns = list(dict.fromkeys(name for cells in nodes for name in cells))
    lines = {name: [name] for name in columns}
    for cells in nodes:
        for name, cell in cells.items():
            lines[name] += str(cell).splitlines()
    if sum(max(map(len, lines[name])) + 2 for name in columns) - 2 > width:
        return [_block(cells) for cells in nodes]
    table = Table(box=None, pad_edge=False)
    for name in columns:
        table.add_column(name, justify="right" if name in RIGHT else "left")
    for cells in nodes:
        table.add_row(*(cells.get(name, "") for name in columns))
    return [table]


def _block(cells: dict[str, Text]) -> Table:
    from rich.table import Table

    table = Table(box=None, pad_edge=False, show_header=False)
    table.add_column(style="bold")
    table.add_column(overflow="fold")
    for name, cell in cells.items():
        table.add_row(name, cell)
    return table
