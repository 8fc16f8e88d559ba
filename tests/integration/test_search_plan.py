"""A search on the pool against the same search by scikit-learn alone: the fitted objects must be equal.

Every case in CASES makes a search and its data; it is made twice, fitted once here and once on the workers, and
everything but the times is compared, the warnings too.
"""

from __future__ import annotations

import importlib.util
import os
import re
import resource
import sys
import time
import uuid
import warnings
from pathlib import Path

import joblib
import numpy as np
import pandas as pd
import pytest
from scipy import sparse, stats
from sklearn import config_context
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.cluster import KMeans
from sklearn.compose import make_column_transformer
from sklearn.datasets import load_digits
from sklearn.decomposition import PCA
from sklearn.ensemble import RandomForestClassifier, StackingClassifier
from sklearn.exceptions import FitFailedWarning
from sklearn.experimental import enable_halving_search_cv  # noqa: F401 - makes the halving searches importable
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.metrics import accuracy_score, make_scorer
from sklearn.model_selection import (
    GridSearchCV,
    GroupKFold,
    HalvingGridSearchCV,
    HalvingRandomSearchCV,
    KFold,
    ParameterGrid,
    RandomizedSearchCV,
    StratifiedShuffleSplit,
)
from sklearn.model_selection._search import BaseSearchCV
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from sklearn.svm import SVC
from sklearn.tree import DecisionTreeClassifier
from threadpoolctl import threadpool_limits

import raysk
from raysk import plans
from raysk.cluster import travel_by_value
from raysk.errors import AllFitsFailed, TaskLost, UsageError
from raysk.events import CandidateDone, FitLost, RefitStarted, Remark, WorkDone, WorkerLost, WorkPlanned
from raysk.jobs import Limits
from raysk.pool import Task, memory

X, Y = load_digits(return_X_y=True)
X, Y = X[:150], Y[:150]
GROUPS = np.arange(150) // 10
WEIGHT = np.linspace(0.5, 2.0, 150)
GRID = {"C": [0.01, 1.0, 10.0], "gamma": [1e-3, 1e-2]}
TREE = DecisionTreeClassifier(random_state=0)
TABLE = pd.DataFrame({"a": X[:, 2], "b": X[:, 20], "c": np.where(X[:, 30] > 5, "yes", "no")})


class OwnSearch(BaseSearchCV):
    """A person's search: small trees first, then one size more than the best of them."""

    def __init__(self, estimator, *, scoring=None, refit=True, cv=None):
        super().__init__(estimator, scoring=scoring, refit=refit, cv=cv)

    def _run_search(self, evaluate_candidates):
        first = evaluate_candidates(ParameterGrid({"max_depth": [1, 2, 3]}))
        best = first["params"][int(np.argmax(first["mean_test_score"]))]["max_depth"]
        evaluate_candidates([{"max_depth": best + 1}], more_results={"round": [2]} | {"note": ["more"]})


class CountingSearch(GridSearchCV):
    """A person's search that does something of its own before and after the base's fit."""

    def fit(self, X, y=None, **params):
        """Fit, and remember what was seen."""
        self.rows_seen_ = len(X)
        super().fit(X, y, **params)
        self.best_text_ = repr(self.best_params_)
        return self


class Picky(ClassifierMixin, BaseEstimator):
    """A classifier that does what its parameter says in `fit`."""

    def __init__(self, mood="fine", folder=None):
        self.mood = mood
        self.folder = folder

    def fit(self, X, y):
        """Do it."""
        if self.mood == "fails":
            raise ValueError(f"in no mood for {len(X)} rows")
        if self.mood == "fails with all" and len(X) == len(Y):
            raise ValueError("too much of a good thing")
        if self.mood == "fails on its first split" and X[0, 2] == 5.0:
            raise ArithmeticError("this split adds up to nothing")
        if self.mood == "warns":
            warnings.warn("the sky is falling", RuntimeWarning, stacklevel=1)
        if self.mood == "warns with all" and len(X) == len(Y):
            warnings.warn("enough is enough", RuntimeWarning, stacklevel=1)
        if self.mood == "dies":
            os._exit(1)
        if self.mood == "dies once":
            _die_once(self.folder)
        if self.mood == "waits to be killed":
            _wait_to_be_killed(self.folder)
        if self.mood in {"waits for the others", "waits in vain"}:
            _wait_for(Path(self.folder, self.mood))
        self.classes_, counts = np.unique(y, return_counts=True)
        self.most_ = self.classes_[counts.argmax()]
        return self

    def predict(self, X):
        """Say what was seen most."""
        return np.full(len(X), self.most_)


def _wait_for(path):
    deadline = time.monotonic() + 60
    while not path.exists():
        if time.monotonic() > deadline:
            raise TimeoutError("nobody heard of the others")
        time.sleep(0.01)


