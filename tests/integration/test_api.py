"""The public names: connect, fit, run and register."""

from __future__ import annotations

import importlib
import json
import os
import signal

import numpy as np
import pandas as pd
import pytest
from joblib import Parallel, delayed, parallel_config
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.datasets import load_iris
from sklearn.ensemble import BaggingClassifier, RandomForestClassifier
from sklearn.model_selection import GridSearchCV, RandomizedSearchCV, ShuffleSplit
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC
from sklearn.tree import DecisionTreeClassifier

import raysk
from raysk.errors import CallError, InputError, NoScore, NothingFinished, TooManyFailures, UsageError
from raysk.events import CandidateDone, ClusterReady, WorkPlanned
from raysk.runs.lookup import find_search

X, Y = load_iris(return_X_y=True)


def test_the_public_names_are_there():
    """The package has its names and a version, and says so when another is asked for."""
    names = {"connect", "fit", "nested", "register", "run", "Limits", "Outcome", "Resources", "__version__"}
    names |= {"OneStandardError", "Shortcuts", "TPESearchCV", "top_params"}
    assert set(raysk.__all__) == names
    assert all(getattr(raysk, name) for name in raysk.__all__)
    with pytest.raises(AttributeError, match="module 'raysk' has no attribute 'predict'"):
        _ = raysk.predict


# --- inside a connection


@pytest.mark.parametrize(
    ("estimator", "unit"),
    [(SVC(), "fit"), (RandomForestClassifier(4), "tree"), (GridSearchCV(SVC(), {"C": [1, 2]}, cv=2), "fit")],
)
def test_fit_uses_the_connection_that_is_open(cluster, events, estimator, unit):
    """Inside a connection a fit runs on its workers, and returns the person's own object."""
    assert raysk.fit(estimator, X, Y) is estimator
    assert estimator.predict(X).shape == Y.shape
    assert events.of(WorkPlanned)[0].unit == unit
    assert cluster.pool.up


class Nested(ClassifierMixin, BaseEstimator):
    """An estimator that searches inside its fit, where it is."""

    def __init__(self, C=1.0):
        self.C = C

    def fit(self, X, y):
        """Fit by a global of the module: it must be sent along."""
        self.search_ = raysk.fit(GridSearchCV(SVC(), {"C": [self.C, 2 * self.C]}, cv=2), X, y)
        self.classes_ = self.search_.classes_
        return self

    def predict(self, X):
        """Predict by the best candidate."""
        return self.search_.predict(X)


@pytest.mark.usefixtures("cluster")
def test_a_fit_may_fit_too():
    """raysk.fit inside a fit of a search runs on that fit's worker, is said once, and gives scikit-learn's scores."""
    search = GridSearchCV(Nested(), {"C": [0.01, 0.1, 1.0]}, cv=2)
    with pytest.warns(UserWarning, match="Calls of raysk inside a fit run on the worker") as heard:
        found = raysk.fit(clone(search), X, Y).cv_results_["mean_test_score"]
    assert len(heard) == 1
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(raysk.api, "fit", lambda estimator, X, y: estimator.fit(X, y))
        assert np.array_equal(found, search.fit(X, Y).cv_results_["mean_test_score"])


def nested_in_fork(C):
    """Use all of raysk in a forked process."""
    with parallel_config(backend="raysk"):
        places = set(Parallel()(delayed(os.getpid)() for _ in range(4)))
    return Nested(C).fit(X, Y).score(X, Y), places == {os.getpid()}


@pytest.mark.usefixtures("cluster")
def test_a_pool_of_processes_may_use_it_too():
    """In joblib's forked processes calls run where they are: the connection's threads stayed here."""
    raysk.register()
    calls = Parallel(n_jobs=2, backend="multiprocessing")(delayed(nested_in_fork)(C) for C in (0.1, 1.0))
    assert all(score > 0.9 and here for score, here in calls)
    assert raysk.fit(SVC(), X, Y).classes_.tolist() == [0, 1, 2]


def _search(source):
    cv = ShuffleSplit(2, random_state=source)
    return RandomizedSearchCV(SVC(), {"C": [1, 2, 3]}, n_iter=2, cv=cv, random_state=source)


IN_PLACE = {
    "single": lambda source: make_pipeline(StandardScaler(), MLPClassifier((2,), max_iter=2, random_state=source)),
    "forest": lambda source: RandomForestClassifier(4, random_state=source),
    "joblib": lambda source: BaggingClassifier(DecisionTreeClassifier(), 3, random_state=source),
    "search": _search,
}


