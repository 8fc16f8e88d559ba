"""``raysk config``."""

from __future__ import annotations

import os
from dataclasses import asdict
from inspect import signature
from typing import TYPE_CHECKING, Any

import typer  # noqa: TC002 - Typer reads the annotations

from raysk.cli.options import shared as o  # noqa: TC001 - Typer reads the annotations
from raysk.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from raysk.cli.settings import Setting

MOST_WRONG = 5
"""Lines of one message."""


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
    from raysk.cli.streams import data_stdout
    from raysk.cli.view.console import stderr_console
    from raysk.cli.view.summary import show_summary

    root = context.find_root()
    found = settings.in_force(root)
    if found["address"].value is None and os.environ.get("RAY_ADDRESS"):
        found["address"] = settings.Setting(os.environ["RAY_ADDRESS"], "RAY_ADDRESS")
    for name, meant in settings.unknown_variables(root).items():
        stderr_console().say(f"Note: {name} is no setting. {meant}")
    with data_stdout() as out:
        facts = {name: asdict(each) for name, each in found.items()}
        show_summary(out, {"schema": 1, "settings": facts}, as_json=as_json, rows=_rows(found))
    if wrong := list(_wrong(found)):
        raise UsageError("\n".join(wrong[:MOST_WRONG]))


def _wrong(found: Mapping[str, Setting]) -> Iterator[str]:
    """Yield what the commands would say of each setting, and where it is from."""
    for label, setting in found.items():
        name = label.rpartition(".")[2]
        try:
            if setting.value is not None:
                _check(name.replace("-", "_"), setting.value)
        except UsageError as error:
            yield f"{str(error).splitlines()[0]} --{name} is set by {setting.source}."


def _check(name: str, value: Any) -> None:
    """Raise if no command could use a setting."""
    from raysk.cli.options import bundles
    from raysk.request.overrides import metric_names

    for reader in (bundles.resources, bundles.limits, bundles.search_overrides):
        if name in signature(reader).parameters:
            reader(**{name: value})
    if name == "scoring":
        metric_names(value)


def _rows(found: dict[str, Setting]) -> list[tuple[str, str, str]]:
    return [(name, _text(each.value), each.source) for name, each in sorted(found.items())]


def _text(value: object) -> str:
    return "" if value is None else str(value).lower() if isinstance(value, bool) else str(value)