def _die_once(folder):
    marker = Path(folder, "died")
    if not marker.exists():
        marker.touch()
        os._exit(1)


def _wait_to_be_killed(folder):
    """Tell this process's id and wait for the end; whoever comes later goes on."""
    try:
        Path(folder, "taken").touch(exist_ok=False)
    except FileExistsError:
        return
    Path(folder, "writing").write_text(str(os.getpid()))
    Path(folder, "writing").rename(Path(folder, "pid"))
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        time.sleep(0.01)


def mean_and_cost(estimator, X, y):
    """Score by two metrics at a time."""
    return {"mean": accuracy_score(y, estimator.predict(X)), "cost": -float(len(X))}


def plain_score(estimator, X, y):
    return accuracy_score(y, estimator.predict(X))


def simplest(results):
    """Choose the first candidate within 0.05 of the best."""
    score = results["mean_test_score"]
    return int(np.flatnonzero(score >= score.max() - 0.05)[0])


def weighted_svm():
    """Return a search that routes weights to fit and score, and groups to the splitter."""
    scorer = make_scorer(accuracy_score).set_score_request(sample_weight=True)
    svm = SVC().set_fit_request(sample_weight=True)
    return GridSearchCV(svm, GRID, scoring=scorer, cv=GroupKFold(3))


def nested():
    inner = GridSearchCV(SVC(), {"C": [0.1, 10.0]}, cv=2)
    return GridSearchCV(inner, {"estimator__gamma": [1e-3, 1e-2]}, cv=2)


def table_pipeline():
    columns = make_column_transformer((StandardScaler(), ["a", "b"]), (OneHotEncoder(), ["c"]))
    return make_pipeline(columns, LogisticRegression())


def any_model():
    grid = [
        {"model": [SVC(), SVC(C=10.0)], "scale": [StandardScaler(), "passthrough"]},
        {"model": [GaussianNB()], "model__var_smoothing": [1e-9, 1e-2]},
    ]
    return GridSearchCV(Pipeline([("scale", "passthrough"), ("model", SVC())]), grid, cv=2)


def halving_forest():
    forest = RandomForestClassifier(random_state=0)
    grid = {"max_depth": [2, 5], "min_samples_leaf": [1, 5]}
    return HalvingGridSearchCV(forest, grid, resource="n_estimators", max_resources=8, cv=2, random_state=0)


SPREAD = {"C": stats.loguniform(1e-2, 1e2), "gamma": stats.loguniform(1e-4, 1e-1)}
TWO_METRICS = ["accuracy", "f1_macro"]
MOODS = {"mood": ["fine", "fails", "fails on its first split"]}

ALIKE = {"kernel": ["linear", "rbf"], "gamma": [0.001, 0.01, "scale"], "degree": [2, 3]}

