"""`raysk predict` and `raysk score` as a person runs them: real processes, pipes and files."""

from __future__ import annotations

import io
import json
import os
import pickle
import pty
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from sklearn.compose import make_column_transformer
from sklearn.datasets import load_digits, load_iris
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import f1_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from sklearn.svm import SVC

from raysk.models.store import data_facts, save_model

FEATURES = ["a", "b", "c", "d", "kind"]
HERE = ["--backend", "threading"]  # a fit without Ray: only its model matters


@pytest.fixture
def table():
    """Return the iris with a column of text and ids that look like numbers."""
    table = load_iris(as_frame=True).frame
    table.columns = ["a", "b", "c", "d", "y"]
    table["kind"] = np.where(table["a"] > 5.5, "big", "small")
    table["id"] = ["NA", "", *(f"{number:03}" for number in range(2, len(table)))]
    return table


@pytest.fixture
def pipeline(folder, table):
    """Return a pipeline over a DataFrame, saved as `my model.pkl` without a sidecar; `new.csv` has its rows."""
    encoder = make_column_transformer((OneHotEncoder(), ["kind"]), (StandardScaler(), list("abcd")))
    model = make_pipeline(encoder, SVC()).fit(table[FEATURES], table["y"])
    (folder / "my model.pkl").write_bytes(pickle.dumps(model))
    table.drop(columns="y")[["id", "kind", "d", "c", "b", "a"]].to_csv("new.csv", index=False)  # in another order
    return model


@pytest.fixture
def forest(folder):
    """Return a forest over the digits, saved as `forest.pkl`; `digits.npy` has its rows."""
    X, y = load_digits(return_X_y=True)
    model = RandomForestClassifier(20, random_state=0).fit(X[:500], y[:500])
    (folder / "forest.pkl").write_bytes(pickle.dumps(model))
    np.save("digits.npy", X)
    return model


class TestPipes:
    def test_through_a_pipe(self, raysk, folder, table, pipeline):
        """CSV in through stdin, CSV out through stdout, equal to scikit-learn's predict, ids as they stand."""
        with (folder / "new.csv").open() as file:
            ran = raysk("predict", "my model.pkl", "-", "--id-col", "id", stdin=file)
        assert (ran.code, ran.err) == (0, "")
        got = pd.read_csv(io.StringIO(ran.out), dtype={"id": str}, keep_default_na=False)
        assert list(got.columns) == ["id", "prediction"]
        assert got["id"].tolist() == table["id"].tolist()
        assert got["prediction"].tolist() == pipeline.predict(table[FEATURES]).tolist()

    @pytest.mark.usefixtures("pipeline")
    def test_dash_is_stdout(self, raysk):
        """The output may be written as a dash, which is stdout."""
        assert raysk("predict", "my model.pkl", "new.csv", "-o", "-").out.startswith("prediction\n")

    def test_the_model_through_a_pipe(self, raysk, folder, table, pipeline):
        """The model may come through stdin instead: a pipe that the person named."""
        with (folder / "my model.pkl").open() as file:
            ran = raysk("predict", "-", "new.csv", stdin=file)
        assert ran.out.split()[1:] == [str(label) for label in pipeline.predict(table[FEATURES])]

    @pytest.mark.usefixtures("pipeline")
    def test_no_ray(self, folder):
        """Without an address, nothing of Ray is imported."""
        code = (
            "import sys; from raysk.cli.app import main; sys.argv = ['raysk', 'predict', 'my model.pkl', 'new.csv']\n"
        )
        code += "try: main()\nfinally: print(sorted({'ray', 'raysk.pool'} & set(sys.modules)), file=sys.stderr)"
        done = subprocess.run([sys.executable, "-c", code], cwd=folder, capture_output=True, text=True, check=True)
        assert done.stderr == "[]\n"

    @pytest.mark.usefixtures("pipeline")
    def test_an_address_in_the_environment_is_not_used(self, raysk):
        """RAYSK_ADDRESS is for jobs: predictions stay in this process."""
        assert raysk("predict", "my model.pkl", "new.csv", env={"RAYSK_ADDRESS": "nowhere:1"}).code == 0

    @pytest.mark.usefixtures("forest")
    def test_head(self, start, folder):
        """`| head -1` of a long table ends at once, quietly, with exit 141."""
        with (folder / "long.csv").open("w") as file:
            rows = "\n".join(",".join("1" * 64) for _ in range(100_000))
            file.write(",".join(f"c{number}" for number in range(64)) + "\n" + rows + "\n")
        process = start("predict", "forest.pkl", "long.csv")
        assert process.stdout.readline() == "prediction\n"
        process.stdout.close()
        process.stdout = None
        _, err = process.communicate(timeout=60)
        assert (process.returncode, err) == (141, "")


