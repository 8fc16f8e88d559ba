"""``raysk model``: look at saved models."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from raysk.cli import options as o  # noqa: TC001 - Typer reads the annotations
from raysk.cli import options_data as d  # noqa: TC001 - Typer reads the annotations
from raysk.cli.origins import Command
from raysk.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

app = typer.Typer(
    name="model",
    help="Look at saved models.",
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"]},
)


@app.command(cls=Command)
def show(
    model: d.Model,
    strict: d.StrictModel = False,
    as_json: o.Json = False,
    debug: o.Debug = False,  # noqa: ARG001 - read by main
) -> None:
    """Show what MODEL is, and what it would import; it is not loaded.

    What may do more than that tells cannot be judged, which is said.

    For example:

      raysk model show model.pkl

      raysk model show model.skops | jq .imports
    """
    from raysk.cli.render import show_summary, stderr_console
    from raysk.cli.streams import data_stdout

    with data_stdout() as out:
        facts = _facts(model)
        for warning in facts["warnings"]:
            stderr_console().say(f"Warning: {warning}")
        show_summary(out, facts, as_json=as_json, rows=list(_rows(facts)))
    if strict and facts["doubts"]:
        raise typer.Exit(InputError.exit_code)


def _facts(model: str) -> dict[str, Any]:
    """Describe a file, or what is on stdin: that is read three times, and so copied."""
    from raysk.cli.loaded import model_path, no_model_on_stdin
    from raysk.runs.formats import NoModel
    from raysk.runs.showing import describe_file

    path = model_path(model)
    if model != "-":
        return describe_file(path)
    with tempfile.NamedTemporaryFile(suffix=".pkl") as copy:
        try:
            with path.open("rb") as file:
                shutil.copyfileobj(file, copy)
                copy.flush()
        except OSError as error:
            raise InputError(f"stdin cannot be read, or copied: {error.strerror or error}.") from error
        try:
            return {**describe_file(Path(copy.name)), "file": "-"}
        except NoModel as error:
            raise InputError(no_model_on_stdin(error)) from error


def _rows(facts: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield what a terminal shows, leaving out what is not known."""
    described = facts["sidecar"] or {}
    classes, names = described.get("classes"), described.get("feature_names_in")
    shown = {
        "file": f"{facts['file']} ({facts['format']}, {facts['size_bytes']:,} bytes)",
        "estimator": described.get("estimator"),
        "fitted": described.get("created"),
        "from": described.get("source"),
        "versions": ", ".join(f"{name} {version}" for name, version in facts["versions"].items() if version),
        "features": ", ".join(map(str, names)) if names else described.get("n_features_in"),
        "classes": ", ".join(map(str, classes)) if classes else None,
        "parameters": "\n".join(f"{name} = {value!r}" for name, value in (described.get("parameters") or {}).items()),
        "scores": "\n".join(f"{name} = {value!r}" for name, value in (described.get("scores") or {}).items()),
        "code": "it carries code of its own, which may run when it is loaded" if facts["carries_code"] else None,
        "imports": "\n".join(facts["imports"]),
    }
    for name, value in shown.items():
        if value not in {None, ""}:
            yield name, str(value)
