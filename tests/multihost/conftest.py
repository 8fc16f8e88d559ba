"""Real hosts for tests, and a search that runs on them as far as the test lets it.

make_hosts     starts a cluster of several hosts; see `hosts`
start_search   starts `raysk search waiting.py` on one of them; see `waiting`
"""

from __future__ import annotations

import contextlib
import importlib.util
import json
import os
import pickle
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hosts import HEAD, Hosts, missing

import raysk

WAITING = Path(__file__).with_name("waiting.py")
RAYSK_FOLDER = str(Path(raysk.__file__).parents[1])  # of the installed wheel, or of the checkout that PYTHONPATH names

STAGES = (1, 2)
FINISH_S = 90
"""How long a search may take from the time that nothing holds it up any more, in seconds; it takes about 10."""


@pytest.fixture(scope="session")
def raysk_folder():
    """Return the folder that raysk is imported from."""
    return RAYSK_FOLDER


@pytest.fixture(scope="session", autouse=True)
def _can_make_hosts():
    """Skip where no hosts can be made; but CI must not, as nobody would hear of it."""
    reason = missing()
    if reason and os.environ.get("CI"):
        pytest.fail(f"CI runs these tests, but here it {reason}")
    elif reason:
        pytest.skip(reason)


@pytest.fixture
def make_hosts(tmp_path):
    """Return a function that starts a cluster; it ends with the test."""
    with contextlib.ExitStack() as end:
        yield lambda count, cpus: end.enter_context(Hosts(count, cpus, tmp_path))


@pytest.fixture
def start_search(tmp_path, eventually):
    """Return a function that starts a search on a host; what still runs at the end is ended."""
    started = []

    def start(hosts, on=HEAD):
        started.append(Search(hosts, tmp_path, on, eventually))
        return started[-1]

    yield start
    for search in started:
        search.process.kill()
        search.process.wait()


class Search:
    """A search that runs on several hosts; its fits wait at two stages until the test opens them."""

    def __init__(self, hosts, folder, on, eventually):
        self.folder, self._eventually = folder, eventually
        self.run_dir = folder / f"run-{on}"
        self._out, self._err, self._model = (folder / f"search-{on}.{kind}" for kind in ("out", "err", "pkl"))
        kept = ["--run-dir", str(self.run_dir), "--stream", "-o", str(self._model)]
        self._run(hosts, on, "search", str(WAITING), "--set", f"folder={folder}", *kept)

    def _run(self, hosts, on, *command):
        raysk = [sys.executable, "-m", "raysk", *command, "--address", hosts.address]
        with self._out.open("w") as out, self._err.open("w") as err:
            pipes = {"stdin": subprocess.DEVNULL, "stdout": out, "stderr": err}
            self.process = hosts.run(raysk, on=on, env={"PYTHONPATH": RAYSK_FOLDER}, **pipes)

    def go_on(self, hosts):
        """Resume it, on the head of a cluster."""
        self._run(hosts, HEAD, "resume", str(self.run_dir))

    @property
    def error(self):
        """What was said on stderr."""
        return self._err.read_text()

    @property
    def lines(self):
        """What is on stdout so far: a line for every candidate that is done, and at the end the summary."""
        return [json.loads(line) for line in self._out.read_text().splitlines(keepends=True) if line.endswith("\n")]

    def held(self):
        """Return the numbers of the hosts on which fits wait at a stage."""
        marks = [mark.name for stage in STAGES for mark in self.folder.glob(f"stage-{stage}-on-*")]
        return {int(name.rpartition("-")[2]) for name in marks}

    def wait_until(self, condition, what):
        """Wait for something to happen while the search runs."""
        return self._eventually(lambda: condition() or self._still_runs(), what)

    def open(self, *stages):
        """Let the fits of these stages go on."""
        for stage in stages:
            (self.folder / f"stage-{stage}").touch()

    def assert_finishes_as_here(self):
        """Assert that it ends with what scikit-learn finds here, each fit counted once; returns the summary."""
        assert self.process.wait(FINISH_S) == 0, self.error
        *candidates, summary = self.lines
        assert (summary["fits"], summary["fits_failed"]) == (225, 0)
        assert sorted(line["candidate"] for line in candidates) == list(range(45))
        assert_same_results(pickle.loads(self._model.read_bytes()), _fitted_here())
        return summary

    def _still_runs(self):
        assert self.process.poll() is None, self.error


def assert_same_results(found, expected):
    """Assert that two searches found the same, but for the times it took them."""
    assert found.cv_results_.keys() == expected.cv_results_.keys()
    for name in expected.cv_results_:
        if not name.endswith("_time"):
            np.testing.assert_array_equal(found.cv_results_[name], expected.cv_results_[name], err_msg=name)
    assert found.best_params_ == expected.best_params_
    assert found.best_score_ == expected.best_score_


def _fitted_here():
    """Return the search, fitted by scikit-learn alone; nothing is waited for."""
    spec = importlib.util.spec_from_file_location("waiting", WAITING)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.search.fit(module.X, module.y)
