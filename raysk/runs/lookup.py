"""Find the run or the model that a person means by ``latest``, a run's name, its folder, or a file in it.

    find_search(text)  the folder of a search to go on with
    find_model(text)   a model file: itself, or that of a run
    name_model(text)   what a person calls it

The person did not name the run that ``latest`` finds: it is used only if nobody else can have written it.
"""

from __future__ import annotations

import contextlib
import os
import shlex
from pathlib import Path
from typing import Any

from raysk.errors import InputError
from raysk.models.sidecar import read_sidecar
from raysk.runs.folder import (
    FOLDS,
    JOURNAL,
    MANIFEST,
    RUN_FILES,
    RUNS_FOLDER,
    SEARCH,
    RunFolder,
    journals_of,
    name_without_time,
)
from raysk.runs.labels import name_of
from raysk.util.jsonable import read_object
from raysk.util.path_suggestions import suggest_path
from raysk.util.trust import why_not_trusted
from raysk.util.words import join_names, nearest_names, printable

LATEST = "latest"
MOST_MEANT = 3  # runs that a slip may have meant
MODEL_FILE = "model.pkl"


def find_search(text: str, command: str | None = None) -> RunFolder:
    """Return the folder of an earlier search, or cross-validation.

    Parameters
    ----------
    command : str or None
        Which of them it has to be, `SEARCH`, `NESTED` or `CV`; None takes any.
    text : str
        A run's folder, a file in it, its name in ``raysk-runs``, or ``latest``: of the searches in ``raysk-runs``
        where we are the one that finished a fit last.

    Raises
    ------
    InputError
        If there is none, it holds no journal, or the latest may be somebody else's.
    """
    newest = _newest_search()
    if text == LATEST:
        if newest is None:
            raise InputError(f"There is no search to resume in {str(Path.cwd() / RUNS_FOLDER)!r}.")
        names = [os.path.relpath(journal, newest) for journal in journals_of(newest)]
        check_whose(newest, (MANIFEST, *names), "search", "raysk resume")
        return _of_command(newest, command)
    known = f"The newest search is {os.path.relpath(newest)!r}." if newest else ""
    try:
        root = find_run(text)
        if root is not None and journals_of(root):
            return _of_command(root, command)
    except OSError as error:
        raise InputError(f"There is no folder {text[:60]!r}: {error.strerror}.") from error
    if root is not None:
        raise InputError(f"{text!r} holds no {JOURNAL}: it is not the folder of a search.\n{known}".strip())
    raise InputError(f"There is no folder {text!r}.\n{suggest_run(text) or known}".strip())


def _of_command(root: Path, command: str | None) -> RunFolder:
    folder = RunFolder(root)
    if command not in {None, folder.kind}:
        raise InputError(
            f"{_shown(root)!r} is a run of 'raysk {folder.kind}', not of 'raysk {command}'.\n"
            f"Go on with it: raysk resume {shlex.quote(_shown(root))}"
        )
    return folder


def passed_over(run: Path) -> Path | None:
    """Return a search that is newer than a run which ``latest`` has found, if there is one: no fit of it was done."""
    newest = max(_journals(run.parent), key=_modified, default=None)
    root = newest and _run_of(newest)
    return None if root == run else root


def find_model(text: str, command: str) -> str:
    """Return the path of the model that a text means.

    Parameters
    ----------
    text : str
        A model file or ``-``, which are returned as they are; a run's folder, a file in it, its name in ``raysk-runs``,
        or ``latest``: of the runs there that have a model, the one that began last.
    command : str
        What to type with another run, as ``raysk predict``.

    Returns
    -------
    str
        Of a run, relative to where we are if it is below; what names nothing at all is returned as it is.

    Raises
    ------
    InputError
        If the run has no model, or its model was replaced since, or the latest may be somebody else's; if there is no
        such run or file, but a run with a name like it.
    """
    try:
        found = _model_meant(text)
    except InputError:
        raise
    except (OSError, ValueError):  # too long a name, or a null character
        return text
    if found is None:
        _check_is_no_run(text, command)
        return text
    return _shown(_latest_model(command)[1] if found == Path(LATEST) else _model_of(found))


def name_model(text: str, command: str) -> str:
    """Return what a person calls the run or the model that a text means: of ``latest`` the name of the run."""
    if text != LATEST or Path(text).exists():
        return text
    run = _latest_model(command)[0]
    return name_of(_manifest(run)) or run.name


