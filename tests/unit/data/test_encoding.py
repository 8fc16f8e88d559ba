"""Texts as categories, dates as numbers; the same at predict time."""

import datetime as dt
import sys
import types
import warnings

import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator
from sklearn.compose import TransformedTargetRegressor, make_column_transformer
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from sklearn.svm import SVC

from raysk.data.encoding import Unseen
from raysk.data.features import recorded_features
from raysk.data.reading import Columns, DataSource, read_blocks, read_table
from raysk.data.recipe import encoding_recipe
from raysk.data.requirements import takes_categories
from raysk.errors import InputError, UsageError
from raysk.models.data_facts import data_facts
from raysk.models.sidecar_types import check_types

TREES = HistGradientBoostingClassifier(max_iter=3)
DAYS = pd.date_range("2020-01-30", periods=60, freq="D")
FRAME = pd.DataFrame(
    {
        "city": ["Bonn", "Köln", None] * 20,
        "plan": ["gold", "basic", "pro", "gold"] * 15,
        "age": range(60),
        "since": DAYS.strftime("%Y-%m-%d"),
        "y": ["yes", "no"] * 30,
    }
)


def load(tmp_path, estimator=TREES, frame=FRAME, **columns):
    """Return the data that the command line would make of a CSV."""
    frame.to_csv(tmp_path / "t.csv", index=False)
    return DataSource(source=str(tmp_path / "t.csv"), columns=Columns(target=("y",), **columns)).load(estimator)


def remembered(data):
    """Return the features as a model's sidecar gives them back."""
    facts = data_facts(data.X, data.y, feature_names=data.feature_names, dates=data.dates)
    return recorded_features(check_types({"data": facts}))


def boosted(module, name, **attributes):
    """Return an estimator of a class as LightGBM and XGBoost have them, which are not installed here."""
    base = type(name, (BaseEstimator,), {"__module__": f"{module}.sklearn"})
    estimator = type("Model", (base,), {"__module__": f"{module}.sklearn"})()
    vars(estimator).update(attributes)
    return estimator


@pytest.mark.parametrize(
    ("estimator", "takes"),
    [
        (TREES, True),
        (HistGradientBoostingRegressor(), True),
        (GridSearchCV(TREES, {}), True),
        (make_pipeline("passthrough", TREES), True),
        (TransformedTargetRegressor(HistGradientBoostingRegressor()), True),
        (HistGradientBoostingClassifier(categorical_features=None), False),
        (make_pipeline(StandardScaler(), TREES), False),
        (LogisticRegression(), False),
        (boosted("lightgbm", "LGBMModel"), True),
        (boosted("xgboost", "XGBModel", enable_categorical=True), True),
        (boosted("xgboost", "XGBModel", enable_categorical=False), False),
        (boosted("mine", "LGBMModel"), False),
    ],
)
def test_who_takes_categories(estimator, takes):
    """Categories are for estimators that know what they are, where they see the table first."""
    assert takes_categories(estimator) is takes


def test_categories_that_must_be_enabled(tmp_path):
    """XGBoost's switch is named where it is off and there is text."""
    with pytest.raises(InputError, match=r"'city' is text(.|\n)*--set enable_categorical=True"):
        load(tmp_path, boosted("xgboost", "XGBModel", enable_categorical=False))


@pytest.mark.parametrize(("module", "name"), [("lightgbm", "LGBMClassifier"), ("xgboost", "XGBClassifier")])
def test_the_real_libraries(module, name):
    """The classes of the libraries themselves are known; skipped where they are not installed."""
    library = pytest.importorskip(module, reason=f"{module} is not installed: only its names are tested")
    options = {"enable_categorical": True} if module == "xgboost" else {}
    assert takes_categories(getattr(library, name)(**options))


