"""The instructions of a pickle, read one by one, with bounds on what is read and what is kept.

`pickletools` knows each instruction and how its argument is written. What it reads is not bounded, and it does not look
at frames: two readers of pickles read a frame that lies in two ways.
"""

from __future__ import annotations

import io
import pickletools
from pickletools import (
    TAKEN_FROM_ARGUMENT1,
    TAKEN_FROM_ARGUMENT4,
    TAKEN_FROM_ARGUMENT4U,
    TAKEN_FROM_ARGUMENT8U,
    UP_TO_NEWLINE,
)
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

MOST_INSTRUCTIONS = 2 * 10**7  # some 20 s; a forest of 1,000 trees has 10**5, a vocabulary of a million words 5 * 10**6
MOST_KEPT_BYTES = 2**28  # of long texts and bytes, all together
LONGEST_KEPT_BYTES = 2**24  # longer ones are data: nobody pickles a class of 16 MB
LONGEST_LINE = 2**26  # bytes stand in one line in protocol 0
READ_BYTES = 2**20
_ALWAYS_KEPT_BYTES = 2**12

_BY_BYTE = {code.code.encode("latin-1"): code for code in pickletools.opcodes}
_LENGTHS = {TAKEN_FROM_ARGUMENT1: 1, TAKEN_FROM_ARGUMENT4: 4, TAKEN_FROM_ARGUMENT4U: 4, TAKEN_FROM_ARGUMENT8U: 8}


class Damaged(Exception):  # noqa: N818 - says what the file is
    """No reader of pickles goes on from here."""


class Stops(Damaged):
    """Damaged, and so that `pickle.load` surely ends here: not just what nobody writes."""


class Unclear(Exception):  # noqa: N818 - says what the file is
    """A reader of pickles may go on from here, and where it goes cannot be told."""


class Data:
    """Stands for text or bytes that were too long to keep."""


class Budget:
    """What may still be done for one file, whatever is nested in it."""

    def __init__(self) -> None:
        self._instructions = MOST_INSTRUCTIONS
        self._kept_bytes = MOST_KEPT_BYTES

    def spend_instruction(self) -> None:
        """Count one instruction.

        Raises
        ------
        Unclear
            If there were too many.
        """
        self._instructions -= 1
        if self._instructions < 0:
            raise Unclear(f"it has more than {MOST_INSTRUCTIONS:,} instructions")

    def allows_keeping(self, size_bytes: int) -> bool:
        """Count what is to be kept, if it still can be."""
        if size_bytes <= _ALWAYS_KEPT_BYTES:
            return True
        allowed = size_bytes <= min(LONGEST_KEPT_BYTES, self._kept_bytes)
        self._kept_bytes -= size_bytes if allowed else 0
        return allowed


class Source:
    """A file of instructions and data, read forwards.

    Parameters
    ----------
    file : binary file
    most_bytes : int or None
        How much of it is read; None means all.
    budget : Budget or None
        None makes a new one.
    """

    def __init__(self, file: Any, most_bytes: int | None = None, budget: Budget | None = None) -> None:
        self.budget = budget or Budget()
        self.position = 0
        self._file = file
        self._most_bytes = most_bytes

    def read(self, count: int) -> bytes:
        """Read so many bytes; not for more than are to be kept."""
        self._advance(count)
        content: bytes = self._read(count)
        while len(content) < count:
            more = self._read(count - len(content))
            if not more:
                raise Stops("it ends too early")
            content += more
        return content

    def skip(self, count: int) -> None:
        """Read over so many bytes."""
        self._advance(count)
        while count > 0:
            length = len(self._read(min(count, READ_BYTES)))
            if not length:
                raise Stops("it ends too early")
            count -= length

    def line(self) -> bytes:
        """Read up to the end of a line."""
        content: bytes = self._file.readline(LONGEST_LINE)
        self._advance(len(content))
        if not content.endswith(b"\n"):
            raise Stops("it ends too early") if len(content) < LONGEST_LINE else Unclear("a line in it has no end")
        return content

    def at_end(self) -> bool:
        """Return whether nothing is left."""
        return not self._read(1)

    def _read(self, count: int) -> bytes:
        try:
            content: bytes = self._file.read(count)
        except Exception as error:  # a decompressor raises errors of many kinds
            raise Damaged(f"{type(error).__name__}: {error}") from error
        return content

    def _advance(self, count: int) -> None:
        self.position += count
        if self._most_bytes is not None and self.position > self._most_bytes:
            raise Unclear(f"it unpacks to more than {self._most_bytes:,} bytes")


class Instructions:
    """The instructions of one pickle, up to its end.

    Parameters
    ----------
    source : Source
        Others may read from it too between two instructions, outside frames.
    """

    def __init__(self, source: Source) -> None:
        self._source = source
        self._frame_end = 0

    @property
    def in_frame(self) -> bool:
        """Whether a frame has begun and not ended."""
        return self._source.position < self._frame_end

    def __iter__(self) -> Iterator[tuple[str, Any]]:
        while True:
            self._source.budget.spend_instruction()
            framed = self.in_frame
            byte = self._source.read(1)
            code = _BY_BYTE.get(byte)
            if code is None:
                raise Stops(f"{byte!r} is no instruction of a pickle")
            argument = None if code.arg is None else _argument(code, self._source)
            self._check_frame(code.name, argument, framed=framed)
            yield code.name, argument
            if code.name == "STOP":
                return

    def _check_frame(self, name: str, argument: Any, *, framed: bool) -> None:
        """Refuse frames that readers of pickles take in different ways."""
        crosses = framed and self._source.position > self._frame_end
        if crosses or (framed and name == "FRAME") or (name == "STOP" and self.in_frame):
            raise Unclear("a frame in it does not end where it says")
        if name == "FRAME":
            self._frame_end = self._source.position + argument


def _argument(code: pickletools.OpcodeInfo, source: Source) -> Any:
    kind: Any = code.arg
    if code.name in {"GLOBAL", "INST"}:
        return _text(source.line()), _text(source.line())
    if kind.n == UP_TO_NEWLINE:
        line = source.line()
        if not source.budget.allows_keeping(len(line)):
            return Data()
        return _parsed(kind, line, Unclear)  # readers of pickles take numbers that pickletools does not
    if kind.n >= 0:
        return _parsed(kind, source.read(kind.n), Damaged)
    written = source.read(_LENGTHS[kind.n])
    length = int.from_bytes(written, "little", signed=kind.n == TAKEN_FROM_ARGUMENT4)
    if length < 0:
        raise Damaged("something in it has a negative length")
    if not source.budget.allows_keeping(length):
        source.skip(length)
        return Data()
    return _parsed(kind, written + source.read(length), Damaged)


def _parsed(kind: Any, content: bytes, failure: type[Exception]) -> Any:
    try:
        return kind.reader(io.BytesIO(content))
    except ValueError as error:
        raise failure(str(error)) from error


def _text(line: bytes) -> str:
    try:
        return line[:-1].decode("utf-8")
    except UnicodeDecodeError as error:
        raise Damaged(str(error)) from error
