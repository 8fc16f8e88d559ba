"""Open a file, ``-`` for stdin, or a URI for reading.

    text --+-- -                        stdin ------+
           +-- s3:// gs:// hdfs:// ...  pyarrow.fs -+--> gunzipped if gzip --> Stream: its first bytes, and all of it
           +-- any other URI            fsspec -----+
           +-- anything else            a file -----+

Readers of whole files read from a path; content from elsewhere is copied to a temporary file first. Readers of blocks
read from the stream, in the main thread alone: Python could not end while another thread waits for more.
"""

from __future__ import annotations

import contextlib
import gzip
import io
import re
import shutil
import sys
import tempfile
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, cast
from urllib.parse import urlsplit

from raysk.data.extras import import_extra
from raysk.data.formats import suffix_format
from raysk.errors import InputError, UsageError
from raysk.util.path_suggestions import suggest_path
from raysk.util.words import join_names, printable, shorten

if TYPE_CHECKING:
    from collections.abc import Iterator

    from typing_extensions import Buffer

STDIN = "-"
_GZIP = b"\x1f\x8b"
_ARROWS_OWN = {"file", "s3", "gs", "gcs", "hdfs", "viewfs", "abfs", "abfss"}

# These first bytes tell the format, the header and the types of the columns: enough for a header of thousands of
# columns, few enough to be parsed twice.
HEAD_BYTES = 2**20


@dataclass(frozen=True, kw_only=True)
class Stream:
    """An open source of data.

    Parameters
    ----------
    label : str
        Its name in messages: the file's, without credentials.
    head : bytes
        The first MiB, gunzipped; all of it if there is no more.
    file : binary file
        All of it, gunzipped, from its beginning.
    path : Path or None
        The file itself, if it is on this machine and not compressed; else None.
    """

    label: str
    head: bytes
    file: BinaryIO
    path: Path | None = None

    @contextlib.contextmanager
    def local(self) -> Iterator[Path]:
        """Lend a file on this machine with the same content."""
        if self.path is not None:
            yield self.path
            return
        with tempfile.NamedTemporaryFile(prefix="raysk-") as copy:
            shutil.copyfileobj(self.file, copy)
            copy.flush()
            yield Path(copy.name)


def is_uri(text: str) -> bool:
    """Return whether a text has the form ``scheme://...``."""
    return re.match(r"[A-Za-z][A-Za-z0-9+.-]*://", text) is not None


def is_file(text: str) -> bool:
    """Return whether a text is the path of a file."""
    try:
        return Path(text).is_file()
    except (OSError, ValueError):  # too long a name, or a null character
        return False


def name_source(text: str) -> str:
    """Return the name of a source for messages and files: a URI without its query, which may hold a signature.

    Raises
    ------
    UsageError
        If a URI holds a password.
    """
    if text == STDIN:
        return "stdin"
    if not is_uri(text):
        return printable(text)
    try:
        parts = urlsplit(text)
    except ValueError as err:
        raise InputError(f"{printable(text)} is no URI: {err}.") from err
    if parts.password is not None:
        raise UsageError(
            f"A URI on the command line is seen by everybody: leave the password out of {parts.scheme}://...\n"
            "Set it in the environment as the storage's own tools do, for example AWS_SECRET_ACCESS_KEY."
        )
    return printable(text.partition("?")[0])


@contextlib.contextmanager
def open_source(text: str) -> Iterator[Stream]:
    """Open a file, stdin or a URI for reading.

    Raises
    ------
    InputError
        If there is nothing to read there.
    UsageError
        If a URI holds a password, or stdin is a terminal.
    """
    label = name_source(text)
    with contextlib.ExitStack() as stack:
        head, file = _read_head(stack.enter_context(_open_raw(text, label)))
        path = Path(text) if text != STDIN and is_file(text) else None  # a pipe has a path too, and is read once
        if head.startswith(_GZIP):
            path, (head, file) = None, _gunzip(file, label)
        if not head:
            raise InputError(f"{label} is empty: there is no data in it.")
        yield Stream(label=label, head=head, file=file, path=path)


