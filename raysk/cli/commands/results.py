"""``raysk results``."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path  # noqa: TC003 - Typer reads the annotations
from typing import TYPE_CHECKING, Annotated

import typer

from raysk.cli.options.output import Debug, Force, Json, option
from raysk.errors import UsageError

if TYPE_CHECKING:
    from raysk.cli.streams import DataOut
    from raysk.history.listing import Listing, ListingRequest
    from raysk.history.run import Run

EVERY = "all"
BINARY = "parquet"


@dataclass(frozen=True, kw_only=True)
class Results:
    """Show the candidates of a run, the best first, also while it goes on.

    In a pipe it is one JSON object; --format chooses another form.

    For example:

      raysk results

      raysk results latest --where 'C < 10 and kernel == rbf' --per-split

      raysk results raysk-runs/svc-20260101-120000 --sort fit_time --top 5

      raysk results --top all -o candidates.parquet
    """

    run_: Annotated[
        str, typer.Argument(metavar="RUN", help="The run's folder or name, or latest: the newest search.")
    ] = "latest"
    top: Annotated[str, typer.Option(metavar="N", help="Number of candidates, or all.")] = "20"
    where: Annotated[
        list[str] | None,
        typer.Option(
            metavar="CONDITION",
            help="Only candidates for which it holds: names and values with < <= > >= == != in, joined by and.",
        ),
    ] = None
    sort: Annotated[
        str | None,
        typer.Option(metavar="COLUMN", help="Column to sort by; -COLUMN turns the order around."),
    ] = None
    columns: Annotated[
        str | None,
        typer.Option(metavar="A,B,...", help="Columns to show: rank, mean, std, fit_time, error, parameters, metrics."),
    ] = None
    per_split: Annotated[bool, typer.Option("--per-split", metavar="", help="Show the score of each split.")] = False
    format_: Annotated[
        str | None, option("--format", metavar="NAME", help="Format: table, md, json, jsonl, csv or parquet.")
    ] = None
    output: Annotated[
        Path | None,
        option("--output", "-o", metavar="PATH", help="Path of a file: .md, .json, .jsonl, .csv or .parquet."),
    ] = None
    force: Force = False
    as_json: Json = False
    debug: Debug = False

    def run(self) -> None:
        """Read the run, and show what is wanted of it."""
        from raysk.cli.streams import data_stdout
        from raysk.cli.view import results
        from raysk.cli.view.console import stderr_console
        from raysk.history.candidates import open_search, read_candidates
        from raysk.history.listing import list_candidates

        request = self.request()
        with data_stdout() as out:
            format_ = self._format(out)
            run = open_search(self.run_)
            table = read_candidates(run, best=None if request.needs_all else request.top)
            listing = list_candidates(table, request)
            if remark := results.remark(run, listing):
                stderr_console().say(remark, wrap=True)
            self._write(out, run, listing, format_)

    def request(self) -> ListingRequest:
        """Return what is wanted."""
        from raysk.history.listing import ListingRequest

        if self.top != EVERY and not (self.top.isascii() and self.top.isdigit() and int(self.top)):
            raise UsageError(f"--top {self.top}: this is no number of candidates. Write for example 20, or all.")
        return ListingRequest(
            top=None if self.top == EVERY else int(self.top),
            sort=self.sort,
            columns=tuple(filter(None, map(str.strip, (self.columns or "").split(",")))),
            per_split=self.per_split,
            where=tuple(self.where or ()),
        )

    def _format(self, out: DataOut) -> str:
        """Return the format that is wanted; fail before anything is read if it cannot be written."""
        from raysk.cli.view.results import FORMATS
        from raysk.results.writers import import_pyarrow
        from raysk.runs.overwriting import refuse_existing
        from raysk.util.writing import check_output

        given = self.format_
        if self.output is not None:
            suffixes = () if given else [f".{name}" for name in FORMATS[1:]]
            check_output(self.output, suffixes)
            refuse_existing([self.output], force=self.force)
            given = given or self.output.suffix.lower().removeprefix(".")
        if given is None:
            return "table" if out.is_for_a_person and not self.as_json else "json"
        if given not in FORMATS:
            raise UsageError(f"--format {given}: there is no such format. Known are {', '.join(FORMATS)}.")
        if given == BINARY:
            import_pyarrow()
            if self.output is None and out.is_terminal:
                raise UsageError("--format parquet: a terminal cannot show it. Write a file: -o candidates.parquet")
        return given

    def _write(self, out: DataOut, run: Run, listing: Listing, format_: str) -> None:
        from raysk.cli.view import results
        from raysk.cli.view.console import harmless, stderr_console
        from raysk.util.words import count
        from raysk.util.writing import write_bytes

        is_chosen = self.columns is not None
        if format_ == "table" and self.output is None:
            results.show_table(out, run, listing, is_chosen=is_chosen)
            return
        content = results.encode(listing, run, format_, is_chosen=is_chosen)
        if self.output is None:
            out.write(harmless(content.decode()).encode() if out.is_terminal else content)
            return
        write_bytes(self.output, content)
        stderr_console().say(f"{count(len(listing.rows), 'candidate')} written to {self.output}")
