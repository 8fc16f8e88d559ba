"""``raysk report``."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from raysk.cli.options.output import Debug, Force, Json  # noqa: TC001 - Typer reads the annotations


@dataclass(frozen=True, kw_only=True)
class Report:
    """Write a page about a run, or a comparison of several: one HTML file that opens in any browser, also offline.

    It works while a run goes on, and after a crash.

    For example:

      raysk report --open

      raysk report svm-20260102-101500 -o svm.html

      raysk report raysk-runs/svm-* -o compared.html
    """

    runs: Annotated[
        list[str] | None,
        typer.Argument(metavar="[RUN]...", help="Runs: a name, a folder, a file in it, or latest, the default."),
    ] = None
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            metavar="PATH",
            help="Path of the page. The default is report.html in the run's folder; of several, compared.html here.",
        ),
    ] = None
    open_page: Annotated[bool, typer.Option("--open", metavar="", help="Open the page in a browser.")] = False
    force: Force = False
    as_json: Json = False
    debug: Debug = False

    def run(self) -> None:
        """Write the page, and say where it is."""
        from raysk.cli.streams import data_stdout
        from raysk.cli.view.summary import show_summary
        from raysk.history.candidates import open_search
        from raysk.report.reading import read
        from raysk.report.writing import write_page

        with data_stdout() as out:
            runs = [open_search(text) for text in dict.fromkeys(self.runs or ["latest"])]
            path = self._path(several=len(runs) > 1)
            readings = [read(each) for each in runs]
            written = write_page(readings, path).absolute()
            summary = {
                "schema": 1,
                "report": str(written),
                "runs": [str(each.folder) for each in runs],
                "size_bytes": written.stat().st_size,
                "findings": [each.record() for each in readings[0].findings] if len(runs) == 1 else None,
            }
            rows = [("report", str(written)), *(("run", each.shown) for each in runs)]
            show_summary(out, summary, as_json=self.as_json, rows=rows)
            if self.open_page:
                _open(written)

    def _path(self, *, several: bool) -> Path | None:
        """Return where the page goes, None for the run's folder; fail if something else is there."""
        from raysk.runs.overwriting import refuse_existing

        path = self.output if self.output is not None or not several else Path("compared.html")
        refuse_existing([path], force=self.force, own=[])
        return path


def _open(page: Path) -> None:
    """Show the page; where there is no browser, as on a server, its path has been printed."""
    import webbrowser

    from raysk.cli.view.console import stderr_console

    if not webbrowser.open(page.as_uri()):
        stderr_console().say(
            "No browser was found here. Open the page on a machine that has one: it needs nothing else."
        )