@pytest.mark.usefixtures("cluster")
@pytest.mark.filterwarnings("ignore:Stochastic Optimizer")
@pytest.mark.parametrize("name", IN_PLACE)
def test_a_fit_is_in_place_in_every_plan(name):
    """A fit leaves the attributes that scikit-learn leaves, the person's parameters, and their RandomState moved on.

    Also a second one, without the column names of the first.
    """
    ours, theirs = np.random.RandomState(3), np.random.RandomState(3)
    mine, other = IN_PLACE[name](ours), IN_PLACE[name](theirs)
    given = mine.get_params()
    for data in (pd.DataFrame(X).add_prefix("f"), X):
        assert raysk.fit(mine, data, Y) is mine
        other.fit(data, Y)
        assert set(vars(mine)) == set(vars(other))
        assert np.array_equal(mine.predict(data), other.predict(data))
        assert ours.get_state()[2] == theirs.get_state()[2]
        assert np.array_equal(ours.get_state()[1], theirs.get_state()[1])
    assert all(value is given[key] for key, value in mine.get_params().items() if key != "steps")  # a list made anew


class Odd(BaseEstimator):
    """Returns something else than itself from fit."""

    def __init__(self, n_jobs=None):
        self.n_jobs = n_jobs

    def fit(self, X, y):  # noqa: ARG002 - what scikit-learn calls
        """Count the rows."""
        self.rows_ = len(X)
        return "odd"


class OddOne(Odd):
    """The same, with no parallel part."""

    def __init__(self):
        pass


@pytest.mark.usefixtures("cluster")
@pytest.mark.parametrize("kind", [Odd, OddOne])
def test_the_answer_is_the_estimator(kind):
    """What fit returns does not matter: the fitted estimator is the person's own object."""
    mine = kind()
    assert raysk.fit(mine, X, Y) is mine
    assert mine.rows_ == 150


@pytest.mark.usefixtures("cluster")
@pytest.mark.parametrize(
    ("y", "params", "words"),
    [
        (None, {}, r"SVC requires y to be passed, but the target y is None"),
        (Y, {"weight": 1}, r"cannot be called with \(X, y, weight\)"),
    ],
)
@pytest.mark.parametrize("python", [InputError, ValueError, TypeError])
def test_a_call_that_fit_does_not_take_is_said(y, params, words, python):
    """It is bad input, with scikit-learn's words for a missing target; also what Python raises of it."""
    with pytest.raises(python, match=words):
        raysk.fit(SVC(), X, y, **params)


@pytest.mark.usefixtures("cluster")
def test_another_address_is_refused_while_connected():
    """A program is connected to one cluster at a time: another address is a mistake, and not waited for."""
    with pytest.raises(UsageError, match="is connected to a Ray of its own already"):
        raysk.fit(SVC(), X, Y, address="localhost:6379")
    assert raysk.fit(SVC(), X, Y, address="local").classes_.tolist() == [0, 1, 2]


@pytest.mark.usefixtures("cluster")
@pytest.mark.parametrize(
    ("data", "words"),
    [
        ((None, Y), "There is no data X"),
        ((X, Y[:-1]), "X has 150 rows but y has 149"),
        ((X, Y, {"sample_weight": np.ones(3)}), "sample_weight has 3"),
        ((X, Y, {"groups": np.ones(3)}), "groups has 3"),
    ],
)
def test_data_that_does_not_fit_together_is_an_input_error(data, words):
    """Missing data and lengths that differ are said before anything is sent."""
    X, y, *params = data
    with pytest.raises(InputError, match=words):
        raysk.fit(SVC(), X, y, **(params[0] if params else {}))


@pytest.mark.usefixtures("cluster")
def test_a_registered_backend_uses_the_connection_that_is_open(events):
    """Inside a connection joblib's calls run on its workers."""
    raysk.register()
    with parallel_config(backend="raysk"):
        assert Parallel()(delayed(abs)(-n) for n in range(5)) == [0, 1, 2, 3, 4]
    assert sum(event.units for event in events.of(WorkPlanned)) == 5


@pytest.mark.usefixtures("cluster")
def test_a_class_is_no_estimator():
    """A class given instead of an object of it is named, with what to write."""
    with pytest.raises(CallError, match=r"SVC is a class; give an object of it: SVC\(\)"):
        raysk.fit(SVC, X, Y)


