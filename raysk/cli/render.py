"""The two Rich consoles, the progress view, tables, JSON."""

from __future__ import annotations

import math
import os
import sys
import threading
import time
import warnings
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from rich.console import Console, Group
from rich.live import Live
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.table import Table
from rich.text import Text

from raysk._compat import tells_of_failures
from raysk.errors import what_was_raised
from raysk.runs.jsonable import to_json

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from rich.console import RenderableType

    from raysk import events
    from raysk.cli.streams import DataOut

PLAIN_EVERY_S = 10.0
"""How often progress is said in a file or pipe, in seconds: a log of an hour stays at 360 lines."""


MOST_LOST = 5
"""So many fits that were given up are named on stderr."""


_SPELLED = {code: repr(chr(code))[1:-1] for code in (*range(32), *range(127, 160)) if chr(code) not in "\n\t"}


def harmless(text: str) -> str:
    """Spell out control characters, which could steer the terminal, and what no encoding has: names may hold both."""
    return text.translate(_SPELLED).encode("utf-8", "backslashreplace").decode("utf-8")


class _Stderr(Console):
    """A console that does not touch stdout when stderr's reader is gone: the job goes on."""

    def say(self, text: str, *, wrap: bool = False) -> None:
        """Print text as it is, control characters spelled out; the terminal breaks its lines, or we do at words."""
        self.print(harmless(text), markup=False, highlight=False, soft_wrap=not wrap)

    def on_broken_pipe(self) -> None:
        self.quiet = True


def stderr_console() -> _Stderr:
    """Return the console for conversation; colours may be forced into a file, animation may not."""
    return _Stderr(stderr=True, force_interactive=None if sys.stderr.isatty() else False)


def stdout_console(out: DataOut) -> Console:
    """Return the console for tables on stdout, as wide as that terminal is: stderr may be elsewhere."""
    console = Console(file=out.file)
    if out.is_terminal and not os.environ.get("COLUMNS"):
        console.width = os.get_terminal_size(out.file.fileno()).columns or console.width
    return console


