"""What can be known before a fit is said before a fit: of a job that is made, while the cluster still starts.

    names, parameter values    when the job is made, before its data is read: raysk.request.space, .parameter_values
    X and y                    by the tags of the first and the last step: raysk.request.unsuitable
    scorers                    on a dummy that is fitted to the kind of target: raysk.request.scorable

A false refusal is worse than a miss: whatever is not certain is left to the fit. Of a search, all that it may try has
to be refused, so that a space which swaps the first step, or changes what it takes, is never misjudged.
"""

from __future__ import annotations

import contextlib
import itertools
import math
from numbers import Real
from typing import TYPE_CHECKING, Any

from raysk.errors import InputError, RayskError
from raysk.jobs import FitJob
from raysk.request.overrides import copied
from raysk.request.scorable import check_scoring
from raysk.request.unsuitable import Seen, refusal
from raysk.source.found import grids_of, is_search

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from raysk.jobs import SearchJob

MOST_VARIANTS = 64
"""Of a search that are looked at, drawn at random if there are more; each takes about a millisecond."""

MOST_ALONE = 500
"""Values of a space that are looked at by themselves besides."""


WHOLE = {
    *("KFold", "StratifiedKFold", "GroupKFold", "StratifiedGroupKFold", "RepeatedKFold", "RepeatedStratifiedKFold"),
    *("LeaveOneOut", "LeavePOut", "LeaveOneGroupOut", "LeavePGroupsOut"),
}
"""Splitters of scikit-learn's of which every row is in some fold."""


def check_job(job: FitJob | SearchJob) -> None:
    """Raise for data that no fit of a job could use, and for scorers that cannot score it.

    Raises
    ------
    InputError
    UsageError
        If what is wrong is from an option.
    """
    try:
        _check(job)
    except RayskError:
        raise
    except Exception:  # noqa: BLE001 - objects of a person's may refuse to be looked at in any way; a fit may take them
        return


def _check(job: FitJob | SearchJob) -> None:
    whole = job.estimator if isinstance(job, FitJob) else job.search
    if not is_search(whole):
        _refuse(refusal(whole, Seen(job.data)))
        return
    score = whole.error_score  # a number: a search with failed fits goes on to an answer
    counts = _splits_all_rows(whole) and not (_is_number(score) and math.isfinite(score))
    if counts or whole.refit:
        _check_variants(whole, Seen(job.data))
    if counts and not callable(whole.refit):  # such a function may choose by anything
        check_scoring(whole, job.data.y, said=getattr(job, "scoring_is_said", False))


def _check_variants(search: Any, seen: Seen) -> None:
    first = None
    for variant in variants(search):
        reason = refusal(variant, seen)
        if reason is None:
            return
        first = first or reason
    _refuse(first)


def _refuse(reason: str | None) -> None:
    if reason is not None:
        raise InputError(reason)


def _splits_all_rows(search: Any) -> bool:
    """Tell whether all rows come to be fitted on or scored: other splits, and halving's rounds, may leave some out."""
    from sklearn import model_selection

    if hasattr(search, "min_resources"):
        return False
    whole = tuple(getattr(model_selection, name) for name in WHOLE)
    return search.cv is None or isinstance(search.cv, int) or type(search.cv) in whole


def variants(search: Any) -> Iterator[Any]:
    """Yield copies of a search's estimator as its space may change it, in all that may matter to its steps' tags."""
    from sklearn.base import clone

    grids = grids_of(search)
    for grid in grids:
        for params in _sample_params(grid):
            with contextlib.suppress(Exception):  # it cannot be fitted either, which the search will count
                yield copied(search.estimator).set_params(**clone(params, safe=False))
    if not grids:
        yield search.estimator


def _sample_params(grid: Mapping[str, Any]) -> Iterable[dict[str, Any]]:
    """Return all combinations of a grid's values; of too many some, and each value once.

    Of what is drawn, and of numbers, one is enough: they change a result, but not what is taken.
    """
    from sklearn.model_selection import ParameterGrid, ParameterSampler

    kinds = {name: _thin_numbers(values) for name, values in grid.items() if not hasattr(values, "rvs")}
    every = ParameterGrid(kinds) if kinds else [{}]
    if math.prod(map(len, kinds.values())) <= MOST_VARIANTS:
        return every
    once = ({name: value} for name, values in kinds.items() for value in values)
    return [*ParameterSampler(kinds, MOST_VARIANTS, random_state=0), *itertools.islice(once, MOST_ALONE)]


def _thin_numbers(values: Iterable[Any]) -> list[Any]:
    """Return values with one of all ordinary numbers."""
    every = list(values)
    numbers = itertools.islice(filter(_is_number, every), 1)
    return [*numbers, *itertools.filterfalse(_is_number, every)]


def _is_number(value: Any) -> bool:
    return isinstance(value, Real) and not isinstance(value, bool) and value == value  # noqa: PLR0124 - NaN
