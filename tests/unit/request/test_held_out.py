"""Which data is used: `X_train` and `X_test`, ``--test-size``, ``--test-data``, the line that says it, the scores."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.cluster import KMeans
from sklearn.datasets import load_iris
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.model_selection import GridSearchCV, train_test_split

from raysk.data.reading import Columns, DataSource
from raysk.errors import InputError, UsageError
from raysk.jobs import Data
from raysk.request.assemble import Overrides, fit_job
from raysk.request.facts import summarize_data
from raysk.request.held_out import HoldOut
from raysk.runner.scoring import score_held_out
from raysk.source.file_data import find_data
from raysk.source.loader import load
from raysk.source.objects import SourceObjects, fitted_on_import

X, y = load_iris(return_X_y=True)
PARTS = dict(zip(("X_train", "X_test", "y_train", "y_test"), train_test_split(X, y, random_state=0), strict=True))
MODEL = LogisticRegression(max_iter=300)


def found(**names):
    """Return what a file with these names holds."""
    return SourceObjects(source="nb.py", path=None, names=names)


def held(data, size, estimator=MODEL, **options):
    """Return data with a part held out."""
    return HoldOut.of(size, None).apply(data, estimator, **options)


class TestInTheFile:
    """Names that everybody gives the parts of a split."""

    def test_train_is_fitted_and_test_held_out(self):
        """X_train is taken where X is there too, and the line says so."""
        data = find_data(found(X=X, y=y, **PARTS))
        assert data.X is PARTS["X_train"]
        assert data.held_out.y is PARTS["y_test"]
        assert summarize_data(data, MODEL)["line"] == (
            "data: X 112 x 4 numbers, y: 3 classes, from nb.py:X_train (not X, which it also holds); "
            "held out: 38 rows from nb.py:X_test"
        )

    def test_only_x_train(self):
        """A file without more than X_train holds data: it is not told that it holds none."""
        data = fit_job(found(model=KMeans(3), X_train=X), Overrides()).data
        assert (data.X is X, data.y, data.held_out) == (True, None, None)

    def test_test_data_without_y_is_not_scored(self):
        """A contest's X_test has no y: it is no data that is held out, and the line says that it was there."""
        data = find_data(found(X_train=X, y_train=y, X_test=X))
        assert (data.held_out, data.passed_over) == (None, ("X_test",))

    def test_a_dict_of_parts(self):
        """`load_data()` may return the parts by name."""
        data = find_data(found(load_data=lambda: PARTS))
        assert len(data.held_out.X) == 38
        assert data.source == "nb.py:load_data():X_train"

    def test_a_file_named_as_data(self, tmp_path):
        """``--data`` of a file that holds the parts out has them, too."""
        path = tmp_path / "parts.py"
        path.write_text("X_train, y_train, X_test, y_test = [[1.0], [2.0]], [0, 1], [[3.0]], [1]\n")
        data = DataSource(source=str(path)).load(MODEL)
        np.testing.assert_array_equal(data.held_out.X, [[3.0]])
        assert (data.source, data.held_out.source) == (str(path), f"{path}:X_test")

    def test_groups_of_all_rows(self):
        """Groups that belong to X and not to X_train are refused, naming what would be taken."""
        with pytest.raises(InputError, match="groups_train"):
            find_data(found(groups=np.zeros(150), **PARTS))
        data = find_data(found(groups_train=np.zeros(112), **PARTS))
        assert data.fit_params["groups"].shape == (112,)


