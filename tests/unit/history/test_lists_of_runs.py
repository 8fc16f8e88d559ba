"""Lists of runs, from run.json alone, and what changes runs afterwards: rm and tag."""

from __future__ import annotations

import fcntl
import json
import os
import platform
from pathlib import Path

import pytest

from raysk.errors import InputError, UsageError
from raysk.history.changing import removable, remove_run, tag_run
from raysk.history.run import Run, open_run
from raysk.history.summaries import list_runs, summarize
from raysk.runs.folder import RunFolder
from raysk.runs.journal import BEGINNING
from raysk.runs.lookup import find_run

SEARCHED = {
    "schema": 1,
    "outcome": "done",
    "started": "2026-11-24T10:00:00.000+01:00",
    "ended": "2026-11-24T10:01:30.000+01:00",
    "job": {"command": "search"},
    "data": {"rows": 150, "features": 4, "source": "spec.py:X"},
    "best": {"metric": "accuracy", "best_score": 0.5, "best_score_std": 0.25, "best_params": {"C": 1, "k": "rbf"}},
    "varying": ["C"],
    "fits": 30,
    "fits_failed": 1,
    "tags": ["paper"],
}


@pytest.fixture
def root(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path / "raysk-runs"


@pytest.fixture
def make(root):
    """Return a function that leaves a run with this manifest, changed so, and these files besides."""

    def make_run(folder_name, *files, **changes):
        folder = root / folder_name
        folder.mkdir(parents=True)
        (folder / "run.json").write_text(json.dumps(SEARCHED | changes))
        for file in files:
            (folder / file).parent.mkdir(exist_ok=True)
            (folder / file).write_bytes(BEGINNING if file.endswith(".jsonl") else b"")
        return folder

    return make_run


def refused(call, *args, kind=InputError):
    """Return the message of the error that a call raises, of at most five lines."""
    with pytest.raises(kind) as caught:
        call(*args)
    assert len(str(caught.value).splitlines()) <= 5
    return str(caught.value)


def test_a_run_in_short(make):
    """What matters of a search, of nested cross-validation, and of a fit with data held out."""
    said = summarize(Run(make("first")))
    assert (said["run"], said["name"], said["state"], said["command"]) == ("first", None, "done", "search")
    assert (said["metric"], said["best_score"], said["best_score_std"]) == ("accuracy", 0.5, 0.25)
    assert (said["best_params"], said["varying"]) == ({"C": 1, "k": "rbf"}, ["C"])
    assert (said["fits"], said["fits_failed"], said["duration_s"], said["tags"]) == (30, 1, 90.0, ["paper"])
    assert said["fault"] is None
    nested = summarize(Run(make("second", best=None, scores={"test_f1": {"mean": 0.75, "std": 0.5}})))
    assert (nested["metric"], nested["best_score"], nested["best_score_std"]) == ("f1", 0.75, 0.5)
    scores = {"test_r2": {"mean": 0.75, "std": 0.5}, "test_f1": {"mean": 0.5, "std": 0.25}}
    cv = summarize(Run(make("fourth", best={"metric": None, "best_score": None}, scores=scores)))
    assert (cv["metric"], cv["best_score"], cv["best_score_std"]) == ("r2", 0.75, 0.5)
    several = summarize(Run(make("fifth", best=None, scores=scores, metric="f1")))
    assert (several["metric"], several["best_score"], several["best_score_std"]) == ("f1", 0.5, 0.25)
    fit = summarize(Run(make("third", best=None, test_score=0.25)))
    assert (fit["metric"], fit["best_score"], fit["best_score_std"]) == (None, 0.25, None)


def test_a_refit_names_its_candidate(make, root):
    """By the name that the search was given, or else its folder, and the rank."""
    make("svc-1", name="svc")
    make("bare")

    def refit(name, **said):
        return summarize(Run(make(name, best=None, job={"command": "fit", "candidate": said})))

    said = refit("second", run=str(root / "svc-1"), rank=2)
    assert (said["command"], said["kind"], said["candidate"]) == ("fit", "refit", "svc#2")
    assert refit("third", run=str(root / "bare"), rank=1)["candidate"] == "bare#1"
    assert refit("fourth", run=str(root / "gone"), rank=1)["candidate"] == "gone#1"
    for number, damaged in enumerate([{"run": 3, "rank": 1}, {"run": "a\0b", "rank": 1}, {"run": "a", "rank": "x"}]):
        refit(f"damaged-{number}", **damaged)
    assert summarize(Run(root / "svc-1"))["kind"] == "search"
    assert summarize(Run(root / "svc-1"))["candidate"] is None


def test_states(make):
    """Who says to be running, and holds no journal and is no process here, has crashed."""
    going = make("going", "journal.jsonl", outcome="running")
    with (going / "journal.jsonl").open("rb") as journal:
        fcntl.flock(journal, fcntl.LOCK_EX)
        assert Run(going).state == "running"
        assert summarize(Run(going))["duration_s"] > 0
    assert Run(going).state == "crashed"
    child = os.fork()
    if not child:
        os._exit(0)
    os.waitpid(child, 0)
    here = platform.node()
    known = [(here, os.getpid(), "running"), (here, child, "crashed")]
    unknown = [("elsewhere", child, "running"), (here, "?", "running")]
    for number, (host, pid, state) in enumerate(known + unknown):
        fit = make(f"fit-{number}", outcome="running", process={"host": host, "pid": pid})
        assert Run(fit).state == state
    assert [Run(make(said, outcome=said)).state for said in ("interrupted", "failed")] == ["interrupted", "failed"]


DAMAGED = [
    *("", "{", "[]", "nan", "{}", '{"schema": 2}'),
    '{"schema": 1, "best": [], "data": 3, "fits": "x", "tags": {"a": 1}}',
    '{"schema": 1, "started": 5, "varying": 1, "best": {"best_score": NaN, "best_params": []}, "job": "x"}',
    '{"schema": 1, "fits": 1' + "0" * 400 + ', "scores": {"test_score": 1}, "started": "0001-01-01", "ended": "x"}',
]


@pytest.mark.parametrize("text", DAMAGED)
def test_damaged_manifests_are_listed(make, root, text):
    """Whatever run.json holds: of the run there is a line, and what is not known is None."""
    make("good")
    (make("bad", "journal.jsonl") / "run.json").write_text(text)
    found = {each["run"]: each for each in list_runs()}
    assert (found["good"]["fault"], found["bad"]["state"]) == (None, "unknown")
    assert found["bad"]["best_score"] is found["bad"]["fits"] is found["bad"]["metric"] is None
    assert (found["bad"]["fault"] is None) == ('"schema": 1' in text)
    json.dumps(list(found.values()), allow_nan=False)
    if found["bad"]["fault"]:
        assert found["bad"]["fault"] in refused(tag_run, "bad", "x")
        assert (root / "bad" / "run.json").read_text() == text
    (root / "bad" / "run.json").unlink()
    assert list_runs(root / "bad")[0]["fault"] == "run.json is missing"


def test_which_folder_is_listed(make, root, tmp_path):
    """raysk-runs here, any folder of runs, the folder above raysk-runs, or one run."""
    assert list_runs() == []
    run = make("first")
    (root / "other").mkdir()
    (root / "other" / "notes.txt").touch()
    (root / "file").touch()
    (root / "gone").symlink_to("nowhere")
    for folder in (None, root, "raysk-runs", tmp_path, run):
        assert [each["run"] for each in list_runs(folder)] == ["first"]
    assert list_runs(root / "other") == []
    assert "'raysk-run' is not there" in (text := refused(list_runs, "raysk-run"))
    assert "Did you mean" in text
    assert "is a file" in refused(list_runs, run / "run.json")
    for strange in ("x" * 5000, "a\0b"):
        refused(list_runs, strange)


def test_orders(make):
    """Runs of one metric stand together, and what has no score comes last; times are compared, not their texts."""
    make("a", started="2026-11-24T10:00:00+05:00", best={"metric": "r2", "best_score": 0.1})
    make("B", started="2026-11-24T09:00:00+00:00", best={"metric": "r2", "best_score": 0.9}, fits=None)
    make("c", started="2026-11-24T08:00:00+00:00", best={"metric": "f1", "best_score": 0.5}, name="zz")
    make("d", started="2026-11-24T07:00:00+00:00", best=None, fits=99)

    def order(**said):
        return "".join(each["run"] for each in list_runs(**said))

    assert order() == "Bcda"
    assert order(sort="score") == "cBad"
    assert order(sort="name") == "aBdc"
    assert order(sort="fits")[0], order(sort="fits")[-1] == "dB"
    assert order(sort="score", limit=2) == "cB"
    assert "Did you mean score?" in refused(lambda: list_runs(sort="scor"), kind=UsageError)
    refused(lambda: list_runs(limit=0), kind=UsageError)


def test_a_given_name_finds_its_run(make):
    """A folder's name comes first; a name of two runs says which they are."""
    first, second = make("first", name="svm"), make("svm-2", name="second")
    assert find_run("svm") == first
    assert open_run("second").folder == second
    make("third", name="svm")
    assert "2 runs have the name 'svm': first, third" in refused(open_run, "svm")
    assert find_run(make("svm").name).name == "svm"


def test_removing_a_run_leaves_what_is_not_of_it(make, root, tmp_path):
    """Files that others put there stay and are named, as does what links lead to, and what was saved elsewhere."""
    model = tmp_path / "model.pkl"
    model.touch()
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "results.csv").touch()
    (elsewhere / "3-0.pkl").touch()
    kept = ("estimators/3-0.pkl", "estimators/3-0.json")
    whole = make("whole", "journal.jsonl", "results.csv", "model.pkl", ".run.json.abc.tmp", *kept, model=str(model))
    assert remove_run("whole") == []
    assert not whole.exists()
    folds = make("folds", "outer-1/journal.jsonl", "outer-1/results.csv", "outer-2/journal.jsonl", "outer-2/mine.txt")
    (folds / "outer-3").symlink_to(elsewhere)
    (folds / "estimators").symlink_to(elsewhere)
    assert remove_run(folds) == [folds / "estimators", folds / "outer-2", folds / "outer-3"]
    assert list((folds / "outer-2").iterdir()) == [folds / "outer-2" / "mine.txt"]
    assert {path.name for path in elsewhere.iterdir()} == {"results.csv", "3-0.pkl"}
    assert model.exists()
    assert root.is_dir()


