"""Equal steps of pipelines are fitted once: the table is scikit-learn's, whatever the steps and their neighbours do."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
import sklearn.pipeline
from sklearn.base import BaseEstimator, TransformerMixin, clone
from sklearn.compose import ColumnTransformer
from sklearn.datasets import make_classification
from sklearn.decomposition import PCA
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.feature_selection import SelectKBest, f_classif
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import FeatureUnion, Pipeline, make_pipeline
from sklearn.preprocessing import FunctionTransformer, MinMaxScaler, StandardScaler
from sklearn.random_projection import GaussianRandomProjection

from raysk import plans
from raysk.events import WorkDone
from raysk.jobs import Shortcuts
from raysk.plans.by_prefix import ByPrefix, levels
from raysk.plans.candidates import Candidates
from raysk.plans.longest_first import FIRST, LongestFirst
from raysk.plans.step_cache import StepCache

X, Y = make_classification(60, 8, random_state=0)
ROWS = list(range(8))
WORDS = np.random.default_rng(0).integers(0, 60, (60, 12))
TEXTS = [" ".join(f"w{word + 20 * label}" for word in row) for row, label in zip(WORDS, Y, strict=True)]


class Writer(TransformerMixin, BaseEstimator):
    """Writes into what it gets, and gives the same object back."""

    def __init__(self, factor=2.0):
        self.factor = factor

    def fit(self, X, y=None):  # noqa: ARG002 - scikit-learn's signature
        """Write."""
        X *= self.factor
        return self

    def transform(self, X):
        """Write again."""
        X += self.factor
        return X

    def __sklearn_is_fitted__(self):
        return True


class WritingBayes(GaussianNB):
    """Writes into what it is fitted on and into what it is asked about."""

    def fit(self, X, y):
        """Fit, then write."""
        super().fit(X, y)
        X[:] = 0
        return self

    def predict(self, X):
        """Predict, then write."""
        found = super().predict(X)
        X[:] = 0
        return found


def double(X):
    return 2 * X


def look_at_all(estimator, X, y):
    """Score with an estimator that is pickled, cloned and changed, and with data that is overwritten."""
    assert pickle.loads(pickle.dumps(estimator)).get_params().keys() == clone(estimator).get_params().keys()
    score = estimator.score(X, y)
    size = len(pickle.dumps(estimator))
    estimator[0].mean_[:] = 7
    X[:] = 0
    return score + size


TWO = {"c__var_smoothing": [1e-9, 1e-3]}
COLUMNS = [
    ("a", StandardScaler(), [0, 1]),
    ("b", Writer(), [2, 3]),
    ("c", FunctionTransformer(double), [4]),
    ("d", make_pipeline(MinMaxScaler(), PCA(1)), slice(5, 8)),
]
BRANCHES = [("a", StandardScaler()), ("b", PCA(2)), ("c", Writer()), ("d", MinMaxScaler())]

CASES = {
    "a chain": ([StandardScaler(), PCA(3)], {"s1__n_components": [2, 3], **TWO}, {}, True),
    "several metrics": ([StandardScaler()], TWO, {"scoring": ["accuracy", "roc_auc"], "refit": "accuracy"}, True),
    "whole steps": ([StandardScaler()], {"s0": [MinMaxScaler(), "passthrough", StandardScaler()], **TWO}, {}, True),
    "columns": ([ColumnTransformer(COLUMNS)], {"s0__a__with_mean": [True, False], **TWO}, {}, True),
    "a union": ([FeatureUnion(BRANCHES)], {"s0__a__with_mean": [True, False], **TWO}, {}, True),
    "a weighted union": ([FeatureUnion(BRANCHES[:2], transformer_weights={"a": 3.0})], TWO, {}, True),
    "a writer first": ([Writer(), StandardScaler()], TWO, {}, False),
    "a writer later": ([StandardScaler(), Writer()], {"s1__factor": [1.0, 2.0], **TWO}, {}, True),
    "a scaler that writes": ([StandardScaler(copy=False), PCA(2)], TWO, {}, False),
    "a function": ([FunctionTransformer(double), StandardScaler()], TWO, {}, False),
    "numpy's function": ([FunctionTransformer(np.sign), StandardScaler()], TWO, {}, True),
    "nothing done": ([FunctionTransformer(), StandardScaler()], TWO, {}, True),
    "tables": ([StandardScaler().set_output(transform="pandas"), PCA(2)], TWO, {}, True),
    "any scorer": ([StandardScaler()], TWO, {"scoring": look_at_all}, True),
    "failing fits": ([StandardScaler(), PCA(2)], {"s1__n_components": [2, 99], **TWO}, {"error_score": -1.0}, True),
}


@pytest.fixture
def events(Events):
    return Events()


@pytest.fixture
def pool(make_pool, launcher, events):
    """Return a pool of two workers that are threads."""
    launcher.by_hand = False
    return make_pool(sink=events)


def pipeline(steps, last):
    return Pipeline([*((f"s{number}", step) for number, step in enumerate(steps)), ("c", last)])


def assert_equal_tables(one, other):
    assert one.cv_results_.keys() == other.cv_results_.keys()
    for name, values in one.cv_results_.items():
        if "time" not in name:
            np.testing.assert_array_equal(values, other.cv_results_[name], err_msg=name)


def shared(pool, events, estimator, grid, data=X, *, shortcuts=None, **options):  # noqa: PLR0913
    """Run a search here and on the pool; returns how many steps were not fitted again."""
    options = {"cv": 3, "return_train_score": True, **options, "refit": False}  # which would write into the data
    local = GridSearchCV(clone(estimator), grid, **options).fit(data, Y)
    ours = GridSearchCV(clone(estimator), grid, **options)
    events.heard.clear()
    plans.fit(pool, ours, data, Y, {}, shortcuts=shortcuts)
    assert_equal_tables(local, ours)
    return sum(event.steps_shared for event in events.of(WorkDone))


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", CASES)
def test_the_table_is_scikit_learns(pool, events, name):
    """Whatever writes into its input, draws or fails, and whoever looks on; steps are shared where that is certain."""
    steps, grid, options, is_shared = CASES[name]
    for last in (GaussianNB(), WritingBayes()):
        if last.__class__ is GaussianNB or "scoring" not in options:
            assert bool(shared(pool, events, pipeline(steps, last), grid, **options)) == is_shared
    assert sklearn.pipeline._fit_transform_one.__module__ == "sklearn.pipeline"
    assert not hasattr(sklearn.pipeline._fit_transform_one, "__wrapped__")


def test_a_step_of_text_is_fitted_once_on_each_split(pool, events, monkeypatch):
    """Counted where scikit-learn does the work; with no room, or none wanted, nothing is shared."""
    fits = []
    original = TfidfVectorizer.fit_transform
    monkeypatch.setattr(TfidfVectorizer, "fit_transform", lambda *args: fits.append(1) or original(*args))
    estimator = pipeline([TfidfVectorizer(), SelectKBest(f_classif)], LogisticRegression())
    grid = {"s0__ngram_range": [(1, 1), (1, 2)], "s1__k": [5, "all"], "c__C": [0.1, 1.0, 10.0]}

    def counted(shortcuts=None):
        steps = shared(pool, events, estimator, grid, TEXTS, shortcuts=shortcuts, refit=False)
        ours = len(fits) - 36  # scikit-learn's own
        fits.clear()
        return steps, ours

    steps, ours = counted()
    assert steps
    assert 6 <= ours <= 12  # 2 vectorizers x 3 splits, and some that two workers began together
    assert counted(Shortcuts(sharing=False)) == (0, 36)
    assert counted(Shortcuts(cache_bytes=0)) == (0, 36)
    assert counted(Shortcuts(cache_bytes=10)) == (0, 36)


def test_what_draws_is_never_shared(make_pool, launcher, events):
    """A step with no seed draws anew for each candidate, in scikit-learn's order; with a seed it is shared."""
    launcher.by_hand, launcher.room = False, 1
    pool = make_pool(sink=events)
    estimator = pipeline([GaussianRandomProjection(2)], GaussianNB())
    assert shared(pool, events, clone(estimator).set_params(s0__random_state=0), TWO)
    search = GridSearchCV(estimator, {"c__var_smoothing": [1e-9] * 1 + [2e-9]}, cv=2, refit=False)
    events.heard.clear()
    plans.fit(pool, search, X, Y, {})
    assert not sum(event.steps_shared for event in events.of(WorkDone))
    assert search.cv_results_["mean_test_score"].std() > 0


