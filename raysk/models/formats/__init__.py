"""The formats of model files, one a file; a file's suffix chooses among them.

    format.py          what a format can do: write, load, describe, and be verified; begin here
    pickle_format.py   any suffix     cloudpickle: the quickest; every reader of pickles takes it
    joblib_format.py   .joblib        joblib: a reader may map its arrays into memory instead of reading them
    skops_format.py    .skops         skops: loading it makes only objects of known types, and of those that are trusted

Pickles, joblib's too, run code when they are loaded. In them, classes of the person's own file travel by value: whoever
loads the model need not have the file.

A new format is a new file here, and its name in `FORMATS`.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from raysk.models.formats.joblib_format import JOBLIB
from raysk.models.formats.pickle_format import PICKLE
from raysk.models.formats.skops_format import SKOPS
from raysk.models.imports import NoModel

if TYPE_CHECKING:
    from pathlib import Path

    from raysk.models.formats.format import Format

FORMATS = (PICKLE, JOBLIB, SKOPS)


def format_of(path: Path) -> Format:
    """Return the format that a file's suffix names; a pickle for any that is not known."""
    suffix = path.suffix.lower()
    return next((each for each in FORMATS if suffix in each.suffixes), PICKLE)


def is_model(path: Path) -> bool:
    """Return whether a file begins as a model does; False if it cannot be read."""
    with contextlib.suppress(OSError, ValueError, NoModel):
        if path.is_file():
            format_of(path).check_beginning(path)
            return True
    return False