def _check_is_no_run(text: str, command: str) -> None:
    """Fail if what names nothing is a candidate of a run, or may be a slip in a run's name."""
    if text == "-" or os.path.lexists(text):
        return
    name, mark, rank = text.rpartition("#")
    if mark and rank.isdecimal() and find_run(name) is not None:
        raise InputError(
            f"{text}: of a run only the model of its best candidate is saved: {command} {shlex.quote(name)}\n"
            f"Fit another one first: raysk refit {shlex.quote(name)} --rank {rank} -o FILE"
        )
    if not Path(text).suffix and _runs_like(text):  # with one it may as well be a file
        raise InputError(f"There is no model file and no run {text!r}.\n{suggest_run(text)}")


def _model_meant(text: str) -> Path | None:
    """Return the folder of the run whose model a text means, ``latest`` as it is; None for what is no run."""
    path = Path(text)
    if text == "-" or (path.exists() and not path.is_dir() and path.name not in {*RUN_FILES} - {MODEL_FILE}):
        return None
    if text == LATEST and not path.is_dir():
        return path
    run = find_run(text)
    return run if run is not None and (path.is_dir() or (run / MANIFEST).is_file()) else None


def find_run(text: str) -> Path | None:
    """Return the folder that a text names: by its path, a file of a run in it, or its name in ``raysk-runs``.

    Raises
    ------
    InputError
        If it is the name that several runs were given.
    """
    path = Path(text).absolute()
    if path.is_dir():
        return path
    if path.is_file() and path.name in RUN_FILES:
        return path.parent
    named = Path.cwd() / RUNS_FOLDER / text
    return named if named.parent.name == RUNS_FOLDER and named.is_dir() else _named_run(text)


def _named_run(name: str) -> Path | None:
    """Return the run in ``raysk-runs`` that was given a name."""
    manifests = (Path.cwd() / RUNS_FOLDER).glob(f"*/{MANIFEST}")
    runs = [each.parent for each in manifests if name_of(read_object(each) or {}) == name]
    if len(runs) > 1:
        shown = join_names(sorted(run.name for run in runs))
        raise InputError(f"{len(runs):,} runs have the name {name!r}: {shown}.\nName one by its folder.")
    return runs[0] if runs else None


def suggest_run(text: str) -> str:
    """Return "Did you mean a or b?" of the runs in ``raysk-runs`` with a name like a text's, or else of folders."""
    if meant := _runs_like(text):
        return f"Did you mean {' or '.join(map(printable, meant))}?"
    return suggest_path(Path(text).absolute(), folders=True)


def _runs_like(text: str) -> list[str]:
    called, path = _names_of_runs(), Path(text).absolute()
    text = path.name if path.parent == Path.cwd() / RUNS_FOLDER else text
    begun = [runs[0] for name, runs in called.items() if name.startswith(text)]
    close = [called[name][0] for name in nearest_names(text, called)]
    return list(dict.fromkeys(begun or close))[:MOST_MEANT]


def _names_of_runs() -> dict[str, list[str]]:
    """Return what runs in ``raysk-runs`` are called, and what finds those that are: a name of one run, or a folder.

    A folder is also called what stands before the time in its name. Runs that began last come first.
    """
    called: dict[str, list[str]] = {}
    given: dict[str, str | None] = {}
    with contextlib.suppress(OSError):
        folders = sorted((Path.cwd() / RUNS_FOLDER).iterdir(), key=_modified, reverse=True)
        given = {each.name: name_of(read_object(each / MANIFEST) or {}) for each in folders if each.is_dir()}
    for folder, name in given.items():
        found_by = name if name and list(given.values()).count(name) == 1 else folder
        for each in filter(None, (name, folder, name_without_time(folder))):
            called.setdefault(each, []).append(found_by)
    return called


def _shown(path: Path) -> str:
    below = os.path.relpath(path)
    return str(path) if below.startswith(os.pardir) else below


# --- the model of a run ---------------------------------------------------------------------------


def _latest_model(command: str) -> tuple[Path, Path]:
    """Return the newest run that has a model, and the model."""
    runs = sorted((Path.cwd() / RUNS_FOLDER).glob(f"*/{MANIFEST}"), key=_began, reverse=True)
    for manifest in runs:
        if manifest.is_file() and (model := _recorded_model(manifest.parent)) is not None:
            check_whose(manifest.parent, (MANIFEST,), "run", command)
            return manifest.parent, _checked(manifest.parent, *model)
    raise InputError(
        f"No run in {str(Path.cwd() / RUNS_FOLDER)!r} has a model.\nMake one with 'raysk fit' or 'raysk search'."
    )


