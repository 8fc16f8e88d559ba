"""The run folder, its manifest, and files that are written whole or not at all.

    write_atomically:   .model.pkl.x1y2.tmp (0600) -> write -> fsync -> chmod -> os.replace -> model.pkl

Invariant: at any moment, also after a crash or a full disk, the target holds all of its old content or all of
its new.
"""

from __future__ import annotations

import contextlib
import errno
import importlib.metadata
import itertools
import json
import os
import platform
import re
import shlex
import sys
import tempfile
import threading
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from raysk.errors import InputError, UsageError
from raysk.runs.git import git_state
from raysk.runs.jsonable import plain, to_json
from raysk.runs.near import meant

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping

SCHEMA = 1
RUNS_FOLDER = "raysk-runs"
MANIFEST = "run.json"
JOURNAL = "journal.jsonl"
# Everything a run writes. A --run-dir that holds one of these is somebody's work: it is not written over unasked.
RUN_FILES = (MANIFEST, JOURNAL, "results.csv", "model.pkl", "model.json", "report.html")

_DEVICES = {Path("/dev"), Path("/dev/fd"), Path("/proc/self/fd")}

_umask_lock = threading.Lock()


# --- writing --------------------------------------------------------------------------------------


def write_atomically(path: Path, write: Callable[[BinaryIO], None]) -> None:
    """Write a file whole or not at all.

    Parameters
    ----------
    path : Path
        The target. A link is followed; a pipe or device is written to directly, as it cannot be replaced.
    write : callable
        Gets the open binary file. While it writes, the file is a hidden one beside the target that only its
        owner can read; then it gets the target's permissions, or for a new file those of the umask.

    Raises
    ------
    InputError
        If the file cannot be written. What `write` raises that is no `OSError` passes through. In both cases
        an existing file is untouched and nothing new is left.
    """
    with explained(path):
        _check_target(path)
        if is_special(path):
            with path.open("wb") as file:
                write(file)
        else:
            _replace(Path(os.path.realpath(path)), write)


def write_bytes(path: Path, content: bytes) -> None:
    """Write bytes, whole or not at all; raises as `write_atomically`."""
    write_atomically(path, lambda file: _write_all(file, content))


def write_text(path: Path, text: str) -> None:
    """Write text as UTF-8, whole or not at all; raises as `write_atomically`."""
    # File names may hold bytes that are no text: escape those rather than lose the file.
    write_bytes(path, text.encode("utf-8", errors="backslashreplace"))


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


def _write_all(file: BinaryIO, content: bytes) -> None:
    file.write(content)


def is_special(path: Path) -> bool:
    """Tell pipes and devices, such as /dev/null: replacing one by a file would destroy it."""
    if path.parent in _DEVICES:  # an open descriptor, of whatever
        return True
    return path.exists() and not path.is_file() and not path.is_dir()


def _replace(path: Path, write: Callable[[BinaryIO], None]) -> None:
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
        temporary.replace(path)
    except BaseException:  # a Ctrl-C too must leave nothing behind
        temporary.unlink(missing_ok=True)
        raise


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
            return f"a part of {folder!r} is a file, not a folder", "Name a file in an existing folder."
        case errno.EISDIR:
            return "it is a folder", f"Name a file in it, for example {str(path / 'NAME')!r}."
    return (err.strerror or str(err)), "Nothing was written. Name another file."


# --- the folder -----------------------------------------------------------------------------------


@dataclass(frozen=True)
class RunFolder:
    """The folder of one run.

    Parameters
    ----------
    root : Path
        Absolute, so that user code may change the working directory.
    """

    root: Path

    @classmethod
    def create(cls, path: Path | None, name: str) -> RunFolder:
        """Make the folder of a new run.

        Parameters
        ----------
        path : Path or None
            The folder to use, made if missing; None makes ``raysk-runs/<name>-<time>`` where we are.
        name : str
            What the run is of; what does not suit a file name is replaced.

        Raises
        ------
        UsageError
            If `path` holds another run.
        InputError
            If `path` is a file, or the folder cannot be made.
        """
        if path is None:
            return cls(_new_folder(Path.cwd() / RUNS_FOLDER, name))
        refuse_used(path)
        with explained(path):
            path.mkdir(parents=True, exist_ok=True)
        return cls(path.absolute())

    @classmethod
    def reopen(cls, name: str) -> RunFolder:
        """Return the folder of an earlier search.

        Parameters
        ----------
        name : str
            Its path, or ``latest``: the newest in ``raysk-runs`` where we are.

        Raises
        ------
        InputError
            If there is none, or it holds no journal.
        """
        runs = sorted((Path.cwd() / RUNS_FOLDER).glob(f"*/{JOURNAL}"), key=lambda path: path.stat().st_mtime)
        if name == "latest" and not runs:
            raise InputError(f"There is no search to resume in {str(Path.cwd() / RUNS_FOLDER)!r}.")
        root = runs[-1].parent if name == "latest" else Path(name).absolute()
        if not (root / JOURNAL).is_file():
            known = f"The newest is {os.path.relpath(runs[-1].parent)!r}." if runs else ""
            no_run = f"{name!r} holds no {JOURNAL}: it is not the folder of a search."
            said = no_run if root.is_dir() else f"There is no folder {name!r}."
            raise InputError(f"{said}\n{meant(root, folders=True) or known}".strip())
        return cls(root)

    def read_manifest(self) -> dict[str, Any]:
        """Return what ``run.json`` says.

        Raises
        ------
        InputError
            If it is missing or damaged.
        """
        try:
            said = json.loads(self.path(MANIFEST).read_text(encoding="utf-8"))
            job = said["job"]
            good = isinstance(job["folder"], str) and all(isinstance(each, str) for each in job["arguments"])
            good = good and job["arguments"][:1] == ["search"]  # "resume" would never end
        except (OSError, ValueError, KeyError, TypeError, RecursionError):
            good = False
        if not good:
            raise InputError(
                f"{str(self.path(MANIFEST))!r} does not say how the run was started.\n"
                f"Give the whole command again, with --resume {shlex.quote(str(self.root))}"
            )
        return dict(said)

    def outputs(self) -> list[str]:
        """Return the absolute paths of what the run wrote, or may replace, outside its folder."""
        try:
            return [str(each) for each in self.read_manifest()["outputs"]]
        except (InputError, KeyError, TypeError):
            return []

    def path(self, name: str) -> Path:
        """Return where a file of this run is."""
        return self.root / name

    def write_manifest(self, manifest: Mapping[str, Any]) -> None:
        """Write ``run.json``, whole or not at all, in place of an earlier one.

        Raises
        ------
        InputError
            If it cannot be written.
        """
        write_text(self.path(MANIFEST), to_json(manifest, indent=2) + "\n")


