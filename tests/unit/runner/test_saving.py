"""What cannot be written does not cost the result: the error waits until everything else is written."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest
from sklearn.model_selection import GridSearchCV
from sklearn.svm import SVC

from raysk.errors import ClusterError, InputError, UsageError
from raysk.events import Remark, null_sink
from raysk.runner.outputs import Outputs
from raysk.runner.saving import Saver
from raysk.runs.folder import RunFolder
from raysk.util.writing import write_text


def saver(**said):
    return Saver(Outputs(verify=False, **said), null_sink)


@pytest.fixture
def full(monkeypatch):
    """Make every file that is written atomically meet a full disk."""

    def fsync(_descriptor):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", fsync)


@pytest.mark.usefixtures("full")
def test_an_error_is_put_off(tmp_path):
    """A model that does not fit on the disk has no path, and an error afterwards; what was there stays."""
    (tmp_path / "model.pkl").write_text("old")
    saving = saver()
    assert saving.save_model(SVC().fit([[0], [1]], [0, 1]), RunFolder(tmp_path), {}) is None
    assert (tmp_path / "model.pkl").read_text() == "old"
    assert "model.pkl' cannot be written: the disk is full" in str(saving.error)


@pytest.mark.usefixtures("full")
def test_every_file_is_named(tmp_path):
    """Several files that could not be written are one error in at most five lines."""
    saving = saver()
    for number in range(7):
        with saving.putting_errors_off():
            write_text(tmp_path / f"file-{number}", "text")
    lines = str(saving.error).splitlines()
    assert len(lines) == 5
    assert [f"file-{number}" in line for number, line in enumerate(lines[:4])] == [True] * 4
    assert "Free some space" in lines[-1]


def test_only_what_cannot_be_written_is_put_off():
    """Other errors pass, and without any there is nothing to raise."""
    saving = saver()
    with pytest.raises(ClusterError), saving.putting_errors_off():
        raise ClusterError("gone")
    assert saving.error is None


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
    outputs = Outputs(output=Path("m.pkl"), verify=False)
    saving = Saver(outputs, null_sink)
    monkeypatch.chdir("/")  # as the person's code may
    assert saving.save_model(model, folder, {}) == tmp_path / "run" / "model.pkl"
    assert (tmp_path / "m.pkl").read_text() == "theirs"
    assert not (tmp_path / "m.json").exists()
    assert outputs.written(saving.lost) == []
    with pytest.raises(InputError, match=r"m.pkl' appeared after .*\n.*--force"):
        raise saving.error
    monkeypatch.chdir(tmp_path)
    forced = Outputs(output=Path("m.pkl"), force=True, verify=False)
    assert Saver(forced, null_sink).save_model(model, folder, {}) == tmp_path / "m.pkl"
    assert forced.written() == [str(tmp_path / "m.pkl")]


def test_a_model_is_verified_unless_none_will_be_fitted(tmp_path):
    """Another Python is ready before the job is read; where a search fits no model it ends at once."""
    said = []
    model = SVC().fit([[0], [1]], [0, 1])
    with Saver(Outputs(), said.append) as saving:
        saving.expect(GridSearchCV(SVC(), {"C": [1]}))
        path = saving.save_model(model, RunFolder(tmp_path), {})
        saving.verify(path, model, [[0], [1]])
        path.write_bytes(b"damaged")
    assert [event.name for event in said] == ["verifying"]
    with Saver(Outputs(), said.append) as saving:
        saving.expect(GridSearchCV(SVC(), {"C": [1]}, refit=False))
        saving.verify(path, model, [[0], [1]])
    with Saver(Outputs(), said.append) as saving, pytest.raises(InputError, match="cannot load it"):
        saving.verify(path, model, [[0], [1]])
    assert not [event for event in said if isinstance(event, Remark)]


def test_no_model_to_save():
    """A search with refit=False fits no model that an output could have."""
    search = GridSearchCV(SVC(), {"C": [1]}, refit=False)
    Outputs().check_fits_model(search, "s")
    with pytest.raises(UsageError, match=r"-o m\.pkl: the search in 's' has refit=False"):
        Outputs(output=Path("m.pkl")).check_fits_model(search, "s")