class View:
    """What is said on stderr while a job runs: a live view on a terminal, plain lines elsewhere. A sink.

    Parameters
    ----------
    quiet : bool
        Say nothing but errors.
    verbose : bool
        Warnings are shown whole, with their place.
    still : bool
        No live view: data is printed on the same terminal meanwhile.
    connects : bool
        Whether the job runs on workers.
    """

    def __init__(
        self, *, quiet: bool = False, verbose: bool = False, still: bool = False, connects: bool = True
    ) -> None:
        self._console = stderr_console()
        self.quiet = self._console.quiet = quiet
        self._verbose = verbose
        self._animate = self._console.is_interactive and not quiet and not still
        self._lock = threading.RLock()
        self._waits_for = "connecting" if connects else ""
        self._unit, self._total, self._done, self.failed, self._lost = "fit", 0, 0, 0, 0
        self.saved = self.resumed = 0
        self.stopped: str | None = None
        self.kept: tuple[int, ...] = ()
        self.lost: list[events.FitLost] = []
        self._told_of_failures = False
        self._warned: set[tuple[type[Warning], str]] = set()
        self._workers: events.WorkersChanged | None = None
        self._best: events.CandidateDone | None = None
        self._stage = ""
        self._start = self._said = time.monotonic()
        self._first_done: float | None = None
        self._progress = _progress(self._console)
        self._task = self._progress.add_task("", total=None)
        self._live: Live | None = None

    @contextmanager
    def running(self) -> Iterator[View]:
        """Show progress while a job runs; warnings go through the view."""
        show = warnings.showwarning
        warnings.showwarning = self._show_warning  # type: ignore[assignment]
        try:
            if not self._animate:
                yield self
                return
            with Live(get_renderable=self._render, console=self._console, transient=True, refresh_per_second=5) as live:
                self._live = live
                yield self
        finally:
            self._live = None
            warnings.showwarning = show

    def __call__(self, event: events.Event, /) -> None:
        """Take one event; see `raysk.events`."""
        with self._lock:
            handler = getattr(self, f"_on_{type(event).__name__}", None)
            if handler is not None:
                handler(event)

    def say(self, text: str) -> None:
        """Say one line."""
        self._console.say(text, wrap=self._console.is_interactive)

    def say_what_was_lost(self) -> None:
        """Name the fits that were given up; a few of them, if there are many."""
        for each in self.lost[:MOST_LOST]:
            self.say(
                f"Given up: candidate {each.candidate}, split {each.split} ({_params(each.params)}): {each.reason}"
            )
        if len(self.lost) > MOST_LOST:
            self.say(f"and {_count(len(self.lost) - MOST_LOST, 'more fit')}; the summary names all")

    def _on_ClusterReady(self, event: events.ClusterReady) -> None:  # noqa: N802 - named by the event
        where = "Ray started on this machine" if event.address is None else f"Ray cluster {event.address}"
        self.say(f"{where}: {_count(event.nodes, 'node')}, {_count(event.cpus, 'CPU')}")

    def _on_WorkersChanged(self, event: events.WorkersChanged) -> None:  # noqa: N802
        self._workers = event

    def _on_WorkerLost(self, event: events.WorkerLost) -> None:  # noqa: N802
        self._lost += 1
        again = f"; {_count(event.units, self._unit)} of it run again" if event.units else ""
        self.say(f"A worker was lost ({event.reason}){again}")

    def _on_WorkPlanned(self, event: events.WorkPlanned) -> None:  # noqa: N802
        if event.unit != self._unit:
            self._unit, self._total, self._done, self._first_done = event.unit, 0, 0, None
        if not self._total:
            self._start = self._said = time.monotonic()
        self._total += event.units
        if event.candidates:
            self._best = None  # a round of halving is judged by itself
            self.saved += event.saved
            self.resumed += event.resumed
            self.failed += event.failed
            alike = f", {event.saved:,} of them alike: fitted once" if event.saved else ""
            known = f", {event.resumed:,} in the journal" if event.resumed else ""
            fits = _count(event.units + event.saved + event.resumed, event.unit)
            self.say(f"{event.candidates:,} candidates x {event.splits} splits = {fits}{alike}{known}")

    def _on_WorkDone(self, event: events.WorkDone) -> None:  # noqa: N802
        self._done += event.units
        self.failed += event.failed
        self._first_done = self._first_done or time.monotonic()
        self._say_progress()

    def _on_CandidateDone(self, event: events.CandidateDone) -> None:  # noqa: N802
        if event.score is None or math.isnan(event.score):
            return
        if self._best is None or self._best.score is None or event.score > self._best.score:
            self._best = event

    def _on_FitFailed(self, event: events.FitFailed) -> None:  # noqa: N802
        self.say(f"Failed: candidate {event.candidate}, split {event.split} ({_params(event.params)}): {event.reason}")
        self._told_of_failures = True

    def _on_FitLost(self, event: events.FitLost) -> None:  # noqa: N802
        self.lost.append(event)

    def _on_Stopped(self, event: events.Stopped) -> None:  # noqa: N802
        self.stopped, self.kept = event.reason, event.kept
        done, total = self._done + self.resumed, self._total + self.resumed
        whole = _count(len(event.kept), "candidate")
        self.say(
            f"The search ends early ({event.reason}): {done:,} of {total:,} fits are done, {whole} with all splits"
        )

    def _on_RefitStarted(self, event: events.RefitStarted) -> None:  # noqa: N802
        self._stage = "fitting the best candidate on all data"
        self.say(f"Fitting the best candidate on all data: {_params(event.params)}")

    def _on_Remark(self, event: events.Remark) -> None:  # noqa: N802
        if not self._stage:  # of the job, not of the refit at its end
            self.say(event.text)

    def _say_progress(self) -> None:
        """Say progress as a plain line, now and then, where there is no live view."""
        now = time.monotonic()
        if not self._animate and now - self._said >= PLAIN_EVERY_S:
            self._said = now
            of_all = f"/{self._total:,}" if self._total else ""
            self.say(" · ".join([f"{self._done:,}{of_all} {self._unit}s", *self._facts()]))

    def _facts(self) -> list[str]:
        facts = [f"{self._rate():,.1f} {self._unit}s/s"] if self._done else []
        if self._best is not None:
            facts.append(f"best {self._best.score:.4f} {_params(self._best.params)}")
        return facts

    def _rate(self) -> float:
        return self._done / max(time.monotonic() - self._start, 1e-9)

    def _render(self) -> RenderableType:
        with self._lock:
            self._progress.update(
                self._task, description=f"{self._unit}s", total=self._total or None, completed=self._done
            )
            lines: list[RenderableType] = [self._progress]
            lines.extend(_one_line(text, self._console.width) for text in self._state())
            return Group(*lines)

    def _state(self) -> Sequence[str]:
        """Return the lines below the bar."""
        rate = f"{self._rate():,.1f} {self._unit}s/s · " if self._done else ""
        workers = self._workers
        crew = (
            f"{workers.up} of {_count(workers.wanted, 'worker')} on {_count(workers.nodes, 'node')}" if workers else ""
        )
        trouble = f" · {self.failed:,} failed" * bool(self.failed) + f" · {self._lost} workers lost" * bool(self._lost)
        lines = [f"{rate}{crew or self._waits_for}{trouble}".removesuffix(" · ")]
        if self._best is not None:
            lines.append(f"best {self._best.score:.4f}  {_params(self._best.params)}")
        if self._stage:
            lines.append(self._stage)
        return lines

    def _show_warning(
        self, message: Any, category: type[Warning], filename: str, line: int, *_: Any, **__: Any
    ) -> None:
        if self._told_of_failures and tells_of_failures(category, str(message)) and not self._verbose:
            return
        text = str(message).strip()
        text = f"{text} ({filename}:{line})" if self._verbose else _in_short(text)
        with self._lock:
            if (category, text) not in self._warned:
                self._warned.add((category, text))
                self.say(f"{category.__name__}: {text}")


