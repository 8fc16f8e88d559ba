"""Whose error is it? The frames of the person's own files, from here and from workers."""

from __future__ import annotations

import traceback
from pathlib import Path

import raysk

MAX_FRAMES = 3


def lines(error: BaseException) -> list[str] | None:
    """Return what to print about an error of the person's code, at most five lines.

    Returns
    -------
    lines : list of str or None
        None if the error was raised by raysk itself: a bug.
    """
    frames = _frames(error)
    if frames and _is_ours(frames[-1].filename):
        return None
    own = [frame for frame in frames if _is_own(frame.filename)][-MAX_FRAMES:]
    last = traceback.format_exception_only(error)[-1].strip().splitlines()
    said = "; ".join(line.strip() for line in last if line.strip())[:600]
    where = [f"  {_short(frame.filename)}:{frame.lineno} in {frame.name}: {frame.line}" for frame in own]
    return [said, *where, "That is what the estimator's own code says; --debug shows all frames."]


def is_of_own_code(error: BaseException) -> bool:
    """Return whether the person's own code raised an error, or called what raised it."""
    return any(_is_own(frame.filename) for frame in _frames(error))


def _frames(error: BaseException) -> list[traceback.FrameSummary]:
    """Return the frames in the worker if the error comes from one, else those here."""
    remote = getattr(error.__cause__, "frames", None)
    frames: list[traceback.FrameSummary] = remote or list(traceback.extract_tb(error.__traceback__))
    return frames


def _is_ours(filename: str) -> bool:
    return filename.startswith(str(Path(raysk.__file__).parent))


def _is_own(filename: str) -> bool:
    from raysk.spec.own import is_own_file

    return not _is_ours(filename) and is_own_file(filename)


def _short(filename: str) -> str:
    path = Path(filename)
    return str(path.relative_to(Path.cwd())) if path.is_relative_to(Path.cwd()) else str(path)
