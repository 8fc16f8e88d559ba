"""Keep the estimators of the best candidates, one a split.

Workers keep no estimator: thousands of fits would fill their memory. So the best candidates are fitted once more, each
on its splits, when it is known which they are. A fit with a fixed ``random_state`` gives the same estimator as before.
"""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from sklearn import clone

from raysk._compat import sklearn as sklearn_private
from raysk.events import PhaseStarted, Remark
from raysk.pool import Task
from raysk.results.scores import deciding_metric
from raysk.runs.fingerprint import params_fingerprint
from raysk.util.words import count

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from concurrent.futures import Future

    from raysk.plans.rounds import Rounds

_parts = sklearn_private.search_parts()


@dataclass(frozen=True, kw_only=True)
class Retention:
    """Which estimators of a search are kept, and how.

    Parameters
    ----------
    top : int
        How many of the best candidates.
    save : callable
        Called with the numbers of a candidate and a split, and the estimator fitted on that split.
    """

    top: int
    save: Callable[[int, int, Any], None]


def retain(rounds: Rounds, wanted: Retention) -> None:
    """Fit the best candidates of a finished search on their splits once more, on the pool, and save the estimators."""
    pool, best = rounds.pool, _best(rounds, wanted.top)
    pool.sink(PhaseStarted(name="fitting estimators to keep"))
    rounds.data.release()
    fit_params = rounds.routed.estimator.fit
    data = pool.share(SimpleNamespace(X=rounds.data.X, y=rounds.data.y, fit_params=fit_params))
    saved, begun = 0, deque[tuple[int, int, "Future[Any]"]]()
    try:
        for candidate, split in _fits(rounds, best):
            task = Task(function=_fit, args=(_configured(rounds, candidate), rounds.splits[candidate][split], data))
            begun.append((candidate, split, pool.submit(task)))
            if len(begun) > pool.wanted:  # no more than a few wait here at a time
                saved += _save(wanted, *begun.popleft())
        while begun:
            saved += _save(wanted, *begun.popleft())
    finally:
        pool.release([data])
    text = f"Kept {count(saved, 'estimator')} of the {count(len(best), 'best candidate')}, fitted again on each split"
    pool.sink(Remark(text=text))


def _best(rounds: Rounds, top: int) -> list[int]:
    """Return the numbers of the candidates with the best scores, the best first; those without a score are none.

    Of a search by halving those of the last round come first; each candidate counts once, in the last of its rounds.
    """
    results, first = rounds.results, getattr(rounds.search, "best_index_", None)  # a function may have chosen that
    names = [name.removeprefix("rank_test_") for name in results if name.startswith("rank_test_")]
    decides = deciding_metric(rounds.search.refit)
    metric = decides if decides in names else names[0]
    ranks, scores = results[f"rank_test_{metric}"], results[f"mean_test_{metric}"]
    steps = results.get("iter", [0] * len(ranks))
    order = sorted(range(len(ranks)), key=lambda number: (number != first, -steps[number], ranks[number], number))
    best: dict[Any, int] = {}
    for number in order:
        if math.isfinite(scores[number]):
            best.setdefault(_identity(rounds, number) if "iter" in results else number, number)
    return list(best.values())[:top]


def _identity(rounds: Rounds, number: int) -> str:
    """Return what stands for a candidate of a search by halving, whatever it could spend in a round."""
    resource = rounds.search.resource
    return params_fingerprint({name: each for name, each in rounds.candidates[number].items() if name != resource})


def _fits(rounds: Rounds, candidates: list[int]) -> Iterator[tuple[int, int]]:
    for candidate in candidates:
        yield from ((candidate, split) for split in range(len(rounds.splits[candidate])))


def _configured(rounds: Rounds, candidate: int) -> Any:
    return clone(rounds.estimator).set_params(**clone(rounds.candidates[candidate], safe=False))


def _fit(estimator: Any, split: tuple[Any, Any], data: Any) -> Any:
    """Fit on the rows of a split, by the function of scikit-learn's that a search fits with; None if it fails."""
    train, test = split
    done = _parts.fit_and_score(
        estimator,
        data.X,
        data.y,
        scorer=_no_score,
        train=train,
        test=test[:1],
        verbose=0,
        parameters=None,
        fit_params=data.fit_params,
        score_params={},
        return_estimator=True,
        error_score=math.nan,
    )
    return done["estimator"] if done["fit_error"] is None else None


def _no_score(_: Any, __: Any, ___: Any = None) -> float:
    """Score nothing: the scores are known."""
    return 0.0


def _save(wanted: Retention, candidate: int, split: int, future: Future[Any]) -> int:
    """Save an estimator, and return how many there are now: one, or none if the fit failed."""
    estimator = future.result()
    if estimator is None:
        return 0
    wanted.save(candidate, split, estimator)
    return 1
