"""What a Ray of our own needs around it: a private folder, a token, and nothing left behind."""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
import secrets
import shutil
import stat
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from raysk.errors import ClusterError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

LONGEST_ROOT = 15
"""Length of the temporary folder's path, in characters, that leaves room for Ray's socket names (107 in all)."""

PRIVATE_SETTINGS = {"RAY_USAGE_STATS_ENABLED": "0", "RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": ""}
"""Read by Ray when it is imported; the token is drawn once a program, and never written anywhere."""

ONE_ARENA = "MALLOC_ARENA_MAX"
"""Read by glibc as a process starts; with 1, workers can keep what fits free: see `raysk.pool.memory`."""

FOLDER_NAME = re.compile(r"raysk-\d+-[a-z0-9_]{8}")
"""What `tempfile.mkdtemp` makes of our prefix."""

MARKER = "raysk-private"
MARKER_TEXT = b"A private folder of raysk's: removed when its program ends, or when the next one starts.\n"
"""A file in the folder, locked while its program lives; without it, and exactly this in it, nothing is removed."""

PATIENCE_S = 5.0
"""How long the end of Ray's processes is waited for, in seconds; after an orderly stop there are none left."""

_settings: dict[str, str] = {}
"""Those that Ray was imported with. It keeps them, so every private Ray of this program must be started with them."""


class Private:
    """What a Ray of our own needs: a folder only we can read, and a token only we know.

    The folder's marker is locked while we live, so that one left behind by a kill -9 can be told from one in use.
    """

    def __init__(self) -> None:
        root = _root()
        _remove_left_over(root)
        self.folder, self._lock = _made(root)
        self._before = {name: os.environ.get(name) for name in (*PRIVATE_SETTINGS, ONE_ARENA)}
        if "ray" not in sys.modules:  # else it has read its settings; if not ours, it keeps a token at home
            _settings.update(PRIVATE_SETTINGS, RAY_AUTH_TOKEN=secrets.token_hex(32))
        os.environ.update(_settings)
        os.environ.setdefault(ONE_ARENA, "1")

    def remove(self) -> None:
        """Remove the folder, and give the environment back as it was.

        Ray's processes would make parts of it again, so their end is waited for. Where it does not come, the folder
        stays as it is, and the next start removes it.
        """
        deadline = time.monotonic() + PATIENCE_S
        while (busy := _in_use(self.folder)) and time.monotonic() < deadline:
            time.sleep(0.02)
        if not busy:
            with contextlib.suppress(OSError), _opened(self.folder.parent) as root:
                _remove(self.folder.name, root)
        os.close(self._lock)
        for name, value in self._before.items():
            os.environ.pop(name, None)
            if value is not None:
                os.environ[name] = value


def _root() -> Path:
    """Return the temporary folder, or /tmp where its path is too long for Ray, or no text that Ray can keep."""
    root = tempfile.gettempdir()
    suits = len(root) <= LONGEST_ROOT and root.isprintable()  # bytes that are no UTF-8 are not printable
    return Path("/tmp" if not suits and Path("/tmp").is_dir() else root)  # noqa: S108 - the folder made in it is private


def _made(root: Path) -> tuple[Path, int]:
    """Make a private folder; return it with the file descriptor that holds the lock of its marker."""
    folder = None
    try:
        folder = Path(tempfile.mkdtemp(prefix=f"raysk-{os.getpid()}-", dir=root))
        lock = os.open(folder / MARKER, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        fcntl.flock(lock, fcntl.LOCK_EX)
        os.write(lock, MARKER_TEXT)
    except OSError as error:
        if folder is not None:
            shutil.rmtree(folder, ignore_errors=True)
        raise ClusterError(
            f"Ray needs a temporary folder, and none can be made in {str(root)!r}: {error.strerror}.\n"
            "Make room there, or set TMPDIR to another folder."
        ) from error
    return folder, lock


def _remove_left_over(root: Path) -> None:
    """Remove the private folders of programs of this user that were killed. What is not surely ours is not touched."""
    with contextlib.suppress(OSError), _opened(root) as top:
        for name in filter(FOLDER_NAME.fullmatch, os.listdir(top)):  # noqa: PTH208 - of an open folder
            with contextlib.suppress(OSError), _opened(name, top) as folder, _claimed(folder):
                if not _in_use(root / name):
                    _remove(name, top)


@contextlib.contextmanager
def _opened(path: str | Path, folder: int | None = None) -> Iterator[int]:
    """Open a folder, never by way of a symlink, so that what is done in it is done there whatever its path becomes."""
    opened = os.open(path, os.O_RDONLY | os.O_DIRECTORY | (os.O_NOFOLLOW if folder is not None else 0), dir_fd=folder)
    try:
        yield opened
    finally:
        os.close(opened)


@contextlib.contextmanager
def _claimed(folder: int) -> Iterator[None]:
    """Hold the lock of a private folder that nobody holds; raise an `OSError` if it is in use, or is none of ours."""
    _check_ours(os.fstat(folder), stat.S_ISDIR, 0o700)
    marker = os.open(MARKER, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=folder)
    try:
        _check_ours(os.fstat(marker), stat.S_ISREG, 0o600)
        fcntl.flock(marker, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if os.read(marker, len(MARKER_TEXT) + 1) != MARKER_TEXT:
            raise PermissionError("another file of that name")
        yield
    finally:
        os.close(marker)


def _check_ours(found: os.stat_result, is_kind: Callable[[int], bool], mode: int) -> None:
    if found.st_uid != os.geteuid() or not is_kind(found.st_mode) or found.st_mode & 0o777 != mode:
        raise PermissionError("not made by us")


def _remove(name: str, root: int) -> None:
    """Remove a folder, following no symlink, the marker last: until then the next start finds what is left."""
    with _opened(name, root) as top:
        for path, folders, files, here in os.fwalk(".", topdown=False, dir_fd=top):
            for each in (*files, *folders):
                if (path, each) != (".", MARKER):
                    _unlink(each, here)
        os.unlink(MARKER, dir_fd=top)
    os.rmdir(name, dir_fd=root)


def _unlink(name: str, folder: int) -> None:
    is_folder = stat.S_ISDIR(os.lstat(name, dir_fd=folder).st_mode)
    (os.rmdir if is_folder else os.unlink)(name, dir_fd=folder)


def _in_use(folder: Path) -> bool:
    """Tell whether a process was started with a path in a folder, as all of Ray's are."""
    inside = os.fsencode(folder) + b"/"
    for process in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):  # it has ended
            if inside in process.read_bytes():
                return True
    return False
