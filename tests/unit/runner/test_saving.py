"""What cannot be written does not cost the result: the error waits until the summary is out."""

from __future__ import annotations

import errno
import os
import tempfile
from pathlib import Path
from types import SimpleNamespace

import pytest
from sklearn.model_selection import GridSearchCV
from sklearn.svm import SVC

from raysk.cli import running
from raysk.cli.keeping import Keeper, Kept, with_model
from raysk.cli.streams import DataOut
from raysk.errors import ClusterError, InputError
from raysk.runs.folder import RunFolder
from raysk.util.writing import write_text


@pytest.fixture
def keeper(tmp_path):
    with (tmp_path / "out").open("w") as file:
        yield Keeper(None, DataOut(file), verify=False)


@pytest.fixture
def full(monkeypatch):
    """Make every file that is written atomically meet a full disk."""

    def fsync(_descriptor):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", fsync)


@pytest.mark.usefixtures("full")
def test_an_error_is_put_off(keeper, tmp_path):
    """A model that does not fit on the disk is none in the summary, and an error afterwards; what was there stays."""
    (tmp_path / "model.pkl").write_text("old")
    assert keeper.save(SVC().fit([[0], [1]], [0, 1]), RunFolder(tmp_path), {}, [[0]]) is None
    assert (tmp_path / "model.pkl").read_text() == "old"
    with pytest.raises(InputError, match=r"model.pkl' cannot be written: the disk is full"):
        keeper.raise_errors()


@pytest.mark.usefixtures("full")
def test_every_file_is_named(keeper, tmp_path):
    """Several files that could not be written are one error in at most five lines."""
    for number in range(7):
        with keeper.putting_errors_off():
            write_text(tmp_path / f"file-{number}", "text")
    with pytest.raises(InputError) as caught:
        keeper.raise_errors()
    lines = str(caught.value).splitlines()
    assert len(lines) == 5
    assert [f"file-{number}" in line for number, line in enumerate(lines[:4])] == [True] * 4
    assert "Free some space" in lines[-1]


def test_only_what_cannot_be_written_is_put_off(keeper):
    """Other errors pass, and without any there is nothing to raise."""
    keeper.raise_errors()
    with pytest.raises(ClusterError), keeper.putting_errors_off():
        raise ClusterError("gone")
    keeper.raise_errors()


def test_a_model_for_stdout_that_is_none_leaves_stdout_alone():
    """Where stdout is for the model, the summary does not take its place."""
    with tempfile.TemporaryFile("w+") as file:
        out = DataOut(file)
        assert Keeper(Path("-"), out).finish(SimpleNamespace(quiet=False)) is not out


class Meanwhile(SVC):
    """A model that somebody else saves first."""

    def __getstate__(self):
        self.place.write_text("theirs")
        return super().__getstate__()


def test_two_that_save_the_same_model(tmp_path, monkeypatch):
    """Who comes second is told, loses nothing, and does not take the other's file for its own; --force replaces it."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "run").mkdir()
    model, folder = Meanwhile().fit([[0], [1]], [0, 1]), RunFolder(tmp_path / "run")
    model.place = tmp_path / "m.pkl"
    with (tmp_path / "out").open("w") as file:
        kept = Kept(output=Path("m.pkl"))
        keeper = kept.keeper(DataOut(file), verify=False)
        monkeypatch.chdir("/")  # as the person's code may
        assert keeper.save(model, folder, {}, [[0]]) == str(tmp_path / "run" / "model.pkl")
        assert (tmp_path / "m.pkl").read_text() == "theirs"
        assert not (tmp_path / "m.json").exists()
        assert kept.outputs(keeper.lost) == []
        with pytest.raises(InputError, match=r"m.pkl' was not there when .*\n.*--force"):
            keeper.raise_errors()
        monkeypatch.chdir(tmp_path)
        forced = Kept(output=Path("m.pkl"), force=True)
        assert forced.keeper(DataOut(file), verify=False).save(model, folder, {}, [[0]]) == str(tmp_path / "m.pkl")
        assert forced.outputs() == [str(tmp_path / "m.pkl")]


def test_what_checks_the_model_is_started_first(tmp_path, monkeypatch):
    """Another Python gets ready before Ray is started and the file read; it ends where no model will be fitted."""
    monkeypatch.setattr(running, "as_typed", lambda _: [])
    with (tmp_path / "out").open("w") as file, Keeper(None, DataOut(file)) as keeper:

        def start_ray(_sink):
            assert keeper._other._process.poll() is None
            raise ClusterError("no Ray")

        where, context = SimpleNamespace(starting=start_ray), SimpleNamespace(info_name="search")
        with pytest.raises(ClusterError):
            running.carry_out(
                where,
                print,
                context=context,
                file="",
                kept=Kept(),
                make_job=None,
                keep=None,
                keeper=keeper,
                tally=None,
            )
        for refit, runs in ((True, True), (False, False)):
            job = SimpleNamespace(search=GridSearchCV(SVC(), {"C": [1]}, refit=refit))
            with_model(lambda _, job=job: job, None, keeper)(None)
            assert (keeper._other._process.poll() is None) == runs