class TestTestSize:
    """``--test-size``."""

    def test_rows_are_scikit_learns(self):
        """The rows are those of `train_test_split`, by class, with seed 0 or --seed; weights go with them."""
        weight = np.arange(150.0)
        for seed in (None, 7):
            data = held(Data(X=X, y=y, fit_params={"sample_weight": weight, "other": "x"}), "0.2", seed=seed)
            parts = train_test_split(X, y, weight, test_size=0.2, random_state=seed or 0, stratify=y)
            ours = (data.X, data.held_out.X, data.y, data.held_out.y)
            for one, other in zip(ours, parts[:4], strict=True):
                np.testing.assert_array_equal(one, other)
            np.testing.assert_array_equal(data.held_out.fit_params["sample_weight"], parts[5])
            assert data.fit_params["other"] == "x"

    def test_numbers_are_not_stratified(self):
        """A regressor's y is no classes, and a count is one of rows."""
        data = held(Data(X=X, y=y), "30", LinearRegression())
        np.testing.assert_array_equal(data.held_out.X, train_test_split(X, test_size=30, random_state=0)[1])

    def test_a_class_of_one_row(self):
        """Where rows cannot be drawn by class, they are drawn as they come."""
        assert len(held(Data(X=X[:10], y=[0] * 9 + [1]), "0.3").held_out.X) == 3

    def test_groups_stay_whole(self):
        """No group is on both sides."""
        groups = np.repeat(np.arange(15), 10)
        data = held(Data(X=X, y=y, fit_params={"groups": groups}), "0.2")
        inside, outside = set(data.fit_params["groups"]), set(data.held_out.fit_params["groups"])
        assert (len(inside), len(outside), inside & outside) == (12, 3, set())

    def test_texts_in_a_list(self):
        """Data that is no array is cut as scikit-learn cuts it."""
        data = held(Data(X=[str(number) for number in range(10)], y=[0, 1] * 5), "0.2")
        assert len(data.held_out.X) == 2
        assert {*data.X, *data.held_out.X} == {str(number) for number in range(10)}
        assert summarize_data(data, MODEL)["line"] == "data: X 8 texts, y: 2 classes; held out: 2 rows"

    @pytest.mark.parametrize("text", ["0", "1.5", "-1", "x", "nan", "20%"])
    def test_wrong_sizes(self, text):
        """A size that is none is wrong usage."""
        with pytest.raises(UsageError, match="--test-size"):
            HoldOut.of(text, None)

    def test_too_large(self):
        """A size that leaves nothing to fit is bad input."""
        with pytest.raises(InputError, match="--test-size 150"):
            held(Data(X=X, y=y), "150")

    def test_both(self, tmp_path):
        """Rows and a table cannot both be held out."""
        with pytest.raises(UsageError, match="--test-data"):
            HoldOut.of("0.2", str(tmp_path / "t.csv"))


class TestTestData:
    """``--test-data``."""

    def test_a_table_with_columns_in_another_order(self, tmp_path):
        """Columns are found by name, and labels stay text, whatever the table's order."""
        train, test = tmp_path / "train.csv", tmp_path / "test.csv"
        train.write_text("b,a,kind,extra\n" + "".join(f"{n},{n * 2},0{n % 2},x\n" for n in range(20)))
        test.write_text("kind,a,b\n01,5,6\n00,7,8\n")
        given = DataSource(source=str(train), columns=Columns(target=("kind",), features=("b", "a")))
        data = HoldOut.of(None, str(test)).apply(given.load(MODEL), MODEL, given=given)
        np.testing.assert_array_equal(data.held_out.X, [[6, 5], [8, 7]])
        facts = summarize_data(data, MODEL)
        assert facts["held_out"] == {"rows": 2, "source": str(test)}
        assert facts["line"].startswith("data: X 20 x 2 numbers, y kind: 2 classes, from ")

    def test_arrays_and_a_column_called_y(self, tmp_path):
        """Arrays of the file are scored on a table whose y is called so; without one it says what is missing."""
        test = tmp_path / "test.csv"
        test.write_text("a,b,c,d,y\n1,2,3,4,0\n")
        data = HoldOut.of(None, str(test)).apply(Data(X=X, y=y), MODEL)
        np.testing.assert_array_equal(data.held_out.X, [[1, 2, 3, 4]])
        test.write_text("a,b,c,d\n1,2,3,4\n")
        with pytest.raises(InputError, match="no target column is named"):
            HoldOut.of(None, str(test)).apply(Data(X=X, y=y), MODEL)

    def test_a_file_that_is_not_there(self):
        """A table that is not there is said at once."""
        with pytest.raises(InputError, match=r"nowhere\.csv"):
            HoldOut.of(None, "nowhere.csv")


