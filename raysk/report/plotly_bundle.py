"""Plotly's script, packed into a page: it comes with the package ``plotly``, and is embedded once.

The browser unpacks it with ``DecompressionStream``: 4.8 MB of script become 2 MB of text.
"""

from __future__ import annotations

import base64
import gzip
import hashlib
import importlib.util
from dataclasses import dataclass
from pathlib import Path

from raysk.errors import InputError

INSTALL = "pip install 'raysk[report]'"
LEVEL = 9
"""Of gzip: 0.4 s for 1.47 MB; level 6 takes 0.2 s and 20 KB more."""


@dataclass(frozen=True)
class Bundle:
    """Plotly's script.

    Parameters
    ----------
    packed : str
        By gzip, in base64.
    digest : str
        Of the unpacked script, as a page's policy names it.
    version : str
    """

    packed: str
    digest: str
    version: str


def check_installed() -> None:
    """Fail if there is no Plotly.

    Raises
    ------
    InputError
        With the command that installs it.
    """
    _script_path()


def read_bundle() -> Bundle:
    """Return Plotly's script; raises as `check_installed`."""
    script = _script_path().read_bytes()
    found = script[:200].partition(b"plotly.js v")[2].split()
    return Bundle(
        packed=base64.b64encode(gzip.compress(script, LEVEL, mtime=0)).decode(),
        digest=policy_digest(script),
        version=found[0].decode() if found else "",
    )


def policy_digest(script: bytes) -> str:
    """Return the hash of a script, as a Content-Security-Policy names it."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(script).digest()).decode()}'"


def _script_path() -> Path:
    spec = importlib.util.find_spec("plotly")
    for folder in () if spec is None else spec.submodule_search_locations or ():
        if (path := Path(folder) / "package_data" / "plotly.min.js").is_file():
            return path
    raise InputError(f"A report needs the package 'plotly'. Install it with: {INSTALL}")
