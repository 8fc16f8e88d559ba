"""The origin that every JSON file of ours records: the schema, the time and the versions."""

from __future__ import annotations

import platform
import sys
from datetime import datetime, timezone

SCHEMA = 1


def now() -> str:
    """Return the local time as an ISO timestamp with its offset, to the millisecond."""
    return datetime.now(timezone.utc).astimezone().isoformat(timespec="milliseconds")


def versions(*distributions: str) -> dict[str, str | None]:
    """Return the versions of Python, raysk and distributions, which are not imported; None for a missing one."""
    # Our parent package is always loaded, and right where the installed metadata is of an older checkout.
    ours = getattr(sys.modules.get("raysk"), "__version__", None)
    return {
        "python": platform.python_version(),
        "raysk": ours,
        **{name: version_of(name) for name in distributions},
    }


def version_of(distribution: str) -> str | None:
    """Return the version of what is installed under a name that pip knows; None if nothing is."""
    from importlib import metadata

    try:
        return metadata.version(distribution)
    except metadata.PackageNotFoundError:
        return None
