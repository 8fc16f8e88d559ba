"""``raysk config``."""

from __future__ import annotations

import os
from dataclasses import asdict, dataclass, fields
from typing import TYPE_CHECKING, Any

import typer  # noqa: TC002 - Typer reads the annotations

from raysk.cli.options.cluster import ClusterOptions
from raysk.cli.options.job import SearchOverrides
from raysk.cli.options.limits import LimitOptions
from raysk.cli.options.output import Debug, Json  # noqa: TC001 - Typer reads the annotations
from raysk.cli.options.shortcuts import ShortcutOptions
from raysk.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from raysk.cli.settings import Setting

MOST_WRONG = 5
"""Lines of one message."""


@dataclass(frozen=True, kw_only=True)
class Config:
    """Show the settings, their values, and the source of each value.

    For example:

      raysk config

      RAYSK_ADDRESS=auto raysk config | jq .settings.address
    """

    context: typer.Context
    as_json: Json = False
    debug: Debug = False

    def run(self) -> None:
        """Show the settings, then refuse those that no command could use."""
        from raysk.cli import settings
        from raysk.cli.streams import data_stdout
        from raysk.cli.view.console import stderr_console
        from raysk.cli.view.summary import show_summary

        root = self.context.find_root()
        found = settings.in_force(root)
        if found["address"].value is None and os.environ.get("RAY_ADDRESS"):
            found["address"] = settings.Setting(os.environ["RAY_ADDRESS"], "RAY_ADDRESS")
        for name, meant in settings.unknown_variables(root).items():
            stderr_console().say(f"Note: {name} is not a setting. {meant}")
        with data_stdout() as out:
            facts = {name: asdict(each) for name, each in found.items()}
            show_summary(out, {"schema": 1, "settings": facts}, as_json=self.as_json, rows=_rows(found))
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
    from raysk.request.overrides import metric_names

    checks: dict[Any, Any] = {
        ClusterOptions: ClusterOptions.resources,
        LimitOptions: LimitOptions.limits,
        ShortcutOptions: ShortcutOptions.shortcuts,
        SearchOverrides: SearchOverrides.overrides,
    }
    for panel, check in checks.items():
        if name in {field.name for field in fields(panel)}:
            check(panel(**{name: value}))
    if name == "scoring":
        metric_names(value)


def _rows(found: dict[str, Setting]) -> list[tuple[str, str, str]]:
    return [(name, _text(each.value), each.source) for name, each in sorted(found.items())]


def _text(value: object) -> str:
    return "" if value is None else str(value).lower() if isinstance(value, bool) else str(value)
