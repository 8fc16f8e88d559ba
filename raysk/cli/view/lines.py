"""The live view as text: the lines that stand on a terminal while a job runs.

    fits  ━━━━━━━━━━━━━━━━━━━╺━━━━━━━━━  620/1,500  0:15 of 0:30:00  ETA 0:21
    124/300 candidates · 41.3 fits/s · 32 of 32 workers on 2 nodes · 3 failed
    10.0.0.7  16 of 16 busy  310 fits  9.3 of 62.8 GiB
    10.0.0.8  15 of 16 busy  310 fits  7.1 of 62.8 GiB
    scores 0.9217 to 0.9733 ▂▁▅▃▄▆▅▇▆█▇▇
    best 0.9733 learning_rate=0.04 strategy=median
       2 0.9730 learning_rate=0.03 strategy=median
    running long: learning_rate=0.01 strategy=mean, split 2, for 1:07
    refitting  0:03

A line that is there stays where it is, and what changes in it keeps its width. There are never more lines than a
terminal has: it would scroll. The bar, the facts, the best and the phase come first, then what there is room for.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from rich.console import Group
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from raysk.cli.view import board, words
from raysk.cli.view.console import harmless, in_ascii

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rich.console import RenderableType

    from raysk.cli.view.state import State, Work
    from raysk.events import RoundStarted

ECHO = len("^C ")
"""Room that a line leaves for what a terminal writes behind the last one at Ctrl-C; wrapped, it would stay there."""

SHORTEST_BAR = 12
"""A bar shorter than this, in characters, stands on a line of its own."""

UNKNOWN = "-:--"
"""A time that is not known yet."""

MOST_SLOW = 2
"""Slow fits that are shown."""

BETWEEN = " · "

AT_THE_END = {"refitting", "saving", "verifying"}
"""Phases that may still come when the run was told to end."""

WIDEST = ("0:00:00", "0:00 of 0:00:00")
"""Times keep this width, without and with a budget, so that the bar beside them does not move."""


def draw(
    state: State,
    width: int,
    now: float,
    *,
    height: int | None = None,
    is_ascii: bool = False,
    stopping: bool = False,
) -> Group:
    """Return the lines for a state.

    Parameters
    ----------
    state : State
    width : int
        Of the terminal, in characters.
    now : float
        A time of `time.monotonic`.
    height : int or None
        Of the terminal, in lines: there are no more. None means that there is room for all.
    is_ascii : bool
        Whether the terminal's encoding has no other characters.
    stopping : bool
        Whether the run was told to end.
    """
    room = max(width - ECHO, 1)
    bar = [] if state.work is None else _bar(state, state.work, room, now)
    about = _texts(words.wrap(facts(state, now), room, between=BETWEEN))
    best, end = _texts(board.best(state, room)), _phase(state, room, now, stopping=stopping)
    spare = math.inf if height is None else height - sum(map(len, (bar, about, best, end)))
    slow, spare = _some(_slow(state, room, now), spare)
    course, spare = _some(board.course(state, room), spare)
    others, spare = _some(board.next_best(state, room), spare)
    nodes, spare = _some(board.nodes(state, now), spare)
    lines = [*bar, *about, *nodes, *course, *best, *others, *slow]
    if spare < 0:  # what it is at is said last, and always
        del lines[int(spare) :]
    return Group(*(_cut(line, room, is_ascii=is_ascii) for line in [*lines, *end][:height]))


def _cut(line: RenderableType, room: int, *, is_ascii: bool) -> RenderableType:
    """Return a line that is no longer than this, in characters that the terminal has; Rich's bar knows by itself."""
    if isinstance(line, Text):
        line.truncate(room, overflow="ellipsis")
        if is_ascii:
            line.plain = in_ascii(line.plain).encode("ascii", "replace").decode()
    return line


def _some(texts: list[str], spare: float) -> tuple[list[RenderableType], float]:
    """Return as many lines as there is room for, and the room that is left."""
    shown = _texts(texts if len(texts) <= spare else texts[: max(int(spare), 0)])
    return shown, spare - len(shown)


def _texts(texts: Iterable[str]) -> list[RenderableType]:
    return [_text(text) for text in texts]


def _text(text: str, style: str = "") -> Text:
    return Text(harmless(text), style=style, no_wrap=True)


