"""The command line as a person runs it: real subprocesses; one `ray start --head` for all that need a cluster."""

from __future__ import annotations

import itertools
import json
import os
import pickle
import re
import socket
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

COMMAND = [sys.executable, "-m", "raysk"]

JOBS = {"fit", "search", "doctor"}
"""Commands that start a Ray of their own, unless they are told otherwise."""

BY_A_FORK = {"stdin", "stdout", "env", "cwd"}
READ_AT_START = ("PYTHON", "LC_", "HOME")
"""Variables that make no difference to a process that runs already."""

CHEAP = {"RAYSK_NO_VERIFY": "1", "RAYSK_WORKERS": "1"}
"""Settings of every job: another process for the check, and one for a second worker, cost more than all else. Where
they are the subject a test sets them to nothing."""

RUN_S = 150
"""How long one command may take, in seconds; with a Ray of its own it takes about 8."""


@dataclass
class Ran:
    """A finished command."""

    code: int
    out: str
    err: str

    @property
    def summary(self) -> dict:
        """The last line of stdout, which is JSON."""
        return json.loads(self.out.splitlines()[-1])

    def assert_error(self, code: int, *words: str) -> None:
        """Assert an exit code and a message of at most five lines that holds these words."""
        message = self.err[re.search(r"(?m)^(Error:|Usage:)", self.err).start() :]
        assert self.code == code, self.err
        assert "Traceback" not in self.err
        assert len(message.strip().splitlines()) <= 5, message
        for word in words:
            assert word in message


def _environment(**more: str) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("RAY", "PYTHONDONT"))}
    return {**kept, "NO_COLOR": "1", **more}


@pytest.fixture(scope="session", name="environment")
def _environment_of_a_person():
    """Return a function that makes the environment of a program: this one's, without Ray's settings."""
    return _environment


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Work in a folder whose path holds a space."""
    path = tmp_path / "my work"
    path.mkdir()
    monkeypatch.chdir(path)
    return path


@pytest.fixture
def model(folder):
    """Save a model of the iris as `model.pkl`."""
    from sklearn.datasets import load_iris
    from sklearn.svm import SVC

    (folder / "model.pkl").write_bytes(pickle.dumps(SVC().fit(*load_iris(return_X_y=True))))


@pytest.fixture
def start(folder):
    """Return a function that starts a command in that folder; what still runs at the end is ended."""
    started = []

    def run(*args: str, **options) -> subprocess.Popen:
        environment = _environment(**_settings(args, options.pop("env", {})))
        pipes = {
            "cwd": folder,
            "stdin": subprocess.DEVNULL,
            "stdout": subprocess.PIPE,
            "stderr": subprocess.PIPE,
            "text": True,
        }
        process = subprocess.Popen([*COMMAND, *args], env=environment, **{**pipes, **options})
        started.append(process)
        return process

    yield run
    for process in started:
        if process.poll() is None:
            process.kill()
        process.communicate()


def _settings(args: Sequence[str], env: Mapping[str, str]) -> Mapping[str, str]:
    return {**(CHEAP if args[:1] and args[0] in {"fit", "search"} else {}), **env}


def _place(args: Sequence[str], env: Mapping[str, str], options: Mapping[str, Any]) -> str:
    """Tell what carries a command out: a fork without Ray, a fork with Ray, or a process of its own."""
    files = all(isinstance(getattr(options.get(name), "name", ""), str) for name in ("stdin", "stdout"))
    read = any(name.startswith(READ_AT_START) for name in env)
    if read or not files or not options.keys() <= BY_A_FORK:
        return "process"
    backend = dict(itertools.pairwise(args)).get("--backend")
    by_ray = args[0] in {"resume", "bench"} or "--address" in args or "RAYSK_ADDRESS" in env
    if by_ray or backend not in {None, "threading"}:
        return "ray"
    own_ray = args[0] in JOBS and backend is None and not {"--dry-run", "-h", "--help"} & set(args)
    return "process" if own_ray else "threads"


@pytest.fixture
def raysk(start, request, tmp_path_factory):
    """Return a function that runs a command to its end.

    One that starts no Ray of its own is carried out by a fork of a process that has imported all, where `threads` are
    wanted with these as workers, whatever the command says of a cluster: `start` starts real ones.
    """

    def run(*args: str, env: Mapping[str, str] | None = None, threads: bool = False, **options) -> Ran:
        env = _settings(args, env or {})
        place = "threads" if threads else _place(args, env, options)
        if place == "process":
            process = start(*args, env=env, **options)
            out, err = process.communicate(timeout=RUN_S)
            return Ran(process.returncode, out, err)
        said = tmp_path_factory.mktemp("said")
        places = {"stdout": str(said / "OUT"), "stderr": str(said / "ERR")}
        places |= {name: os.path.realpath(options[name].name) for name in ("stdin", "stdout") if name in options}
        settings = {"environment": env, "ray": place == "ray", "memory_bytes": 2**36, "limit_s": RUN_S}
        folder = options.get("cwd", Path.cwd())
        code = request.getfixturevalue("forking")(folder, [*map(os.fsdecode, args)], **places, **settings)
        texts = (
            (said / name).read_text(encoding="utf-8") if (said / name).exists() else None for name in ("OUT", "ERR")
        )
        return Ran(code, *texts)

    return run


@pytest.fixture(scope="session", name="Ran")
def _ran():
    """Return the class of a finished command."""
    return Ran


@pytest.fixture(scope="session")
def head(tmp_path_factory):
    """Return the address of a Ray head with two CPUs, as `ray start` makes one; stopped at the end."""
    with socket.socket() as free:
        free.bind(("", 0))
        port = free.getsockname()[1]
    ray = os.path.join(os.path.dirname(sys.executable), "ray")  # noqa: PTH118, PTH120 - a symlink must stay one
    options = [f"--port={port}", "--num-cpus=2", "--include-dashboard=false", "--disable-usage-stats", "--block"]
    log = tmp_path_factory.mktemp("head") / "log"
    environment = _environment(RAY_AUTH_MODE="disabled")
    with log.open("w") as file:
        process = subprocess.Popen(
            [ray, "start", "--head", *options], stdout=file, stderr=subprocess.STDOUT, env=environment
        )
    try:
        for _ in range(240):
            if found := re.search(r"--address='([^']+)'", log.read_text()):
                break
            assert process.poll() is None, log.read_text()
            with pytest.raises(subprocess.TimeoutExpired):
                process.wait(0.25)
        yield found.group(1)
    finally:
        process.terminate()
        process.wait(30)
