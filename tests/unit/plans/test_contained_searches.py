"""Searches whose candidates contain each other's fits: the table is scikit-learn's, with fewer fits."""

from __future__ import annotations

import warnings
from dataclasses import replace
from itertools import chain

import numpy as np
import pytest
from sklearn import clone, get_config
from sklearn.compose import TransformedTargetRegressor
from sklearn.datasets import make_classification, make_regression
from sklearn.ensemble import (
    AdaBoostClassifier,
    BaggingClassifier,
    GradientBoostingClassifier,
    GradientBoostingRegressor,
    HistGradientBoostingClassifier,
    RandomForestClassifier,
)
from sklearn.feature_selection import SelectKBest
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier

from raysk import plans
from raysk._compat import sklearn_cuts
from raysk.events import WorkDone
from raysk.jobs import Shortcuts
from raysk.plans import contained
from raysk.plans.contained import place_in
from raysk.plans.evaluation import Evaluation
from raysk.runs.journal import Journal

pytestmark = pytest.mark.filterwarnings("ignore")
CLASSES = make_classification(150, 8, n_informative=5, flip_y=0.1, random_state=0)
NUMBERS = make_regression(150, 8, noise=20.0, random_state=0)
WEIGHTS = {"sample_weight": np.linspace(0.0, 2.0, 150)}
TREES = {"n_estimators": [3, 12, 7]}
FOREST = RandomForestClassifier(random_state=0)
BOOSTING = GradientBoostingClassifier(subsample=0.5, random_state=0)


def looks_at_all(estimator, X, y):
    """Score by what a scorer of one's own may look at: parameters, parts, stages; it changes what it gets, too."""
    score = estimator.n_estimators + len(estimator.estimators_) + estimator.feature_importances_[0]
    score += sum((stage == y).mean() for stage in estimator.staged_predict(X)) if hasattr(estimator, "loss") else 0
    estimator.set_params(n_estimators=1).fit(X, y)
    return score


def fits_again(estimator, X, y):
    """Score, and fit the same pipeline on other data."""
    score = estimator.score(X, y) + len(estimator[-1].estimators_)
    estimator.fit(X + 5, y)
    return score


def fails_for_some(estimator, X, y):
    """Raise for one size of forest."""
    if estimator.n_estimators == 7:
        raise ArithmeticError("seven")
    return estimator.score(X, y)


@pytest.fixture
def events(Events):
    return Events()


@pytest.fixture
def pool(make_pool, launcher, events):
    """Return a pool of two workers that are threads."""
    launcher.by_hand = False
    return make_pool(sink=events)


def assert_equal(search, local):
    """Assert that two searches have the same table, but for times, and the same choice."""
    table, other = search.cv_results_, local.cv_results_
    assert list(table) == list(other)
    assert table["params"] == other["params"]
    for name in (
        name for name in table if name.startswith(("mean_", "std_", "split", "rank_")) and "_time" not in name
    ):
        assert np.array_equal(table[name], other[name], equal_nan=True), name
    for name in ("best_index_", "best_score_"):
        assert getattr(search, name, None) == getattr(local, name, None)


def compare(pool, search, data=CLASSES, fit_params=None, **options):
    """Run a search here and on the pool; returns how many fits were contained in others."""
    local = GridSearchCV(**search.get_params(deep=False)).fit(*data, **(fit_params or {}))
    plans.fit(pool, search, *data, fit_params or {}, **options)
    assert_equal(search, local)
    return sum(each.shared for each in pool.sink.of(WorkDone))


