"""`cv_results_` as CSV, JSON, JSON lines and Parquet."""

import csv
import json
import sys
import warnings

import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import load_iris
from sklearn.experimental import enable_halving_search_cv  # noqa: F401
from sklearn.model_selection import GridSearchCV, HalvingGridSearchCV
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import MinMaxScaler, StandardScaler
from sklearn.svm import SVC

from raysk.errors import InputError, UsageError
from raysk.model_jobs import PREDICTION_FORMATS
from raysk.results import candidates
from raysk.results.candidates import RESULT_FORMATS, candidate_parts, check_results, write_results
from raysk.results.writers import WRITERS


def results_rows(cv_results):
    """Return the columns and rows of a search's results."""
    (part,) = candidate_parts(cv_results)
    return list(part.columns), [list(row) for row in part.rows()]


def names(path):
    """Return the names in a folder, hidden ones too."""
    return sorted(file.name for file in path.iterdir())


@pytest.fixture(scope="module")
def results():
    """Return the results of a grid whose two parts set different parameters, estimators among them."""
    grid = [
        {"scale": [StandardScaler(), MinMaxScaler()], "svc__C": [0.1, 1 / 3]},
        {"svc__kernel": ["linear"], "svc__class_weight": [None, {0: 1, 1: 2, 2: 1}]},
    ]
    pipeline = Pipeline([("scale", StandardScaler()), ("svc", SVC())])
    return GridSearchCV(pipeline, grid, cv=2).fit(*load_iris(return_X_y=True)).cv_results_


