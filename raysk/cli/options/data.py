"""Options that say what data and which model: of `predict` and `score`, and the panel "Data"; each named once.

None is a setting: see `raysk.cli.options.shared`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

Model = Annotated[
    str,
    typer.Argument(
        metavar="MODEL",
        help="A fitted model: .pkl, .joblib or .skops, - for a pickle on stdin; or a run's folder or name, or latest.",
        show_default=False,
    ),
]
StrictModel = Annotated[
    bool, typer.Option("--strict", metavar="", help="Exit with 3 if MODEL cannot be judged without loading it.")
]
Table = Annotated[
    str,
    typer.Argument(
        metavar="DATA",
        help="A table: a path, - for stdin, a URI, sklearn:NAME, openml:ID, or FILE.py:load_data.",
        show_default=False,
    ),
]
Method = Annotated[str, typer.Option(metavar="NAME", help="predict, predict_proba, decision_function or transform.")]
Trust = Annotated[
    list[str] | None,
    typer.Option(metavar="TYPE", help="A type to trust in a .skops model; repeatable.", show_default=False),
]
WorkersAddress = Annotated[
    str | None,
    typer.Option(
        metavar="ADDRESS",
        help="Predict on the workers of this Ray cluster: host:port, ray://host:port, auto, or local, which starts "
        "one. Without it, in this process.",
        show_default=False,
        rich_help_panel="Cluster",
    ),
]
Predictions = Annotated[
    Path | None,
    typer.Option(
        "--output",
        "-o",
        metavar="PATH",
        help="Write the predictions here instead of to stdout: .csv, .jsonl, .parquet or .npy.",
        show_default=False,
        rich_help_panel="Output",
    ),
]
To = Annotated[
    str | None,
    typer.Option(
        metavar="NAME",
        help="Write csv, jsonl, parquet or npy, whatever the suffix; csv to stdout without it.",
        show_default=False,
        rich_help_panel="Output",
    ),
]
Data = Annotated[
    str | None,
    typer.Option(
        metavar="DATA",
        help="Table to use instead of the data in FILE: a path, - for stdin, a URI, sklearn:NAME, openml:ID, "
        "or FILE.py:load_data.",
        show_default=False,
        rich_help_panel="Data",
    ),
]
Format = Annotated[
    str | None,
    typer.Option(
        "--format",
        metavar="NAME",
        help="csv, tsv, jsonl, parquet, arrow, npy, npz, svmlight or pickle; without it, the suffix or the first "
        "bytes say.",
        show_default=False,
        rich_help_panel="Data",
    ),
]
Sep = Annotated[
    str | None,
    typer.Option(
        metavar="MARK",
        help="What separates the columns of a CSV, such as ';' or tab; without it, it is found.",
        show_default=False,
        rich_help_panel="Data",
    ),
]
Decimal = Annotated[
    str,
    typer.Option(
        metavar="MARK",
        help="What stands before the decimals of a CSV's numbers: . or ,",
        show_default=False,
        rich_help_panel="Data",
    ),
]
Dates = Annotated[
    list[str] | None,
    typer.Option(
        metavar="COLUMN[,COLUMN]",
        help="Dates to turn into days since 1970-01-01; COLUMN=%d/%m/%Y says the format, which else is found.",
        show_default=False,
        rich_help_panel="Data",
    ),
]
Categorical = Annotated[
    list[str] | None,
    typer.Option(
        metavar="COLUMN[,COLUMN]",
        help="Columns to turn into categories; none of them with none. Without it (auto), all texts, for an estimator "
        "that takes categories itself.",
        show_default=False,
        rich_help_panel="Data",
    ),
]
Target = Annotated[
    list[str] | None,
    typer.Option(
        "--target",
        "-y",
        metavar="COLUMN[,COLUMN]",
        help="What is to be predicted: a column's name, or its index; repeatable.",
        show_default=False,
        rich_help_panel="Data",
    ),
]
Features = Annotated[
    list[str] | None,
    typer.Option(
        metavar="COLUMN[,COLUMN]",
        help="Columns to learn from, in this order; all others without it.",
        show_default=False,
        rich_help_panel="Data",
    ),
]
Drop = Annotated[
    list[str] | None,
    typer.Option(metavar="COLUMN[,COLUMN]", help="Columns to leave out.", show_default=False, rich_help_panel="Data"),
]
Groups = Annotated[
    str | None,
    typer.Option(
        metavar="COLUMN", help="Which rows belong together, for cv.", show_default=False, rich_help_panel="Data"
    ),
]
Weight = Annotated[
    str | None,
    typer.Option(metavar="COLUMN", help="Weights of the rows.", show_default=False, rich_help_panel="Data"),
]
IdCol = Annotated[
    str | None,
    typer.Option(metavar="COLUMN", help="Names of the rows: no feature.", show_default=False, rich_help_panel="Data"),
]
AsFrame = Annotated[
    bool,
    typer.Option(
        "--as-frame",
        metavar="",
        help="Keep a pandas DataFrame also where all columns are numbers.",
        rich_help_panel="Data",
    ),
]
TestSize = Annotated[
    str | None,
    typer.Option(
        metavar="SHARE",
        help="Hold this share of the rows out, or so many, and score the fitted model on them: 0.2. They are drawn "
        "with --seed, or 0; by class for a classifier, and groups stay whole.",
        show_default=False,
        rich_help_panel="Data",
    ),
]
TestData = Annotated[
    str | None,
    typer.Option(
        metavar="DATA",
        help="Table to score the fitted model on, with the same columns.",
        show_default=False,
        rich_help_panel="Data",
    ),
]
Metrics = Annotated[
    str | None,
    typer.Option(
        "--scoring",
        envvar="RAYSK_SCORING",
        metavar="NAME[,NAME]",
        help="Metrics; without it, the model's own score.",
        show_default=False,
    ),
]