def test_what_is_not_removed(make, root, tmp_path):
    """A run that goes on, a folder that is none, what is named by a link or by a file in it: nothing goes then."""
    good, link = make("good"), root / "link"
    link.symlink_to(good)
    mine = tmp_path / "mine"
    mine.mkdir()
    for name in ("results.csv", "run.json"):
        (mine / name).write_text('{"my": "own"}')
    going = make("going", "journal.jsonl", outcome="running")
    with (going / "journal.jsonl").open("rb") as journal:
        fcntl.flock(journal, fcntl.LOCK_EX)
        assert "is running" in refused(removable, ["good", "going"])
    assert "is a link" in refused(removable, ["good", str(link)])
    assert "is a file of a run" in refused(removable, [str(good / "run.json")])
    assert "shows that raysk wrote it" in refused(removable, [str(mine)])
    for none in (root, tmp_path, "nothing", "..", "/"):
        refused(removable, ["good", str(none)])
    assert {path.name for path in root.iterdir()} == {"good", "link", "going"}
    assert len(list(mine.iterdir())) == 2
    assert [run.name for run in removable(["good", str(good), "going", "latest"])] == ["good", "going"]
    half = make("half", "journal.jsonl")
    (half / "run.json").unlink()
    assert remove_run("half") == []


def test_tags_come_and_go(make):
    """Each once, in their order; all else in run.json stays."""
    folder = make("first", odd="é\ud800")
    before = json.loads((folder / "run.json").read_text())
    assert tag_run("latest", "b", "paper", "b") == ["paper", "b"]
    assert tag_run(folder, "paper", remove=True) == ["b"]
    assert json.loads((folder / "run.json").read_text()) == before | {"tags": ["b"]}
    assert "has no tag c, d.\nIts tags are: b." in refused(lambda: tag_run("first", "c", "b", "d", remove=True))
    for tag in ("", " a", "-a", "a\nb", "x" * 101):
        refused(tag_run, "first", tag, kind=UsageError)
    refused(tag_run, "first", kind=UsageError)
    assert {path.name for path in Path(folder).iterdir()} == {"run.json"}


def test_a_tag_and_the_end_of_a_run_do_not_undo_each_other(make):
    """run.json is read and rewritten while nobody else rewrites it."""
    folder = RunFolder(make("first", outcome="running"))
    ended = dict(folder.said(), outcome="done")
    tag_run(folder.root, "while-it-ran")
    folder.change_manifest(lambda said: ended | {"tags": said["tags"]})
    assert (folder.said()["outcome"], folder.said()["tags"]) == ("done", ["paper", "while-it-ran"])
