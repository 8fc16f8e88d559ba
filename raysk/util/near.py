"""Suggest files and folders for a path where nothing is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from raysk.util.words import nearest, shown

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path


def meant(path: Path, names: Iterable[str] | None = None, *, folders: bool = False) -> str:
    """Return "Did you mean a or b?" of what is beside a path and has a name like its own; "" if nothing has.

    Parameters
    ----------
    path : Path
    names : iterable of str or None
        The names to choose from; None means those of all files beside it.
    folders : bool
        Whether folders are meant instead of files.
    """
    try:
        beside = [each.name for each in path.parent.iterdir() if each.is_dir() is folders] if names is None else names
    except OSError:
        return ""
    close = [shown(path.with_name(name)) for name in nearest(path.name, beside)]
    return f"Did you mean {' or '.join(close)}?" if close else ""
