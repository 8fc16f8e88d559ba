"""A file of instructions and data that is read within bounds, whatever lengths the file names."""

from __future__ import annotations

from typing import Any

from raysk.models.placeholders import Damaged, Stops, Unclear

MOST_INSTRUCTIONS = 2 * 10**7  # some 20 s; a forest of 1,000 trees has 10**5, a vocabulary of a million words 5 * 10**6
MOST_KEPT_BYTES = 2**28  # of long texts and bytes, all together
LONGEST_KEPT_BYTES = 2**24  # longer ones are data: nobody pickles a class of 16 MB
LONGEST_LINE = 2**26  # bytes stand in one line in protocol 0
READ_BYTES = 2**20
_ALWAYS_KEPT_BYTES = 2**12
_NOT_KEPT, _LINE_NOT_KEPT = b"", b"''\n"  # the line is a text for each instruction that takes one


class Budget:
    """The instructions and bytes that are left for one file, whatever is nested in it."""

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
        """Count bytes that are to be kept, if they still can be."""
        if size_bytes <= _ALWAYS_KEPT_BYTES:
            return True
        allowed = size_bytes <= min(LONGEST_KEPT_BYTES, self._kept_bytes)
        self._kept_bytes -= size_bytes if allowed else 0
        return allowed


class Source:
    """A file that is read forwards; whatever is too long to keep is read as nothing.

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
        """Read so many bytes; they are empty if that is more than can be kept."""
        if not self.budget.allows_keeping(count):
            self.skip(count)
            return _NOT_KEPT
        self._advance(count)
        content = self._read(count)
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

    def readline(self) -> bytes:
        """Read up to the end of a line; it holds an empty text in quotes if it is too long to keep."""
        content: bytes = self._file.readline(LONGEST_LINE)
        self._advance(len(content))
        if not content.endswith(b"\n"):
            raise Stops("it ends too early") if len(content) < LONGEST_LINE else Unclear("a line in it has no end")
        return content if self.budget.allows_keeping(len(content)) else _LINE_NOT_KEPT

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
