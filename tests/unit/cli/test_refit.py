"""With which arguments a fit starts that goes on from a search."""

from __future__ import annotations

import pytest
import typer

from raysk.cli import settings
from raysk.cli.app import app
from raysk.cli.commands import refit


@pytest.fixture(scope="module")
def root():
    return typer.Context(typer.main.get_command(app), info_name="raysk")


def refitted(root, then, now):
    """Return the arguments of the fit of rank 2."""
    command = root.command.commands["refit"]
    typed = command.make_context("refit", ["run", *now.split()], parent=root)
    said = {name: value for name, value in typed.params.items() if settings.is_typed(typed, name)}
    fit = refit.refitted(root, then.split(), said, "/run#2")
    assert fit.info_name == "fit"
    return " ".join(each for each in settings.as_typed(fit)[1:] if each != "--params=/run#2")


@pytest.mark.parametrize(
    ("then", "now", "again"),
    [
        ("search spec.py", "", "spec.py"),
        ("search spec.py --cv 3 --n-iter 9 --method tpe --seed 1 -o a.pkl --run-dir b -q", "", "spec.py --seed=1"),
        ("search spec.py --address auto --workers 3 --seed-from old", "--workers 1", "spec.py --workers=1"),
        (
            "search spec.py --seed 1 --set a=1 --set-str b=x",
            "--set a=2 --seed 3",
            "spec.py --set=a=1 --set=a=2 --set-str=b=x --seed=3",
        ),
        ("search spec.py --data a.csv -y t --sep ;", "--data b.csv", "spec.py --data=b.csv --sep=; --target=t"),
        ("search spec.py --data a.csv -y t --sep ;", "--data b.parquet", "spec.py --data=b.parquet --target=t"),
        ("search spec.py --data a.csv -y t --drop u", "-y v", "spec.py --data=a.csv --target=v --drop=u"),
        ("search spec.py", "--data b.csv -y t -o m.pkl", "spec.py --output=m.pkl --data=b.csv --target=t"),
        ("search spec.py --test-data t.csv", "--test-size 0.2", "spec.py --test-size=0.2"),
        ("search spec.py", "--score --dry-run -v", "spec.py --dry-run=plan --score --verbose"),
        ("search -- -s.py", "", "-- -s.py"),
    ],
)
def test_what_is_fitted_is_as_in_the_search(root, then, now, again):
    """FILE, data, seed and settings hold again; what is given now takes their place; the rest is a matter of now."""
    assert sorted(refitted(root, then, now).split()) == sorted(again.split())


def test_the_seed_of_the_search_wins_over_a_setting_of_now(root, monkeypatch):
    """The run began with a seed, and its candidates' scores are of it."""
    monkeypatch.setenv("RAYSK_SEED", "7")
    assert refitted(root, "search spec.py --seed=1", "") == "spec.py --seed=1"
    assert refitted(root, "search spec.py", "--seed 2") == "spec.py --seed=2"


def test_paths_mean_what_they_did_where_they_were_typed(tmp_path, monkeypatch):
    """The run's own folder is entered; a URI, stdin and a name of scikit-learn's are no paths."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "new.csv").write_text("a")
    (tmp_path / "code.py").write_text("")
    now = {"data": "new.csv", "test_data": "code.py:load", "output": "m.pkl", "target": ["new.csv"]}
    here = str(tmp_path)
    assert refit._made_absolute(now) == {
        "data": f"{here}/new.csv",
        "test_data": f"{here}/code.py:load",
        "output": f"{here}/m.pkl",
        "target": ["new.csv"],
    }
    for text in ("-", "s3://bucket/a.csv", "sklearn:iris", "gone.csv"):
        assert refit._made_absolute({"data": text}) == {"data": text}
    assert refit._made_absolute({"output": "-"}) == {"output": "-"}