def test_texts_become_categories(tmp_path):
    """Texts are categories, missing ones stay missing, and scikit-learn fits them as it would by hand."""
    X = load(tmp_path, drop=("since",)).X
    assert [str(kind) for kind in X.dtypes] == ["category", "category", "int64"]
    by_hand = FRAME[["city", "plan", "age"]].astype({"city": "category", "plan": "category"})
    ours, plain = (HistGradientBoostingClassifier(max_iter=3).fit(table, FRAME.y) for table in (X, by_hand))
    assert np.array_equal(ours.predict_proba(X), plain.predict_proba(by_hand))


def test_columns_that_are_said(tmp_path):
    """--categorical names columns, numbers too, for any estimator; none means none."""
    X = load(tmp_path, SVC(), drop=("since",), categorical=("plan,0", "age")).X
    assert [str(kind) for kind in X.dtypes] == ["category"] * 3
    assert X.age.cat.categories.tolist() == list(range(60))
    encoder = make_pipeline(make_column_transformer((OneHotEncoder(), ["city", "plan"])), SVC())
    assert "category" not in map(str, load(tmp_path, encoder, drop=("since",)).X.dtypes)
    for said in ("none", "city"):
        with pytest.raises(InputError, match=r"--categorical (city,)?plan "):
            load(tmp_path, drop=("since",), categorical=(said,))


@pytest.mark.parametrize(
    ("columns", "error", "words"),
    [
        ({"categorical": ("town",)}, InputError, "--categorical town: .*'town'"),
        ({"categorical": ("y",)}, UsageError, "'y' is no feature"),
        ({"dates": ("since",), "categorical": ("since",)}, UsageError, "'since'.*only be one"),
        ({"dates": ("city",)}, InputError, "column 'city' holds 'Bonn' in row 1 and 39 more, which is not a date"),
        ({"dates": ("since=%d.%m.%Y %Q",)}, UsageError, "--dates since=%d.%m.%Y %Q"),
    ],
)
def test_columns_that_cannot_be(tmp_path, columns, error, words):
    """What cannot be a category or a date names itself."""
    with pytest.raises(error, match=words):
        load(tmp_path, **columns)


def test_the_same_categories_again(tmp_path):
    """At predict time categories are those of the fit, block by block; others are missing, counted once."""
    data = load(tmp_path, categorical=("city", "plan", "age"), drop=("since",))
    features, unseen = remembered(data), Unseen()
    new = pd.DataFrame(
        {"age": [3, 1.0, None, "old"], "plan": ["pro", "gold", "tin", "tin"], "city": ["Rom", "Bonn"] * 2}
    )
    new.to_csv(tmp_path / "new.csv", index=False)
    tables = read_blocks(str(tmp_path / "new.csv"), rows=2, dtypes=features.dtypes)
    parts = [features.split(table, Columns(), TREES, unseen).X for table in tables]
    assert all((part.dtypes == data.X.dtypes).all() for part in parts)
    X = pd.concat(parts)
    assert X.plan.tolist() == ["pro", "gold", np.nan, np.nan]
    assert X.age.tolist()[:2] == [3, 1]
    assert X.age.isna().tolist() == [False, False, True, True]
    assert unseen.counts == {"city": 2, "plan": 2, "age": 1}
    assert "city in 2 rows (such as 'Rom')" in unseen.remark()
    assert Unseen().remark() is None


def test_a_pipeline_sees_what_it_was_not_fitted_on(tmp_path):
    """Where an encoder of the person's deals with unseen values, they reach it."""
    pipeline = make_pipeline(make_column_transformer((OneHotEncoder(handle_unknown="ignore"), ["plan"])), SVC())
    data = load(tmp_path, pipeline, categorical=("plan",), features=("plan",))
    pd.DataFrame({"plan": ["tin", "pro"]}).to_csv(tmp_path / "new.csv", index=False)
    X = remembered(data).split(read_table(str(tmp_path / "new.csv")), Columns(), pipeline).X
    assert X.plan.tolist() == ["tin", "pro"]


