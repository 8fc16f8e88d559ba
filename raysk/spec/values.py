"""``--set`` and ``--space`` text -> Python values."""

from __future__ import annotations

import ast
import json
from typing import Any

from raysk.errors import UsageError


def parse_value(text: str) -> Any:
    """Read a value as a Python literal, else as JSON, else as the text itself.

    Parameters
    ----------
    text : str
        For example ``10``, ``[1, 2]``, ``None``, ``true`` or ``rbf``.

    Returns
    -------
    object
    """
    try:
        return ast.literal_eval(text.strip())
    except (ValueError, SyntaxError, TypeError, RecursionError, MemoryError):
        return _json_or_text(text)


def _json_or_text(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text


def parse_setting(text: str) -> tuple[str, Any]:
    """Split ``name=value`` at its first ``=``.

    Parameters
    ----------
    text : str

    Returns
    -------
    tuple of (str, object)
        The name, and the value as `parse_value` reads it.

    Raises
    ------
    UsageError
        If there is no ``=``, or nothing before it.
    """
    name, equals, value = text.partition("=")
    if not equals or not name.strip():
        raise UsageError(f"{text!r} sets nothing: write NAME=VALUE, for example C=10 or svc__kernel=rbf.")
    return name.strip(), parse_value(value)
