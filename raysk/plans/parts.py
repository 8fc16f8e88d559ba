"""What an estimator is made of, at all levels."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator


def call_fit(estimator: Any, X: Any, y: Any, fit_params: Mapping[str, Any]) -> None:
    """Call the estimator's own ``fit``, without y if there is none."""
    estimator.fit(*((X,) if y is None else (X, y)), **fit_params)


def is_estimator(value: Any) -> bool:
    """Tell whether a value has parameters of its own."""
    return callable(getattr(value, "get_params", None)) and not isinstance(value, type)


def parameters(value: Any, *, deep: bool = False) -> Mapping[str, Any]:
    """Return an estimator's parameters; none if it cannot tell them, which fitting it does not need."""
    try:
        found = value.get_params(deep=deep)
    except Exception:  # noqa: BLE001 - a class of the person's may fail here, in any way
        return {}
    return found if isinstance(found, Mapping) else {}


def parts(value: Any) -> Iterator[Any]:
    """Yield an estimator, its parameters, theirs, and what is in their lists and dictionaries: each object once."""
    seen: dict[int, Any] = {}  # the objects are kept, so that no id is used twice
    todo = [value]
    while todo:
        part = todo.pop()
        if id(part) in seen:
            continue
        seen[id(part)] = part
        yield part
        todo.extend(_within(part))


def _within(part: Any) -> Iterator[Any]:
    if is_estimator(part):
        yield from parameters(part).values()
    elif isinstance(part, dict):
        yield from part.keys()
        yield from part.values()
    elif isinstance(part, list | tuple | set | frozenset):
        yield from part
