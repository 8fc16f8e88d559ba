"""Where a run is exported to, as a person writes it: ``optuna:FILE``, ``mlflow``, ``mlflow:URI``."""

from __future__ import annotations

import importlib.util
import re
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from raysk.errors import InputError, UsageError
from raysk.util.words import printable

OPTUNA, MLFLOW = "optuna", "mlflow"

_PASSWORD = re.compile(r"(?<=://)([^/@\s:]*):[^/@\s]+@")


@dataclass(frozen=True)
class Place:
    """Where a run is exported to.

    Parameters
    ----------
    tool : {"optuna", "mlflow"}
    where : str or None
        A file of Optuna's, or a tracking URI of MLflow's; None means the one that MLflow's own variables name.
    """

    tool: str
    where: str | None

    @classmethod
    def of(cls, text: str) -> Place:
        """Read what the person wrote, and check that the tool is there.

        Raises
        ------
        UsageError
            If it is of another form, or holds a password.
        InputError
            If the tool is not installed.
        """
        tool, _, where = text.partition(":")
        if tool not in {OPTUNA, MLFLOW} or (tool == OPTUNA and not where):
            raise UsageError(
                f"--to {printable(mask(text))}: that is none of the forms that are known.\n"
                "Say optuna:FILE, such as optuna:study.log or optuna:study.db;\n"
                "or mlflow:URI, such as mlflow:sqlite:///mlflow.db; or mlflow, for MLFLOW_TRACKING_URI."
            )
        if has_password(where):
            raise UsageError(
                f"--to {printable(mask(text))}: it holds a password, which others can see on the command line.\n"
                "Say mlflow, and set MLFLOW_TRACKING_URI, or MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD."
            )
        check_installed(tool)
        if tool == OPTUNA and Path(where).is_dir():
            raise UsageError(f"--to {printable(text)}: it is a folder. Name a file in it.")
        return cls(tool, where or None)


def check_installed(tool: str) -> None:
    """Raise `InputError` if a tool is not installed; it is not imported for this."""
    if importlib.util.find_spec(tool) is None:
        raise InputError(
            f"Exporting to {tool} needs it, and it is not installed.\nInstall it: pip install 'raysk[{tool}]'"
        )


def has_password(uri: str) -> bool:
    """Return whether a URI holds a password."""
    try:
        return urlsplit(uri).password is not None
    except ValueError:
        return _PASSWORD.search(uri) is not None


def mask(text: str) -> str:
    """Return text in which the passwords of URIs are hidden."""
    return _PASSWORD.sub(r"\1:***@", text)
