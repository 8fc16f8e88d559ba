"""Read tables from anywhere.

    text --+-- sklearn: openml: model.py:load_data --> named --------------+
           +-- file, stdin, URI --> inputs --> formats --> a reader of it -+--> Table --split--> Data: X, y, fit_params

`read_table` reads all of it, `read_blocks` a part at a time. A reader is a function ``read(stream, known) -> Table``; a
format that can be streamed also has ``read_blocks(stream, known, rows) -> Tables``, in bounded memory.
"""

from __future__ import annotations

import contextlib
import sys
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from raysk.data import arrays, arrow, datasets, json_lines, lines, parquet, separated
from raysk.data.columns import Columns
from raysk.data.dialect import Dialect
from raysk.data.extras import import_extra
from raysk.data.features import Features, recorded_features
from raysk.data.formats import check_format, detect_format, suffix_format
from raysk.data.inputs import STDIN, check_there, is_file, is_uri, name_source, open_source
from raysk.data.split import id_name, id_values, split
from raysk.data.table import TEXT, Table
from raysk.data.table_spec import TableSpec
from raysk.errors import InputError, RayskError, UsageError
from raysk.source.reference import PYTHON
from raysk.util.words import join_names, shorten

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from raysk.data.inputs import Stream
    from raysk.jobs import Data

__all__ = [
    "TEXT",
    "Columns",
    "DataSource",
    "Dialect",
    "Features",
    "Table",
    "id_name",
    "id_values",
    "import_libraries",
    "read_blocks",
    "read_table",
    "recorded_features",
    "split",
]


_READERS: dict[str | None, tuple[Callable[..., Table], Callable[..., Iterator[Table]] | None]] = {
    "csv": (separated.read, separated.read_blocks),
    "tsv": (separated.read, separated.read_blocks),
    "jsonl": (json_lines.read, json_lines.read_blocks),
    "parquet": (parquet.read, parquet.read_blocks),
    "arrow": (arrow.read, arrow.read_blocks),
    "npy": (arrays.read, None),
    "npz": (arrays.read, None),
    "svmlight": (arrays.read, None),
    "pickle": (datasets.read_pickle, None),
}


def read_table(
    text: str,
    *,
    format: str | None = None,  # noqa: A002
    dtypes: Mapping[str, str] | None = None,
    dialect: Dialect | None = None,
) -> Table:
    """Read a whole table.

    Parameters
    ----------
    text : str
        A path, ``-`` for stdin, a URI, ``sklearn:NAME?arg=1``, ``openml:ID``, ``model.py:load_data`` or
        ``package.module:attr``.
    format : str or None
        One of `raysk.data.formats.FORMATS`; None looks at the suffix, then at the first bytes.
    dtypes : mapping of str to str, or None
        See `read_blocks`.
    dialect : Dialect or None
        How a CSV or TSV is written; None finds its separator.

    Raises
    ------
    InputError
        If there is nothing to read there, or it is damaged, of another format, or larger than the memory; or a
        library is missing.
    UsageError
        If there is no such format, or it has no such dialect.
    """
    known = TableSpec(format=format, dtypes=dtypes or {}, dialect=dialect or Dialect())
    if _is_named(text, format):
        return _read_named(text, known)
    with _opened(text, known) as (stream, found):
        return _READERS[found.format][0](stream, found)


def read_blocks(  # noqa: PLR0913 - what the shell can say of a table
    text: str,
    *,
    format: str | None = None,  # noqa: A002
    rows: int | None = None,
    dtypes: Mapping[str, str] | None = None,
    ids: str | None = None,
    dialect: Dialect | None = None,
) -> Iterator[Table]:
    """Read a table block by block: CSV, TSV, JSON lines, Parquet and Arrow in bounded memory; npy is mapped.

    Parameters
    ----------
    text, format
        As for `read_table`.
    rows : int or None
        The most rows in a block; None for blocks of a few MiB.
    dtypes : mapping of str to str, or None
        Types of columns by name: a number's or ``bool``; `TEXT` for values that are read as they are written; any other
        is read as text and then converted. All other columns have the types of the first MiB; whole numbers are floats.
    ids : str or None
        The name or index of the column of row ids, whose values stay as they are: text that looks like a number or a
        missing value, too. See `id_values`.
    dialect : Dialect or None
        As for `read_table`.

    Yields
    ------
    Table
        With at least one row each, all with the same columns.

    Raises
    ------
    InputError
        As for `read_table`; also if no row is there, or a later value is not of its column's type.
    """
    known = TableSpec(format=format, dtypes=dtypes or {}, ids=ids, dialect=dialect or Dialect())
    before = 0
    for table in _read_tables(text, known, rows):
        yield replace(table, before=before)
        before += len(table)
    if not before:
        raise InputError(f"{name_source(text)} has no rows.")


def _read_tables(text: str, known: TableSpec, rows: int | None) -> Iterator[Table]:
    if _is_named(text, known.format):
        yield from _cut(_read_named(text, known), rows)
        return
    with _opened(text, known) as (stream, found):
        read, read_blocks = _READERS[found.format]
        if read_blocks is None:
            yield from _cut(read(stream, found), rows)
            return
        for table in read_blocks(stream, found, rows):
            yield from _cut(table, rows or len(table))


def _read_named(text: str, known: TableSpec) -> Table:
    known.dialect.check_format(name_source(text), "no file")
    return datasets.read(text)


