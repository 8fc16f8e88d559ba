"""``raysk resume``."""

from __future__ import annotations

import os
import shlex
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

import typer

from raysk.cli import settings
from raysk.runs.folder import SEARCH

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

EXTRA = {"allow_extra_args": True, "ignore_unknown_options": True}
"""Context settings of this command: what follows RUN goes to the command that is carried out again."""

OF_THEN = {"run_dir", "resume", "resume_anyway", "force", "name", "tag"}
"""Parameters that said where the run is kept, and what was accepted then: they do not hold for good. Its name and its
tags stand in ``run.json``, and may be others by now."""


@dataclass(frozen=True, kw_only=True)
class Resume:
    """Go on with a search, or with ``raysk nested``, that ended early, as it was started.

    Finished fits are not done again.

    Options that follow RUN are added to those of then, or take their place.

    For example:

      raysk resume latest

      raysk resume raysk-runs/spec-20261124-101500 --address auto

      raysk resume latest --time-budget 2h

      raysk resume latest --resume-anyway
    """

    context: typer.Context
    earlier: Annotated[
        str, typer.Argument(metavar="RUN", help="Folder or name of the run, or latest for the newest run here.")
    ]

    def run(self) -> None:
        """Run the search again, with the parameters that it had and those that are added."""
        from raysk.cli.view.console import stderr_console
        from raysk.runs.lookup import LATEST, find_search, passed_over

        folder = find_search(self.earlier)
        if self.earlier == LATEST and (newer := passed_over(folder.root)) is not None:
            console = stderr_console()
            text = f"{os.path.relpath(newer)} is newer, and passed over: no fit of it was done."
            console.say(text, wrap=console.is_interactive)
        job = folder.read_manifest()["job"]
        run = shlex.quote(str(folder.root))
        enter(job["folder"], f"Give the whole command again elsewhere, with --resume {run}")
        root = self.context.find_root()
        settings.forget_variables(root)  # the search has the settings that it began with
        command, *then = job["arguments"]
        with resumed(root, folder.root, then, self.context.args, command) as search:
            self.context.obj.debug |= search.params["debug"]
            search.command.invoke(search)


def enter(path: str, otherwise: str) -> None:
    """Change to the folder that a run was started in, where its paths mean what they meant, or say what else to do."""
    from raysk.errors import InputError
    from raysk.util.words import printable

    try:
        os.chdir(path)
    except (OSError, ValueError) as error:  # ValueError: it cannot be a name
        reason = getattr(error, "strerror", error)
        raise InputError(
            f"The run was started in '{printable(path)}', which cannot be entered: {reason}.\n{otherwise}"
        ) from error


def resumed(root: Any, run: Path, then: Sequence[str], added: Sequence[str], command: str = SEARCH) -> Any:
    """Return the context of a search that goes on: what its command line said then is what holds without options now.

    Options that are repeatable, such as ``--set``, add up; the others that are given again replace those of then.
    """
    search = root.command.commands[command]
    earlier = search.make_context(command, [*then], parent=root, default_map={})
    saved = {name: value for name, value in settings.given(earlier).items() if name not in OF_THEN}
    context = search.make_context(command, [*added], parent=root, default_map={**saved, "resume": str(run)})
    if settings.is_typed(context, "file"):
        context.fail(f"Got unexpected extra argument ({context.params['file']})")
    for name, value in saved.items():
        if isinstance(value, list) and settings.is_typed(context, name):
            context.params[name] = [*value, *context.params[name]]
        context.set_parameter_source(name, earlier.get_parameter_source(name))  # no setting: it was typed, then
    return context