def test_more_categories_than_trees_take(tmp_path):
    """Too many categories are refused before the fit, with what to do about names and about dates."""
    many = pd.concat([FRAME] * 5).assign(since=pd.date_range("2020-01-01", periods=300).astype(str))
    with pytest.raises(InputError, match=r"'since' has 300 categories, .* takes 255 at most\.\n.*--dates since"):
        load(tmp_path, frame=many)
    with pytest.raises(InputError, match=r"'city' has 300 categories(.|\n)*--drop city"):
        load(tmp_path, frame=many.assign(city=[f"name {n}" for n in range(300)]), drop=("since",))
    with pytest.warns(UserWarning, match="--dates since makes numbers"):
        load(tmp_path)


def test_decimal_commas_are_no_categories(tmp_path):
    """Numbers that were read as text are not learned as categories; an encoder gets them with a remark."""
    frame = FRAME.assign(since=[f"{n},5" for n in range(60)])
    with pytest.raises(InputError, match=r"'since' holds '0,5'(.|\n)*--decimal ,"):
        load(tmp_path, frame=frame)
    encoder = make_pipeline(make_column_transformer((OneHotEncoder(), ["since"])), SVC())
    with pytest.warns(UserWarning, match="--decimal ,"):
        load(tmp_path, encoder, frame=frame)


# --- dates


@pytest.mark.parametrize(
    ("texts", "said", "expected"),
    [
        (["1970-01-02", None, "1969-12-31"], "", [1, np.nan, -1]),
        (["1970-01-01T12:00:00", "1970-01-02"], "", [0.5, 1]),
        (["1970-01-01T02:00:00+02:00", "1970-01-02T00:00:00Z"], "", [0, 1]),
        (["31.01.1970", "1.2.1970"], "", [30, 31]),
        (["01/31/1970 6:00 PM", "02/01/1970 6:00 AM"], "", [30.75, 31.25]),
        (["31 Jan 1970", "1 Feb 1970"], "", [30, 31]),
        (["01/02/1970", "02/02/1970"], "=%d/%m/%Y", [31, 32]),
        ([19700102, 19700103], "", [1, 2]),
        ([19700102, None], "", [1, np.nan]),
    ],
)
def test_dates_are_days(tmp_path, texts, said, expected):
    """Dates become days since 1970-01-01; the same at predict time, also where they are written as ISO 8601."""
    frame = pd.DataFrame({"d": texts, "y": range(len(texts))})
    data = load(tmp_path, SVC(), frame=frame, dates=(f"d{said}",))
    assert np.array_equal(data.X[:, 0], expected, equal_nan=True)
    assert isinstance(data.X, np.ndarray)
    features = remembered(data)
    (table,) = read_blocks(str(tmp_path / "t.csv"), dtypes=features.dtypes)
    assert np.array_equal(features.split(table, Columns()).X[:, 0], expected, equal_nan=True)
    (tmp_path / "iso.csv").write_text("d,x\n1970-01-03,1\n")
    (table,) = read_blocks(str(tmp_path / "iso.csv"), dtypes=features.dtypes)
    assert features.split(table, Columns()).X[0, 0] == 2


def test_dates_of_parquet(tmp_path):
    """Dates that have a type are dates as well."""
    frame = pd.DataFrame({"d": [dt.date(1970, 1, 2), None], "t": pd.to_datetime(["1970-01-02 12:00", None], utc=True)})
    frame.assign(y=[0, 1]).to_parquet(tmp_path / "t.parquet")
    given = DataSource(source=str(tmp_path / "t.parquet"), columns=Columns(target=("y",), dates=("d,t",)))
    assert np.array_equal(given.load(SVC()).X, [[1, 1.5], [np.nan, np.nan]], equal_nan=True)


def test_dates_that_can_be_read_in_two_ways(tmp_path):
    """A day that can be a month is asked about, with both formats; never guessed."""
    frame = pd.DataFrame({"d": ["01/02/2024", "03/04/2024"], "y": [0, 1]})
    with pytest.raises(InputError) as caught:
        load(tmp_path, frame=frame, dates=("d",))
    text = str(caught.value)
    assert "1 February 2024 or 2 January 2024" in text
    assert "'d=%d/%m/%Y' or 'd=%m/%d/%Y'" in text


