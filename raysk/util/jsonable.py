"""Any object -> valid JSON: for stdout, for the manifest and for a model's sidecar.

JSON knows no NaN and no estimators; scikit-learn's results are full of both. What JSON cannot say becomes
null (NaN, infinity, masked) or text (all else), so that no summary fails on what a person searched over.
"""

from __future__ import annotations

import json
import math
import os
import re
import sys
from collections.abc import Mapping
from datetime import date, time
from decimal import Decimal
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

# Memory addresses differ from run to run and tell the reader nothing.
_ADDRESS = re.compile(r" at 0x[0-9a-fA-F]+")

MOST = 1000
"""Most elements that are written one by one; nobody reads more, and a million of them take 20 MB."""


def to_json(obj: Any, *, indent: int | None = None) -> str:
    """Write any object as valid JSON.

    Parameters
    ----------
    obj : object
        See `plain` for how it is read.
    indent : int or None
        Spaces per level; None writes one line.

    Returns
    -------
    str
        ASCII only, so that any terminal and any locale can carry it.
    """
    return json.dumps(plain(obj), indent=indent, allow_nan=False)


def read_object(path: Path, most_bytes: int | None = None) -> dict[str, Any] | None:
    """Return the JSON object that a file holds; None if it holds none, cannot be read, or has more bytes than these.

    A pipe or device holds none: reading it would wait.
    """
    try:
        if not path.is_file() or (most_bytes is not None and path.stat().st_size > most_bytes):
            return None
        found = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def plain(obj: Any, *, brief: bool = False) -> Any:
    """Reduce an object to dicts, lists, text, numbers, booleans and None.

    Parameters
    ----------
    obj : object
        numpy scalars become Python's, NaN, infinities and masked values become None, keys become text; estimators,
        functions, distributions and other objects become their `repr`. Arrays become lists; of those with more than
        `MOST` elements only the type, the shape, the dtype and a hash are written.
    brief : bool
        Whether long texts, bytes, lists, sets and dicts are shortened, too.

    Returns
    -------
    object
        What `json.dumps` can write with ``allow_nan=False``.
    """
    try:
        return _plain(obj, brief=brief)
    except RecursionError:  # a container that holds itself
        return describe(obj)


def plain_parameter(value: Any) -> Any:
    """Reduce the value of a parameter, or a dict of parameters, as `plain` does, and shorten all that is long."""
    return plain(value, brief=True)


def _outline(value: Any) -> dict[str, Any]:
    """Describe a long value by its type, its size and its hash, which is that of ``joblib.hash``."""
    import joblib

    kind = type(value).__name__
    size = (
        {"shape": list(value.shape), "dtype": str(value.dtype)} if hasattr(value, "dtype") else {"length": len(value)}
    )
    try:
        digest = joblib.hash(value)
    except Exception:  # noqa: BLE001 - what it holds may refuse to be pickled in any way
        digest = None
    return {"type": kind, **size, "hash": digest}


def describe(obj: Any) -> str:
    """Return the `repr` of an object without memory addresses; a scipy distribution as it is written."""
    try:
        return _distribution(obj) or _ADDRESS.sub("", repr(obj))
    except Exception:  # noqa: BLE001 - a person's broken __repr__ must not cost them the run's results
        return f"<{type(obj).__name__}>"


def _distribution(obj: Any) -> str | None:
    """Return ``uniform(0, 1)`` for a frozen scipy distribution, whose `repr` names its class only."""
    name = getattr(getattr(obj, "dist", None), "name", None)
    args, kwds = getattr(obj, "args", None), getattr(obj, "kwds", None)
    if not (isinstance(name, str) and isinstance(args, tuple) and isinstance(kwds, dict)):
        return None
    parts = [str(value) for value in args] + [f"{key}={value}" for key, value in kwds.items()]
    return f"{name}({', '.join(parts)})"


def _plain(obj: Any, *, brief: bool = False) -> Any:
    if brief and isinstance(obj, str | bytes | Mapping | list | tuple | set | frozenset) and len(obj) > MOST:
        return _outline(obj)
    if isinstance(obj, float):
        obj = float(obj) if math.isfinite(obj) else None
    if obj is None or isinstance(obj, (bool, int, str, float)):
        return obj
    if isinstance(obj, Mapping):
        return {key if isinstance(key, str) else str(key): _plain(value, brief=brief) for key, value in obj.items()}
    if isinstance(obj, (list, tuple)):
        return [_plain(value, brief=brief) for value in obj]
    if isinstance(obj, (set, frozenset)):
        return sorted((_plain(value, brief=brief) for value in obj), key=repr)  # texts change order from run to run
    return _plain_object(obj)


def _plain_object(obj: Any) -> Any:
    # If numpy was never imported then this is no numpy object, and `raysk runs` need not pay for the import.
    numpy = sys.modules.get("numpy")
    if numpy is not None and isinstance(obj, numpy.ndarray):
        return _plain_array(obj)
    if numpy is not None and isinstance(obj, numpy.generic):
        return _plain_scalar(obj, numpy)
    if isinstance(obj, date | time):
        return obj.isoformat()
    if isinstance(obj, Decimal):  # a JSON number would be read as a float
        return str(obj)
    if isinstance(obj, os.PathLike):
        return os.fspath(obj)
    return describe(obj)


def _plain_array(array: Any) -> Any:
    if array.size > MOST:
        return _outline(array)
    if array.dtype.kind in "mM":  # tolist() turns nanoseconds into bare integers
        return [_plain(value) for value in array] if array.ndim else _plain(array[()])
    return _plain(array.tolist())


def _plain_scalar(scalar: Any, numpy: Any) -> Any:
    if isinstance(scalar, (numpy.datetime64, numpy.timedelta64)):
        return None if numpy.isnat(scalar) else str(scalar)
    if isinstance(scalar, numpy.floating):  # long doubles too, whose item() is no Python float
        return _plain(float(scalar))
    return _plain(scalar.item()) if isinstance(scalar, (numpy.bool_, numpy.integer)) else describe(scalar)
