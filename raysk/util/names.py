"""Parameters by the shortest names that tell them apart."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

SEPARATOR = "__"
"""Of scikit-learn, between an estimator and a parameter of it."""


def short_names(names: Iterable[str]) -> dict[str, str]:
    """Return for each name its shortest end, of whole parts, that no other has.

    Parameters
    ----------
    names : iterable of str
        Such as ``clf__learning_rate``.

    Returns
    -------
    dict of str to str
        In the order of `names`.
    """
    every = list(dict.fromkeys(names))
    endings = {name: _endings(name) for name in every}
    used = Counter(ending for name in every for ending in endings[name])
    return {name: next((ending for ending in endings[name] if used[ending] == 1), name) for name in every}


def _endings(name: str) -> list[str]:
    """Return "c", "b__c" and "a__b__c" of "a__b__c"."""
    parts = name.split(SEPARATOR)
    return [SEPARATOR.join(parts[-count:]) for count in range(1, len(parts) + 1)]
