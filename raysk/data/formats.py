"""Find the format of data: the person's word comes first, then the suffix, then the first bytes."""

from __future__ import annotations

import codecs
from pathlib import PurePath

from raysk.errors import InputError, UsageError
from raysk.source.reference import PICKLES
from raysk.util.words import printable, suggestion

FORMATS = ("csv", "tsv", "jsonl", "parquet", "arrow", "npy", "npz", "svmlight", "pickle")
_TEXT = ("csv", "tsv", "jsonl", "svmlight")
_SUFFIXES = {
    **{f".{name}": name for name in FORMATS},
    ".ndjson": "jsonl",
    ".pq": "parquet",
    ".feather": "arrow",
    ".svm": "svmlight",
    ".libsvm": "svmlight",
    **dict.fromkeys(PICKLES, "pickle"),
}
_BEGINNINGS = {
    b"PAR1": "parquet",
    b"ARROW1": "arrow",
    b"\xff\xff\xff\xff": "arrow",  # a stream of messages
    b"\x93NUMPY": "npy",
    b"PK\x03\x04": "npz",
    **dict.fromkeys((b"\x80\x02", b"\x80\x03", b"\x80\x04", b"\x80\x05"), "pickle"),
}


def check_format(name: str | None) -> None:
    """Raise `UsageError` for a format that does not exist."""
    if name is not None and name not in FORMATS:
        raise UsageError(
            f"--format {printable(name)}: there is no such format.\n{suggestion(name, FORMATS, 'formats')}"
        )


def suffix_format(name: str) -> str | None:
    """Return the format that the suffix of a name means, with or without ``.gz`` behind it, or None."""
    path = PurePath(name.partition("?")[0] if "://" in name else name)
    suffix = path.suffix.lower()
    return _SUFFIXES.get(PurePath(path.stem).suffix.lower() if suffix == ".gz" else suffix)


def detect_format(label: str, head: bytes, said: str | None) -> str:
    """Return the format of a file: what the person says, or else what the suffix of `label` and the first bytes tell.

    Raises
    ------
    InputError
        If the content is of another format than its name says, or of none that is known; or is a pickle that
        was not named as one.
    """
    named = said or suffix_format(label)
    begins = next((name for start, name in _BEGINNINGS.items() if head.startswith(start)), None)
    if named is not None and named not in _TEXT:
        return named
    if named is not None and begins is not None:
        raise InputError(
            f"{label} should be {named}, but begins like a file of format {begins}.\n"
            f"If its name is wrong, say --format {begins}."
        )
    if begins == "pickle":
        raise InputError(
            f"{label} looks like a pickle, which runs code when it is loaded.\n"
            "If you trust it, say so with --format pickle."
        )
    if begins is None:
        _check_text(label, head)
    return named or begins or _guess_text_format(label, head)


def _check_text(label: str, head: bytes) -> None:
    """Raise `InputError` for content that is not UTF-8."""
    if b"\0" in head and not head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        raise InputError(
            f"{label} holds bytes that no text has, and is of no format that raysk knows.\n"
            f"The formats are: {', '.join(FORMATS)}."
        )
    try:
        codecs.getincrementaldecoder("utf-8")().decode(head)  # the head may end within a character
    except UnicodeDecodeError as err:
        wide = b"\0" in head
        raise InputError(
            f"{label} is {'UTF-16' if wide else 'text that is not UTF-8'}.\n"
            f"Convert it, for example: iconv -f {'UTF-16' if wide else 'WINDOWS-1252'} -t UTF-8"
        ) from err


def _guess_text_format(label: str, head: bytes) -> str:
    first = head.lstrip()[:1]
    if first == b"[":
        raise InputError(f"{label} is one JSON array.\nWrite an object on each line instead: jq -c '.[]'")
    line = head.partition(b"\n")[0]
    return "jsonl" if first == b"{" else "tsv" if b"\t" in line and b"," not in line else "csv"
