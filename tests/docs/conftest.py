"""What the tests of the documents share: a `raysk` that is warm, for whatever runs it.

`programs` is a folder for PATH. The program `raysk` in it hands its arguments and streams to a process that has
imported everything, and forks; see `forking`. It needs no Ray: workers are threads.
"""

from __future__ import annotations

import json
import os
import shlex
import shutil
import socketserver
import sys
import threading

import pytest

TIMEOUT_S = 300  # of one command
REAL = {"doctor", "bench"}
"""Commands that need Ray itself."""

CLIENT = """\
#!{python} -IS
import json, os, socket, sys
if sys.argv[1:2] and sys.argv[1] in {real}:
    os.execv({python!r}, [{python!r}, "-m", "raysk", *sys.argv[1:]])
streams = dict(zip(("stdin", "stdout", "stderr"), (f"/proc/{{os.getpid()}}/fd/{{n}}" for n in range(3))))
job = {{"folder": os.getcwd(), "arguments": sys.argv[1:], "environment": dict(os.environ), **streams}}
with socket.socket(socket.AF_UNIX) as server:
    server.connect({address!r})
    with server.makefile("rw") as lines:
        print(json.dumps(job), file=lines, flush=True)
        sys.exit(json.loads(lines.readline()))
"""


class Handler(socketserver.StreamRequestHandler):
    """Passes a job on to the process that forks, and its exit code back."""

    def handle(self):
        """Take one job."""
        job = json.loads(self.rfile.readline())
        code = self.server.run(**job, limit_s=TIMEOUT_S)
        self.wfile.write(json.dumps(code).encode() + b"\n")


@pytest.fixture(scope="session")
def programs(forking, tmp_path_factory):
    """Return a folder with the programs `raysk` and `python`."""
    folder = tmp_path_factory.mktemp("programs")
    address = str(folder / "socket")
    python = sys.executable
    sources = {
        "raysk": CLIENT.format(python=python, real=REAL, address=address),
        "python": f'#!/bin/sh\nexec {shlex.quote(python)} "$@"\n',
    }
    if shutil.which("jq") is None:
        sources["jq"] = "#!/bin/sh\nexec cat\n"
    for name, source in sources.items():
        (folder / name).write_text(source, encoding="utf-8")
        (folder / name).chmod(0o755)
    with socketserver.UnixStreamServer(address, Handler) as server:  # one job at a time
        server.run = forking
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield folder
        server.shutdown()


@pytest.fixture
def environment(programs):
    """Return the environment of a new user, in which models are not loaded back: other tests see to that."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("RAY", "PYTHONDONT"))}
    return {**kept, "PATH": f"{programs}{os.pathsep}{kept['PATH']}", "RAYSK_NO_VERIFY": "1"}
