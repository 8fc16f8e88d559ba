"""The commit that a person's file was at."""

from __future__ import annotations

import os
import subprocess
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

# Git answers in milliseconds; on a slow network disk we would rather not know than keep the person waiting.
_GIT_TIMEOUT_S = 3.0


def git_state(path: Path) -> dict[str, Any] | None:
    """Return the commit that a file was at.

    Parameters
    ----------
    path : Path
        The user's file.

    Returns
    -------
    dict or None
        ``commit``, and ``dirty``: whether tracked files were changed or this one is not tracked. None if git
        does not know the folder, has no commit, is not installed, or takes over 3 s for an answer.
    """
    folder = path.absolute().parent
    commit = _git(folder, "rev-parse", "--verify", "HEAD")
    changed = _git(folder, "status", "--porcelain", "--untracked-files=no")
    own = _git(folder, "status", "--porcelain", "--", path.name)
    if not commit or changed is None or own is None:
        return None
    return {"commit": commit, "dirty": bool(changed or own)}


def _git(folder: Path, *args: str) -> str | None:
    """Run git in a folder; None if it fails. Its stdin is closed: ours may be the person's data."""
    # Inside a git hook these name another repository than the one the file is in.
    hooks = {"GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE"}
    env = {key: value for key, value in os.environ.items() if key not in hooks}
    try:
        done = subprocess.run(  # noqa: S603 - our own arguments, and no shell
            ["git", "--literal-pathspecs", *args],  # noqa: S607 - git from the person's PATH is the git they use
            cwd=folder,
            env=env | {"GIT_OPTIONAL_LOCKS": "0"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_GIT_TIMEOUT_S,
            check=True,
            text=True,
            errors="replace",
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip()