@contextlib.contextmanager
def _opened(text: str, known: TableSpec) -> Iterator[tuple[Stream, TableSpec]]:
    """Open a source, find its format, and explain what libraries raise about it."""
    with open_source(text) as stream:
        kind = detect_format(stream.label, stream.head, known.format)
        known.dialect.check_format(stream.label, kind)
        import_libraries(kind)
        with _explaining_faults(stream, kind):
            yield stream, replace(known, format=kind)


def import_libraries(kind: str | None) -> None:
    """Import what reads a format.

    Raises
    ------
    InputError
        If it is not installed, with the command that installs it.
    """
    for library in ("pyarrow", "pandas") if _READERS[kind][1] else ():
        import_extra(library, f"Reading {kind}")


@contextlib.contextmanager
def _explaining_faults(stream: Stream, kind: str) -> Iterator[None]:
    """Raise `InputError` for whatever libraries raise about damaged files."""
    try:
        yield
    except RayskError as err:
        if kind == "jsonl":
            json_lines.raise_fault(stream, err.__cause__)
        raise
    except MemoryError as err:
        raise InputError(f"{stream.label} does not fit in memory, or is damaged.") from err
    except EOFError as err:
        raise InputError(f"{stream.label} is cut short: {shorten(str(err))}\nCopy it again, whole.") from err
    except Exception as err:  # every library has its own
        if kind == "jsonl":
            json_lines.raise_fault(stream, err)
        raise InputError(
            f"{stream.label} cannot be read as {kind}: {shorten(str(err)) or type(err).__name__}\n"
            "It is damaged, or of another format; name that with --format."
        ) from err


def _is_named(text: str, said: str | None) -> bool:
    """Return whether a text names an object, and neither a file nor a stream of data."""
    if text.startswith((datasets.SKLEARN, datasets.OPENML)):
        return True
    if said is not None or text == STDIN or is_uri(text) or suffix_format(text) is not None:
        return False
    return text.endswith(PYTHON) or (":" in text and not is_file(text))


def _cut(table: Table, rows: int | None) -> Iterator[Table]:
    size = getattr(table.values, "nbytes", 0) // max(len(table), 1)
    step = rows or max(1, lines.BLOCK_BYTES // max(size, 8 * table.n_columns))
    for start in range(0, len(table), step):
        yield table.rows(start, start + step)


# --- what the command line says of data


@dataclass(frozen=True, kw_only=True)
class DataSource:
    """Data that the command line names, instead of the file's own. It is read when it is first needed.

    Parameters
    ----------
    source : str
        See `read_table`.
    format : str or None
    dialect : Dialect
    columns : Columns
    as_frame : bool
        Whether X stays a DataFrame even if it holds only numbers.

    Raises
    ------
    UsageError
        If there is no such format, or the source holds a password.
    InputError
        If the source is a path where nothing is.
    """

    source: str
    format: str | None = None
    dialect: Dialect = field(default_factory=Dialect)
    columns: Columns = field(default_factory=Columns)
    as_frame: bool = False

    def __post_init__(self) -> None:
        check_format(self.format)
        name_source(self.source)
        if not (_is_named(self.source, self.format) or self.source == STDIN or is_uri(self.source)):
            check_there(self.source)

    @classmethod
    def of(
        cls,
        source: str | None,
        *,
        format: str | None,  # noqa: A002
        columns: Columns,
        as_frame: bool,
        dialect: Dialect | None = None,
    ) -> DataSource | None:
        """Return the data that the options name, or None without ``--data``.

        Raises
        ------
        UsageError
            If there are options for data, and no data.
        """
        if source is not None:
            dialect = dialect or Dialect()
            return cls(source=source, format=format, dialect=dialect, columns=columns, as_frame=as_frame)
        alone = columns.given() + ["--format"] * (format is not None) + ["--as-frame"] * as_frame
        alone += dialect.given() if dialect else []
        if alone:
            raise UsageError(
                f"{join_names(alone)}: only for the table of --data, and no --data is given.\n"
                "FILE cannot be a table: say --data TABLE, and an estimator for FILE, such as 'sklearn.svm:SVC()'.\n"
                "For data in your own file say --data FILE.py:load_data, or choose its columns in the file."
            )
        return None

    @property
    def may_lack_target(self) -> bool:
        """Whether nothing says what y is, as far as is known before the table is read."""
        has_y_beside = _is_named(self.source, self.format) or self.format in {"npz", "svmlight", "pickle"}
        return not self.columns.target and not has_y_beside

    def with_target_of(self, names: Iterable[str]) -> DataSource:
        """Return this, where y is what it was in an earlier run if nothing else says it, and the table has that."""
        return replace(self, columns=replace(self.columns, earlier_target=tuple(names)))

    def load(self, estimator: Any) -> Data:
        """Read and split the data for an estimator; see `split`. The table is not kept: stdin can be read only once."""
        data = self._split(read_table(self.source, format=self.format, dialect=self.dialect), estimator)
        if pyarrow := sys.modules.get("pyarrow"):  # it keeps the memory of tables that are gone
            pyarrow.default_memory_pool().release_unused()
        return data

    def _split(self, table: Table, estimator: Any, part: str = "") -> Data:
        data = split(table, self.columns, estimator=estimator, as_frame=self.as_frame)
        test = None if table.held_out is None else self._split(table.held_out, estimator, ":X_test")
        return replace(data, source=f"{name_source(self.source)}{part}", given=True, held_out=test)
