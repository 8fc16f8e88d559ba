"""Parameters as JSON that keeps Python's types, so that what an earlier run tried can be tried again.

    1  1.5  "a"  true  null  [1, 2]      as they are
    (1, 2)  {3}  b"a"  {1: 2}  nan  inf  {"python": "(1, 2)"}: how Python writes them
    estimators, functions, arrays        {"object": "SVC(C=10)"}: they do not come back; read as `Opaque`

Nothing is unpickled or evaluated when they are read: what Python writes is parsed by `ast.literal_eval`.
"""

from __future__ import annotations

import ast
import functools
import math
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from raysk.util.jsonable import describe

PYTHON, OBJECT = "python", "object"
MOST_ELEMENTS = 1000
"""Longer lists and texts do not come back."""

MOST_TEXT = 120
"""So many characters are written of what does not come back."""

_NOT_LITERALS = {"nan": math.nan, "inf": math.inf, "-inf": -math.inf}


@dataclass(frozen=True)
class Opaque:
    """A value that only the person's own code can make again; `text` is how it was written."""

    text: str

    def __repr__(self) -> str:
        return self.text


class Encoder:
    """Encodes the parameters of many candidates: an object that comes again is described once, which takes long."""

    def __init__(self) -> None:
        self._known: dict[int, tuple[Any, Any]] = {}  # holds the object, so that its id stays its own

    def __call__(self, params: Mapping[str, Any]) -> dict[str, Any]:
        """Return parameters in a form that ``json.dumps`` can write with ``allow_nan=False``."""
        return {str(name): self._encode(value) for name, value in params.items()}

    def _encode(self, value: Any) -> Any:
        if value is None or isinstance(value, bool | int | float | str):
            return encode(value)
        if id(value) not in self._known:
            self._known[id(value)] = value, encode(value)
        return self._known[id(value)][1]


def encode_params(params: Mapping[str, Any]) -> dict[str, Any]:
    """Return the parameters of one candidate; see `Encoder`."""
    return Encoder()(params)


def decode_params(record: Any) -> dict[str, Any]:
    """Return the parameters that `encode_params` has encoded; an empty dict for what is none."""
    return {name: decode(value) for name, value in record.items()} if isinstance(record, Mapping) else {}


def encode(value: Any) -> Any:
    """Return a value as JSON, with a mark where JSON has no such type. numpy's scalars become Python's."""
    value = _python(value)
    if value is None or isinstance(value, bool) or type(value) is int:
        return value
    if isinstance(value, str) and len(value) <= MOST_ELEMENTS:
        return str(value)
    if type(value) is float:
        return value if math.isfinite(value) else {PYTHON: repr(value)}
    if type(value) is list and len(value) <= MOST_ELEMENTS:
        return [encode(each) for each in value]
    if type(value) in {tuple, set, frozenset, bytes, complex, dict} and _is_literal(value):
        return {PYTHON: repr(value)}
    return {OBJECT: describe(value)[:MOST_TEXT]}


def decode(value: Any) -> Any:
    """Return the value that `encode` has encoded; `Opaque` for what does not come back."""
    if isinstance(value, list):
        return [decode(each) for each in value]
    if not isinstance(value, Mapping):
        return value
    if isinstance(text := value.get(PYTHON), str):
        try:
            return _NOT_LITERALS[text] if text in _NOT_LITERALS else ast.literal_eval(text)
        except (ValueError, SyntaxError, MemoryError, RecursionError):
            return Opaque(text)
    return Opaque(str(value.get(OBJECT, value)))


def value_text(value: Any) -> str:
    """Return a value as a cell of a table has it: text as it is, all else as Python writes it; see `value_of_text`."""
    if isinstance(value, str):
        return _text_cell(str(value))
    return value.text if isinstance(value, Opaque) else repr(_python(value))


@functools.lru_cache  # a column has few of them, many times
def _text_cell(text: str) -> str:
    return text if text and value_of_text(text) is text else repr(text)


def value_of_text(text: str) -> Any:
    """Return the value that a cell of a table shows: a Python literal, else the text itself."""
    try:
        return _NOT_LITERALS[text] if text in _NOT_LITERALS else ast.literal_eval(text)
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
        return text


def _python(value: Any) -> Any:
    """Return a number of numpy's, also in a tuple, as Python's own."""
    numpy = sys.modules.get("numpy")
    if numpy is not None and isinstance(value, numpy.bool_ | numpy.integer | numpy.floating | numpy.str_):
        return value.item()
    return tuple(map(_python, value)) if type(value) is tuple else value


def _is_literal(value: Any) -> bool:
    """Tell whether what Python writes of a value reads back as an equal one; NaN within a tuple does not."""
    try:
        if len(value) > MOST_ELEMENTS:
            return False
    except TypeError:  # a complex number
        pass
    try:
        return bool(ast.literal_eval(repr(value)) == value)
    except (ValueError, SyntaxError, MemoryError, RecursionError, TypeError):
        return False
