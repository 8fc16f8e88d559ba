"""Warnings that fits raise on workers are raised again in the person's program.

The program's filters travel with the job; what they let through on the worker comes back beside the results.
"""

from __future__ import annotations

import contextlib
import warnings
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    Warned = tuple[type[Warning], str, str, int]
    """A warning on its way: class, words, file, line."""


@contextlib.contextmanager
def listening(filters: Sequence[Any]) -> Iterator[list[warnings.WarningMessage]]:
    """Collect, on the worker, the warnings that the program's filters let through."""
    with warnings.catch_warnings(record=True) as heard:
        warnings.filters[:] = filters  # type: ignore[index]
        yield heard


def taken(heard: list[warnings.WarningMessage]) -> list[Warned]:
    """Take the warnings heard so far, in a form that travels."""
    found = [(warning.category, str(warning.message), warning.filename, warning.lineno) for warning in heard]
    heard.clear()
    return found


class Repeater:
    """Warns, in the program, of what workers warn of: once a place, as Python does by default."""

    def __init__(self) -> None:
        self._seen: set[tuple[type[Warning], str, int]] = set()

    def warn(self, warned: Iterable[Warned]) -> None:
        """Warn of what was not warned of yet."""
        for category, text, filename, line in warned:
            if (category, filename, line) not in self._seen:
                self._seen.add((category, filename, line))
                warnings.warn_explicit(text, category, filename, line)
