"""Panels and commands: each option is declared once, as a field of a frozen dataclass; --debug is in the context."""

from __future__ import annotations

import ast
import dataclasses
import importlib
import json
import pkgutil
import sys
from pathlib import Path
from typing import get_type_hints

import pytest
import typer

from raysk.cli import app as application
from raysk.cli import options as panels
from raysk.cli.app import CommandLine, app
from raysk.cli.commands import model, runs
from raysk.cli.commands.search import Search
from raysk.errors import UsageError
from raysk.runs.folder import JOURNAL, MANIFEST

COMMANDS = [each.callback for typer_app in (app, model.app, runs.app) for each in typer_app.registered_commands]
PANELS = {
    each
    for module in pkgutil.iter_modules(panels.__path__, f"{panels.__name__}.")
    for each in vars(importlib.import_module(module.name)).values()
    if dataclasses.is_dataclass(each)
}

SEVERAL_MEANINGS = {
    "address",
    "earlier",
    "format_",
    "name",
    "output",
    "run_",
    "runs",
    "scoring",
    "sort",
    "strict",
    "to",
    "top",
}
"""Options that say something else to another command, and so are declared for both."""


def declared(command):
    """Yield the name of each option and argument of a command, and Typer's declaration of it."""
    hints = get_type_hints(command, include_extras=True)
    for field in dataclasses.fields(command):
        if hints[field.name] is not typer.Context:
            (declaration,) = hints[field.name].__metadata__
            yield field.name, declaration


@pytest.mark.parametrize(
    "each", [*COMMANDS, *sorted(PANELS, key=lambda panel: panel.__name__)], ids=lambda each: each.__name__
)
def test_what_was_typed_does_not_change(each):
    """A command and its panels are frozen; all that Typer reads are their fields."""
    assert each.__dataclass_params__.frozen
    assert all(isinstance(declaration, typer.models.ParameterInfo) for _, declaration in declared(each))


def test_an_option_is_declared_once():
    """The option of that name is the same in all commands, but for those with another meaning."""
    declarations = {}
    for command in COMMANDS:
        for name, declaration in declared(command):
            declarations.setdefault(name, {})[id(declaration)] = declaration.help
    several = {name: set(texts.values()) for name, texts in declarations.items() if len(texts) > 1}
    assert all(len(texts) == len(declarations[name]) for name, texts in several.items())
    assert {name for name in several if name not in {"file", "data"}} == SEVERAL_MEANINGS


def test_a_command_is_made_of_its_options():
    """What a panel makes of its options needs no command line."""
    search = Search(context=None, file="spec.py", cv=3, set_=["C=1"], workers=2, data="t.csv", stop_at=0.5)
    assert (search.overrides().cv, search.overrides().set) == (3, ("C=1",))
    assert search.resources().workers == 2
    assert search.limits().options == ["--stop-at"]
    with pytest.raises(dataclasses.FrozenInstanceError):
        search.cv = 4


def test_only_main_reads_the_command_line():
    """Everything else asks the context: a run that goes on has other parameters than the person typed."""
    readers = set()
    for path in sorted(Path(application.__file__).parent.rglob("*.py")):
        for function in ast.walk(ast.parse(path.read_text())):
            if isinstance(function, ast.FunctionDef) and "sys.argv" in ast.unparse(function):
                readers.add(f"{path.name}:{function.name}")
        assert "argv" not in path.read_text() or path.name == "app.py"
    assert readers == {"app.py:main"}


def test_a_run_that_goes_on_is_debugged_as_it_was(tmp_path, monkeypatch):
    """--debug of a run counts again when the run goes on, and the command line stays what it was."""
    monkeypatch.chdir(tmp_path)
    typed = list(sys.argv)
    (tmp_path / JOURNAL).touch()
    for extra in ([], ["--debug"]):
        job = {"folder": str(tmp_path), "arguments": ["search", "spec.py", "--stop-at=nan", *extra]}
        (tmp_path / MANIFEST).write_text(json.dumps({"job": job}))
        line = CommandLine()
        with pytest.raises(UsageError, match="--stop-at nan"):
            app(["resume", str(tmp_path)], prog_name="raysk", obj=line)
        assert line.debug == bool(extra)
    assert sys.argv == typed
