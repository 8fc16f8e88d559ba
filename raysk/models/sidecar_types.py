"""Check the types of all that raysk reads from a sidecar.

Somebody or something may have changed the file. A value of another type than raysk writes is taken for unknown.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_LONGEST_NAME = 255  # bytes, as file systems have it
_MOST = 2**63  # of things that can be counted


def check_types(described: dict[str, Any]) -> dict[str, Any]:
    """Return a sidecar with None for each value of the wrong type.

    Parameters
    ----------
    described : dict
        As it was read.

    Returns
    -------
    dict
        With the same keys; what raysk does not read stays as it is.
    """
    return _fields(described, _KINDS)


def _fields(value: dict[str, Any], kinds: Mapping[str, Callable[[Any], Any]]) -> dict[str, Any]:
    return {name: kinds[name](each) if name in kinds else each for name, each in value.items()}


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else None


def _count(value: Any) -> int | None:
    return value if type(value) is int and 0 <= value < _MOST else None


def _dict(value: Any) -> dict[str, Any] | None:
    return value if isinstance(value, dict) else None


def _list(value: Any) -> list[Any] | None:
    return value if isinstance(value, list) else None


def _texts(value: Any) -> list[str] | None:
    return value if isinstance(value, list) and all(isinstance(each, str) for each in value) else None


def _texts_or_none(value: Any) -> list[str | None] | None:
    return value if isinstance(value, list) and all(isinstance(each, str | None) for each in value) else None


def _lists(value: Any) -> list[list[Any] | None] | None:
    """Take the categories of each column."""
    several = isinstance(value, list) and all(isinstance(each, list | None) for each in value)
    plain = several and all(isinstance(one, bool | int | float | str) for each in value for one in each or ())
    return value if plain else None


def _counts(value: Any) -> list[int] | None:
    return value if isinstance(value, list) and all(_count(each) is not None for each in value) else None


def _dtype(value: Any) -> str | list[str | None] | None:
    """Take one type for all columns, or one per column, unknown ones among them."""
    several = isinstance(value, list) and all(isinstance(each, str | None) for each in value)
    return value if several or isinstance(value, str) else None


def _versions(value: Any) -> dict[str, str | None] | None:
    return {name: _text(each) for name, each in value.items()} if isinstance(value, dict) else None


def _file_name(value: Any) -> str | None:
    """Take the name of a file beside the sidecar."""
    if not isinstance(value, str) or value in {"", ".", ".."} or set(value) & set("/\0"):
        return None
    try:
        return value if len(os.fsencode(value)) <= _LONGEST_NAME else None
    except UnicodeEncodeError:
        return None


def _file(value: Any) -> dict[str, Any] | None:
    kinds = {"name": _file_name, "size_bytes": _count, "sha256": _text}
    return _fields(value, kinds) if isinstance(value, dict) else None


def _table(value: Any) -> dict[str, Any] | None:
    """Take what is said of X or y; nothing of it where a part is wrong, as the parts mean little without each other."""
    kinds: dict[str, Callable[[Any], Any]] = {"type": _text, "shape": _counts, "dtype": _dtype, "columns": _texts}
    kinds |= {"categories": _lists, "dates": _texts_or_none, "sha256": _text}
    if not isinstance(value, dict):
        return None
    parts = _fields(value, kinds)
    return None if any(parts[name] is None and value[name] is not None for name in value) else parts


def _data(value: Any) -> dict[str, Any] | None:
    return _fields(value, {"X": _table, "y": _table, "sha256": _text}) if isinstance(value, dict) else None


_KINDS: dict[str, Callable[[Any], Any]] = {
    **dict.fromkeys(("created", "estimator", "source", "source_hash"), _text),
    **dict.fromkeys(("parameters", "scores"), _dict),
    "versions": _versions,
    "data": _data,
    "file": _file,
    "feature_names_in": _texts,
    "n_features_in": _count,
    "classes": _list,
}
