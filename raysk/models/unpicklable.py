"""Say which part of an object cannot be pickled."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from raysk.errors import Unpicklable
from raysk.util.words import error_line

if TYPE_CHECKING:
    from collections.abc import Iterator

BLAME_DEPTH = 10
"""How many levels down the part that cannot be pickled is looked for: a step's attribute's item is three."""


def unpicklable_error(obj: Any, err: Exception, purpose: str) -> Unpicklable:
    """Return an error that names the part of an object that cannot be pickled.

    Parameters
    ----------
    obj : object
    err : Exception
        What pickling it raised.
    purpose : str
        What it was pickled for: "saved", "sent to the workers".
    """
    where, cause = _blame(obj, type(obj).__name__, err, BLAME_DEPTH)
    return Unpicklable(
        f"{type(obj).__name__} cannot be {purpose}: {where} cannot be pickled.\n{error_line(cause)}\n"
        "Make it when it is needed instead of keeping it, or leave it out in __getstate__."
    )


def _blame(obj: Any, where: str, err: Exception, depth: int) -> tuple[str, Exception]:
    """Follow the first part that cannot be pickled, then its first such part, and so on."""
    import cloudpickle

    for name, part in _parts(obj) if depth else ():
        try:
            cloudpickle.dumps(part)
        except Exception as cause:  # noqa: BLE001, PERF203 - what a person's __reduce__ raises is what we look for
            return _blame(part, where + name, cause, depth - 1)
    return where, err


def _parts(obj: Any) -> Iterator[tuple[str, Any]]:
    """Yield what an object holds, each with how one writes the way to it in Python."""
    if isinstance(obj, Mapping):
        yield from ((f"[{key!r}]", value) for key, value in obj.items())
    elif isinstance(obj, (list, tuple)):
        yield from ((f"[{at}]", value) for at, value in enumerate(obj))
    elif not isinstance(obj, type):
        yield from ((f".{name}", value) for name, value in _state(obj).items())


def _state(obj: Any) -> dict[str, Any]:
    # A class may leave out of its state what cannot be pickled: then that is not to blame.
    with contextlib.suppress(Exception):
        state = obj.__getstate__()
        if isinstance(state, dict):
            return state
    return dict(getattr(obj, "__dict__", {}))
