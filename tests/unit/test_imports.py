"""The rules of the house, held by reading the source: who may import whom, how long things are, what stands where.

Imports within functions count like all others. Imports for annotations only (``if TYPE_CHECKING``) count too: who
knows whom is the rule, and no module needs an exception.
"""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
HOUSE = ROOT / "raysk"
FILES = sorted(HOUSE.rglob("*.py"))

LONGEST_FILE = 400  # lines
LONGEST_FUNCTION = 60  # lines, its docstring included

ORDER = [
    *(
        "__main__",
        "cli",
        "guide",
        "bench",
        "cross_validation",
        "api",
        "runner",
        "exports",
        "report",
        "request",
        "starter",
        "data",
        "plans",
        "cluster",
        "pool",
        "history",
        "runs",
    ),
    *("searches", "results", "source", "models", "events", "model_jobs", "jobs", "util", "_compat", "errors", "raysk"),
]
"""The rooms from top to bottom: each may import from those that come after it. "raysk" is the package itself."""

MAY_IMPORT_RAY = ("raysk.pool.ray", "raysk.cluster", "raysk.bench", "raysk._compat.ray")
"""The packages and modules that touch Ray."""

TERMINAL_ROOMS = {"cli"}
HEAVY = {"ray", "sklearn", "numpy", "pandas"}
NOT_HELP = {"markdown_it", "pygments"}
"""Typer would load these: readers of Markdown and of source code."""


def module_name(path):
    """Return a file's dotted name: ``raysk.pool`` for ``raysk/pool/__init__.py``."""
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {module_name(path) for path in FILES}


def room(name):
    """Return the part of the house a module belongs to: ``pool`` for ``raysk.pool.task``."""
    return name.split(".")[1] if "." in name else name


