"""The files that `raysk init` writes: what is in them, and that they run as they are."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from raysk.data.reading import Columns, DataSource, Dialect
from raysk.errors import InputError, UsageError
from raysk.request.assemble import describe
from raysk.source import loader
from raysk.starter import FILES, draft

ROWS = 240
ODD = 'it\'s "odd"\nöäü'


@pytest.fixture(autouse=True)
def _in_a_new_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def _customers():
    """Return a table with a column of every kind."""
    rng = np.random.default_rng(0)
    days = pd.to_datetime("2024-01-01") + pd.to_timedelta(rng.integers(0, 300, ROWS), unit="D")
    frame = pd.DataFrame(
        {
            "customer": np.arange(ROWS),
            "code": [f"c{number}" for number in range(ROWS)],
            "age": rng.integers(18, 80, ROWS).astype(float),
            ODD: rng.normal(size=ROWS),
            "city": rng.choice(["Bonn", "Kiel", "Köln"], ROWS),
            "signup": days.strftime("%Y-%m-%d"),
            "left": days.strftime("%d.%m.%Y"),
            "member": rng.random(ROWS) < 0.5,
            "empty": np.nan,
            "churned": np.where(rng.random(ROWS) < 0.15, "yes", "no"),
        }
    )
    frame.loc[3, ["age", "city", "signup"]] = None
    return frame


def _reviews():
    """Return a table with two columns of texts; one has a missing value, and so has the target."""
    rng = np.random.default_rng(0)
    words = ["good", "bad", "film", "actor", "plot", "very", "slow", "fast", "fun", "dull", "long", "short"]
    frame = _customers()[["age", "city", "signup"]]
    for name in ("title", "review"):
        frame[name] = [" ".join(rng.choice(words, 8)) for _ in range(ROWS)]
    frame["stars"] = rng.normal(size=ROWS)
    frame.loc[5, "review"] = frame.loc[6, "stars"] = None
    return frame


def _write(kind, **said):
    made = draft(kind, DataSource(**said) if said else None)
    Path(FILES[kind]).write_text(made.text, encoding="utf-8")
    return made


def _load(kind):
    """Run a file as raysk does, and return its names and what raysk says of them."""
    found = loader.load(FILES[kind])
    return found.names, describe(found)


def _check_style(*paths):
    """Fail if ruff finds fault with a file, by its own rules."""
    for command in (["check"], ["format", "--check"]):
        done = subprocess.run(
            [sys.executable, "-m", "ruff", *command, "--isolated", *paths], capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout


def test_each_kind_runs_as_it_is(monkeypatch):
    """Without a table, each kind holds a sample of scikit-learn's, which needs no pandas, and says what to type."""
    monkeypatch.setitem(sys.modules, "pandas", None)
    for kind in FILES:
        made = _write(kind)
        assert made.next.startswith(f"raysk {'fit' if kind == 'fit' else 'search'} {FILES[kind]}")
        _, facts = _load(kind)
        assert facts["runs"] == ("fit" if kind == "fit" else "search")
        assert facts["data"]["X"]["shape"] == [569, 30]
    _check_style(*FILES.values())


def test_columns_are_told_apart():
    """Numbers, categories and dates are used; ids and empty columns are left out, with the reason."""
    _customers().to_csv("train.csv", index=False, sep=";")
    columns = Columns(target=("churned",), dates=("left",))
    made = _write("search", source="train.csv", columns=columns)
    assert made.facts["columns"] == {
        "numbers": ["age", ODD, "member"],
        "categories": ["city"],
        "dates": ["signup", "left"],
        "texts": [],
    }
    assert list(made.facts["left_out"]) == ["customer", "code", "empty"]
    assert '#   "customer": a different number' in made.text
    assert repr(ODD) in made.text
    assert "SimpleImputer" not in made.text  # boosted trees take missing values
    names, facts = _load("search")
    assert facts["search"]["fits"] == 250
    assert names["search"].scoring == "roc_auc"  # few have churned
    fitted = names["search"].estimator.fit(names["X"], names["y"])
    new = names["X"].assign(city="Ulm")
    assert set(fitted.predict(new)) <= {"yes", "no"}
    _check_style("spec.py")


def test_texts_take_a_linear_model():
    """Words are weighed, missing numbers, dates and texts are filled in, rows without a target are left out."""
    _reviews().to_json("reviews.jsonl", orient="records", lines=True)
    _write("pipeline", source="reviews.jsonl", columns=Columns(target=("stars",)))
    names, facts = _load("pipeline")
    assert facts["estimator"]["kind"] == "regressor"
    assert len(names["X"]) == ROWS - 1
    assert len(names["param_distributions"]) == 5
    fitted = names["pipeline"].fit(names["X"], names["y"])
    assert np.isfinite(fitted.predict(names["X"])).all()
    _check_style("pipeline.py")


