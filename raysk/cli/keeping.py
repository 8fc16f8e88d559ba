"""Where a run and its outputs are kept, checked before anything runs; and what becomes of a fitted model.

A model is saved, loaded back as a check, and with ``-o -`` written to stdout.

What cannot be written, as on a full disk, must not cost the person the result of a long job: the error waits until the
summary is out, which has null for what is missing.
"""

from __future__ import annotations

import contextlib
import functools
import os
import shutil
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

from raysk.cli.streams import DataOut
from raysk.errors import InputError, ReaderGone, Unpicklable, UsageError
from raysk.util.here import current_folder

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping

    from typing_extensions import Self

    from raysk.cli.view.live import View
    from raysk.data.reading import Given
    from raysk.models.load_back import LoadBack
    from raysk.request.held_out import HoldOut
    from raysk.runs.folder import RunFolder
    from raysk.source.loader import Found


@dataclass(frozen=True, kw_only=True)
class Kept:
    """Where a run is kept, and what is written besides.

    Parameters
    ----------
    output : Path or None
        Of the model.
    results : Path or None
        Of the table of candidates.
    run_dir : Path or None
        A new folder; None makes one in ``raysk-runs``.
    resume : RunFolder or None
        An earlier run to go on with.
    anyway : bool
        Whether it goes on although something changed.
    force : bool
        Whether what is there already may be replaced.
    here : Path
        Where the command began: paths mean what they meant there, wherever the person's code goes.
    """

    output: Path | None = None
    results: Path | None = None
    run_dir: Path | None = None
    resume: RunFolder | None = None
    anyway: bool = False
    force: bool = False
    here: Path = field(default_factory=current_folder)

    def check(self, **reads: str | None) -> None:
        """Fail before anything runs if what is to be kept would destroy something.

        Parameters
        ----------
        **reads : str or None
            What the command reads, as the person wrote it, by how it is called.

        Raises
        ------
        UsageError
            If two outputs, or an output and what is read, are one file, or an output is a file of a run; if something
            is there already and may not be replaced; what the earlier run has written may be.
        """
        from raysk.models.sidecar import sidecar_path
        from raysk.runs.existing import check_new
        from raysk.runs.folder import refuse_used
        from raysk.runs.targets import DESCRIPTION, MODEL, RESULTS, check_apart

        model = None if is_stdout(self.output) else self.output
        beside = None if model is None or not model.name else sidecar_path(model)
        run_dir = self.run_dir if self.resume is None else self.resume.root
        check_apart({MODEL: model, DESCRIPTION: beside, RESULTS: self.results}, reads, run_dir=run_dir)
        if self.run_dir is not None and not self.force:
            refuse_used(self.run_dir)
        written = () if self.resume is None else self.resume.outputs()
        check_new([self.output, self.results], force=self.force, own=written)

    def keeper(self, out: DataOut, *, verify: bool) -> Keeper:
        """Return what keeps the model there."""
        output = self.output if self.output is None or is_stdout(self.output) else self.here / self.output
        return Keeper(output, out, verify=verify, new=self.is_new(self.output))

    def say_what_goes_on(self, view: View) -> None:
        """Name the earlier run, if there is one: the latest may be another than the person thinks."""
        if self.resume is not None:
            view.say(f"Going on with {os.path.relpath(self.resume.root)}")

    def outputs(self, lost: Collection[Path] = ()) -> list[str]:
        """Return the absolute paths of the outputs that are there, but for those that are somebody else's."""
        named = (self.here / path for path in (self.output, self.results) if path is not None)
        return [str(path) for path in named if path.is_file() and path not in lost]

    def is_new(self, path: Path | None) -> bool:
        """Tell whether an output must not be there when it is written: nothing says that it may be replaced."""
        own = () if self.resume is None else self.resume.outputs()
        return path is not None and not self.force and str(self.here / path) not in own

    def folder(self, name: str) -> RunFolder:
        """Make the folder of a run of that name, unless there is an earlier one to go on with."""
        from raysk.runs.existing import remove_run
        from raysk.runs.folder import RunFolder

        if self.resume is not None:
            return self.resume
        if self.run_dir is not None and self.force:
            remove_run(self.run_dir)
        return RunFolder.create(self.run_dir, name)


MOST_LINES = 5
"""Of an error."""

STDOUT = {Path("-"), Path("/dev/stdout"), Path("/dev/fd/1"), Path("/proc/self/fd/1")}
"""What stdout is called; descriptor 1 itself is stderr while a job runs."""


def is_stdout(path: Path | None) -> bool:
    """Tell whether an output is stdout."""
    return path in STDOUT


