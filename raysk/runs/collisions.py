"""Check before anything runs that no file which a command writes is another output, or an input.

Two paths are one file if links, another spelling, or another name on the disk (a hard link) make them so. The files of
a run folder are that run's alone.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import stat
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote

from raysk.errors import UsageError
from raysk.runs.folder import JOURNAL, MANIFEST, RUN_FILES, RUNS_FOLDER
from raysk.util.jsonable import read_object

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    Identity = tuple[object, ...]
    """Equal for two paths of one file."""

MODEL, DESCRIPTION, RESULTS = "-o", "the description of the model", "--results"

_IN_RUN = {MODEL: "model.pkl", DESCRIPTION: "model.json", RESULTS: "results.csv"}
"""The file of a run folder with the same content: naming it is no collision."""

_STREAMS = {"stdout": 1, "stderr": 2}


def check_distinct(
    writes: Mapping[str, Path | None], reads: Mapping[str, str | None], *, run_dir: Path | None = None
) -> None:
    """Fail before anything runs if an output would destroy another, an input, or a file of a run.

    Parameters
    ----------
    writes : mapping of str to (Path or None)
        Files to be written, by their names in messages; None for one that is not written. Devices pass.
    reads : mapping of str to (str or None)
        Inputs, by their names in messages, as the person wrote them: a path, ``PATH:NAME``, ``-`` for stdin, or
        anything else, which is no file.
    run_dir : Path or None
        The folder of the run; None for one that is to be made in ``raysk-runs``.

    Raises
    ------
    UsageError
        Naming both.
    """
    files = {what: (path, found) for what, path in writes.items() if path and (found := _identity(path)) is not None}
    for what, (path, found) in files.items():
        _refuse_run_file(what, path, found, run_dir)
        _refuse_around(what, path, run_dir)
    streams = {name: (f"(it is {name})", found) for name, number in _STREAMS.items() if (found := _of_stream(number))}
    pairs = [*itertools.combinations(files.items(), 2), *itertools.product(files.items(), streams.items())]
    for (one, (path, found)), (other, (there, same)) in pairs:
        if found == same:
            model = f" (described is -o {writes[MODEL]})" if DESCRIPTION in {one, other} else ""
            raise UsageError(
                f"{one} {path} and {other} {there} are the same file{model}.\nName another for one of them."
            )
    for what, text in reads.items():
        for found in _read_from(text or ""):
            if found == _of_stream(_STREAMS["stdout"]):
                raise UsageError(f"stdout is the file that is read: {what} {text}.\nSend the output to another file.")
            _refuse_overwriting(f"{what} {text}", found, files, run_dir)


def _refuse_overwriting(
    read: str, found: Identity, files: Mapping[str, tuple[Path, Identity]], run_dir: Path | None
) -> None:
    for what, (path, same) in files.items():
        if found == same:
            raise UsageError(f"{what} {path} would replace what is read: {read}.\nName another file.")
    if run_dir is not None and any(found == _identity(run_dir / name) for name in RUN_FILES):
        raise UsageError(f"{read} is a file of the run in {run_dir}, which is written anew.\nCopy it elsewhere first.")


def _refuse_run_file(what: str, path: Path, found: Identity, run_dir: Path | None) -> None:
    around = Path(os.path.realpath(path)).parent
    for folder in {around, run_dir or around}:
        name = next((name for name in RUN_FILES if _identity(folder / name) == found), None)
        own = run_dir is not None and _identity(folder) == _identity(run_dir)
        if name is None or (own and _IN_RUN.get(what) == name):
            continue
        if own or is_run(folder):
            raise UsageError(f"{what} {path} belongs to the run in {str(folder)!r}.\nName a file in another folder.")


def _refuse_around(what: str, path: Path, run_dir: Path | None) -> None:
    """Refuse a file in the place of the run folder, or of one that it is in."""
    run, file = Path(os.path.realpath(run_dir or Path(RUNS_FOLDER, "x"))), Path(os.path.realpath(path))
    if file == run or file in run.parents:
        folder = f"--run-dir {run_dir}" if run_dir else f"the folder {RUNS_FOLDER}"
        raise UsageError(f"{what} {path} is where {folder} is to be.\nName another file.")


def is_run(folder: Path) -> bool:
    """Tell whether a folder is that of a run, by what its manifest or its journal says."""
    if {"job", "outcome"} <= (read_object(folder / MANIFEST) or {}).keys():
        return True
    with contextlib.suppress(OSError):
        if (folder / JOURNAL).is_file():
            with (folder / JOURNAL).open("rb") as journal:
                return journal.read(20).startswith(b'{"raysk": "journal"')
    return False


def _identity(path: Path) -> Identity | None:
    """Return the identity of a file, whether it exists or not; None for a device, which holds nothing."""
    try:
        found = path.stat()
    except (OSError, ValueError):
        real = Path(os.path.realpath(path))
    else:
        return None if stat.S_ISCHR(found.st_mode) else (found.st_dev, found.st_ino)
    name = real.name.casefold() if _ignores_case(real.parent) else real.name
    with contextlib.suppress(OSError):
        parent = real.parent.stat()
        return (parent.st_dev, parent.st_ino, name)
    return (real,)


def _ignores_case(folder: Path) -> bool:
    """Tell whether the disk takes two names for one that differ in case only, where the folder's name can tell."""
    other = folder.with_name(folder.name.swapcase()) if folder.name else folder
    with contextlib.suppress(OSError):
        return other.name != folder.name and other.samefile(folder)
    return False


def _of_stream(number: int) -> Identity | None:
    """Return the identity of an open file; None for a terminal, a pipe, or nothing."""
    with contextlib.suppress(OSError):
        found = os.fstat(number)
        if stat.S_ISREG(found.st_mode):
            return (found.st_dev, found.st_ino)
    return None


def _read_from(text: str) -> Iterator[Identity]:
    """Yield the identities of the files that a text may name, with or without a name after a colon."""
    if text == "-" and (found := _of_stream(0)) is not None:
        yield found
    scheme, _, there = text.partition("://")
    if scheme in {"file", "local"}:  # a URI of this machine's
        text = unquote(there)
    for head in itertools.accumulate(text.split(":"), "{}:{}".format):
        with contextlib.suppress(OSError, ValueError):
            if Path(head).is_file() and (found := _identity(Path(head))) is not None:
                yield found
