"""With which arguments an earlier command starts again when it is resumed, with more or without."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import typer

from raysk.cli import settings
from raysk.cli.app import app
from raysk.cli.commands import resume


@pytest.fixture(scope="module")
def root():
    return typer.Context(typer.main.get_command(app), info_name="raysk")


@pytest.fixture(scope="module")
def search(root):
    return root.command.commands["search"]


def restarted(root, then, now):
    """Return the arguments with which a search starts again, but for those that say of which run."""
    context = resume.resumed(root, Path("run"), then.split(), now.split())
    again = settings.as_typed(context)
    parsed = context.command.make_context("search", again[1:], parent=root)
    assert parsed.params == context.params  # which can be resumed again
    return [each for each in again[1:] if each != "--resume=run"]


@pytest.mark.parametrize(
    ("then", "now", "again"),
    [
        ("spec.py --seed 1", "", "spec.py --seed=1"),
        ("spec.py --time-budget 10m -q", "--time-budget 0", "spec.py --time-budget=0 --quiet"),
        ("spec.py --time-budget=10m --n-iter 5", "--time-budget=1h", "spec.py --n-iter=5 --time-budget=1h"),
        ("--n-iter 5 spec.py --n-iter 7", "--n-iter 9", "spec.py --n-iter=9"),
        ("spec.py -o a.pkl --results b.csv", "--output c.pkl", "spec.py --output=c.pkl --results=b.csv"),
        ("spec.py -oa.pkl", "-o c.pkl", "spec.py --output=c.pkl"),
        ("spec.py --set C=1 --cv 3", "--set gamma=2 --cv 5", "spec.py --cv=5 --set=C=1 --set=gamma=2"),
        ("spec.py --run-dir a --force --resume b --resume=c --run-dir=d -v", "", "spec.py --verbose"),
        ("spec.py --stop-at -0.5 --address auto", "--stop-at -0.1", "spec.py --stop-at=-0.1 --address=auto"),
        ("spec.py --strict --refit-on-stop", "--strict", "spec.py --refit-on-stop --strict"),
        ("spec.py -qv -v", "-v", "spec.py --quiet --verbose"),
        ("-- spec.py", "--cv 3", "spec.py --cv=3"),
        ("--cv 3 -- -s.py", "--cv 5", "--cv=5 -- -s.py"),
        ("-vy a -yb spec.py", "-yc", "spec.py --target=a --target=b --target=c --verbose"),
        ("spec.py --name a --tag b --cv 3", "--tag c", "spec.py --cv=3 --tag=c"),
        ("-y -a --data=-d.csv spec.py", "", "spec.py --data=-d.csv --target=-a"),
    ],
)
def test_what_is_given_again_takes_the_place_of_what_was(root, then, now, again):
    """So that a limit can be lifted, and arguments do not pile up; options that add up stay, others too.

    Whatever a command line accepts is understood.
    """
    assert restarted(root, then, now) == again.split()


@pytest.mark.parametrize(
    ("then", "now"),
    [
        ("spec.py --no-such 3", ""),
        ("spec.py", "--none"),
        ("spec.py --cv", ""),
        ("spec.py", "other.py"),
        ("s.py", "-- -o"),
    ],
)
def test_what_a_command_line_never_was_is_wrong_usage(root, then, now):
    """An option that is unknown, or has no value, and a second FILE are refused as if they were typed."""
    with pytest.raises(Exception, match=r"No such option: --no|Option '--cv' requires|extra argument") as raised:
        restarted(root, then, now)
    assert raised.value.exit_code == 2


LINES = [
    ["spec.py"],
    ["--", "-s.py"],
    ["-qvoa b.pkl", "--set", "a=[1, 2]", "--set=b='x y'", "spec.py", "--set-str", "c=--d"],
    [
        "spec.py",
        "--stop-at",
        "-1e-07",
        "--cv",
        "3",
        "--n-iter=4",
        "--time-budget=",
        "--scoring",
        "a,b",
        "--space=C=1,2",
    ],
    [
        "-y",
        "a",
        "spec.py",
        "-yb",
        "--data=./-d",
        "--id-col",
        "--",
        "--run-dir",
        "-",
        "--address",
        "ray://h:1",
        "--strict",
    ],
]


@pytest.mark.parametrize("line", LINES, ids=range(len(LINES)))
def test_a_run_remembers_arguments_that_mean_the_same(search, line, monkeypatch):
    """What a run's manifest holds is read as what was typed, with the settings that were in force."""
    monkeypatch.setenv("RAYSK_SEED", "7")
    typed = search.make_context("search", list(line))
    kept = json.loads(json.dumps(settings.as_typed(typed)))
    monkeypatch.delenv("RAYSK_SEED")
    assert kept[0] == "search"
    assert search.make_context("search", kept[1:]).params == typed.params
    assert kept == settings.as_typed(search.make_context("search", kept[1:]))
