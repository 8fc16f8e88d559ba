"""The scores of candidates as they come: the best few, and how they went, in bounded memory and at no cost a fit."""

from __future__ import annotations

import bisect
import itertools
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from raysk.events import CandidateDone

MOST_TOP = 5
"""So many of the best candidates are known."""

MOST_STRETCHES = 128
"""So many stretches of candidates are told apart: a line of a terminal has hardly more characters."""


@dataclass
class Top:
    """The best candidates, the best first; of equal scores the first candidate, as scikit-learn chooses.

    `most` is how many there were at most: that many lines are theirs.
    """

    rows: list[CandidateDone] = field(default_factory=list)
    most: int = 0

    def add(self, done: CandidateDone) -> None:
        """Take a candidate that has a score."""
        if len(self.rows) == MOST_TOP and _place(done) >= _place(self.rows[-1]):
            return
        bisect.insort(self.rows, done, key=_place)
        del self.rows[MOST_TOP:]
        self.most = max(self.most, len(self.rows))


def _place(done: CandidateDone) -> tuple[float, int]:
    assert done.score is not None  # noqa: S101 - others have no place
    return -done.score, done.index


@dataclass
class Course:
    """The best score of each stretch of candidates, in the order in which they were done.

    A stretch is one candidate at first. Whenever there are too many, two become one.
    """

    best: list[float] = field(default_factory=list)
    length: int = 1
    _in_last: int = 0

    def add(self, score: float) -> None:
        """Take the score of the next candidate."""
        if self.best and self._in_last < self.length:
            self.best[-1] = max(self.best[-1], score)
            self._in_last += 1
            return
        if len(self.best) == MOST_STRETCHES:
            self.best = _halved(self.best)
            self.length *= 2
        self.best.append(score)
        self._in_last = 1

    def within(self, width: int) -> list[float]:
        """Return the best scores of at most so many stretches, all about as long."""
        count = len(self.best)
        if count <= width:
            return self.best
        ends = [number * count // width for number in range(width + 1)]
        return [max(self.best[begin:end]) for begin, end in itertools.pairwise(ends)]


def _halved(scores: list[float]) -> list[float]:
    return [max(scores[at : at + 2]) for at in range(0, len(scores), 2)]
