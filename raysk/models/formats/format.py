"""What a format of model files can do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path
    from typing import BinaryIO

    from raysk.models.imported import Imports


@dataclass(frozen=True, kw_only=True)
class Format:
    """One format of model files.

    Parameters
    ----------
    name : str
    suffixes : tuple of str
        In lower case, each with its dot.
    write : callable
        Takes a model and an open binary file that can only `write` and `tell`. Raises an `InputError` that names the
        part of the model which cannot be written.
    load : callable
        Takes a path and the names of the types that the person trusts; returns the model.
    check_beginning : callable
        Takes a path; raises `NoModel` if the file does not begin as a model of this format does.
    find_imports : callable
        Takes a path; returns what loading the file would import. It loads nothing, and does not fail on damaged files:
        those have doubts.
    load_code : str
        Python code without raysk that loads the file at ``path`` as ``model``. Another process verifies with it that
        a model which was just saved can be loaded.
    advice : str
        What the person can do if that fails, in a line.
    check_installed : callable
        Raises an `InputError` if a package is missing which the format needs.
    """

    name: str
    suffixes: tuple[str, ...]
    write: Callable[[Any, BinaryIO], None]
    load: Callable[[Path, Sequence[str]], Any]
    check_beginning: Callable[[Path], object]
    find_imports: Callable[[Path], Imports]
    load_code: str
    advice: str
    check_installed: Callable[[], object] = lambda: None
