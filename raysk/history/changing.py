"""Change what was left behind: remove runs, and tag them.

Only what is ours goes, and only from the folder that was named; models and tables elsewhere stay.
"""

from __future__ import annotations

import contextlib
import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Any

from raysk.errors import InputError, UsageError
from raysk.history.run import RUNNING, Run, open_run
from raysk.runs.folder import ESTIMATORS, MANIFEST, RUN_FILES, RunFolder, folds_of, journals_of
from raysk.runs.journal import BEGINNING
from raysk.runs.labels import check_tags, tags_of
from raysk.runs.lookup import LATEST
from raysk.runs.overwriting import remove_run as remove_files
from raysk.util.words import join_names
from raysk.util.writing import explained

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

# --- remove ---------------------------------------------------------------------------------------


def removable(texts: Sequence[str]) -> list[Run]:
    """Return the runs that texts name, each once, if all of them can be removed.

    Raises
    ------
    InputError
        If one is no run, or goes on; if it is named by a link, or by a file in it: more would go than was named.
    """
    runs = {run.folder.resolve(): run for run in map(_named, texts)}
    for run in runs.values():
        if run.state == RUNNING:
            raise InputError(f"{run.shown!r} is running. Nothing was removed.\nEnd it first, or leave it out.")
    return list(runs.values())


def _named(text: str) -> Run:
    run = open_run(text)
    if run.folder.is_symlink():
        there = shlex.quote(str(run.folder.resolve()))
        raise InputError(f"{text!r} is a link. Nothing was removed.\nName the folder that it leads to: {there}")
    path = Path(text)
    if text != LATEST and path.is_file() and path.absolute() != run.folder:
        raise InputError(f"{text!r} is a file of a run. Nothing was removed.\nName the run: {shlex.quote(run.shown)}")
    if "outcome" not in run.facts and not any(map(_is_ours, journals_of(run.folder))):
        raise InputError(
            f"Nothing in {text!r} shows that raysk wrote it. Nothing was removed.\n"
            f"If it is a run: rm -r {shlex.quote(run.shown)}"
        )
    return run


def _is_ours(journal: Path) -> bool:
    with contextlib.suppress(OSError), journal.open("rb") as file:
        return file.read(len(BEGINNING)) == BEGINNING
    return False


def remove_run(run: str | Path | Run) -> list[Path]:
    """Remove the files of a run, and its folder, unless that holds something else.

    Parameters
    ----------
    run : str, Path or Run
        A run's name or folder; see `raysk.open_run`.

    Returns
    -------
    list of Path
        What is not of the run, and is left in its folder.

    Raises
    ------
    InputError
        See `removable`; also if a file cannot be removed.
    """
    (found,) = removable([str(run.folder if isinstance(run, Run) else run)])
    remove_files(found.folder)
    folds = folds_of(found.folder)
    for folder in (*folds, found.folder):
        _remove_unfinished(folder)
    for folder in (*folds, found.folder / ESTIMATORS, found.folder):
        with contextlib.suppress(OSError):  # it is not there, or holds something else
            folder.rmdir()
    return sorted(found.folder.iterdir()) if found.folder.is_dir() else []


def _remove_unfinished(folder: Path) -> None:
    """Remove what a crash left while a file of a run was written; see `raysk.util.writing`."""
    for name in RUN_FILES:
        for path in folder.glob(f".{name}.*.tmp"):
            with explained(path):
                path.unlink(missing_ok=True)


# --- tag ------------------------------------------------------------------------------------------


def tag_run(run: str | Path | Run, *tags: str, remove: bool = False) -> list[str]:
    """Add tags to a run, or take them from it.

    Parameters
    ----------
    run : str, Path or Run
        ``latest``, a run's name or folder; see `raysk.open_run`.
    *tags : str
    remove : bool, default=False
        Whether the run loses these tags.

    Returns
    -------
    list of str
        The tags that it has then.

    Raises
    ------
    InputError
        If there is no such run, it does not have a tag that is to be removed, or its ``run.json`` cannot be changed.
    UsageError
        If a tag is none.
    """
    found = run if isinstance(run, Run) else open_run(run)
    given = tags if remove else check_tags(tags)
    if not given:
        raise UsageError("No tag is given. Name at least one.")

    def change(said: dict[str, Any]) -> Mapping[str, Any]:
        _check_known(found.refreshed())
        there = tags_of(said)
        if remove and (strange := [tag for tag in given if tag not in there]):
            known = f"Its tags are: {join_names(there)}." if there else "It has no tags."
            raise InputError(f"{found.shown!r} has no tag {join_names(strange)}.\n{known}")
        left = [tag for tag in there if tag not in given]
        return said | {"tags": left if remove else list(dict.fromkeys([*there, *given]))}

    RunFolder(found.folder).change_manifest(change)
    return tags_of(found.refreshed().facts)


def _check_known(run: Run) -> None:
    """Fail if what a manifest says would be lost when it is rewritten, or means something else."""
    if run.fault is not None:
        path = str(run.folder / MANIFEST)
        raise InputError(f"{run.shown!r} cannot be tagged: {run.fault}.\nTags stand in {path!r}.")
