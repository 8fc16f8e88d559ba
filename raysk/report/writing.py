"""Make a report, and write it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from raysk.history.candidates import open_search
from raysk.history.run import Run
from raysk.report.heading import head_of
from raysk.report.page import Figures, document
from raysk.report.reading import read
from raysk.report.single import sections_of
from raysk.runs.lookup import LATEST
from raysk.util.writing import check_output, write_text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from raysk.report.reading import Reading

REPORT = "report.html"


def write_report(
    runs: str | Path | Run | Sequence[str | Path | Run] = LATEST,
    path: str | Path | None = None,
    estimator: Any = None,
) -> Path:
    """Write a page about a run, or a comparison of several.

    Parameters
    ----------
    runs : str, Path or Run, or a sequence of these
        Runs: their names, their folders, files in them, or ``latest``.
    path : str, Path or None
        None writes ``report.html`` in the folder of the first run.
    estimator : estimator or None
        The fitted search of a single run, where it is at hand.

    Returns
    -------
    Path

    Raises
    ------
    InputError
        If Plotly is not installed, a run has nothing to show, or the file cannot be written.
    """
    given = [runs] if isinstance(runs, str | Path | Run) else runs
    readings = [read(each if isinstance(each, Run) else open_search(each)) for each in given]
    return write_page(readings, None if path is None else Path(path), estimator)


def write_page(readings: Sequence[Reading], path: Path | None = None, estimator: Any = None) -> Path:
    """Write the page about runs that were read; see `write_report`."""
    path = readings[0].run.folder / REPORT if path is None else path
    check_output(path)
    write_text(path, page_of(readings, estimator))
    return path


def page_of(readings: Sequence[Reading], estimator: Any = None) -> str:
    """Return the page as text; see `write_report`."""
    drawn = Figures()
    if len(readings) > 1:
        from raysk.report.several import compared, heading

        return document("Runs compared", heading(readings), list(compared(readings, drawn)), drawn)
    (reading,) = readings
    sections = list(sections_of(reading, drawn, estimator))
    return document(f"{reading.run.name}: report", head_of(reading.run), sections, drawn)
