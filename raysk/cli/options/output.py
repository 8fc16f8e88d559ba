"""The panel "Output": what is written where, and what is said."""

from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from raysk.jobs import Verification
    from raysk.runner.outputs import Outputs

option = partial(typer.Option, rich_help_panel="Output")

Output = Annotated[
    Path | None,
    option(
        "--output",
        "-o",
        metavar="PATH",
        help="Path of the model file: .pkl, .joblib or .skops. - writes a pickle to stdout.",
    ),
]
RunDir = Annotated[
    Path | None,
    option(metavar="PATH", help="Folder for all files of this run. The default is raysk-runs/<name>-<time>."),
]
Force = Annotated[bool, option("--force", metavar="", help="Replace outputs that already exist.")]
NoVerify = Annotated[
    bool,
    option(
        "--no-verify",
        envvar="RAYSK_NO_VERIFY",
        metavar="",
        help="Skip the check that another process can load the saved model.",
    ),
]
Json = Annotated[bool, option("--json", envvar="RAYSK_JSON", metavar="", help="Print one JSON object, as in a pipe.")]
Quiet = Annotated[bool, option("--quiet", "-q", envvar="RAYSK_QUIET", metavar="", help="Print only errors on stderr.")]
Verbose = Annotated[
    bool,
    option(
        "--verbose",
        "-v",
        envvar="RAYSK_VERBOSE",
        metavar="",
        help="Show the output of workers, and every warning in full with its file and line.",
    ),
]
Mlflow = Annotated[
    bool,
    option(
        "--mlflow",
        envvar="RAYSK_MLFLOW",
        metavar="",
        help="Export the run to MLflow at its end, to what MLFLOW_TRACKING_URI names. A failure is a remark. See: "
        "raysk export --help.",
    ),
]
Debug = Annotated[bool, option("--debug", metavar="", help="Show every frame of an error.")]


@dataclass(frozen=True, kw_only=True)
class Talk:
    """What a command says."""

    as_json: Json = False
    quiet: Quiet = False
    verbose: Verbose = False
    debug: Debug = False


@dataclass(frozen=True, kw_only=True)
class Labels:
    """What a person calls a run."""

    name: Annotated[
        str | None,
        option(metavar="NAME", help="Name of this run; its folder in raysk-runs gets it, too. See: raysk runs."),
    ] = None
    tag: Annotated[
        list[str] | None, option(metavar="TAG", help="Tag of this run, as raysk runs shows it. Repeatable.")
    ] = None

    def labels(self) -> dict[str, Any]:
        """Return name and tags, as `raysk.runner.outputs.Outputs` takes them."""
        from raysk.runs.labels import check_tags

        return {"name": self.name, "tags": check_tags(self.tag or ())}


@dataclass(frozen=True, kw_only=True)
class FitOutput(Labels):
    """What a fit leaves behind, and where."""

    output: Output = None
    run_dir: RunDir = None
    force: Force = False
    no_verify: NoVerify = False
    mlflow: Mlflow = False

    def outputs(self) -> "Outputs":
        """Return what the fit leaves behind, and where."""
        from raysk.runner.outputs import Outputs

        said = self.labels()
        return Outputs(output=self.output, run_dir=self.run_dir, force=self.force, verify=not self.no_verify, **said)


@dataclass(frozen=True, kw_only=True)
class ModelFile:
    """Where a model is saved."""

    output: Output = None


@dataclass(frozen=True, kw_only=True)
class Recording(Labels):
    """The table and the run folder that a search leaves behind, and the run that it goes on with."""

    results: Annotated[
        Path | None,
        option(metavar="PATH", help="Path of the table of candidates: .csv, .jsonl, .json or .parquet."),
    ] = None
    run_dir: RunDir = None
    resume: Annotated[
        str | None,
        option(
            metavar="RUN",
            help="Continue an earlier run: its folder, or latest. Finished fits are not repeated. See: raysk guide "
            "runs-and-resume.",
        ),
    ] = None
    resume_anyway: Annotated[
        bool,
        option("--resume-anyway", metavar="", help="Continue although your code, or something else, has changed."),
    ] = False
    force: Force = False
    report: Annotated[
        bool,
        option("--report", metavar="", help="Write report.html in the run's folder at the end. See: raysk report."),
    ] = False

    def recorded(self, command: str, **said: Any) -> "Outputs":
        """Return what a command leaves behind, and where."""
        from raysk.errors import UsageError
        from raysk.runner.outputs import Outputs
        from raysk.runs.lookup import find_search

        if self.run_dir is not None and self.resume is not None:
            raise UsageError(
                "--run-dir makes a new run, --resume goes on with an earlier one. Leave one of the two out."
            )
        if self.resume_anyway and self.resume is None:
            raise UsageError("--resume-anyway needs a run to go on with. Name it: --resume RUN")
        return Outputs(
            results=self.results,
            run_dir=self.run_dir,
            resume=None if self.resume is None else find_search(self.resume, command),
            anyway=self.resume_anyway,
            force=self.force,
            report=self.report,
            **self.labels(),
            **said,
        )


@dataclass(frozen=True, kw_only=True)
class SearchOutput(Recording, ModelFile):
    """What a search leaves behind, and where; and what it says."""

    no_verify: NoVerify = False
    mlflow: Mlflow = False
    keep_estimators: Annotated[
        int,
        option(
            metavar="N",
            help="Keep the fitted estimators of the N best candidates, one for each split, in the run folder: they are "
            "fitted again at the end.",
            show_default=False,
        ),
    ] = 0
    verify_fits: Annotated[
        int | None,
        option(
            envvar="RAYSK_VERIFY_FITS",
            metavar="N",
            help="Do N finished fits again at the end, by scikit-learn alone, and exit with 1 if a score differs.",
        ),
    ] = None
    as_json: Json = False
    stream: Annotated[
        bool,
        option(
            "--stream",
            envvar="RAYSK_STREAM",
            metavar="",
            help="Print one JSON line for each finished candidate, then the summary.",
        ),
    ] = False
    quiet: Quiet = False
    verbose: Verbose = False
    debug: Debug = False

    def outputs(self) -> "Outputs":
        """Return what the search leaves behind, and where."""
        said = {"verify": not self.no_verify, "keep_estimators": self.keep_estimators}
        return self.recorded("search", output=self.output, **said)

    def verification(self) -> "Verification | None":
        """Return which fits are done again, as a check."""
        from raysk.jobs import Verification

        return None if self.verify_fits is None else Verification(fits=self.verify_fits)


@dataclass(frozen=True, kw_only=True)
class ValidationOutput(Talk, Recording):
    """What a cross-validation leaves behind, and where; and what it says."""

    def outputs(self) -> "Outputs":
        """Return what it leaves behind, and where."""
        return self.recorded("cv", verify=False)


@dataclass(frozen=True, kw_only=True)
class NestedOutput(Talk, Recording):
    """What nested cross-validation leaves behind, and where; and what it says."""

    def outputs(self) -> "Outputs":
        """Return what it leaves behind, and where."""
        return self.recorded("nested", verify=False)
