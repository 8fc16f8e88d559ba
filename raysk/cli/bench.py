"""``raysk bench``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from raysk.cli import options as o  # noqa: TC001 - as above
from raysk.errors import BenchFailed, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from rich.console import Console

    from raysk.cli.streams import DataOut
    from raysk.events import Event

Workloads = Annotated[
    list[str] | None,
    typer.Argument(metavar="[WORKLOAD]...", help="forest, random, grid, short, wide; the first three without it."),
]
Backends = Annotated[
    str | None,
    typer.Option(
        metavar="NAME[,NAME]",
        help="raysk, ray (Ray's own), loky, multiprocessing, threading, dask, sequential, ideal; "
        "all that are installed without it.",
        show_default=False,
    ),
]
Scale = Annotated[
    float | None,
    typer.Option(
        metavar="FRACTION",
        help="Size of the workloads, 1 for the published one; without it, one that takes about 10 s here.",
        show_default=False,
    ),
]
Repeat = Annotated[int, typer.Option(metavar="N", help="Measure everything N times, in turn.")]
Limit = Annotated[float, typer.Option("--limit", metavar="SECONDS", help="Give a measurement up after so long.")]
Plot = Annotated[
    Path | None,
    typer.Option(
        metavar="PATH", help="Draw a bar chart: .svg, .png or .html.", show_default=False, rich_help_panel="Output"
    ),
]
Nodes = Annotated[
    str | None,
    typer.Option(
        metavar="N[,N]",
        help="Use so many nodes of the cluster, in turn.",
        show_default=False,
        rich_help_panel="Cluster",
    ),
]
SimulateNodes = Annotated[
    str | None,
    typer.Option(
        metavar="N[,N]",
        help="Simulate so many nodes on this machine, in turn; fits are replaced by sleeps of the measured length.",
        show_default=False,
        rich_help_panel="Cluster",
    ),
]
CpusPerNode = Annotated[int, typer.Option(metavar="N", help="CPUs of a simulated node.", rich_help_panel="Cluster")]
FitMs = Annotated[
    float | None,
    typer.Option(
        metavar="MS",
        help="Length of a simulated fit, instead of the measured one.",
        show_default=False,
        rich_help_panel="Cluster",
    ),
]


def bench(
    workloads: Workloads = None,
    backends: Backends = None,
    scale: Scale = None,
    repeat: Repeat = 1,
    limit_s: Limit = 900.0,
    address: o.Address = None,
    nodes: Nodes = None,
    simulate_nodes: SimulateNodes = None,
    cpus_per_node: CpusPerNode = 8,
    fit_ms: FitMs = None,
    plot: Plot = None,
    as_json: o.Json = False,
    quiet: o.Quiet = False,
    debug: o.Debug = False,  # noqa: ARG001 - read by main
) -> None:
    """Measure the published workloads on every backend, side by side.

    For example:

      raysk bench

      raysk bench forest grid --backends raysk,ray,loky --scale 0.05 --repeat 3 --json

      raysk bench --address auto --nodes 1,5,10

      raysk bench short --simulate-nodes 1,5,10 --cpus-per-node 8 --fit-ms 200
    """
    from raysk.bench import plot as plots
    from raysk.bench import report as reports
    from raysk.bench import runner
    from raysk.bench.arm import BACKENDS, ON_A_CLUSTER
    from raysk.bench.workloads import PUBLISHED, WORKLOADS
    from raysk.cli.streams import data_stdout

    _check(scale=scale, repeat=repeat, limit_s=limit_s, cpus_per_node=cpus_per_node, fit_ms=fit_ms)
    counts, simulated = _counts(nodes, "--nodes"), _counts(simulate_nodes, "--simulate-nodes")
    _check_cluster(address, counts, simulated)
    fit_s = None if fit_ms is None else fit_ms / 1000
    if plot is not None:
        plots.check_plot(plot)
    usable = [name for name in runner.installed() if not simulated or name in ON_A_CLUSTER]
    with data_stdout() as out:
        wanted = runner.requests(
            _chosen(workloads, WORKLOADS, "workload") or PUBLISHED,
            _chosen(backends.split(",") if backends else None, BACKENDS, "backend", usable) or usable,
            scale=scale,
            address=address,
            nodes=counts or (None,),
            simulate=[{"nodes": count, "cpus_per_node": cpus_per_node, "fit_s": fit_s} for count in simulated],
        )
        with _progress(quiet=quiet) as sink:
            arms = runner.run(list(wanted), repeat=repeat, limit_s=limit_s, sink=sink)
        report = reports.report(arms, repeat=repeat)
        if plot is not None:
            plots.draw(report, plot)
        _show(out, report, as_json=as_json)
    if not any(arm.results for arm in arms):
        raise BenchFailed(f"Nothing could be measured; the last backend says:\n{arms[-1].error}")


def _check(*, scale: float | None, repeat: int, limit_s: float, cpus_per_node: int, fit_ms: float | None) -> None:
    for option, value, least in (("--repeat", repeat, 1), ("--cpus-per-node", cpus_per_node, 1)):
        if value < least:
            raise UsageError(f"{option} {value}: at least {least} is needed.")
    for option, number in (("--scale", scale), ("--limit", limit_s), ("--fit-ms", fit_ms)):
        if number is not None and not number > 0:
            raise UsageError(f"{option} {number:g}: it must be above 0.")


def _check_cluster(address: str | None, counts: Sequence[int], simulated: Sequence[int]) -> None:
    if counts and address is None:
        raise UsageError("--nodes limits a cluster: name it with --address, or say --simulate-nodes.")
    if simulated and address is not None:
        raise UsageError("--simulate-nodes starts nodes of its own: leave --address out.")


def _counts(text: str | None, option: str) -> list[int]:
    """Read numbers of nodes, as in 1,5,10."""
    parts = [part.strip() for part in text.split(",")] if text else []
    if not all(part.isdigit() and int(part) > 0 for part in parts):
        raise UsageError(f"{option} {text}: write whole numbers above 0, as in {option} 1,5,10")
    return [int(part) for part in parts]


def _chosen(
    names: Sequence[str] | None, known: Mapping[str, Any] | Sequence[str], what: str, usable: Sequence[str] = ()
) -> list[str]:
    """Check names that the person chose; none chosen is an empty list."""
    from raysk.spec.words import nearest

    chosen = [name.strip() for name in names or ()]
    for name in chosen:
        if name not in known:
            near = nearest(name, known) or list(known)
            raise UsageError(f"There is no {what} {name!r}. Nearest: {', '.join(near)}.")
        if usable and name not in usable:
            why = (
                "needs pip install 'raysk[bench]'" if name == "dask" else "cannot be simulated: only raysk and ray can"
            )
            raise UsageError(f"The backend {name} {why}.")
    return list(dict.fromkeys(chosen))


class _progress:  # noqa: N801 - used as a context manager, as a function would be
    """A bar on a terminal; a line per measurement elsewhere. A sink."""

    def __init__(self, *, quiet: bool) -> None:
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

        from raysk.cli.render import stderr_console

        self._console: Console = stderr_console()
        self._console.quiet = quiet
        self._bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            console=self._console,
            transient=True,
            disable=not self._console.is_interactive,
        )
        self._task = self._bar.add_task("measuring", total=None)

    def __enter__(self) -> Callable[[Event], None]:
        self._bar.start()
        return self._take

    def __exit__(self, *_: object) -> None:
        self._bar.stop()

    def _take(self, event: Any) -> None:
        self._bar.update(self._task, total=event.of, completed=event.number)
        error = event.result.get("error")
        text = f"failed: {error}" if error else f"{event.result['time_s']:.2f} s"
        self._console.print(
            f"{event.number}/{event.of} {event.workload} {event.backend}: {text}",
            markup=False,
            highlight=False,
            soft_wrap=True,
        )


def _show(out: DataOut, report: Mapping[str, Any], *, as_json: bool) -> None:
    """Write the report to stdout: JSON, or on a terminal a table per workload."""
    from raysk.runs.jsonable import to_json

    if as_json or not out.is_terminal:
        out.write_line(to_json(report))
        return
    from rich.console import Console

    console = Console(file=out.file)
    for table in tables(report):
        console.print(table)


def tables(report: Mapping[str, Any]) -> Iterator[Any]:
    """Yield a Rich table per workload."""
    from rich.table import Table
    from rich.text import Text

    from raysk.bench.report import COLUMNS, cells

    rows = report["results"]
    for workload in dict.fromkeys(row["workload"] for row in rows):
        own = [row for row in rows if row["workload"] == workload]
        units = next((f"{row['units']:,} {row['unit']}s" for row in own if row["units"]), "")
        filled = [cells(row) for row in own]
        columns = [number for number, name in enumerate(COLUMNS) if number == 0 or any(row[number] for row in filled)]
        table = Table(title=f"{workload}: {units}", title_justify="left", box=None, pad_edge=False)
        for number in columns:
            table.add_column(COLUMNS[number], justify="left" if number == 0 else "right", overflow="fold")
        for row in filled:
            table.add_row(*(Text(row[number]) for number in columns))
        yield table
