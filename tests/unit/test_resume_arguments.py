"""Which arguments of an earlier command still hold when it is resumed with more."""

from __future__ import annotations

import pytest
import typer

from raysk.cli import resume
from raysk.cli.app import app


@pytest.fixture(scope="module")
def search():
    return typer.main.get_command(app).commands["search"]


@pytest.mark.parametrize(
    ("then", "now", "lasting"),
    [
        ("spec.py --seed 1", "", "spec.py --seed 1"),
        ("spec.py --time-budget 10m -q", "--time-budget 0", "spec.py -q"),
        ("spec.py --time-budget=10m --n-iter 5", "--time-budget=1h", "spec.py --n-iter 5"),
        ("--n-iter 5 spec.py --n-iter 7", "--n-iter 9", "spec.py"),
        ("spec.py -o a.pkl --results b.csv", "--output c.pkl", "spec.py --results b.csv"),
        ("spec.py -oa.pkl", "-o c.pkl", "spec.py"),
        ("spec.py --set C=1 --cv 3", "--set gamma=2 --cv 5", "spec.py --set C=1"),
        ("spec.py --run-dir a --force --resume b --resume=c --run-dir=d -v", "", "spec.py -v"),
        ("spec.py --stop-at -0.5 --address auto", "--stop-at -0.1", "spec.py --address auto"),
        ("spec.py --strict --refit-on-stop", "--strict", "spec.py --refit-on-stop"),
        ("spec.py -qv -v", "-v", "spec.py -qv"),
        ("spec.py --no-such 3", "--none-such", "spec.py --no-such 3"),
        ("spec.py --address", "", "spec.py --address"),
    ],
)
def test_what_is_given_again_takes_the_place_of_what_was(search, then, now, lasting):
    """So that a limit can be lifted, and arguments do not pile up; options that add up stay, others too."""
    assert resume._lasting(search, then.split(), now.split()) == lasting.split()
