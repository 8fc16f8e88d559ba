"""Where a run and its outputs are kept, checked before anything runs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from raysk.errors import UsageError

if TYPE_CHECKING:
    from pathlib import Path

    from raysk.runs.folder import RunFolder


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
    resume : str or None
        The folder of an earlier run, or ``latest``, to go on with.
    force : bool
        Whether what is there already may be replaced.

    Raises
    ------
    UsageError
        If both a new and an earlier folder are named, or something is there already and may not be replaced: what
        the earlier run has written may be.
    """

    output: Path | None = None
    results: Path | None = None
    run_dir: Path | None = None
    resume: str | None = None
    force: bool = False

    def __post_init__(self) -> None:
        from raysk.runs.existing import check_new
        from raysk.runs.folder import RunFolder, refuse_used

        if self.run_dir is not None and self.resume is not None:
            raise UsageError(
                "--run-dir makes a new run, --resume goes on with an earlier one. Leave one of the two out."
            )
        if self.run_dir is not None and not self.force:
            refuse_used(self.run_dir)
        written = () if self.resume is None else RunFolder.reopen(self.resume).outputs()
        check_new([self.output, self.results], force=self.force, own=written)

    def outputs(self) -> list[str]:
        """Return the absolute paths of the outputs that are there."""
        named = (path for path in (self.output, self.results) if path is not None)
        return [str(path.absolute()) for path in named if path.is_file()]

    def folder(self, name: str) -> RunFolder:
        """Make the folder of a run of that name, or find the earlier one."""
        from raysk.runs.existing import remove_run
        from raysk.runs.folder import RunFolder

        if self.resume is not None:
            return RunFolder.reopen(self.resume)
        if self.run_dir is not None and self.force:
            remove_run(self.run_dir)
        return RunFolder.create(self.run_dir, name)
