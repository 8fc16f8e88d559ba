"""Whose error is it? The frames of the person's own files, from here and from workers."""

from __future__ import annotations

import os
import sysconfig
import traceback
from pathlib import Path

import raysk

MAX_FRAMES = 3

OURS = str(Path(raysk.__file__).parent) + os.sep
STDLIB = sysconfig.get_path("stdlib") + os.sep
PACKAGES = {"site-packages", "dist-packages"}
"""Folders within that of Python's own library where others' packages are."""
BY_VALUE = "<dynamic-code>"
"""How cloudpickle (3.1.3) names the file of code that was pickled with a model: the person's, wherever that was."""


def lines(error: BaseException) -> list[str] | None:
    """Return what to print about an error of the person's code, at most five lines.

    Returns
    -------
    lines : list of str or None
        None if the error was raised by raysk itself, or by Python's library that it called: a bug.
    """
    frames = _frames(error)
    if _is_ours([frame.filename for frame in frames]):
        return None
    own = [frame for frame in frames if _is_own(frame.filename)][-MAX_FRAMES:]
    last = traceback.format_exception_only(error)[-1].strip().splitlines()
    said = "; ".join(line.strip() for line in last if line.strip())[:600]
    where = [f"  {_short(frame.filename)}:{frame.lineno} in {frame.name}: {frame.line}".rstrip(" :") for frame in own]
    return [said, *where, "That is what the estimator's own code says; --debug shows all frames."]


def is_of_own_code(error: BaseException) -> bool:
    """Return whether the person's own code raised an error, or called what raised it."""
    return any(_is_own(frame.filename) for frame in _frames(error))


def _frames(error: BaseException) -> list[traceback.FrameSummary]:
    """Return the frames in the worker if the error comes from one, else those here."""
    remote = getattr(error.__cause__, "frames", None)
    frames: list[traceback.FrameSummary] = remote or list(traceback.extract_tb(error.__traceback__))
    return frames


def _is_ours(files: list[str]) -> bool:
    """Tell whether raysk raised, or Python's own library that raysk called, such as `pathlib`."""
    called = [file for file in files if not _is_stdlib(file)]
    return bool(called) and called[-1].startswith(OURS)


def _is_stdlib(file: str) -> bool:
    return file.startswith("<frozen") or (file.startswith(STDLIB) and not {*Path(file).parts} & PACKAGES)


def _is_own(file: str) -> bool:
    from raysk.source.user_code import is_own_file

    return file == BY_VALUE or (not file.startswith(OURS) and is_own_file(file))


def _short(filename: str) -> str:
    if filename == BY_VALUE:
        return "the code in the model"
    path = Path(filename)
    return str(path.relative_to(Path.cwd())) if path.is_relative_to(Path.cwd()) else str(path)
