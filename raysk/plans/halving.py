"""Which round a halving search is in."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from raysk.events import RoundStarted

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


def round_of(search: Any, candidates: int, more_results: Mapping[str, Sequence[Any]] | None) -> RoundStarted | None:
    """Return the round that begins, by what scikit-learn's halving says of it; None of any other search.

    Parameters
    ----------
    search : BaseSearchCV
    candidates : int
        How many there are in this round.
    more_results : mapping or None
        What the search adds to the round's results.
    """
    more = more_results or {}
    if not {"iter", "n_resources"} <= more.keys() or not hasattr(search, "min_resources_"):
        return None
    number, amount = int(more["iter"][0]), int(more["n_resources"][0])
    at_first = search.n_candidates_[0] if getattr(search, "n_candidates_", None) else candidates
    return RoundStarted(number=number + 1, of=_rounds(search, at_first), resource=search.resource, amount=amount)


def _rounds(search: Any, candidates: int) -> int:
    """Return how many rounds there will be: scikit-learn tells only at the end."""
    required = 1 + math.floor(math.log(candidates, search.factor))
    if search.aggressive_elimination:
        return required
    return min(required, 1 + math.floor(math.log(search.max_resources_ // search.min_resources_, search.factor)))
