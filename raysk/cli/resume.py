"""``raysk resume``."""

from __future__ import annotations

import os
import shlex
import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

EXTRA = {"allow_extra_args": True, "ignore_unknown_options": True}
"""Context settings of this command: what follows RUN goes to the command that is carried out again."""

OF_THEN = {"run_dir", "resume", "force"}
"""Parameters that said where the run is kept, and what it might replace then."""


def resume(
    context: typer.Context,
    run: Annotated[
        str, typer.Argument(metavar="RUN", help="Folder of the run, or latest: the newest here.", show_default=False)
    ],
) -> None:
    """Go on with a search that ended early, as it was started; finished fits are not done again.

    Options that follow RUN are added to those of then, or take their place.

    For example:

      raysk resume latest

      raysk resume raysk-runs/spec-20261124-101500 --address auto

      raysk resume latest --time-budget 2h
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
    root: Any = context.find_root()
    lasting = _lasting(root.command.commands["search"], job["arguments"], context.args)
    arguments = [*lasting, *context.args, "--resume", str(folder.root)]
    sys.argv[1:] = arguments  # the run's manifest says how to start it, again
    settings.forget_variables(root)
    app(arguments, prog_name="raysk", default_map={})


def _lasting(command: Any, arguments: Sequence[str], added: Sequence[str]) -> list[str]:
    """Return the arguments of then that still hold: not those that are given again, unless they add up (``--set``)."""
    replaced = {param.name for param, _ in _parts(command, added) if param is not None and not param.multiple}
    parts = _parts(command, arguments)
    return [each for param, part in parts if param is None or param.name not in replaced | OF_THEN for each in part]


def _parts(command: Any, arguments: Sequence[str]) -> Iterator[tuple[Any, Sequence[str]]]:
    """Yield a command's arguments one by one, an option with its value, and which parameter it is; None: no option."""
    options = {name: param for param in command.params for name in param.opts if name.startswith("-")}
    at = 0
    while at < len(arguments):
        name, has_value, _ = arguments[at].partition("=")
        param = options.get(name if name.startswith("--") else name[:2])
        alone = param is None or param.is_flag or has_value or not (name.startswith("--") or len(name) == len("-o"))
        size = 1 if alone else 2
        yield param, arguments[at : at + size]
        at += size