class TestFormats:
    @pytest.mark.parametrize("form", ["csv", "jsonl", "parquet", "npy"])
    @pytest.mark.parametrize("where", ["file", "stdout"])
    def test_every_format(self, raysk, folder, forest, form, where):
        """Each format, in a file by its suffix or on stdout, holds scikit-learn's own probabilities."""
        options = ["-o", f"my out.{form}"] if where == "file" else ["--to", form]
        with (folder / "stdout").open("wb") as file:
            ran = raysk("predict", "forest.pkl", "digits.npy", "--method", "predict_proba", *options, stdout=file)
        assert ran.code == 0, ran.err
        path = folder / (f"my out.{form}" if where == "file" else "stdout")
        read = {
            "csv": pd.read_csv,
            "jsonl": lambda path: pd.DataFrame([json.loads(line) for line in path.open()]),
            "parquet": pd.read_parquet,
            "npy": lambda path: pd.DataFrame(np.load(path, allow_pickle=False)),
        }[form]
        table = read(path)
        assert np.array_equal(table.to_numpy(), forest.predict_proba(load_digits().data))
        if form != "npy":
            assert list(table.columns) == [f"proba_{digit}" for digit in range(10)]
        if where == "file":
            summary = json.loads((folder / "stdout").read_text())
            assert (summary["rows"], summary["output"], summary["format"]) == (1797, f"my out.{form}", form)

    def test_not_on_a_terminal(self, start):
        """A terminal cannot show Parquet: refused before the model is loaded."""
        ours, theirs = pty.openpty()
        process = start("predict", "no.pkl", "new.csv", "--to", "parquet", stdout=theirs)
        os.close(theirs)
        _, err = process.communicate(timeout=60)
        os.close(ours)
        assert process.returncode == 2
        assert "terminal" in err

    @pytest.mark.usefixtures("pipeline")
    def test_a_failed_run_leaves_no_file(self, raysk, folder):
        """A table that breaks off leaves an existing output as it was."""
        (folder / "out.csv").write_text("before")
        (folder / "bad.csv").write_text((folder / "new.csv").read_text() + "1,2\n")
        raysk("predict", "my model.pkl", "bad.csv", "-o", "out.csv", "--force").assert_error(3, "bad.csv")
        assert (folder / "out.csv").read_text() == "before"
        assert not list(folder.glob(".*"))


def test_round_trip(raysk, folder, table):
    """Fit a pipeline from a CSV, predict a CSV with its columns in another order and one more: as scikit-learn does."""
    (folder / "model.py").write_text(
        "from sklearn.compose import make_column_transformer\n"
        "from sklearn.pipeline import make_pipeline\n"
        "from sklearn.preprocessing import OneHotEncoder, StandardScaler\n"
        "from sklearn.svm import SVC\n"
        "encoder = make_column_transformer((OneHotEncoder(), ['kind']), (StandardScaler(), list('abcd')))\n"
        "model = make_pipeline(encoder, SVC())\n"
    )
    table.drop(columns="id").to_csv("train.csv", index=False)
    table[["kind", "d", "id", "c", "b", "a"]].to_csv("new.csv", index=False)
    ran = raysk("fit", "model.py:model", "--data", "train.csv", "-y", "y", "-o", "m.pkl", *HERE)
    assert ran.code == 0, ran.err
    got = raysk("predict", "m.pkl", "new.csv").out.split()[1:]
    expected = pickle.loads((folder / "m.pkl").read_bytes()).predict(table[FEATURES])
    assert got == [str(label) for label in expected]
    scores = raysk("score", "m.pkl", "train.csv", "-y", "y").summary["scores"]
    assert scores == {"score": float((expected == table["y"]).mean())}


