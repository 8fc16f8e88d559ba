"""Errors that say where a value is from, and which of two arguments is which."""

from __future__ import annotations

import pickle

import pytest
from sklearn.svm import SVC

from raysk.cli.app import app
from raysk.errors import InputError, UsageError
from raysk.model_jobs import PredictJob
from raysk.runner.loaded import Loaded


@pytest.fixture
def said(tmp_path, monkeypatch):
    """Return the message of the UsageError that a command ends with, in a folder of its own."""
    monkeypatch.chdir(tmp_path)

    def run(*arguments):
        with pytest.raises(UsageError) as caught:
            app([*arguments], prog_name="raysk")
        return str(caught.value)

    return run


@pytest.mark.parametrize("value", ["1", "many"])
def test_a_variable_is_named_if_the_value_is_from_there(said, monkeypatch, value):
    """A bad value is shown, and its variable only if it was not typed."""
    monkeypatch.setenv("RAYSK_CV", value)
    assert f"--cv {value}: " in (text := said("search", "spec.py"))
    assert text.endswith("\n--cv is set by RAYSK_CV.")
    assert "RAYSK_CV" not in said("search", "spec.py", "--cv", value)


def test_a_bad_value_is_shown_with_its_option(said):
    """Also where the option is no setting."""
    assert said("bench", "--scale", "5%").startswith("--scale 5%: ")


def test_the_projects_file_is_named(said, tmp_path):
    """So is pyproject.toml."""
    (tmp_path / "pyproject.toml").write_text("[tool.raysk]\ntime-budget = 'x'\n")
    assert said("search", "spec.py").endswith("\n--time-budget is set by pyproject.toml.")


def test_swapped_arguments(tmp_path):
    """Where DATA looks like a model and MODEL does not, the message says so."""
    (tmp_path / "train.csv").write_text("d,age\n1,2\n")
    (tmp_path / "m.pkl").write_bytes(pickle.dumps(SVC()))
    with pytest.raises(InputError, match="may be swapped"):
        Loaded(PredictJob(model=str(tmp_path / "train.csv"), data=str(tmp_path / "m.pkl")))
