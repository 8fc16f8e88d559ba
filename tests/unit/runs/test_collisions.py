"""Outputs that would destroy one another, what is read, or a run: exit 2 before anything runs."""

import json
import os
import sys

import pytest

from raysk.cli.app import app
from raysk.errors import InputError, UsageError
from raysk.runs.collisions import MODEL, check_distinct

SPEC = "raise SystemExit('the job began')"


@pytest.fixture
def here(tmp_path, monkeypatch):
    """Work in a folder with a spec, data, a model with its description, a run, and links to them."""
    folder = tmp_path / "my work"
    (folder / "run").mkdir(parents=True)
    monkeypatch.chdir(folder)
    monkeypatch.setattr(sys, "argv", ["raysk"])
    (folder / "spec.py").write_text(SPEC)
    for name in ("data.csv", "m.pkl", "m.csv"):
        (folder / name).write_text("a\n1\n")
    (folder / "m.json").write_text(json.dumps({"kind": "raysk-model", "file": {"name": "m.pkl"}}))
    (folder / "run" / "run.json").write_text(json.dumps({"job": {}, "outcome": "done"}))
    (folder / "run" / "journal.jsonl").write_text('{"raysk": "journal"}\n')
    (folder / "link.csv").symlink_to("x.csv")
    (folder / "loop").symlink_to(".")
    os.link("data.csv", "hard.csv")
    os.link("run/journal.jsonl", "hard.jsonl")
    return folder


SAME = "are the same file"
RUN = "belongs to the run"
READ = "would replace what is read"
TAKEN = "is where"

