"""``raysk watch``."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

import typer

from raysk.cli.options.output import Debug, Json  # noqa: TC001 - Typer reads the annotations

if TYPE_CHECKING:
    from raysk.cli.view.live import View
    from raysk.history.run import Run

LOOK_S = 0.5
"""How often the run's folder is looked at, in seconds: on a shared disk each look is a message or two."""


@dataclass(frozen=True, kw_only=True)
class Watch:
    """Show a run that was started elsewhere as it goes on, from its folder alone, until it ends.

    Ctrl-C ends watching, not the run.

    For example:

      raysk watch

      raysk watch raysk-runs/spec-20261124-101500

      raysk watch latest --plain >> watch.log 2>&1
    """

    name: Annotated[
        str | None,
        typer.Argument(
            metavar="RUN",
            help="Folder or name of the run, or latest. The default is the newest run here that goes on.",
            show_default=False,
        ),
    ] = None
    plain: Annotated[
        bool, typer.Option("--plain", metavar="", help="Print a line now and then, as in a pipe: for logs.")
    ] = False
    as_json: Json = False
    debug: Debug = False

    def run(self) -> None:
        """Show what happens until the run ends, and then what came of it."""
        from raysk.cli.streams import data_stdout
        from raysk.cli.view.live import View
        from raysk.cli.view.watched import ENDS, next_steps, show_run
        from raysk.history.run import RUNNING

        run = _as_it_is(find(self.name))
        with data_stdout() as out:
            view = View(still=self.plain, **_budget(run))
            if run.state == RUNNING:
                view.say(f"Watching {run.shown}")
                run = follow(run, view)
            elif self.name is None:
                view.say(f"No run goes on here. The newest is {run.shown}.")
            view.say(ENDS.get(run.state, f"The run has ended: {run.state}."))
            show_run(out, run, as_json=self.as_json)
            for line in next_steps(run):
                view.say(line)


def find(name: str | None) -> Run:
    """Return the run that is meant: without a name the newest here that goes on, or else the newest."""
    from pathlib import Path

    from raysk.history.run import RUNNING, open_run, runs_in
    from raysk.runs.folder import RUNS_FOLDER
    from raysk.runs.lookup import LATEST

    if name is not None:
        return open_run(name)
    here = Path(RUNS_FOLDER).absolute()
    running = (run for run in (runs_in(here) if here.is_dir() else ()) if run.state == RUNNING)
    return next(running, None) or open_run(LATEST)


def follow(run: Run, view: View) -> Run:
    """Show what a run does until it ends; returns it as it is then."""
    from raysk.history.replay import Replay
    from raysk.history.run import RUNNING

    replay = Replay(run)
    try:
        with view.running():
            while True:
                for event, at in replay.news(run):
                    view.take(event, _monotonic(at))
                if run.state != RUNNING:
                    return run
                time.sleep(LOOK_S)
                run = _as_it_is(run.refreshed())
    except KeyboardInterrupt:
        view.say("The run goes on.")
        raise


def _as_it_is(run: Run) -> Run:
    """Return a run, read again if it seems to have crashed: perhaps it ended after its manifest was read."""
    from raysk.history.run import CRASHED

    return run.refreshed() if run.state == CRASHED else run


def _monotonic(at: float | None) -> float:
    """Return a time in seconds since the epoch as one of `time.monotonic`; None is now, and nothing is later."""
    return time.monotonic() - (0.0 if at is None else max(time.time() - at, 0.0))


def _budget(run: Run) -> dict[str, Any]:
    """Return the time budget of a run, as `View` takes it."""
    budget: Any = run.facts.get("time_budget")
    try:
        return {"until": time.monotonic() + budget["ends"] - time.time(), "budget_s": float(budget["s"])}
    except (KeyError, TypeError, ValueError):
        return {}
