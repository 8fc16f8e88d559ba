"""Candidates whose first steps are equal meet on a worker, which fits these steps once on each split.

    group     candidates with equal first steps, one split     a worker goes on with its group, then takes a fresh one
    no fresh group left                                        it takes half of what is left of the largest

Groups of the same candidates on all splits stand together, so that candidates are finished one after the other. Within
a group those are neighbours that have more steps in common.
"""

from __future__ import annotations

from collections import deque
from itertools import pairwise
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from sklearn.compose import ColumnTransformer
from sklearn.pipeline import FeatureUnion, Pipeline

from raysk.plans.candidates import together
from raysk.plans.certainty import is_certain_once_seeded
from raysk.plans.parts import parts
from raysk.plans.schedule import InOrder, fits_of

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable, Sequence

    from raysk.plans.candidates import Candidates
    from raysk.plans.schedule import Unit

    Numbers = np.ndarray[Any, Any]

MOST_UNITS = 50_000
"""Of more units none is put in another order: what neighbours have in common is shared all the same."""

PIECES = 20
"""A group is cut into so many pieces at least, if it has all candidates: only what is whole counts after Ctrl-C."""

BRANCHED = (ColumnTransformer, FeatureUnion)


class Levels(NamedTuple):
    """All candidates in an order in which those with steps in common are neighbours, and the group of each."""

    order: Numbers
    group: Numbers


def levels(estimator: Any, candidates: Candidates) -> Levels | None:
    """Return which candidates have steps in common; None where no two have any that may be fitted once."""
    if type(estimator) is not Pipeline or len(candidates) <= 1 or _remembers(estimator, candidates):
        return None
    names = [name for name, _ in estimator.steps]
    columns: list[list[str]] = [[] for _ in names]
    for name in candidates.columns:
        step = name.partition("__")[0]
        if step not in names:  # all steps are replaced
            return None
        columns[names.index(step)].append(name)
    group = _group(candidates, columns)
    if group is None and not _has_branches_in_common(estimator.steps[0][1], names[0], candidates, columns[0]):
        return None
    first, step = names[0], estimator.steps[0][1]
    if first not in candidates.columns and not isinstance(step, BRANCHED) and not is_certain_once_seeded(step):
        return None
    codes = [candidates.columns[name].codes for each in columns for name in each]
    order = np.lexsort(codes[::-1]) if codes else np.arange(len(candidates))
    return Levels(order, np.zeros(len(candidates), np.int64) if group is None else group)


def _remembers(estimator: Any, candidates: Candidates) -> bool:
    """Tell whether a pipeline has a memory of its own, or may get one."""
    own = any(each.memory is not None for each in parts(estimator) if isinstance(each, Pipeline))
    return own or any(name.rpartition("__")[2] == "memory" for name in candidates.columns)


def _group(candidates: Candidates, columns: Sequence[Sequence[str]]) -> Numbers | None:
    """Return the group of each candidate: those with equal first steps; None where no two have the first in common."""
    found = None
    group, groups = np.zeros(len(candidates), np.int64), 1
    for names in columns[:-1]:
        group, groups = _divide(candidates, names, group, groups)
        distinct = len(np.unique(group))
        if distinct == len(candidates):
            break
        found = group
        if distinct > 1:
            break
    return found


def _divide(candidates: Candidates, names: Iterable[str], group: Numbers, groups: int) -> tuple[Numbers, int]:
    for name in names:
        column = candidates.columns[name]
        group, groups = together(group, groups, column.codes, len(column.values))
    return group, groups


def _has_branches_in_common(step: Any, name: str, candidates: Candidates, columns: Sequence[str]) -> bool:
    """Tell whether two candidates have a branch of the first step in common."""
    if not isinstance(step, BRANCHED) or any(each.count("__") == 0 for each in columns):
        return False
    every = step.transformers if isinstance(step, ColumnTransformer) else step.transformer_list
    for branch in (each[0] for each in every):
        prefix = f"{name}__{branch}"
        own = [each for each in columns if each == prefix or each.startswith(f"{prefix}__")]
        group, _ = _divide(candidates, own, np.zeros(len(candidates), np.int64), 1)
        if len(np.unique(group)) < len(candidates):
            return True
    return False


class ByPrefix(InOrder):
    """Units in groups with equal first steps.

    Parameters
    ----------
    units : sequence of Unit
    levels : Levels
    n_splits : int
    """

    def __init__(self, units: Sequence[Unit], levels: Levels, *, n_splits: int) -> None:
        super().__init__(())
        self.left = len(units)
        self._n_splits = n_splits
        self._home: dict[int, deque[Unit]] = {}
        self._fresh: deque[deque[Unit]] = deque()
        self._begun: list[deque[Unit]] = []
        self._of_worker: dict[Hashable, deque[Unit]] = {}
        unit_of: dict[int, Unit] = {fits_of(unit)[0]: unit for unit in units}
        for piece in _pieces(levels):
            for split in range(n_splits):
                fits = [candidate * n_splits + split for candidate in piece]
                group = deque(unit_of[fit] for fit in fits if fit in unit_of)
                self._home |= dict.fromkeys(fits, group)
                if group:
                    self._fresh.append(group)

    def take(self, count: int, worker: Hashable) -> Sequence[Unit]:
        """Take units of the worker's group, then of fresh ones, or of the largest that somebody else is at."""
        taken: list[Unit] = []
        while len(taken) < count:
            group = self._of_worker.get(worker) if worker is not None else None
            if not group and not taken:
                group = self._next()
            elif not group:
                group = self._fresh.popleft() if self._fresh else None
            if not group:
                break
            taken += [group.popleft() for _ in range(min(count - len(taken), len(group)))]
            self._go_on(worker, group)
        self.left -= len(taken)
        return taken

    def put_back(self, units: Sequence[Unit]) -> None:
        """Put units in front of their group."""
        for unit in reversed(units):
            group = self._home[fits_of(unit)[0]]
            if not group and not any(group is each for each in self._fresh):
                self._fresh.appendleft(group)
            group.appendleft(unit)
        self.left += len(units)

    def _next(self) -> deque[Unit] | None:
        """Return a group that nobody is at, or half of the largest."""
        while self._fresh:
            group = self._fresh.popleft()
            if group:
                return group
        largest = max(self._begun, key=len, default=None)
        if not largest:
            return None
        half = deque(largest.pop() for _ in range((len(largest) + 1) // 2))
        half.reverse()
        return half

    def _go_on(self, worker: Hashable, group: deque[Unit]) -> None:
        """Let a worker go on with a group; what a worker without a name leaves is fresh."""
        self._begun = [each for each in self._begun if each and each is not group]
        if worker is None:
            if group:
                self._fresh.append(group)
            return
        self._of_worker[worker] = group
        if group:
            self._begun.append(group)


def _pieces(levels: Levels) -> list[list[int]]:
    """Return the candidates of each group, in order; large groups in pieces."""
    most = max(1, len(levels.order) // PIECES, 8)
    group = levels.group[levels.order]
    begins = [0, *(np.flatnonzero(np.diff(group)) + 1).tolist(), len(group)]
    pieces = []
    for begin, end in pairwise(begins):
        pieces += [levels.order[at : min(at + most, end)].tolist() for at in range(begin, end, most)]
    return pieces
