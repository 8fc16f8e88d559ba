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
    """The real stdout, kept for data; what cannot be written raises as `_Data` says.

    Parameters
    ----------
    file : text file
    """

    def __init__(self, file: TextIO) -> None:
        self.file = file
        self.is_terminal = self.is_for_a_person = file.isatty()

    def write_line(self, text: str) -> None:
        """Write one line at once."""
        self.file.write(text + "\n")
        self.file.flush()

    def write(self, content: bytes) -> int:
        """Write bytes at once, as to a binary file."""
        self.file.buffer.write(content)
        self.file.flush()
        return len(content)


class _Data(io.FileIO):
    """stdout; what cannot be written there is said in our own words, and what is still buffered goes nowhere."""

    def write(self, content: Any, /) -> int:
        """Write bytes.

        Raises
        ------
        ReaderGone
            If nobody reads any more.
        InputError
            If they cannot be written, as in a file on a full disk.
        """
        try:
            return super().write(content)
        except BrokenPipeError as error:
            _say_nothing_on(self.fileno())
            raise ReaderGone("stdout was closed") from error
        except OSError as error:
            _say_nothing_on(self.fileno())
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


def keep_streams() -> None:
    """Let no job end because its stderr is closed, or can be written to no more; say so of stdout."""
    if sys.stdout is not None:
        sys.stdout = _text(_Data(1, "w", closefd=False), sys.stdout.encoding, line_buffering=sys.stdout.isatty())
    if sys.stderr is None:
        _say_nothing_on(2)
    encoding = getattr(sys.stderr, "encoding", "utf-8")
    sys.stderr = _text(_Conversation(2, "w", closefd=False), encoding, line_buffering=True)


def _text(file: io.FileIO, encoding: str, *, line_buffering: bool = False) -> io.TextIOWrapper:
    writer = io.BufferedWriter(file)
    return io.TextIOWrapper(writer, encoding=encoding, errors="backslashreplace", line_buffering=line_buffering)


@contextlib.contextmanager
def data_stdout() -> Iterator[DataOut]:
    """Keep stdout for data while the person's code runs."""
    if sys.stdout is None:  # started with descriptor 1 closed: whatever we open next would get that number
        raise ReaderGone("stdout is closed")
    sys.stdout.flush()
    kept = os.dup(1)
    os.dup2(2, 1)
    with _text(_Data(kept, "w"), "utf-8") as file, contextlib.redirect_stdout(sys.stderr):
        yield DataOut(file)
