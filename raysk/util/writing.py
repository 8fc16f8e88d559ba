"""Write files whole or not at all.

    write_atomically:   .model.pkl.x1y2.tmp (0600) -> write -> fsync -> chmod -> os.replace -> model.pkl
    write_together:     the same for several, which take their places while the folder is locked

Invariant: at any moment, also after a crash or a full disk, the target holds all of its old content or all of
its new.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import shlex
import tempfile
import threading
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from raysk.errors import InputError, UsageError

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

_DEVICES = {Path("/dev"), Path("/dev/fd"), Path("/proc/self/fd")}

_umask_lock = threading.Lock()


Write = Callable[[BinaryIO], object]
"""Gets an open binary file, and writes it."""


def write_atomically(path: Path, write: Write, *, new: bool = False) -> None:
    """Write a file whole or not at all.

    Parameters
    ----------
    path : Path
        The target. A link is followed; a pipe or device is written to directly, as it cannot be replaced.
    write : callable
        Gets the open binary file. While it writes, the file is a hidden one beside the target that only its
        owner can read; then it gets the target's permissions, or for a new file those of the umask.
    new : bool
        Whether a file that is there by now is somebody else's, and stays.

    Raises
    ------
    InputError
        If the file cannot be written, or is not new. What `write` raises that is no `OSError` passes through. In both
        cases an existing file is untouched and nothing new is left.
    """
    write_together([(path, write)], (lambda: check_taken(path)) if new else None)


def check_taken(path: Path) -> None:
    """Raise if a file is there that was not when the command began: somebody else has written it."""
    if path.is_file() and not is_special(path):
        raise InputError(
            f"{str(path)!r} appeared after this command began, and is left as it is.\n"
            "Name another file, or add --force to replace it."
        )


def write_together(files: Sequence[tuple[Path, Write]], check: Callable[[], None] | None = None) -> None:
    """Write files that belong together: each whole or not at all, and of two such writers either all or none.

    Parameters
    ----------
    files : sequence of (Path, callable)
        As for `write_atomically`; written in this order. All are complete before the first takes its place.
    check : callable or None
        Called just before that, while no other raysk puts files into the folder of the first; what it raises ends it.

    Raises
    ------
    InputError
        See `write_atomically`.
    """
    with contextlib.ExitStack() as stack:
        ready = [(path, made) for path, write in files if (made := stack.enter_context(_written(path, write)))]
        if not ready:
            return
        stack.enter_context(alone_in(ready[0][1].parent))
        if check is not None:
            check()
        for path, temporary in ready:
            with explained(path):
                temporary.replace(os.path.realpath(path))


@contextlib.contextmanager
def alone_in(folder: Path) -> Iterator[None]:
    """Wait until no other raysk puts files into a folder; some disks know no locks, and then there is no waiting."""
    with contextlib.ExitStack() as stack:
        with contextlib.suppress(OSError):
            lock = os.open(folder, os.O_RDONLY)
            stack.callback(os.close, lock)
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def write_bytes(path: Path, content: bytes, *, new: bool = False) -> None:
    """Write bytes, whole or not at all; raises as `write_atomically`."""
    write_atomically(path, lambda file: file.write(content), new=new)


def write_text(path: Path, text: str) -> None:
    """Write text as UTF-8, whole or not at all; raises as `write_atomically`."""
    write_bytes(path, encoded(text))


def encoded(text: str) -> bytes:
    """Return text as UTF-8; file names may hold bytes that are no text: those are escaped rather than lose the file."""
    return text.encode("utf-8", errors="backslashreplace")


def check_output(path: Path, kinds: Collection[str] = ()) -> None:
    """Fail before a job runs if its output could not be written after it.

    Parameters
    ----------
    path : Path
        The file to be written later.
    kinds : collection of str
        The suffixes that are known, such as ``.csv``; none means that any will do.

    Raises
    ------
    UsageError
        If the suffix is not one of `kinds`.
    InputError
        If the path is a folder, its folder is missing, or no file can be made there.
    """
    if kinds and path.suffix.lower() not in kinds:
        known = ", ".join(kinds)
        raise UsageError(f"{str(path)!r}: the ending {path.suffix!r} names no known format.\nKnown are {known}.")
    with explained(path):
        _check_target(path)
        if not is_special(path):
            # Trying is the only sure test: permission bits know nothing of access lists and read-only disks.
            with tempfile.TemporaryFile(dir=Path(os.path.realpath(path)).parent):
                pass


def _check_target(path: Path) -> None:
    if path.is_dir():
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
    if path.exists() and not os.access(path, os.W_OK):  # it could be replaced, but its owner locked it
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))


def is_special(path: Path) -> bool:
    """Return whether a path is a pipe or a device, such as /dev/null, which a file must not replace."""
    if path.parent in _DEVICES:  # an open descriptor, of whatever
        return True
    return path.exists() and not path.is_file() and not path.is_dir()


@contextlib.contextmanager
def _written(path: Path, write: Write) -> Iterator[Path | None]:
    """Lend a complete file beside its target, which is gone at the end unless it was moved; None for a device."""
    with explained(path):
        _check_target(path)
        if is_special(path):
            with path.open("wb") as file:
                write(file)
            temporary = None
        else:
            temporary = _temporary(Path(os.path.realpath(path)), write)
    try:
        yield temporary
    finally:  # a Ctrl-C too must leave nothing behind
        if temporary is not None:
            temporary.unlink(missing_ok=True)


def _temporary(path: Path, write: Write) -> Path:
    mode = _final_mode(path)
    # The name is cut so that a long target's temporary name is not too long where the target's own is not.
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name[:40]}.", suffix=".tmp")
    temporary = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            write(file)
            file.flush()
            os.fsync(file.fileno())
        with contextlib.suppress(PermissionError):  # some mounted disks know no permissions
            temporary.chmod(mode)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    return temporary


def _final_mode(path: Path) -> int:
    with contextlib.suppress(FileNotFoundError):
        return path.stat().st_mode & 0o777
    # A umask can only be read by setting it. A file that another thread makes in that instant is private.
    with _umask_lock:
        umask = os.umask(0o077)
        os.umask(umask)
    return 0o666 & ~umask


@contextlib.contextmanager
def explained(path: Path) -> Iterator[None]:
    """Turn an `OSError` into an `InputError` that names `path`, the reason, and what to do."""
    try:
        yield
    except BrokenPipeError:
        raise  # the reader of a pipe left: no fault of the path's
    except OSError as err:
        reason, advice = _reason(path, err)
        raise InputError(f"{str(path)!r} cannot be written: {reason}.\n{advice}") from err


def _in_the_way(path: Path) -> str:
    """Return what is where a folder should be."""
    link = next((each for each in (path, *path.parents) if each.is_symlink() and not each.exists()), None)
    if link is not None:
        return f"{str(link)!r} is a link to what is not there"
    return f"a part of {str(path.parent)!r} is a file, not a folder"


def _reason(path: Path, err: OSError) -> tuple[str, str]:
    folder = str(path.parent)
    match err.errno:
        case errno.ENOSPC | errno.EDQUOT:
            return "the disk is full", "Nothing was written. Free some space, or name a file on another disk."
        case errno.EACCES | errno.EPERM | errno.EROFS:
            return "permission denied", "Name a file that you may write, in a folder that you may write to."
        case errno.ENOENT if not path.parent.exists():
            make = f"mkdir -p {shlex.quote(folder)}"
            return f"the folder {folder!r} does not exist", f"Make it with: {make}"
        case errno.ENOTDIR | errno.EEXIST:
            return _in_the_way(path), "Name a file in an existing folder."
        case errno.EISDIR:
            return "it is a folder", f"Name a file in it, for example {str(path / 'NAME')!r}."
    return (err.strerror or str(err)), "Nothing was written. Name another file."
