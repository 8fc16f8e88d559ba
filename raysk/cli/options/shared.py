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
        help="Python file, notebook or pickle: PATH[:NAME], package.module:NAME, or PATH:factory(arg=1).",
        show_default=False,
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
MemoryPerFit = Annotated[
    str | None,
    typer.Option(
        envvar="RAYSK_MEMORY_PER_FIT",
        metavar="SIZE",
        help="Memory a worker reserves, as 4GB: as many work side by side as have that.",
        rich_help_panel="Cluster",
    ),
]
AllowVersions = Annotated[
    bool,
    typer.Option(
        "--allow-versions",
        envvar="RAYSK_ALLOW_VERSIONS",
        metavar="",
        help="Accept another scikit-learn or numpy, on nodes or in a run that is resumed: results may differ.",
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
FitTimeout = Annotated[
    str | None,
    typer.Option(
        envvar="RAYSK_FIT_TIMEOUT",
        metavar="TIME",
        help="Give a fit up that takes longer than this, such as 60s: it counts as failed. Its worker is replaced.",
        show_default=False,
    ),
]
StopAt = Annotated[
    float | None,
    typer.Option(
        metavar="SCORE",
        help="End the search when the mean test score of a candidate is at least this; scores are scikit-learn's: "
        "greater is better.",
        show_default=False,
    ),
]
Patience = Annotated[
    int | None,
    typer.Option(
        envvar="RAYSK_PATIENCE",
        metavar="N",
        help="End the search when N candidates in a row were no better than the best.",
        show_default=False,
    ),
]
MaxFailures = Annotated[
    int | None,
    typer.Option(
        envvar="RAYSK_MAX_FAILURES",
        metavar="N",
        help="Give the search up, with exit code 1, when more than N fits failed; what is done is kept.",
        show_default=False,
    ),
]
RefitOnStop = Annotated[
    bool,
    typer.Option(
        "--refit-on-stop",
        envvar="RAYSK_REFIT_ON_STOP",
        metavar="",
        help="Fit the best so far on all data also after Ctrl-C, SIGTERM or too many failures. A second Ctrl-C ends "
        "at once.",
    ),
]
Score = Annotated[
    bool, typer.Option("--score", metavar="", help="Score the model on the data that it was fitted on, too.")
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
ResumeAnyway = Annotated[
    bool,
    typer.Option(
        "--resume-anyway",
        metavar="",
        help="Go on although your code, or something else, is not what it was.",
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
        metavar="",
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