def _read_head(raw: BinaryIO) -> tuple[bytes, BinaryIO]:
    """Return the first bytes, and a file that still begins with them."""
    if raw.seekable():
        start = raw.tell()  # stdin may be a file of which something was read already
        head = raw.read(HEAD_BYTES)
        raw.seek(start)
        return head, raw
    head = raw.read(HEAD_BYTES)
    return head, cast("BinaryIO", io.BufferedReader(_Chained(head, raw), buffer_size=HEAD_BYTES))


def _gunzip(file: BinaryIO, label: str) -> tuple[bytes, BinaryIO]:
    try:
        return _read_head(_Unseekable(gzip.GzipFile(fileobj=file)))
    except (OSError, EOFError, zlib.error) as err:
        raise InputError(f"{label} cannot be gunzipped: {shorten(str(err))}\nCopy it again, whole.") from err


class _Chained(io.RawIOBase):
    """A file that yields bytes that were read before, then the rest."""

    def __init__(self, head: bytes, rest: BinaryIO) -> None:
        self._head = memoryview(head)
        self._rest = rest

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Buffer) -> int:
        into = memoryview(buffer).cast("B")
        part: Any = self._head[: len(into)] or self._rest.read(len(into))
        self._head = self._head[len(part) :]
        into[: len(part)] = part
        return len(part)


class _Unseekable(io.BufferedReader):
    """A gzip file that does not claim to be seekable: to seek, it would read everything again."""

    def seekable(self) -> bool:
        return False


@contextlib.contextmanager
def _open_raw(text: str, label: str) -> Iterator[BinaryIO]:
    if text == STDIN:
        if sys.stdin is None or sys.stdin.isatty():
            raise UsageError("- reads the data from stdin, but nothing is piped in: cat data.csv | raysk ... -")
        yield sys.stdin.buffer
        return
    try:
        file = _open_uri(text) if is_uri(text) else Path(text).open("rb")  # noqa: SIM115 - closed below
    except InputError:
        raise
    except Exception as err:  # storage libraries raise anything; a path may hold a null character
        raise InputError(_explain_unreadable(text, label, err)) from err
    with file:
        yield file


def _open_uri(uri: str) -> BinaryIO:
    scheme = uri.partition("://")[0].lower()
    if scheme in _ARROWS_OWN:
        filesystem, path = import_extra("pyarrow.fs", f"{scheme}://").FileSystem.from_uri(uri)
        return cast("BinaryIO", io.BufferedReader(filesystem.open_input_file(path)))
    return cast("BinaryIO", import_extra("fsspec", f"{scheme}://").open(uri, "rb").open())


def _explain_unreadable(text: str, label: str, err: Exception) -> str:
    """Return why a file cannot be opened, and which files are near."""
    if is_uri(text):
        hint = "\nInstall what its storage needs, for example: pip install aiohttp s3fs gcsfs"
        return f"{label} cannot be opened: {shorten(str(err))}{hint if isinstance(err, ImportError) else ''}"
    path = Path(text)
    if isinstance(err, IsADirectoryError):
        return (
            f"{label} is a folder, not a file of data.\nIn it there is: {join_names(_list_names(path)) or 'nothing'}."
        )
    if not isinstance(err, FileNotFoundError):
        return f"{label} cannot be read: {getattr(err, 'strerror', None) or shorten(str(err))}."
    if not path.parent.is_dir():
        return f"There is no file {label}: its folder {printable(path.parent)} does not exist."
    names = _list_names(path.parent)
    tables = [name for name in names if suffix_format(name) is not None]
    there = f"In its folder there is: {join_names(tables or names) or 'nothing'}."
    return f"There is no file {label}.\n{suggest_path(path, tables or names) or there}"


def check_there(text: str) -> None:
    """Fail before anything starts if there is nothing at a path."""
    try:
        Path(text).stat()
    except FileNotFoundError as err:
        raise InputError(_explain_unreadable(text, name_source(text), err)) from err
    except (OSError, ValueError):  # what cannot be looked at is said when it is read
        return


def _list_names(folder: Path) -> list[str]:
    try:
        return sorted(path.name for path in folder.iterdir() if not path.name.startswith("."))
    except OSError:
        return []
