"""The libraries of the ``data`` extra, imported where they are used."""

from __future__ import annotations

import importlib
from typing import Any

from raysk.errors import InputError


def import_extra(module: str, why: str) -> Any:
    """Import a module of pandas, pyarrow or fsspec; `why` says in the message what needs it.

    Raises
    ------
    InputError
        If it is not installed, with the command that installs it.
    """
    try:
        return importlib.import_module(module)
    except ImportError as err:
        name = module.partition(".")[0]
        command = "pip install fsspec aiohttp" if name == "fsspec" else "pip install 'raysk[data]'"
        raise InputError(f"{why} needs {name}, which is not installed.\nInstall it: {command}") from err
