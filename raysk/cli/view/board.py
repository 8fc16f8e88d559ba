"""What the live view shows of candidates and nodes: the best few, how scores went, and a row a node."""

from __future__ import annotations

from typing import TYPE_CHECKING

from raysk.cli.view import words
from raysk.cli.view.console import LEVELS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from raysk.cli.view.state import State
    from raysk.events import CandidateDone, NodeWork

MOST_BEST, MOST_NODES = 4, 16
"""Lines of the best candidate, and rows of nodes."""

LEAST_COURSE = 8
"""How scores went is shown where there is room for so many characters of it."""

GIB = 2**30


def best(state: State, room: int) -> list[str]:
    """Return the best candidate, on several lines if it has to be."""
    if state.best is None:
        return []
    if (table := _table(state, room)) is not None:
        return table[:1]
    lines = words.wrap(best_words(state, state.best), room, indent="     ")
    if len(lines) <= MOST_BEST:
        return lines
    hidden = sum(line.count("=") for line in lines[MOST_BEST - 1 :])
    return [*lines[: MOST_BEST - 1], f"     and {words.count(hidden, 'more parameter')}"]


def next_best(state: State, room: int) -> list[str]:
    """Return the next best candidates, a line each; as many lines as there have been, so that nothing moves."""
    if state.candidates <= 1 or state.is_nested:
        return []
    table = _table(state, room)
    rows = [" ".join(row) for row in _rows(state)] if table is None else table
    return [*rows[1:], *[""] * (state.top.most - len(rows))]


def best_words(state: State, best: CandidateDone) -> list[str]:
    """Return the best score and what varies in its candidate."""
    return [f"{_best_of(state)} {best.score:.4f}", *words.pairs(best.params, state.names)]


def _best_of(state: State) -> str:
    """Return "best", or of which round, if the one that goes on has none yet."""
    earlier = state.round is not None and state.best_round != state.round.number
    return f"best of round {state.best_round}" if earlier else "best"


def _rows(state: State) -> list[list[str]]:
    """Return the words of the best candidates."""
    width, rows = len(_best_of(state)), []
    for place, each in enumerate(state.top.rows, 1):
        head = f"{place:>{width}} {each.score:.4f}"
        rows.append([head, *words.pairs(each.params, state.names)] if place > 1 else best_words(state, each))
    return rows


def _table(state: State, room: int) -> list[str] | None:
    """Return the best candidates with the same parameters below each other; None if there is no room for that."""
    rows = _rows(state)
    if state.is_nested or len({len(row) for row in rows}) != 1:
        return None
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    if sum(widths) + len(widths) - 1 > room:
        return None
    return [" ".join(map(str.ljust, row, widths)).rstrip() for row in rows]


def course(state: State, room: int) -> list[str]:
    """Return how scores went: the best of each stretch of candidates, in the order in which they were done."""
    scores = state.course.best
    if len(scores) <= 1 or state.is_nested:
        return []
    low, high = min(scores), max(scores)
    head = f"scores {low:.4f} to {high:.4f} "
    width = room - len(head)
    if width < LEAST_COURSE:
        return []
    top = len(LEVELS) - 1
    levels = [
        round(top * (score - low) / (high - low)) if high > low else top // 2 for score in state.course.within(width)
    ]
    return [head + "".join(LEVELS[level] for level in levels)]


def nodes(state: State, now: float) -> list[str]:
    """Return a row for each of several nodes."""
    found = state.nodes(now)
    shown = found if len(found) <= MOST_NODES else found[: MOST_NODES - 1]
    rows = [_node(state, each) for each in shown]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = ["  ".join(map(str.ljust, row, widths)).rstrip() for row in rows]
    return [*lines, *_more(found[len(shown) :])]


def _node(state: State, node: NodeWork) -> list[str]:
    unit, most = ("unit", 0) if state.work is None else (state.work.unit, state.work.total)
    done = f"{state.units_by_node[node.node]:>{len(f'{most:,}')},} {unit}s"
    row = [node.address, f"{node.busy} of {node.up} busy", done]
    if node.memory_bytes is None or node.memory_free_bytes is None:
        return [*row, ""]
    used = (node.memory_bytes - node.memory_free_bytes) / GIB
    return [*row, f"{used:.1f} of {node.memory_bytes / GIB:.1f} GiB"]


def _more(left_out: Sequence[NodeWork]) -> list[str]:
    """Return what nodes without a row do together."""
    if not left_out:
        return []
    busy, up = sum(node.busy for node in left_out), sum(node.up for node in left_out)
    return [f"and {words.count(len(left_out), 'more node')}: {busy} of {up} busy"]
