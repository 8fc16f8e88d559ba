"""``raysk inspect``, and ``--dry-run`` of the others."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from raysk.cli import options as o  # noqa: TC001 - Typer reads the annotations

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from raysk.cli.streams import DataOut
    from raysk.spec.assemble import Overrides


def inspect(
    file: o.File,
    as_json: o.Json = False,
    debug: o.Debug = False,  # noqa: ARG001 - read by main
) -> None:
    """Show what is found in FILE and what would run; starts no Ray.

    For example:

      raysk inspect spec.py

      raysk inspect model.pkl | jq .estimator
    """
    from raysk.cli.streams import data_stdout
    from raysk.spec import assemble

    with data_stdout() as out:
        show(out, file, assemble.Overrides(), as_json=as_json)


def show(out: DataOut, file: str, overrides: Overrides, *, as_json: bool) -> None:
    """Write what is found in a file and what would run to stdout."""
    from raysk.cli.render import show_summary
    from raysk.spec import assemble, loader

    facts = assemble.describe(loader.load(file), overrides)
    show_summary(out, {"schema": 1, **facts}, as_json=as_json, rows=list(_rows(facts)))


def _rows(facts: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    """Flatten nested facts into rows, leaving out what is not known."""
    for name, value in facts.items():
        if isinstance(value, dict):
            yield from _rows(value, f"{prefix}{name} ")
        elif value is not None and value != []:
            text = ", ".join(map(str, value)) if isinstance(value, list) else str(value)
            yield f"{prefix}{name}", text
