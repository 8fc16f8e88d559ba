"""``--method``: a search becomes one of another method, or is refused before anything runs."""

from __future__ import annotations

import json

import numpy as np
import pytest
from scipy.stats import loguniform
from sklearn.base import clone
from sklearn.ensemble import RandomForestClassifier
from sklearn.experimental import enable_halving_search_cv  # noqa: F401 - makes the halving searches importable
from sklearn.model_selection import (
    GridSearchCV,
    HalvingGridSearchCV,
    HalvingRandomSearchCV,
    KFold,
    RandomizedSearchCV,
)
from sklearn.svm import SVC

from raysk import TPESearchCV, plans
from raysk.errors import InputError, UsageError
from raysk.jobs import Shortcuts
from raysk.request.assemble import Overrides, describe, search_job
from raysk.request.before_fit import check_job
from raysk.request.method import Method, method_facts
from raysk.source.objects import SourceObjects

X = np.arange(240.0).reshape(120, 2)
Y = np.array([0, 1] * 60)
SPACE = {"C": loguniform(0.1, 10), "gamma": [0.1, 1.0]}
GRID = {"C": [0.1, 1, 10], "gamma": [0.1, 1.0]}
OPTIONS = {"cv": 3, "scoring": "f1", "refit": False, "error_score": "raise", "return_train_score": True}


def holding(**names):
    """Return a source that holds these names, and data."""
    return SourceObjects(source="model.py", path=None, names={"X": X, "y": Y, **names})


def job_of(method, *, n_iter=None, names=None, **options):
    """Return the job that would run by a method."""
    overrides = Overrides(n_iter=n_iter, method=Method(name=method, **options), **(names or {}).pop("overrides", {}))
    return search_job(holding(**(names or {})), overrides)


def search_of(method, search=None, **options):
    return job_of(method, names=None if search is None else {"search": search}, **options).search


def refused(error, act, *words):
    """Assert an error of five lines or fewer that holds the words."""
    with pytest.raises(error) as caught:
        act()
    text = str(caught.value)
    assert len(text.splitlines()) <= 5, text
    for word in words:
        assert word in text


# --- what a search becomes

SEARCHES = {
    "grid": lambda: GridSearchCV(SVC(), GRID, **OPTIONS),
    "random": lambda: RandomizedSearchCV(SVC(), SPACE, n_iter=7, random_state=3, **OPTIONS),
    "halving": lambda: HalvingRandomSearchCV(SVC(), SPACE, n_candidates=7, random_state=3, **OPTIONS),
    "tpe": lambda: TPESearchCV(SVC(), SPACE, n_iter=7, random_state=3, **OPTIONS),
}


@pytest.mark.parametrize("method", ["halving", "tpe"])
@pytest.mark.parametrize("kind", SEARCHES)
def test_a_search_keeps_all_but_its_method(kind, method):
    """Estimator, space, folds, scoring and number of candidates are the person's, whose own search does not change."""
    search = SEARCHES[kind]()
    before = repr(search)
    got = search_of(method, search)
    assert {name: getattr(got, name) for name in OPTIONS} == OPTIONS
    assert repr(got.estimator) == repr(search.estimator)
    is_halving, is_grid = method == "halving", kind == "grid"
    expected = (HalvingGridSearchCV if is_grid else HalvingRandomSearchCV) if is_halving else TPESearchCV
    assert type(got) is expected
    if is_grid:
        assert (got.param_grid if is_halving else got.param_distributions) == GRID
    else:
        assert (got.n_candidates if is_halving else got.n_iter, got.random_state) == (7, 3)
    assert repr(search) == before


def test_loose_parts():
    """A loose space has the candidates of the method's own default, or of --n-iter."""
    loose = {"model": SVC(), "param_distributions": SPACE}
    assert job_of("halving", names=dict(loose)).search.n_candidates == "exhaust"
    assert job_of("tpe", names=dict(loose)).search.n_iter == 50
    got = job_of("halving", n_iter=9, names={**loose, "overrides": {"seed": 5}}).search
    assert (got.n_candidates, got.random_state) == (9, 5)
    assert type(job_of("halving", names={"model": SVC(), "param_grid": GRID}).search) is HalvingGridSearchCV
    got = job_of(
        "tpe", n_iter=4, names={"model": SVC(), "param_grid": GRID, "overrides": {"space": ("C=uniform:0:1",)}}
    )
    assert (type(got.search), got.search.n_iter, got.search.param_distributions["gamma"]) == (
        TPESearchCV,
        4,
        [0.1, 1.0],
    )


