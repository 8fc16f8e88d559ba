"""Suggest files and folders for a path where nothing is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from raysk.util.words import nearest_names, printable

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path


def suggest_path(path: Path, names: Iterable[str] | None = None, *, folders: bool = False) -> str:
    """Return "Did you mean a or b?" of the names like a path's own; "" if there are none.

    `names` are those to choose from; None means those of the files, or with `folders` of the folders, beside the path.
    """
    try:
        beside = [each.name for each in path.parent.iterdir() if each.is_dir() is folders] if names is None else names
    except OSError:
        return ""
    close = [printable(path.with_name(name)) for name in nearest_names(path.name, beside)]
    return f"Did you mean {' or '.join(close)}?" if close else ""