CASES = {
    "grid": lambda: (GridSearchCV(SVC(), GRID), X, Y),
    "grids": lambda: (GridSearchCV(SVC(), [GRID, {"kernel": ["linear"]}], cv=3), X, Y),
    "alike": lambda: (GridSearchCV(SVC(), ALIKE, cv=3, return_train_score=True), X, Y),
    "alike-in-a-pipeline": lambda: (
        GridSearchCV(
            make_pipeline(PCA(4, random_state=0), SVC()), {f"svc__{name}": ALIKE[name] for name in ALIKE}, cv=2
        ),
        X,
        Y,
    ),
    "halving-alike": lambda: (HalvingGridSearchCV(SVC(), ALIKE, cv=2, factor=2, random_state=0), X, Y),
    "random": lambda: (RandomizedSearchCV(SVC(), SPREAD, n_iter=6, random_state=3, cv=3), X, Y),
    "random-instance": lambda: (
        RandomizedSearchCV(TREE, {"max_depth": range(1, 9)}, n_iter=5, random_state=np.random.RandomState(5)),
        X,
        Y,
    ),
    "halving": lambda: (HalvingGridSearchCV(SVC(), GRID, cv=2, factor=2, random_state=0), X, Y),
    "halving-random": lambda: (HalvingRandomSearchCV(SVC(), SPREAD, n_candidates=6, cv=2, random_state=0), X, Y),
    "halving-by-trees": lambda: (halving_forest(), X, Y),
    "two-metrics": lambda: (GridSearchCV(SVC(), GRID, scoring=TWO_METRICS, refit="f1_macro", cv=2), X, Y),
    "two-metrics-no-refit": lambda: (GridSearchCV(SVC(), GRID, scoring=TWO_METRICS, refit=False, cv=2), X, Y),
    "callable-refit": lambda: (GridSearchCV(SVC(), GRID, refit=simplest, cv=3), X, Y),
    "callable-scoring": lambda: (GridSearchCV(SVC(), GRID, scoring=plain_score, cv=3), X, Y),
    "scoring-of-two": lambda: (GridSearchCV(SVC(), GRID, scoring=mean_and_cost, refit="mean", cv=3), X, Y),
    "scoring-of-two-failing": lambda: (
        GridSearchCV(Picky(), MOODS, scoring=mean_and_cost, refit="mean", cv=3, error_score=0.0),
        X,
        Y,
    ),
    "some-fits-fail": lambda: (GridSearchCV(Picky(), MOODS, cv=3, return_train_score=True), X, Y),
    "some-fits-fail-two-metrics": lambda: (
        GridSearchCV(Picky(), MOODS, cv=3, scoring=TWO_METRICS, refit="accuracy", error_score=-1),
        X,
        Y,
    ),
    "train-scores": lambda: (GridSearchCV(TREE, {"max_depth": [1, 4]}, return_train_score=True, cv=3), X, Y),
    "no-refit": lambda: (GridSearchCV(SVC(), GRID, refit=False, cv=2), X, Y),
    "ties": lambda: (GridSearchCV(SVC(), {"C": [1.0, 10.0], "cache_size": [50, 100]}, cv=2), X, Y),
    "groups": lambda: (GridSearchCV(SVC(), GRID, cv=GroupKFold(3)), X, Y, {"groups": GROUPS}),
    "weights": lambda: (GridSearchCV(SVC(), GRID, cv=3), X, Y, {"sample_weight": WEIGHT}),
    "list-of-splits": lambda: (GridSearchCV(SVC(), GRID, cv=list(KFold(3).split(X))), X, Y),
    "generated-splits": lambda: (GridSearchCV(SVC(), GRID, cv=KFold(3).split(X)), X, Y),
    "one-random-split": lambda: (GridSearchCV(SVC(), GRID, cv=StratifiedShuffleSplit(1, random_state=1)), X, Y),
    "splits-of-an-instance": lambda: (
        GridSearchCV(SVC(), GRID, cv=KFold(3, shuffle=True, random_state=np.random.RandomState(1))),
        X,
        Y,
    ),
    "table": lambda: (GridSearchCV(table_pipeline(), {"logisticregression__C": [0.1, 1.0]}, cv=3), TABLE, Y % 2),
    "sparse": lambda: (GridSearchCV(SVC(), GRID, cv=3), sparse.csr_matrix(X), Y),
    "lists": lambda: (GridSearchCV(SVC(), GRID, cv=3), X.tolist(), Y.tolist()),
    "texts": lambda: (
        GridSearchCV(make_pipeline(TfidfVectorizer(), GaussianNBOnSparse()), {"tfidfvectorizer__min_df": [1, 2]}, cv=2),
        [f"row {n % 7} of {n % 3}" for n in range(60)],
        [f"class {n % 3}" for n in range(60)],
    ),
    "kernel-matrix": lambda: (GridSearchCV(SVC(kernel="precomputed"), {"C": [0.1, 1.0]}, cv=3), X @ X.T, Y),
    "regression": lambda: (GridSearchCV(Ridge(), {"alpha": [0.1, 10.0]}, cv=3), X, np.c_[Y, Y**2]),
    "names-as-classes": lambda: (GridSearchCV(SVC(), GRID, cv=3), X, np.array(["even", "odd"])[Y % 2]),
    "no-y": lambda: (GridSearchCV(KMeans(random_state=0), {"n_clusters": [2, 5]}, cv=3), X, None),
    "no-y-pca": lambda: (GridSearchCV(PCA(random_state=0), {"n_components": [2, 5]}, cv=3), X, None),
    "forest": lambda: (
        GridSearchCV(RandomForestClassifier(12, random_state=0), {"max_depth": [2, None]}, cv=2),
        X,
        Y,
    ),
    "search-in-a-search": lambda: (nested(), X, Y),
    "estimators-as-values": lambda: (any_model(), X, Y),
    "own-search": lambda: (OwnSearch(TREE, cv=3, refit=False), X, Y),
    "own-fit": lambda: (CountingSearch(SVC(), GRID, cv=3), X, Y),
    "n_jobs": lambda: (GridSearchCV(SVC(), GRID, cv=3, n_jobs=2, pre_dispatch=3), X, Y),
    "warnings": lambda: (GridSearchCV(Picky(), {"mood": ["fine", "warns"]}, cv=3), X, Y),
    "refit-warns": lambda: (GridSearchCV(Picky(), {"mood": ["warns with all"]}, cv=3), X, Y),
    "not-converged": lambda: (GridSearchCV(LogisticRegression(max_iter=2), {"C": [0.1, 1.0]}, cv=2), X, Y),
}


class GaussianNBOnSparse(GaussianNB):
    """Naive Bayes that takes what a vectoriser makes."""

    def fit(self, X, y):
        """Fit on the dense table."""
        return super().fit(X.toarray(), y)

    def predict(self, X):
        """Predict from the dense table."""
        return super().predict(X.toarray())