SEARCHES = {
    "forest": (FOREST, TREES | {"max_depth": [2, None]}, {}, CLASSES),
    "weights": (FOREST, TREES, {"fit_params": WEIGHTS}, CLASSES),
    "boosting, several metrics": (
        BOOSTING,
        TREES,
        {"scoring": ["roc_auc", "neg_log_loss"], "refit": "roc_auc", "return_train_score": True},
        CLASSES,
    ),
    "boosting, weights": (BOOSTING, TREES, {"fit_params": WEIGHTS}, CLASSES),
    "scorer that looks at all": (BOOSTING, TREES, {"scoring": looks_at_all, "return_train_score": True}, CLASSES),
    "scorer that fails": (FOREST, TREES, {"scoring": fails_for_some, "return_train_score": True}, CLASSES),
    "bagging": (BaggingClassifier(DecisionTreeClassifier(), random_state=0), TREES, {"scoring": "roc_auc"}, CLASSES),
    "boosting of trees": (
        AdaBoostClassifier(DecisionTreeClassifier(max_depth=2), random_state=0),
        TREES | {"estimator__max_depth": [1, 9]},
        {"fit_params": WEIGHTS},
        CLASSES,
    ),
    "histograms": (HistGradientBoostingClassifier(), {"max_iter": [3, 12, 7]}, {"return_train_score": True}, CLASSES),
    "pruning": (DecisionTreeClassifier(random_state=0), {"ccp_alpha": [0.02, 0.005, 0.1]}, {}, CLASSES),
    "features": (
        SelectKBest(),
        {"k": [2, "all", 5, 90]},  # the last one is too many, as scikit-learn warns
        {"scoring": lambda selector, X, _: float(selector.transform(X).sum())},
        CLASSES,
    ),
    "pipeline": (
        make_pipeline(StandardScaler(), FOREST),
        {"randomforestclassifier__n_estimators": [3, 12, 7], "standardscaler__with_mean": [True, False]},
        {"return_train_score": True},
        CLASSES,
    ),
    "pipeline, fitted again by the scorer": (
        make_pipeline(StandardScaler(), FOREST),
        {"randomforestclassifier__n_estimators": [3, 12, 7]},
        {"scoring": fits_again, "return_train_score": True},
        CLASSES,
    ),
    "regressor": (
        make_pipeline(
            StandardScaler(),
            TransformedTargetRegressor(
                make_pipeline(StandardScaler(), GradientBoostingRegressor(random_state=0)), transformer=StandardScaler()
            ),
        ),
        {"transformedtargetregressor__regressor__gradientboostingregressor__n_estimators": [3, 12, 7]},
        {"scoring": ["r2", "neg_mean_absolute_error"], "refit": "r2"},
        NUMBERS,
    ),
}
SHARED = {"forest": 12, "boosting of trees": 12, "features": 6, "pipeline": 12}


@pytest.mark.parametrize("name", SEARCHES)
def test_the_table_is_scikit_learns(pool, name):
    """All but times is equal, warnings and failed scores too; two of three fits are not done."""
    estimator, grid, options, data = SEARCHES[name]
    options = {"error_score": np.nan, "cv": 3, **options}
    fit_params = options.pop("fit_params", None)
    assert compare(pool, GridSearchCV(estimator, grid, **options), data, fit_params) == SHARED.get(name, 6)


def evaluated(estimator, candidates, units, **arguments):
    """Return the results of units without their times, and the warnings, each fit's in the order of the units."""
    X, y = CLASSES
    said = {
        "scorer": lambda estimator, X, y: estimator.score(X, y),
        "fit_params": {},
        "score_params": {},
        "return_train_score": True,
    }
    said |= {"return_times": True, "return_n_test_samples": True, "error_score": np.nan, "verbose": 0, **arguments}
    filters = [("default", None, Warning, None, 0)]
    evaluation = Evaluation(arguments=said, estimator=estimator, X=X, y=y, config=get_config(), filters=filters)
    splits = [(np.arange(0, 100), np.arange(100, 150)), (np.arange(50, 150), np.arange(50))]
    with warnings.catch_warnings():
        done = list(evaluation((candidates, splits, (), None), units))
    pairs = [pair for each in done for pair in (each if isinstance(each[0], tuple) else [each])]
    heard = [[str(warning) for warning, _, _ in warned] for _, warned in pairs]
    return [{name: value for name, value in result.items() if "time" not in name} for result, _ in pairs], heard


def assert_alike(estimator, candidates, **arguments):
    """Assert that three fits are the same together and apart; returns their results, how many are copies, warnings."""
    together, warned = evaluated(estimator, candidates, [(2, 4, 0)], **arguments)
    apart, told = evaluated(estimator, candidates, [2, 4, 0], **arguments)
    copies = sum(each.pop("is_copy", False) for each in together)
    assert repr(together) == repr(apart)
    assert {*chain(*warned)} == {*chain(*told)}
    return together, copies, warned


SIZES = [{"n_estimators": 3}, {"n_estimators": 12}, {"n_estimators": 7}]


def test_what_a_worker_says_of_a_family():
    """It is what it says of each fit alone: scores of both kinds, and errors of scorers."""
    assert_alike(FOREST, SIZES)
    several = GridSearchCV(FOREST, {}, scoring=["accuracy", "roc_auc"], refit=False)._get_scorers()[0]
    results, copies, _ = assert_alike(FOREST, SIZES, scorer=several)
    assert (copies, set(results[0]["test_scores"])) == (3, {"accuracy", "roc_auc"})
    results, copies, _ = assert_alike(FOREST, SIZES, scorer=fails_for_some)
    assert (copies, ["score_error" in each for each in results]) == (3, [False, True, False])


def test_where_the_one_fit_fails():
    """Each is fitted by itself, and fails, if it does, with scikit-learn's frames and words; none is a copy."""
    failed, copies, _ = assert_alike(FOREST, [{**each, "max_depth": -1} for each in SIZES])
    assert copies == 0
    assert all("max_depth" in each["fit_error"] and "contained" not in each["fit_error"] for each in failed)
    with pytest.raises(ValueError, match="max_depth"):
        evaluated(FOREST, [{**each, "max_depth": -1} for each in SIZES], [(2, 4, 0)], error_score="raise")