def test_options_of_halving_and_tpe():
    """Options reach a search that goes by that method already, and one that has just become one."""
    options = {"resource": "n_samples", "factor": 2, "min_resources": "20", "max_resources": 100}
    for search in (SEARCHES["grid"](), HalvingGridSearchCV(SVC(), GRID, factor=4, cv=3)):
        got = search_of("halving", search, **options)
        assert (got.resource, got.factor, got.min_resources, got.max_resources) == ("n_samples", 2, 20, 100)
    assert search_of(None, HalvingGridSearchCV(SVC(), GRID), min_resources="smallest").min_resources == "smallest"
    assert search_of(None, SEARCHES["tpe"](), lag=3).lag == 3
    assert search_of(None, SEARCHES["halving"](), n_iter=11).n_candidates == 11


def test_a_parameter_as_the_resource():
    """The estimator's own value is what the last round gets, unless that is said."""
    forest = GridSearchCV(RandomForestClassifier(n_estimators=40), {"max_depth": [1, 2, 3]})
    assert search_of("halving", forest, resource="n_estimators").max_resources == 40
    assert search_of("halving", forest, resource="n_estimators", max_resources=90).max_resources == 90
    got = job_of(
        "halving", resource="n_estimators", names={"search": forest, "overrides": {"set": ("n_estimators=60",)}}
    )
    assert got.search.max_resources == 60


def test_halving_is_scikit_learns(make_pool, launcher, Events):
    """What halves on a pool has the rounds, the scores and the best candidate of scikit-learn's own search."""
    launcher.by_hand = False
    forest = {"model": RandomForestClassifier(9, random_state=0), "param_grid": {"max_depth": [1, 2, 3, 4]}, "cv": 2}
    cases = [
        ("grid", {"search": SEARCHES["grid"]()}, {}),
        ("random", {"search": SEARCHES["random"]()}, {"factor": 2, "min_resources": "smallest"}),
        ("forest", forest, {"resource": "n_estimators", "factor": 2}),
    ]
    for name, names, options in cases:
        names["overrides"] = {"seed": 4}
        search = job_of("halving", names=names, **options).search
        expected = clone(search).fit(X, Y)
        got = plans.fit(make_pool(sink=Events()), search, X, Y, {})
        assert len(expected.n_candidates_) > 1, name
        assert (got.n_candidates_, got.n_resources_) == (expected.n_candidates_, expected.n_resources_)
        assert got.cv_results_["params"] == expected.cv_results_["params"]
        np.testing.assert_array_equal(got.cv_results_["mean_test_score"], expected.cv_results_["mean_test_score"])
        assert got.best_params_ == expected.best_params_


# --- what cannot be


@pytest.mark.parametrize(
    ("wrong", "word"),
    [
        ({"name": "bayes"}, "halving, tpe"),
        ({"factor": 1}, "--factor 1"),
        ({"factor": float("nan")}, "--factor"),
        ({"min_resources": "few"}, "smallest, exhaust"),
        ({"min_resources": "0"}, "--min-resources 0"),
        ({"max_resources": 0}, "--max-resources"),
        ({"lag": 0}, "--lag 0"),
    ],
)
def test_values_out_of_range(wrong, word):
    """A value out of its range is wrong usage when the options are read."""
    refused(UsageError, lambda: Method(**wrong), word)


def test_options_of_another_method():
    """An option of a method that does not run is refused, not ignored."""
    refused(UsageError, lambda: search_of(None, SEARCHES["grid"](), factor=2), "--factor", "GridSearchCV", "halving")
    refused(UsageError, lambda: search_of("halving", SEARCHES["grid"](), lag=2), "--lag", "--method tpe")


class OwnWay(GridSearchCV):
    """A person's search that chooses candidates itself."""

    def _run_search(self, evaluate_candidates):
        evaluate_candidates([{"C": 1}])


def test_an_own_way_to_choose():
    """A person's own way to choose candidates is not thrown away."""
    refused(InputError, lambda: search_of("tpe", OwnWay(SVC(), GRID)), "OwnWay", "--method tpe")
    assert type(search_of(None, OwnWay(SVC(), GRID))) is OwnWay


def test_resources_that_cannot_be():
    """A resource that the estimator lacks, that is searched, that has no end, or that is no number, is refused."""
    forest = GridSearchCV(RandomForestClassifier(), {"max_depth": [1, 2, 3]})

    def by(resource, search=forest, **options):
        return lambda: search_of("halving", search, resource=resource, **options)

    refused(UsageError, by("n_estimator"), "--resource n_estimator", "Did you mean n_estimators")
    refused(UsageError, by("max_depth"), "--resource max_depth", "searched")
    refused(UsageError, by("C", GridSearchCV(SVC(C=0.5), {"gamma": [1, 2]})), "--max-resources")
    refused(UsageError, by("criterion", max_resources=9), "--resource criterion", "gini")
    refused(UsageError, by("n_samples", min_resources=50, max_resources=20), "--min-resources 50", "20")
    own = HalvingGridSearchCV(RandomForestClassifier(), {"max_depth": [1, 2]}, resource="trees", max_resources=9)
    refused(InputError, lambda: search_of(None, own), "resource='trees'")


