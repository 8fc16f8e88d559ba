"""Which run and which model a text means: latest, a name, a folder, or a file in one."""

import json
import os
import pickle

import pytest
from sklearn.svm import SVC

from raysk.errors import InputError
from raysk.history.run import open_run
from raysk.models.store import read_sidecar, save_model
from raysk.runs.folder import RunFolder
from raysk.runs.lookup import find_model, find_search, name_model, passed_over


def refused(call, *args):
    """Return the message of the error that a call raises, of at most five lines."""
    with pytest.raises(InputError) as caught:
        call(*args)
    assert len(str(caught.value).splitlines()) <= 5
    return str(caught.value)


def search_folder(root, name, age, journal):
    """Make a run folder whose journal has this content, and is so many seconds old."""
    folder = root / "raysk-runs" / name
    folder.mkdir(parents=True)
    (folder / "journal.jsonl").write_text(journal)
    os.utime(folder / "journal.jsonl", (1e9 - age, 1e9 - age))
    return folder


def test_the_latest_run_is_one_that_has_something_to_resume(here):
    """A search whose connection failed does not hide the one that was interrupted before it."""
    search_folder(here, "old", 30, "header\nfit\n")
    interrupted = search_folder(here, "interrupted", 20, "header\nfit\nfi")
    search_folder(here, "connected", 10, "header\n")
    newest = search_folder(here, "empty", 0, "")
    assert find_search("latest").root == interrupted
    assert passed_over(interrupted) == newest
    assert passed_over(newest) is None
    for name in ("old", "interrupted"):
        (here / "raysk-runs" / name / "journal.jsonl").write_text("")
        os.utime(here / "raysk-runs" / name / "journal.jsonl", (1, 1))
    assert find_search("latest").root == newest


@pytest.mark.usefixtures("here")
def test_a_latest_run_that_others_may_have_written_is_not_resumed():
    """What run.json says is carried out: one that was found is refused by name, one that was named is not."""
    folder = RunFolder.create(None, "shared")
    folder.path("journal.jsonl").write_text('{"schema": 1}\n{"index": 0}\n')
    folder.path("run.json").write_text("{}")
    folder.path("run.json").chmod(0o666)
    with pytest.raises(
        InputError, match=r"raysk-runs/shared(.|\n)*run.json' is writable(.|\n)*raysk resume raysk-runs/"
    ):
        find_search("latest")
    assert find_search(str(folder.root)) == folder


def test_the_run_of_a_fit_is_not_resumed(here):
    """The folder of a fit has no journal; the newest search is named, and not the folder itself."""
    (here / "raysk-runs" / "fit-1").mkdir(parents=True)
    search_folder(here, "fit-2", 0, "")
    said = refused(find_search, "raysk-runs/fit-1")
    assert said.splitlines() == [
        "'raysk-runs/fit-1' holds no journal.jsonl: it is not the folder of a search.",
        "The newest search is 'raysk-runs/fit-2'.",
    ]


def test_pipes_among_runs_are_not_waited_for(here):
    """A pipe where a journal or a manifest would be is none; a run beside it is found."""
    run = search_folder(here, "run", 0, "header\nfit\n")
    pipes = here / "raysk-runs" / "pipes"
    pipes.mkdir()
    for pipe in (pipes / "journal.jsonl", run / "run.json"):
        os.mkfifo(pipe)
    assert find_search("latest").root == run
    assert "does not say how the run was started" in refused(RunFolder(run).read_manifest)
    assert "holds no journal.jsonl" in refused(find_search, str(pipes))


def test_no_such_run(tmp_path):
    """A run that is not there is said to be none, with the folders of a name like it."""
    (tmp_path / "spec-2").mkdir()
    assert "There is no folder" in (said := refused(find_search, str(tmp_path / "spec-1")))
    assert f"Did you mean {tmp_path / 'spec-2'}?" in said
    assert refused(find_search, "n" * 5_000).endswith("n': File name too long.")


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("svc-wid", "svc-wide"),
        ("raysk-runs/svc-wid", "svc-wide"),
        ("svc-wide-20261129-101501", "svc-wide"),
        ("my", "my-20261129-090720"),
        ("my-2026", "my-20261129-090720"),
        ("twic", "twice-20261129-111500 or twice-20261129-101500"),
    ],
)
def test_the_run_that_was_meant(here, typed, meant):
    """By the name it was given or the beginning of its folder's, with what finds it: no name that two runs have."""
    given = {
        "svc-wide-20261129-101500": "svc-wide",
        "my-20261129-090720": None,
        "twice-20261129-101500": "twice",
        "twice-20261129-111500": "twice",
    }
    for age, (folder, name) in enumerate(given.items()):
        run = search_folder(here, folder, 0, "header\nfit\n")
        (run / "run.json").write_text(json.dumps({"name": name}))
        os.utime(run, (1e9 + age, 1e9 + age))
    for find in (find_search, open_run, lambda text: find_model(text, "raysk predict")):
        assert f"Did you mean {meant}" in refused(find, typed)
    assert find_model("svc-wid.pkl", "raysk predict") == "svc-wid.pkl"
    assert find_model("nothing", "raysk predict") == "nothing"


# --- the model of a run


def model_run(here, name, age, *, output=None, outcome="done"):
    """Make the folder of a run that saved its model there, or as an output; it is so many seconds old."""
    run = here / "raysk-runs" / name
    run.mkdir(parents=True)
    said = {"schema": 1, "job": {}, "outcome": outcome, "model": None}
    if outcome == "done":
        saved = save_model(SVC(C=age + 1), run / "model.pkl" if output is None else output, {})
        said |= {"model": str(saved), "model_sha256": read_sidecar(saved)["file"]["sha256"]}
    (run / "run.json").write_text(json.dumps(said))
    os.utime(run / "run.json", (1e9 - age, 1e9 - age))
    return run


