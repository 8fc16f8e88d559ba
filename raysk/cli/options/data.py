"""The panel "Data", and the arguments of commands that ask a fitted model about a table. None is a setting."""

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
        help="csv, tsv, jsonl, parquet, arrow, npy, npz, svmlight or pickle; without it, the suffix or the first "
        "bytes say.",
    ),
]
Sep = Annotated[
    str | None,
    option(metavar="MARK", help="What separates the columns of a CSV, such as ';' or tab; without it, it is found."),
]
Decimal = Annotated[
    str,
    option(metavar="MARK", help="What stands before the decimals of a CSV's numbers: . or ,", show_default=False),
]
Target = Annotated[
    list[str] | None,
    option(
        "--target",
        "-y",
        metavar="COLUMN[,COLUMN]",
        help="What is to be predicted: a column's name, or its index; repeatable.",
    ),
]
Features = Annotated[
    list[str] | None,
    option(metavar="COLUMN[,COLUMN]", help="Columns to learn from, in this order; all others without it."),
]
Drop = Annotated[list[str] | None, option(metavar="COLUMN[,COLUMN]", help="Columns to leave out.")]
Weight = Annotated[str | None, option(metavar="COLUMN", help="Weights of the rows.")]
IdCol = Annotated[str | None, option(metavar="COLUMN", help="Names of the rows: no feature.")]


@dataclass(frozen=True, kw_only=True)
class DataOptions:
    """Data that takes the place of what FILE holds."""

    data: Annotated[
        str | None,
        option(
            metavar="DATA",
            help="Table to use instead of the data in FILE: a path, - for stdin, a URI, sklearn:NAME, openml:ID, "
            "or FILE.py:load_data.",
        ),
    ] = None
    format_: Format = None
    sep: Sep = None
    decimal: Decimal = "."
    target: Target = None
    features: Features = None
    drop: Drop = None
    groups: Annotated[str | None, option(metavar="COLUMN", help="Which rows belong together, for cv.")] = None
    weight: Weight = None
    id_col: IdCol = None
    dates: Annotated[
        list[str] | None,
        option(
            metavar="COLUMN[,COLUMN]",
            help="Dates to turn into days since 1970-01-01; COLUMN=%d/%m/%Y says the format, which else is found.",
        ),
    ] = None
    categorical: Annotated[
        list[str] | None,
        option(
            metavar="COLUMN[,COLUMN]",
            help="Columns to turn into categories; none of them with none. Without it (auto), all texts, for an "
            "estimator that takes categories itself.",
        ),
    ] = None
    as_frame: Annotated[
        bool,
        option("--as-frame", metavar="", help="Keep a pandas DataFrame also where all columns are numbers."),
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
    """The same, and what of the data is not fitted but scored."""

    test_size: Annotated[
        str | None,
        option(
            metavar="SHARE",
            help="Hold this share of the rows out, or so many, and score the fitted model on them: 0.2. They are drawn "
            "with --seed, or 0; by class for a classifier, and groups stay whole.",
        ),
    ] = None
    test_data: Annotated[
        str | None, option(metavar="DATA", help="Table to score the fitted model on, with the same columns.")
    ] = None

    def hold_out(self) -> "HoldOut | None":
        """Return what is held out of the data, or None if only the file may say so."""
        from raysk.request.held_out import HoldOut

        return HoldOut.of(self.test_size, self.test_data)
