"""Apply ``--select`` and ``--select-by``: which candidate of a search is chosen."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from raysk.errors import UsageError
from raysk.request.overrides import BEST, ONE_STANDARD_ERROR
from raysk.results.scores import deciding_metric
from raysk.results.selection import OneStandardError
from raysk.source.objects import grids_of
from raysk.util.words import suggestion, type_name

if TYPE_CHECKING:
    from raysk.request.overrides import Overrides


def override_selection(search: Any, overrides: Overrides) -> None:
    """Set how a copy of the person's search chooses, in place; its scoring and its space are what they will be.

    Raises
    ------
    UsageError
        If the options do not fit the search.
    """
    if overrides.select is None:
        return
    _check(search, overrides)
    metric = _deciding(search)
    if overrides.select == BEST:
        search.refit = metric or True
        return
    order = overrides.select_by
    search.refit = OneStandardError(order=order, metric=metric, values=_listed(search, order))


def _check(search: Any, overrides: Overrides) -> None:
    if overrides.select == ONE_STANDARD_ERROR and hasattr(search, "factor") and hasattr(search, "resource"):
        raise UsageError(
            f"--select 1se: {type_name(search)} chooses by itself, the best of its last round.\nLeave it out."
        )
    known = dict.fromkeys(name for grid in grids_of(search) for name in grid)
    for name in overrides.select_by:
        if name.removeprefix("-") not in known:
            hint = suggestion(name.removeprefix("-"), known, "parameters in its space")
            raise UsageError(f"--select-by {name}: {type_name(search)} does not search that parameter.\n{hint}")


def _deciding(search: Any) -> str | None:
    """Return which of several metrics decides: that of the search, or the first; None where there is only one."""
    if isinstance(search.scoring, list | tuple | set | dict):
        named = sorted(search.scoring) if isinstance(search.scoring, set) else list(search.scoring)
        return deciding_metric(search.refit) or str(named[0])
    return deciding_metric(search.refit) if callable(search.scoring) else None


def _listed(search: Any, order: tuple[str, ...]) -> dict[str, list[Any]]:
    """Return the values that the space lists for these parameters, in its order."""
    names = [name.removeprefix("-") for name in order]
    lists = {name: [grid[name] for grid in grids_of(search) if name in grid] for name in names}
    return {
        name: [value for values in found for value in values]
        for name, found in lists.items()
        if not any(hasattr(values, "rvs") for values in found)
    }
