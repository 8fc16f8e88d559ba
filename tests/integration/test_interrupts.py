"""Ctrl-C and SIGTERM: what the first one leaves behind, while what is done; and that the second ends at once."""

from __future__ import annotations

import csv
import json
import signal
import time
from pathlib import Path

import pytest

SPEC = """
import os
import time
from pathlib import Path
import numpy as np
from sklearn.dummy import DummyClassifier
from sklearn.model_selection import GridSearchCV

class Slow(DummyClassifier):
    def fit(self, X, y):
        if len(y) == 90:
            Path("REFIT").touch()
            time.sleep(REFIT_S)
        else:
            time.sleep(FIT_S)
        return super().fit(X, y)

X, y = np.eye(90), np.arange(90) % 3
search = GridSearchCV(Slow(), {"random_state": [*range(N)]}, cv=2)
"""

AT_ONCE_S = 1.0
"""How soon the program is gone after the second signal, in seconds."""


@pytest.fixture
def spec(folder):
    """Return a function that writes a search of so many candidates, with times in seconds."""

    def write(n=200, fit_s=0.1, refit_s=0.0):
        text = (
            SPEC.replace("REFIT_S", str(refit_s)).replace("FIT_S", str(fit_s)).replace("[*range(N)]", f"[*range({n})]")
        )
        (folder / "spec.py").write_text(text.replace("REFIT", str(folder / "refit")))
        return "spec.py"

    return write


def of_ours(process):
    """Return the processes that work for the private Ray of a command, by number."""
    found = []
    for entry in Path("/proc").iterdir():
        try:
            command = (entry / "cmdline").read_bytes() if entry.name.isdigit() else b""
            environment = (entry / "environ").read_bytes() if entry.name.isdigit() else b""
        except OSError:
            continue
        if f"raysk-{process.pid}-".encode() in command + environment and int(entry.name) != process.pid:
            found.append(int(entry.name))
    return found


def end(process):
    """Return what a command writes from here on, and how it ended."""
    out, err = process.stdout.read(), process.stderr.read()  # `communicate` would lose what is buffered
    return process.wait(60), out, err


def test_the_second_signal_ends_at_once(start, folder, spec, eventually):
    """While the best is refitted after the first signal, the second leaves within a second; no Ray of ours stays."""
    process = start("search", spec(refit_s=60), "--address", "local", "--refit-on-stop", "--stream")
    for _ in range(2):
        process.stdout.readline()
    assert of_ours(process)
    process.send_signal(signal.SIGTERM)
    eventually((folder / "refit").exists, "the refit")
    begin = time.monotonic()
    process.send_signal(signal.SIGINT)
    assert process.wait(60) == 128 + signal.SIGINT
    assert time.monotonic() - begin < AT_ONCE_S
    eventually(lambda: not of_ours(process), "the end of Ray")


def test_the_best_so_far_is_refitted_on_stop(start, folder, spec, head):
    """With --refit-on-stop the first Ctrl-C still ends with 130, and with a model."""
    process = start("search", spec(), "--address", head, "--refit-on-stop", "--stream", "--run-dir", "run")
    process.stdout.readline()
    process.send_signal(signal.SIGINT)
    code, out, err = end(process)
    assert code == 130, err
    summary = json.loads(out.splitlines()[-1])
    assert summary["stopped"] == "interrupted"
    assert summary["workers"] >= 1  # the other may have been on its way
    assert summary["nodes"] == 1
    assert summary["candidates"] < 200
    assert summary["model"] == str(folder / "run" / "model.pkl")
    assert Path(summary["model"]).exists()


def test_an_interrupted_refit_leaves_the_table(start, folder, spec, head, eventually):
    """SIGTERM while the best is fitted on all data: the table and the summary are whole, and there is no model."""
    process = start("search", spec(3, 0, 60), "--address", head, "--run-dir", "run")
    eventually((folder / "refit").exists, "the refit")
    process.send_signal(signal.SIGTERM)
    code, out, err = end(process)
    assert code == 143, err
    summary = json.loads(out)
    assert (summary["stopped"], summary["model"], summary["candidates"]) == ("interrupted", None, 3)
    with (folder / "run" / "results.csv").open() as file:
        assert len(list(csv.DictReader(file))) == 3
    assert not (folder / "run" / "model.pkl").exists()
    assert "raysk resume run" in err
