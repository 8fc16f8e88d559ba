from __future__ import annotations

import json

import numpy as np
import pytest
from sklearn.experimental import enable_halving_search_cv  # noqa: F401 - makes the halving searches importable
from sklearn.linear_model import Ridge
from sklearn.model_selection import (
    GridSearchCV,
    HalvingGridSearchCV,
    KFold,
    RandomizedSearchCV,
    ShuffleSplit,
)
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from raysk.data.reading import DataSource
from raysk.errors import InputError, UsageError
from raysk.request.assemble import Overrides, describe, fit_job, search_job
from raysk.source.objects import SourceObjects

X = np.arange(40.0).reshape(20, 2)
Y = np.array([0, 1] * 10)


def holding(**names):
    """Return a source that holds these names, and data."""
    return SourceObjects(source="model.py", path=None, names={"X": X, "y": Y, **names})


def fails(error, act, *words):
    """Assert an error of five lines or fewer that holds the words."""
    with pytest.raises(error) as caught:
        act()
    text = str(caught.value)
    assert type(caught.value) is error
    assert len(text.splitlines()) <= 5, text
    for word in words:
        assert word in text


def search_of(overrides=None, **names):
    """Return the search that would run."""
    return search_job(holding(**names), overrides or Overrides()).search


class OwnSearch(GridSearchCV):
    """A person's search whose __init__ scikit-learn cannot clone."""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)


# --- jobs


def test_fit_job():
    """An estimator with data makes a job of a copy."""
    model = SVC(C=3)
    job = fit_job(holding(model=model), Overrides())
    assert job.estimator.C == 3
    assert job.estimator is not model
    assert job.data.X is X
    assert job.source == "model.py"


def test_fit_of_a_search():
    """Without another estimator, fit fits the search, and the search's flags hold."""
    job = fit_job(holding(gs=GridSearchCV(SVC(), {"C": [1, 2]})), Overrides(cv=3))
    assert job.estimator.cv == 3


def test_search_object_wins_over_parts():
    """A search object is used although the file has loose parts too."""
    search = GridSearchCV(SVC(), {"C": [1, 2]}, cv=4)
    got = search_of(search=search, model=Ridge(), param_grid={"alpha": [1]}, cv=2)
    assert got.cv == 4
    assert isinstance(got.estimator, SVC)
    assert got is not search
    assert got.estimator is not search.estimator


def test_loose_distributions():
    """An estimator and param_distributions make a randomized search of ten candidates, as in scikit-learn."""
    got = search_of(Overrides(seed=5), model=SVC(), param_distributions={"C": [1, 2]}, cv=3, scoring="f1")
    assert type(got) is RandomizedSearchCV
    assert (got.n_iter, got.random_state, got.cv, got.scoring, got.refit) == (10, 5, 3, "f1", True)
    assert got.estimator.random_state == 5


def test_loose_grid():
    """An estimator and param_grid make a grid search, or a randomized one with --n-iter."""
    assert type(search_of(model=SVC(), param_grid={"C": [1, 2]})) is GridSearchCV
    got = search_of(Overrides(n_iter=1), model=SVC(), param_grid={"C": [1, 2]})
    assert type(got) is RandomizedSearchCV
    assert got.n_iter == 1


def test_loose_metrics_choose_by_the_first():
    """Of several loose metrics the first chooses the best candidate."""
    assert search_of(model=SVC(), param_grid={"C": [1]}, scoring=["f1", "accuracy"]).refit == "f1"
    assert search_of(model=SVC(), param_grid={"C": [1]}, scoring={"a": "f1", "b": "accuracy"}).refit == "a"


def test_given_data_replaces_the_files():
    """Data from the command line is used, and load_data is not called."""
    names = {"model": SVC(), "load_data": lambda: 1 / 0}
    found = SourceObjects(source="model.py", path=None, names=names)
    given = DataSource(source="sklearn:iris")
    assert fit_job(found, Overrides(), given=given).data.X.shape == (150, 4)
    found.names["param_grid"] = {"C": [1]}
    assert search_job(found, Overrides(), given=given).data.source == "sklearn:iris"


