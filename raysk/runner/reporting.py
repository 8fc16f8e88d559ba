"""The page about a run, at its end."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, Any

from raysk.events import PhaseStarted, Remark
from raysk.util.words import error_line

if TYPE_CHECKING:
    from pathlib import Path

    from raysk.events import Sink
    from raysk.runner.outputs import Outputs


def reported(outputs: Outputs, folder: Path | None, sink: Sink, estimator: Any = None) -> Path | None:
    """Write the page about a run that has ended, if that is wanted; what goes wrong is a remark, and ends no run.

    Parameters
    ----------
    outputs : Outputs
    folder : Path or None
        That of the run.
    sink : callable
    estimator : estimator or None
        The fitted search.

    Returns
    -------
    Path or None
        None if there is no page.
    """
    if not outputs.report or folder is None:
        return None
    from raysk.history.run import Run
    from raysk.report.writing import write_report

    sink(PhaseStarted(name="writing the report"))
    run = Run(folder)
    try:
        return write_report([run], estimator=estimator)
    except Exception as error:  # noqa: BLE001 - the run is done, whatever a page of it makes of its objects
        again = f"raysk report {shlex.quote(run.shown)}"
        sink(Remark(text=f"No report was written: {error_line(error)} Try it again with: {again}"))
        return None