# --- limits, a run folder, resume


def a_search(**more):
    return GridSearchCV(SVC(), {"C": [0.1, 1.0, 10.0, 100.0], "kernel": ["rbf", "linear"]}, cv=3, **more)


def scores(search):
    return {
        name: value for name, value in search.cv_results_.items() if name.startswith(("mean_test", "split", "rank"))
    }


def said(folder):
    return json.loads((folder / "run.json").read_text())


def assert_same(mine, theirs):
    """Compare the scores of two searches."""
    found, expected = scores(mine), scores(theirs)
    assert set(found) == set(expected)
    assert all(np.array_equal(found[name], expected[name]) for name in expected)


@pytest.mark.usefixtures("cluster")
def test_a_run_folder_from_python(tmp_path):
    """It has the files of the command line's, with scikit-learn's scores; a resumed run does no fit again."""
    heard = []
    first = raysk.run(a_search(), X, Y, run_dir=tmp_path / "r", resume=True, sink=heard.append)
    assert isinstance(first, raysk.Outcome)
    assert_same(first.estimator, a_search().fit(X, Y))
    assert (first.fits, first.resumed, first.stopped, first.workers) == (24, 0, None, 2)
    assert first.cpu_time_s > 0
    files = {"run.json", "journal.jsonl", "results.csv", "model.pkl", "model.json"}
    assert {path.name for path in first.run_dir.iterdir()} == files
    assert (said(tmp_path / "r")["outcome"], said(tmp_path / "r")["job"]["command"]) == ("done", "raysk.fit")
    assert [event.units for event in heard if isinstance(event, WorkPlanned) and event.candidates] == [24]
    with pytest.raises(UsageError, match="already holds a run"):
        raysk.fit(a_search(), X, Y, run_dir=tmp_path / "r")
    again = raysk.run(a_search(), X, Y, run_dir=tmp_path / "r", resume=True)
    assert (again.fits, again.resumed) == (24, 24)
    assert_same(again.estimator, first.estimator)
    by_name = raysk.fit(a_search(), X, Y, resume=str(tmp_path / "r" / "journal.jsonl"), sink=heard.append)
    assert_same(by_name, first.estimator)
    with pytest.raises(InputError, match="cannot be resumed: other data"):
        raysk.fit(a_search(), X[:-3], Y[:-3], resume=tmp_path / "r")
    with pytest.raises(InputError, match=r"was started from Python.\n.*raysk.fit\(search, X, y, resume="):
        find_search(str(tmp_path / "r")).read_manifest()
    best = raysk.top_params(tmp_path / "r", 2)
    assert best[0] == first.estimator.best_params_
    assert raysk.run(a_search(), X, Y, seeds=best[::-1]).estimator.cv_results_["params"][:2] == best[::-1]
    with pytest.raises(UsageError, match="seeds are for searches"):
        raysk.run(SVC(), X, Y, seeds=best)
    model = raysk.run(SVC(), X, Y, run_dir=tmp_path / "fit", verify=False)
    assert {path.name for path in model.run_dir.iterdir()} == {"run.json", "model.pkl", "model.json"}


@pytest.mark.usefixtures("cluster")
def test_ctrl_c_in_python(tmp_path):
    """All is written before it is raised; the search has what was done, also if it was fitted before; it goes on."""
    search = a_search()
    raysk.fit(search, X, Y)
    stale = search.cv_results_

    def interrupt(event):
        if isinstance(event, CandidateDone):
            signal.raise_signal(signal.SIGINT)

    def raised(*_):
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGINT, raised)
    try:
        with pytest.raises(KeyboardInterrupt):
            raysk.fit(search, X, Y, run_dir=tmp_path / "r", sink=interrupt)
    finally:
        signal.signal(signal.SIGINT, before)
    assert search.cv_results_ is not stale
    assert 0 < len(search.cv_results_["params"]) < 8
    assert said(tmp_path / "r")["outcome"] == "interrupted"
    rows = (tmp_path / "r" / "results.csv").read_text().splitlines()
    assert len(rows) == 1 + len(search.cv_results_["params"])
    outcome = raysk.run(a_search(), X, Y, resume=tmp_path / "r")
    assert outcome.resumed > 0
    assert_same(outcome.estimator, a_search().fit(X, Y))