def test_no_data():
    """A job without data says how to name it."""
    found = SourceObjects(source="model.py", path=None, names={"model": SVC(), "param_grid": {"C": [1]}})
    fails(InputError, lambda: search_job(found, Overrides()), "no data", "X and y", "load_data()")
    fails(InputError, lambda: fit_job(found, Overrides()), "no data")


def test_no_search():
    """An estimator alone is no search, and the message shows how to make one."""
    fails(InputError, lambda: search_of(model=SVC()), "SVC", "param_grid", "raysk fit")


def test_not_a_scikit_learn_object():
    """An object of another kind says its type and what is needed."""
    found = SourceObjects(source="model.py:x", path=None, names={"X": X}, chosen={"a": 1})
    fails(InputError, lambda: fit_job(found, Overrides()), "dict", "fit and get_params")
    fails(InputError, lambda: search_job(found, Overrides()), "dict")
    fails(InputError, lambda: search_of(search=GridSearchCV("svc", {"C": [1]})), "str", "estimator")


def test_cv_of_no_use():
    """A loose cv that cannot split is bad input."""
    fails(InputError, lambda: search_of(model=SVC(), param_grid={"C": [1]}, cv=KFold), "cv", "KFold(5)")


# --- copies


def test_the_persons_objects_never_change():
    """Flags change copies only, for loose parts and for a search."""
    model, grid = SVC(), {"C": [1, 2]}
    search = RandomizedSearchCV(make_pipeline(StandardScaler(), SVC()), {"svc__C": [1, 2]})
    before = repr(search.get_params()), repr(model), repr(grid)
    flags = Overrides(n_iter=1, cv=3, scoring="accuracy,f1", seed=1, set=("svc__kernel=linear",), refit=False)
    got = search_of(flags, search=search)
    search_of(Overrides(n_iter=1, seed=1, set=("kernel=linear",)), model=model, param_grid=grid)
    assert (repr(search.get_params()), repr(model), repr(grid)) == before
    assert got.estimator.get_params()["svc__kernel"] == "linear"
    assert got.refit is False


def test_a_search_that_cannot_be_cloned():
    """A person's search class that scikit-learn cannot clone is copied another way."""
    search = OwnSearch(SVC(), {"C": [1, 2]})
    got = search_of(Overrides(cv=3, set=("kernel=linear",)), search=search)
    assert type(got) is OwnSearch
    assert (got.cv, search.cv) == (3, None)
    assert search.estimator.kernel == "rbf"


def test_cv_that_is_a_generator():
    """Splits from a generator survive, and the person's estimator is still copied."""
    search = GridSearchCV(SVC(), {"C": [1, 2]}, cv=(split for split in KFold(2).split(X)))
    got = search_of(Overrides(set=("kernel=linear",)), search=search)
    assert search.estimator.kernel == "rbf"
    assert len(list(got.cv)) == 2


def test_a_shared_random_generator_stays_shared():
    """One RandomState in search, splits and estimator is one in the copy: draws stay scikit-learn's."""
    rng = np.random.RandomState(0)
    cv = ShuffleSplit(2, random_state=rng)
    search = RandomizedSearchCV(SVC(random_state=rng), {"C": [1, 2]}, random_state=rng, cv=cv)
    got = search_of(search=search)
    assert got.random_state is got.estimator.random_state is got.cv.random_state
    assert got.random_state is not rng


# --- flags


@pytest.mark.parametrize(
    ("wrong", "word"),
    [
        ({"n_iter": 0}, "--n-iter 0"),
        ({"cv": 1}, "--cv 1"),
        ({"seed": -1}, "--seed -1"),
        ({"seed": 2**32}, "--seed"),
        ({"set": ("C",)}, "NAME=VALUE"),
    ],
)
def test_numbers_out_of_range(wrong, word):
    """A flag out of its range is wrong usage when the flags are made."""
    fails(UsageError, lambda: Overrides(**wrong), word)


def test_n_iter_needs_a_randomized_search():
    """--n-iter on a grid or halving search names what it is."""
    for search in (GridSearchCV(SVC(), {"C": [1]}), HalvingGridSearchCV(SVC(), {"C": [1]})):
        act = lambda search=search: search_of(Overrides(n_iter=3), search=search)  # noqa: E731
        fails(UsageError, act, "--n-iter 3", type(search).__name__)


