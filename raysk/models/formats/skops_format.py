"""Models in the format of skops: a zip file that holds the names of classes and plain data, and runs no code."""

from __future__ import annotations

import json
import zipfile
from typing import TYPE_CHECKING, Any

from raysk.errors import InputError
from raysk.models.formats.format import Format
from raysk.models.imported import Imports
from raysk.models.imports import NoModel
from raysk.util.words import error_line

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path
    from typing import BinaryIO

MOST_SCHEMA_BYTES = 2**26
"""The largest schema.json that is read, unpacked, in bytes: the JSON of a large forest is a tenth of it."""


def _skops() -> Any:
    try:
        import skops.io
    except ImportError as error:
        raise InputError(
            "A .skops file needs skops, which is not installed here.\nInstall it with: pip install 'raysk[skops]'"
        ) from error
    return skops.io


def _write(model: Any, file: BinaryIO) -> None:
    try:
        _skops().dump(model, file)
    except (OSError, MemoryError, InputError):
        raise
    except Exception as error:
        raise InputError(
            f"{type(model).__name__} cannot be saved as .skops: {error_line(error)}\nSave it as .pkl or .joblib."
        ) from error


def _load(path: Path, trust: Sequence[str]) -> Any:
    skops = _skops()
    unknown = [name for name in skops.get_untrusted_types(file=path) if name not in trust]
    if unknown:
        named = " ".join(f"--trust {name}" for name in unknown)
        raise InputError(
            f"{str(path)!r} holds what skops does not trust. If you know where the file is from, trust it by name:\n"
            f"  {named}"
        )
    return skops.load(path, trusted=list(trust))


def _check_beginning(path: Path) -> None:
    if not zipfile.is_zipfile(path):
        raise NoModel(f"{str(path)!r} is no model: it is not the zip file that a .skops file is.")


def _find_imports(path: Path) -> Imports:
    """Collect the classes that the file's schema names."""
    found = Imports()
    try:
        with zipfile.ZipFile(path) as file, file.open("schema.json") as schema:
            content = schema.read(MOST_SCHEMA_BYTES + 1)
        if len(content) > MOST_SCHEMA_BYTES:
            found.doubt(f"its schema.json unpacks to more than {MOST_SCHEMA_BYTES:,} bytes")
            return found
        found.names.extend(dict.fromkeys(_class_names(json.loads(content))))
    except Exception as error:  # noqa: BLE001 - a damaged or hostile file may do anything to us but run
        found.doubt(error_line(error))
    return found


def _class_names(schema: Any) -> Iterator[str]:
    left = [schema]
    while left:
        node = left.pop()
        if isinstance(node, dict):
            if "__class__" in node and "__module__" in node:
                yield f"{node['__module__']}.{node['__class__']}"
            left.extend(node.values())
        elif isinstance(node, list):
            left.extend(node)


SKOPS = Format(
    name="skops",
    suffixes=(".skops",),
    write=_write,
    load=_load,
    check_beginning=_check_beginning,
    find_imports=_find_imports,
    load_code=(  # what it holds was made a moment ago, from our memory
        "import skops.io\nmodel = skops.io.load(path, trusted=skops.io.get_untrusted_types(file=path))"
    ),
    advice=(
        "A .skops file holds names of classes: install them, or save a .pkl, which holds the classes of your file."
    ),
    check_installed=_skops,
)
