"""Short texts of what a part of a journal is made with. A resume that is refused quotes what was and what is.

    {"estimator": {"": "SVC", "C": "1.0", ...}, "data": {"X": "float64 (1797, 64)", ...}, "splits": {"": "5"}, ...}

The texts are for reading only: fingerprints tell whether something is the same.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from raysk.util.words import printable

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    Texts = Mapping[str, Mapping[str, str]]

LONGEST = 60
"""Characters of one value: several go into one line of a message."""

MOST = 200
"""Texts of one part: an estimator may have any number of parts."""


def summarize_parts(parts: Mapping[str, Any], splits: Sequence[Any]) -> dict[str, dict[str, str]]:
    """Return texts of the parts and splits that `Journal.round` takes."""
    texts = {name: _texts_of(name, part) for name, part in parts.items()}
    sizes = dict.fromkeys(" / ".join(map(_size, split)) for split in splits)
    texts["splits"] = {"": f"{len(splits)} of {', '.join(list(sizes)[:2])} rows"}
    return {name: dict(list(each.items())[:MOST]) for name, each in texts.items()}


def describe_differences(then: Texts, now: Texts, names: Iterable[str]) -> str:
    """Return how changed parts differ, as "C was 1.0 and is 2.0"; empty if no texts are known."""
    found = []
    for part in names:
        old, new = then.get(part, {}), now.get(part, {})
        other = [name for name in {**old, **new} if old.get(name) != new.get(name)] if old and new else []
        found += [f"{name or part} was {old.get(name, 'not there')} and is {new.get(name, 'gone')}" for name in other]
        if old and new and not other:
            found.append(f"{part}: other values in the same form")
    more = f"; and {len(found) - 3} more" if len(found) > 3 else ""  # noqa: PLR2004 - what fits into two lines
    return "; ".join(found[:3]) + more


def check_summaries(said: Any) -> dict[str, dict[str, str]]:
    """Return the texts of a record that a file holds, without values of other types."""
    parts = said if isinstance(said, dict) else {}
    return {
        name: {key: _cut(text) for key, text in each.items() if isinstance(text, str)}
        for name, each in parts.items()
        if isinstance(each, dict)
    }


def _texts_of(name: str, part: Any) -> dict[str, str]:
    if name == "estimator":
        return _of_estimator(part)
    if name == "data":
        return {key: _text(each) for key, each in zip(("X", "y", "fit parameters", "scorer's"), part, strict=False)}
    if name == "options":
        return dict(zip(("error_score", "return_train_score"), map(_text, part), strict=False))
    names = getattr(part, "_scorers", None)
    return {"": ", ".join(names) if isinstance(names, dict) else _text(part)}


def _of_estimator(estimator: Any) -> dict[str, str]:
    try:
        params = dict(estimator.get_params(deep=True))
    except Exception:  # noqa: BLE001 - a person's class may do anything here
        params = {}
    return {"": type(estimator).__name__, **{str(name): _text(value) for name, value in params.items()}}


def _text(value: Any) -> str:
    """Return a short text of a value: the type and shape of an array, the class of an estimator."""
    if hasattr(value, "shape") and hasattr(value, "__len__"):
        kind = getattr(value, "dtype", None) or type(value).__name__
        return _cut(f"{kind} {tuple(value.shape)}")
    if hasattr(value, "get_params"):
        return type(value).__name__
    if isinstance(value, Mapping):
        return _cut(", ".join(map(str, value)) or "none")
    if isinstance(value, list | tuple) and len(value) > LONGEST:
        return f"{type(value).__name__} of {len(value)}"
    try:
        return _cut(re.sub(r" at 0x[0-9a-f]+", "", repr(value)))
    except Exception:  # noqa: BLE001 - as above
        return type(value).__name__


def _cut(text: str) -> str:
    line = printable(" ".join(text.split()))
    return line if len(line) <= LONGEST else line[: LONGEST - 3] + "..."


def _size(rows: Any) -> str:
    return f"{len(rows):,}" if hasattr(rows, "__len__") else "?"
