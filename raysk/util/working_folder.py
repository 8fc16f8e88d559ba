"""The current folder, which may be gone."""

from __future__ import annotations

from pathlib import Path

from raysk.errors import InputError


def current_folder() -> Path:
    """Return the folder that the command works in.

    Raises
    ------
    InputError
        If it was removed.
    """
    try:
        return Path.cwd()
    except OSError as error:
        raise InputError(
            f"The current folder cannot be used: {error.strerror}. It may have been removed.\n"
            "Go to one that is there, for example: cd ~"
        ) from error


def check_sendable() -> None:
    """Fail if the current folder is gone, or Ray could not send its name to the workers."""
    folder = str(current_folder())
    try:
        folder.encode()
    except UnicodeEncodeError as error:
        raise InputError(
            f"The current folder, {folder!r}, has a name that is no UTF-8: Ray cannot work there.\n"
            "Rename it, or go to another folder and name files with their folder."
        ) from error
