"""Write the line that reads a table with pandas as raysk reads it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from raysk.data.formats import detect_format
from raysk.data.inputs import STDIN, is_file, is_uri, name_source, open_source
from raysk.data.reading import import_libraries, read_table
from raysk.data.separators import separator_of
from raysk.data.table import is_frame
from raysk.data.table_spec import TableSpec
from raysk.errors import UsageError
from raysk.starter.layout import Imports, quote, write_items

if TYPE_CHECKING:
    from raysk.data.reading import DataSource
    from raysk.data.table import Table

_FUNCTIONS = {
    "csv": "read_csv",
    "tsv": "read_csv",
    "jsonl": "read_json",
    "parquet": "read_parquet",
    "arrow": "read_feather",
}
_AS_WRITTEN = {"lines": True, "dtype": False}
"""What makes pandas leave the values of JSON lines as they are."""

PREFIX = "column_"
"""What stands before the numbers of columns without names."""


@dataclass(frozen=True, kw_only=True)
class Loading:
    """How a table is read.

    Parameters
    ----------
    source : str
        A path or URI, as the person wrote it.
    function : str
        pandas'.
    options : mapping of str to object
        Its other arguments.
    headless : bool
        Whether the columns have no names.
    """

    source: str
    function: str
    options: dict[str, Any]
    headless: bool = False

    def write(self, imports: Imports) -> str:
        """Return the line."""
        arguments = [quote(self.source), *(f"{name}={quote(value)}" for name, value in self.options.items())]
        after = f').add_prefix("{PREFIX}")' if self.headless else ")"
        return write_items(f"table = {imports.use_pandas()}.{self.function}(", arguments, after)


def read(given: DataSource) -> tuple[Table, Loading]:
    """Read a table, and return how pandas reads it.

    Raises
    ------
    UsageError
        If it is no file with named columns, or its address holds a secret.
    InputError
        If it cannot be read.
    """
    _check_source(given.source)
    with open_source(given.source) as stream:
        kind = detect_format(stream.label, stream.head, given.format)
        if kind not in _FUNCTIONS:
            raise UsageError(
                f"--data {stream.label}: raysk init writes for tables with named columns, and this is {kind}.\n"
                f"Name a file of one of these formats: {', '.join(_FUNCTIONS)}."
            )
        given.dialect.check_format(stream.label, kind)
        import_libraries(kind)
        options: dict[str, Any] = {}
        if kind in {"csv", "tsv"}:
            sep = separator_of(stream.head, TableSpec(format=kind, dialect=given.dialect))
            options |= {"sep": sep} if sep != "," else {}
            options |= {"decimal": given.dialect.decimal} if given.dialect.decimal != "." else {}
    table = read_table(given.source, format=kind, dialect=given.dialect)
    headless = table.names is None
    if headless:
        table = _name_columns(table)
    options |= _AS_WRITTEN if kind == "jsonl" else {"header": None} if headless else {}
    return table, Loading(source=given.source, function=_FUNCTIONS[kind], options=options, headless=headless)


def _check_source(source: str) -> None:
    if is_uri(source):
        name_source(source)  # refuses a password
        if "?" in source:
            raise UsageError(
                f"--data {name_source(source)}: its address has a query, which may hold a secret, "
                "and would stand in the file.\nDownload the table, and name the copy."
            )
    elif source == STDIN or not is_file(source):
        raise UsageError(
            f"--data {name_source(source)}: the file that raysk init writes names its table, which has to be a file.\n"
            "Name the table's file, such as: --data train.csv"
        )


def _name_columns(table: Table) -> Table:
    names = tuple(f"{PREFIX}{number}" for number in range(table.n_columns))
    if not is_frame(table.values):
        import pandas as pd

        return replace(table, values=pd.DataFrame(table.values, columns=list(names)), names=names)
    frame = table.values  # noqa: PD011 - not of pandas
    return replace(table, values=frame.set_axis(list(names), axis=1), names=names)