def test_search_flags_need_a_search():
    """A search's flag on a plain fit is refused."""
    flags = Overrides(n_iter=3, cv=2, refit=False)
    fails(UsageError, lambda: fit_job(holding(model=SVC()), flags), "--n-iter, --cv, --no-refit", "SVC")


def test_scoring():
    """One metric, or several of which the first chooses; a named refit of old goes."""
    search = GridSearchCV(SVC(), {"C": [1]}, scoring=["f1", "recall"], refit="recall")
    got = search_of(Overrides(scoring="accuracy"), search=search)
    assert (got.scoring, got.refit) == ("accuracy", True)
    got = search_of(Overrides(scoring="f1, recall"), search=search)
    assert (got.scoring, got.refit) == (["f1", "recall"], "f1")


def test_unknown_scoring():
    """An unknown metric offers the nearest names: wrong usage as a flag, bad input in the file."""
    grid = {"model": SVC(), "param_grid": {"C": [1]}}
    fails(UsageError, lambda: search_of(Overrides(scoring="acuracy"), **grid), "acuracy", "accuracy")
    fails(UsageError, lambda: search_of(Overrides(scoring=","), **grid), "--scoring")
    fails(InputError, lambda: search_of(scoring="acuracy", **grid), "acuracy", "accuracy")


def test_halving_takes_one_metric():
    """Several metrics for a halving search are refused before the run."""
    search = HalvingGridSearchCV(SVC(), {"C": [1]})
    fails(UsageError, lambda: search_of(Overrides(scoring="f1,accuracy"), search=search), "one metric")


def test_seed_reaches_every_random_state():
    """The seed goes to the search and to each random_state within, and --set has the last word."""
    pipeline = make_pipeline(StandardScaler(), SVC())
    search = RandomizedSearchCV(pipeline, {"svc__C": [1, 2]})
    got = search_of(Overrides(seed=7), search=search)
    assert (got.random_state, got.estimator[-1].random_state) == (7, 7)
    flags = Overrides(seed=7, set=("svc__random_state=1",))
    assert fit_job(holding(model=pipeline), flags).estimator[-1].random_state == 1


def test_unknown_setting():
    """--set with an unknown name offers the nearest, nested and whatever the case."""
    pipeline = make_pipeline(StandardScaler(), SVC())
    for name in ("svc__c", "C", "svm__C"):
        flags = Overrides(set=(f"{name}=3",))
        fails(UsageError, lambda flags=flags: fit_job(holding(model=pipeline), flags), name, "svc__C")
    fails(UsageError, lambda: fit_job(holding(model=SVC()), Overrides(set=("zzzz=1",))), "parameters are")


# --- spaces


@pytest.mark.parametrize(
    ("space", "words"),
    [
        ({"C": []}, ("'C'", "empty")),
        ({}, ("empty",)),
        ([], ("empty",)),
        ([{}], ("empty",)),
        ({"C": 3}, ("'C'", "list", "[3]")),
        ({"kernel": "rbf"}, ("'kernel'", "list")),
        ({"C": {1, 2}}, ("'C'", "set", "list")),
        ({3: [1]}, ("'3'", "SVC")),
        ({"c": [1]}, ("'c'", "Did you mean C")),
        ({"svc__C": [1]}, ("'svc__C'", "C")),
        ([{"C": [1]}, {"gama": [1]}], ("gama", "gamma")),
    ],
)
@pytest.mark.parametrize("form", ["grid", "distributions", "object"])
def test_bad_space(space, words, form):
    """A space that is empty, malformed or of another estimator names the parameter."""
    names = {"search": GridSearchCV(SVC(), space)} if form == "object" else {"model": SVC(), f"param_{form}": space}
    fails(InputError, lambda: search_of(**names), *words)


def test_space_of_no_dicts():
    """A search made with another thing for its space is bad input."""
    fails(InputError, lambda: search_of(search=GridSearchCV(SVC(), 3)), "param_grid", "int")


def test_distribution_in_a_grid():
    """A distribution has no place in a grid, and the message says where it has."""
    from scipy.stats import uniform

    space = {"C": uniform()}
    fails(InputError, lambda: search_of(model=SVC(), param_grid=space), "'C'", "param_distributions")
    assert search_of(model=SVC(), param_distributions=space).n_iter == 10


