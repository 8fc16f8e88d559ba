"""``raysk runs``: one JSON object in a pipe, a table that fits a terminal, and nothing removed unasked."""

from __future__ import annotations

import io
import json
import os
import re

import pytest
from rich.cells import cell_len

from raysk.cli.app import app
from raysk.cli.streams import DataOut
from raysk.cli.view import runs as view
from raysk.cli.view.runs import faults, show_runs
from raysk.errors import InputError, UsageError
from raysk.history.summaries import list_runs

NAMES = ["spec-20261124-101500", "🎉名前" * 9, "a\x1b[31mred\x07\n", "x" * 200, "[bold]b"]


@pytest.fixture
def raysk(capfd):
    """Return a function that runs a command, and returns what it writes to stdout and stderr."""

    def run(*arguments):
        kept = os.dup(1)  # a command keeps it for data, and does not give it back
        try:
            app([*arguments], prog_name="raysk", standalone_mode=False)
        finally:
            os.dup2(kept, 1)
            os.close(kept)
        return capfd.readouterr()

    return run


@pytest.fixture
def runs(tmp_path, monkeypatch):
    """Leave runs with odd names; the last of them is damaged."""
    monkeypatch.chdir(tmp_path)
    for number, name in enumerate(NAMES):
        params = {"clf__C": 0.123456789, "clf__gamma": "scale", "kernel": "rbf"}
        best = {"metric": "neg_log_loss", "best_score": -0.5, "best_score_std": 0.125, "best_params": params}
        said = {"schema": 1, "outcome": "interrupted", "started": f"2026-11-2{number}T10:15:00+00:00"}
        said |= {"ended": "2026-11-26T10:15:00+00:00", "best": best, "varying": ["clf__C", "clf__gamma"]}
        said |= {"data": {"rows": 1797, "features": 64, "source": "spec.py:X"}, "fits": 30, "fits_failed": 2}
        said |= {"tags": ["paper", "\x1b[2J"], "name": "svm"}
        folder = tmp_path / "raysk-runs" / name
        folder.mkdir(parents=True)
        (folder / "run.json").write_text(json.dumps(said) if number < len(NAMES) - 1 else "{")
    return tmp_path / "raysk-runs"


class Screen(io.StringIO):
    """A file that is a terminal."""

    def isatty(self):
        """Say so."""
        return True


def drawn(monkeypatch, width, runs):
    monkeypatch.setenv("COLUMNS", str(width))
    monkeypatch.setenv("TERM", "xterm")
    out = DataOut(Screen())
    show_runs(out, runs, total=len(runs), as_json=False)
    return re.sub(r"\x1b\[[0-9;]*m", "", out.file.getvalue()).splitlines()


@pytest.mark.usefixtures("runs")
def test_the_table_fits(monkeypatch):
    """Columns go before words are cut, the state and the score last; no control character reaches the terminal."""
    every = list_runs()
    columns = {}
    for width in (200, 120, 80, 40, 20, 5):
        header, *lines = drawn(monkeypatch, width, every)
        columns[width] = header.split()
        assert len(lines) == len(NAMES)
        assert max(map(cell_len, [header, *lines])) <= width
        assert all(line.isprintable() for line in lines)
    wide = drawn(monkeypatch, 300, every)
    assert "\\x1b[31mred\\x07" in wide[3]
    assert "C=0.123457 gamma=scale" in wide[4]
    assert "30 (2 failed)" in wide[4]
    assert "1,797 x 64 spec.py:X" in wide[4]
    assert wide[1].startswith("[bold]b")
    assert columns[200] == [
        "run",
        "name",
        "state",
        "score",
        "+-",
        "metric",
        "best",
        "data",
        "fits",
        "time",
        "when",
        "tags",
    ]
    assert columns[120][:7] == ["run", "name", "state", "score", "+-", "metric", "best"]
    assert columns[80][:4] == ["run", "state", "score", "best"] or columns[80][:3] == ["run", "name", "state"]
    assert columns[40] == ["run", "state", "score"]
    assert all("interrupted" in line for line in drawn(monkeypatch, 40, every)[2:])
    assert faults(every) == ["[bold]b: run.json is damaged."]


def test_json_in_a_pipe(runs, raysk):
    """All runs, whole names, and what is not known as null; what is wrong is said on stderr."""
    out, err = raysk("runs", "--sort", "name")
    said = json.loads(out)
    assert (said["schema"], said["total"]) == (1, len(NAMES))
    assert {each["run"] for each in said["runs"]} == set(NAMES)
    assert out.isascii()
    assert "run.json is damaged" in err
    said = json.loads(raysk("runs", str(runs), "--limit", "1").out)
    assert (said["total"], len(said["runs"])) == (len(NAMES), 1)


def test_no_runs_yet(tmp_path, monkeypatch, raysk):
    """An empty list, and a word on how to get some; a folder that is none is an error."""
    monkeypatch.chdir(tmp_path)
    out, err = raysk("runs")
    assert json.loads(out) == {"schema": 1, "total": 0, "runs": []}
    assert "There are no runs here yet. Make one with 'raysk search'" in err
    with pytest.raises(InputError, match="'nowhere' is not there"):
        raysk("runs", "nowhere")


def test_nothing_is_removed_unasked(runs, raysk, monkeypatch):
    """Without a terminal --yes is needed; then the answer tells what went, and what was left."""
    (runs / NAMES[0] / "mine.txt").touch()
    with pytest.raises(UsageError, match="no terminal to ask on: add --yes"):
        raysk("runs", "rm", NAMES[0])
    assert (runs / NAMES[0] / "run.json").exists()
    monkeypatch.chdir(runs)
    said = json.loads(raysk("runs", "rm", NAMES[0], NAMES[3], "--yes").out)
    assert said["removed"] == [str(runs / NAMES[0]), str(runs / NAMES[3])]
    assert said["left"] == {str(runs / NAMES[0]): ["mine.txt"], str(runs / NAMES[3]): []}
    assert {path.name for path in runs.iterdir()} == {*NAMES} - {NAMES[3]}


@pytest.mark.usefixtures("runs")
def test_tag(raysk):
    """The answer is the run, with its tags."""
    first = json.loads(raysk("runs", "tag", NAMES[0], "a", "b").out)
    second = json.loads(raysk("runs", "tag", NAMES[0], "paper", "--remove").out)
    assert (first["run"], first["tags"]) == (NAMES[0], ["paper", "\x1b[2J", "a", "b"])
    assert second["tags"] == ["\x1b[2J", "a", "b"]


def test_best_parameters_as_python_writes_them():
    """NaN is no None: the types of `params` count where there are any."""
    run = {"best_params": {"a": None, "b": [1, 2]}, "params": {"a": {"python": "nan"}, "b": {"python": "(1, 2)"}}}
    run["candidate"] = None
    assert view._best({**run, "varying": None}) == "a=nan b=(1, 2)"
    assert view._best({**run, "params": None, "varying": ["a"]}) == "a=None"


def test_what_a_run_is_shows_where_it_has_no_score():
    """A refit has no best candidate: it names the one that it fits, and stands as a refit."""
    fit = {"best_score": None, "kind": "refit", "candidate": "svc#2", "params": None, "best_params": None}
    assert (view._score(fit), view._best(fit)) == ("refit", "svc#2")
    assert view._score(fit | {"kind": None}) == ""
    assert view._score(fit | {"best_score": 0.5}) == "0.5"
    assert view._best(fit, 3) == "…"
