"""Do some fits of a search again in this process, by scikit-learn alone, and compare their scores bit for bit.

Drawn among all fits that have a result, however they came by it: done by a worker, known from a journal, equal to
others, or contained in others. Failed, lost and pruned fits are not drawn.
"""

from __future__ import annotations

import math
import random
import warnings
from typing import TYPE_CHECKING, Any

from sklearn import clone

from raysk._compat import sklearn as sklearn_private
from raysk.errors import FitsDiffer
from raysk.events import FitsVerified, PhaseStarted
from raysk.runs.random_state import current_state, restore_state
from raysk.util.words import count, pairs

if TYPE_CHECKING:
    from raysk.jobs import Verification
    from raysk.plans.rounds import Rounds

_parts = sklearn_private.search_parts()


def verify(rounds: Rounds, asked: Verification) -> FitsDiffer | None:
    """Do fits of a finished search again; return how the first of them differs, or tell that none does.

    The draw is seeded with the search's ``random_state`` if that is a number, else with 0: the same command draws the
    same fits. numpy's global generator is left where it is.
    """
    import threadpoolctl

    rounds.pool.sink(PhaseStarted(name="verifying fits"))
    fits, before = _drawn(rounds, asked.fits), current_state()
    try:
        with threadpoolctl.threadpool_limits(asked.cpus), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the person has seen them
            found = [(fit, different) for fit in fits if (different := _compare(rounds, *fit))]
    finally:
        restore_state(before)
    if found:
        return _explain(rounds, found, len(fits))
    rounds.pool.sink(FitsVerified(fits=len(fits)))
    return None


def _drawn(rounds: Rounds, number: int) -> list[tuple[int, int]]:
    """Return candidate and split of some finished fits, all if there are fewer."""
    n_splits = rounds.search.n_splits_
    done = [fit for fit, result in enumerate(rounds.out) if _is_finished(result)]
    seed = getattr(rounds.search, "random_state", None)
    draw = random.Random(seed if isinstance(seed, int) else 0)  # noqa: S311 - no secret
    return [divmod(fit, n_splits) for fit in sorted(draw.sample(done, min(number, len(done))))]


def _is_finished(result: dict[str, Any]) -> bool:
    return result.get("fit_error") is None and not math.isnan(result["fit_time"])


def _compare(rounds: Rounds, candidate: int, split: int) -> str:
    """Do a fit again; return the first score that is another, in words; empty if all are equal."""
    search, routed = rounds.search, rounds.routed
    train, test = rounds.splits[candidate][split]
    again = _parts.fit_and_score(
        clone(rounds.estimator),
        rounds.data.X,
        rounds.data.y,
        scorer=rounds.scorers,
        train=train,
        test=test,
        verbose=0,
        parameters=clone(rounds.candidates[candidate], safe=False),
        fit_params=routed.estimator.fit,
        score_params=routed.scorer.score,
        return_train_score=search.return_train_score,
        error_score=search.error_score,
    )
    ours = rounds.out[candidate * search.n_splits_ + split]
    for kind in ("test_scores", "train_scores"):
        for name, score in _named(ours.get(kind)).items():
            there = _named(again.get(kind)).get(name)
            if score != there and not (_is_nan(score) and _is_nan(there)):
                return f"{kind[:-1]}{name} is {score!r} with raysk, {there!r} with scikit-learn alone"
    return ""


def _named(scores: Any) -> dict[str, Any]:
    if scores is None:
        return {}
    return {f" {name}": each for name, each in scores.items()} if isinstance(scores, dict) else {"": scores}


def _is_nan(score: Any) -> bool:
    return isinstance(score, float) and math.isnan(score)


def _explain(rounds: Rounds, found: list[tuple[tuple[int, int], str]], verified: int) -> FitsDiffer:
    (candidate, split), different = found[0]
    params = rounds.candidates[candidate]
    shown = " ".join(pairs(params)) or "no parameters"
    extent = f"{len(found):,} of {count(verified, 'verified fit')} differ from scikit-learn's"
    unseeded = _unseeded(clone(rounds.estimator).set_params(**clone(params, safe=False)))
    why = (
        f"{unseeded} is None: such fits may differ from each other. Set it, or give --seed."
        if unseeded
        else "Another kind of CPU on a node, or code that depends on more than its arguments, may cause that.\n"
        "If neither does, please report it; --no-sharing does every fit by itself."
    )
    return FitsDiffer(extent, f"candidate {candidate}, split {split} ({shown}):\n  {different}", why)


def _unseeded(estimator: Any) -> str:
    """Return the name of a random_state that is None; empty if there is none."""
    params = estimator.get_params(deep=True)
    return next((name for name, value in params.items() if name.endswith("random_state") and value is None), "")
