"""The order in which the fits of a round are done, and which of them are given up.

    take      units for a worker that has room           a fit is a number: candidate x n_splits + split
    put_back  those that it did not begin                a unit is a fit, or several: the first contains the others
    hear      the result of every fit, as it comes in

What was heard may change what is next. Results stay in scikit-learn's order, whatever the order of the fits.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

from raysk.pool import Backlog, Pieces

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

Unit: TypeAlias = "int | tuple[int, ...]"
"""What travels to a worker: the number of a fit; or of several, of which the first is fitted, and the others are scored
on it cut to their size."""


class Schedule(Backlog, Protocol):
    """Says which fits of a round are next."""

    @property
    def pruned(self) -> Sequence[int]:
        """The candidates that are given up so far, in the order in which that was decided."""

    @property
    def counted(self) -> Mapping[int, int]:
        """How many of its first splits count, by candidate that is given up; all that are done where none is named.

        Which others are done may depend on the number of workers, and the results should not.
        """

    def hear(self, candidate: int, split: int, result: Mapping[str, Any]) -> None:
        """Hear of a fit that is done; those that are known from an earlier run come before any other."""


class InOrder(Pieces):
    """Units in the order of the candidates; none is given up.

    Parameters
    ----------
    units : sequence of Unit
        Must support slicing.
    """

    pruned: Sequence[int] = ()
    counted: Mapping[int, int] = MappingProxyType({})

    def hear(self, candidate: int, split: int, result: Mapping[str, Any]) -> None:
        """Ignore the result."""


def fits_of(unit: Unit) -> tuple[int, ...]:
    """Return the fits of a unit."""
    return unit if isinstance(unit, tuple) else (unit,)