@pytest.fixture(scope="module")
def halving():
    """Return the results of a halving search with failed fits."""
    search = HalvingGridSearchCV(SVC(), {"C": [1.0, 2.0, -1.0], "degree": [2, 3]}, cv=2, random_state=0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return search.fit(*load_iris(return_X_y=True)).cv_results_


def read(path):
    """Return columns and the first row of a results file of any kind."""
    if path.suffix == ".csv":
        rows = list(csv.DictReader(path.open(newline="")))
    elif path.suffix == ".parquet":
        rows = pd.read_parquet(path).to_dict("records")
    else:
        text = path.read_text()
        rows = json.loads(text) if path.suffix == ".json" else [json.loads(line) for line in text.splitlines()]
    return list(rows[0]), rows


class TestRows:
    def test_columns(self, results):
        """Ranks come first, then mean and deviation, the parameters, the rest, and at the end all parameters of one."""
        columns, rows = results_rows(results)
        assert columns[:3] == ["rank_test_score", "mean_test_score", "std_test_score"]
        assert [name for name in columns[3:7] if name.startswith("param_")] == columns[3:7]
        assert set(columns) == set(results)
        assert columns[-1] == "params"
        assert all(len(row) == len(columns) for row in rows)

    def test_order_and_values(self, results):
        """There is one row per candidate in scikit-learn's order, its scores equal to the bit."""
        columns, rows = results_rows(results)
        at = columns.index("mean_test_score")
        assert [row[at] for row in rows] == results["mean_test_score"].tolist()

    def test_plain_values(self, results):
        """Parameters are plain values: None where a candidate does not set one, text for an estimator."""
        columns, rows = results_rows(results)
        first, last = dict(zip(columns, rows[0], strict=True)), dict(zip(columns, rows[-1], strict=True))
        assert (first["param_scale"], first["param_svc__C"]) == ("StandardScaler()", 0.1)
        assert first["param_svc__kernel"] is None
        assert (last["param_scale"], last["param_svc__C"]) == (None, None)
        assert last["param_svc__class_weight"] == {"0": 1, "1": 2, "2": 1}
        kinds = {type(value) for row in rows for value in row}
        assert kinds <= {type(None), bool, int, float, str, dict}

    def test_multimetric(self):
        """With several metrics all ranks come first, then all means and deviations."""
        search = GridSearchCV(SVC(), {"C": [1, 2]}, cv=2, scoring=["accuracy", "f1_macro"], refit=False)
        columns, _ = results_rows(search.fit(*load_iris(return_X_y=True)).cv_results_)
        assert columns[:6] == [
            "rank_test_accuracy",
            "rank_test_f1_macro",
            "mean_test_accuracy",
            "std_test_accuracy",
            "mean_test_f1_macro",
            "std_test_f1_macro",
        ]

    def test_failed_fits(self, halving):
        """A failed fit's score is NaN, and halving's own columns are kept."""
        columns, rows = results_rows(halving)
        assert {"iter", "n_resources"} <= set(columns)
        scores = [row[columns.index("mean_test_score")] for row in rows]
        assert np.array_equal(scores, halving["mean_test_score"], equal_nan=True)
        assert np.isnan(scores).any()

    @pytest.mark.parametrize("value", [(10, 5), [1, 2], np.array([1.0, 2.0])])
    def test_sequences(self, value):
        """A parameter that is a sequence is a list, also where other candidates have none."""
        column = np.ma.MaskedArray(np.empty(2, object), mask=[False, True])
        column[0] = value
        _, rows = results_rows({"param_x": column, "params": [{"x": value}, {}]})
        assert [row[0] for row in rows] == [list(value), None]


class TestWrite:
    @pytest.mark.parametrize("kind", RESULT_FORMATS)
    def test_every_kind(self, results, tmp_path, kind):
        """Every format has the same columns in the same order, and a row for each candidate."""
        path = tmp_path / f"my results.{kind}"
        write_results(results, path)
        columns, rows = read(path)
        assert columns == results_rows(results)[0]
        assert len(rows) == 6
        assert names(tmp_path) == [path.name]
        assert [float(row["mean_test_score"]) for row in rows] == results["mean_test_score"].tolist()

    def test_csv(self, results, tmp_path):
        """CSV floats read back exactly, missing values are empty, and a line ends in a line feed."""
        write_results(results, tmp_path / "r.csv")
        _, rows = read(tmp_path / "r.csv")
        assert float(rows[1]["param_svc__C"]) == 1 / 3
        assert rows[-1]["param_svc__C"] == ""
        assert rows[-1]["param_svc__class_weight"] == '{"0": 1, "1": 2, "2": 1}'
        assert b"\r" not in (tmp_path / "r.csv").read_bytes()

    @pytest.mark.parametrize("kind", RESULT_FORMATS)
    def test_nan(self, halving, tmp_path, kind):
        """A NaN score is nan in CSV and null in JSON, which a strict parser reads."""
        write_results(halving, tmp_path / f"r.{kind}")
        _, rows = read(tmp_path / f"r.{kind}")
        failed = rows[int(np.flatnonzero(np.isnan(halving["mean_test_score"]))[0])]["mean_test_score"]
        assert failed is None or np.isnan(float(failed))
        if kind.startswith("json"):
            assert "NaN" not in (tmp_path / f"r.{kind}").read_text()

    @pytest.mark.parametrize("kind", RESULT_FORMATS)
    def test_mixed_types(self, tmp_path, kind):
        """A parameter of mixed types can be written; in Parquet it is text."""
        values = np.array([0.5, "sqrt", None, True, 2**70], dtype=object)
        write_results({"param_max_features": values, "params": [{}] * 5}, tmp_path / f"r.{kind}")
        _, rows = read(tmp_path / f"r.{kind}")
        assert [str(row["param_max_features"]) for row in rows[:2]] == ["0.5", "sqrt"]

    @pytest.mark.parametrize("kind", ["csv", "json", "jsonl"])
    def test_no_candidates(self, tmp_path, kind):
        """Results without candidates give a file without rows."""
        write_results({"mean_test_score": np.array([]), "params": []}, tmp_path / f"r.{kind}")
        text = (tmp_path / f"r.{kind}").read_text()
        assert text == {"csv": "mean_test_score,params\n", "json": "[]\n", "jsonl": ""}[kind]

    def test_upper_case_suffix(self, results, tmp_path):
        """The suffix may be in capitals."""
        write_results(results, tmp_path / "R.CSV")
        assert (tmp_path / "R.CSV").read_text().startswith("rank_test_score,")


@pytest.mark.parametrize("kind", RESULT_FORMATS)
def test_many_candidates(tmp_path, monkeypatch, kind):
    """Candidates that are written in several parts make one table, also where a type changes in a later part."""
    monkeypatch.setattr(candidates, "ROWS_AT_A_TIME", 2)
    values = [1, 2, 3, "sqrt", 5]
    write_results({"param_m": np.array(values, dtype=object), "params": [{}] * 5}, tmp_path / f"r.{kind}")
    _, rows = read(tmp_path / f"r.{kind}")
    assert [str(row["param_m"]) for row in rows] == list(map(str, values))


def test_every_format_has_its_writer():
    """What candidates and predictions can be written as is what there are writers for."""
    assert set(WRITERS) == {*RESULT_FORMATS, *PREDICTION_FORMATS}


class TestCheck:
    @pytest.mark.parametrize("name", ["r.xls", "r", "r.csv.gz"])
    def test_unknown_kind(self, results, tmp_path, name):
        """An unknown suffix is a usage error that names the known ones, and nothing is written."""
        for call in (lambda path: write_results(results, path), check_results):
            with pytest.raises(UsageError, match=r"\.csv, \.json, \.jsonl, \.parquet"):
                call(tmp_path / name)
        assert names(tmp_path) == []

    def test_parquet_not_installed(self, tmp_path, monkeypatch):
        """Without pyarrow, Parquet is refused before the job, with the command that installs it."""
        monkeypatch.setitem(sys.modules, "pyarrow", None)
        with pytest.raises(InputError, match=r"pip install 'raysk\[data\]'"):
            check_results(tmp_path / "r.parquet")
        check_results(tmp_path / "r.csv")

    def test_missing_folder(self, tmp_path):
        """A missing folder is found before the job."""
        with pytest.raises(InputError, match="does not exist"):
            check_results(tmp_path / "no" / "r.csv")


@pytest.mark.parametrize("kind", RESULT_FORMATS)
def test_long_values_are_told_in_short(tmp_path, kind):
    """An array of a million numbers takes a line of two hundred characters, and one object is looked at once."""
    array = np.zeros(10**6)
    values = np.ma.MaskedArray([None] * 200, dtype=object)
    values[:] = [array] * 200
    path = tmp_path / f"r.{kind}"
    write_results({"param_w": values, "params": [{"w": array}] * 200}, path)
    assert path.stat().st_size < 200 * 250