def refuse_used(path: Path) -> None:
    """Fail if a folder holds a run; see `RunFolder.create`."""
    if path.exists() and not path.is_dir():
        raise InputError(f"--run-dir {str(path)!r} is a file.\nName a folder that is new or empty.")
    used = [name for name in RUN_FILES if (path / name).exists()]
    if used:
        raise UsageError(
            f"--run-dir {str(path)!r} already holds a run: {', '.join(used)}.\n"
            f"Add --force to replace it, or name a new folder; without --run-dir there is one in {RUNS_FOLDER}."
        )


def _new_folder(parent: Path, name: str) -> Path:
    name = re.sub(r"[^\w.]+", "-", name)[:60].strip("-.") or "run"
    stem = f"{name}-{datetime.now().astimezone():%Y%m%d-%H%M%S}"
    with explained(parent / stem):
        parent.mkdir(parents=True, exist_ok=True)
        for suffix in itertools.chain([""], (f"-{number}" for number in itertools.count(2))):
            with contextlib.suppress(FileExistsError):  # another run began in this second: mkdir decides whose it is
                (parent / f"{stem}{suffix}").mkdir()
                return parent / f"{stem}{suffix}"
    raise AssertionError("unreachable")  # itertools.count does not end


# --- the manifest ---------------------------------------------------------------------------------


def now() -> str:
    """Return the local time as an ISO timestamp with its offset, to the millisecond."""
    return datetime.now(timezone.utc).astimezone().isoformat(timespec="milliseconds")


def versions(*distributions: str) -> dict[str, str | None]:
    """Return the versions of Python, raysk and the named distributions, importing none of them.

    Parameters
    ----------
    *distributions : str
        Names as pip knows them, such as ``scikit-learn``.

    Returns
    -------
    dict of str to (str or None)
        None for a distribution that is not installed.
    """
    # Our parent package is always loaded, and right where the installed metadata is of an older checkout.
    ours = getattr(sys.modules.get("raysk"), "__version__", None)
    return {
        "python": platform.python_version(),
        "raysk": ours,
        **{name: _version(name) for name in distributions},
    }


def _version(distribution: str) -> str | None:
    try:
        return importlib.metadata.version(distribution)
    except importlib.metadata.PackageNotFoundError:
        return None


def manifest(
    *,
    job: Mapping[str, Any],
    cluster: Mapping[str, Any] | None = None,
    source: Path | None = None,
    started: str | None = None,
) -> dict[str, Any]:
    """Describe a run that begins: what is run, with which versions, where.

    Parameters
    ----------
    job : mapping of str to object
        What was asked for; any values.
    cluster : mapping of str to object, or None
        What it runs on; None if that is not known yet.
    source : Path or None
        The user's file, whose git state is recorded; None where there is none.
    started : str or None
        An ISO timestamp from `now`; None means now.

    Returns
    -------
    dict
        With outcome ``running`` and ``ended`` None; `ended` makes the final one of it.
    """
    return {
        "schema": SCHEMA,
        "outcome": "running",
        "started": started or now(),
        "ended": None,
        "job": plain(job),
        "cluster": plain(cluster),
        "versions": versions("ray", "scikit-learn", "joblib", "numpy"),
        "git": None if source is None else git_state(source),
    }


def ended(manifest: Mapping[str, Any], outcome: str, **facts: Any) -> dict[str, Any]:
    """Return the manifest of a run that has ended, with its outcome and further facts, such as timings."""
    return {**manifest, "outcome": outcome, "ended": now(), **plain(facts)}
