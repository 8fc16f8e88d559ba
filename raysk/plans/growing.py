"""Halving by the number of trees: the forests of a round go on from those of the round before.

    round r      a worker keeps each forest that it fits, by its chain and its split     Nursery
    round r+1    fits go to the workers that have their forests (Growing), which add trees to them by warm start

Candidates that differ only in the number of trees are one chain. scikit-learn's warm start draws the seeds that a
larger forest would have drawn, so that the forest is bit for bit the one that is fitted anew. It is fitted anew where
the earlier one is elsewhere, was dropped for want of memory, or is only known from the journal.
"""

from __future__ import annotations

from collections import OrderedDict, deque
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from sklearn import ensemble

from raysk.plans import contained

if TYPE_CHECKING:
    from collections.abc import Collection, Hashable, Iterable, Iterator, Mapping, Sequence

    from raysk.plans.candidates import Candidates
    from raysk.plans.schedule import Unit
    from raysk.pool.task import Block

    Key = tuple[int, int]
    """A chain and a split."""

FORESTS = (
    ensemble.RandomForestClassifier,
    ensemble.RandomForestRegressor,
    ensemble.ExtraTreesClassifier,
    ensemble.ExtraTreesRegressor,
)
"""Of other classes, a warm start may give other bits, or there is none."""

RESOURCE = "n_estimators"

MOST_BYTES = 2**28
"""Memory that a worker uses for the forests it keeps, in bytes: thousands of trees; a dropped one is fitted again."""

NODE_BYTES = 64
"""What a node of a tree takes, besides its values."""


class Chains:
    """Numbers candidates by all but their number of trees, through all rounds of a search."""

    def __init__(self) -> None:
        self._numbers: dict[frozenset[tuple[str, int]], int] = {}
        self._values: list[Any] = []  # alive, so that no other object gets the id of one

    def of(self, candidates: Iterable[Mapping[str, Any]]) -> list[int]:
        """Return the chain of each candidate."""
        return [self._number(params) for params in candidates]

    def _number(self, params: Mapping[str, Any]) -> int:
        key = frozenset((name, id(value)) for name, value in params.items() if name != RESOURCE)
        if key not in self._numbers:
            self._values.append(params)
        return self._numbers.setdefault(key, len(self._numbers))


def grows(search: Any, estimator: Any, candidates: Candidates, *, rows: int, fit_params: Collection[str]) -> bool:
    """Tell whether a round of a search is one of halving by trees, and its forests may go on from others.

    Parameters
    ----------
    search : BaseSearchCV
    estimator : estimator
        What the candidates' parameters are set on.
    candidates : Candidates
    rows : int
        How many rows the largest split has to train on.
    fit_params : collection of str
    """
    if getattr(search, "resource", None) != RESOURCE or type(estimator) not in FORESTS:
        return False
    weights = candidates.columns.get("class_weight")
    named = [estimator.class_weight] if hasattr(estimator, "class_weight") and weights is None else []
    named += [] if weights is None else weights.values
    if any(isinstance(value, str) for value in named):  # a warm start warns of them
        return False
    return contained.are_all_certain(estimator, candidates, rows=rows, fit_params=fit_params)


class Nursery:
    """The forests that a worker keeps for the next round."""

    def __init__(self) -> None:
        self._forests: OrderedDict[Key, tuple[Any, int]] = OrderedDict()
        self._bytes = 0

    def __reduce__(self) -> Any:
        return type(self), ()  # forests stay where they are

    def stand_in(self, estimator: Any, key: Key) -> Any:
        """Return the estimator; when it is fitted, it goes on from a forest that is kept, and is kept itself."""

        def fit(*args: Any, **params: Any) -> Any:
            del estimator.fit
            self._grow(estimator, self._take(key), args, params)
            self._keep(key, estimator)
            return estimator

        estimator.fit = fit
        return estimator

    def _grow(self, estimator: Any, trees: list[Any], args: tuple[Any, ...], params: Mapping[str, Any]) -> None:
        if not 0 < len(trees) < estimator.n_estimators:
            estimator.fit(*args, **params)
            return
        estimator.estimators_, estimator.warm_start = trees, True
        try:
            estimator.fit(*args, **params)
        finally:
            estimator.warm_start = False

    def _take(self, key: Key) -> list[Any]:
        trees: list[Any]
        trees, size = self._forests.pop(key, ([], 0))
        self._bytes -= size
        return trees

    def _keep(self, key: Key, forest: Any) -> None:
        trees = list(forest.estimators_)  # a scorer may change the forest
        size = sum(tree.tree_.node_count * NODE_BYTES + tree.tree_.value.nbytes for tree in trees)
        self._forests[key] = trees, size
        self._bytes += size
        while self._bytes > MOST_BYTES:
            self._take(next(iter(self._forests)))

    def keep_only(self, chains: Collection[int]) -> None:
        """Forget the forests of candidates that are out."""
        for key in list(self._forests):
            if key[0] not in chains:
                self._take(key)


class Homes:
    """Which worker has the forest of a fit; through all rounds of a search."""

    def __init__(self) -> None:
        self._workers: dict[Key, Hashable] = {}

    def hear(self, block: Block, chains: Sequence[int], n_splits: int) -> None:
        """Hear which worker has done fits."""
        self._workers.update(dict.fromkeys(_keys(block.units, chains, n_splits), block.worker))

    def of_fits(self, fits: Sequence[int], chains: Sequence[int], n_splits: int) -> list[Hashable]:
        """Return the name of the worker that has the forest of each fit; None where there is none."""
        return [self._workers.get(key) for key in _keys(fits, chains, n_splits)]


def _keys(fits: Iterable[int], chains: Sequence[int], n_splits: int) -> Iterator[Key]:
    for fit in fits:
        candidate, split = divmod(fit, n_splits)
        yield chains[candidate], split


class Growing:
    """A schedule in which workers get the fits whose forests they have, as long as there are any.

    Parameters
    ----------
    fits : sequence of int
    homes : sequence of hashable
        The worker that has the forest of each; None where there is none.
    """

    pruned: Sequence[int] = ()
    counted: Mapping[int, int] = MappingProxyType({})

    def __init__(self, fits: Sequence[int], homes: Sequence[Hashable]) -> None:
        self._queues: dict[Hashable, deque[Unit]] = {None: deque()}
        for fit, home in zip(fits, homes, strict=True):
            self._queues.setdefault(home, deque()).append(fit)

    @property
    def left(self) -> int:
        """How many fits may be handed out."""
        return sum(map(len, self._queues.values()))

    @property
    def workers(self) -> Sequence[Hashable]:
        """The workers that should be asked first, each as often as it has messages at a time."""
        return [name for name in self._queues if name is not None] * 2

    def take(self, count: int, worker: Hashable) -> Sequence[Unit]:
        """Hand out a worker's own fits; else those of nobody, else those of the worker that has most left."""
        own = self._queues.get(worker) or self._queues[None] or max(self._queues.values(), key=len)
        return [own.popleft() for _ in range(min(count, len(own)))]

    def put_back(self, units: Sequence[Unit]) -> None:
        """Take fits back; they are next for whoever comes."""
        self._queues[None].extendleft(reversed(units))

    def hear(self, candidate: int, split: int, result: Mapping[str, Any]) -> None:
        """Ignore the result."""
