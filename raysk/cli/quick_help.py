"""What Typer draws help with, without what it imports beside that: a third of the time until help is there."""

from __future__ import annotations

import contextlib
import importlib
import sys
from types import ModuleType

UNUSED = {"rich.markdown": "Markdown", "rich.traceback": "Traceback"}
"""Modules that `typer.rich_utils` imports a name from which our help never uses: it is no Markdown, and errors are
written by `raysk.cli.app`. Together they take 50 ms of 200."""


def import_quickly() -> None:
    """Import what draws help, with stand-ins for `UNUSED`; whoever imports these later gets the real ones."""
    stand_ins = {module: ModuleType(module) for module in UNUSED if module not in sys.modules}
    for module, stand_in in stand_ins.items():
        setattr(stand_in, UNUSED[module], object)
    sys.modules.update(stand_ins)
    try:
        with contextlib.suppress(ImportError):  # another Typer: it will find its own way
            importlib.import_module("typer.rich_utils")
    finally:
        for module in stand_ins:
            del sys.modules[module]
