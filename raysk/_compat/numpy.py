"""Messages of numpy that raysk must recognise."""

from __future__ import annotations


def is_read_only(error: ValueError) -> bool:
    """Tell whether an error says that an array cannot be written into; numpy's words, and those of Cython's views."""
    return "read-only" in str(error)