def test_space_that_swaps_a_step():
    """A grid that swaps a step may set the new step's parameters."""
    pipeline = make_pipeline(StandardScaler(), SVC())
    space = [
        {"svc": [Ridge()], "svc__alpha": [1, 2]},
        {"svc": ["passthrough", Ridge()], "svc__alpha": [1]},
        {},
    ]
    assert search_of(model=pipeline, param_grid=space).param_grid


# --- describe


def test_describe_a_search():
    """The facts of a search are JSON and say what would run."""
    found = holding(model=make_pipeline(StandardScaler(), SVC()), param_grid={"svc__C": [1, 2, 3]}, scoring="f1")
    facts = json.loads(json.dumps(describe(found), allow_nan=False))
    assert facts["runs"] == "search"
    search = facts["search"]
    assert (search["candidates"], search["splits"], search["fits"]) == (3, 5, 15)
    assert (search["class"], search["scoring"]) == ("GridSearchCV", "f1")
    assert search["parameters"] == {"svc__C": 3}
    assert facts["estimator"]["kind"] == "classifier"
    assert facts["estimator"]["steps"] == ["standardscaler", "svc"]
    assert facts["data"]["X"]["shape"] == [20, 2]
    assert facts["data"]["X"]["dtype"] == "float64"
    assert facts["data"]["y"]["kind"] == "binary"
    assert facts["data"]["y"]["classes"] == 2


def test_describe_a_fit_without_data():
    """Without data and without a search, what is not known is null."""
    facts = describe(SourceObjects(source="model.py", path=None, names={"model": SVC()}))
    assert (facts["runs"], facts["search"], facts["data"]) == ("fit", None, None)
    assert facts["objects"] == {"model": "SVC"}


def test_describe_follows_the_flags():
    """Flags change what would run."""
    found = holding(search=RandomizedSearchCV(SVC(), {"C": [1, 2, 3]}))
    assert describe(found, Overrides(n_iter=2, cv=4))["search"]["fits"] == 8
    assert describe(found)["search"]["candidates"] == 3


def test_describe_what_a_command_runs():
    """`raysk fit` fits the estimator once, whatever space is in the file; `raysk search` searches."""
    found = holding(model=SVC(), param_grid={"C": [1, 2, 3]})
    fits = describe(found, job=fit_job(found, Overrides()))
    assert (fits["runs"], fits["search"], fits["estimator"]["class"]) == ("fit", None, "SVC")
    searches = describe(found, job=search_job(found, Overrides()))
    assert (searches["runs"], searches["search"]["fits"]) == ("search", 15)
    assert searches["estimator"] == fits["estimator"]
    assert searches["data"] == fits["data"] is not None


def test_describe_what_cannot_be_counted():
    """Candidates of a halving search without data, and splits of a generator, are unknown before the run."""
    halving = {"search": HalvingGridSearchCV(SVC(), {"C": [1, 2]})}
    facts = describe(SourceObjects(source="model.py", path=None, names=halving))["search"]
    assert (facts["method"], facts["candidates"], facts["rounds"]) == ("halving", None, None)
    cv = (split for split in KFold(2).split(X))
    found = holding(search=GridSearchCV(SVC(), {"C": [1]}, cv=cv))
    assert describe(found)["search"]["splits"] is None
    assert len(list(cv)) == 2


def test_describe_tables():
    """Data frames and sparse matrices have facts too."""
    pandas = pytest.importorskip("pandas")
    from scipy.sparse import csr_matrix

    frame = pandas.DataFrame({"a": [1.0, None] * 10, "b": ["x"] * 20})
    facts = describe(holding(model=Ridge(), X=frame, y=np.linspace(0, 1, 20)))["data"]
    assert facts["X"]["missing"] is True
    assert facts["X"]["shape"] == [20, 2]
    assert "float64" in facts["X"]["dtype"]
    assert facts["y"]["kind"] == "continuous"
    facts = describe(holding(model=Ridge(), X=csr_matrix(X)))["data"]
    assert facts["X"]["shape"] == [20, 2]
    json.dumps(facts)