def test_halving_takes_one_metric_and_chooses_itself():
    """Several metrics, and a function that would never be called, are refused for halving."""
    several = GridSearchCV(SVC(), GRID, scoring=["f1", "accuracy"], refit="f1")
    refused(InputError, lambda: search_of("halving", several), "one metric", "--scoring")
    chosen = GridSearchCV(SVC(), GRID, refit=lambda _: 0)
    refused(InputError, lambda: search_of("halving", chosen), "refit")
    both = {"min_resources": "exhaust"}
    loose = {"model": SVC(), "param_distributions": SPACE}
    refused(UsageError, lambda: job_of("halving", names=dict(loose), **both), "exhaust", "--n-iter")


def test_halving_is_checked_against_its_data():
    """What scikit-learn's halving refuses by its data is said before anything is fitted."""
    for search, word in [
        (GridSearchCV(SVC(), GRID, cv=KFold(3, shuffle=True)), "consistent folds"),
        (GridSearchCV(SVC(), GRID, cv=40), "min_resources_=160"),
    ]:
        job = job_of("halving", names={"search": search})
        refused(InputError, lambda job=job: check_job(job), "HalvingGridSearchCV", word)
    check_job(job_of("halving", names={"search": SEARCHES["grid"]()}))


class Mine:
    """A distribution of a person's."""

    def rvs(self, random_state=None):  # noqa: ARG002 - scikit-learn's signature
        """Draw."""
        return 1.0


def test_spaces_and_metrics_that_tpe_cannot_use():
    """A distribution without a ppf, and several metrics of which none is named, are refused before the run."""
    own = RandomizedSearchCV(SVC(), {"C": Mine(), "gamma": [1]})
    refused(InputError, lambda: search_of("tpe", own), "'C'", "Mine", "ppf", "loguniform")
    several = GridSearchCV(SVC(), GRID, scoring=["f1", "accuracy"], refit=False)
    refused(InputError, lambda: search_of("tpe", several), "one metric", "refit='accuracy'")


@pytest.mark.parametrize("method", ["halving", "tpe"])
def test_nothing_is_pruned_of_a_search_that_goes_by_scores(method):
    """Pruning would take scores away from a method that chooses by them."""
    search = search_of(method, SEARCHES["random"]())
    act = lambda: search_job(holding(search=search), Overrides(), shortcuts=Shortcuts(prune="exact"))  # noqa: E731
    refused(UsageError, act, "--prune exact", type(search).__name__)


# --- what is shown


def test_the_manifest_tells_the_method():
    """How candidates were chosen, and by what, is recorded, with the version of optuna that proposed them."""
    import optuna

    tpe = method_facts(search_of("tpe", SEARCHES["random"]()))
    assert tpe == {
        "class": "TPESearchCV",
        "method": "tpe",
        "options": {"n_iter": 7, "lag": 10, "optuna": optuna.__version__},
        "cv": 3,
    }
    halving = method_facts(search_of("halving", SEARCHES["grid"](), factor=2))
    assert (halving["method"], halving["options"]["factor"]) == ("halving", 2)
    assert method_facts(OwnWay(SVC(), GRID)) == {"class": "OwnWay", "method": None, "options": {}, "cv": None}


def test_describe_a_method():
    """The facts tell the method, and how many candidates and fits there will be in each round."""
    found = holding(search=SEARCHES["grid"]())

    def facts_of(**method):
        overrides = Overrides(method=Method(**method))
        facts = describe(found, overrides, job=search_job(found, overrides))["search"]
        return json.loads(json.dumps(facts, allow_nan=False))

    plain = facts_of()
    assert (plain["method"], plain["rounds"], plain["lag"], plain["resource"]) == ("grid", None, None, None)
    halved = facts_of(name="halving", factor=2, min_resources="30")
    search = search_job(found, Overrides(method=Method(name="halving", factor=2, min_resources=30))).search
    search.fit(X, Y)
    rounds = [(each["candidates"], each["resources"]) for each in halved["rounds"]]
    assert rounds == list(zip(search.n_candidates_, search.n_resources_, strict=True))
    assert halved["fits"] == len(search.cv_results_["params"]) * search.n_splits_
    tpe = facts_of(name="tpe")
    assert (tpe["method"], tpe["candidates"], tpe["fits"], tpe["lag"]) == ("tpe", 6, 18, 10)