def test_only_the_large_fit_fails(monkeypatch):
    """If one is too large the others are fitted by themselves."""
    grow = RandomForestClassifier._make_estimator

    def too_many(self, *args, **options):
        if self.n_estimators == 12:
            raise MemoryError("too many trees")
        return grow(self, *args, **options)

    monkeypatch.setattr(RandomForestClassifier, "_make_estimator", too_many)
    results, copies, _ = assert_alike(FOREST, SIZES)
    assert (copies, ["too many" in (each["fit_error"] or "") for each in results]) == (0, [True, False, False])


def test_what_cannot_be_cut_is_fitted(monkeypatch):
    """If cutting fails, in whatever way, that member is fitted by itself."""

    def fails(fitted):
        if fitted.n_estimators == 7:
            raise KeyError("estimators_")
        sklearn_cuts.cut_forest(fitted)

    monkeypatch.setitem(contained.CONTAINED, RandomForestClassifier, replace(place_in(FOREST).row, cut=fails))
    assert assert_alike(FOREST, SIZES)[1] == 2


def test_warnings_of_a_family():
    """What scikit-learn warns of, somebody warns of: of the one fit the first member, of its own size each."""
    scorer = {"scorer": lambda selector, X, _: float(selector.transform(X).sum())}
    _, copies, warned = assert_alike(SelectKBest(), [{"k": 5}, {"k": 99}, {"k": 77}], **scorer)
    assert copies == 1
    assert [each[-1][:4] if each else "" for each in warned] == ["k=99", "k=77", ""]
    forest = clone(FOREST).set_params(max_samples=0.01)
    assert_alike(forest, SIZES)


def test_times_are_shared_too(pool):
    """A member has its share of the one fit's time, by trees; of a pruned tree the whole."""
    search = GridSearchCV(FOREST, {"n_estimators": [5, 20, 10]}, cv=2, refit=False)
    plans.fit(pool, search, *CLASSES, {})
    times = search.cv_results_["mean_fit_time"]
    assert times == pytest.approx([times[1] / 4, times[1], times[1] / 2])
    pruned = GridSearchCV(DecisionTreeClassifier(random_state=0), {"ccp_alpha": [0.0, 0.1]}, cv=2, refit=False)
    plans.fit(pool, pruned, *CLASSES, {})
    assert len({*pruned.cv_results_["mean_fit_time"]}) == 1


def test_sharing_is_turned_off(pool):
    """With no sharing every candidate is fitted."""
    assert compare(pool, GridSearchCV(FOREST, TREES, cv=2), shortcuts=Shortcuts(sharing=False)) == 0


def test_pruning_of_families(pool):
    """What wins is the same with candidates given up, and with fits contained in others at the same time."""
    grid = TREES | {"max_depth": [1, 2, None]}
    local = GridSearchCV(FOREST, grid, cv=5).fit(*CLASSES)
    search = GridSearchCV(FOREST, grid, cv=5)
    plans.fit(pool, search, *CLASSES, {}, shortcuts=Shortcuts(prune="exact"))
    assert (search.best_index_, search.best_score_) == (local.best_index_, local.best_score_)
    assert sum(each.shared for each in pool.sink.of(WorkDone)) > 0


def test_a_part_of_a_family_is_resumed(pool, tmp_path):
    """What the journal has is not done again, whichever member that is; the rest is a family of its own."""
    path = tmp_path / "journal.jsonl"
    grid = GridSearchCV(BOOSTING, TREES, cv=3, refit=False)

    def resumed():
        pool.sink.heard.clear()
        with Journal(path) as journal:
            return compare(pool, grid, journal=journal)

    assert resumed() == 6
    lines = path.read_text().splitlines(keepends=True)
    assert resumed() == 0
    fits = [number for number, line in enumerate(lines) if '"scores' in line or '"test' in line]
    for gone in (fits[::2], fits[1::2], fits[:5]):
        path.write_text("".join(line for number, line in enumerate(lines) if number not in gone))
        shared = resumed()
        assert sum(each.units for each in pool.sink.of(WorkDone)) == len(gone)
        assert shared < len(gone)


def test_families_that_fail(pool):
    """What fails is NaN, or ends the search, as in scikit-learn; a fit that was tried in vain is not counted."""
    grid = {"randomforestclassifier__n_estimators": [3, 12], "randomforestclassifier__max_depth": [2, -1]}
    search = GridSearchCV(make_pipeline(StandardScaler(), FOREST), grid, cv=3, refit=False)
    assert compare(pool, search) == 3
    with pytest.raises(ValueError, match="The 'max_depth' parameter"):
        plans.fit(pool, search.set_params(error_score="raise"), *CLASSES, {})


def test_a_worker_dies_of_a_family(pool, launcher):
    """What was lost together is done one by one, and only what kills its worker by itself is given up."""
    launcher.dies_of = lambda call: any(isinstance(unit, tuple) for unit in call.units or ())
    compare(pool, GridSearchCV(FOREST, TREES, cv=2))