def _in_short(text: str) -> str:
    """Return a warning's first two lines; where it holds a traceback, its first line and what was raised."""
    lines = [line for line in text.splitlines() if line.strip()]
    if any(line.startswith("Traceback") for line in lines):
        return f"{lines[0]} {what_was_raised(text)}"
    return " ".join(lines[:2])


def _progress(console: Console) -> Progress:
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(bar_width=None),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("ETA"),
        TimeRemainingColumn(),
        console=console,
        expand=True,
    )


def _one_line(text: str, width: int) -> Text:
    """Return a line with room for the ^C that a terminal writes behind the last one; wrapped, it would stay there."""
    line = Text(harmless(text), no_wrap=True)
    line.truncate(max(width - len("^C "), 1), overflow="ellipsis")
    return line


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}" + "s" * (number != 1)


def _params(params: Mapping[str, Any]) -> str:
    """Write parameters as a person would, short."""
    return " ".join(f"{name}={_short(value)}" for name, value in params.items()) or "(no parameters)"


def _short(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.6g}"
    text = " ".join(str(value).split())
    return text if len(text) <= 40 else text[:37] + "..."  # noqa: PLR2004 - about half a line


def show_summary(
    out: DataOut | None, summary: Mapping[str, Any], *, as_json: bool, rows: Sequence[Sequence[str]] = ()
) -> None:
    """Write a job's summary to stdout: one JSON object, or a table on a terminal.

    Parameters
    ----------
    out : DataOut or None
        None shows nothing.
    summary : mapping
    as_json : bool
        JSON also on a terminal.
    rows : sequence of (name, value, ...)
        What the table shows.
    """
    if out is None:
        return
    if as_json or not out.is_terminal:
        out.write_line(to_json(summary))
        return
    table = Table(show_header=False, box=None, pad_edge=False)
    console = stdout_console(out)
    table.add_column(style="bold", overflow="fold", max_width=max(console.width * 2 // 5, 10))
    for _ in next(iter(rows), ())[1:]:
        table.add_column(overflow="fold")
    for row in rows:
        table.add_row(*(Text(harmless(cell)) for cell in row))
    console.print(table)
