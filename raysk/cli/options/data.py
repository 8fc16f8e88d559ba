"""The panel "Data", and the arguments of commands that use a fitted model on a table. None is a setting."""

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from raysk.data.reading import DataSource
    from raysk.request.held_out import HoldOut

option = partial(typer.Option, rich_help_panel="Data")

Model = Annotated[
    str,
    typer.Argument(
        metavar="MODEL",
        help="A fitted model: .pkl, .joblib or .skops, - for a pickle on stdin; or a run's folder or name, or latest.",
    ),
]
Table = Annotated[
    str,
    typer.Argument(
        metavar="DATA", help="A table: a path, - for stdin, a URI, sklearn:NAME, openml:ID, or FILE.py:load_data."
    ),
]
Trust = Annotated[list[str] | None, typer.Option(metavar="TYPE", help="A type to trust in a .skops model; repeatable.")]
Format = Annotated[
    str | None,
    option(
        "--format",
        metavar="NAME",
        help="Format of the table: csv, tsv, jsonl, parquet, arrow, npy, npz, svmlight or pickle. The default is read "
        "from the suffix or the first bytes.",
    ),
]
Sep = Annotated[
    str | None,
    option(metavar="MARK", help="Separator of the columns of a CSV, such as ';' or tab. Detected by default."),
]
Decimal = Annotated[
    str,
    option(metavar="MARK", help="Decimal mark of the numbers in a CSV: . or ,", show_default=False),
]
Target = Annotated[
    list[str] | None,
    option(
        "--target",
        "-y",
        metavar="COLUMN[,COLUMN]",
        help="Column to predict: its name or its index; repeatable.",
    ),
]
Features = Annotated[
    list[str] | None,
    option(metavar="COLUMN[,COLUMN]", help="Columns to learn from, in this order. The default is all other columns."),
]
Drop = Annotated[list[str] | None, option(metavar="COLUMN[,COLUMN]", help="Columns to leave out.")]
Weight = Annotated[str | None, option(metavar="COLUMN", help="Column of sample weights.")]
IdCol = Annotated[str | None, option(metavar="COLUMN", help="Column that names the rows. It is no feature.")]


@dataclass(frozen=True, kw_only=True)
class DataOptions:
    """A table that replaces the data in FILE."""

    data: Annotated[
        str | None,
        option(
            metavar="DATA",
            help="Table to use instead of the data in FILE: a path, - for stdin, a URI, sklearn:NAME, openml:ID, "
            "or FILE.py:load_data. See: raysk guide tables.",
        ),
    ] = None
    format_: Format = None
    sep: Sep = None
    decimal: Decimal = "."
    target: Target = None
    features: Features = None
    drop: Drop = None
    groups: Annotated[
        str | None, option(metavar="COLUMN", help="Column of groups: cv keeps the rows of a group together.")
    ] = None
    weight: Weight = None
    id_col: IdCol = None
    dates: Annotated[
        list[str] | None,
        option(
            metavar="COLUMN[,COLUMN]",
            help="Columns of dates to turn into days since 1970-01-01. COLUMN=%d/%m/%Y gives the format, which is "
            "detected otherwise.",
        ),
    ] = None
    categorical: Annotated[
        list[str] | None,
        option(
            metavar="COLUMN[,COLUMN]",
            help="Columns to turn into categories, or none. The default, auto, takes all text columns if the estimator "
            "accepts categories itself.",
        ),
    ] = None
    as_frame: Annotated[
        bool,
        option("--as-frame", metavar="", help="Pass a pandas DataFrame even if all columns are numbers."),
    ] = False

    def given(self) -> "DataSource | None":
        """Return the table and how to read it, or None without ``--data``."""
        from raysk.data.reading import Columns, DataSource, Dialect

        columns = Columns(
            target=tuple(self.target or ()),
            features=tuple(self.features or ()),
            drop=tuple(self.drop or ()),
            groups=self.groups,
            weight=self.weight,
            id_col=self.id_col,
            dates=tuple(self.dates or ()),
            categorical=tuple(self.categorical or ()),
        )
        dialect = Dialect(sep=self.sep, decimal=self.decimal)
        return DataSource.of(self.data, format=self.format_, dialect=dialect, columns=columns, as_frame=self.as_frame)


@dataclass(frozen=True, kw_only=True)
class HoldOutOptions(DataOptions):
    """`DataOptions`, and the rows that are held out of the fit and scored."""

    test_size: Annotated[
        str | None,
        option(
            metavar="SHARE",
            help="Hold out this share of the rows (0.2), or this number of rows, and score the fitted model on them. "
            "The draw uses --seed, or 0. It is stratified for a classifier, and keeps groups whole.",
        ),
    ] = None
    test_data: Annotated[
        str | None, option(metavar="DATA", help="Table with the same columns, on which the fitted model is scored.")
    ] = None

    def hold_out(self) -> "HoldOut | None":
        """Return the held-out part that the options ask for; None leaves it to the file."""
        from raysk.request.held_out import HoldOut

        return HoldOut.of(self.test_size, self.test_data)
