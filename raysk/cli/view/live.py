"""The view of a run on stderr: live on a terminal, plain lines elsewhere.

events -> View -> State -> lines.draw     a few times a second, on a terminal
               -> plain lines             what is worth a line of a log, and progress now and then
"""

from __future__ import annotations

import math
import threading
import time
import warnings
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from rich.control import Control
from rich.live import Live
from rich.segment import ControlType
from rich.text import Text

from raysk._compat import sklearn as sklearn_private
from raysk.cli import signals
from raysk.cli.view import board, lines, words
from raysk.cli.view.console import stderr_console
from raysk.cli.view.state import State

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.console import RenderableType

    from raysk import events

PLAIN_EVERY_S = 10.0
"""How often progress is said in a file or pipe, in seconds: a log of an hour stays at 360 lines."""

REDRAWS_PER_S = 8
"""Of the live view: quick enough for a clock that ticks, slow enough for a terminal far away."""


class View:
    """What is said on stderr while a job runs. A sink.

    Parameters
    ----------
    quiet : bool
        Say nothing but errors.
    verbose : bool
        Warnings are shown whole, with their place.
    still : bool
        No live view: data is printed on the same terminal meanwhile.
    until : float or None
        When a time budget ends, as a time of `time.monotonic`; None means that there is none.
    budget_s : float or None
        How long it is, in seconds; None means that it has just begun.
    """

    def __init__(
        self,
        *,
        quiet: bool = False,
        verbose: bool = False,
        still: bool = False,
        until: float | None = None,
        budget_s: float | None = None,
    ) -> None:
        self._console = stderr_console()
        self._console.quiet = quiet
        self._verbose = verbose
        self._animate = self._console.is_interactive and not quiet and not still
        self._lock = threading.RLock()
        self._said = now = time.monotonic()
        if until is not None and budget_s is None:
            budget_s = float(math.ceil(until - now))
        self._state = State(until=until, budget_s=budget_s)
        self._told_of_failures = False
        self._drawn: tuple[int, list[int]] = (0, [])  # the width of the terminal, and the lengths of lines
        self._warned: set[tuple[type[Warning], str]] = set()

    @contextmanager
    def running(self) -> Iterator[View]:
        """Show progress while a job runs; warnings go through the view."""
        show = warnings.showwarning
        warnings.showwarning = self._show_warning  # type: ignore[assignment]
        try:
            if not self._animate:
                yield self
                return
            options: dict[str, Any] = {"console": self._console, "transient": True}
            with Live(get_renderable=self._render, refresh_per_second=REDRAWS_PER_S, **options):
                yield self
        finally:
            warnings.showwarning = show

    def __call__(self, event: events.Event, /) -> None:
        """Take one event; see `raysk.events`."""
        self.take(event, time.monotonic())

    def take(self, event: events.Event, at: float) -> None:
        """Take an event that was at a time of `time.monotonic`."""
        with self._lock:
            self._state.take(event, at)
            handler = getattr(self, f"_on_{type(event).__name__}", None)
            if handler is not None:
                handler(event)

    def say(self, text: str) -> None:
        """Say one line."""
        self._console.say(text, wrap=self._console.is_interactive)

    def _on_ClusterReady(self, event: events.ClusterReady) -> None:  # noqa: N802 - named by the event
        where = "Ray started on this machine" if event.address is None else f"Ray cluster {event.address}"
        self.say(f"{where}: {words.count(event.nodes, 'node')}, {words.count(event.cpus, 'CPU')}")

    def _on_WorkerLost(self, event: events.WorkerLost) -> None:  # noqa: N802
        unit = self._state.current.unit if self._state.current else "task"
        again = f"; {words.count(event.units, unit)} of it run again" if event.units else ""
        self.say(f"A worker was lost ({event.reason}){again}")

    def _on_WorkPlanned(self, event: events.WorkPlanned) -> None:  # noqa: N802
        self._said = time.monotonic()
        if event.candidates:
            alike = f", {event.saved:,} of them alike: fitted once" if event.saved else ""
            known = f", {event.resumed:,} in the journal" if event.resumed else ""
            fits = words.count(event.units + event.saved + event.resumed, event.unit)
            round_ = f"{lines.round_words(self._state.round)}: " if self._state.round else ""
            round_ = f"outer fold {event.fold[0]} of {event.fold[1]}: {round_}" if event.fold else round_
            each = f"{words.count(event.candidates, 'candidate')} x {words.count(event.splits, 'split')}"
            self.say(f"{round_}{each} = {fits}{alike}{known}")

    def _on_WorkDone(self, _: events.WorkDone) -> None:  # noqa: N802
        now, work = time.monotonic(), self._state.current
        if not self._animate and work is not None and now - self._said >= PLAIN_EVERY_S:
            self._said = now
            of_all = f"/{work.total:,}" if work.total else ""
            best = [" ".join(board.best_words(self._state, self._state.best))] if self._state.best else []
            pace = words.pace(work.done, work.worked_s(now), work.busy_s, work.unit)
            self.say(" · ".join([f"{work.done:,}{of_all} {work.unit}s", pace, *best]))

    def _on_FitFailed(self, event: events.FitFailed) -> None:  # noqa: N802
        params = " ".join(words.pairs(event.params)) or "no parameters"
        self.say(f"Failed: candidate {event.candidate}, split {event.split} ({params}): {event.reason}")
        self._told_of_failures = True

    def _on_Stopped(self, event: events.Stopped) -> None:  # noqa: N802
        state, work = self._state, self._state.work
        done, total = (work.done, work.total) if work else (0, 0)
        whole = words.count(len(event.kept), "candidate")
        self.say(
            f"The search ends early ({event.reason}): {done + state.resumed:,} of {total + state.resumed:,} fits are "
            f"done, {whole} finished"
        )

    def _on_RefitStarted(self, event: events.RefitStarted) -> None:  # noqa: N802
        self.say(f"Fitting the best candidate on all data: {' '.join(words.pairs(event.params)) or '(no parameters)'}")

    def _on_FitsVerified(self, event: events.FitsVerified) -> None:  # noqa: N802
        self.say(f"verified: {words.count(event.fits, 'fit')} equal scikit-learn's")

    def _on_Remark(self, event: events.Remark) -> None:  # noqa: N802
        if self._state.phase != "refitting":  # of the job, not of the refit at its end
            self.say(event.text)

    def _render(self) -> RenderableType:
        with self._lock:
            width, height = self._console.size
            where: dict[str, Any] = {"height": max(height - 1, 1), "is_ascii": self._console.options.ascii_only}
            drawn = lines.draw(self._state, width, time.monotonic(), stopping=signals.is_told_to_end(), **where)
            self._erase_broken(width)
            self._drawn = width, [each.cell_len if isinstance(each, Text) else width for each in drawn.renderables]
            return drawn

    def _erase_broken(self, width: int) -> None:
        """Erase the rows that the lines which stand there take more, as a terminal that became narrower broke them."""
        before, lengths = self._drawn
        if width < before:
            rows = sum(max(length - 1, 0) // width for length in lengths)
            row = (ControlType.CARRIAGE_RETURN, (ControlType.ERASE_IN_LINE, 2), (ControlType.CURSOR_UP, 1))
            self._console.control(Control(*row * rows))

    def _show_warning(
        self, message: Any, category: type[Warning], filename: str, line: int, *_: Any, **__: Any
    ) -> None:
        if self._told_of_failures and sklearn_private.tells_of_failures(category, str(message)) and not self._verbose:
            return
        text = str(message).strip()
        text = f"{text} ({filename}:{line})" if self._verbose else words.in_short(text)
        with self._lock:
            if (category, text) not in self._warned:
                self._warned.add((category, text))
                self.say(f"{category.__name__}: {text}")