@pytest.mark.usefixtures("cluster")
@pytest.mark.filterwarnings("ignore")
def test_limits_from_python(tmp_path):
    """The same limits as on the command line, by the same words; without a run folder nothing is written."""
    outcome = raysk.run(a_search(), X, Y, limits=raysk.Limits(stop_at=0.0))
    assert (outcome.stopped, outcome.run_dir) == ("stop-at", None)
    assert len(outcome.estimator.cv_results_["params"]) < 8
    outcome = raysk.run(a_search(), X, Y, limits=raysk.Limits(time_budget_s=1000, patience=100))
    assert outcome.stopped is None
    with pytest.warns(UserWarning, match=r"ended early \(stop-at\)"):
        raysk.fit(a_search(), X, Y, limits=raysk.Limits(stop_at=0.0))
    bad = GridSearchCV(SVC(), {"C": [1.0, *range(-40, 0)]}, cv=2)
    with pytest.raises(TooManyFailures):
        raysk.fit(bad, X, Y, limits=raysk.Limits(max_failures=0), run_dir=tmp_path / "r")
    assert said(tmp_path / "r")["outcome"] == "failed"
    with pytest.raises(NothingFinished):
        raysk.fit(a_search(), X, Y, limits=raysk.Limits(time_budget_s=1e-9))


@pytest.mark.usefixtures("cluster")
@pytest.mark.parametrize(
    ("estimator", "options", "words"),
    [
        (SVC(), {"limits": raysk.Limits(patience=1)}, "limits are for searches, and SVC is not a search"),
        (a_search(), {"time_budget_s": 5}, r"limits=raysk.Limits\(time_budget_s"),
        (a_search(), {"limits": {"patience": 1}}, "give an object"),
        (SVC(), {"resume": "latest"}, "resume goes on with a search, and this SVC is none"),
        (a_search(), {"resume": True}, "resume=True goes on with the run in run_dir"),
        (a_search(), {"resume": "a", "run_dir": "b"}, "run_dir makes a new run"),
    ],
)
def test_senseless_calls_are_usage_errors(estimator, options, words):
    """What contradicts itself is said before anything runs."""
    with pytest.raises((UsageError, CallError), match=words):
        raysk.fit(estimator, X, Y, **options)


class Routed(SVC):
    """Its fit has a parameter that raysk.fit has, too."""

    def fit(self, X, y, limits=None):
        """Keep it."""
        self.limits_ = limits
        return super().fit(X, y)


@pytest.mark.usefixtures("cluster")
def test_a_fit_parameter_may_have_any_name():
    """raysk.run takes what `fit` is passed apart from its own."""
    assert raysk.run(Routed(), X, Y, fit_params={"limits": 3}).estimator.limits_ == 3


@pytest.mark.usefixtures("cluster")
def test_resources_are_those_of_the_connection():
    """Others cannot be asked for while it is open."""
    with pytest.raises(UsageError, match="resources: this program is connected already"):
        raysk.run(SVC(), X, Y, resources=raysk.Resources(workers=1))
    assert raysk.run(SVC(), X, Y, resources=raysk.Resources(workers=2)).workers == 2


# --- connecting


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"workers": 0}, "--workers 0"),
        ({"cpus_per_fit": 0}, "0: a fit"),
        ({"memory_per_fit": "much"}, "--memory-per-fit much"),
    ],
)
def test_senseless_options_are_usage_errors(options, words):
    """Numbers below one are refused before anything is connected to."""
    with pytest.raises(UsageError, match=words):
        raysk.connect(**options)


