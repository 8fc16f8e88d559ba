"""What a person may have meant by a name that is not there."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


def meant(path: Path, *, folders: bool = False) -> str:
    """Return "Did you mean a or b?", of the files or folders beside a path with a name like its own; "" if none is."""
    try:
        names = [each.name for each in path.parent.iterdir() if each.is_dir() is folders]
    except OSError:
        return ""
    close = [str(path.with_name(name)) for name in difflib.get_close_matches(path.name, names)]
    return f"Did you mean {' or '.join(close)}?" if close else ""