REFUSED = {
    "one name": (["search", "spec.py", "-o", "x.csv", "--results", "x.csv"], SAME),
    "two spellings": (["search", "spec.py", "-o", "./x.csv", "--results", "../my work/x.csv"], SAME),
    "through a link to a file": (["search", "spec.py", "-o", "link.csv", "--results", "x.csv"], SAME),
    "through a link to a folder": (["search", "spec.py", "-o", "loop/x.csv", "--results", "x.csv"], SAME),
    "another name on the disk": (["search", "spec.py", "-o", "data.csv", "--results", "hard.csv", "--force"], SAME),
    "the description": (["search", "spec.py", "-o", "new.pkl", "--results", "new.json"], SAME),
    "journal as table": (["search", "spec.py", "--results", "run/journal.jsonl", "--force"], RUN),
    "journal as model": (["search", "spec.py", "-o", "run/journal.jsonl", "--force"], RUN),
    "journal of a fit": (["fit", "spec.py", "-o", "run/journal.jsonl", "--force"], RUN),
    "description in a run": (["search", "spec.py", "--results", "run/model.json"], RUN),
    "description beside": (["fit", "spec.py", "-o", "run/run.pkl", "--force"], RUN),
    "another model in a run": (["fit", "spec.py", "-o", "run/model.joblib", "--force"], RUN),
    "table over another run's": (["search", "spec.py", "--results", "run/results.csv"], RUN),
    "journal of this run": (
        ["search", "spec.py", "--run-dir", "run", "--force", "--results", "run/journal.jsonl"],
        RUN,
    ),
    "journal by another name": (["search", "spec.py", "--run-dir", "run", "--force", "--results", "hard.jsonl"], RUN),
    "journal of an old run": (["search", "spec.py", "--resume", "run", "--results", "run/journal.jsonl"], RUN),
    "predictions as journal": (["predict", "m.pkl", "data.csv", "-o", "run/journal.jsonl", "--force"], RUN),
    "file of a run to be": (["search", "spec.py", "--run-dir", "new", "--results", "new/model.json"], RUN),
    "the run folder": (["fit", "spec.py", "--run-dir", "x", "-o", "x"], TAKEN),
    "around the run folder": (["fit", "spec.py", "--run-dir", "x.pkl/run", "-o", "x.pkl"], TAKEN),
    "all run folders": (["fit", "spec.py", "-o", "raysk-runs"], TAKEN),
    "spec": (["fit", "spec.py", "-o", "spec.py", "--force"], READ),
    "spec with a name": (["fit", "spec.py:a", "-o", "spec.py", "--force"], READ),
    "data": (["search", "spec.py", "--data", "data.csv", "--results", "hard.csv", "--force"], READ),
    "data of a fit": (["fit", "spec.py", "--data", "data.csv", "-o", "data.csv", "--force"], READ),
    "a model that goes on": (["fit", "m.pkl", "-o", "m.pkl", "--force"], READ),
    "a model of the run": (["fit", "run/model.pkl", "--run-dir", "run", "--force"], "written anew"),
    "rows to predict": (["predict", "m.pkl", "data.csv", "-o", "data.csv", "--force"], READ),
    "rows on stdin": (["predict", "m.pkl", "-", "-o", "data.csv", "--force"], READ),
    "model that predicts": (["predict", "m.pkl", "data.csv", "-o", "m.pkl", "--to", "csv", "--force"], READ),
    "its description": (["predict", "m.pkl", "data.csv", "-o", "m.json", "--to", "csv", "--force"], READ),
    "stdout": (["search", "spec.py", "--results", "out.csv", "--force"], "it is stdout"),
    "stdout that is read": (["predict", "m.pkl", "out.csv"], "stdout is the file that is read: DATA out.csv"),
    "stdout that is scored": (["score", "m.pkl", "out.csv"], "stdout is the file that is read: DATA out.csv"),
    "stdout that is fitted": (["fit", "spec.py", "--data", "out.csv"], "stdout is the file that is read: --data out"),
    "stdout of predictions": (["predict", "m.pkl", "data.csv", "-o", "out.csv", "--force"], "it is stdout"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_collides_is_refused(here, monkeypatch, name):
    """Links, other spellings, hard links and streams hide nothing; every file stays as it was."""
    arguments, said = REFUSED[name]
    (here / "run" / "model.pkl").write_text("a model")
    before = {path: path.read_bytes() for path in here.rglob("*") if path.is_file()}
    with (here / "out.csv").open("w") as out, (here / "data.csv").open() as rows:
        monkeypatch.setattr("raysk.runs.collisions._STREAMS", {"stdout": out.fileno()})
        saved = os.dup(0)
        os.dup2(rows.fileno(), 0)
        try:
            with pytest.raises(UsageError) as caught:
                app(arguments)
        finally:
            os.dup2(saved, 0)
            os.close(saved)
    assert len(str(caught.value).splitlines()) <= 5
    assert said in str(caught.value)
    assert {path: path.read_bytes() for path in before} == before


FINE = {
    "two files": ["search", "spec.py", "-o", "x.csv", "--results", "y.csv", "--dry-run"],
    "letters of another case": ["search", "spec.py", "-o", "x.csv", "--results", "X.csv", "--dry-run"],
    "the run's own places": ["search", "spec.py", "-o", "new/model.pkl", "--results", "new/results.csv"],
    "nothing twice": ["fit", "spec.py", "-o", "/dev/null", "--data", "/dev/null", "--dry-run"],
    "a folder that looks like a run": ["fit", "spec.py", "-o", "looks/model.pkl", "--dry-run"],
}


@pytest.mark.parametrize("name", FINE)
def test_what_does_not_collide_is_not(here, name):
    """Other files, devices, and the places that a run would write to anyway are let through: the job begins."""
    (here / "new").mkdir()
    (here / "looks").mkdir()
    (here / "looks" / "run.json").write_text('{"name": "somebody\'s own"}')
    arguments = FINE[name] + (["--run-dir", "new", "--dry-run"] if "new/model.pkl" in FINE[name] else [])
    with pytest.raises(InputError, match="the job began"):
        app(arguments)


def test_pipes_beside_an_output_are_not_waited_for(here):
    """What lies in the folder of an output, under the names of a run's files, may be anything."""
    for name in ("run.json", "journal.jsonl"):
        os.mkfifo(here / name)
    check_distinct({MODEL: here / "model.pkl"}, {})


@pytest.mark.parametrize("scheme", ["file", "local"])
def test_a_uri_of_this_machine_is_what_it_names(here, scheme):
    """Data that is read by a URI is not replaced either."""
    with pytest.raises(UsageError, match="would replace what is read"):
        check_distinct({MODEL: here / "data.csv"}, {"DATA": f"{scheme}://{here / 'data.csv'}"})


def test_a_uri_with_escapes(tmp_path):
    """What a URI of this machine names is seen through its escapes."""
    table = tmp_path / "my table.csv"
    table.write_text("a\n1\n")
    with pytest.raises(UsageError, match="would replace what is read"):
        check_distinct({"-o": table}, {"DATA": table.as_uri()})
