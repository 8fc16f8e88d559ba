"""All that can be said of a model file without loading it."""

from __future__ import annotations

import hashlib
import importlib.util
from typing import TYPE_CHECKING, Any

from raysk.errors import InputError
from raysk.models.formats import format_of
from raysk.models.sidecar import read_sidecar, version_differences
from raysk.util.provenance import SCHEMA

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

    from raysk.models.imported import Imports


_MOST_REASONS = 3


def describe_file(path: Path) -> dict[str, Any]:
    """Describe a model file without loading it.

    Parameters
    ----------
    path : Path

    Returns
    -------
    dict
        ``file``, ``format``, ``size_bytes``, ``sha256``; ``versions`` it was saved with; ``imports``, sorted, and
        whether it ``carries_code``; ``doubts``: why it may do more than that tells; ``missing``: packages that it
        needs and that are not here; ``warnings``, in words; ``sidecar``, or None if there is none of raysk's.

    Raises
    ------
    InputError
        If the file cannot be read, or is no model.
    """
    kind = format_of(path)
    try:
        kind.check_beginning(path)
        digest = _sha256(path)
        found = kind.find_imports(path)
    except OSError as error:
        raise InputError(f"The model file {str(path)!r} cannot be read: {error.strerror or error}.") from error
    described = read_sidecar(path)
    versions = (described or {}).get("versions") or {"scikit-learn": ", ".join(found.scikit_learn) or None}
    missing = sorted(_not_here(found.names))
    return {
        "schema": SCHEMA,
        "file": str(path),
        "format": kind.name,
        "size_bytes": path.stat().st_size,
        "sha256": digest,
        "versions": versions,
        "imports": sorted(found.names),
        "carries_code": found.carries_code,
        "doubts": found.doubts,
        "missing": missing,
        "warnings": [*_warnings(path, digest, described or {}), *_about_imports(versions, missing, found)],
        "sidecar": described,
    }


def _sha256(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while content := file.read(2**20):
            digest.update(content)
    return digest.hexdigest()


def _not_here(names: Iterable[str]) -> set[str]:
    """Return the top-level packages that cannot be found; looking for those imports nothing."""
    packages = {name.partition(".")[0] for name in names}
    return {name for name in packages if name.isidentifier() and not _is_here(name)}


def _is_here(package: str) -> bool:
    try:
        return importlib.util.find_spec(package) is not None
    except ValueError:  # __main__, which says of itself that it has no spec
        return package == "__main__"


def _warnings(path: Path, digest: str, described: Mapping[str, Any]) -> Iterator[str]:
    saved = (described.get("file") or {}).get("sha256")
    if saved is not None and saved != digest:
        yield f"{path.name} is not the file that was described beside it: it was changed or damaged since."


def _about_imports(versions: Mapping[str, Any], missing: list[str], found: Imports) -> Iterator[str]:
    for name, (saved, here) in version_differences(versions).items():
        yield f"It was saved with {name} {saved}, and here is {here}: it may not load, or results may differ."
    if missing:
        yield f"It needs what is not here: {', '.join(missing)}."
    if found.doubts:
        reasons = "; ".join(found.doubts[:_MOST_REASONS])
        yield f"This file cannot be judged; do not load it unless you trust its maker: {reasons}."
