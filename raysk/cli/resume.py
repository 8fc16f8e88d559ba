"""``raysk resume``."""

from __future__ import annotations

import os
import shlex
import sys
from typing import Annotated

import typer

EXTRA = {"allow_extra_args": True, "ignore_unknown_options": True}
"""Context settings of this command: what follows RUN goes to the command that is carried out again."""

FOLDER_OPTIONS = ("--run-dir", "--resume")


def resume(
    context: typer.Context,
    run: Annotated[
        str, typer.Argument(metavar="RUN", help="Folder of the run, or latest: the newest here.", show_default=False)
    ],
) -> None:
    """Go on with a search that ended early, as it was started; finished fits are not done again.

    Options that follow RUN are added to those of then.

    For example:

      raysk resume latest

      raysk resume raysk-runs/spec-20261124-101500 --address auto

      raysk resume latest --n-iter 3000
    """
    from raysk.cli import settings
    from raysk.cli.app import app
    from raysk.errors import InputError
    from raysk.runs.folder import RunFolder
    from raysk.spec.words import shown

    folder = RunFolder.reopen(run)
    job = folder.read_manifest()["job"]
    try:
        os.chdir(job["folder"])
    except (OSError, ValueError) as error:  # ValueError: it cannot be a name
        reason = getattr(error, "strerror", error)
        raise InputError(
            f"The run was started in '{shown(job['folder'])}', where nobody can work: {reason}.\n"
            f"Give the whole command again elsewhere, with --resume {shlex.quote(str(folder.root))}"
        ) from error
    arguments = [*_lasting(job["arguments"]), *context.args, "--resume", str(folder.root)]
    sys.argv[1:] = arguments  # the run's manifest says how to start it, again
    settings.forget_variables(context.find_root())
    app(arguments, prog_name="raysk", default_map={})


def _lasting(arguments: list[str]) -> list[str]:
    """Return the command's arguments without those that said where the run is kept, and what it might replace then."""
    kept: list[str] = []
    for argument, before in zip(arguments, ["", *arguments[:-1]], strict=True):
        named = argument.partition("=")[0] in FOLDER_OPTIONS
        if not named and argument != "--force" and before not in FOLDER_OPTIONS:
            kept.append(argument)
    return kept
