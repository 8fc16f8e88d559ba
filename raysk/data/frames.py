"""Turn pyarrow's tables into DataFrames, and choose the types of their columns."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from raysk.data.table import TEXT, Table, is_number, unique_names
from raysk.errors import InputError
from raysk.util.words import join_names, printable, shorten

if TYPE_CHECKING:
    from collections.abc import Iterator

    from raysk.data.table_spec import TableSpec


def column_types(schema: Any, known: TableSpec, *, widened: bool = False, has_types: bool = False) -> dict[str, Any]:
    """Return pyarrow's types of the columns whose first values, of the types in `schema`, do not tell their type.

    Parameters
    ----------
    schema : pyarrow.Schema
    known : Known
    widened : bool
        Whether later values can no longer change a type; then whole numbers are floats, as 1.5 may follow.
    has_types : bool
        Whether the format tells numbers from text: JSON does, CSV does not.
    """
    found, ids = {}, known.id_place(schema.names)
    for place, field in enumerate(schema):
        dtype = TEXT if place == ids else known.dtypes.get(field.name)
        kind = _choose_type(field.type, dtype, widened=widened, has_types=has_types)
        if widened or kind != field.type:
            found[field.name] = kind
    return found


def _choose_type(kind: Any, dtype: str | None, *, widened: bool, has_types: bool) -> Any:
    import pyarrow as pa
    from pyarrow import types

    if dtype == TEXT and has_types and not types.is_temporal(kind):
        return kind
    if dtype is not None and is_number(dtype):
        return kind if types.is_boolean(kind) else pa.float64()
    if dtype is not None or types.is_temporal(kind):  # dates stay text, as pandas.read_csv leaves them
        return pa.string()
    return pa.float64() if widened and (types.is_integer(kind) or types.is_null(kind)) else kind


def as_tables(batches: Any, label: str, known: TableSpec) -> Iterator[Table]:
    """Yield a table per batch of pyarrow's that is not empty."""
    import pyarrow as pa

    for batch in batches:
        if batch.num_rows:
            yield as_table(pa.Table.from_batches([batch]), label, known)


def as_table(table: Any, label: str, known: TableSpec, *, headless: bool = False) -> Table:
    """Turn pyarrow's table, which is used up, into a DataFrame with names and types that scikit-learn can use.

    If the file is `headless`, the table's names are pyarrow's own.

    Raises
    ------
    InputError
        If two columns have the same name, text is not UTF-8, or values cannot have the types that are known.
    """
    metadata = table.schema.pandas_metadata or {}  # an index without a name is no feature
    indexes = [name for name in metadata.get("index_columns", ()) if str(name).startswith("__index_level_")]
    table = table.drop_columns([name for name in indexes if name in table.column_names])
    place = known.id_place(table.column_names, headless=headless)
    ids = None if place is None else table.column(place)
    table = _convert_decimals(table)
    _check_text(table, label)
    names = None if headless else unique_names(table.column_names, label)
    frame = table.to_pandas(split_blocks=True, self_destruct=True, date_as_object=False, ignore_metadata=True)
    frame.columns = range(frame.shape[1]) if names is None else list(names)
    for name in set(known.dtypes).intersection(names or ()):
        _cast(frame, name, known.dtypes[name], label)
    return Table(values=frame, names=names, label=label, ids=ids)


def _convert_decimals(table: Any) -> Any:
    """Turn decimals, which numpy does not have, into floats."""
    import pyarrow as pa

    for number, field in enumerate(table.schema):
        if pa.types.is_decimal(field.type):
            table = table.set_column(number, field.name, table.column(number).cast(pa.float64()))
    return table


def _check_text(table: Any, label: str) -> None:
    from pyarrow.types import is_binary

    wrong = [printable(field.name) for field in table.schema if is_binary(field.type)]
    if wrong:
        raise InputError(
            f"{label} holds text that is not UTF-8, in {join_names(wrong)}.\n"
            "Convert it, for example: iconv -f WINDOWS-1252 -t UTF-8"
        )


def _cast(frame: Any, name: str, wanted: str, label: str) -> None:
    """Convert a column to the type that the fitted model knows, if its values allow that."""
    column = frame[name]
    if wanted in {TEXT, str(column.dtype)} or wanted.startswith(("str", "object")):
        return
    if is_number(wanted):  # whole numbers that were read as floats become what they were
        integers = wanted.lower().startswith(("int", "uint")) and column.dtype.kind == "f"
        if not integers or column.isna().any() or (column % 1 != 0).any():
            return
    try:
        frame[name] = column.astype(wanted)
    except (TypeError, ValueError) as err:
        raise InputError(
            f"{label}: column {printable(name)!r} should be of type {wanted}, as it was when the model was fitted.\n"
            f"{shorten(str(err))}"
        ) from err
