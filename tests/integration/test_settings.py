"""Settings: RAYSK_* variables and [tool.raysk] in pyproject.toml, below options, shown by `raysk config`."""

from __future__ import annotations

import json
import os
import pty

import pytest
from typer.main import get_command

from raysk.cli.app import app

SPEC = """
from sklearn.datasets import load_iris
from sklearn.model_selection import RandomizedSearchCV
from sklearn.svm import SVC

X, y = load_iris(return_X_y=True)
search = RandomizedSearchCV(SVC(), {"C": list(range(1, 100))}, n_iter=6)
"""

SETTINGS = {
    *["address", "workers", "cpus-per-fit", "memory-per-fit", "allow-versions", "backend"],
    *["seed", "n-iter", "cv", "scoring", "strict"],
    *["time-budget", "fit-timeout", "patience", "max-failures", "refit-on-stop"],
    *["prune", "no-sharing", "cache-memory", "select", "outer", "repeats"],
    *["no-verify", "verify-fits", "json", "stream", "quiet", "verbose"],
}

NEVER = {
    "stop-at",
    "trust",
    "data",
    "output",
    "results",
    "run-dir",
    "resume",
    "force",
    "set",
    "set-str",
    "space",
    "dry-run",
    "plot",
}


@pytest.fixture
def project(folder):
    """Return a function that writes pyproject.toml beside the folder that commands run in."""
    return lambda text, path="..": (folder / path / "pyproject.toml").write_text(text)


@pytest.fixture
def config(raysk):
    """Return a function that runs `raysk config` and returns the settings: (value, source) by name."""

    def run(**env):
        ran = raysk("config", env=env)
        assert ran.code == 0, ran.err
        return {name: (each["value"], each["source"]) for name, each in json.loads(ran.out)["settings"].items()}

    return run


def options():
    """Yield (option, parameter) of all commands."""
    commands = [get_command(app)]
    while commands:
        command = commands.pop()
        commands += getattr(command, "commands", {}).values()
        yield from ((max(param.opts, key=len).lstrip("-"), param) for param in command.params)


def test_what_is_a_setting():
    """An option has the same variable in every command, or none; what one run is about and whom to trust have none."""
    variables = {name: param.envvar for name, param in options() if getattr(param, "envvar", None)}
    assert variables == {name: f"RAYSK_{name.upper().replace('-', '_')}" for name in SETTINGS}
    assert not NEVER & SETTINGS
    assert {name for name, _ in options()} >= NEVER | SETTINGS


def test_the_order(config, project, folder):
    """A variable comes before the command's own table, that before [tool.raysk], and that before the default."""
    project("[tool.raysk]\nworkers = 3\ncv = 4\nstrict = true\n[tool.raysk.search]\ncv = 6\nn-iter = 7\n")
    file = str(folder.parent / "pyproject.toml")
    found = config(RAYSK_WORKERS="2", RAYSK_JSON="yes", RAYSK_SEED="")
    assert set(found) == SETTINGS | {"search.cv", "search.n-iter"}  # `raysk nested` has those of all commands
    assert found["workers"] == (2, "RAYSK_WORKERS")
    assert found["json"] == (True, "RAYSK_JSON")
    assert found["strict"] == (True, f"{file} [tool.raysk]")
    assert found["search.cv"] == (6, f"{file} [tool.raysk.search]")
    assert found["cpus-per-fit"] == (1, "default")
    assert found["seed"] == (None, "default")


def test_ray_has_a_variable_too(config):
    """RAY_ADDRESS is said where no setting names a cluster."""
    assert config(RAY_ADDRESS="a:1")["address"] == ("a:1", "RAY_ADDRESS")
    assert config(RAY_ADDRESS="a:1", RAYSK_ADDRESS="b:2")["address"] == ("b:2", "RAYSK_ADDRESS")


def test_the_nearest_file_counts(config, project, folder):
    """The nearest pyproject.toml with a table for raysk is the one, also below one that has none or is broken."""
    project("[tool.raysk]\nworkers = 3\n")
    project("[tool.other\n", ".")
    assert config()["workers"] == (3, f"{folder.parent / 'pyproject.toml'} [tool.raysk]")
    project("[tool.raysk]\nstrict = true\n", ".")
    assert config()["workers"] == (None, "default")


def test_a_folder_of_everybodys(raysk, config, project, folder):
    """A file that others may have written is refused by name: it could choose the cluster. An own one nearer counts."""
    project("[tool.raysk]\naddress = 'evil:1'\n")
    folder.parent.chmod(0o777)
    raysk("config").assert_error(2, str(folder.parent / "pyproject.toml"), "writable for everybody", "nearer")
    project("[tool.raysk]\n", ".")
    assert config()["address"] == (None, "default")


