"""Parse values, settings, sizes and times; `raysk.request.distributions` parses ``--space``."""

from __future__ import annotations

import ast
import json
import re
from typing import Any

from raysk.errors import UsageError


def parse_value(text: str) -> Any:
    """Read a value as a Python literal, else as JSON, else as the text itself.

    Parameters
    ----------
    text : str
        For example ``10``, ``[1, 2]``, ``None``, ``true`` or ``rbf``.
    """
    try:
        return ast.literal_eval(text.strip())
    except (ValueError, SyntaxError, TypeError, RecursionError, MemoryError):
        pass
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text


def is_float(text: str) -> bool:
    """Return whether a text can be read as a number."""
    try:
        float(text)
    except ValueError:
        return False
    return True


def split_setting(text: str) -> tuple[str, str]:
    """Split ``name=text`` at its first ``=``.

    Raises
    ------
    UsageError
        If there is no ``=``, or nothing before it.
    """
    name, equals, value = text.partition("=")
    if not equals or not name.strip():
        raise UsageError(f"{text!r} sets nothing: write NAME=VALUE, for example C=10 or svc__kernel=rbf.")
    return name.strip(), value


def parse_setting(text: str) -> tuple[str, Any]:
    """Split ``name=value`` as `split_setting` does, and read the value as `parse_value` does."""
    name, value = split_setting(text)
    return name, parse_value(value)


def parse_values(text: str) -> list[Any]:
    """Read several values with commas between them; commas within brackets and quotes do not count.

    Parameters
    ----------
    text : str
        For example ``rbf,linear``, ``None,balanced``, ``0.1,1,10``, ``(50,),(100,50)`` or ``[0.1, 1, 10]``.
    """
    for read in (ast.literal_eval, json.loads):
        try:
            values = read(f"[{text}]")
        except (ValueError, SyntaxError, TypeError, RecursionError, MemoryError):
            continue
        alone = len(values) == 1 and isinstance(values[0], list)
        return list(values[0]) if alone else list(values)
    return [parse_value(part.strip()) for part in text.split(",")]


_SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*(?:([kmgt])(i?))?b?", re.IGNORECASE)


def parse_size(text: str, option: str) -> int:
    """Read an amount of memory such as ``4GB``, ``500 MiB``, ``1.5g``, or a number of bytes, above 0.

    Raises
    ------
    UsageError
        Naming the option.
    """
    if match := _SIZE.fullmatch(text.strip()):
        number, prefix, binary = match.groups()
        power = " kmgt".index((prefix or " ").lower())
        size = int(float(number) * (1024 if binary else 1000) ** power)
        if size > 0:
            return size
    raise UsageError(f"{option} {text}: this is not an amount of memory. Write for example 4GB or 500MiB.")


_DURATION = re.compile(r"(?:(\d+(?:\.\d+)?)h)?(?:(\d+(?:\.\d+)?)m)?(?:(\d+(?:\.\d+)?)s?)?", re.IGNORECASE)
_SECONDS = (3600.0, 60.0, 1.0)


def parse_duration(text: str, option: str) -> float | None:
    """Read a time such as ``90s``, ``30m``, ``1h30m``, or a number of seconds; None for 0: no limit, as for timeout(1).

    Raises
    ------
    UsageError
        Naming the option.
    """
    match = _DURATION.fullmatch(text.strip())
    parts = [float(part) * unit for part, unit in zip(match.groups(), _SECONDS, strict=False) if part] if match else []
    if not parts:
        raise UsageError(f"{option} {text}: this is no time. Write for example 90s, 30m or 1h30m.")
    return sum(parts) or None