def test_a_regression_that_writes_into_its_data(pool, events):
    """What copy_X=False overwrites is the candidate's own."""
    estimator = pipeline([StandardScaler()], LinearRegression(copy_X=False))
    assert shared(pool, events, estimator, {"c__fit_intercept": [True, False]})


def test_searches_with_nothing_in_common_have_no_cache():
    """Nor have pipelines with a memory, and estimators that are none."""
    scaled = pipeline([StandardScaler()], GaussianNB())

    def of(estimator, **grid):
        values = [dict(zip(grid, each, strict=True)) for each in zip(*grid.values(), strict=True)]
        return levels(estimator, Candidates(values))

    assert of(scaled, c__var_smoothing=[1, 2]) is not None
    assert of(scaled, s0__with_mean=[True, False]) is None
    assert of(GaussianNB(), var_smoothing=[1, 2]) is None
    assert of(pipeline([Writer()], GaussianNB()), c__var_smoothing=[1, 2]) is None
    assert of(clone(scaled).set_params(memory="folder"), c__var_smoothing=[1, 2]) is None
    assert of(scaled, c__var_smoothing=[1, 2], memory=[None, "folder"]) is None


def test_the_cache_lets_go_what_was_used_longest_ago():
    """Its limit holds, and it travels empty."""
    cache = StepCache(100)
    for key in "abc":
        cache.put(key, key, 40)
        cache.get("a")
    assert [cache.get(key) for key in "abc"] == ["a", None, "c"]
    assert cache.used_bytes == 80
    assert not cache.has_room(101)
    assert pickle.loads(pickle.dumps(cache)).get("a") is None