def test_they_count(raysk, folder, project):
    """A command takes them, each unless an option says otherwise."""
    (folder / "spec.py").write_text(SPEC)
    project("[tool.raysk]\ncv = 4\n[tool.raysk.search]\nn-iter = 10\n")
    search = ["search", "spec.py", "--dry-run"]
    ran = raysk(*search, "--cv", "2", env={"RAYSK_CV": "3"})
    assert ran.summary["search"]["fits"] == 20


def test_a_table_on_a_terminal(start):
    """On a terminal, `raysk config` prints a line for each setting."""
    ours, theirs = pty.openpty()
    process = start("config", stdout=theirs, env={"RAYSK_CV": "3"})
    os.close(theirs)
    process.communicate(timeout=60)
    text = os.read(ours, 65536).decode()
    os.close(ours)
    (line,) = (line for line in text.splitlines() if "cv" in line)
    assert "3" in line
    assert "RAYSK_CV" in line


def test_no_secret_is_shown(raysk):
    """Tokens are no settings, and `raysk config` shows none."""
    ran = raysk("config", env={"RAY_AUTH_TOKEN": "s3cret", "RAYSK_AUTH_TOKEN": "s3cret"})
    assert "s3cret" not in ran.out + ran.err
    assert "RAYSK_AUTH_TOKEN is not a setting" in ran.err


def test_a_variable_that_is_none(raysk):
    """`raysk config` notes variables that are no settings, with the nearest that is one."""
    ran = raysk("config", env={"RAYSK_WORKER": "3"})
    assert "RAYSK_WORKER is not a setting. Did you mean RAYSK_WORKERS" in ran.err
    assert "RAYSK_WORKER" not in ran.out


WRONG = {
    "a misspelt key": ("[tool.raysk]\nadress = 'auto'\n", ["'adress'", "address"]),
    "a key in the wrong style": ("[tool.raysk]\nn_iter = 3\n", ["'n_iter'", "n-iter"]),
    "text for a number": ("[tool.raysk]\nworkers = '2'\n", ["workers", "'2'", "a whole number"]),
    "no number": ("[tool.raysk]\nworkers = 'many'\n", ["workers", "'many'", "integer"]),
    "a switch for a number": ("[tool.raysk]\nworkers = true\n", ["workers", "True", "a whole number"]),
    "a number for a switch": ("[tool.raysk]\nstrict = 1\n", ["strict", "1", "true or false"]),
    "a list for a text": ("[tool.raysk]\nscoring = ['f1']\n", ["scoring", "text"]),
    "a table for a value": ("[tool.raysk.address]\nx = 1\n", ["address"]),
    "no setting of the command": ("[tool.raysk.fit]\ncv = 3\n", ["tool.raysk.fit", "'cv'"]),
    "an unknown command": ("[tool.raysk.serch]\ncv = 3\n", ["'serch'", "search"]),
    "no table": ("[tool]\nraysk = 3\n", ["tool.raysk", "table"]),
    "broken TOML": ("[tool.raysk]\ncv = 3\naddress = auto\n", ["line 3"]),
    "whom to trust": ("[tool.raysk]\ntrust = ['os.system']\n", ["'trust'", "no setting"]),
    "what to load": ("[tool.raysk]\ndata = 'x.pkl'\n", ["'data'", "no setting"]),
    "bytes": (b"[tool.raysk]\naddress = '\xff'\n".decode("latin-1"), []),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_is_wrong_in_the_file(raysk, folder, name):
    """A key that is no setting, a value of another type, or broken TOML ends with exit 2, the file and the key."""
    text, words = WRONG[name]
    (folder / "pyproject.toml").write_bytes(text.encode("latin-1"))
    raysk("inspect", "nothing.py").assert_error(2, "pyproject.toml", *words)


def test_help_needs_no_good_file(raysk, project):
    """Help is there whatever the file holds."""
    project("[tool.raysk]\naddress = \n")
    assert raysk("fit", "--help").code == raysk("--help").code == raysk("fit", "-h").code == 0


def test_a_wrong_variable(raysk):
    """A variable of the wrong type ends with exit 2 and its name."""
    ran = raysk("search", "spec.py", "--dry-run", env={"RAYSK_WORKERS": "many"})
    assert (ran.code, "RAYSK_WORKERS" in ran.err) == (2, True)
