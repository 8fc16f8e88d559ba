"""The run folder and its manifest."""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import platform
import re
import shlex
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from raysk.errors import InputError, UsageError
from raysk.runs.git import git_state
from raysk.util.jsonable import plain, to_json
from raysk.util.provenance import SCHEMA, now, versions
from raysk.util.writing import alone_in, explained, write_text

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

RUNS_FOLDER = "raysk-runs"
MANIFEST = "run.json"
JOURNAL = "journal.jsonl"
RESULTS = "results.csv"
PYTHON, PYTHON_NESTED, PYTHON_CV = "raysk.fit", "raysk.nested", "raysk.cross_validate"
"""The commands of runs that a Python program started."""

SEARCH, NESTED, CV = "search", "nested", "cv"
"""The commands whose runs can go on."""

# Everything a run writes. A --run-dir that holds one of these is somebody's work: it is not written over unasked.
RUN_FILES = (MANIFEST, JOURNAL, RESULTS, "model.pkl", "model.json", "report.html")

ESTIMATORS = "estimators"
"""The folder in a run of the estimators that are kept: ``<candidate>-<split>.pkl``, each with a ``.json``."""

FOLDS = "outer-*"
"""The folders in a run of nested cross-validation, each with journal and table of one outer fold."""

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

    def read_manifest(self) -> dict[str, Any]:
        """Return what ``run.json`` says.

        Raises
        ------
        InputError
            If it is missing or damaged.
        """
        if self.began_in_python:
            again = self.python_call(str(self.root))
            raise InputError(f"The run in {str(self.root)!r} was started from Python.\nGo on with it there: {again}")
        said = self.said() or {}
        try:
            job = said["job"]
            good = isinstance(job["folder"], str) and all(isinstance(each, str) for each in job["arguments"])
            good = good and str(job["arguments"][0]) in {SEARCH, NESTED, CV}  # "resume" would never end
        except (LookupError, TypeError):
            good = False
        if not good:
            raise InputError(
                f"{str(self.path(MANIFEST))!r} does not say how the run was started.\n"
                f"Give the whole command again, with --resume {shlex.quote(str(self.root))}"
            )
        return said

    def outputs(self) -> list[str]:
        """Return the absolute paths of what the run wrote, or may replace, outside its folder."""
        try:
            return [str(each) for each in self.read_manifest()["outputs"]]
        except (InputError, KeyError, TypeError):
            return []

    @property
    def began_in_python(self) -> bool:
        """Whether a program started the run, as its manifest says, and not the command line."""
        return self.command in {PYTHON, PYTHON_NESTED, PYTHON_CV}

    @property
    def kind(self) -> str:
        """What the run does that may go on: `SEARCH`, `NESTED` or `CV`."""
        if not self.path(JOURNAL).is_file():
            return NESTED
        return CV if self.command in {CV, PYTHON_CV} else SEARCH

    def python_call(self, run: str) -> str:
        """Return the call that goes on with a run which a program started; `run` is how the folder is written."""
        return f"{self.command}({'estimator' if self.kind == CV else 'search'}, X, y, resume={run!r})"

    @property
    def command(self) -> str | None:
        """The command that started the run, as its manifest has it."""
        job = (self.said() or {}).get("job")
        command = job.get("command") if isinstance(job, dict) else None
        return command if isinstance(command, str) else None

    @property
    def shown(self) -> str:
        """The folder as a person would write it."""
        return os.path.relpath(self.root)

    def said(self) -> dict[str, Any] | None:
        """Return what ``run.json`` says, whoever started the run; None if it is missing, or no JSON object."""
        try:
            said = json.loads(_text(self.path(MANIFEST)))
        except (OSError, ValueError, RecursionError):
            return None
        return said if isinstance(said, dict) else None

    def path(self, name: str) -> Path:
        """Return where a file of this run is."""
        return self.root / name

    def estimator_path(self, candidate: int, split: int) -> Path:
        """Return where an estimator of a candidate is kept."""
        return self.root / ESTIMATORS / f"{candidate}-{split}.pkl"

    def fold(self, number: int) -> RunFolder:
        """Return the folder of an outer fold, from 1; made if missing.

        Raises
        ------
        InputError
            If it cannot be made.
        """
        path = self.root / f"outer-{number}"
        with explained(path):
            path.mkdir(exist_ok=True)
        return RunFolder(path)

    def write_manifest(self, manifest: Mapping[str, Any]) -> None:
        """Write ``run.json``, whole or not at all, in place of an earlier one.

        Raises
        ------
        InputError
            If it cannot be written.
        """
        write_text(self.path(MANIFEST), to_json(manifest, indent=2) + "\n")

    def change_manifest(self, change: Callable[[dict[str, Any]], Mapping[str, Any]]) -> None:
        """Rewrite ``run.json``, while nobody else rewrites it, as `change` makes it of what it says.

        Raises
        ------
        InputError
            If it cannot be written; also what `change` raises, and then it stays.
        """
        with alone_in(self.root.parent):  # writing it locks the folder itself
            self.write_manifest(change(self.said() or {}))


