"""Which format data has: as the person says, else by its suffix, else by its first bytes."""

from __future__ import annotations

from pathlib import PurePath
from typing import TYPE_CHECKING

from raysk.errors import InputError, UsageError
from raysk.spec.words import shown, suggestion

if TYPE_CHECKING:
    from raysk.spec.inputs import Stream

FORMATS = ("csv", "tsv", "jsonl", "parquet", "arrow", "npy", "npz", "svmlight", "pickle")
_TEXT = ("csv", "tsv", "jsonl", "svmlight")
_SUFFIXES = {
    **{f".{name}": name for name in FORMATS},
    ".ndjson": "jsonl",
    ".pq": "parquet",
    ".feather": "arrow",
    ".svm": "svmlight",
    ".libsvm": "svmlight",
    ".pkl": "pickle",
    ".joblib": "pickle",
}
_BEGINNINGS = {
    b"PAR1": "parquet",
    b"ARROW1": "arrow",
    b"\xff\xff\xff\xff": "arrow",  # a stream of messages
    b"\x93NUMPY": "npy",
    b"PK\x03\x04": "npz",
    b"\x80\x02": "pickle",
    b"\x80\x03": "pickle",
    b"\x80\x04": "pickle",
    b"\x80\x05": "pickle",
}
_WIDE = (b"\xff\xfe", b"\xfe\xff")  # how UTF-16 begins


def check_format(name: str | None) -> None:
    """Raise `UsageError` for a format that does not exist."""
    if name is not None and name not in FORMATS:
        raise UsageError(f"--format {shown(name)}: there is no such format.\n{suggestion(name, FORMATS, 'formats')}")


def suffix_format(name: str) -> str | None:
    """Return the format that a name's suffix says, whether or not ``.gz`` follows it, or None."""
    path = PurePath(name.partition("?")[0] if "://" in name else name)
    suffix = path.suffix.lower()
    return _SUFFIXES.get(PurePath(path.stem).suffix.lower() if suffix == ".gz" else suffix)


def format_of(stream: Stream, said: str | None) -> str:
    """Return the format of what was opened.

    Parameters
    ----------
    stream : Stream
    said : str or None
        What the person says, which holds; None looks at the suffix and the first bytes.

    Returns
    -------
    str
        One of `FORMATS`.

    Raises
    ------
    InputError
        If the content is of another format than its name says, or of none that is known; or is a pickle that
        was not named as one.
    """
    named = said or suffix_format(stream.label)
    begins = next((name for start, name in _BEGINNINGS.items() if stream.head.startswith(start)), None)
    if named is None:
        return _guessed(stream, begins)
    if named in _TEXT and (begins is not None or _is_binary(stream.head)):
        raise InputError(_no_text(stream, named, begins))
    return named


def _is_binary(head: bytes) -> bool:
    return b"\0" in head


def _no_text(stream: Stream, named: str, begins: str | None) -> str:
    if stream.head.startswith(_WIDE):
        return f"{stream.label} is UTF-16, and {named} has to be UTF-8.\nConvert it: iconv -f UTF-16 -t UTF-8"
    what = f"begins like a file of format {begins}" if begins else "holds bytes that no text has"
    hint = f"say --format {begins}" if begins not in {None, "pickle", "npz"} else "name the file that was meant"
    return f"{stream.label} should be {named}, but {what}.\nIf its name is wrong, {hint}."


def _guessed(stream: Stream, begins: str | None) -> str:
    if begins == "pickle":
        raise InputError(
            f"{stream.label} looks like a pickle, which runs code when it is loaded.\n"
            "If you trust it, say so with --format pickle."
        )
    if begins is not None:
        return begins
    if _is_binary(stream.head):
        raise InputError(
            f"{stream.label} is of no format that raysk knows.\nSay which it is with --format: {', '.join(FORMATS)}."
        )
    if stream.head.lstrip()[:1] == b"{":
        return "jsonl"
    first = stream.head.partition(b"\n")[0]
    return "tsv" if b"\t" in first and b"," not in first else "csv"
