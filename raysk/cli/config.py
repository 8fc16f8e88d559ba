"""``raysk config``."""

from __future__ import annotations

import os
from dataclasses import asdict
from typing import TYPE_CHECKING

import typer  # noqa: TC002 - Typer reads the annotations

from raysk.cli import options as o  # noqa: TC001 - Typer reads the annotations

if TYPE_CHECKING:
    from raysk.cli.settings import Setting


def config(
    context: typer.Context,
    as_json: o.Json = False,
    debug: o.Debug = False,  # noqa: ARG001 - read by main
) -> None:
    """Show the settings: their values, and where those are from.

    For example:

      raysk config

      RAYSK_ADDRESS=auto raysk config | jq .settings.address
    """
    from raysk.cli import settings
    from raysk.cli.render import show_summary, stderr_console
    from raysk.cli.streams import data_stdout

    root = context.find_root()
    found = settings.in_force(root)
    if found["address"].value is None and os.environ.get("RAY_ADDRESS"):
        found["address"] = settings.Setting(os.environ["RAY_ADDRESS"], "RAY_ADDRESS")
    for name, meant in settings.unknown_variables(root).items():
        stderr_console().say(f"Note: {name} is no setting. {meant}")
    with data_stdout() as out:
        facts = {name: asdict(each) for name, each in found.items()}
        show_summary(out, {"schema": 1, "settings": facts}, as_json=as_json, rows=_rows(found))


def _rows(found: dict[str, Setting]) -> list[tuple[str, str, str]]:
    return [(name, _text(each.value), each.source) for name, each in sorted(found.items())]


def _text(value: object) -> str:
    return "" if value is None else str(value).lower() if isinstance(value, bool) else str(value)