def _text(path: Path) -> str:
    """Return the text of a file, or '' for a pipe or device, which could block for ever."""
    return path.read_text(encoding="utf-8") if path.is_file() else ""


def refuse_used(path: Path) -> None:
    """Fail if a folder holds a run; see `RunFolder.create`."""
    if path.exists() and not path.is_dir():
        raise InputError(f"--run-dir {str(path)!r} is a file.\nName a folder that is new or empty.")
    if path.is_symlink() and not path.exists():
        there = str(path.readlink())
        raise InputError(f"--run-dir {str(path)!r} is a link to {there!r}, which is not there.\nName another folder.")
    used = [name for name in RUN_FILES if (path / name).exists()]
    if used:
        raise UsageError(
            f"--run-dir {str(path)!r} already holds a run: {', '.join(used)}.\n"
            "Name a new folder, or replace it with --force (in Python: raysk.run with force=True)."
        )


def name_without_time(name: str) -> str:
    """Return the name of a run's folder without when it began, as `_new_folder` writes it."""
    return re.sub(r"-\d{8}-\d{6}(-\d+)?$", "", name)


def file_name(name: str) -> str:
    """Return a run's name as the name of its folder begins."""
    return re.sub(r"[^\w.]+", "-", name)[:60].strip("-.") or "run"


def _new_folder(parent: Path, name: str) -> Path:
    stem = f"{file_name(name)}-{datetime.now().astimezone():%Y%m%d-%H%M%S}"
    with explained(parent / stem):
        parent.mkdir(parents=True, exist_ok=True)
        for suffix in itertools.chain([""], (f"-{number}" for number in itertools.count(2))):
            with contextlib.suppress(FileExistsError):  # another run began in this second: mkdir decides whose it is
                (parent / f"{stem}{suffix}").mkdir()
                return parent / f"{stem}{suffix}"
    raise AssertionError("unreachable")  # itertools.count does not end


def folds_of(run: Path) -> list[Path]:
    """Return the folders of a run's outer folds, by their numbers; a link leads out of the run, and is none."""
    folds = (fold for fold in run.glob(FOLDS) if fold.is_dir() and not fold.is_symlink())
    return sorted(folds, key=lambda fold: (len(fold.name), fold.name))  # outer-10 comes after outer-2


def journals_of(run: Path) -> list[Path]:
    """Return the journals of a run: that of its search, or those of its outer folds."""
    return [path for path in (run / JOURNAL, *(fold / JOURNAL for fold in folds_of(run))) if path.is_file()]


# --- the manifest ---------------------------------------------------------------------------------


def new_manifest(
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
        With outcome ``running`` and ``ended`` None; `finish_manifest` makes the final one of it.
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
        "process": {"host": platform.node(), "pid": os.getpid()},
    }


def finish_manifest(manifest: Mapping[str, Any], outcome: str, **facts: Any) -> dict[str, Any]:
    """Return the manifest of a run that has ended, with its outcome and further facts, such as timings."""
    return {**manifest, "outcome": outcome, "ended": now(), **plain(facts)}
