"""The libraries of the ``data`` extra, imported where they are used."""

from __future__ import annotations

import importlib
from typing import Any

from raysk.errors import InputError


def extra(module: str, why: str) -> Any:
    """Import a module of pandas, pyarrow or fsspec, or say how to install it.

    Parameters
    ----------
    module : str
        Its dotted name.
    why : str
        What needs it, for the message.

    Raises
    ------
    InputError
        If it is not installed.
    """
    try:
        return importlib.import_module(module)
    except ImportError as err:
        name = module.partition(".")[0]
        command = "pip install fsspec aiohttp" if name == "fsspec" else "pip install 'raysk[data]'"
        raise InputError(f"{why} needs {name}, which is not installed.\nInstall it: {command}") from err
