"""What is left of a search, by what it has cost so far: how long it will take, and which fits take long.

a few hundred candidates, drawn once -> those done: what they cost; those not done: what they will
cost of a fit = the mean x a factor for each value of each parameter that varies

Grids go from cheap to dear, or back: the mean of what is done says little of what is left. Nothing is kept up to date
while fits come in; whoever wants to know asks, and pays some milliseconds.
"""

from __future__ import annotations

import math
import random
import statistics
import time
from collections import defaultdict
from numbers import Real
from typing import TYPE_CHECKING, Any

from raysk.events import Outlook, Running

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable, Mapping, Sequence

    from raysk.plans.round_results import RoundResults

SAMPLED = 500
"""So many candidates stand for all: they are looked at in 10 ms."""

PRIOR = 0.1
"""A value counts as if this part of a candidate had cost what is usual; more would hide what a grid has shown."""

PASSES = 5
"""How often each parameter is looked at; after that factors change little."""

LEAST_S = 1e-6
"""Of a fit that is said to have taken no time, in seconds."""

STEEPEST = 3.0
"""The largest power of a number that a fit's cost is taken to grow with, beyond the numbers that were tried."""

SLOW_S, SLOW_TIMES = 5.0, 4.0
"""A fit is slow if it has run so many seconds, and so many times the median of those that are done."""


def sample(count: int, size: int = SAMPLED) -> Sequence[int]:
    """Draw so many of the numbers below `count`, the same ones each time; all if there are no more."""
    return range(count) if count <= size else sorted(random.Random(0).sample(range(count), size))  # noqa: S311


class Prospect:
    """Looks at a board of results when it is asked.

    Parameters
    ----------
    board : RoundResults
    names : tuple of str
        The parameters that vary.
    """

    def __init__(self, board: RoundResults, names: tuple[str, ...]) -> None:
        self._board, self._names = board, names
        own = board.own()
        self._sample = [int(own[place]) for place in sample(len(own))]

    def __call__(self) -> Outlook:
        """Say what is left now."""
        board = self._board
        costs: list[tuple[Sequence[Hashable], float]] = []
        left: list[Sequence[Hashable]] = []
        for number in self._sample:
            params = board.candidates[number]
            key = candidate_key(params, self._names)
            results = [board.result(number, split) for split in range(len(board.splits))]
            done = [result for result in results if result is not None]
            took_s = [result.get("fit_time", 0.0) + result.get("score_time", 0.0) for result in done]
            if any(took_s):
                costs.append((key, statistics.fmean(took_s)))
            left += [key] * (len(results) - len(done))
        if not costs:
            return Outlook()
        usual_s = statistics.median(cost for _, cost in costs)
        return Outlook(left_s=self._left_s(costs, left), slow=self._slow(usual_s))

    def _left_s(self, costs: list[tuple[Sequence[Hashable], float]], left: list[Sequence[Hashable]]) -> float:
        """Return what the fits that are left cost, if those of the drawn candidates are like the others."""
        waiting = self._board.fits_left
        if not left:  # all that were drawn are done
            return waiting * statistics.fmean(cost for _, cost in costs)
        return waiting * statistics.fmean(expected_costs(costs, left))

    def _slow(self, usual_s: float) -> tuple[Running, ...]:
        """Return the fits that run much longer than the median, longest first."""
        now, board = time.monotonic(), self._board
        slow = []
        for unit, since in sorted(board.running(), key=lambda each: each[1]):
            candidate, split = divmod(unit, len(board.splits))
            if candidate >= len(board.candidates):  # of another task
                continue
            if now - since > max(SLOW_S, SLOW_TIMES * usual_s) and board.result(candidate, split) is None:
                slow.append(Running(params=board.candidates[candidate], split=split, since=since))
        return tuple(slow)


def candidate_key(params: Mapping[str, Any], names: Sequence[str]) -> Sequence[Hashable]:
    """Return what candidates that cost alike have in common, by the parameters that vary."""
    return [_rounded(params.get(name, _ABSENT)) for name in names]


