"""Let Python find modules in the person's folders, but libraries first.

    import by a file in the folder   ->  the folder, then libraries
    import by anything else          ->  libraries, then the folder

So a ``pyarrow.py`` that lies where somebody works is never taken for the library, neither here nor by a worker.
"""

from __future__ import annotations

import importlib
import importlib.machinery
import os
import site
import sys
import sysconfig
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence
    from importlib.machinery import ModuleSpec


def library_folders() -> tuple[str, ...]:
    """Return the folders of this Python's libraries, and of raysk, each with a slash at its end."""
    paths = sysconfig.get_paths()
    folders = {paths[key] for key in ("stdlib", "platstdlib", "purelib", "platlib")}
    folders.update(site.getsitepackages() if hasattr(site, "getsitepackages") else ())
    folders.add(str(Path(__file__).parents[1]))
    return tuple(os.path.join(os.path.realpath(folder), "") for folder in folders)  # noqa: PTH118 - keeps the end slash


def is_in_library(real: str, folders: tuple[str, ...]) -> bool:
    """Return whether a file, by its real path, is in a library's folder."""
    return real.startswith(folders) or not {"site-packages", "dist-packages"}.isdisjoint(Path(real).parts)


class _Neighbours:
    """Finds modules in a folder for the files in it; one of `sys.meta_path`."""

    def __init__(self, folder: str) -> None:
        self.folder = folder
        self._inside = os.path.join(os.path.realpath(folder), "")  # noqa: PTH118 - keeps the end slash
        self._libraries = library_folders()  # one may be inside, as a virtual environment is

    def find_spec(self, name: str, path: Sequence[str] | None = None, _target: Any = None) -> ModuleSpec | None:
        """Return where a module is, if one of this folder imports it and it is here; see `importlib.abc`."""
        if path is not None or not self._holds(_importing_file()):
            return None
        return importlib.machinery.PathFinder.find_spec(name, [self.folder])

    def _holds(self, file: str) -> bool:
        real = os.path.realpath(file)
        return real.startswith(self._inside) and not is_in_library(real, self._libraries)


def _importing_file() -> str:
    """Return the name of the file whose code has asked for an import."""
    frame: Any = sys._getframe(2)  # noqa: SLF001 - CPython's only way to know
    while frame.f_back and frame.f_code.co_filename.startswith(("<frozen importlib", importlib.__file__)):
        frame = frame.f_back
    return str(frame.f_code.co_filename)


def add(folder: str) -> None:
    """Let modules of a folder be found, for as long as this process lives.

    It stays: functions of the person's may import their neighbours only when they are called.
    """
    if not any(getattr(finder, "folder", None) == folder for finder in sys.meta_path):
        sys.meta_path.insert(0, _Neighbours(folder))
    if folder not in sys.path:
        sys.path.append(folder)
    importlib.invalidate_caches()


def program_folders() -> list[str]:
    """Return the folders that workers need of a program: the current one, and that of its script."""
    script = os.path.dirname(os.path.realpath(sys.argv[0]))  # noqa: PTH120 - as in sys.path
    return list(dict.fromkeys([os.getcwd(), *([script] if script in sys.path else [])]))  # noqa: PTH109 - as above
