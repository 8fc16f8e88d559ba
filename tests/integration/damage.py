"""What a disk, a transfer or a person may do to a good file; every choice comes from a seeded generator."""

from __future__ import annotations

import itertools
import pickletools
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import random

DONE, OWN_CODE, USAGE, INPUT = 0, 1, 2, 3
"""Exit codes: a file may also stay good, or good enough."""


@dataclass(frozen=True)
class Case:
    """One damaged input.

    Parameters
    ----------
    files : dict of str to bytes
        All that lies in the folder.
    command : list of str
        Arguments of raysk.
    what : str
        What was done to the input.
    codes : set of int
        Exit codes that it may end with.
    """

    files: dict[str, bytes]
    command: list[str]
    what: str
    codes: frozenset[int] = field(default=frozenset({DONE, USAGE, INPUT}))


# --- any bytes


def cut(rng: random.Random, content: bytes) -> bytes:
    return content[: rng.randrange(len(content))]


def flip(rng: random.Random, content: bytes) -> bytes:
    changed = bytearray(content)
    for _ in range(rng.choice([1, 1, 3, 20])):
        changed[rng.randrange(len(changed))] ^= 1 << rng.randrange(8)
    return bytes(changed)


def lose(rng: random.Random, content: bytes) -> bytes:
    start = rng.randrange(len(content))
    return content[:start] + content[start + rng.randint(1, 40) :]


def repeat(rng: random.Random, content: bytes) -> bytes:
    start = rng.randrange(len(content))
    end = start + rng.randint(1, 200)
    return content[:end] + content[start:]


def noise(rng: random.Random, content: bytes) -> bytes:
    start = rng.randrange(len(content) + 1)
    return content[:start] + rng.randbytes(rng.randint(1, 60)) + content[start:]


def zeros(rng: random.Random, content: bytes) -> bytes:
    start = rng.randrange(len(content))
    return content[:start] + bytes(min(512, len(content) - start)) + content[start + 512 :]


def text_mode(_: random.Random, content: bytes) -> bytes:
    """Do what a transfer does that takes a file for text."""
    return content.replace(b"\n", b"\r\n")


def empty(_rng: random.Random, _content: bytes) -> bytes:
    return b""


def a_page(_rng: random.Random, _content: bytes) -> bytes:
    """Return what a server sends instead of a file."""
    return b"<!DOCTYPE html>\n<html><body><h1>404 Not Found</h1></body></html>\n"


BYTES = (cut, cut, flip, flip, flip, lose, repeat, noise, zeros, text_mode, empty, a_page)


# --- a pickle's instructions


def opcodes(rng: random.Random, content: bytes) -> bytes:
    """Swap, lose or repeat instructions of a pickle, or change what one imports."""
    starts = [position for _, _, position in pickletools.genops(content)] + [len(content)]
    parts = [content[start:end] for start, end in itertools.pairwise(starts)]
    first, second = sorted(rng.sample(range(len(parts)), 2))
    how = rng.randrange(4)
    if how == 0:
        parts[first], parts[second] = parts[second], parts[first]
    elif how == 1:
        del parts[first]
    elif how == 2:
        parts.insert(second, parts[first])
    else:
        old, new = rng.choice([(b"SVC", b"SVX"), (b"sklearn", b"sklaern"), (b"C", b"c"), (b"svm", b"sv_")])
        return b"".join(parts).replace(old, new)
    return b"".join(parts)
