"""The work of each worker as intervals: what it did when, from the fits of a journal.

The driver notes when it heard of a fit, and a worker may report several at a time. A worker does one fit after another:
so the intervals of a worker are laid from its last fit backwards, each ending before the next begins.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from typing import Any

    from raysk.history.fits import Fit

    Floats = np.ndarray[Any, np.dtype[np.float64]]

MOST_LANES = 64
MOST_BARS = 2500
"""Bars closer than a pixel are not told apart; 6,000 take 0.5 s to draw."""

FEWEST_PAUSE_S = 60.0
PAUSE_FITS = 3.0
"""A time without any work is left out if it is longer than a minute, and than so many of the longest fit."""


@dataclass(frozen=True)
class Lane:
    """What one worker did.

    Parameters
    ----------
    worker : str
    start, end : ndarray of shape (n_bars,)
        In seconds since the work began.
    fits : ndarray of int of shape (n_bars,)
        How many fits a bar stands for.
    failed : ndarray of bool of shape (n_bars,)
    """

    worker: str
    start: Floats
    end: Floats
    fits: np.ndarray[Any, Any]
    failed: np.ndarray[Any, Any]


@dataclass(frozen=True)
class Timeline:
    """The work of all workers.

    Parameters
    ----------
    lanes : sequence of Lane
    workers : int
        How many there were; more than there are lanes if there are too many to be drawn.
    span_s : float
        How long they worked in all.
    busy : float
        The part of their time in which they worked.
    merged_s : float
        Fits of a lane that are closer than this, in seconds, are one bar; 0 if every fit has its own.
    pauses_s : float
        How much time without work is left out.
    """

    lanes: Sequence[Lane]
    workers: int
    span_s: float
    busy: float
    merged_s: float
    pauses_s: float


def timeline_of(fits: Iterable[Fit]) -> Timeline | None:
    """Return the work of all workers; None if the journal does not say who did what when."""
    by_worker: dict[str, list[Fit]] = defaultdict(list)
    for fit in fits:
        if fit.worker is not None and fit.ended is not None:
            by_worker[fit.worker].append(fit)
    if not by_worker:
        return None
    lanes = [_lane(worker, by_worker[worker]) for worker in sorted(by_worker, key=_place)]
    lanes, pauses_s = _without_pauses(lanes)
    span_s = max(lane.end.max() for lane in lanes)
    busy = sum((lane.end - lane.start).sum() for lane in lanes) / (span_s * len(lanes)) if span_s else 0.0
    drawn = lanes if len(lanes) <= MOST_LANES else [lanes[at] for at in _spread(len(lanes), MOST_LANES)]
    merged_s, gap_s = 0.0, span_s / 4000
    while sum(len(lane.start) for lane in drawn) > MOST_BARS:
        drawn, merged_s, gap_s = [_merged(lane, gap_s) for lane in drawn], gap_s, gap_s * 2
    return Timeline(drawn, len(lanes), float(span_s), float(busy), merged_s, pauses_s)


def _place(worker: str) -> tuple[str, int, str]:
    """Return what workers are sorted by: their node, and their number there."""
    node, _, number = worker.rpartition(":")
    return node, int(number) if number.isdigit() else 0, worker


def _spread(count: int, chosen: int) -> Any:
    return np.linspace(0, count - 1, chosen).astype(int)


def _lane(worker: str, fits: list[Fit]) -> Lane:
    fits = sorted(fits, key=lambda fit: fit.ended or 0.0)
    start, end, latest = np.empty(len(fits)), np.empty(len(fits)), np.inf
    for at in range(len(fits) - 1, -1, -1):
        end[at] = min(fits[at].ended or 0.0, latest)
        latest = start[at] = end[at] - fits[at].fit_time - fits[at].score_time
    failed = np.array([fit.error is not None for fit in fits])
    return Lane(worker, start, end, np.ones(len(fits), int), failed)


def _without_pauses(lanes: list[Lane]) -> tuple[list[Lane], float]:
    """Let time begin at 0, and leave out times in which no worker worked, as before a run was resumed."""
    start, end = (np.concatenate([getattr(lane, name) for lane in lanes]) for name in ("start", "end"))
    order = np.argsort(start)
    start, end = start[order], end[order]
    reached = np.maximum.accumulate(end)
    gaps = np.concatenate([[0.0], start[1:] - reached[:-1]])
    gaps[gaps <= max(FEWEST_PAUSE_S, PAUSE_FITS * float((end - start).max()))] = 0.0
    left_out = np.cumsum(gaps)

    def moved(lane: Lane) -> Lane:
        shift = start[0] + left_out[np.searchsorted(start, lane.start, side="right") - 1]
        return Lane(lane.worker, lane.start - shift, lane.end - shift, lane.fits, lane.failed)

    return [moved(lane) for lane in lanes], float(left_out[-1])


def _merged(lane: Lane, gap_s: float) -> Lane:
    """Make one bar of fits that follow each other within a moment; it counts as failed if most of them are."""
    first = np.concatenate([[0], np.flatnonzero(lane.start[1:] - lane.end[:-1] > gap_s) + 1])
    last = np.concatenate([first[1:] - 1, [len(lane.start) - 1]])
    fits = np.add.reduceat(lane.fits, first)
    failed = np.add.reduceat(lane.fits * lane.failed, first) * 2 > fits
    return Lane(lane.worker, lane.start[first], lane.end[last], fits, failed)
