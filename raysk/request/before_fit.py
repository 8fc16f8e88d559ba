"""Refuse a job that cannot succeed before anything is fitted, while the cluster still starts.

    names, parameter values    when the job is made, before its data is read: space_checks, parameter_checks
    X and y                    by the tags of the first and the last step: data_checks
    scorers                    tried on a dummy that is fitted to the kind of target: scoring_checks

A false refusal is worse than a miss: fits decide whatever is uncertain. A search is refused only if everything that it
may try is refused; so a space that swaps the first step is never misjudged.
"""

from __future__ import annotations

import contextlib
import itertools
import math
from collections.abc import Iterator
from numbers import Real
from typing import TYPE_CHECKING, Any

from raysk._compat import sklearn as sklearn_private
from raysk.errors import InputError, RayskError
from raysk.jobs import FitJob
from raysk.request.data_checks import InspectedData, explain_refusal
from raysk.request.method import HALVING, method_of
from raysk.request.overrides import copy_estimator
from raysk.request.scoring_checks import check_scoring
from raysk.results.scores import chooses_by_score
from raysk.source.objects import grids_of, is_search
from raysk.util.words import shorten, type_name

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from raysk.jobs import Data, SearchJob

MOST_VARIANTS = 64
"""Combinations of parameters that are tried, drawn at random if there are more; each takes about a millisecond."""

MOST_ALONE = 500
"""Single values of a space that are tried besides."""


WHOLE = {
    *("KFold", "StratifiedKFold", "GroupKFold", "StratifiedGroupKFold", "RepeatedKFold", "RepeatedStratifiedKFold"),
    *("LeaveOneOut", "LeavePOut", "LeaveOneGroupOut", "LeavePGroupsOut"),
}
"""Splitters of scikit-learn's that put every row into some fold."""


def check_job(job: FitJob | SearchJob) -> None:
    """Raise if no fit of a job can use its data, or no scorer can score it.

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
        _refuse(explain_refusal(whole, InspectedData(job.data)))
        return
    _check_rounds(whole, job.data)
    score = whole.error_score  # a number: a search with failed fits goes on to an answer
    counts = _splits_all_rows(whole) and not (_is_number(score) and math.isfinite(score))
    if counts or whole.refit:
        _check_variants(whole, InspectedData(job.data))
    if counts and chooses_by_score(whole.refit):
        check_scoring(whole, job.data.y, said=getattr(job, "scoring_is_said", False))


def _check_rounds(search: Any, data: Data) -> None:
    """Raise where scikit-learn's halving would, by its data: too few rows, or splits that change with each round."""
    if method_of(search) != HALVING or isinstance(search.cv, Iterator):
        return
    try:
        sklearn_private.check_halving(search, data.X, data.y, data.fit_params.get("groups"))
    except ValueError as error:
        raise InputError(f"This {type_name(search)} cannot run: {shorten(str(error))}") from error


def _check_variants(search: Any, seen: InspectedData) -> None:
    first = None
    for variant in variants(search):
        reason = explain_refusal(variant, seen)
        if reason is None:
            return
        first = first or reason
    _refuse(first)


def _refuse(reason: str | None) -> None:
    if reason is not None:
        raise InputError(reason)


def _splits_all_rows(search: Any) -> bool:
    """Return whether every row is fitted or scored; other splitters, and halving's rounds, may leave rows out."""
    from sklearn import model_selection

    if hasattr(search, "min_resources"):
        return False
    whole = tuple(getattr(model_selection, name) for name in WHOLE)
    return search.cv is None or isinstance(search.cv, int) or type(search.cv) in whole


def variants(search: Any) -> Iterator[Any]:
    """Yield copies of a search's estimator with the parameters of its space that may change its steps' tags."""
    from sklearn.base import clone

    grids = grids_of(search)
    for grid in grids:
        for params in _sample_params(grid):
            with contextlib.suppress(Exception):  # it cannot be fitted either, which the search will count
                yield copy_estimator(search.estimator).set_params(**clone(params, safe=False))
    if not grids:
        yield search.estimator


def _sample_params(grid: Mapping[str, Any]) -> Iterable[dict[str, Any]]:
    """Return all combinations of a grid's values, or some of them and each value once.

    One number of each parameter is enough, and no value of a distribution: they change no tags.
    """
    from sklearn.model_selection import ParameterGrid, ParameterSampler

    kinds = {name: _thin_numbers(values) for name, values in grid.items() if not hasattr(values, "rvs")}
    every = ParameterGrid(kinds) if kinds else [{}]
    if math.prod(map(len, kinds.values())) <= MOST_VARIANTS:
        return every
    once = ({name: value} for name, values in kinds.items() for value in values)
    return [*ParameterSampler(kinds, MOST_VARIANTS, random_state=0), *itertools.islice(once, MOST_ALONE)]


def _thin_numbers(values: Iterable[Any]) -> list[Any]:
    """Return values with one number instead of all numbers."""
    every = list(values)
    numbers = itertools.islice(filter(_is_number, every), 1)
    return [*numbers, *itertools.filterfalse(_is_number, every)]


def _is_number(value: Any) -> bool:
    return isinstance(value, Real) and not isinstance(value, bool) and value == value  # noqa: PLR0124 - NaN
