"""Warnings that fits raise on workers are raised again in the person's program.

The program's filters travel with the job; what they let through on the worker comes back beside the results.
"""

from __future__ import annotations

import contextlib
import copy
import sys
import warnings
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    Warned = tuple[Warning, str, int]
    """A warning on its way: itself, file, line."""


@contextlib.contextmanager
def listening(filters: Sequence[Any]) -> Iterator[list[warnings.WarningMessage]]:
    """Collect, on the worker, the warnings that the program's filters let through."""
    with warnings.catch_warnings(record=True) as heard:
        warnings.filters[:] = filters  # type: ignore[index]
        yield heard


def pop_warnings(heard: list[warnings.WarningMessage]) -> list[Warned]:
    """Take the warnings heard so far, in a form that travels."""
    found = [(_portable(warning), warning.filename, warning.lineno) for warning in heard]
    heard.clear()
    return found


def _portable(warning: warnings.WarningMessage) -> Warning:
    """Return the warning itself, or one with its words where its class makes no copies."""
    try:
        copy.copy(warning.message)  # the way pickle makes it
    except Exception:  # noqa: BLE001 - any class may fail here, in any way
        return UserWarning(f"{warning.category.__name__}: {warning.message}")
    return warning.message if isinstance(warning.message, Warning) else warning.category(warning.message)


class Repeater:
    """Warns, in the program, of what workers warn of: each text once a place, as Python does by default."""

    def __init__(self) -> None:
        self._seen: set[tuple[str, str, int]] = set()

    def warn(self, warned: Iterable[Warned]) -> None:
        """Warn of what was not warned of yet."""
        for warning, filename, line in warned:
            if (str(warning), filename, line) not in self._seen:
                self._seen.add((str(warning), filename, line))
                warnings.warn_explicit(warning, None, filename, line, module=_module(filename))


def _module(filename: str) -> str | None:
    """Return the name of the module that a file is, so that filters by module match; None if it is not loaded."""
    return next((name for name, each in list(sys.modules.items()) if getattr(each, "__file__", None) == filename), None)
