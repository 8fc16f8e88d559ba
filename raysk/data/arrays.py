"""Read numpy's own files and svmlight. Nothing is unpickled, and headers are checked before memory is taken."""

from __future__ import annotations

import contextlib
import math
import os
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from raysk.data.table import Table
from raysk.errors import InputError
from raysk.util.words import join_names

if TYPE_CHECKING:
    from collections.abc import Mapping

    from raysk.data.inputs import Stream
    from raysk.data.table_spec import TableSpec

_X_NAMES = ("X", "data")
_BESIDE = {"y": "y", "target": "y", "groups": "groups", "sample_weight": "sample_weight"}
_NAMES = "feature_names"

CONTAINER_LIMIT = Path("/sys/fs/cgroup/memory.max")
"""The file that holds the memory limit of a container, in bytes."""


def read(stream: Stream, known: TableSpec) -> Table:
    """Read a whole file."""
    return {"npy": _read_npy, "npz": _read_npz, "svmlight": _read_svmlight}[str(known.format)](stream)


def check_fits(size: int, label: str) -> None:
    """Raise if data would take more bytes than there is memory."""
    memory = _memory_bytes()
    if size > memory:
        raise InputError(
            f"{label} would take {size / 1e9:,.1f} GB of memory, and there are {memory / 1e9:,.1f} GB here.\n"
            "If it should be that large, split it; if not, it is damaged."
        )


def _memory_bytes() -> int:
    """Return the memory of this machine, or the limit of its container, in bytes."""
    memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    with contextlib.suppress(OSError, ValueError):  # no container, or "max"
        memory = min(memory, int(CONTAINER_LIMIT.read_text(encoding="ascii")))
    return memory


def _read_npy(stream: Stream) -> Table:
    import numpy as np

    with stream.local() as path:
        with path.open("rb") as file:
            _check_header(file, path.stat().st_size, stream.label)
        values = np.load(path, mmap_mode="r", allow_pickle=False)
    return _make_table(values, stream.label)


def _read_npz(stream: Stream) -> Table:
    import numpy as np

    with stream.local() as path:
        names = _check_members(path, stream.label)
        if {"format.npy", "shape.npy"} <= names:
            from scipy import sparse

            return Table(values=sparse.load_npz(path).tocsr(), label=stream.label)
        with np.load(path, allow_pickle=False) as held:
            return _pick_features({name: held[name] for name in held.files}, stream.label)


def _check_members(path: Path, label: str) -> set[str]:
    """Return the names in a zip archive; raise if an array is damaged, or larger than the memory."""
    with zipfile.ZipFile(path) as archive:
        members = archive.infolist()
        for member in members:
            with archive.open(member) as array:
                _check_header(array, member.file_size, f"{label}: {member.filename}")
        check_fits(sum(member.file_size for member in members), label)
    return {member.filename for member in members}


def _check_header(array: Any, size: int, label: str) -> None:
    """Raise `InputError` if an npy file has not the size that its header claims, or holds Python objects."""
    import numpy as np

    version = np.lib.format.read_magic(array)
    read_header = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
    shape, _, dtype = read_header(array)
    if dtype.hasobject:
        raise InputError(
            f"{label} holds Python objects, which only unpickling could read; raysk does not unpickle arrays.\n"
            "Save numbers or text, or a DataFrame as Parquet."
        )
    claimed, packed = dtype.itemsize * math.prod(shape), size - array.tell()
    if claimed != packed:
        raise InputError(
            f"{label} claims to hold {claimed:,} bytes, and there are {packed:,}.\n"
            "It is cut short or damaged, made to fill the memory, or copied as if it were text."
        )


def _pick_features(held: Mapping[str, Any], label: str) -> Table:
    names = [name for name in _X_NAMES if name in held] or list(held)[: len(held) == 1]
    if not names:
        raise InputError(
            f"{label} holds the arrays {join_names(held) or '(none)'}, and none of them is named X.\n"
            "Save it with numpy.savez(file, X=X, y=y)."
        )
    beside = {meant: held[name] for name, meant in _BESIDE.items() if name in held}
    columns = tuple(str(name) for name in held[_NAMES]) if _NAMES in held else None
    return _make_table(held[names[0]], label, columns, beside)


def _make_table(
    values: Any, label: str, names: tuple[str, ...] | None = None, beside: Mapping[str, Any] | None = None
) -> Table:
    if values.dtype.names is not None:
        raise InputError(f"{label} holds records, not numbers.\nSave them as Parquet: pandas.DataFrame(array)")
    if values.ndim == 1:
        values = values.reshape(-1, 1)  # one column
    if values.ndim == 0:
        raise InputError(f"{label} holds the single value {values[()]}, and no table.")
    return Table(values=values, names=names, beside=beside or {}, label=label)


def _read_svmlight(stream: Stream) -> Table:
    from sklearn.datasets import load_svmlight_file

    X, y = load_svmlight_file(stream.file)
    return Table(values=X, beside={"y": y}, label=stream.label)