def test_a_wrong_date_is_named_by_its_row(tmp_path):
    """The row is counted over all blocks."""
    features = remembered(load(tmp_path, dates=("since",), features=("since", "age")))
    frame = FRAME[["since", "age"]].assign(since=[*FRAME.since[:58], "soon", ""])
    frame.to_csv(tmp_path / "new.csv", index=False)
    *before, last = read_blocks(str(tmp_path / "new.csv"), rows=25, dtypes=features.dtypes)
    assert [features.split(table, Columns()).X.shape for table in before] == [(25, 2)] * 2
    with pytest.raises(InputError, match="column 'since' holds 'soon' in row 59, which is not a date"):
        features.split(last, Columns())


# --- what to do about text


@pytest.mark.parametrize(
    ("estimator", "parameter"),
    [
        (LogisticRegression(C=3.0, class_weight={"yes": 2}), "logisticregression__C"),
        (GaussianNB(), "gaussiannb__var_smoothing"),
        (Pipeline([("scale", StandardScaler()), ("x", "passthrough"), ("svc", SVC(C=3.0))]), "svc__C"),
        (GridSearchCV(SVC(), {"C": [1]}), "svc__C"),
    ],
)
def test_the_pipeline_can_be_pasted(tmp_path, estimator, parameter):
    """A refused column is answered with a pipeline that runs, keeps the parameters, and fits."""
    with pytest.raises(InputError) as caught:
        load(tmp_path, estimator, drop=("since",))
    lines = str(caught.value).splitlines()
    assert len(lines) == 5
    assert "column 'city' holds 'Bonn' in row 1" in lines[0]
    names = {}
    exec("\n".join(lines[2:]), names)  # noqa: S102 - our own advice
    assert parameter in names["model"].get_params()
    values = [value for name, value in names["model"].get_params().items() if name.endswith("__C")]
    assert values in ([], [3.0], [1.0])
    data = load(tmp_path, names["model"], drop=("since",))
    assert names["model"].fit(data.X, data.y).predict(data.X).shape == (60,)


def test_other_advice(tmp_path):
    """Dates, decimal commas and stray words are answered with what helps there."""
    for values, words in (
        (FRAME.since, "--dates since"),
        ([*range(59), "?"], "mostly numbers"),
        (["1,5"] * 60, "--decimal ,"),
    ):
        with pytest.raises(InputError, match=words):
            load(tmp_path, SVC(), frame=FRAME.assign(since=values), features=("since", "age"))


def test_a_strange_model_has_a_place_in_the_pipeline(tmp_path):
    """Where raysk cannot write the model down, the pipeline leaves a place for it."""
    module = types.ModuleType("mine")
    exec("from sklearn.svm import SVC\nclass Mine(SVC): pass", vars(module))  # noqa: S102 - a person's class
    sys.modules["mine"] = module
    with pytest.raises(InputError, match=r"make_pipeline\(texts, YOUR_MODEL\)"):
        load(tmp_path, make_pipeline(StandardScaler(), module.Mine()), drop=("since",))
    del sys.modules["mine"]


def test_warnings_are_not_repeated(tmp_path):
    """Plain tables are read without a remark."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        load(tmp_path, drop=("since",))


@pytest.mark.parametrize("missing", [True, False])
def test_the_pipeline_to_paste_fits(missing):
    """Pasted, it is fitted to the table that it answers, also where numbers are missing."""
    frame = pd.DataFrame({"city": ["Bonn", "Kiel"] * 10, "pay": [np.nan if missing else 1.0, 2.0] * 10})
    code, prefix = encoding_recipe(SVC(C=3), ["city"], missing=missing)
    names = {}
    exec(code, names)  # noqa: S102 - what raysk says can be pasted
    assert names["model"].fit(frame, [0, 1] * 10).get_params()[f"{prefix}C"] == 3