def fit_here(search, X, y, params=()):
    with joblib.parallel_config(backend="sequential"), threadpool_limits(1):  # as on a worker with one CPU
        return search.fit(X, y, **dict(params))


def fit_there(search, X, y, params=()):
    return raysk.fit(search, X, y, **dict(params))


def outcome(fit, case):
    """Fit; return the search, what was raised, and the warnings, each once."""
    with warnings.catch_warnings(record=True) as heard:
        warnings.simplefilter("always")
        search, *data = case()
        own = type(search)
        try:
            error = None if fit(search, *data) is search else "fit returned another object"
        except Exception as caught:  # noqa: BLE001 - compared
            error = caught
    assert type(search) is own
    return search, error, {(warning.category, LINE.sub("", str(warning.message))) for warning in heard}


LINE = re.compile('(?<=_validation.py"), line [0-9]+')
"""Where scikit-learn's own loop and ours call the fit, in the same function: a line with callbacks, one without."""

ADDRESS = re.compile(" at 0x[0-9a-fA-F]+")


def _states(thing):
    """Return the states of the RandomState instances that an object holds."""
    held = {"": thing, **(vars(thing) if hasattr(thing, "__dict__") else {})}
    return {name: value.get_state() for name, value in held.items() if isinstance(value, np.random.RandomState)}


def assert_same_value(ours, theirs):
    """Compare two results of any kind; estimators by what they print and hold."""
    assert type(ours) is type(theirs)
    if isinstance(theirs, np.ma.MaskedArray):
        assert np.array_equal(np.ma.getmaskarray(ours), np.ma.getmaskarray(theirs))
        assert_same_value(ours.compressed(), theirs.compressed())
    elif isinstance(theirs, np.ndarray):
        assert ours.dtype == theirs.dtype
        if theirs.dtype.kind == "O":
            assert_same_value(ours.tolist(), theirs.tolist())
        else:
            np.testing.assert_array_equal(ours, theirs)
    elif isinstance(theirs, list | tuple):
        assert len(ours) == len(theirs)
        for mine, other in zip(ours, theirs, strict=True):
            assert_same_value(mine, other)
    elif isinstance(theirs, dict):
        assert list(ours) == list(theirs)
        for key in theirs:
            assert_same_value(ours[key], theirs[key])
    elif isinstance(theirs, float):
        np.testing.assert_equal(ours, theirs)
    else:
        assert ADDRESS.sub("", repr(ours)) == ADDRESS.sub("", repr(theirs))
        for name, state in _states(theirs).items():
            assert_same_value(_states(ours)[name], state)


def without_times(results):
    return {key: value for key, value in results.items() if not re.search("(fit|score)_time$", key)}


def assert_same_search(ours, theirs, X):
    """Compare two fitted searches in everything but the times."""
    assert list(ours.cv_results_) == list(theirs.cv_results_)
    assert_same_value(without_times(ours.cv_results_), without_times(theirs.cv_results_))
    assert set(vars(ours)) == set(vars(theirs))
    for name in set(vars(theirs)) - {"cv_results_", "refit_time_", "best_estimator_"}:
        assert_same_value(vars(ours)[name], vars(theirs)[name])
    if "best_estimator_" in vars(theirs):
        assert repr(ours.best_estimator_) == repr(theirs.best_estimator_)
        assert set(vars(ours.best_estimator_)) == set(vars(theirs.best_estimator_))
        assert ours.refit_time_ > 0
        for method in ("predict", "transform", "score_samples", "decision_function"):
            if hasattr(theirs, method):
                assert_same_value(getattr(ours, method)(X), getattr(theirs, method)(X))
    for key in ("mean_fit_time", "mean_score_time"):
        assert ours.cv_results_[key].shape == theirs.cv_results_[key].shape
        assert (ours.cv_results_[key] >= 0).all()


@pytest.mark.usefixtures("cluster")
@pytest.mark.parametrize("name", CASES)
def test_a_search_is_scikit_learns(name):
    """The fitted search, its results and its warnings are those of scikit-learn alone."""
    theirs, error, their_warnings = outcome(fit_here, CASES[name])
    assert error is None
    ours, error, our_warnings = outcome(fit_there, CASES[name])
    if error is not None:
        raise error
    assert_same_search(ours, theirs, CASES[name]()[1])
    assert our_warnings == their_warnings


# --- failures

