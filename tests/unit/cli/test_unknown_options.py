"""An option that a command does not have is answered with the one that was meant, or with none."""

from __future__ import annotations

import joblib
import pytest

from raysk.cli.app import app
from raysk.cli.options.unknown import MEANT
from raysk.errors import UsageError
from raysk.jobs import Resources
from raysk.runner.where import Where


def said(*arguments):
    with pytest.raises(UsageError) as caught:
        app([*arguments], prog_name="raysk")
    return str(caught.value)


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        (["search", "s.py", "--n-jobs", "4"], "--workers?"),
        (["fit", "s.py", "--n_jobs=4"], "--workers?"),
        (["predict", "m.pkl", "t.csv", "--n-jobs=4"], "--workers?"),
        (["search", "s.py", "--random-state=0"], "--seed?"),
        (["search", "s.py", "--metric", "f1"], "--scoring?"),
        (["search", "s.py", "--scorin", "f1"], "--scoring?"),
        (["search", "s.py", "--time", "3m"], "--time-budget?"),
        (["model", "show", "m.pkl", "--jsn"], "--json?"),
        (["predict", "m.pkl", "t.csv", "--proba"], "--method predict_proba?"),
        (["predict", "m.pkl", "t.csv", "--predict_proba"], "--method predict_proba?"),
    ],
)
def test_what_was_meant(typed, meant):
    """By another tool's name, by its beginning, or by a slip of the fingers."""
    text = said(*typed)
    assert text.startswith("No such option: --")
    assert text.endswith(f"Did you mean {meant}")


@pytest.mark.parametrize("option", ["--rest-rows", "--weights-only", "-Z", "--xyz"])
def test_nothing_is_made_up(option):
    """What is merely alike, as --results to --test-size, is not said; what holds control characters is escaped."""
    text = said("search", "s.py", option, "1")
    assert text == f"No such option: {option}\n'raysk search --help' lists its options."
    assert "\x1b" not in said("search", "s.py", "--\x1b[31m")


def test_all_that_is_suggested_exists():
    """Each of raysk's options in the list is one of some command."""
    from typer.main import get_command

    commands = get_command(app).commands.values()
    every = {name for command in commands for param in command.params for name in param.opts}
    assert {f"--{name}" for name in MEANT} <= every


@pytest.mark.parametrize(
    ("variable", "named"),
    [
        ("RAYSK_CV", "--cv 1: at least 2 folds"),
        ("RAYSK_WORKERS", "--workers 0: "),
        ("RAYSK_TIME_BUDGET", "--time-budget soon: "),
        ("RAYSK_MEMORY_PER_FIT", "--memory-per-fit much: "),
        ("RAYSK_SCORING", "--scoring f2: "),
    ],
)
def test_a_setting_that_no_command_could_use(monkeypatch, tmp_path, capfd, variable, named):
    """The settings are shown, and it is said which is wrong, why, and where it is from."""
    value = named.split()[1].rstrip(":")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv(variable, value)
    assert (text := said("config")).startswith(named)
    assert text.endswith(f" is set by {variable}.")
    assert value in capfd.readouterr().out


def test_a_backend_that_nobody_has_registered(monkeypatch):
    """Those of joblib are known, and one that the person's file has registered; no other, also for a dry run."""
    monkeypatch.setitem(joblib.parallel.BACKENDS, "mine", joblib.parallel.BACKENDS["threading"])
    for name in (None, "raysk", "ray", "loky", "dask", "mine"):
        Where(address=None, resources=Resources(), backend=name).check_backend()
    with pytest.raises(UsageError, match=r"^--backend lokey: .* Known: .*loky"):
        Where(address=None, resources=Resources(), backend="lokey").check_backend()
