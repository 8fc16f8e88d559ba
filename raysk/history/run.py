"""One run, by its folder: what ``run.json`` says of it, and whether it goes on."""

from __future__ import annotations

import contextlib
import fcntl
import os
import platform
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import Any

from raysk.errors import InputError
from raysk.runs.folder import MANIFEST, RUN_FILES, RUNS_FOLDER, RunFolder, journals_of
from raysk.runs.lookup import LATEST, find_run, suggest_run
from raysk.util.provenance import SCHEMA

RUNNING, CRASHED, UNKNOWN = "running", "crashed", "unknown"
"""States that ``run.json`` does not say, or not by itself."""


@dataclass(frozen=True)
class Run:
    """A run that was found.

    Parameters
    ----------
    folder : Path
        Absolute.
    """

    folder: Path

    @property
    def name(self) -> str:
        """The name of its folder."""
        return self.folder.name

    @property
    def shown(self) -> str:
        """Its folder, as a person would write it."""
        return os.path.relpath(self.folder)

    @cached_property
    def facts(self) -> Mapping[str, Any]:
        """What ``run.json`` says, as it was when this was asked for first; empty if it is missing or damaged."""
        return RunFolder(self.folder).said() or {}

    def refreshed(self) -> Run:
        """Return this run, as its files are now."""
        return Run(self.folder)

    @property
    def command(self) -> str | None:
        """What started it: ``search``, ``fit``, ``nested``, ``raysk.fit`` and so on; None if that is not known."""
        job = self.facts.get("job")
        command = job.get("command") if isinstance(job, dict) else None
        return command if isinstance(command, str) else None

    @property
    def typed(self) -> str:
        """What started it, as a person wrote that: ``raysk search``, ``raysk.fit``."""
        command = self.command or ""
        return command if command.startswith("raysk.") else f"raysk {command}"

    @cached_property
    def state(self) -> str:
        """``running``, ``done``, ``interrupted``, ``failed``; ``crashed`` if it went without a word; or ``unknown``."""
        said = self.facts.get("outcome")
        if said != RUNNING:
            return said if isinstance(said, str) else UNKNOWN
        journals = journals_of(self.folder)
        goes_on = any(map(_is_locked, journals)) if journals else not _is_gone(self.facts.get("process"))
        if goes_on:
            return RUNNING
        again = (RunFolder(self.folder).said() or {}).get("outcome")  # it may have ended while we looked
        return again if isinstance(again, str) and again != RUNNING else CRASHED

    @property
    def fault(self) -> str | None:
        """What is wrong with ``run.json``, so that it may say less than it should; None if nothing is."""
        if not self.facts:
            return f"{MANIFEST} is damaged" if (self.folder / MANIFEST).exists() else f"{MANIFEST} is missing"
        schema = self.facts.get("schema")
        return None if schema == SCHEMA else f"{MANIFEST} has schema {str(schema)[:20]}, this raysk reads {SCHEMA}"

    @property
    def started(self) -> datetime | None:
        """When it began; None if that is not known."""
        return _moment(self.facts.get("started"))

    @property
    def ended(self) -> datetime | None:
        """When it ended; None if it did not, or nobody knows when."""
        return _moment(self.facts.get("ended"))


def open_run(text: str | Path = LATEST) -> Run:
    """Find a run.

    Parameters
    ----------
    text : str or Path
        ``latest``, the newest in ``raysk-runs``; a run's name there, its folder, or a file in it.

    Returns
    -------
    Run

    Raises
    ------
    InputError
        If there is none.
    """
    text = str(text)
    if text == LATEST and not Path(text).is_dir():
        return _latest()
    try:
        root = find_run(text)
    except InputError:
        raise
    except (OSError, ValueError) as error:
        raise InputError(f"There is no run {text[:60]!r}: {error}.") from error
    if root is None:
        raise InputError(f"There is no run {text!r}.\n{suggest_run(text) or _known()}".strip())
    if not is_run(root):
        raise InputError(f"{text!r} is not the folder of a run: it has none of {', '.join(RUN_FILES[:3])}.\n{_known()}")
    return Run(root)


def is_run(folder: Path) -> bool:
    """Tell whether a folder holds a run, or what is left of one."""
    return any((folder / name).is_file() for name in RUN_FILES[:3]) or bool(journals_of(folder))


def runs_in(folder: Path) -> list[Run]:
    """Return the runs in a folder of folders, those that began last first."""
    try:
        with os.scandir(folder) as entries:
            folders = [Path(each.path).absolute() for each in entries if _holds_run(each)]
    except OSError as error:
        raise InputError(f"{str(folder)!r} cannot be read: {error.strerror}.") from error
    return sorted(map(Run, folders), key=_began, reverse=True)


def _holds_run(entry: os.DirEntry[str]) -> bool:
    with contextlib.suppress(OSError):  # it is closed to us, or gone by now
        return entry.is_dir() and is_run(Path(entry.path))
    return False


def _began(run: Run) -> float:
    """Return when a run began, to sort by; if that is not known, when its folder was changed last."""
    if run.started is not None:
        return run.started.timestamp()
    with contextlib.suppress(OSError):
        return run.folder.stat().st_mtime
    return 0.0


def _moment(text: Any) -> datetime | None:
    """Return the time that a manifest says; one without an offset is of this place."""
    with contextlib.suppress(TypeError, ValueError, OverflowError):
        return datetime.fromisoformat(text).astimezone()
    return None


def _is_gone(process: Any) -> bool:
    """Tell whether a run's process is known to have ended: it was on this machine, and is there no more."""
    if not isinstance(process, Mapping) or process.get("host") != platform.node():
        return False
    try:
        os.kill(process["pid"], 0)
    except ProcessLookupError:
        return True
    except (KeyError, TypeError, OverflowError, OSError):
        return False
    return False


def _latest() -> Run:
    here = Path.cwd() / RUNS_FOLDER
    runs = runs_in(here) if here.is_dir() else []
    if not runs:
        raise InputError(f"There are no runs in {str(here)!r} yet.\nMake one with 'raysk search' or 'raysk fit'.")
    return runs[0]


def _known() -> str:
    """Return what to type to see the runs there are; empty if there are none here."""
    return "See the runs there are: raysk runs" if any((Path.cwd() / RUNS_FOLDER).glob(f"*/{MANIFEST}")) else ""


def _is_locked(journal: Path) -> bool:
    """Tell whether a process has a journal open, which holds its lock."""
    try:
        file = os.open(journal, os.O_RDONLY)
    except OSError:
        return False
    try:
        fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError:
        return True
    finally:
        os.close(file)
    return False