FAILING = {
    "all-fits-fail": lambda: (GridSearchCV(Picky("fails"), {"folder": [None, "x"]}, cv=2), X, Y),
    "raise": lambda: (GridSearchCV(Picky(), {"mood": ["fine", "fails"]}, cv=2, error_score="raise"), X, Y),
    "no-such-parameter": lambda: (GridSearchCV(SVC(), {"colour": [1]}, cv=2), X, Y),
    "no-candidates": lambda: (GridSearchCV(SVC(), {"C": []}, cv=2), X, Y),
    "no-such-metric": lambda: (GridSearchCV(SVC(), GRID, scoring="beauty"), X, Y),
    "which-metric": lambda: (GridSearchCV(SVC(), GRID, scoring=TWO_METRICS), X, Y),
    "which-of-a-callables": lambda: (GridSearchCV(SVC(), GRID, scoring=mean_and_cost, cv=2), X, Y),
    "no-groups": lambda: (GridSearchCV(SVC(), GRID, cv=GroupKFold(3)), X, Y),
    "too-many-splits": lambda: (GridSearchCV(SVC(), GRID, cv=100), X, Y),
    "bad-option": lambda: (GridSearchCV(SVC(), GRID, error_score="ignore"), X, Y),
    "bad-index": lambda: (GridSearchCV(SVC(), GRID, refit=lambda _: 99, cv=2), X, Y),
    "refit-fails": lambda: (GridSearchCV(Picky(), {"mood": ["fails with all"]}, cv=2), X, Y),
    "fit-parameter": lambda: (GridSearchCV(SVC(), GRID, cv=2), X, Y, {"colour": "red"}),
}


@pytest.mark.usefixtures("cluster")
@pytest.mark.parametrize("name", FAILING)
def test_a_search_fails_as_scikit_learns(name):
    """What scikit-learn raises is raised here, with the same words, and the search keeps its class."""
    _, theirs, their_warnings = outcome(fit_here, FAILING[name])
    _, ours, our_warnings = outcome(fit_there, FAILING[name])
    assert theirs is not None
    assert isinstance(ours, type(theirs)), ours
    assert LINE.sub("", str(ours)) == LINE.sub("", str(theirs))
    assert our_warnings == their_warnings


@pytest.mark.usefixtures("cluster")
def test_when_every_fit_fails_the_error_holds_all_tracebacks():
    """The error is scikit-learn's ValueError, and has the traceback of each fit for whoever wants to look."""
    with pytest.raises(AllFitsFailed) as caught:
        raysk.fit(*FAILING["all-fits-fail"]())
    assert len(caught.value.errors) == 4
    assert all("in no mood for 75 rows" in text for text in caught.value.errors)


@pytest.mark.usefixtures("cluster")
def test_after_a_failure_the_pool_is_as_good_as_new():
    """A search that raised is followed by one that does not."""
    with pytest.raises(ValueError, match="in no mood"):
        raysk.fit(*FAILING["raise"]())
    assert_same_search(fit_there(*CASES["grid"]()), fit_here(*CASES["grid"]()), X)


@pytest.mark.usefixtures("cluster")
def test_an_interrupt_ends_a_search(events):
    """Ctrl-C in a search is raised at once; the search has its class back, and the next one works."""
    import _thread

    interrupted = []

    def interrupt_once(event):
        if isinstance(event, WorkDone) and not interrupted:
            interrupted.append(event)
            _thread.interrupt_main()

    events.act = interrupt_once
    search = GridSearchCV(SVC(), {"C": np.logspace(-2, 2, 2000)}, cv=2)
    with pytest.raises(KeyboardInterrupt):
        raysk.fit(search, X, Y)
    assert type(search) is GridSearchCV
    assert not hasattr(search, "cv_results_")
    assert_same_search(fit_there(*CASES["grid"]()), fit_here(*CASES["grid"]()), X)


# --- settings that travel


@pytest.mark.usefixtures("cluster")
def test_metadata_is_routed():
    """With metadata routing, weights reach fit and score, and groups the splitter."""
    with config_context(enable_metadata_routing=True):
        params = {"sample_weight": WEIGHT, "groups": GROUPS}
        theirs = fit_here(weighted_svm(), X, Y, params)
        assert_same_search(fit_there(weighted_svm(), X, Y, params), theirs, X)


@pytest.mark.usefixtures("cluster")
def test_a_polars_table_can_be_searched():
    """Tables of polars work as they do in scikit-learn."""
    polars = pytest.importorskip("polars")
    table = polars.from_pandas(TABLE[["a", "b"]])
    search = GridSearchCV(make_pipeline(StandardScaler(), SVC()), {"svc__C": [0.1, 1.0]}, cv=3)
    assert_same_search(fit_there(clone(search), table, Y), fit_here(clone(search), table, Y), table)


@pytest.mark.usefixtures("cluster")
def test_a_workers_warning_is_heard_here():
    """What a fit warns of on a worker can be caught where the search was called."""
    with pytest.warns(RuntimeWarning, match="the sky is falling"):
        raysk.fit(GridSearchCV(Picky("warns"), {}, cv=2, refit=False), X, Y)