class Keeper:
    """Keeps what a run has made; a context manager, at whose end no check is left running.

    Parameters
    ----------
    output : Path or None
        Where to save it; None is the run folder, ``-`` the run folder and stdout.
    out : DataOut
        The real stdout.
    verify : bool
        Whether to load it back in another process.
    new : bool
        Whether a model that is there by then is somebody else's, and stays.

    Attributes
    ----------
    errors : list of InputError
        What could not be written, see `putting_errors_off`.
    lost : set of Path
        Outputs that could not be written.

    Raises
    ------
    UsageError, InputError
        If it could not be saved there.
    """

    def __init__(self, output: Path | None, out: DataOut, *, verify: bool = True, new: bool = False) -> None:
        self._to_stdout = is_stdout(output)
        self._output = None if self._to_stdout else output
        self._new = new
        self._out, self._verify = out, verify
        self._path: Path | None = None
        self._other: LoadBack | None = None
        self._check: Callable[[], None] | None = None
        self.errors: list[InputError] = []
        self.lost: set[Path] = set()
        check_output(output, out)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._other is not None:
            self._other.close()

    def get_ready(self) -> None:
        """Start what will check the model."""
        from raysk.models.load_back import LoadBack

        if self._verify:
            self._other = LoadBack()

    def expect(self, estimator: Any) -> None:
        """Say what will be fitted; a search may be one that fits no model."""
        if self._other is not None:
            if getattr(estimator, "refit", True):
                self._other.expect(estimator)
            else:
                self._other.close()

    @contextlib.contextmanager
    def putting_errors_off(self, output: Path | None = None) -> Iterator[None]:
        """Write something, perhaps an output; if that cannot be done, `raise_errors` says so later."""
        try:
            yield
        except InputError as error:
            self.errors.append(error)
            self.lost |= set() if output is None else {output}

    def raise_errors(self) -> None:
        """Raise what was put off.

        Raises
        ------
        InputError
            Names everything that could not be written.
        """
        if len(self.errors) == 1:
            raise self.errors[0]
        if self.errors:
            each = [str(error).splitlines() for error in self.errors]
            raise InputError("\n".join([*(lines[0] for lines in each[: MOST_LINES - 1]), each[0][-1]]))

    def save(self, model: Any, folder: RunFolder, facts: Mapping[str, Any], X: Any) -> str | None:
        """Save the model, which `finish` checks; returns the path, or None if it could not be written.

        Where it cannot be written as an output, it is kept in the run folder: it may have taken hours.
        """
        from raysk.models.load_back import LoadBack
        from raysk.models.store import save_model

        if self._output is not None:
            with self.putting_errors_off(self._output):
                self._path = save_model(model, self._output, facts, new=self._new)
        if self._output is None or (self.lost and not isinstance(self.errors[-1], Unpicklable)):
            with self.putting_errors_off() if self._output is None else contextlib.suppress(InputError):
                self._path = save_model(model, folder.path("model.pkl"), facts)
        if self._path is not None and self._verify:
            self._other = self._other or LoadBack()
            self._check = functools.partial(self._other.check, self._path, model, X)
        return None if self._path is None else str(self._path)

    def finish(self, view: View) -> DataOut | None:
        """Check that the model loads, and write the model to stdout if it is wanted there.

        Returns
        -------
        out : DataOut or None
            Where the summary goes: stdout, stderr where stdout is for the model, or None: nowhere.

        Raises
        ------
        InputError, UserCodeError
            If the model does not load back, or does not predict the same.
        """
        if self._check is not None and self._other is not None:
            with view.phase("verifying"):
                self._check()
            if self._other.skipped is not None:
                view.say(f"The model is {self._other.skipped}.")
        if not self._to_stdout:
            return self._out
        if self._path is not None:
            with self._path.open("rb") as file:
                shutil.copyfileobj(file, self._out)
        return None if view.quiet else _Stderr(sys.stderr)


def read_by(given: Given | None, held: HoldOut | None = None) -> dict[str, str]:
    """Return the tables that the command line names, by option."""
    test = None if held is None else held.source
    return ({} if given is None else {"--data": given.source}) | ({} if test is None else {"--test-data": test})


def test_rows(summary: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return what the summary's table says of the held-out data; nothing without any."""
    scores = {"test score": summary["test_score"]} if summary["test_scores"] is None else summary["test_scores"]
    many = summary["test_scores"] is not None
    return [(f"test {name}" if many else name, f"{value:.6g}") for name, value in scores.items() if value is not None]


def check_output(output: Path | None, out: DataOut) -> None:
    """Fail before anything runs if the model could not be written where it is wanted."""
    from raysk.models.store import check_model

    if is_stdout(output) and out.is_terminal:
        raise UsageError(
            "-o -: stdout is a terminal, which cannot show a model.\nName a file, or write: ... -o - > model.pkl"
        )
    if output is not None and not is_stdout(output):
        check_model(output)


def with_model(make_job: Callable[[Found], Any], output: Path | None, keeper: Keeper) -> Callable[[Found], Any]:
    """Return what makes the same jobs, but refuses a search that fits no model where one is to be saved.

    The keeper is told what will be fitted.
    """

    def make(found: Found) -> Any:
        from raysk.source.found import is_search

        job = make_job(found)
        fitted = job.search if hasattr(job, "search") else job.estimator
        if output is not None and is_search(fitted) and not fitted.refit:
            raise UsageError(
                f"-o {output}: the search in {found.source!r} has refit=False, so there is no model to save.\n"
                "Set refit there, or leave -o out."
            )
        keeper.expect(fitted)
        return job

    return make


class _Stderr(DataOut):
    """stderr, for the summary, which a person reads there; when its reader is gone the run is still done."""

    def __init__(self, file: TextIO) -> None:
        super().__init__(file)
        self.is_for_a_person = True

    def write_line(self, text: str) -> None:
        with contextlib.suppress(ReaderGone):
            super().write_line(text)
