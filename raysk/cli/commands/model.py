"""``raysk model``: look at saved models."""

from __future__ import annotations

import contextlib
import shutil
import stat
import tempfile
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from raysk.cli.options.command import Command
from raysk.cli.options.data import Model  # noqa: TC001 - Typer reads the annotations
from raysk.cli.options.output import Debug, Json  # noqa: TC001 - Typer reads the annotations
from raysk.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

app = typer.Typer(
    name="model",
    help="Look at saved models.",
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"]},
)


@app.command(cls=Command)
@dataclass(frozen=True, kw_only=True)
class Show:
    """Describe MODEL and list its imports, without loading it.

    A warning names anything that cannot be judged without loading the file.

    For example:

      raysk model show model.pkl

      raysk model show latest --json | jq .imports
    """

    model: Model
    strict: Annotated[
        bool, typer.Option("--strict", metavar="", help="Exit with 3 if MODEL cannot be judged without loading it.")
    ] = False
    as_json: Json = False
    debug: Debug = False

    def run(self) -> None:
        """Describe the model."""
        from raysk.cli.streams import data_stdout
        from raysk.cli.view.console import stderr_console
        from raysk.cli.view.summary import show_summary

        with data_stdout() as out:
            facts = _facts(self.model)
            for warning in facts["warnings"]:
                stderr_console().say(f"Warning: {warning}")
            show_summary(out, facts, as_json=self.as_json, rows=list(_rows(facts)))
        if self.strict and facts["doubts"]:
            raise typer.Exit(InputError.exit_code)


def _facts(model: str) -> dict[str, Any]:
    """Describe a file, or what comes through stdin or another pipe: that is read three times, and so copied."""
    from raysk.models.describe import describe_file
    from raysk.models.imports import NoModel
    from raysk.runner.loaded import STDIN, model_path, no_model_on_stdin
    from raysk.runs.lookup import find_model

    path = model_path(find_model(model, "raysk model show"))
    if path != STDIN and not _is_pipe(path):
        return describe_file(path)
    with tempfile.NamedTemporaryFile(suffix=".pkl") as copy:
        try:
            with path.open("rb") as file:
                shutil.copyfileobj(file, copy)
                copy.flush()
        except OSError as error:
            raise InputError(f"{model} cannot be read, or copied: {error.strerror or error}.") from error
        try:
            return {**describe_file(Path(copy.name)), "file": model}
        except NoModel as error:
            raise InputError(no_model_on_stdin(error)) from error


def _is_pipe(path: Path) -> bool:
    with contextlib.suppress(OSError, ValueError):
        return stat.S_ISFIFO(path.stat().st_mode)
    return False


MOST_LINES, MOST_NAMES = 6, 8
"""Of a list of parameters or packages, and of names, are shown on a terminal: all of it is on one screen."""


def _rows(facts: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield what a terminal shows, what matters first, leaving out what is not known; ``--json`` has all."""
    described = facts["sidecar"] or {}
    scores = described.get("scores") or {}
    best = scores.get("best_params")
    parameters = best if isinstance(best, dict) else described.get("parameters") or {}
    shown = {
        "estimator": _estimator(described),
        "score": _rounded(scores.get("best_score")),
        "parameters": _lines(parameters),
        "data": _data(described),
        "classes": _names(described.get("classes") or []),
        "features": _names(described.get("feature_names_in") or []) or described.get("n_features_in"),
        "versions": ", ".join(f"{name} {version}" for name, version in facts["versions"].items() if version),
        "fitted": described.get("created"),
        "from": described.get("source"),
        "file": f"{facts['file']} ({facts['format']}, {facts['size_bytes']:,} bytes)",
        "code": "the file carries its own code, which may run when the model is loaded"
        if facts["carries_code"]
        else None,
        "imports": _packages(facts["imports"]),
    }
    for name, value in shown.items():
        if value not in {None, ""}:
            yield name, str(value)


def _estimator(described: Mapping[str, Any]) -> str | None:
    """Name the model's class, and of a search also what it searched."""
    name = described.get("estimator")
    inner = (described.get("parameters") or {}).get("estimator")
    return f"{name} of {inner}"[:200] if name and isinstance(inner, str) else name


def _rounded(score: Any) -> str | None:
    return f"{score:.6g}" if isinstance(score, int | float) else None


def _lines(values: Mapping[str, Any]) -> str:
    lines = [f"{name} = {value!r}"[:200] for name, value in values.items()]
    more = len(lines) - MOST_LINES
    return "\n".join([*lines[:MOST_LINES], *([f"and {more} more: --json"] if more > 0 else [])])


def _names(names: Sequence[Any]) -> str:
    shown = ", ".join(str(name)[:40] for name in names[:MOST_NAMES])
    return f"{shown} ... ({len(names):,})" if len(names) > MOST_NAMES else shown


def _data(described: Mapping[str, Any]) -> str | None:
    """Say what the model was fitted on: rows and features, the target, where they were from."""
    data = described.get("data") or {}
    X, y = (data.get(part) or {} for part in ("X", "y"))
    target = ", ".join(y.get("columns") or [])
    source = data.get("source")
    parts = [
        " x ".join(f"{each:,}" for each in X.get("shape") or []),
        f"for {target}" if target else "",
        f"from {source}" if isinstance(source, str) else "",
    ]
    return " ".join(filter(None, parts)) or None


def _packages(names: Sequence[str]) -> str:
    """Fold what a file imports into packages, and how many names of each."""
    counts = Counter(name.partition(".")[0] for name in names)
    return ", ".join(f"{package} ({number})" for package, number in counts.most_common(MOST_NAMES))