@pytest.mark.parametrize(
    "text",
    ["latest", "new", "raysk-runs/new", "raysk-runs/new/", "raysk-runs/new/run.json", "raysk-runs/new/model.json"],
)
def test_the_model_of_a_run(here, text):
    """latest, a run's name, its folder and any file in it name the model of that run; one that failed has none."""
    model_run(here, "old", 60)
    model_run(here, "new", 30)
    model_run(here, "failed", 0, outcome="failed")
    assert find_model(text, "raysk predict") == "raysk-runs/new/model.pkl"


def test_the_latest_is_the_one_that_began_last(here):
    """A manifest that is changed later, as by a tag, does not make its run the latest."""
    for name, started, age in [("old", "2026-01-01T10:00:00", 0), ("new", "2026-01-02T10:00:00", 60)]:
        run = model_run(here, name, age)
        said = json.loads((run / "run.json").read_text()) | {"started": started}
        (run / "run.json").write_text(json.dumps(said))
        os.utime(run / "run.json", (1e9 - age, 1e9 - age))
    assert find_model("latest", "raysk predict") == "raysk-runs/new/model.pkl"


def test_a_model_file_is_itself(here):
    """A file, stdin and what is not there at all stay as they are, whatever runs there are."""
    model_run(here, "m.pkl", 0)
    (here / "m.pkl").write_bytes(pickle.dumps(SVC()))
    for text in ("m.pkl", "-", "no.pkl", "no/such/folder", "n" * 5_000, "nul\0l", "raysk-runs/m.pkl/model.pkl"):
        assert find_model(text, "raysk predict") == text
    (here / "latest").write_bytes(b"")
    assert find_model("latest", "raysk predict") == "latest"


def test_a_model_that_was_saved_elsewhere(here):
    """A run names where its model was saved; once another is there, it is not taken for that run's."""
    run = model_run(here, "one", 10, output=here / "best.pkl")
    assert find_model("one", "raysk predict") == "best.pkl"
    model_run(here, "two", 0, output=here / "best.pkl")
    assert find_model("latest", "raysk predict") == "best.pkl"
    assert "where another is by now" in refused(find_model, str(run), "raysk predict")


def test_no_model(here):
    """What has no model is named, with what became of it; a folder that is none of a run, with the models in it."""
    assert "No run in" in refused(find_model, "latest", "raysk predict")
    model_run(here, "cut", 0, outcome="interrupted")
    assert "No run in" in refused(find_model, "latest", "raysk predict")
    said = refused(find_model, "cut", "raysk predict")
    assert said == "The run in 'raysk-runs/cut' has no model: its outcome is 'interrupted'.\nName another run."
    (here / "raysk-runs/cut/journal.jsonl").write_text("header\nfit\n")
    assert refused(find_model, "cut", "raysk predict").splitlines()[1:] == [
        "Go on with it: raysk resume raysk-runs/cut",
        "Or fit the best of the candidates that are done: raysk refit raysk-runs/cut -o FILE",
    ]
    (here / "raysk-runs/cut/run.json").write_text('{"outcome": "done"}')
    assert refused(find_model, "cut", "raysk predict").endswith(
        "\nFit its best candidate: raysk refit raysk-runs/cut -o FILE"
    )
    (here / "models").mkdir()
    (here / "models" / "a.pkl").touch()
    assert "In it there is 'a.pkl'." in refused(find_model, "models", "raysk predict")


def test_a_candidate_of_a_run_has_no_model(here):
    """Only the best was saved: it is said how another one is fitted."""
    model_run(here, "svc", 0)
    said = refused(find_model, "svc#2", "raysk predict")
    assert said.splitlines() == [
        "svc#2: of a run only the model of its best candidate is saved: raysk predict svc",
        "Fit another one first: raysk refit svc --rank 2 -o FILE",
    ]
    assert find_model("other#2", "raysk predict") == "other#2"


def test_what_the_latest_model_is_called(here):
    """By the name that its run was given, or else its folder."""
    run = model_run(here, "svc-1", 0)
    assert name_model("latest", "raysk predict") == "svc-1"
    said = json.loads((run / "run.json").read_text()) | {"name": "wide"}
    (run / "run.json").write_text(json.dumps(said))
    assert name_model("latest", "raysk predict") == "wide"
    assert name_model("m.pkl", "raysk predict") == "m.pkl"


@pytest.mark.parametrize("said", [b"", b"{", b"[]", b"{}", b'{"model": 3}', b'{"model": ["x"]}', b"\xff" * 40])
def test_a_damaged_manifest_names_no_model(here, said):
    """A manifest of any content is passed over, and another run is found."""
    model_run(here, "good", 60)
    (model_run(here, "bad", 0, outcome="failed") / "run.json").write_bytes(said)
    assert find_model("latest", "raysk predict") == "raysk-runs/good/model.pkl"
    assert refused(find_model, "bad", "raysk predict")


def test_a_latest_model_that_others_may_have_written_is_not_loaded(here):
    """The run that was found is refused by name; one that was named is not."""
    run = model_run(here, "shared", 0)
    (run / "model.pkl").chmod(0o666)
    assert "may be somebody else's" in refused(find_model, "latest", "raysk predict")
    assert find_model("shared", "raysk predict") == "raysk-runs/shared/model.pkl"


def test_a_search_by_name(here):
    """A search is found by its name, and by a file in its folder, too."""
    run = search_folder(here, "spec-1", 0, "header\nfit\n")
    for text in ("spec-1", "raysk-runs/spec-1/journal.jsonl"):
        assert find_search(text).root == run
    assert "Did you mean" in refused(find_search, "spec-2")
