"""Runs raysk many times, each time in a process of its own, without importing its libraries again.

    test -- {"folder": ..., "arguments": [...], ...} --> this program, which has imported all --fork--> a raysk
         <-- exit status, or null after `limit_s` --                                                    ends as ever

What differs from a raysk that a person starts: where it would start Ray, it gets a pool whose workers are threads,
unless the job says ``"ray": true``.
"""

from __future__ import annotations

import contextlib
import gc
import importlib.util
import json
import os
import resource
import signal
import sys
import threading
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

LIMIT_S = 20
"""A command that has not ended after so many seconds hangs; most take 0.2."""

MEMORY_BYTES = 3 * 2**30
"""Address space of a command: what claims to be larger than that is refused, and takes no memory of others."""


class Threads:
    """A cluster whose workers are threads; takes the place of `raysk.cluster.Starting`."""

    def __init__(self, _then=None, *, sink, **_options):
        from raysk.pool import Pool

        self.pool = Pool(self._launcher(), sink=sink)

    def __enter__(self):
        return self

    def __exit__(self, *_: object) -> None:
        self.pool.close()

    def result(self):
        """Return what a command uses of a cluster."""
        return SimpleNamespace(pool=self.pool, sink=self.pool.sink, address="threads", nodes=1, cpus=2)

    @staticmethod
    def _launcher():
        launcher = sys.modules["conftest"].FakeLauncher()
        launcher.by_hand = False
        return launcher


def prepare() -> None:
    """Import what commands need."""
    from raysk.cluster.connection import PATIENT

    os.environ.update(PATIENT)  # Ray reads its settings when it is imported
    import ray  # noqa: F401 - before conftest, which sets a token for a Ray of the tests' own

    path = Path(__file__).parents[1] / "conftest.py"
    spec = importlib.util.spec_from_file_location("conftest", path)
    sys.modules["conftest"] = importlib.util.module_from_spec(spec)
    before = dict(os.environ)
    spec.loader.exec_module(sys.modules["conftest"])
    os.environ.clear()
    os.environ.update(before)
    import joblib  # noqa: F401
    import pandas as pd  # noqa: F401
    import pyarrow.parquet  # noqa: F401
    import sklearn.ensemble
    import sklearn.model_selection
    import sklearn.pipeline
    import sklearn.svm  # noqa: F401
    import skops.io  # noqa: F401

    import raysk.cli.app  # noqa: F401

    gc.freeze()


def run(  # noqa: PLR0913 - what a process is started with
    folder: str,
    arguments: Sequence[str],
    *,
    stdin: str = os.devnull,
    stdout: str = "OUT",
    stderr: str = "ERR",
    environment: Mapping[str, str] | None = None,
    memory_bytes: int = MEMORY_BYTES,
    ray: bool = False,
) -> None:
    """Be a raysk: never returns."""
    os.chdir(folder)
    os.environ.update(environment or {})
    written = os.O_WRONLY | os.O_CREAT
    for descriptor, (name, mode) in enumerate([(stdin, os.O_RDONLY), (stdout, written), (stderr, written)]):
        os.dup2(os.open(name, mode, 0o666), descriptor)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    import raysk.cluster
    from raysk.cli.app import main

    if not ray:
        resource.setrlimit(resource.RLIMIT_AS, (memory_bytes, memory_bytes))
        raysk.cluster.Starting = Threads

    sys.argv = ["raysk", *arguments]
    code = 1
    try:
        main()
    except SystemExit as end:
        code = end.code
    except BaseException:  # noqa: BLE001 - as Python does
        sys.excepthook(*sys.exc_info())
    leave(code)


def leave(code: int) -> None:
    """End as Python does, but do not take apart what all have in common: that would copy all of its memory."""
    for thread in threading.enumerate():
        if not thread.daemon and thread is not threading.current_thread():
            thread.join()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


def ended(pid: int, limit_s: int) -> int | None:
    """Wait for a process; returns its exit code, minus a signal's number, or None if it had to be ended here."""

    def late(*_):
        raise TimeoutError

    signal.signal(signal.SIGALRM, late)
    signal.alarm(limit_s)
    with contextlib.suppress(TimeoutError):
        status = os.waitpid(pid, 0)[1]
        signal.alarm(0)
        return os.waitstatus_to_exitcode(status)
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    return None


def main() -> None:
    """Serve until stdin ends."""
    prepare()
    answers = os.fdopen(os.dup(1), "w")
    asked = os.fdopen(os.dup(0))
    for line in asked:
        job = json.loads(line)
        limit_s = job.pop("limit_s", LIMIT_S)
        pid = os.fork()
        if pid == 0:
            os.close(answers.fileno())
            os.close(asked.fileno())
            run(**job)
        print(json.dumps(ended(pid, limit_s)), file=answers, flush=True)


if __name__ == "__main__":
    main()
