"""Tables from outside -> X, y, groups and weights. (Skeleton: see the signatures.)"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from raysk.spec.table import Table

FORMATS = ("csv", "tsv", "jsonl", "parquet", "arrow", "npy", "npz", "svmlight", "pickle")


def read_table(text: str, *, format: str | None = None, dtypes: Mapping[str, str] | None = None) -> Table:  # noqa: A002
    """Read a whole table."""
    raise NotImplementedError


def blocks(
    text: str,
    *,
    format: str | None = None,  # noqa: A002
    rows: int | None = None,
    dtypes: Mapping[str, str] | None = None,
) -> Iterator[Table]:
    """Read a table in blocks, in bounded memory."""
    raise NotImplementedError