@pytest.mark.usefixtures("cluster")
@pytest.mark.parametrize("action", ["ignore", "error"])
def test_warning_filters_hold_on_workers(action):
    """A warning that is ignored here is not heard of; one that is an error here fails the fit, as it does alone."""

    def fit(search, *data):
        warnings.filterwarnings(action, message="the sky", category=RuntimeWarning)
        return (fit_here if here else fit_there)(search, *data)

    here = True
    theirs, _, their_warnings = outcome(fit, CASES["warnings"])
    here = False
    ours, _, our_warnings = outcome(fit, CASES["warnings"])
    assert_same_search(ours, theirs, X)
    assert our_warnings == their_warnings
    assert (action == "error") == any(category is FitFailedWarning for category, _ in our_warnings)


class Recorder:
    """A callback of scikit-learn 1.9 that writes down what it is told."""

    def __init__(self, folder):
        self.folder = folder

    def setup(self, estimator, context):  # noqa: ARG002 - scikit-learn names its arguments
        """Begin."""
        self._write("setup", estimator)

    def teardown(self, estimator, context):  # noqa: ARG002
        """End."""
        self._write("teardown", estimator)

    def on_fit_task_begin(self, estimator, context, **_):
        """Take note of a task."""
        self._write(f"begin {context.task_name}", estimator)

    def on_fit_task_end(self, estimator, context, **_):
        """Take note of a task's end."""
        self._write(f"end {context.task_name}", estimator)

    def _write(self, what, estimator):
        Path(self.folder, uuid.uuid4().hex).write_text(f"{what} of {type(estimator).__name__}")

    def heard(self):
        """Return everything written down, in no order."""
        return sorted(path.read_text() for path in Path(self.folder).iterdir())


@pytest.mark.usefixtures("cluster")
def test_callbacks_hear_what_they_hear_alone(tmp_path):
    """A search with scikit-learn callbacks (1.9) gives the same result, and they are told the same."""
    pytest.importorskip("sklearn.callback")
    told, fitted = [], []
    for name, fit in (("here", fit_here), ("there", fit_there)):
        (tmp_path / name).mkdir()
        recorder = Recorder(tmp_path / name)
        fitted.append(fit(GridSearchCV(SVC(), GRID, cv=2, n_jobs=2).set_callbacks(recorder), X, Y))
        told.append(recorder.heard())
    assert told[0]
    assert told[1] == told[0]
    assert_same_value(without_times(fitted[1].cv_results_), without_times(fitted[0].cv_results_))


def logistic(callback):
    return LogisticRegression(max_iter=3).set_callbacks(callback)


WATCHED = {
    "step": lambda callback: (make_pipeline(StandardScaler(), logistic(callback)), {"logisticregression__C": [0.1, 1]}),
    "stacked": lambda callback: (StackingClassifier([("a", logistic(callback))], cv=2), {"a__C": [0.1, 1]}),
    "nested": lambda callback: (GridSearchCV(logistic(callback), {"C": [0.1, 1]}, cv=2), {"estimator__tol": [0.1]}),
    "candidate": lambda callback: (Pipeline([("a", GaussianNB())]), {"a": [logistic(callback)]}),
}


@pytest.mark.usefixtures("cluster")
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", WATCHED)
def test_callbacks_on_a_part_are_in_one_piece(name, events):
    """What scikit-learn's monitor logs of a part, at any level, is as many runs of as many rows as alone."""
    callback = pytest.importorskip("sklearn.callback")
    logged = []
    for fit in (fit_here, fit_there):
        monitor = callback.ScoringMonitor(scoring="accuracy")
        estimator, grid = WATCHED[name](monitor)
        fit(GridSearchCV(estimator, grid, cv=2), X, Y)
        logged.append([len(run.data) for run in monitor.get_logs(select="all")])
    assert logged[0] == logged[1]
    (remark,) = events.of(Remark)
    assert "has scikit-learn callbacks: its own fit runs here in one piece" in remark.text


class Listener:
    """A callback of a person's own, that remembers what it hears in this process only."""

    def __init__(self):
        self.heard = 0

    def setup(self, estimator, context):
        """Begin."""

    def teardown(self, estimator, context):
        """End."""

    def on_fit_task_begin(self, estimator, context, **_):  # noqa: ARG002
        """Count."""
        self.heard += 1

    def on_fit_task_end(self, estimator, context, **_):
        """Be told."""


@pytest.mark.usefixtures("cluster")
@pytest.mark.filterwarnings("ignore")
def test_a_callback_of_the_persons_own_hears_all_in_this_process():
    """It is called here, where the person can ask it, as with scikit-learn alone; limits are refused."""
    pytest.importorskip("sklearn.callback")
    counts = []
    for fit in (fit_here, fit_there):
        listener = Listener()
        columns = make_column_transformer((StandardScaler().set_callbacks(listener), [10, 20]))
        search = GridSearchCV(make_pipeline(columns, GaussianNB()), {"gaussiannb__var_smoothing": [1e-9, 1e-3]}, cv=2)
        fit(search, X, Y)
        counts.append(listener.heard)
    assert counts[0] == counts[1] > 0
    with pytest.raises(UsageError, match="--patience"):
        plans.fit(raysk.cluster.current().pool, search, X, Y, {}, limits=Limits(patience=1))


