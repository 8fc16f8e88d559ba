"""Names that Python's own library keeps to itself."""

from __future__ import annotations

from typing import Any

from raysk._compat import private


def python_unpickler() -> Any:
    """Return the standard library's unpickler that is written in Python: its parts can be replaced one by one."""
    return private("pickle", "_Unpickler")[0]