def test_a_table_of_a_spreadsheet(raysk, folder, table):
    """Semicolons, decimal commas, texts and dates make the round trip to scikit-learn's own predictions."""
    since = pd.Timestamp("2020-01-01") + pd.to_timedelta(range(len(table)), unit="D")
    table = table.assign(since=since)[["id", "a", "kind", "since", "y"]]
    table.to_csv("eu.csv", index=False, sep=";", decimal=",", date_format="%d.%m.%Y")
    trees = "sklearn.ensemble:HistGradientBoostingClassifier(max_iter=5)"
    data = ["--data", "eu.csv", "--decimal", ",", "-y", "y", "--drop", "id", "--dates", "since"]
    assert raysk("fit", trees, *data, *HERE, "-o", "m.pkl", "-q").code == 0
    new = table.assign(kind=["tin", *table.kind[1:]])
    new[["since", "kind", "a", "id"]].to_csv("new.csv", index=False)
    ran = raysk("predict", "m.pkl", "new.csv", "--id-col", "-1")
    assert "kind in 1 row (such as 'tin')" in ran.err
    X = new[["a", "kind"]].assign(since=(since - pd.Timestamp(0)).days.astype(float))
    X["kind"] = X.kind.where(X.kind != "tin").astype("category")
    model = pickle.loads((folder / "m.pkl").read_bytes())
    got = pd.read_csv(io.StringIO(ran.out), keep_default_na=False)
    assert list(got) == ["id", "prediction"]
    assert got["prediction"].tolist() == model.predict(X).tolist()
    raysk("score", "m.pkl", "new.csv").assert_error(3, "no column 'y'", "was fitted to predict", "id", "--target")


def test_an_array_of_a_table(raysk, folder, table):
    """A model that was fitted on an array of a CSV's columns finds them by name all the same, by its sidecar."""
    table[["a", "b", "c", "d", "y"]].to_csv("train.csv", index=False)
    table[["d", "id", "c", "b", "a"]].to_csv("new.csv", index=False)
    ran = raysk("fit", "sklearn.svm:SVC()", "--data", "train.csv", "-y", "y", "-o", "m.pkl", *HERE)
    assert ran.code == 0, ran.err
    model = pickle.loads((folder / "m.pkl").read_bytes())
    assert not hasattr(model, "feature_names_in_")
    got = raysk("predict", "m.pkl", "new.csv").out.split()[1:]
    assert got == [str(label) for label in model.predict(table[list("abcd")].to_numpy())]
    raysk("predict", "m.pkl", "new.csv", "--drop", "a").assert_error(3)


class TestWorkers:
    def test_a_forest_on_a_cluster(self, raysk, folder, forest, head):
        """With an address a forest predicts on the workers; the answer and its order are the same."""
        ran = raysk(
            "predict", "forest.pkl", "digits.npy", "--address", head, "--method", "predict_proba", "-o", "p.npy"
        )
        assert ran.code == 0, ran.err
        assert "Ray cluster" in ran.err
        assert np.array_equal(np.load(folder / "p.npy"), forest.predict_proba(load_digits().data))

    @pytest.mark.usefixtures("forest")
    def test_scores_on_a_cluster(self, raysk, head):
        """Scores are the same, predicted on workers."""
        ours = raysk("score", "forest.pkl", "sklearn:digits", "--address", head, "--scoring", "accuracy,roc_auc_ovr")
        here = raysk("score", "forest.pkl", "sklearn:digits", "--scoring", "accuracy,roc_auc_ovr")
        assert ours.summary["scores"] == here.summary["scores"]

    def test_a_class_of_the_persons(self, raysk, folder, head):
        """A class of the person's own file goes to the workers inside its model."""
        (folder / "model.py").write_text(
            "from sklearn.svm import SVC\n"
            "from sklearn.datasets import load_iris\n"
            "def shift(values):\n"
            "    print('printed by the model')\n"
            "    return values + 10\n"
            "class Mine(SVC):\n"
            "    def predict(self, X):\n"
            "        return shift(super().predict(X))\n"
            "X, y = load_iris(return_X_y=True)\n"
            "model = Mine()\n"
        )
        assert raysk("fit", "model.py:model", "-o", "m.pkl", *HERE).code == 0
        (folder / "model.py").unlink()
        here = raysk("predict", "m.pkl", "sklearn:iris")
        assert "printed by the model" in here.err
        assert raysk("predict", "m.pkl", "sklearn:iris", "--address", head).out == here.out
        assert set(here.out.split()[1:]) == {"10", "11", "12"}


