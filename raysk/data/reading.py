"""Tables from outside -> X, y, groups and weights.

    text --+-- sklearn: openml: model.py:load_data --> named ---+
           +-- file, stdin, URI --> inputs --> formats --+      |
                   csv tsv jsonl parquet arrow --> tabular --+--+--> Table --split--> Data: X, y, fit_params
                   npy npz svmlight -------------> arrays ---+
                   pickle, if it was named ------> named ----+

`read_table` reads all of it, `blocks` a part at a time.
"""

from __future__ import annotations

import contextlib
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from raysk._compat import pyarrow as pyarrow_private
from raysk.data import arrays, json_faults, lines, named, tabular
from raysk.data.columns import Columns
from raysk.data.dialect import Dialect
from raysk.data.features import Features, recorded_features
from raysk.data.formats import FORMATS, check_format, format_of, suffix_format
from raysk.data.inputs import STDIN, check_there, is_file, is_uri, label_of, opened
from raysk.data.known import Known
from raysk.data.split import id_name, id_values, split
from raysk.data.table import TEXT, Table
from raysk.errors import InputError, RayskError, UsageError
from raysk.source.reference import PYTHON
from raysk.util.words import brief, listed

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from raysk.data.inputs import Stream
    from raysk.jobs import Data

__all__ = [
    "FORMATS",
    "TEXT",
    "Columns",
    "Dialect",
    "Features",
    "Given",
    "Table",
    "blocks",
    "id_name",
    "id_values",
    "read_table",
    "recorded_features",
    "split",
]


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
        One of `FORMATS`; None looks at the suffix, then at the first bytes.
    dtypes : mapping of str to str, or None
        See `blocks`.
    dialect : Dialect or None
        How a CSV or TSV is written; None finds its separator.

    Returns
    -------
    Table

    Raises
    ------
    InputError
        If there is nothing to read there, or it is damaged, of another format, or larger than the memory; or a
        library is missing.
    UsageError
        If there is no such format, or it has no such dialect.
    """
    known = Known(dtypes=dtypes or {}, dialect=dialect or Dialect())
    if _is_named(text, format):
        known.dialect.check_format(label_of(text), "no file")
        return named.read(text)
    with opened(text) as stream:
        kind = format_of(stream, format)
        known.dialect.check_format(stream.label, kind)
        with _blaming(stream, kind):
            return _read(stream, kind, known)


def blocks(  # noqa: PLR0913 - what the shell can say of a table
    text: str,
    *,
    format: str | None = None,  # noqa: A002
    rows: int | None = None,
    dtypes: Mapping[str, str] | None = None,
    ids: str | None = None,
    dialect: Dialect | None = None,
) -> Iterator[Table]:
    """Read a table a block at a time: CSV, TSV, JSON lines, Parquet and Arrow in bounded memory; npy is mapped.

    Parameters
    ----------
    text, format
        As for `read_table`.
    rows : int or None
        The most rows in a block; None for blocks of a few MiB.
    dtypes : mapping of str to str, or None
        The types that columns have to have, by name: a number's or ``bool``; `TEXT` for what has to be read as it is
        written; anything else is text, then turned into that type. Columns that are not in it are guessed from the
        first MiB, whole numbers as floats.
    ids : str or None
        The name or index of the column that names the rows, which then is kept as it stands: text to the letter, also
        what looks like a number or a missing value; numbers of the type that the file says. See `id_values`.
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
    known = Known(dtypes=dtypes or {}, ids=ids, dialect=dialect or Dialect())
    if _is_named(text, format):
        known.dialect.check_format(label_of(text), "no file")
        yield from _cut(named.read(text), rows)
        return
    with opened(text) as stream:
        kind = format_of(stream, format)
        known.dialect.check_format(stream.label, kind)
        rows_before = 0
        with _blaming(stream, kind):
            for table in _stream(stream, kind, known, rows):
                yield replace(table, before=rows_before)
                rows_before += len(table)
    if not rows_before:
        raise InputError(f"{stream.label} has no rows.")


