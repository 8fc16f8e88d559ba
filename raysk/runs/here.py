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
