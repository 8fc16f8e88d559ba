"""Shared options, each named once.

Those that have a variable are settings: they may stand in pyproject.toml too, see `raysk.cli.settings`. A setting says
how jobs run; what one run is about, what it writes, what is loaded and whom to trust is only said with the command.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

File = Annotated[
    str,
    typer.Argument(
        metavar="FILE",
        help="Python file or pickle: PATH[:NAME], package.module:NAME, or PATH:factory(arg=1).",
        show_default=False,
    ),
]
Model = Annotated[
    str,
    typer.Argument(
        metavar="MODEL", help="A fitted model: .pkl, .joblib or .skops; - is a pickle on stdin.", show_default=False
    ),
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
Address = Annotated[
    str | None,
    typer.Option(
        envvar="RAYSK_ADDRESS",
        metavar="ADDRESS",
        help="Ray cluster: host:port, ray://host:port, auto, or local. Without it or RAY_ADDRESS, Ray is started on "
        "this machine.",
        show_default=False,
        rich_help_panel="Cluster",
    ),
]
Workers = Annotated[
    int | None,
    typer.Option(
        envvar="RAYSK_WORKERS",
        metavar="N",
        help="Worker processes; as many as CPUs allow.",
        show_default=False,
        rich_help_panel="Cluster",
    ),
]
CpusPerFit = Annotated[
    int,
    typer.Option(
        envvar="RAYSK_CPUS_PER_FIT",
        metavar="N",
        help="CPUs a worker reserves; inner threads keep to it.",
        rich_help_panel="Cluster",
    ),
]
AllowVersions = Annotated[
    bool,
    typer.Option(
        "--allow-versions",
        envvar="RAYSK_ALLOW_VERSIONS",
        metavar="",
        help="Use nodes that have another scikit-learn or numpy: results may differ.",
        rich_help_panel="Cluster",
    ),
]
Backend = Annotated[
    str | None,
    typer.Option(
        envvar="RAYSK_BACKEND",
        metavar="NAME",
        help="Run scikit-learn's own fit on another joblib backend instead: ray (Ray's own), loky, threading, ...",
        show_default=False,
        rich_help_panel="Cluster",
    ),
]
Set = Annotated[
    list[str] | None,
    typer.Option(
        "--set", metavar="NAME=VALUE", help="Set a parameter of the estimator; repeatable.", show_default=False
    ),
]
SetStr = Annotated[
    list[str] | None,
    typer.Option(
        "--set-str", metavar="NAME=TEXT", help="The same for text, taken as it is; repeatable.", show_default=False
    ),
]
Space = Annotated[
    list[str] | None,
    typer.Option(
        metavar="NAME=VALUES",
        help="Search this parameter: C=loguniform:1e-3:1e3, gamma=logspace:-3:3:7, kernel=rbf,linear; repeatable.",
        show_default=False,
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
Seed = Annotated[
    int | None,
    typer.Option(
        envvar="RAYSK_SEED",
        metavar="N",
        help="Set every random_state of the estimator and the search.",
        show_default=False,
    ),
]
NIter = Annotated[
    int | None,
    typer.Option(envvar="RAYSK_N_ITER", metavar="N", help="Candidates a random search draws.", show_default=False),
]
Cv = Annotated[int | None, typer.Option(envvar="RAYSK_CV", metavar="K", help="Number of folds.", show_default=False)]
Scoring = Annotated[
    str | None,
    typer.Option(
        envvar="RAYSK_SCORING",
        metavar="NAME[,NAME]",
        help="Metric; with several, the first decides which candidate is best.",
        show_default=False,
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
NoRefit = Annotated[bool, typer.Option("--no-refit", metavar="", help="Do not fit the best candidate on all data.")]
Output = Annotated[
    Path | None,
    typer.Option(
        "--output",
        "-o",
        metavar="PATH",
        help="Save the fitted model here: .pkl, .joblib or .skops; - is stdout, as .pkl.",
        show_default=False,
        rich_help_panel="Output",
    ),
]
NoVerify = Annotated[
    bool,
    typer.Option(
        "--no-verify",
        envvar="RAYSK_NO_VERIFY",
        metavar="",
        help="Do not load the saved model back in another process.",
        rich_help_panel="Output",
    ),
]
Results = Annotated[
    Path | None,
    typer.Option(
        metavar="PATH",
        help="Save the table of candidates here: .csv, .jsonl, .json or .parquet.",
        show_default=False,
        rich_help_panel="Output",
    ),
]
RunDir = Annotated[
    Path | None,
    typer.Option(
        metavar="PATH",
        help="Folder for all files of this run; raysk-runs/<name>-<time> without it.",
        show_default=False,
        rich_help_panel="Output",
    ),
]
TimeBudget = Annotated[
    str | None,
    typer.Option(
        envvar="RAYSK_TIME_BUDGET",
        metavar="TIME",
        help="End the search after this time, such as 90s, 30m or 1h30m; what is done is kept, the best is refitted.",
        show_default=False,
    ),
]
Strict = Annotated[
    bool,
    typer.Option(
        "--strict",
        envvar="RAYSK_STRICT",
        metavar="",
        help="Exit with 5 if fits failed, with 124 if the time budget ended it.",
    ),
]
Resume = Annotated[
    str | None,
    typer.Option(
        metavar="RUN",
        help="Go on with an earlier run: its folder, or latest. Fits that are finished are not done again.",
        show_default=False,
        rich_help_panel="Output",
    ),
]
Json = Annotated[
    bool,
    typer.Option(
        "--json", envvar="RAYSK_JSON", metavar="", help="Print one JSON object, as in a pipe.", rich_help_panel="Output"
    ),
]
Stream = Annotated[
    bool,
    typer.Option(
        "--stream",
        envvar="RAYSK_STREAM",
        help="Print a JSON line per finished candidate, then the summary.",
        rich_help_panel="Output",
    ),
]
Quiet = Annotated[
    bool,
    typer.Option(
        "--quiet",
        "-q",
        envvar="RAYSK_QUIET",
        metavar="",
        help="Say nothing on stderr but errors.",
        rich_help_panel="Output",
    ),
]
Verbose = Annotated[
    bool,
    typer.Option(
        "--verbose",
        "-v",
        envvar="RAYSK_VERBOSE",
        metavar="",
        help="Show what workers print, and warnings whole, with their place.",
        rich_help_panel="Output",
    ),
]
Debug = Annotated[
    bool, typer.Option("--debug", metavar="", help="Show every frame of an error.", rich_help_panel="Output")
]
Force = Annotated[
    bool,
    typer.Option("--force", metavar="", help="Replace outputs that already exist.", rich_help_panel="Output"),
]
DryRun = Annotated[bool, typer.Option("--dry-run", metavar="", help="Say what would run, and stop.")]
