"""What takes longest is begun first, so that no worker is at a long fit when the others have nothing left.

In the order of the candidates until some fits are done; then what is left is put in order by what it will cost, which
is learned from those (`raysk.plans.outlook`), each time that twice as many are done. Light fits stay in their order:
with them all workers finish together anyway.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from raysk.plans.outlook import candidate_key, expected_costs
from raysk.plans.schedule import InOrder, fits_of

if TYPE_CHECKING:
    from collections.abc import Hashable, Mapping, Sequence

    from raysk.plans.schedule import Unit

MOST_UNITS = 20_000
"""More units stay in their order: one is short then beside all of them."""

FIRST = 8
"""So many fits are done before what is left is put in order."""

LIGHT_S = 0.05
"""Fits that take less, in seconds and on average, stay in their order."""


class LongestFirst(InOrder):
    """Units in the order of the candidates at first, later the longest first.

    Parameters
    ----------
    units : sequence of Unit
    candidates : sequence of dict
    names : sequence of str
        The parameters that vary.
    n_splits : int
    """

    def __init__(
        self, units: Sequence[Unit], candidates: Sequence[Mapping[str, Any]], names: Sequence[str], *, n_splits: int
    ) -> None:
        super().__init__(units)
        self._candidates, self._names, self._n_splits = candidates, tuple(names), n_splits
        self._costs: list[tuple[int, float]] = []
        self._sort_at = FIRST

    def hear(self, candidate: int, split: int, result: Mapping[str, Any]) -> None:  # noqa: ARG002 - as all schedules
        """Learn what a fit has cost."""
        self._costs.append((candidate, result.get("fit_time", 0.0) + result.get("score_time", 0.0)))

    def take(self, count: int, worker: Hashable) -> Sequence[Unit]:
        """Cut the next units off, in a new order if enough was heard since."""
        if len(self._costs) >= self._sort_at:
            self._sort_at = 2 * len(self._costs)
            self._sort()
        return super().take(count, worker)

    def _sort(self) -> None:
        mean_s = sum(cost for _, cost in self._costs) / len(self._costs)
        if mean_s < LIGHT_S or not self._names:
            return
        left = [unit for part in self._parts for unit in part]
        wanted = {number: self._key(number) for number in {self._candidate(unit) for unit in left}}
        known = [(self._key(candidate), cost) for candidate, cost in self._costs]
        costs = dict(zip(wanted, expected_costs(known, list(wanted.values())), strict=True))
        left.sort(key=lambda unit: -costs[self._candidate(unit)])  # stable: those that cost alike stay in their order
        self._parts.clear()
        self._parts.append(left)

    def _candidate(self, unit: Unit) -> int:
        return fits_of(unit)[0] // self._n_splits

    def _key(self, candidate: int) -> Sequence[Hashable]:
        return candidate_key(self._candidates[candidate], self._names)
