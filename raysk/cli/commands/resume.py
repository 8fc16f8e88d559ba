"""``raysk resume``."""

from __future__ import annotations

import os
import shlex
import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from collections.abc import Sequence

EXTRA = {"allow_extra_args": True, "ignore_unknown_options": True}
"""Context settings of this command: what follows RUN goes to the command that is carried out again."""

OF_THEN = {"run_dir", "resume", "resume_anyway", "force"}
"""Parameters that said where the run is kept, and what was accepted then: they do not hold for good."""


def resume(
    context: typer.Context,
    run: Annotated[
        str,
        typer.Argument(
            metavar="RUN", help="Folder or name of the run, or latest: the newest here.", show_default=False
        ),
    ],
) -> None:
    """Go on with a search that ended early, as it was started; finished fits are not done again.

    Options that follow RUN are added to those of then, or take their place.

    For example:

      raysk resume latest

      raysk resume raysk-runs/spec-20261124-101500 --address auto

      raysk resume latest --time-budget 2h

      raysk resume latest --resume-anyway
    """
    from raysk.cli import settings
    from raysk.cli.app import app
    from raysk.cli.view.console import stderr_console
    from raysk.errors import InputError
    from raysk.runs.which import LATEST, find_search, passed_over
    from raysk.util import exits
    from raysk.util.words import shown

    folder = find_search(run)
    if run == LATEST and (newer := passed_over(folder.root)) is not None:
        console = stderr_console()
        text = f"{os.path.relpath(newer)} is newer, and passed over: no fit of it was done."
        console.say(text, wrap=console.is_interactive)
    job = folder.read_manifest()["job"]
    try:
        os.chdir(job["folder"])
    except (OSError, ValueError) as error:  # ValueError: it cannot be a name
        reason = getattr(error, "strerror", error)
        raise InputError(
            f"The run was started in '{shown(job['folder'])}', where nobody can work: {reason}.\n"
            f"Give the whole command again elsewhere, with --resume {shlex.quote(str(folder.root))}"
        ) from error
    root: Any = context.find_root()
    command = root.command.commands["search"]
    said = _merged(typer.Context(command, root, "search"), job["arguments"][1:], context.args)
    arguments = ["search", *settings.spelled(command, {**said, "resume": str(folder.root)})]
    sys.argv[1:] = arguments  # the run's manifest says how to start it, again
    settings.forget_variables(root)
    try:
        app(arguments, prog_name="raysk", default_map={})
    except exits.Ordered:
        raise
    except SystemExit as end:  # as every command line of Typer's ends: that is no code of the person's
        raise typer.Exit(end.code if isinstance(end.code, int) else int(end.code is not None)) from None


def _merged(context: Any, then: Sequence[str], added: Sequence[str]) -> dict[str, Any]:
    """Return a command's parameters of then with those that are given again: they add up (``--set``), or replace.

    The command's own parser reads both, so that whatever could be typed can be resumed.
    """
    (old, *rest), (new, *more) = (_read(context, arguments) for arguments in (then, added))
    merged = {name: value for name, value in old.items() if name not in OF_THEN}
    for param in context.command.params:
        value = new.get(param.name)
        if value is not None:
            merged[param.name] = [*merged.get(param.name, ()), *value] if param.multiple else value
    return {**merged, "file": [*rest, *more]}


def _read(context: Any, arguments: Sequence[str]) -> tuple[Any, ...]:
    """Return what a command's options are given, as text, and then the arguments that are none."""
    said, more, _ = context.command.make_parser(context).parse_args(list(arguments))
    file = said.pop("file", None)
    return said, *([] if file is None else [file]), *more
