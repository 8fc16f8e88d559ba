"""Tell whether a file that was found, and not named, can be trusted: nobody else can have written it.

the file, its folder, that one's folder, ...      each belongs to this user or root, and only they may write to it
... up to a sticky folder, or one of this user's  there, what was looked at cannot be replaced by others
"""

from __future__ import annotations

import grp
import os
import pwd
import stat
from pathlib import Path

ROOT = 0


def why_not_trusted(path: Path) -> str | None:
    """Return why a file that was found cannot be trusted; None if it can, or is not there.

    Parameters
    ----------
    path : Path
        Absolute. Where it is a symlink, both that and what it leads to count.
    """
    asked = dict.fromkeys([path, Path(os.path.realpath(path))])
    return next(filter(None, (_doubt_of_all(each) for each in asked)), None)


def _doubt_of_all(path: Path) -> str | None:
    for place in (path, *path.parents):
        try:
            found = place.lstat()
        except FileNotFoundError:
            continue
        except OSError as error:
            return f"{str(place)!r} cannot be looked at: {error.strerror}"
        reason = _doubt_of_one(found)
        if reason is not None:
            return f"{str(place)!r} {reason}"
        if stat.S_ISDIR(found.st_mode) and (found.st_uid == os.geteuid() or found.st_mode & stat.S_ISVTX):
            break
    return None


def _doubt_of_one(found: os.stat_result) -> str | None:
    if found.st_uid not in {os.geteuid(), ROOT}:
        return f"belongs to {_user(found.st_uid) or found.st_uid}"
    if stat.S_ISLNK(found.st_mode) or (stat.S_ISDIR(found.st_mode) and found.st_mode & stat.S_ISVTX):
        return None  # others may add to a sticky folder, but change nothing in it that is not theirs
    if found.st_mode & stat.S_IWOTH:
        return "is writable for everybody"
    if found.st_mode & stat.S_IWGRP and not _is_alone(found.st_gid):
        return f"is writable for the group {_group(found.st_gid)}"
    return None


def _is_alone(gid: int) -> bool:
    """Return whether a group has no members but this user and root, as the group that Debian makes for each user."""
    own = {name for uid in (os.geteuid(), ROOT) if (name := _user(uid))}
    try:
        group = grp.getgrgid(gid)
    except KeyError:
        return False
    return group.gr_name in own and own.issuperset(group.gr_mem)


def _user(uid: int) -> str | None:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return None


def _group(gid: int) -> str:
    try:
        return grp.getgrgid(gid).gr_name
    except KeyError:
        return str(gid)
