"""``raysk doctor``."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Annotated, Any

import typer

from raysk.cli.options.cluster import Address, AllowVersions  # noqa: TC001 - Typer reads the annotations
from raysk.cli.options.output import Debug, Json  # noqa: TC001 - Typer reads the annotations
from raysk.errors import Unpicklable, UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rich.table import Table
    from rich.text import Text

    from raysk.cli.streams import DataOut
    from raysk.cluster.report import Node, Report
    from raysk.source.objects import SourceObjects

FOLDED_TO = 18
"""Width in characters that the column of versions may be folded to: "scikit-learn 1.9.1"."""

RIGHT = {"free CPUs", "free memory", "store", "shm"}
"""Columns of figures."""


@dataclass(frozen=True, kw_only=True)
class Doctor:
    """Look at every node of a cluster, and say what would keep a job from running there.

    For example:

      raysk doctor --address auto

      raysk doctor spec.py --address auto | jq .findings
    """

    file: Annotated[
        str | None,
        typer.Argument(
            metavar="FILE", help="Python file or pickle, as for fit. Every node tries to load its estimator."
        ),
    ] = None
    address: Address = None
    timeout: Annotated[
        float,
        typer.Option(metavar="SECONDS", help="Longest time that a node may take to answer.", rich_help_panel="Cluster"),
    ] = 30.0
    allow_versions: AllowVersions = False
    as_json: Json = False
    debug: Debug = False

    def run(self) -> None:
        """Look at the nodes, and refuse a cluster that cannot be used."""
        from raysk import cluster
        from raysk.cli.streams import data_stdout
        from raysk.cli.view.console import stderr_console
        from raysk.cli.view.live import View
        from raysk.jobs import Resources
        from raysk.source import loader
        from raysk.util.working_folder import check_sendable

        if not 0 < self.timeout < math.inf:
            raise UsageError(f"--timeout {self.timeout:g}: it must be a number above 0.")
        console = stderr_console()
        check_sendable()
        anywhere = Resources(workers=1)  # so that a cluster without CPUs is not refused: it is looked at
        with (
            data_stdout() as out,
            cluster.Starting(address=self.address, resources=anywhere, sink=View(), warm=False) as start,
        ):
            found = None if self.file is None else loader.load(self.file)
            sent = None if found is None else _sent(found)
            running = start.result()
            cluster.travel_by_value(() if found is None else found.modules)
            with console.status("Asking every node"):
                report = _look(sent, timeout_s=self.timeout, allow_versions=self.allow_versions)
            facts = {"address": running.address, "estimator": None if sent is None else type(sent[0]).__name__}
            _show(out, report, facts, as_json=self.as_json)
        for line in report.said(fatal=False):
            console.say(f"Note: {line}", wrap=console.is_interactive)
        report.raise_fatal()


def _sent(found: SourceObjects) -> tuple[Any, list[type]]:
    """Return what a job would send to the workers: the estimator, and data of these types."""
    from raysk.source.loader import find_estimator, find_search

    estimator = find_search(found) or find_estimator(found)
    return estimator, [type(found.names[name]) for name in ("X", "y") if name in found.names]


def _look(sent: tuple[Any, list[type]] | None, *, timeout_s: float, allow_versions: bool) -> Report:
    from raysk.cluster import nodes
    from raysk.models.unpicklable import unpicklable_error

    try:
        return nodes.look(sent, timeout_s=timeout_s, allow_versions=allow_versions)
    except Unpicklable as error:
        assert sent is not None  # noqa: S101 - nothing else was pickled
        raise unpicklable_error(sent[0], error, "sent to the workers") from error


def _show(out: DataOut, report: Report, facts: Mapping[str, Any], *, as_json: bool) -> None:
    """Write the report to stdout: JSON, or tables on a terminal."""
    from raysk.util.jsonable import to_json

    if as_json or not out.is_terminal:
        ok = not report.said(fatal=True)
        findings = [asdict(each) for each in report.findings]
        out.write_line(to_json({"schema": 1, "ok": ok, **facts, **asdict(report), "findings": findings}))
        return
    from rich.text import Text

    from raysk.cli.view.console import stdout_console
    from raysk.cluster.report import name_of

    console = stdout_console(out)
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
        total = decimal(node.memory_bytes)
        free = decimal(node.memory_free_bytes).removesuffix(total[-3:])  # one unit will do
        cells["free memory"] = Text(f"{free} of {total}")
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
    widths = {name: max(map(len, lines[name])) for name in columns}
    widths["versions"] = min(widths["versions"], FOLDED_TO)
    if sum(widths.values()) + 2 * len(widths) - 2 > width:
        return [_block(cells) for cells in nodes]
    table = Table(box=None, pad_edge=False)
    for name in columns:
        table.add_column(name, justify="right" if name in RIGHT else "left", no_wrap=name != "versions")
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
