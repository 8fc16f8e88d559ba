"""``raysk runs``: the list of runs, and ``rm`` and ``tag`` of it."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperGroup

from raysk.cli.options.command import Command
from raysk.cli.options.output import Debug, Json  # noqa: TC001 - Typer reads the annotations
from raysk.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from raysk.history.run import Run

LIST = "list"
HELP = ["-h", "--help"]
MOST_SHOWN = 50
"""Runs that a terminal shows unasked: a screen or two."""

NO_CHANGE = 1
"""Exit code of a person who says no."""


class RunsGroup(TyperGroup):
    """A group whose command is ``list`` where none is named: ``raysk runs FOLDER`` is ``raysk runs list FOLDER``."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Put ``list`` in front of what is neither a command nor a question for help."""
        if not args or args[0] not in {*self.commands, *HELP}:
            args = [LIST, *args]
        return super().parse_args(ctx, args)


app = typer.Typer(
    name="runs",
    cls=RunsGroup,
    help="List runs, tag them, and remove them: raysk runs [FOLDER] is raysk runs list [FOLDER].",
    context_settings={"help_option_names": HELP},
)


@app.command(LIST, cls=Command)
@dataclass(frozen=True, kw_only=True)
class List:
    """List the runs in FOLDER, with state, best score, and the parameters of the best. This is raysk runs.

    Only run.json of each run is read.

    For example:

      raysk runs

      raysk runs list --sort score --limit 5

      raysk runs ../other-project/raysk-runs

      raysk runs | jq '.runs[] | select(.tags | index("paper")) | .run'
    """

    folder: Annotated[
        str | None,
        typer.Argument(metavar="FOLDER", show_default=False, help="A folder of runs. The default is raysk-runs."),
    ] = None
    sort: Annotated[
        str, typer.Option(metavar="ORDER", help="started, score, name, state, duration or fits.", show_default=True)
    ] = "started"
    limit: Annotated[
        int | None,
        typer.Option(
            metavar="N", help=f"Number of runs at most. A terminal shows {MOST_SHOWN} if nothing is said.", min=1
        ),
    ] = None
    as_json: Json = False
    debug: Debug = False

    def run(self) -> None:
        """Show the list."""
        from raysk.cli.streams import data_stdout
        from raysk.cli.view.console import stderr_console
        from raysk.cli.view.runs import faults, show_runs
        from raysk.history.summaries import list_runs

        with data_stdout() as out:
            every = list_runs(self.folder, sort=self.sort)
            most = MOST_SHOWN if self.limit is None and out.is_for_a_person and not self.as_json else self.limit
            shown = every[:most]
            show_runs(out, shown, total=len(every), as_json=self.as_json)
            console = stderr_console()
            for line in self._remarks(len(shown), len(every)) + faults(shown):
                console.say(line, wrap=console.is_interactive)

    def _remarks(self, shown: int, total: int) -> list[str]:
        if not total:
            where = f"in {self.folder!r}" if self.folder else "here yet"
            return [f"There are no runs {where}. Make one with 'raysk search' or 'raysk fit'."]
        more = total - shown
        return [f"{more:,} more: --limit {total}"] if more and self.limit is None else []


@app.command("rm", cls=Command)
@dataclass(frozen=True, kw_only=True)
class Remove:
    """Remove each RUN: the files that raysk wrote in its folder, and the folder if nothing else is in it.

    Models and tables that were saved elsewhere stay. A run that is running is not removed.

    For example:

      raysk runs rm spec-20261124-101500

      raysk runs rm raysk-runs/spec-2026* --yes
    """

    runs: Annotated[list[str], typer.Argument(metavar="RUN...", help="Folders or names of runs.", show_default=False)]
    yes: Annotated[bool, typer.Option("--yes", "-y", metavar="", help="Do not ask.")] = False
    as_json: Json = False
    debug: Debug = False

    def run(self) -> None:
        """Ask, and remove them."""
        from raysk.cli.streams import data_stdout
        from raysk.cli.view.summary import show_summary
        from raysk.history.changing import removable, remove_run

        with data_stdout() as out:
            found = removable(self.runs)
            if not self.yes:
                _ask(found)
            left = {str(run.folder): [path.name for path in remove_run(run)] for run in found}
            facts = {"schema": 1, "removed": list(left), "left": left}
            rows = [("removed", run.shown) for run in found]
            rows += [("left there", f"{folder}: {', '.join(names)}") for folder, names in left.items() if names]
            show_summary(out, facts, as_json=self.as_json, rows=rows)


def _ask(found: Sequence[Run]) -> None:
    """Ask whether runs are to be removed, on a terminal; nothing is removed unasked.

    Raises
    ------
    UsageError
        If there is nobody to ask.
    typer.Exit
        If the answer is no.
    """
    from raysk.cli.view.console import stderr_console
    from raysk.util.words import count, join_names

    runs = f"{count(len(found), 'run')}: {join_names(run.shown for run in found)}"
    if not (sys.stdin and sys.stdin.isatty() and sys.stderr.isatty()):
        raise UsageError(f"This would remove {runs}.\nThere is no terminal to ask on: add --yes.")
    if not typer.confirm(f"Remove {runs}?", err=True):
        stderr_console().say("Nothing was removed.")
        raise typer.Exit(NO_CHANGE)


@app.command("tag", cls=Command)
@dataclass(frozen=True, kw_only=True)
class Tag:
    """Add each TAG to RUN, or take it away.

    For example:

      raysk runs tag latest paper final

      raysk runs tag spec-20261124-101500 final --remove
    """

    run_: Annotated[str, typer.Argument(metavar="RUN", help="Folder or name of a run, or latest.", show_default=False)]
    tags: Annotated[list[str], typer.Argument(metavar="TAG...", help="What to call it.", show_default=False)]
    remove: Annotated[bool, typer.Option("--remove", metavar="", help="Take these tags away.")] = False
    as_json: Json = False
    debug: Debug = False

    def run(self) -> None:
        """Tag the run, and show its tags."""
        from raysk.cli.streams import data_stdout
        from raysk.cli.view.summary import show_summary
        from raysk.history.changing import tag_run
        from raysk.history.run import open_run

        with data_stdout() as out:
            found = open_run(self.run_)
            tags = tag_run(found, *self.tags, remove=self.remove)
            facts = {"schema": 1, "run": found.name, "folder": str(found.folder), "tags": tags}
            show_summary(out, facts, as_json=self.as_json, rows=[(found.shown, ", ".join(tags) or "no tags")])
