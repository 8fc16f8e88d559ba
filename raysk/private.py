"""What a Ray of our own needs around it: a private folder, a token, and nothing left behind."""

from __future__ import annotations

import contextlib
import fcntl
import os
import secrets
import shutil
import sys
import tempfile
from pathlib import Path

LONGEST_ROOT = 15
"""Length of the temporary folder's path, in characters, that leaves room for Ray's socket names (107 in all)."""

PRIVATE_SETTINGS = {"RAY_USAGE_STATS_ENABLED": "0", "RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": ""}
"""Read by Ray when it is imported; the token is drawn once a program, and never written anywhere."""

ONE_ARENA = "MALLOC_ARENA_MAX"
"""Read by glibc as a process starts; with 1, workers can keep what fits free: see `raysk.pool.memory`."""

_settings: dict[str, str] = {}
"""Those that Ray was imported with. It keeps them, so every private Ray of this program must be started with them."""


class Private:
    """What a Ray of our own needs: a folder only we can read, and a token only we know.

    The folder is locked while we live, so that one left behind by a kill -9 can be told from one in use.
    """

    def __init__(self) -> None:
        root = Path(tempfile.gettempdir())
        if len(str(root)) > LONGEST_ROOT and Path("/tmp").is_dir():  # noqa: S108 - the folder made in it is private
            root = Path("/tmp")  # noqa: S108 - as above
        for old in root.glob("raysk-*/lock"):
            _remove_if_left(old)
        self.folder = Path(tempfile.mkdtemp(prefix=f"raysk-{os.getpid()}-", dir=root))
        self._lock = (self.folder / "lock").open("w")
        fcntl.flock(self._lock, fcntl.LOCK_EX)
        self._before = {name: os.environ.get(name) for name in (*PRIVATE_SETTINGS, ONE_ARENA)}
        if "ray" not in sys.modules:  # else it has read its settings; if not ours, it keeps a token at home
            _settings.update(PRIVATE_SETTINGS, RAY_AUTH_TOKEN=secrets.token_hex(32))
        os.environ.update(_settings)
        os.environ.setdefault(ONE_ARENA, "1")

    def remove(self) -> None:
        """Remove the folder, and give the environment back as it was."""
        _clear(self.folder)
        self._lock.close()
        for name, value in self._before.items():
            os.environ.pop(name, None)
            if value is not None:
                os.environ[name] = value


def _remove_if_left(lock: Path) -> None:
    """Remove a private folder that nobody holds."""
    with contextlib.suppress(OSError), lock.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        _clear(lock.parent)


def _clear(folder: Path) -> None:
    """Remove a folder, its lock last: where Ray still writes while it ends, the next start finds what is left."""
    for child in folder.iterdir():
        if child.is_dir() and not child.is_symlink():
            shutil.rmtree(child, ignore_errors=True)
        elif child.name != "lock":
            child.unlink(missing_ok=True)
    if [child.name for child in folder.iterdir()] == ["lock"]:
        (folder / "lock").unlink(missing_ok=True)
        try:
            folder.rmdir()
        except OSError:  # Ray has just made something again
            (folder / "lock").touch()
