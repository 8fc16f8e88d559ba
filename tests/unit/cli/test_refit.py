"""With which arguments a fit starts that goes on from a search."""

from __future__ import annotations

import json

import pytest
import typer

from raysk.cli import settings
from raysk.cli.app import app
from raysk.cli.commands import refit
from raysk.cli.commands.work import read_first
from raysk.data.reading import DataSource
from raysk.errors import InputError


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


SPEC = """
from sklearn.datasets import load_iris
from sklearn.svm import SVC

X, y = load_iris(return_X_y=True, as_frame=True)
estimator, param_grid = SVC(), {"C": [1, 2]}
"""


@pytest.fixture
def searched(tmp_path, monkeypatch):
    """Leave a search of two candidates whose target is called target, and tables with and without it."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "spec.py").write_text(SPEC)
    (tmp_path / "new.csv").write_text("a,target\n1,0\n2,1\n3,0\n4,1\n")
    (tmp_path / "other.csv").write_text("a,b\n1,0\n2,1\n")
    run = tmp_path / "raysk-runs" / "svc"
    run.mkdir(parents=True)
    job = {"command": "search", "arguments": ["search", "spec.py"], "folder": str(tmp_path)}
    said = {"schema": 1, "outcome": "done", "job": job, "data": {"target": ["target"]}, "best": {"best_index": 0}}
    (run / "run.json").write_text(json.dumps(said))
    (run / "results.csv").write_text("mean_test_score,split0_test_score,param_C\n0.9,0.9,1\n0.8,0.8,2\n")


@pytest.mark.usefixtures("searched")
@pytest.mark.parametrize(
    "typed", ["refit svc --rank 2 --data new.csv", "fit spec.py --params svc#2 --data new.csv"], ids=["refit", "fit"]
)
def test_the_target_is_that_of_the_run(capfd, typed):
    """A table that has a column of that name needs no -y; a dry run says which candidate would be fitted."""
    app([*typed.split(), "--dry-run", "--json"], prog_name="raysk", standalone_mode=False)
    said = json.loads(capfd.readouterr().out)
    assert said["data"]["y"]["classes"] == 2
    assert said["data"]["X"]["shape"] == [4, 1]
    assert (said["candidate"]["rank"], said["candidate"]["params"]) == (2, {"C": 2})


@pytest.mark.usefixtures("searched")
def test_a_table_without_that_target(monkeypatch):
    """It is said how to name another column, before a cluster is started."""
    monkeypatch.setattr("raysk.cluster.Starting", lambda *_, **__: pytest.fail("a cluster is started"))
    with pytest.raises(InputError, match=r"\nThe run's was target.*\nName it: -y COLUMN\. The columns are: a, b\.$"):
        app(["refit", "svc", "--rank", "2", "--data", "other.csv"], prog_name="raysk", standalone_mode=False)


@pytest.mark.usefixtures("searched")
def test_a_job_is_read_first_where_its_table_may_lack_a_target():
    """Any other is read while the cluster starts."""
    from raysk.data.columns import Columns

    for source, target, early in (("new.csv", (), True), ("new.csv", ("a",), False), ("sklearn:iris", (), False)):
        asked = []
        read_first(asked.append, DataSource(source=source, columns=Columns(target=target)), "sink")
        assert bool(asked) is early
    assert read_first(len, None, "sink") is len
