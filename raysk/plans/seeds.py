"""Candidates that a search tries first: the best ones of an earlier search (``--seed-from``).

    seeds x q    random  p q r s -> x q p r    as many as without seeds: the last ones drawn give way
                 grid    p q r x -> x q p r    all seeds are candidates of the grid
                 halving                       its first round, as the one or the other
                 TPE                           see `raysk.searches.proposals`

The order of candidates is that of scikit-learn's table, and their fits are handed out before all others. An equal
candidate is not tried again: equal by value, as a journal tells them apart.
"""

from __future__ import annotations

from collections import defaultdict
from itertools import takewhile
from typing import TYPE_CHECKING, Any

from raysk.plans.schedule import InOrder, fits_of
from raysk.runs.fingerprint import params_fingerprint, plain_text

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Mapping, Sequence

    from raysk.plans.schedule import Schedule, Unit

    Candidate = dict[str, Any]

ROWS = "n_samples"
"""The resource of a search by halving that no candidate names."""


class Seeds:
    """The seeds of a search.

    Parameters
    ----------
    search : BaseSearchCV
    params : sequence of mapping of str to object
        Of each seed.

    Attributes
    ----------
    count : int
        How many seeds the current round has.
    """

    def __init__(self, search: Any, params: Sequence[Mapping[str, Any]]) -> None:
        self._left, self.count = params, 0
        resource = getattr(search, "resource", ROWS)
        self._resource = None if resource == ROWS else resource

    def put_first(self, candidates: list[Candidate]) -> list[Candidate]:
        """Return the candidates of a round with the seeds first, if it is the first round; as many as without."""
        seeds, self._left = self._left, ()
        if not candidates or not seeds:
            self.count = 0
            return candidates
        shared = {} if self._resource is None else {self._resource: candidates[0][self._resource]}
        first = {_value(each): each for each in ({**seed, **shared} for seed in seeds)}
        others = _without(candidates, first)
        self.count = min(len(first), len(candidates))
        return [*first.values(), *others][: len(candidates)]

    def schedule(self, units: Sequence[Unit], n_splits: int, order: Callable[[Sequence[Unit]], Schedule]) -> Schedule:
        """Return the schedule of a round's units: those of the seeds, then the others in their own order.

        Parameters
        ----------
        units : sequence of Unit
            In the order of the candidates.
        n_splits : int
        order : callable
            Returns the schedule of some units.
        """
        of_seeds = sum(1 for _ in takewhile(lambda unit: min(fits_of(unit)) < self.count * n_splits, units))
        return SeedsFirst(units[:of_seeds], order(units[of_seeds:])) if of_seeds else order(units)


class SeedsFirst:
    """A schedule that hands the units of seeds out before all others.

    Parameters
    ----------
    units : sequence of Unit
    others : Schedule
        Gives no candidate up.
    """

    def __init__(self, units: Sequence[Unit], others: Schedule) -> None:
        self._first, self._others = InOrder(units), others
        self.pruned, self.counted = others.pruned, others.counted

    @property
    def left(self) -> int:
        """How many units may still be handed out."""
        return self._first.left + self._others.left

    def take(self, count: int, worker: Hashable) -> Sequence[Unit]:
        """Hand out units of seeds, as long as there are any."""
        return (self._first if self._first.left else self._others).take(count, worker)

    def put_back(self, units: Sequence[Unit]) -> None:
        """Take units back; they are next."""
        self._first.put_back(units)

    def hear(self, candidate: int, split: int, result: Mapping[str, Any]) -> None:
        """Let the schedule of the others hear of a fit."""
        self._others.hear(candidate, split, result)


def _without(candidates: Sequence[Candidate], seeds: Mapping[Hashable, Candidate]) -> list[Candidate]:
    """Return the candidates without the first that equals each seed: there is a place for each seed then."""
    texts: defaultdict[str, set[str]] = defaultdict(set)
    for seed in seeds.values():
        for name, value in seed.items():
            texts[name].add(plain_text(value))
    others, left = [], {*seeds}
    for each in candidates:
        may_equal = all(plain_text(value) in texts[name] for name, value in each.items())  # a grid may have a million
        value = _value(each) if may_equal else None
        if value in left:
            left.remove(value)
        else:
            others.append(each)
    return others


def _value(params: Mapping[str, Any]) -> Hashable:
    """Return what equal candidates have in common, and no others."""
    try:
        return params_fingerprint(params)
    except Exception:  # noqa: BLE001 - a person's object may refuse in any way; it equals itself
        return tuple((name, id(params[name])) for name in sorted(params))