def imported(path):
    """Yield the dotted name of every module, or name of a module, that a file imports, and the line."""
    package = module_name(path) if path.name == "__init__.py" else module_name(path).rpartition(".")[0]
    for node in ast.walk(ast.parse(path.read_bytes())):
        if isinstance(node, ast.Import):
            yield from ((alias.name, node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = package.split(".")[: len(package.split(".")) - node.level + 1] if node.level else []
            base = ".".join([*above, *([node.module] if node.module else [])])
            yield from ((f"{base}.{alias.name}", node.lineno) for alias in node.names)
        elif isinstance(node, ast.Call) and (name := called_import(node)):
            yield name, node.lineno


def called_import(node):
    """Return what ``import_module("name")`` or ``__import__("name")`` imports, if it is written out."""
    function = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
    literal = bool(node.args) and isinstance(node.args[0], ast.Constant)
    return node.args[0].value if function in {"import_module", "__import__"} and literal else None


IMPORTS = [(path, name, line) for path in FILES for name, line in imported(path)]


def wrong(is_wrong):
    """Return "file:line imports name" for every import that breaks a rule of rooms."""
    return wrong_of_modules(lambda module, name: is_wrong(room(module), name))


def wrong_of_modules(is_wrong):
    """Return the same for a rule of modules."""
    return [
        f"{path.relative_to(ROOT)}:{line} imports {name}"
        for path, name, line in IMPORTS
        if is_wrong(module_name(path), name)
    ]


def is_within(module, packages):
    """Tell whether a module is one of these, or in one of them."""
    return f"{module}.".startswith(tuple(f"{package}." for package in packages))


def test_all_rooms_have_a_place():
    """A new room needs a place in the order before it can be built."""
    assert {room(name) for name in MODULES} == set(ORDER)


def imported_module(name):
    """Return the module of ours that holds an imported name, or is it: ``raysk.pool.task`` for its ``Task``."""
    parts = name.split(".")
    return next((".".join(parts[:n]) for n in range(len(parts), 0, -1) if ".".join(parts[:n]) in MODULES), name)


def test_rooms_import_downwards_only():
    """Each room imports only from the rooms below it."""

    def upwards(here, name):
        if name.split(".")[0] != "raysk":
            return False
        there = room(imported_module(name))
        public = {"api", "cross_validation", "exports", "history", "report", "runner", "searches"}
        lazily = here == "raysk" and there in public
        return there != here and not lazily and ORDER.index(there) < ORDER.index(here)

    assert not wrong(upwards)


def test_files_form_no_circle():
    """No two files of a room know each other, not even through others or for annotations only."""
    below = {name: set() for name in MODULES}
    for path, name, _ in IMPORTS:
        module = imported_module(name)
        if module in MODULES and module != "raysk":
            below[module_name(path)].add(module)
    del below["raysk"]  # the package's one import is lazy
    while lowest := [name for name, modules in below.items() if not modules & below.keys()]:
        below = {name: modules for name, modules in below.items() if name not in lowest}
    assert not below


def test_only_the_cli_knows_the_terminal():
    """Typer and Rich are imported in cli/ and nowhere else; their click by nobody."""
    terminal = {"typer", "rich", "click"}
    assert not wrong(lambda here, name: name.split(".")[0] in terminal and here not in TERMINAL_ROOMS)
    assert not wrong(lambda _, name: name.split(".")[0] == "click")


def test_few_modules_know_ray():
    """Ray is imported in pool/ray/, cluster/ and bench/, and its private names in _compat/ray.py; nowhere else."""
    assert not wrong_of_modules(
        lambda module, name: name.split(".")[0] == "ray" and not is_within(module, MAY_IMPORT_RAY)
    )


def test_the_pools_rules_do_without_ray():
    """Of what touches Ray the rest of the pool, and the plans, know only the pickler."""

    def is_wrong(module, name):
        own = is_within(module, ["raysk.pool", "raysk.plans"]) and not is_within(module, ["raysk.pool.ray"])
        return own and is_within(name, ["raysk.pool.ray"]) and imported_module(name) != "raysk.pool.ray.pickling"

    assert not wrong_of_modules(is_wrong)


def test_private_names_come_in_by_one_door():
    """Names that other libraries keep to themselves are imported in _compat/ only."""

    def private(here, name):
        first, *rest = name.split(".")
        ours = here == "_compat" or first == "raysk" or first in sys.stdlib_module_names
        return not ours and any(re.match(r"_(?!_)", part) for part in rest)

    assert not wrong(private)


# --- one door for pickles

LOAD_PICKLES = {
    "raysk.models.pickles",
    "raysk.models._verify_script",  # plays a stranger, who has no raysk
    "raysk.plans.fitted_state",  # what workers send: no file
}


def loads_pickles(path):
    """Yield the lines on which a file loads a pickle, or makes something that does."""
    for node in ast.walk(ast.parse(path.read_bytes())):
        if isinstance(node, ast.Attribute):
            owner = getattr(node.value, "id", "")
            if node.attr == "Unpickler" or (node.attr == "load" and owner in {"pickle", "joblib", "cloudpickle"}):
                yield node.lineno
        elif isinstance(node, ast.alias) and node.name.endswith("Unpickler"):
            yield node.lineno


def test_pickles_come_in_by_one_door():
    """Only one module loads pickles; messages from workers are the pool's matter, and no files."""
    found = {module_name(path): list(loads_pickles(path)) for path in FILES if room(module_name(path)) != "pool"}
    assert {name for name, lines in found.items() if lines} == LOAD_PICKLES


# --- what starting costs


def loaded_by(tmp_path, *command):
    """Return the top-level modules that a Python command imports, as the interpreter itself reports them."""
    env = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    full = [sys.executable, "-X", "importtime", *command]
    done = subprocess.run(full, cwd=tmp_path, env=env, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    return {name.split(".")[0] for name in re.findall(r"^import time:.*\| +(\S+)$", done.stderr, re.MULTILINE)}


@pytest.mark.parametrize(
    "command",
    [
        ("-c", "import raysk"),
        ("-c", "import raysk.cli.app"),
        ("-m", "raysk", "--help"),
        ("-m", "raysk", "--version"),
        ("-m", "raysk", "fit", "--help"),
        ("-m", "raysk", "search", "--help"),
        ("-m", "raysk", "inspect", "--help"),
        ("-m", "raysk", "doctor", "--help"),
        ("-m", "raysk", "predict", "--help"),
        ("-m", "raysk", "score", "--help"),
        ("-m", "raysk", "results", "--help"),
        ("-m", "raysk", "compare", "--help"),
        ("-m", "raysk", "report", "--help"),
        ("-m", "raysk", "model", "show", "--help"),
        ("-m", "raysk", "runs"),
        ("-m", "raysk", "watch", "--help"),
    ],
    ids=" ".join,
)
def test_help_is_light(tmp_path, command):
    """Help, the version and the CLI's import load none of ray, scikit-learn, numpy and pandas, nor what help is not."""
    loaded = loaded_by(tmp_path, *command)
    assert "raysk" in loaded
    assert not loaded & (HEAVY | NOT_HELP)


# --- sizes


def test_files_are_short():
    """No file of the package is longer than 400 lines."""
    lengths = {str(path.relative_to(ROOT)): len(path.read_bytes().splitlines()) for path in FILES}
    assert {name: length for name, length in lengths.items() if length > LONGEST_FILE} == {}


def test_functions_are_short():
    """No function of the package is longer than 60 lines, its docstring included."""
    lengths = {
        f"{path.relative_to(ROOT)}:{node.lineno} {node.name}": node.end_lineno - node.lineno + 1
        for path in FILES
        for node in ast.walk(ast.parse(path.read_bytes()))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    }
    assert {name: length for name, length in lengths.items() if length > LONGEST_FUNCTION} == {}


# --- the repository


def test_top_level_is_as_the_owner_fixed_it():
    """Beside dot-files the top level holds six names and nothing else."""
    if (ROOT / ".git").exists():
        # the command line is one of the few places from which git takes this setting: CI clones as another user
        command = ["git", "-c", "safe.directory=*", "ls-files"]
        files = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=True)
        names = {line.split("/")[0] for line in files.stdout.splitlines()}
    else:
        names = {path.name for path in ROOT.iterdir()}
    visible = {name for name in names if not name.startswith(".")}
    assert visible <= {"pyproject.toml", "README.md", "raysk", "tests", "examples", "Makefile"}


def test_core_dependencies_are_the_owners():
    """The core depends on what the owner named, and on numpy, which is already theirs."""
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    listed = re.search(r"^dependencies = \[(.*?)^\]", text, re.MULTILINE | re.DOTALL)
    names = set(re.findall(r'^\s*"([\w.-]+)', listed[1], re.MULTILINE))
    assert names == {"ray", "joblib", "scikit-learn", "typer", "rich", "cloudpickle", "numpy"}
