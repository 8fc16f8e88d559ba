"""stdout is data, stderr is conversation.

Descriptor 1 is duplicated for our own use and then pointed at stderr, before anything of the person's is imported:
whatever their code, a library written in C, or Ray prints, a pipe gets only what we write.
"""

from __future__ import annotations

import contextlib
import io
import os
import sys
from typing import TYPE_CHECKING, Any, TextIO

from raysk.errors import InputError, ReaderGone

if TYPE_CHECKING:
    from collections.abc import Iterator


class DataOut:
    """The real stdout, kept for data.

    Parameters
    ----------
    file : text file
    """

    def __init__(self, file: TextIO) -> None:
        self.file = file
        self.is_terminal = file.isatty()

    def write_line(self, text: str) -> None:
        """Write one line at once.

        Raises
        ------
        ReaderGone
            If nobody reads any more.
        InputError
            If it cannot be written, as in a file on a full disk.
        """
        with self._explained():
            self.file.write(text + "\n")
            self.file.flush()

    def write(self, content: bytes) -> int:
        """Write bytes at once, as to a binary file; raises as `write_line`."""
        with self._explained():
            self.file.buffer.write(content)
            self.file.flush()
        return len(content)

    @contextlib.contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            with contextlib.suppress(OSError):  # what is still buffered has nowhere to go
                self.file.close()
            if isinstance(error, BrokenPipeError):
                raise ReaderGone("stdout was closed") from error
            raise InputError(f"stdout cannot be written: {error.strerror}.\nSend it somewhere else.") from error


class _Conversation(io.FileIO):
    """Descriptor 2; once its reader, disk or terminal is gone, what is said goes nowhere, and the job goes on."""

    def write(self, content: Any, /) -> int:
        try:
            return super().write(content)
        except OSError:
            _say_nothing_on(2)
            if sys.stdout is sys.stderr:  # descriptor 1 leads there too
                _say_nothing_on(1)
            return memoryview(content).nbytes


def _say_nothing_on(descriptor: int) -> None:
    nowhere = os.open(os.devnull, os.O_WRONLY)
    if nowhere != descriptor:  # it is, if that is the first one that was closed
        os.dup2(nowhere, descriptor)
        os.close(nowhere)


def keep_stderr() -> None:
    """Let no job end because its stderr is closed, or can be written to no more."""
    if sys.stderr is None:
        _say_nothing_on(2)
    encoding = getattr(sys.stderr, "encoding", "utf-8")
    file = io.BufferedWriter(_Conversation(2, "w", closefd=False))
    sys.stderr = io.TextIOWrapper(file, encoding=encoding, errors="backslashreplace", line_buffering=True)


@contextlib.contextmanager
def data_stdout() -> Iterator[DataOut]:
    """Keep stdout for data while the person's code runs."""
    if sys.stdout is None:  # started with descriptor 1 closed: whatever we open next would get that number
        raise ReaderGone("stdout is closed")
    sys.stdout.flush()
    kept = os.dup(1)
    os.dup2(2, 1)
    with open(kept, "w", encoding="utf-8") as file, contextlib.redirect_stdout(sys.stderr):  # noqa: PTH123 - a descriptor
        yield DataOut(file)
