"""Whether a search can be pruned as asked: said before anything starts."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from raysk.jobs import Shortcuts


def check_pruning(search: Any, shortcuts: Shortcuts) -> None:
    """Raise if candidates of a search cannot be given up in the way that is asked for.

    Raises
    ------
    UsageError
    """
    if shortcuts.prune is None:
        return
    from raysk.plans.pruning.bounds import bound

    with contextlib.suppress(TypeError, ValueError):  # scorers that scikit-learn does not take are told of by others
        bound(search, shortcuts)