@contextlib.contextmanager
def _blaming(stream: Stream, kind: str) -> Iterator[None]:
    """Turn what libraries raise about damaged files into bad input."""
    try:
        yield
    except RayskError as err:
        _blame_line(stream, kind, err.__cause__)
        raise
    except MemoryError as err:
        raise InputError(f"{stream.label} does not fit in memory, or is damaged.") from err
    except EOFError as err:
        raise InputError(f"{stream.label} is cut short: {brief(str(err))}\nCopy it again, whole.") from err
    except Exception as err:  # every library has its own
        _blame_line(stream, kind, err)
        raise InputError(
            f"{stream.label} cannot be read as {kind}: {brief(str(err)) or type(err).__name__}\n"
            "It is damaged, or of another format: that is said with --format."
        ) from err


def _blame_line(stream: Stream, kind: str, error: BaseException | None) -> None:
    """Raise for the line of JSON, and the column in it, that pyarrow has refused, if they are found."""
    if kind != "jsonl" or type(error).__name__ != "ArrowInvalid":
        return
    found = json_faults.fault(stream, no_more_names=pyarrow_private.is_new_name(error))
    if found is not None:
        raise InputError(f"{stream.label}: {found}") from error


def _is_named(text: str, said: str | None) -> bool:
    """Return whether a text names an object, and no file or stream of data."""
    if text.startswith((named.SKLEARN, named.OPENML)):
        return True
    if said is not None or text == STDIN or is_uri(text) or suffix_format(text) is not None:
        return False
    return text.endswith(PYTHON) or (":" in text and not is_file(text))


def _read(stream: Stream, kind: str, known: Known) -> Table:
    if kind in tabular.FORMATS:
        return tabular.read(stream, kind, known)
    if kind in arrays.FORMATS:
        return arrays.read(stream, kind)
    with stream.local() as path:
        return named.read_pickle(path, stream.label)


def _stream(stream: Stream, kind: str, known: Known, rows: int | None) -> Iterator[Table]:
    if kind in tabular.FORMATS:
        return tabular.read_blocks(stream, kind, known, rows)
    return _cut(_read(stream, kind, known), rows)


def _cut(table: Table, rows: int | None) -> Iterator[Table]:
    size = getattr(table.values, "nbytes", 0) // max(len(table), 1)
    step = rows or max(1, lines.BLOCK_BYTES // max(size, 8 * table.n_columns))
    for start in range(0, len(table), step):
        yield table.rows(start, start + step)


# --- what the command line says of data


@dataclass(frozen=True, kw_only=True)
class Given:
    """Data that the command line names, instead of what the person's file holds. Read when it is first needed.

    Parameters
    ----------
    source : str
        See `read_table`.
    format : str or None
    dialect : Dialect
    columns : Columns
    as_frame : bool
        Whether X stays a DataFrame also where all of it is numbers.

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
        label_of(self.source)
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
    ) -> Given | None:
        """Return what the options say, or None without ``--data``.

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
                f"{listed(alone)}: this is about the table that --data names.\n"
                "A table is no FILE: say --data TABLE, and an estimator for FILE, as 'sklearn.svm:SVC()'.\n"
                "For data in your own file say --data FILE.py:load_data, or choose its columns there."
            )
        return None

    def load(self, estimator: Any) -> Data:
        """Read the data, for an estimator; see `split`. Nobody holds the table, so stdin can be read only once."""
        data = self._split(read_table(self.source, format=self.format, dialect=self.dialect), estimator)
        tabular.release_unused()
        return data

    def _split(self, table: Table, estimator: Any, part: str = "") -> Data:
        data = split(table, self.columns, estimator=estimator, as_frame=self.as_frame)
        test = None if table.held_out is None else self._split(table.held_out, estimator, ":X_test")
        return replace(data, source=f"{label_of(self.source)}{part}", given=True, held_out=test)