def expected_costs(
    costs: Sequence[tuple[Sequence[Hashable], float]], wanted: Sequence[Sequence[Hashable]]
) -> list[float]:
    """Return what fits will cost by what others did.

    Parameters
    ----------
    costs : sequence of (sequence of hashable, float)
        The values of a candidate's parameters, and what a fit of it took.
    wanted : sequence of sequence of hashable
        Such values.
    """
    mean = statistics.fmean(cost for _, cost in costs)
    factors, scale = _all_factors([key for key, _ in costs], [cost for _, cost in costs], mean)
    expected = [mean * scale] * len(wanted)
    for place, tried in enumerate(factors):
        beyond = {value: _beyond(value, tried) for value in {key[place] for key in wanted} - tried.keys()}
        every = {**tried, **beyond}
        expected = [before * every[key[place]] for before, key in zip(expected, wanted, strict=True)]
    return expected


def _all_factors(
    keys: Sequence[Sequence[Hashable]], costs: Sequence[float], mean: float
) -> tuple[list[Mapping[Hashable, float]], float]:
    """Return for each parameter the factor of each of its values, and one for all.

    A grid that is half done has tried some values with the cheap values of another parameter only. So the one that
    explains most comes first, and each is looked at again once the others are known.
    """
    columns = [[key[place] for key in keys] for place in range(len(keys[0]))]
    factors: list[Mapping[Hashable, float]] = [dict.fromkeys(column, 1.0) for column in columns]
    known = [mean] * len(costs)
    order = sorted(range(len(columns)), key=lambda place: _explained(columns[place], costs, mean), reverse=True)
    for place in order * PASSES:
        column, before = columns[place], factors[place]
        others = [cost / before[value] for cost, value in zip(known, column, strict=True)]
        factors[place] = after = _factors(column, costs, others)
        known = [cost * after[value] for cost, value in zip(others, column, strict=True)]
    return factors, sum(costs) / sum(known)


def _explained(column: Iterable[Hashable], costs: Iterable[float], mean: float) -> float:
    """Return how much of the differences in cost the values of a parameter explain: between them, not within."""
    groups: defaultdict[Hashable, list[float]] = defaultdict(list)
    for value, cost in zip(column, costs, strict=True):
        groups[value].append(cost)
    return sum(len(group) * (statistics.fmean(group) - mean) ** 2 for group in groups.values())


def _factors(values: Iterable[Hashable], costs: Iterable[float], expected: Iterable[float]) -> dict[Hashable, float]:
    """Return for each value how many times what was expected fits with it have cost: the geometric mean."""
    logs: defaultdict[Hashable, list[float]] = defaultdict(list)
    for value, cost, usual in zip(values, costs, expected, strict=True):
        logs[value].append(math.log(max(cost, LEAST_S) / usual))
    return {value: math.exp(sum(each) / (len(each) + PRIOR)) for value, each in logs.items()}


def _beyond(value: Hashable, factors: Mapping[Hashable, float]) -> float:
    """Return the factor of a value that was not tried: of a number, as its power that fits the nearest two."""
    tried = sorted(number for number in factors if isinstance(number, float) and number > 0)
    if not (isinstance(value, float) and value > 0 and tried):
        return 1.0
    near, *others = sorted(tried, key=lambda number: abs(math.log(number / value)))
    if not others:
        return factors[near]
    power = math.log(factors[near] / factors[others[0]]) / math.log(near / others[0])
    return float(factors[near] * (value / near) ** min(max(power, -STEEPEST), STEEPEST))


_ABSENT = object()


def _rounded(value: Any) -> Hashable:
    """Return what values that cost alike have in common: of numbers, those within a few tenths of each other."""
    if isinstance(value, Real) and not isinstance(value, bool) and math.isfinite(value) and float(value) > 0:
        return float(2 ** (round(2 * math.log2(value)) / 2))
    return value if isinstance(value, str | bool) or value is None else id(value)
