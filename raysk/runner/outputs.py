"""What a run is to leave behind, and where: resolved once, checked before anything runs, then only read."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from raysk.errors import UsageError
from raysk.jobs import SearchJob
from raysk.runs.folder import CV, SEARCH, journals_of
from raysk.runs.labels import check_name, check_tags
from raysk.util.working_folder import current_folder

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from raysk.jobs import FitJob
    from raysk.runs.folder import RunFolder

STDOUT = {Path("-"), Path("/dev/stdout"), Path("/dev/fd/1"), Path("/proc/self/fd/1")}
"""Names of stdout; descriptor 1 itself leads to stderr while a command runs."""


def is_stdout(path: Path | None) -> bool:
    """Tell whether an output is stdout."""
    return path in STDOUT


@dataclass(frozen=True, kw_only=True)
class Outputs:
    """What a run leaves behind.

    Parameters
    ----------
    output : Path or None
        The model file; None saves the model in the run folder only, and so does stdout (see `is_stdout`), to which the
        caller copies it.
    results : Path or None
        The table of candidates; None writes it in the run folder only.
    run_dir : Path or None
        A new folder; None makes one in ``raysk-runs``.
    resume : RunFolder or None
        An earlier run to go on with.
    anyway : bool
        Whether it goes on although something changed.
    force : bool
        Whether existing files may be replaced.
    report : bool
        Whether a page about the run is written in its folder.
    verify : bool
        Whether the saved model is loaded back in another process.
    keep_estimators : int
        How many of a search's best candidates have their estimators kept in the run folder, one a split.
    name : str or None
        How the run is called; its folder in ``raysk-runs`` too. None names the folder after the person's file.
    tags : tuple of str
        What the run is tagged with.
    here : Path
        The folder that paths start from, wherever the person's code goes.
    """

    output: Path | None = None
    results: Path | None = None
    run_dir: Path | None = None
    resume: RunFolder | None = None
    anyway: bool = False
    force: bool = False
    report: bool = False
    verify: bool = True
    keep_estimators: int = 0
    name: str | None = None
    tags: tuple[str, ...] = ()
    here: Path = field(default_factory=current_folder)

    def __post_init__(self) -> None:
        if self.keep_estimators < 0:
            raise UsageError(f"--keep-estimators {self.keep_estimators}: the number of candidates is not negative.")
        if self.name is not None:
            check_name(self.name)
        check_tags(self.tags)

    def earlier_s(self) -> float | None:
        """Return how long a run that goes on has taken so far, in seconds; None where it is new, or nobody knows.

        One that has crashed seems to go on, until now, once its journal is ours.
        """
        from raysk.history.run import Run
        from raysk.history.summaries import duration_s

        return None if self.resume is None else duration_s(Run(self.resume.root))

    @property
    def labels(self) -> dict[str, Any]:
        """The name and the tags, as the manifest takes them."""
        return {"name": self.name, "tags": self.tags}

    @property
    def model(self) -> Path | None:
        """The absolute path of the model file, None for stdout."""
        return None if self.output is None or is_stdout(self.output) else self.here / self.output

    @property
    def table(self) -> Path | None:
        """The absolute path of the table of candidates."""
        return None if self.results is None else self.here / self.results

    def check(self, **reads: str | None) -> None:
        """Fail before anything runs if an output would destroy something, or cannot be written.

        Parameters
        ----------
        **reads : str or None
            What the job reads, as the person wrote it, by its name in messages.

        Raises
        ------
        UsageError
            If two outputs, or an output and an input, are one file, or an output is a file of a run; if an output
            exists already and may not be replaced. Outputs of the run that goes on may be.
        InputError
            If a file cannot be written, or its format needs a package that is not installed.
        """
        from raysk.models.store import check_model
        from raysk.report.plotly_bundle import check_installed
        from raysk.results.candidates import check_results

        self.check_apart(**reads)
        if self.report:
            check_installed()
        if self.results is not None:
            check_results(self.results)
        if self.output is not None and not is_stdout(self.output):
            check_model(self.output)

    def check_apart(self, **reads: str | None) -> None:
        """Fail if an output would destroy another file; see `check`."""
        from raysk.models.sidecar import sidecar_path
        from raysk.runs.collisions import DESCRIPTION, MODEL, RESULTS, check_distinct
        from raysk.runs.folder import refuse_used
        from raysk.runs.overwriting import refuse_existing

        model = None if is_stdout(self.output) else self.output
        beside = None if model is None or not model.name else sidecar_path(model)
        run_dir = self.run_dir if self.resume is None else self.resume.root
        check_distinct({MODEL: model, DESCRIPTION: beside, RESULTS: self.results}, reads, run_dir=run_dir)
        if self.run_dir is not None and not self.force:
            refuse_used(self.run_dir)
        refuse_existing([self.output, self.results], force=self.force, own=self._own)

    def check_fits_model(self, estimator: Any, source: str) -> None:
        """Fail if a model is to be saved, and the job is a search that fits none."""
        from raysk.source.objects import is_search

        if self.output is not None and is_search(estimator) and not estimator.refit:
            raise UsageError(
                f"-o {self.output}: the search in {source!r} has refit=False, so there is no model to save.\n"
                "Set refit there, or leave -o out."
            )

    @property
    def _own(self) -> list[str]:
        """The outputs of the run that goes on."""
        return [] if self.resume is None else self.resume.outputs()

    def is_new(self, path: Path | None) -> bool:
        """Tell whether a file that is at an output's path by the time of writing is somebody else's, and stays."""
        return path is not None and not self.force and str(self.here / path) not in self._own

    def written(self, lost: Collection[Path] = ()) -> list[str]:
        """Return the absolute paths of the outputs that exist, without those that could not be written."""
        named = (path for path in (self.model, self.table) if path is not None)
        return [str(path) for path in named if path.is_file() and path not in lost]

    def folder(self, name: str) -> RunFolder:
        """Return the folder of the run that goes on, or make one for a run of that name, if it has no other."""
        from raysk.runs.folder import RunFolder
        from raysk.runs.overwriting import remove_run

        if self.resume is not None:
            return self.resume
        if self.run_dir is not None and self.force:
            remove_run(self.run_dir)
        return RunFolder.create(self.run_dir, self.name or name)


def kind_of(job: FitJob | SearchJob) -> str:
    """Return which of the commands that search runs a job: `SEARCH` or `CV`."""
    from raysk.searches.cross_validation import CrossValidation

    return CV if isinstance(job.estimator, CrossValidation) else SEARCH


def recorded_outputs(  # noqa: PLR0913 - what a person says of a run
    job: FitJob | SearchJob,
    run_dir: str | Path | None,
    *,
    resume: bool | str | Path | None,
    command: str | None = None,
    name: str | None = None,
    tags: Sequence[str] = (),
    **said: Any,
) -> Outputs | None:
    """Return what a run from Python leaves behind; None without a run folder, a name or tags."""
    resume = resume if isinstance(resume, str | Path) else bool(resume)
    if resume is not False and not isinstance(job, SearchJob):
        raise UsageError(f"resume goes on with a search, and this {job.source} is none. Leave it out.")
    if resume is True and run_dir is None:
        raise UsageError("resume=True goes on with the run in run_dir. Name that, or the run: resume='latest'.")
    if run_dir is None and resume is False and name is None and not tags:
        if said.get("keep_estimators"):
            raise UsageError("keep_estimators keeps them in the run folder. Name one: run_dir=...")
        return None
    from raysk.runs.lookup import find_search

    if resume is True and journals_of(Path(str(run_dir))):
        resume, run_dir = str(run_dir), None
    if isinstance(resume, str | Path) and run_dir is not None:
        raise UsageError("run_dir makes a new run, resume goes on with an earlier one. Leave one of the two out.")
    outputs = Outputs(
        run_dir=None if run_dir is None else Path(run_dir),
        resume=None if isinstance(resume, bool) else find_search(str(resume), command or kind_of(job)),
        name=name,
        tags=check_tags(tags),
        **said,
    )
    outputs.check()
    return outputs