def prefixes(workers, vectorizers=4, classifiers=6, n_splits=3):
    """Hand all units out, two at a time, to workers in turn; returns how many steps these fit, and all units."""
    candidates = [{"s0__max_df": float(v), "c__C": c} for c in range(classifiers) for v in range(vectorizers)]
    estimator = pipeline([TfidfVectorizer()], LogisticRegression())
    found = levels(estimator, Candidates(candidates))
    schedule = ByPrefix(range(len(candidates) * n_splits), found, n_splits=n_splits)
    fitted, taken, turn = set(), [], 0
    while schedule.left:
        units = schedule.take(2, turn % workers)
        assert 0 < len(units) <= 2
        fitted |= {(turn % workers, candidates[unit // n_splits]["s0__max_df"], unit % n_splits) for unit in units}
        taken += units
        turn += 1
    return len(fitted), taken


def test_candidates_with_equal_steps_meet_on_a_worker():
    """With few workers steps are fitted hardly more than once; with many none has to wait, and no unit comes twice."""
    for workers, most in ((1, 12), (2, 14), (5, 20), (100, 60)):
        fitted, taken = prefixes(workers)
        assert fitted <= most
        assert sorted(taken) == list(range(72))


def test_units_that_come_back_are_handed_out_again():
    """Also when their group had nothing left."""
    found = levels(pipeline([StandardScaler()], GaussianNB()), Candidates([{"c__var_smoothing": i} for i in range(9)]))
    schedule = ByPrefix([(0, 2), *range(4, 18)], found, n_splits=2)
    every = [*schedule.take(20, "a"), *schedule.take(20, "b")]
    while schedule.left:
        every += schedule.take(20, None)
    assert {*every} == {(0, 2), *range(4, 18)}
    schedule.put_back([(0, 2), 17])
    assert schedule.left == 2
    assert {*schedule.take(20, "b"), *(schedule.take(20, "a") if schedule.left else ())} == {(0, 2), 17}


def test_what_takes_longest_is_next():
    """After some fits the dear candidates come first; light fits stay in their order."""

    def order(scale):
        candidates = [{"size": float(2**number)} for number in range(12)]
        schedule = LongestFirst(range(24), candidates, ["size"], n_splits=2)
        for fit in schedule.take(FIRST, None):
            schedule.hear(fit // 2, fit % 2, {"fit_time": scale * 2 ** (fit // 2), "score_time": 0.0})
        return [fit // 2 for fit in schedule.take(24, None)]

    assert order(1.0) == sorted([*range(4, 12)] * 2, reverse=True)
    assert order(1e-6) == sorted([*range(4, 12)] * 2)
