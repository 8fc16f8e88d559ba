"""What ``raysk fit``, ``raysk search`` and the others hand to the runner."""

from __future__ import annotations

import gc
from typing import TYPE_CHECKING, Any

from raysk.cli.settings import as_typed
from raysk.errors import UsageError
from raysk.runner.outputs import is_stdout
from raysk.runner.run import Work, read_file

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from typer import Context

    from raysk.cli.streams import DataOut
    from raysk.data.reading import DataSource
    from raysk.events import Sink
    from raysk.jobs import FitJob, SearchJob
    from raysk.request.held_out import HoldOut
    from raysk.runner.where import Where
    from raysk.source.objects import SourceObjects


def work_of(
    file: str, make_job: Callable[[SourceObjects], FitJob | SearchJob], where: Where, **said: bool
) -> Callable[[Sink], Work]:
    """Return what reads a job from the person's file, while the cluster starts; `Work` takes what is said."""

    def read(sink: Sink) -> Work:
        found, job = read_file(file, make_job, where, sink)
        gc.freeze()  # modules stay: looking for garbage in them costs 0.1 s, again every few thousand fits
        return Work(job=job, found=found, **said)

    return read


def read_first(read: Callable[[Sink], Work], given: DataSource | None, sink: Sink) -> Callable[[Sink], Work]:
    """Read a job before a cluster starts in vain, if its table may lack a target: such a job is mostly refused."""
    if given is None or not given.may_lack_target:
        return read
    work = read(sink)
    return lambda _: work


def call_of(context: Context, file: str) -> dict[str, Any]:
    """Return how a command was called, as the run's manifest has it."""
    return {"command": context.info_name, "source": file, "arguments": as_typed(context)}


def read_by(given: DataSource | None, held: HoldOut | None = None) -> dict[str, str]:
    """Return the tables that the command line names, by option."""
    test = None if held is None else held.source
    return ({} if given is None else {"--data": given.source}) | ({} if test is None else {"--test-data": test})


def check_terminal(output: Path | None, out: DataOut) -> None:
    """Fail if a model is to be written to a terminal."""
    if is_stdout(output) and out.is_terminal:
        raise UsageError(
            "-o -: stdout is a terminal, which cannot show a model.\nName a file, or write: ... -o - > model.pkl"
        )