@pytest.mark.parametrize("name", ["t.tsv", "t.csv.gz", "t.parquet", "t.feather"])
def test_pandas_reads_what_raysk_read(name):
    """Whatever the format is, the written line loads the same table."""
    frame = _customers().drop(columns=[ODD])
    if name.endswith((".tsv", ".gz")):
        frame.to_csv(name, index=False, sep="\t" if name.endswith("tsv") else ",")
    else:
        getattr(frame, f"to_{name.partition('.')[2]}")(name)
    made = _write("fit", source=name, columns=Columns(target=("age",), groups="city", weight="churned"))
    assert made.facts["task"] == "regression"
    names, _ = _load("fit")
    assert len(names["X"]) == ROWS - 1
    assert "model__sample_weight" in names["fit_params"]
    _check_style("model.py")


def test_columns_without_names():
    """They get names; decimal commas are read as the person says."""
    Path("t.csv").write_text("".join(f"{n};{n % 7},5;{n % 2}\n" for n in range(30)), encoding="utf-8")
    made = _write("search", source="t.csv", columns=Columns(target=("-1",)), dialect=Dialect(decimal=","))
    assert made.facts["target"] == "column_2"
    names, _ = _load("search")
    assert names["X"]["column_1"].dtype.kind == "f"
    names["search"].estimator.fit(names["X"], names["y"])


def test_many_columns_are_not_listed():
    """Of hundreds of columns of numbers those are named that are something else."""
    rng = np.random.default_rng(0)
    pd.DataFrame(rng.normal(size=(220, 300))).add_prefix("gene").assign(y=rng.integers(0, 3, 220)).to_csv("g.csv")
    made = _write("search", source="g.csv", columns=Columns(target=("y",)))
    assert len(made.text) < 3500
    names, _ = _load("search")
    assert names["X"].shape == (220, 300)


def test_notebook_holds_cells():
    """A notebook has a cell for each part; the cell that searches in the notebook itself is left out by raysk."""
    _write("notebook")
    book = json.loads(Path("notebook.ipynb").read_text(encoding="utf-8"))
    code = ["".join(cell["source"]) for cell in book["cells"] if cell["cell_type"] == "code"]
    for cell in code:
        ast.parse(cell)
    assert book["cells"][-1]["metadata"] == {"tags": ["skip"]}
    assert "raysk.fit(search, X, y)" in code[-1]


@pytest.mark.parametrize(
    ("target", "values", "message"),
    [
        (("y",), ["a"] * 30, "the same value"),
        (("y",), [f"text {n}" for n in range(30)], "too many classes"),
        (("y", "x"), range(30), "2 is named"),
        ((), range(30), "none is named"),
    ],
)
def test_bad_target_is_refused(target, values, message):
    """A target that cannot be learned, or no target, is said before anything is written."""
    some = np.random.default_rng(0).normal(size=30)
    pd.DataFrame({"x": some, "y": list(values), "z": some}).to_csv("t.csv", index=False)
    with pytest.raises((InputError, UsageError), match=message):
        draft("search", DataSource(source="t.csv", columns=Columns(target=target)))


@pytest.mark.parametrize("source", ["-", "sklearn:digits", "X.npy", "https://example.org/t.csv?key=secret"])
def test_source_that_cannot_be_named(source):
    """A file can only name a table of its own kind, and never a secret."""
    np.save("X.npy", np.ones((3, 3)))
    with pytest.raises(UsageError) as refused:
        draft("search", DataSource(source=source, columns=Columns(target=("y",))))
    assert "secret" not in str(refused.value).replace("may hold a secret", "")


def test_kind_is_suggested():
    """A table given as the kind, or a slip, is answered with what to type."""
    with pytest.raises(UsageError, match="Did you mean search"):
        draft("serach")


@pytest.mark.parametrize("library", ["pyarrow", "pandas"])
@pytest.mark.parametrize("dialect", [Dialect(), Dialect(sep=",")])
def test_library_that_is_missing(monkeypatch, library, dialect):
    """Without what reads a table the message says what to install, as that of every other command."""
    _customers().to_csv("t.csv", index=False)
    monkeypatch.setitem(sys.modules, library, None)
    with pytest.raises(InputError, match=rf"^Reading csv needs {library}.*\n.*pip install 'raysk\[data\]'$"):
        draft("search", DataSource(source="t.csv", columns=Columns(target=("churned",)), dialect=dialect))