class TestScore:
    def test_json(self, raysk, table, pipeline):
        """Several metrics come as one JSON object, with scikit-learn's own values."""
        table.to_csv("test.csv", index=False)
        ran = raysk("score", "my model.pkl", "test.csv", "--target", "y", "--scoring", "accuracy,f1_macro")
        predicted = pipeline.predict(table[FEATURES])
        expected = {
            "accuracy": float((predicted == table["y"]).mean()),
            "f1_macro": f1_score(table["y"], predicted, average="macro"),
        }
        assert ran.summary["scores"] == expected
        assert (ran.summary["schema"], ran.summary["rows"], ran.summary["estimator"]) == (1, 150, "Pipeline")

    def test_the_target_of_its_description(self, raysk, folder, table):
        """Without --target, it is the column that the model was fitted to predict."""
        model = SVC().fit(table[list("abcd")], table["y"])
        save_model(model, folder / "m.pkl", {"data": data_facts(table[list("abcd")], table["y"], target_names=["y"])})
        table.to_csv("test.csv", index=False)
        assert raysk("score", "m.pkl", "test.csv").summary["scores"]["score"] > 0.9
        raysk("score", "m.pkl", "test.csv", "-y", "a").assert_error(2, "a is a feature of the model")

    def test_nan_is_null(self, raysk, folder, table):
        """A score that is not a number is null."""
        table[["a", "y"]][:1].to_csv("one.csv", index=False)
        from sklearn.linear_model import LinearRegression

        (folder / "m.pkl").write_bytes(pickle.dumps(LinearRegression().fit(table[["a"]], table["y"])))
        ran = raysk("score", "m.pkl", "one.csv", "-y", "y", "--scoring", "r2")
        assert ran.code == 0, ran.err
        assert ran.summary["scores"] == {"r2": None}

    def test_text_labels_that_look_like_numbers(self, raysk, folder, table):
        """Labels that are text for the model are read as text, whatever they look like."""
        labels = table["y"].map({0: "007", 1: "1", 2: "2"})
        (folder / "m.pkl").write_bytes(pickle.dumps(SVC().fit(table[list("abcd")], labels.to_numpy(dtype=str))))
        table[list("abcd")].assign(y=labels).to_csv("test.csv", index=False)
        ran = raysk("score", "m.pkl", "test.csv", "-y", "y")
        assert ran.summary["scores"]["score"] > 0.9

    def test_weights(self, raysk, folder, table):
        """Weights count."""
        model = LogisticRegression(max_iter=500).fit(table[["a"]], table["y"])
        (folder / "m.pkl").write_bytes(pickle.dumps(model))
        weights = np.arange(150) % 7
        table[["a", "y"]].assign(w=weights).to_csv("test.csv", index=False)
        ran = raysk("score", "m.pkl", "test.csv", "-y", "y", "--weight", "w")
        assert ran.summary["scores"]["score"] == pytest.approx(
            model.score(table[["a"]], table["y"], weights), abs=1e-15
        )


CASES = {
    "no model": (["predict", "modle.pkl", "new.csv"], 3, ["modle.pkl"]),
    "no data": (["predict", "my model.pkl", "nwe.csv"], 3, ["nwe.csv", "new.csv"]),
    "no pickle": (["predict", "new.csv", "new.csv"], 3, ["new.csv", "is no model"]),
    "unknown method": (["predict", "my model.pkl", "new.csv", "--method", "predit"], 2, ["predit", "predict_proba"]),
    "method it has not": (["predict", "my model.pkl", "new.csv", "--method", "transform"], 2, ["transform", "predict"]),
    "unknown format": (["predict", "my model.pkl", "new.csv", "-o", "x.xls"], 2, ["x.xls", "parquet"]),
    "unknown input format": (["predict", "my model.pkl", "new.csv", "--format", "xls"], 2, ["xls", "csv"]),
    "both from stdin": (["predict", "-", "-"], 2, ["stdin"]),
    "ids in npy": (["predict", "my model.pkl", "new.csv", "--id-col", "id", "--to", "npy"], 2, ["--id-col", "csv"]),
    "output in no folder": (["predict", "my model.pkl", "new.csv", "-o", "no/x.csv"], 3, ["no"]),
    "missing columns": (["predict", "my model.pkl", "few.csv"], 3, ["kind", "a"]),
    "unknown id": (["predict", "my model.pkl", "new.csv", "--id-col", "di"], 3, ["di", "id"]),
    "its own features": (["predict", "my model.pkl", "new.csv", "--features", "a"], 2, ["--features", "by name"]),
    "not fitted": (["predict", "unfitted.pkl", "digits.csv"], 3, ["not fitted", "raysk fit"]),
    "other width": (["predict", "forest.pkl", "few.csv"], 3, ["3 features", "64"]),
    "trust for a pickle": (["predict", "my model.pkl", "new.csv", "--trust", "a.B"], 2, ["--trust a.B", "pickle"]),
    "unknown scorer": (["score", "my model.pkl", "new.csv", "--scoring", "acuracy"], 2, ["acuracy", "accuracy"]),
    "no target": (["score", "my model.pkl", "new.csv"], 3, ["target"]),
    "metric that does not fit": (
        ["score", "forest.pkl", "sklearn:digits", "--scoring", "roc_auc"],
        3,
        ["roc_auc", "multi_class"],
    ),
    "unknown address": (["predict", "my model.pkl", "new.csv", "--address", "nowhere"], 4, ["nowhere"]),
}