@pytest.mark.filterwarnings("ignore")
def test_events_tell_what_is_done(cluster, events):
    """The sink hears of all fits before and after, of every candidate with its score, and of the refit."""
    assert cluster.pool.up
    search = raysk.fit(GridSearchCV(Picky(), MOODS, cv=3), X, Y)
    planned, done = events.of(WorkPlanned)[0], events.of(WorkDone)
    assert (planned.unit, planned.units, planned.candidates, planned.splits) == ("fit", 9, 3, 3)
    assert sum(event.units for event in done) == 9 + 1  # the refit
    assert sum(event.failed for event in done) == 5
    candidates = sorted(events.of(CandidateDone), key=lambda event: event.index)
    assert [event.params for event in candidates] == search.cv_results_["params"]
    np.testing.assert_array_equal([event.score for event in candidates], search.cv_results_["mean_test_score"])
    assert [event.failed for event in candidates] == [0, 3, 2]
    assert events.of(RefitStarted)[0].params == search.best_params_


# --- faults


def moods(*names, folder=None, **options):
    """Return a search over moods, with one split, and its data."""
    split = [(np.arange(100), np.arange(100, 150))]
    return GridSearchCV(Picky(folder=folder), {"mood": list(names)}, cv=split, **options), X, Y


@pytest.mark.usefixtures("cluster", "executioner")
def test_a_killed_worker_changes_nothing(tmp_path, events):
    """A worker that is killed in the middle of a fit costs time, and nothing else."""
    names = ("fine", "waits to be killed", "warns")
    ours, error, heard = outcome(fit_there, lambda: moods(*names, folder=str(tmp_path)))
    assert error is None
    theirs, _, expected = outcome(fit_here, lambda: moods(*names, folder=str(tmp_path)))
    assert_same_search(ours, theirs, X)
    assert heard == expected
    assert len(events.of(WorkerLost)) == 1


@pytest.mark.usefixtures("cluster")
def test_a_fit_that_ends_its_process_once_is_tried_again(tmp_path):
    """A fit that takes its worker down the first time only has its result."""
    ours = fit_there(*moods("fine", "dies once", folder=str(tmp_path)))
    assert_same_search(ours, fit_here(*moods("fine", "dies once", folder=str(tmp_path))), X)


@pytest.mark.usefixtures("cluster")
@pytest.mark.filterwarnings("ignore:One or more of the", "ignore:the sky")
def test_a_candidate_that_kills_its_workers_is_set_aside(events):
    """A candidate whose fit always ends its process gets the error score; the others are as without it."""
    with pytest.warns(FitFailedWarning, match="TaskLost: its worker died 3 times"):
        ours = raysk.fit(*moods("fine", "dies", "warns", return_train_score=True))
    theirs = fit_here(*moods("fine", "warns", return_train_score=True))
    for key in ("split0_test_score", "mean_test_score", "mean_train_score"):
        assert np.isnan(ours.cv_results_[key][1])
        assert_same_value(ours.cv_results_[key][[0, 2]], theirs.cv_results_[key])
    assert ours.best_params_ == theirs.best_params_
    assert len(events.of(WorkerLost)) == 3


@pytest.mark.usefixtures("cluster")
def test_a_candidate_that_kills_its_workers_raises_where_errors_do():
    """With error_score="raise" a fit that is given up ends the search."""
    search, *data = moods("fine", "dies", error_score="raise")
    with pytest.raises(TaskLost, match="died 3 times"):
        raysk.fit(search, *data)
    assert type(search) is GridSearchCV


# --- what workers need


PERSONS_MODULE = """
from sklearn.svm import SVC

class ShoutingSVC(SVC):
    def predict(self, X):
        return super().predict(X)

def score(estimator, X, y):
    return HELPER(estimator.score(X, y))

def HELPER(value):
    return value / 2
"""


def test_a_persons_module_travels(pool, tmp_path):
    """Classes and functions of a module that only this program can import work on the workers, which lack raysk too."""
    path = tmp_path / "my_models.py"
    path.write_text(PERSONS_MODULE)
    spec = importlib.util.spec_from_file_location("my_models", path)
    module = sys.modules["my_models"] = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
        travel_by_value([module])
        ours = fit_there(GridSearchCV(module.ShoutingSVC(), GRID, scoring=module.score, cv=2), X, Y)
        theirs = fit_here(GridSearchCV(module.ShoutingSVC(), GRID, scoring=module.score, cv=2), X, Y)
        assert_same_search(ours, theirs, X)
        assert type(ours.best_estimator_) is module.ShoutingSVC
    finally:
        del sys.modules["my_models"]
    known = [pool.submit(Task(function=lambda: {"raysk", "my_models"} & set(sys.modules))) for _ in range(4)]
    assert [future.result(30) for future in known] == [set()] * 4


