"""``raysk bench``."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path  # noqa: TC003 - Typer reads the annotations
from typing import TYPE_CHECKING, Annotated, Any

import typer

from raysk.cli.options.cluster import Address  # noqa: TC001 - Typer reads the annotations
from raysk.cli.options.output import Debug, Force, Json, Quiet  # noqa: TC001 - Typer reads the annotations
from raysk.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from typing_extensions import Self

    from raysk.bench.request import Arm
    from raysk.cli.streams import DataOut


@dataclass(frozen=True, kw_only=True)
class Bench:
    """Measure the published workloads on every backend, side by side.

    For example:

      raysk bench

      raysk bench forest grid --backends raysk,ray,loky --scale 0.05 --repeat 3 --json

      raysk bench --address auto --nodes 1,5,10

      raysk bench short --simulate-nodes 1,5,10 --cpus-per-node 8 --fit-ms 200
    """

    workloads: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="WORKLOAD",
            help="forest, random, grid, short, wide, contained, steps, pruned or lone. The default is the first three.",
        ),
    ] = None
    backends: Annotated[
        str | None,
        typer.Option(
            metavar="NAME[,NAME]",
            help="raysk, ray (Ray's own), loky, multiprocessing, threading, dask, sequential, ideal; "
            "The default is all that are installed.",
        ),
    ] = None
    scale: Annotated[
        float | None,
        typer.Option(
            metavar="FRACTION",
            help="Size of the workloads: 1 is the published size. The default keeps every CPU here busy for 10 s.",
        ),
    ] = None
    repeat: Annotated[int, typer.Option(metavar="N", help="Measure everything N times, in turn.")] = 1
    limit_s: Annotated[
        float,
        typer.Option("--limit", metavar="SECONDS", help="Give up a measurement after this time, including its start."),
    ] = 900.0
    address: Address = None
    nodes: Annotated[
        str | None,
        typer.Option(
            metavar="N[,N]",
            help="Numbers of nodes of the cluster to use, one after the other.",
            rich_help_panel="Cluster",
        ),
    ] = None
    simulate_nodes: Annotated[
        str | None,
        typer.Option(
            metavar="N[,N]",
            help="Numbers of nodes to simulate on this machine, one after the other. Sleeps of the measured length "
            "replace the fits.",
            rich_help_panel="Cluster",
        ),
    ] = None
    cpus_per_node: Annotated[
        int | None,
        typer.Option(metavar="N", help="CPUs of a simulated node. The default is 8.", rich_help_panel="Cluster"),
    ] = None
    fit_ms: Annotated[
        float | None,
        typer.Option(
            metavar="MS",
            help="Length of a simulated fit. The default is the measured length.",
            rich_help_panel="Cluster",
        ),
    ] = None
    plot: Annotated[
        Path | None,
        typer.Option(metavar="PATH", help="Draw a bar chart: .svg, .png or .html.", rich_help_panel="Output"),
    ] = None
    force: Force = False
    as_json: Json = False
    quiet: Quiet = False
    debug: Debug = False

    def run(self) -> None:
        """Measure, and show the report."""
        from raysk import cluster
        from raysk.bench import plot as plots
        from raysk.bench import runner
        from raysk.bench.workloads import PUBLISHED
        from raysk.cli.streams import data_stdout
        from raysk.util.writing import write_bytes

        address = None if self.simulate_nodes else cluster.resolve(self.address)
        simulated = _simulated(self.simulate_nodes, self.scale, self.cpus_per_node, self.fit_ms)
        _check(repeat=self.repeat, scale=self.scale, limit_s=self.limit_s)
        wanted = runner.requests(
            _workloads(self.workloads, simulated=bool(simulated)) or PUBLISHED,
            _backends(self.backends, simulated=bool(simulated)),
            scale=self.scale,
            address=address,
            nodes=_nodes(self.nodes, address) or (None,),
            simulate=simulated,
        )
        _check_plot(self.plot, force=self.force)
        if address is not None:
            cluster.knock(address)
        with data_stdout() as out:
            with _Progress(quiet=self.quiet) as progress:
                arms = runner.run(wanted, repeat=self.repeat, limit_s=self.limit_s, sink=progress)
                report = _reported(arms, self.repeat, progress)
            _show(out, report, as_json=self.as_json)
            if self.plot is not None:
                write_bytes(self.plot, plots.drawn(report, self.plot.suffix.lower()))
                progress.say(f"The chart is in {self.plot}")
        runner.compare(arms)


def _reported(arms: Sequence[Arm], repeat: int, progress: _Progress) -> dict[str, Any]:
    """Put the measurements together, and say which ratios tell little."""
    from raysk.bench import report as reports

    report = reports.report(arms, repeat=repeat)
    if short := reports.too_short(report["results"]):
        named, limit = ", ".join(short), f"{reports.TELLING_S:g} s"
        progress.say(f"Less than {limit} ({named}): ratios tell little. Use a larger --scale.")
    return report


def _check(*, repeat: int, scale: float | None, limit_s: float) -> None:
    if repeat < 1:
        raise UsageError(f"--repeat {repeat}: at least 1 is needed.")
    _check_above_0("--scale", scale)
    _check_above_0("--limit", limit_s)


def _check_plot(path: Path | None, *, force: bool) -> None:
    from raysk.bench import plot
    from raysk.runs.collisions import check_distinct
    from raysk.runs.overwriting import refuse_existing
    from raysk.util.writing import check_output

    if path is not None:
        check_distinct({"--plot": path}, {})
        refuse_existing([path], force=force)
        check_output(path, plot.FORMATS)
        plot.check_matplotlib()


def _check_above_0(option: str, number: float | None) -> None:
    if number is not None and not 0 < number < math.inf:
        raise UsageError(f"{option} {number:g}: it must be a number above 0.")


def _simulated(
    counts: str | None, scale: float | None, cpus_per_node: int | None, fit_ms: float | None
) -> list[dict[str, Any]]:
    """Return which simulated nodes to measure on; none if they were not asked for."""
    alone = {"--cpus-per-node": cpus_per_node, "--fit-ms": fit_ms}
    given = [option for option, value in alone.items() if value is not None]
    if counts is None:
        if given:
            raise UsageError(f"{given[0]} is for simulated nodes: say --simulate-nodes too.")
        return []
    if scale is not None:
        raise UsageError("--scale: simulated nodes get as many fits as keep them busy for 20 s. Leave it out.")
    if cpus_per_node is not None and cpus_per_node < 1:
        raise UsageError(f"--cpus-per-node {cpus_per_node}: at least 1 is needed.")
    _check_above_0("--fit-ms", fit_ms)
    fit_s = None if fit_ms is None else fit_ms / 1000
    numbers = _numbers(counts, "--simulate-nodes")
    return [{"nodes": count, "cpus_per_node": cpus_per_node or 8, "fit_s": fit_s} for count in numbers]


def _nodes(counts: str | None, address: str | None) -> list[int]:
    if counts is not None and address is None:
        raise UsageError("--nodes limits a cluster: name it with --address, or say --simulate-nodes.")
    return [] if counts is None else _numbers(counts, "--nodes")


def _numbers(text: str, option: str) -> list[int]:
    """Read numbers of nodes, as in 1,5,10."""
    parts = [part.strip() for part in text.split(",")]
    if not all(part.isdecimal() and int(part) > 0 for part in parts):
        raise UsageError(f"{option} {text}: write whole numbers above 0, as in {option} 1,5,10")
    return list(dict.fromkeys(int(part) for part in parts))


def _workloads(names: list[str] | None, *, simulated: bool) -> list[str]:
    """Return the workloads that were chosen, by their names or that of several."""
    from raysk.bench.request import BACKENDS
    from raysk.bench.workloads import GROUPS, WORKLOADS

    for name in names or ():
        if name in BACKENDS:
            raise UsageError(f"{name!r} is a backend: say --backends {name}")
    known = _known(names or [], [*WORKLOADS, *GROUPS], "workload")
    chosen = {each: name for name in known for each in GROUPS.get(name, (name,))}
    for each, name in chosen.items():
        if simulated and WORKLOADS[each].lone:
            raise UsageError(f"{name}: a fit that runs alone is not spread. Leave --simulate-nodes out.")
    return list(chosen)


def _backends(text: str | None, *, simulated: bool) -> list[str]:
    """Return the backends that were chosen, or all that can be used."""
    from raysk.bench import runner
    from raysk.bench.request import BACKENDS, ON_A_CLUSTER

    installed = runner.installed()
    if text is None:
        return [name for name in installed if not simulated or name in ON_A_CLUSTER]
    chosen = _known([name.strip() for name in text.split(",")], list(BACKENDS), "backend")
    for name in chosen:
        if simulated and name not in ON_A_CLUSTER:
            raise UsageError(f"--backends {name}: only {' and '.join(ON_A_CLUSTER)} can use simulated nodes.")
        if name not in installed:
            raise UsageError(f"--backends {name}: it is not installed. Try: pip install 'raysk[bench]'")
    return chosen


def _known(names: list[str], known: list[str], what: str) -> list[str]:
    """Return names without repeats, if all are known."""
    from raysk.util.words import nearest_names

    for name in names:
        if name not in known:
            near = nearest_names(name, known)
            meant = f"Did you mean {' or '.join(near)}? " if near and len(near) < len(known) else ""
            raise UsageError(f"There is no {what} {name!r}. {meant}Known: {', '.join(known)}.")
    return list(dict.fromkeys(names))


class _Progress:
    """A bar on a terminal that names what is being measured; a line per measurement everywhere. A sink."""

    def __init__(self, *, quiet: bool) -> None:
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

        from raysk.cli.view.console import stderr_console

        self._console = console = stderr_console()
        console.quiet = quiet
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
        self._bar = Progress(*columns, console=console, transient=True, disable=not console.is_interactive)
        self._task = self._bar.add_task("", total=None)

    def __enter__(self) -> Self:
        self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.stop()

    def say(self, text: str) -> None:
        """Say one line."""
        self._console.say(text)

    def __call__(self, event: Any, /) -> None:
        """Take a `raysk.bench.runner.Measuring` or `Measured`."""
        name = f"{event.request.workload} {event.request.backend}"
        result = getattr(event, "result", None)
        self._bar.update(self._task, description=name, total=event.of, completed=event.number - (result is None))
        if result is not None:
            outcome = f"failed: {result['error']}" if "error" in result else f"{result['time_s']:.2f} s"
            self.say(f"{event.number}/{event.of} {name}: {outcome}")


def _show(out: DataOut, report: dict[str, Any], *, as_json: bool) -> None:
    """Write the report to stdout: JSON, or on a terminal a table per workload."""
    from raysk.util.jsonable import to_json

    if as_json or not out.is_terminal:
        out.write_line(to_json(report))
        return
    from rich.text import Text

    from raysk.bench.report import on
    from raysk.cli.view.console import stdout_console

    console = stdout_console(out)
    for workload in dict.fromkeys(row["workload"] for row in report["results"]):
        console.print(_table([row for row in report["results"] if row["workload"] == workload], console.width))
    console.print(Text(on(report["machine"]), style="dim"))
    console.print(
        Text(
            "/ loky, / ideal: times as long as theirs. More columns in a wider terminal, all with --json.", style="dim"
        )
    )


LAST_TO_GO = (
    *("backend", "time", "/ ideal", "/ loky", "fits done", "same best", "busy"),
    *("driver us/unit", "first fit", "all MB", "driver MB"),
)
"""Columns of the table, those first that a narrow terminal keeps longest."""


def _table(rows: list[dict[str, Any]], width: int) -> Any:
    """Return the table of a workload, with the columns that there is room for."""
    from rich.table import Table
    from rich.text import Text

    from raysk.bench.report import COLUMNS, cells, title

    filled = [dict(zip(COLUMNS, cells(row), strict=True)) for row in rows]
    room = width
    kept: list[str] = []
    for name in [*LAST_TO_GO, *(each for each in COLUMNS if each not in LAST_TO_GO)]:
        needs = 2 + max(len(text) for text in [name, *(row[name] for row in filled)])
        if any(row[name] for row in filled) and (len(kept) < 2 or needs <= room):  # noqa: PLR2004 - a name and a time
            kept.append(name)
            room -= needs
    table = Table(title=title(rows), title_justify="left", box=None, pad_edge=False)
    for name in (each for each in COLUMNS if each in kept):
        table.add_column(name, justify="left" if name == "backend" else "right", overflow="fold")
    for row in filled:
        table.add_row(*(Text(row[name]) for name in COLUMNS if name in kept))
    return table