@pytest.mark.usefixtures("pipeline", "forest")
@pytest.mark.parametrize("name", CASES)
def test_bad_input(raysk, folder, name):
    """Bad input ends with its exit code and at most five lines that name the value and what to look at."""
    (folder / "few.csv").write_text("b,c,d\n1,2,3\n")
    (folder / "digits.csv").write_text("a,b\n1,2\n")
    (folder / "unfitted.pkl").write_bytes(pickle.dumps(SVC()))
    args, code, words = CASES[name]
    ran = raysk(*args)
    ran.assert_error(code, *words)
    assert ran.out == ""


def test_refused_rows_are_named(raysk, folder, table):
    """What the model refuses later in the table is bad data: from which row on, and why."""
    (folder / "m.pkl").write_bytes(pickle.dumps(SVC().fit(table[list("abcd")], table["y"])))
    many = pd.concat([table[list("abcd")]] * 3000)
    many.iloc[-1, 0] = np.nan
    many.to_csv("new.csv", index=False)
    ran = raysk("predict", "m.pkl", "new.csv")
    ran.assert_error(3, "new.csv, from row", "NaN")
    assert "from row 1 on" not in ran.err


def test_the_models_own_code_fails(raysk, folder):
    """What the person's class raises is theirs: exit 1, with their lines."""
    (folder / "model.py").write_text(
        "from sklearn.svm import SVC\n"
        "from sklearn.datasets import load_iris\n"
        "X, y = load_iris(return_X_y=True)\n"
        "class Mine(SVC):\n"
        "    def predict(self, X):\n"
        "        if len(X) > 20: raise ValueError('too many for me')\n"
        "        return super().predict(X)\n"
        "model = Mine()\n"
    )
    assert raysk("fit", "model.py:model", "-o", "m.pkl", *HERE).code == 0
    # cloudpickle keeps the file's name up to 3.1.2
    raysk("predict", "m.pkl", "sklearn:iris").assert_error(1, "too many for me", "model", ":6 in predict")


MEASURED = """
import resource, sys
from raysk.cli.app import main
sys.argv[0] = "raysk"
try:
    main()
finally:
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024, file=sys.stderr)
"""


def test_bounded_memory(folder, forest):
    """A table of 210 MB through a pipe needs little more memory than a short one, never all of its numbers."""
    forest.set_params(n_estimators=1).estimators_[1:] = []
    (folder / "tree.pkl").write_bytes(pickle.dumps(forest))
    header = ",".join(f"c{number}" for number in range(64)) + "\n"
    thousand = (",".join(["0.12345678"] * 64) + "\n") * 1000
    command = [sys.executable, "-c", MEASURED, "predict", "tree.pkl", "-", "-o", "out.csv", "--force"]
    peaks_mb = []
    for times in (1, 300):
        process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
        )
        process.stdin.write(header)
        for _ in range(times):
            process.stdin.write(thousand)
        _, err = process.communicate(timeout=100)
        assert process.returncode == 0, err
        peaks_mb.append(int(err.splitlines()[-1]))
    assert sum(1 for _ in (folder / "out.csv").open()) == 300_001
    assert peaks_mb[1] < peaks_mb[0] + 130, peaks_mb  # the numbers alone are 154 MB, the text 210 MB
