"""Outputs that exist already are not replaced unasked."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from raysk.errors import UsageError
from raysk.runs.folder import ESTIMATORS, RUN_FILES, folds_of, journals_of
from raysk.runs.journal import Journal
from raysk.util.writing import explained, is_special

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable
    from pathlib import Path


def refuse_existing(outputs: Iterable[Path | None], *, force: bool, own: Collection[str] = ()) -> None:
    """Fail before anything runs if an output exists already.

    Parameters
    ----------
    outputs : iterable of (Path or None)
        As the person named them. Pipes and devices do not count.
    force : bool
        Whether they may be replaced.
    own : collection of str
        Absolute paths that may exist: the run that goes on has written them.

    Raises
    ------
    UsageError
        Naming the first that exists.
    """
    for path in outputs:
        if force or path is None or is_special(path) or not path.is_file() or str(path.absolute()) in own:
            continue
        raise UsageError(f"{str(path)!r} already exists.\nAdd --force to replace it, or name another file.")


def remove_run(folder: Path) -> None:
    """Remove the files of a run from a folder, and nothing else.

    Raises
    ------
    InputError
        If the run is still going on, or a file cannot be removed.
    """
    if not folder.is_dir():
        return
    with contextlib.ExitStack() as stack:
        for journal in journals_of(folder):
            stack.enter_context(Journal(journal))
        is_ours = not (folder / ESTIMATORS).is_symlink()  # a link leads out of the run
        kept = [path for suffix in ("pkl", "json") if is_ours for path in folder.glob(f"{ESTIMATORS}/*-*.{suffix}")]
        for path in [*kept, *(each / name for each in (folder, *folds_of(folder)) for name in RUN_FILES)]:
            with explained(path):
                path.unlink(missing_ok=True)
