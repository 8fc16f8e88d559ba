"""How many bytes an array takes in a file of joblib's, worked out from the placeholder that announces it.

joblib takes that many bytes out of the file before the next instruction. Whoever takes another number reads other
instructions than joblib. So only what joblib itself writes is accepted, to the letter; all else is `Unclear`.
"""

from __future__ import annotations

import math
import re
from typing import Any

from raysk.models.placeholders import Made, Table, Unclear

DTYPE = "numpy.dtype"
ALIGNMENT = "numpy_array_alignment_bytes"

_KEYS = ("subclass", "shape", "order", "dtype", "allow_mmap", ALIGNMENT)  # the last one since joblib 1.2
_SUBCLASSES = {"numpy.ndarray", "numpy.memmap", "numpy.matrix", "numpy.matrixlib.defmatrix.matrix"}
_NUMBERS = {"b1", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "f2", "f4", "f8", "f12", "f16", "c8", "c16", "c24"}
_NUMBERS |= {"c32"}
_HAS_OBJECT = 1  # the first of numpy's flags of a dtype: the items are, or hold, pointers to objects
_OBJECT_FLAGS = 63
_PLAIN_STATE, _STATE_WITH_UNIT = (3, 8), (4, 9)  # its version, and its length
_INNER = ("dtype", "shape")
_FIELD = {2, 3}  # dtype, place, perhaps a title
_MOST_BYTES = 2**62  # joblib counts with 64 bits


def array_bytes(state: Any) -> int | None:
    """Return how many bytes an array takes, without what aligns them; None if it is a pickle of its own.

    Parameters
    ----------
    state : object
        Of joblib's ``NumpyArrayWrapper``.

    Raises
    ------
    Unclear
        If it is not what joblib writes.
    """
    if type(state) is not Table or tuple(state) not in {_KEYS, _KEYS[:-1]}:
        raise Unclear("an array in it is announced in a way that is not joblib's")
    subclass, shape, order, dtype, maps = (state[key] for key in _KEYS[:5])
    plain = isinstance(subclass, Made) and subclass.is_name and subclass.name in _SUBCLASSES
    if not plain or order not in ("C", "F") or not isinstance(maps, bool) or state.get(ALIGNMENT) not in (None, 16):
        raise Unclear("an array in it is announced in a way that is not joblib's")
    if type(shape) is not tuple or not all(type(length) is int and 0 <= length <= _MOST_BYTES for length in shape):
        raise Unclear("an array in it has a shape of something else than numbers")
    size_bytes, has_objects = _item(dtype)
    # an empty array counts for none, and its other lengths may be anything
    if size_bytes <= 0 or math.prod(max(length, 1) for length in shape) * size_bytes > _MOST_BYTES:
        raise Unclear("an array in it has no size that can be told")
    if has_objects and maps:
        raise Unclear("an array of objects in it says that it can be mapped into memory")
    return None if has_objects else math.prod(shape) * size_bytes


def check_dtype(dtype: Made) -> None:
    """Look at a dtype wherever it stands: numpy believes what it is told, and may crash or read what is not there.

    Raises
    ------
    Unclear
        If it is not as numpy writes it.
    """
    _item(dtype)


def _item(dtype: Any) -> tuple[int, bool]:
    """Return the size of an item in bytes, and whether it holds objects."""
    if isinstance(dtype, Made) and dtype.name == DTYPE and type(dtype.arguments) is tuple:
        kind, *rest = dtype.arguments or (None,)
        found = re.fullmatch(r"([a-zA-Z])(\d{0,10})", kind) if isinstance(kind, str) else None
        if found and rest == [False, True] and type(dtype.state) is tuple and len(dtype.state) in {8, 9}:
            return _item_of(found[1], int(found[2] or 0), dtype.state)
    raise _odd_dtype()


def _item_of(letter: str, digits: int, state: tuple[Any, ...]) -> tuple[int, bool]:
    """Compare a dtype's state with what numpy writes for its kind."""
    order = state[1]
    if order not in ("<", ">", "|", "="):
        raise _odd_dtype()
    plain: dict[str, tuple[int, tuple[Any, ...]]] = {
        "S": (digits, (3, "|", None, None, None, digits, 1, 0)),
        "U": (4 * digits, (3, order, None, None, None, 4 * digits, 4, 8)),
        "O": (8, (3, "|", None, None, None, -1, -1, _OBJECT_FLAGS)),
    }
    if f"{letter}{digits}" in _NUMBERS:
        plain[letter] = (digits, (3, order, None, None, None, -1, -1, 0))
    if letter in plain and state == plain[letter][1]:
        return plain[letter][0], letter == "O"
    # times have their unit behind it, which does not change their size
    version = (state[0], len(state))
    if (
        letter in "Mm"
        and digits in {0, 8}
        and version == _STATE_WITH_UNIT
        and state[2:8] == (None, None, None, -1, -1, 0)
    ):
        return 8, False
    if letter == "V" and version == _PLAIN_STATE and state[5] == digits:
        return _structure(digits, state)
    raise _odd_dtype()


def _structure(size_bytes: int, state: tuple[Any, ...]) -> tuple[int, bool]:
    """Look at the fields of a structure, or at the item of an array within an array."""
    _, _, inner, names, fields, _, _, flags = state
    parts = [(*inner, 0)[::2]] if type(inner) is tuple and len(inner) == len(_INNER) else []
    if fields is not None:
        if type(fields) is not Table or type(names) is not tuple:
            raise _odd_dtype()
        parts += fields.values()
    elif inner is not None and not parts:
        raise _odd_dtype()
    has_objects = False
    for part in parts:
        if type(part) is not tuple or len(part) not in _FIELD or type(part[1]) is not int or part[1] < 0:
            raise _odd_dtype()
        part_bytes, objects = _item(part[0])
        has_objects |= objects
        if part[1] + part_bytes > size_bytes:
            raise _odd_dtype()
    if type(flags) is not int or bool(flags & _HAS_OBJECT) != has_objects:
        raise _odd_dtype()
    return size_bytes, has_objects


def _odd_dtype() -> Unclear:
    return Unclear("a dtype in it is not as numpy writes it")