class TestScores:
    """What the fitted model is worth."""

    data = held(Data(X=X, y=y), "0.2")

    def scored(self, fitted):
        """Return the scores, and what was said."""
        said = []
        return score_held_out(fitted, self.data.held_out, lambda event: said.append(event.text)), said

    def test_one_metric(self):
        """A search is scored by its own scorer, as its `score` does it."""
        search = GridSearchCV(MODEL, {"C": [1]}, scoring="neg_log_loss").fit(self.data.X, self.data.y)
        expected = search.score(self.data.held_out.X, self.data.held_out.y)
        assert self.scored(search) == ({"test_score": expected, "test_scores": None}, [])

    def test_several_metrics(self):
        """Of several metrics each is there by name."""
        search = GridSearchCV(MODEL, {"C": [1]}, scoring=["accuracy", "f1_macro"], refit="accuracy")
        scores, said = self.scored(search.fit(self.data.X, self.data.y))
        assert (scores["test_score"], sorted(scores["test_scores"]), said) == (None, ["accuracy", "f1_macro"], [])

    def test_a_plain_estimator(self):
        """An estimator is asked for its own score."""
        model = LogisticRegression(max_iter=300).fit(self.data.X, self.data.y)
        assert self.scored(model)[0]["test_score"] == model.score(self.data.held_out.X, self.data.held_out.y)

    def test_a_failure_is_said(self):
        """A scorer that fails costs nobody the model."""
        search = GridSearchCV(MODEL, {"C": [1]}).fit(self.data.X, self.data.y)
        search.scorer_ = lambda *_: 1 / 0
        scores, said = self.scored(search)
        assert scores == {"test_score": None, "test_scores": None}
        assert "ZeroDivisionError" in said[0]

    def test_no_model(self):
        """Without a refit there is nothing to score."""
        search = GridSearchCV(MODEL, {"C": [1]}, refit=False).fit(self.data.X, self.data.y)
        scores, said = self.scored(search)
        assert (scores["test_score"], len(said)) == (None, 1)


class TestLine:
    """Other data in the line."""

    def test_kinds_of_columns(self):
        """Columns of a frame are counted by kind; a regressor's y is numbers."""
        pd = pytest.importorskip("pandas")
        frame = pd.DataFrame({"a": [1.0, 2], "b": ["x", "y"], "c": pd.Categorical(["u", "v"])})
        data = Data(X=frame, y=pd.Series([1, 2], name="price"), source="t.csv")
        assert summarize_data(data, LinearRegression())["line"] == (
            "data: X 2 x 3 (1 number, 1 text, 1 category), y price: numbers, from t.csv"
        )

    def test_no_y(self):
        """Data without y says so."""
        assert summarize_data(Data(X=X), KMeans())["line"] == "data: X 150 x 4 numbers, no y"


def test_a_file_that_fits_on_import(tmp_path, monkeypatch):
    """A search that is fitted when the file is run is said by name; a model that is not fitted is not."""
    monkeypatch.chdir(tmp_path)
    text = "from sklearn.dummy import DummyClassifier\nclf = DummyClassifier()\n"
    (tmp_path / "fits.py").write_text(text + "clf.fit([[1], [2]], [0, 1])\n")
    (tmp_path / "does_not.py").write_text(text)
    assert str(fitted_on_import(load("fits.py"))).startswith("clf was already fitted when fits.py was run")
    assert fitted_on_import(load("does_not.py")) is None
