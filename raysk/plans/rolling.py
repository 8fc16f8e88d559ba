"""A round whose candidates are proposed while it runs, each by the scores of others: no worker waits for a batch.

    proposals.due -> candidate -> its fits: known from the journal, or handed out (take)
    all fits of a candidate are done (hear) -> proposals.hear -> proposals.due

Workers have no list of the candidates: each fit brings its own.
"""

from __future__ import annotations

from collections import deque
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np

from raysk.plans.schedule import ProposedFit

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Mapping, Sequence

    from raysk.searches.proposals import Proposals

    Recall = Callable[[Sequence[int]], Sequence[int]]
    """Takes what the journal knows of fits, of which `Rolling.hear` is told, and returns the others."""


class Rolling:
    """The schedule of such a round.

    Parameters
    ----------
    proposals : Proposals
    candidates : list of dict
        Gets the parameters of each candidate when it is proposed.
    n_splits : int
    recall : callable
    metric_of : callable
        Returns, of the metrics that a result has, the one that proposals go by.
    """

    pruned: Sequence[int] = ()
    counted: Mapping[int, int] = MappingProxyType({})

    def __init__(
        self,
        proposals: Proposals,
        candidates: list[dict[str, Any]],
        n_splits: int,
        recall: Recall,
        metric_of: Callable[[Sequence[str]], str],
    ) -> None:
        self._proposals, self._candidates, self._n_splits = proposals, candidates, n_splits
        self._recall, self._metric_of = recall, metric_of
        self._ready: deque[ProposedFit] = deque()
        self._heard: dict[int, dict[int, Mapping[str, Any]]] = {}
        self._proposed = 0
        self._is_proposing = False

    @property
    def left(self) -> int:
        """How many fits may be handed out now."""
        return len(self._ready)

    def take(self, count: int, worker: Hashable) -> Sequence[ProposedFit]:  # noqa: ARG002 - the same for all
        """Hand out the next fits, in the order of the candidates."""
        return [self._ready.popleft() for _ in range(min(count, len(self._ready)))]

    def put_back(self, units: Sequence[Any]) -> None:
        """Take fits back; they are next."""
        self._ready.extendleft(reversed(units))

    def propose(self) -> None:
        """Ask for the candidates that may be fitted now."""
        if self._is_proposing:  # one of them is known from the journal
            return
        self._is_proposing = True
        while due := self._proposals.due():
            for params in due:
                self._add(params)
        self._is_proposing = False

    def _add(self, params: dict[str, Any]) -> None:
        number, n_splits = self._proposed, self._n_splits
        self._proposed += 1
        self._candidates[number] = params
        fits = range(number * n_splits, (number + 1) * n_splits)
        self._ready.extend(ProposedFit(fit, params) for fit in self._recall(fits))

    def hear(self, candidate: int, split: int, result: Mapping[str, Any]) -> None:
        """Hear of a fit that is done; with the last one of a candidate others may be proposed."""
        results = self._heard.setdefault(candidate, {})
        results[split] = result
        if len(results) == self._n_splits:
            del self._heard[candidate]
            every = [results[each] for each in range(self._n_splits)]
            cost_s = sum(each["fit_time"] + each["score_time"] for each in every)
            self._proposals.hear(candidate, self._mean_score(every), cost_s)
            self.propose()

    def _mean_score(self, results: Sequence[Mapping[str, Any]]) -> float:
        """Return the mean test score, as `cv_results_` will have it; a fit that failed may have one for all metrics."""
        scores = [result["test_scores"] for result in results]
        several = next((each for each in scores if isinstance(each, dict)), None)
        if several is not None:
            metric = self._metric_of(list(several))
            scores = [each[metric] if isinstance(each, dict) else each for each in scores]
        return float(np.mean(np.array(scores, float)))
