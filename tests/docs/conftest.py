"""What the tests of the documents share: a process that runs raysk many times without importing it again."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import forking as program
import pytest


@pytest.fixture(scope="session")
def forking():
    """Return a function that runs raysk in a fork of one process, and returns its exit code; see `forking`."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("RAY", "PYTHONDONT"))}
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    with subprocess.Popen([sys.executable, program.__file__], env=environment, **pipes) as process:

        def run(**job):
            print(json.dumps(job), file=process.stdin, flush=True)
            return json.loads(process.stdout.readline())

        yield run
        process.stdin.close()