WAYS = """
    import json, os, sys
    from concurrent.futures import ThreadPoolExecutor
    from joblib import Parallel, delayed, parallel_config
    from sklearn.datasets import load_iris
    from sklearn.svm import SVC
    import raysk
    from raysk import cluster

    X, y = load_iris(return_X_y=True)
    said = {"light": "ray" not in sys.modules and "sklearn.svm" in sys.modules}

    # where nothing is: said at once
    try:
        raysk.connect("localhost:1")
    except raysk.errors.ClusterError as error:
        said["nothing"] = "No Ray cluster answered at 'localhost:1'" in str(error)

    def fitted(**options):
        return raysk.fit(SVC(), X, y, **options).n_features_in_ == 4

    # alone: connects, and leaves again
    said["alone"] = fitted()
    import ray
    said["left"] = not ray.is_initialized() and cluster.current() is None

    # alone in three threads: they share a connection, and the last one leaves
    with ThreadPoolExecutor(3) as threads:
        said["threads"] = all(threads.map(lambda _: fitted(), range(3)))
    said["threads left"] = not ray.is_initialized() and cluster.current() is None

    # the backend alone: connects when first used, and stays
    raysk.register()
    with parallel_config(backend="raysk"):
        said["backend"] = os.getpid() not in Parallel()(delayed(os.getpid)() for _ in range(4))
        standing = cluster.current()
        Parallel()(delayed(os.getpid)() for _ in range(4))
    said["stands"] = standing is not None and cluster.current() is standing

    # a fit uses it, a connection of one's own replaces it
    said["shared"] = fitted() and cluster.current() is standing
    with raysk.connect(workers=1) as own:
        said["own"] = fitted() and cluster.current() is own and own.pool.wanted == 1
        said["address"] = fitted(address=os.environ["RAYSK_ADDRESS"])
    said["over"] = cluster.current() is None

    # a connection that is no context
    kept = raysk.connect(workers=1)
    said["kept"] = fitted() and cluster.current() is kept

    # a process forked from a connected one: it makes its calls itself, and its end is not that of the connection
    child = os.fork()
    if not child:
        with parallel_config(backend="raysk"):
            here = set(Parallel()(delayed(os.getpid)() for _ in range(4))) == {os.getpid()}
        kept.close()
        sys.exit(0 if fitted() and here else 3)
    said["forked"] = os.waitpid(child, 0)[1] == 0 and fitted() and cluster.current() is kept
    kept.close()
    kept.close()
    try:
        kept.pool
    except raysk.errors.ClusterError as error:
        said["closed"] = "is closed" in str(error)
    print(json.dumps(said))
"""


def test_every_way_to_connect_works(head, run_python):
    """Alone, in threads, with the backend, in a context or in none: no way waits for workers that another holds."""
    ran = run_python(WAYS, RAYSK_ADDRESS=head, RAY_AUTH_MODE="disabled")
    assert ran.returncode == 0, ran.stderr
    said = json.loads(ran.stdout)
    assert said == dict.fromkeys(said, True)
    assert len(said) == 15


def test_the_sink_hears_of_the_cluster(head, run_python):
    """A connection tells its sink what it is connected to."""
    ran = run_python(
        """
        import os, raysk
        heard = []
        with raysk.connect(sink=heard.append) as cluster:
            print(heard[0])
        """,
        RAYSK_ADDRESS=head,
        RAY_AUTH_MODE="disabled",
    )
    assert ran.stdout.strip() == str(ClusterReady(address=head, nodes=1, cpus=2)), ran.stderr


@pytest.mark.usefixtures("cluster")
def test_what_the_program_imports_otherwise_does_not_count(tmp_path, monkeypatch):
    """A module that the search does not need may come or change between a run and its resume."""
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "unrelated_to_the_search.py").write_text("def f():\n    return 1\n")
    raysk.fit(a_search(), X, Y, run_dir=tmp_path / "r", resume=None)
    importlib.import_module("unrelated_to_the_search")
    assert raysk.run(a_search(), X, Y, run_dir=tmp_path / "r", resume=np.True_).resumed == 24


@pytest.mark.usefixtures("cluster")
def test_events_come_once(events, tmp_path):
    """Also where the connection and the run have the same sink; a recorded run that fails tells its outcome."""
    raysk.fit(a_search(), X, Y, sink=events)
    assert len(events.of(CandidateDone)) == 8
    search = GridSearchCV(SVC(), {"C": [1, 2]}, scoring=no_score)
    with pytest.raises(NoScore) as caught, pytest.warns(UserWarning, match="non-finite"):
        raysk.run(search, X, Y, limits=raysk.Limits(require_score=True), run_dir=tmp_path / "r")
    assert caught.value.outcome.fits == 10


def no_score(*_):
    return np.nan


def test_modules_are_saved_by_value_while_any_run_needs_it():
    """Runs overlap: the one that ends first leaves the module to the other; what a person registered stays."""
    import cloudpickle

    from raysk.models.by_value import saved_by_value

    module = json
    first, second = saved_by_value([module]), saved_by_value([module])
    first.__enter__()
    second.__enter__()
    first.__exit__(None, None, None)
    assert module.__name__ in cloudpickle.list_registry_pickle_by_value()
    second.__exit__(None, None, None)
    assert module.__name__ not in cloudpickle.list_registry_pickle_by_value()