def _began(manifest: Path) -> tuple[str, float]:
    """Return when a run began, to sort by: its manifest may be changed later, as when it is tagged."""
    started = (read_object(manifest) or {}).get("started")
    return (started if isinstance(started, str) else "", _modified(manifest))


def _modified(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except OSError:
        return 0.0


def _model_of(run: Path) -> Path:
    model = _recorded_model(run)
    if model is not None:
        return _checked(run, *model)
    ended = _manifest(run).get("outcome")
    if ended is None:
        models = ", ".join(sorted(repr(each.name) for each in run.glob("*.pkl"))[:5])
        there = f"In it there is {models}." if models else "Name a model file, or the folder of a run."
        raise InputError(f"{str(run)!r} is a folder, and none of a run.\n{there}")
    raise InputError(f"The run in {_shown(run)!r} has no model: its outcome is {str(ended)!r}.\n{_instead(run, ended)}")


def _instead(run: Path, ended: Any) -> str:
    """Return what to type to get a model of a run that has none."""
    folder, name = RunFolder(run), shlex.quote(_shown(run))
    journals = journals_of(run)
    if not any(map(_has_fits, journals)) or folder.kind != SEARCH:
        return "Name another run."
    if folder.began_in_python:
        return f"Go on with it: {folder.python_call(_shown(run))}"
    refit = f"raysk refit {name} -o FILE"
    if ended == "done":
        return f"Fit its best candidate: {refit}"
    watch = f"If it goes on: raysk watch {name}\n" if ended == "running" else ""
    return f"{watch}Go on with it: raysk resume {name}\nOr fit the best of the candidates that are done: {refit}"


def _recorded_model(run: Path) -> tuple[Path, str | None] | None:
    """Return where the model of a run was saved, and its hash if that is known; None if it has none."""
    said = _manifest(run)
    for model in (run / MODEL_FILE, said.get("model")):
        if isinstance(model, str | Path) and Path(model).is_file():
            return Path(model), None if model == run / MODEL_FILE else said.get("model_sha256")
    return None


def _checked(run: Path, model: Path, sha256: Any) -> Path:
    """Return a model that was saved outside its run, unless its place has another by now."""
    there = ((read_sidecar(model) or {}).get("file") or {}).get("sha256")
    if sha256 is not None and there != sha256:
        raise InputError(
            f"The run in {_shown(run)!r} saved its model as {str(model)!r}, where another is by now.\n"
            "Name a model file, or another run."
        )
    return model


def _manifest(run: Path) -> dict[str, Any]:
    return read_object(run / MANIFEST) or {}


# --- latest ---------------------------------------------------------------------------------------


def check_whose(run: Path, files: tuple[str, ...], kind: str, command: str) -> None:
    """Fail unless nobody else can have written what a run that was not named says: it would be carried out."""
    for reason in filter(None, (why_not_trusted(run / name) for name in (*files, MODEL_FILE))):
        raise InputError(
            f"The newest {kind} here, {os.path.relpath(run)!r}, may be somebody else's:\n{reason}.\n"
            f"Name the run that you mean: {command} {RUNS_FOLDER}/NAME"
        )


def _newest_search() -> Path | None:
    """Return the folder of the search here that finished a fit last; one that never got to work only if all are so."""
    journals = _journals(Path.cwd() / RUNS_FOLDER)
    newest = max(journals, key=lambda path: (_has_fits(path), _modified(path)), default=None)
    return newest and _run_of(newest)


def _journals(folder: Path) -> list[Path]:
    """Return the journals of the runs in a folder, without pipes of that name."""
    return [path for run in folder.glob("*") for path in journals_of(run)]


def _run_of(journal: Path) -> Path:
    """Return the folder of the run that a journal is of."""
    folder = journal.parent
    return folder.parent if folder.match(FOLDS) else folder


def _has_fits(journal: Path) -> bool:
    """Tell whether anything follows a journal's first line."""
    with contextlib.suppress(OSError), journal.open("rb") as lines:
        next(lines, None)
        return next(lines, None) is not None
    return False