# --- what is heard when


def test_finished_fits_are_heard_of_while_another_of_their_message_goes_on(tmp_path, events):
    """One of 40 fits ends only when the 39 others were heard of, among them those before it in its message."""

    def release(event):
        if isinstance(event, WorkDone) and sum(event.units for event in events.of(WorkDone)) == 39:
            (tmp_path / "waits for the others").touch()

    events.act = release
    names = [f"fine {number}" for number in range(39)]  # each its own: what is alike is done once
    names.insert(20, "waits for the others")
    search, *data = moods(*names, folder=str(tmp_path))
    fitted = raysk.fit(search, *data)
    assert not any(event.failed for event in events.of(WorkDone))
    assert fitted.cv_results_["params"][20]["mood"] == "waits for the others"


def test_a_fit_past_its_limit_is_given_up(pool, events, eventually, tmp_path):
    """It gets error_score and is named, its worker is replaced, and the other candidates have scikit-learn's scores."""
    search, *data = moods("fine", "waits in vain", "well", folder=str(tmp_path))
    fitted = plans.fit(pool, search, *data, {}, limits=Limits(fit_timeout_s=1.0))
    (lost,) = events.of(FitLost)
    assert (lost.candidate, lost.params, lost.split) == (1, {"mood": "waits in vain"}, 0)
    assert "longer than 1 s" in lost.reason
    scores = fitted.cv_results_["mean_test_score"]
    assert np.isnan(scores[1])
    theirs, *_ = moods("fine", "well")
    assert list(scores[[0, 2]]) == list(theirs.fit(*data).cv_results_["mean_test_score"])
    eventually(lambda: pool.up == pool.wanted)


# --- what it costs


def test_data_is_put_once_and_fits_share_messages(pool, monkeypatch):
    """However many fits: the data and the round are put once, for the refit too; a message holds many fits."""
    puts, messages = [], []
    put, send = pool._launcher.put, pool._dispatcher._send
    monkeypatch.setattr(pool._launcher, "put", lambda value: puts.append(value) or put(value))
    monkeypatch.setattr(
        pool._dispatcher, "_send", lambda slot, entry, **more: messages.append(entry) or send(slot, entry, **more)
    )
    search = GridSearchCV(GaussianNB(), {"var_smoothing": np.logspace(-9, -1, 100)}, cv=5)
    raysk.fit(search, X, Y)
    assert len(puts) == 2
    assert puts[0].X is X
    assert sum(entry.size for entry in messages) >= 500
    assert len(messages) < 500 / 5
    *fits, _ = messages  # the last is the refit
    assert max(len(entry.message) for entry in fits) < 1000  # numbers of fits, and names of what is shared


class Pages(ClassifierMixin, BaseEstimator):
    """A classifier that takes 40 MB, and counts how much of that is memory that its process did not have."""

    def __init__(self, number=0):
        self.number = number

    def fit(self, *_):
        """Take it, and let go of it."""
        pages = 10_000
        before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
        bytearray(b"x") * (pages * 4096)
        self.new_ = (resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before) / pages
        return self


@pytest.mark.skipif(memory._glibc() is None, reason="only glibc 2.33 and newer is told to keep memory")
def test_a_fit_takes_the_memory_that_another_freed():
    """Only the first fit of a worker has to ask the system for memory."""
    search = GridSearchCV(Pages(), {"number": range(10)}, cv=2, refit=False, scoring=lambda model, *_: model.new_)
    results = raysk.fit(search, X, Y).cv_results_
    shares = np.sort(np.r_[results["split0_test_score"], results["split1_test_score"]])
    assert shares[-1] > 0.5  # of a worker's first fit; else this counts nothing
    assert shares[len(shares) // 2] < 0.05


def test_fits_that_would_be_alike_are_done_once(events):
    """Of 12 candidates 4 differ in what their kernel uses: 8 fits are done for 24, and all 12 candidates are told."""
    ours = raysk.fit(GridSearchCV(SVC(), ALIKE, cv=2, refit=False), X, Y)
    (planned,) = events.of(WorkPlanned)
    assert (planned.candidates, planned.units, planned.saved) == (12, 4 * 2, 8 * 2)
    assert sum(event.units for event in events.of(WorkDone)) == 8
    assert sorted(event.index for event in events.of(CandidateDone)) == list(range(12))
    by_index = {event.index: event.score for event in events.of(CandidateDone)}
    assert [by_index[index] for index in range(12)] == list(ours.cv_results_["mean_test_score"])
