"""What an object is, as a short text that is the same in every process: resume compares it.

Values count, not identity or memory layout. The name of a function or class is enough where its code is compared by
itself (`raysk.runs.code_digests`), or is a library's. What has none - a lambda, a class out of a pickle - counts with
what it was compiled to and uses; in journals that have no record of code, a person's own counts with its source.
"""

from __future__ import annotations

import functools
import inspect
import numbers
import sys
import types
from typing import TYPE_CHECKING, Any

from raysk._compat import joblib as joblib_private

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping


def fingerprint(obj: Any, *, by_name: Collection[str] = (), release: str | None = None) -> str:
    """Return the fingerprint of an object that can be pickled.

    Parameters
    ----------
    obj : object
        Arrays are hashed where they are, without a copy.
    by_name : collection of str
        Modules whose functions and classes are known by their names: their code is compared by itself.
    release : str or None
        Of scikit-learn, which writes its own into each estimator; None means this one. What an estimator is does not
        depend on it.

    Returns
    -------
    str
        40 hexadecimal digits.
    """
    return str(_hasher_class()("sha1", by_name, release).hash(obj))


def params_fingerprint(params: Mapping[str, Any], value: Callable[[Any], str] = fingerprint) -> str:
    """Return the fingerprint of a candidate's parameters; numbers and text are told by themselves, which is quick."""
    plain = [(name, plain_text(each)) for name, each in sorted(params.items())]
    return repr(plain) if all(each for _, each in plain) else value(sorted(params.items()))


def plain_text(value: Any) -> str:
    """Write a number, text or None, equal ones alike; empty for what is neither."""
    if value is None or isinstance(value, bool | str):
        return repr(value)
    if isinstance(value, float):
        return repr(float(value))
    return repr(int(value)) if isinstance(value, numbers.Integral) else ""


def distinct_objects(candidates: Iterable[Mapping[str, Any]]) -> list[Any]:
    """Return each object among the parameters of candidates that is neither number nor text, once."""
    found = {id(value): value for params in candidates for value in params.values() if type(value) not in _QUICK}
    return [value for value in found.values() if not plain_text(value)]


_QUICK = {str, int, float, bool, type(None)}
"""Most parameters are of these classes, and there may be millions."""


@functools.cache
def _hasher_class() -> Any:
    """Return joblib's hasher, which also looks into code that is not to be found by its name."""
    import cloudpickle

    class Hasher(joblib_private.numpy_hasher()):  # type: ignore[misc]
        """Hashes what pickle would write, dicts and sets in a fixed order, arrays as bytes."""

        def __init__(self, name: str, by_name: Collection[str], release: str | None) -> None:
            super().__init__(name)
            self._by_name, self._release = by_name, release
            self._by_value = cloudpickle.list_registry_pickle_by_value()
            self._seen: dict[int, Any] = {}

        def save(self, obj: Any) -> None:
            if isinstance(obj, types.FunctionType | type) and not self._is_known(obj):
                obj = (obj.__module__, obj.__qualname__, self._code(obj))
            elif type(obj) is frozenset:
                obj = (FROZEN, set(obj))  # of sets alone joblib knows that their order means nothing
            elif self._release is not None and type(obj) is dict and RELEASE in obj:
                obj = {**obj, RELEASE: self._release}
            super().save(obj)

        def _is_known(self, obj: Any) -> bool:
            """Tell whether the name says it all."""
            if _is_found(obj):
                return obj.__module__ in self._by_name or obj.__module__ not in {*self._by_value, "__main__"}
            return False

        def _code(self, obj: Any) -> tuple[Any, ...]:
            """Return what a function or class does; only its name where it is met within itself."""
            if id(obj) in self._seen:
                return ()
            self._seen[id(obj)] = obj
            as_before = obj.__module__ in self._by_value and obj.__module__ not in self._by_name
            return _source(obj) if as_before else _compiled(obj)

    return Hasher


FROZEN = "frozenset"
RELEASE = "_sklearn_version"
"""Under this name scikit-learn notes its release in the state of an estimator."""


def _is_found(obj: Any) -> bool:
    """Tell whether an object is where its name says: not a lambda, local to a function, or from a pickle."""
    found: Any = sys.modules.get(obj.__module__)
    for name in obj.__qualname__.split("."):
        found = getattr(found, name, None)
    return found is obj or obj.__module__ == "builtins"


def _source(obj: Any) -> tuple[Any, ...]:
    """Return the source of a function or class, and what a function holds on to; compiled code where none is."""
    held = _held(obj) if isinstance(obj, types.FunctionType) else ()
    try:
        return inspect.getsource(obj), held
    except (OSError, TypeError):  # made by exec
        return _compiled(obj)


def _compiled(obj: Any) -> tuple[Any, ...]:
    """Return what a function or class was compiled to, and what it uses by name."""
    if isinstance(obj, types.FunctionType):
        used = {name: obj.__globals__[name] for name in _names(obj.__code__) if name in obj.__globals__}
        return _instructions(obj.__code__), _held(obj), _told(used)
    return obj.__bases__, _told({name: each for name, each in vars(obj).items() if name not in UNTOLD})


def _told(named: Mapping[str, Any]) -> dict[str, Any]:
    """Return what has a value of the things that code uses: other code, modules, plain data."""
    told: dict[str, Any] = {}
    for name, value in named.items():
        if isinstance(value, property):
            told[name] = (value.fget, value.fset)
        elif isinstance(value, types.FunctionType | type | staticmethod | classmethod):
            told[name] = getattr(value, "__func__", value)
        elif isinstance(value, types.ModuleType):
            told[name] = value.__name__
        elif is_plain(value):
            told[name] = value
    return told


def _held(function: types.FunctionType) -> tuple[Any, ...]:
    """Return the defaults of a function, and what it has of the function around it."""
    return function.__defaults__, tuple(cell.cell_contents for cell in function.__closure__ or ())


def _names(code: types.CodeType) -> set[str]:
    """Return the names that code uses, and code within it."""
    return {*code.co_names, *(name for inner in _inner(code) for name in _names(inner))}


def _instructions(code: types.CodeType) -> tuple[Any, ...]:
    consts = tuple(_instructions(each) if isinstance(each, types.CodeType) else each for each in code.co_consts)
    return code.co_code, code.co_names, consts


def _inner(code: types.CodeType) -> list[types.CodeType]:
    return [each for each in code.co_consts if isinstance(each, types.CodeType)]


UNTOLD = {
    "__module__",
    "__qualname__",
    "__doc__",
    "__dict__",
    "__weakref__",
    "__firstlineno__",
    "__static_attributes__",
}
"""Attributes of a class that say nothing of what it does."""

PLAIN = (type(None), bool, int, float, complex, str, bytes)
CONTAINERS = (list, tuple, set, frozenset)


def is_plain(value: Any) -> bool:
    """Tell whether something is data all through: numbers, text, arrays and tables, and what holds only these."""
    if type(value) in PLAIN:
        return True
    if type(value) in CONTAINERS:
        return all(map(is_plain, value))
    if type(value) is dict:
        return all(is_plain(key) and is_plain(each) for key, each in value.items())
    library = type(value).__module__.partition(".")[0]
    if library == "numpy" and hasattr(value, "dtype"):
        return not value.dtype.hasobject or is_plain(value.tolist())
    return (library == "pandas" and hasattr(value, "iloc")) or (library == "scipy" and hasattr(value, "tocsr"))
