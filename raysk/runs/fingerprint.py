"""What an object is, as a short text that is the same in every process: resume compares it.

Values count, not identity or memory layout. A function or class that travels by value, as those of the person's own
files do, counts with its source: the same name may stand for other code today.
"""

from __future__ import annotations

import inspect
import numbers
import types
from typing import TYPE_CHECKING, Any

from raysk import _compat

if TYPE_CHECKING:
    from collections.abc import Mapping


def fingerprint(obj: Any) -> str:
    """Return the fingerprint of an object that can be pickled.

    Parameters
    ----------
    obj : object
        Arrays are hashed where they are, without a copy.

    Returns
    -------
    str
        40 hexadecimal digits.
    """
    return str(_hasher_class()("sha1").hash(obj))


def params_fingerprint(params: Mapping[str, Any]) -> str:
    """Return the fingerprint of a candidate's parameters; numbers and text are told by themselves, which is quick."""
    plain = [(name, _plain(value)) for name, value in sorted(params.items())]
    return repr(plain) if all(value for _, value in plain) else fingerprint(sorted(params.items()))


def _plain(value: Any) -> str:
    """Write a number, text or None; empty for what is neither."""
    if value is None or isinstance(value, bool | str):
        return repr(value)
    if isinstance(value, numbers.Integral):
        return repr(int(value))
    return repr(float(value)) if isinstance(value, float) else ""


def _hasher_class() -> Any:
    """Return joblib's hasher, which also looks into code that travels by value."""
    import cloudpickle

    by_value = cloudpickle.list_registry_pickle_by_value()

    class Hasher(_compat.numpy_hasher()):  # type: ignore[misc]
        """Hashes what pickle would write, dicts and sets in a fixed order, arrays as bytes."""

        def save(self, obj: Any) -> None:
            if isinstance(obj, types.FunctionType | type) and _is_own(obj, by_value):
                obj = (obj.__module__, obj.__qualname__, _code(obj))
            super().save(obj)

    return Hasher


def _is_own(obj: Any, by_value: set[str]) -> bool:
    return obj.__module__ in by_value or "<" in obj.__qualname__  # <lambda>, or local to a function


def _code(obj: Any) -> Any:
    """Return the source of a function or class, and what a function holds on to; compiled code where no source is."""
    held: tuple[Any, ...] = ()
    if isinstance(obj, types.FunctionType):
        held = (obj.__defaults__, tuple(cell.cell_contents for cell in obj.__closure__ or ()))
    try:
        return inspect.getsource(obj), held
    except (OSError, TypeError):  # made by exec, or unpickled
        pass
    if isinstance(obj, types.FunctionType):
        code = obj.__code__
        consts = [const for const in code.co_consts if not isinstance(const, types.CodeType)]
        return code.co_code, code.co_names, repr(consts), held
    methods = {name: each for name, each in vars(obj).items() if isinstance(each, types.FunctionType)}
    return sorted((name, repr(_code(each))) for name, each in methods.items())