def _bar(state: State, work: Work, room: int, now: float) -> list[RenderableType]:
    """Return a bar with its figures, on one line if there is room; nothing for one unit, or an unknown number."""
    if work.total <= 1:
        return []
    label = f"{work.unit}s"
    done = f"{work.done:>{len(f'{work.total:,}')},}/{work.total:,}"
    figures = [done, *_times(state, work, now)]
    widest = [len(done), *(max(len(text), len(WIDEST[" of " in text])) for text in figures[1:])]
    length = room - len(label) - sum(widest) - 2 * (len(figures) + 1)
    bar = ProgressBar(total=work.total, completed=min(work.done, work.total), width=max(length, 1))
    line = Table.grid(padding=(0, 2, 0, 0))
    if length >= SHORTEST_BAR:
        line.add_row(label, bar, _text("  ".join(figures)))
        return [line]
    bar.width = room
    line.add_row(bar)
    below = words.wrap([f"{done.strip()} {label}", *figures[1:]], room, between=BETWEEN)
    return [line, *map(_text, below)]


def _times(state: State, work: Work, now: float) -> list[str]:
    """Return the time so far, of the budget if there is one, and the time left while there is any."""
    elapsed_s = work.elapsed_s(now)
    if work is state.work and state.until is not None and state.budget_s is not None:
        spent_s = state.budget_s - (state.until - (now if work.until is None else work.until))
        elapsed = f"{words.clock(min(spent_s, state.budget_s))} of {words.clock(state.budget_s, hours=True)}"
    else:
        elapsed = words.clock(elapsed_s)
    if work.until is not None:
        return [elapsed]
    eta_s = state.eta_s(now)
    return [elapsed, f"ETA {UNKNOWN if eta_s is None else words.clock(eta_s)}"]


def facts(state: State, now: float) -> list[str]:
    """Return what is known beside the bar, a few words each."""
    found = []
    if state.round is not None:
        found.append(round_words(state.round))
    if state.candidates:
        done = f"{state.candidates_done:>{len(f'{state.candidates:,}')},}"
        found.append(f"{done}/{state.candidates:,} candidates".lstrip())
    if (work := state.work) is not None and work.done:
        if not work.total:
            found.append(words.count(work.done, work.unit))
        if work.total != 1:
            found.append(words.pace(work.done, work.worked_s(now), work.busy_s, work.unit))
    if (workers := state.workers) is not None:
        where = words.count(workers.wanted, "worker")
        where += f" on {words.count(workers.nodes, 'node')}" if workers.nodes else ""
        found.append(f"{workers.up} of {where}")
    counts = {"shared": state.shared, "pruned": state.pruned, "failed": state.failed}
    found += [f"{count:,} {what}" for what, count in counts.items() if count]
    if state.workers_lost:
        found.append(f"{words.count(state.workers_lost, 'worker')} lost")
    return found


def round_words(each: RoundStarted) -> str:
    """Return "round 2 of 3, 30 rows"."""
    is_rows = each.resource == "n_samples"
    amount = words.count(each.amount, "row") if is_rows else f"{each.resource}={each.amount:,}"
    return f"round {each.number} of {each.of}, {amount}"


def _slow(state: State, room: int, now: float) -> list[str]:
    """Return the fits that have run longest, if any takes much longer than most."""
    lines: list[str] = []
    for fit in state.outlook(now).slow[:MOST_SLOW]:
        what = words.pairs(fit.params, state.names)
        running = f"running {words.clock(now - fit.since)}:"
        lines += words.wrap([running, *what, f"split {fit.split}"], room, indent="     ")
    return lines


def _phase(state: State, room: int, now: float, *, stopping: bool) -> list[RenderableType]:
    """Return what the run is at, where that is not doing what the bar shows; a refit has a bar of its own."""
    if stopping and state.phase not in AT_THE_END:
        return [_text("stopping", "bold")]
    lines: list[RenderableType] = []
    if state.phase and not (state.is_working and state.work is not None and state.work.total > 1):
        text = f"{state.phase}  {words.clock(now - state.phase_since)}"
        lines += [_text(line) for line in words.wrap(text.split(" "), room, indent="  ")]
    if state.phase == "refitting" and state.refit is not None:
        lines += _bar(state, state.refit, room, now)
    return lines
