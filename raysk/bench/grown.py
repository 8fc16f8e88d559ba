"""Trees that were grown before: a worker hands them back without growing any."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


class GrownTrees:
    """Grows no tree, but takes as long; see `raysk.plans.forest.Grow`.

    Parameters
    ----------
    trees : sequence of DecisionTreeClassifier
        What is handed back, in turn.
    tree_s : float
        How long a tree takes, in seconds; it is slept.
    """

    def __init__(self, trees: Sequence[Any], tree_s: float) -> None:
        self.trees, self.tree_s = trees, tree_s

    def __call__(self, job: Mapping[str, Any], units: range) -> tuple[list[Any], None, list[Any]]:  # noqa: ARG002
        """Sleep, and return a tree for each unit."""
        time.sleep(self.tree_s * len(units))
        return [self.trees[unit % len(self.trees)] for unit in units], None, []
