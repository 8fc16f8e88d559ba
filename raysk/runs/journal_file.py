"""The file of a journal: locked while it is open, and always of whole lines."""

from __future__ import annotations

import contextlib
import fcntl
import os
import time
import warnings
from typing import TYPE_CHECKING

from raysk.errors import InputError

if TYPE_CHECKING:
    from pathlib import Path


LOOKS_S = (0.01, 0.05)
"""Pauses before the lock is tried again, in seconds."""


class JournalFile:
    """A file of lines that is locked while it is open. The lock goes with the process.

    Parameters
    ----------
    path : Path
        Made if missing.

    Raises
    ------
    InputError
        If it cannot be opened, or another process has it open.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._size, self._broken = 0, False
        try:
            self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o666)
        except OSError as error:
            raise InputError(f"{str(path)!r} cannot be opened: {error.strerror}.") from error
        if not self._lock():
            self.close()
            raise InputError(
                f"{str(path.parent)!r} is in use by another raysk.\nWait for its end, or name another folder."
            )

    def _lock(self) -> bool:
        """Lock the file; who looks whether it is locked has a lock, too, for an instant."""
        for pause_s in (*LOOKS_S, None):
            with contextlib.suppress(OSError):
                fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                return True
            if pause_s is not None:
                time.sleep(pause_s)
        return False

    def close(self) -> None:
        """Close the file, which unlocks it."""
        os.close(self._file)

    def read(self) -> tuple[list[bytes], bytes]:
        """Return the whole lines, and what follows the last of them: a line that a crash cut short."""
        content = self._path.read_bytes()
        self._size = content.rfind(b"\n") + 1
        return content[: self._size].splitlines(), content[self._size :]

    def drop_torn_line(self) -> None:
        """Cut off what follows the last whole line."""
        os.ftruncate(self._file, self._size)

    def clear(self) -> None:
        """Make the file empty."""
        self._size = 0
        self.drop_torn_line()

    def append(self, lines: str) -> None:
        """Append whole lines. A full disk is warned about once, and ends the journal, not the search."""
        content = lines.encode()
        if self._broken or not content:
            return
        try:
            left = content
            while left:  # a disk that is nearly full takes a part, and fails with the rest
                left = left[os.write(self._file, left) :]
            self._size += len(content)
        except OSError as error:
            self._broken = True
            with contextlib.suppress(OSError):
                self.drop_torn_line()
            warnings.warn(
                f"{self._path} cannot be written ({error.strerror}): the search goes on, "
                "but what finishes from here on cannot be resumed",
                stacklevel=2,
            )
