"""Estimators with no part to spread, fitted on one worker, against scikit-learn alone."""

from __future__ import annotations

import contextlib
import os
import sys
import threading
import time
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from sklearn import config_context, get_config
from sklearn.base import BaseEstimator, clone
from sklearn.cluster import KMeans
from sklearn.datasets import load_digits
from sklearn.decomposition import KernelPCA, LatentDirichletAllocation
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import Ridge
from sklearn.manifold import MDS
from sklearn.model_selection import GridSearchCV
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC
from sklearn.tree import DecisionTreeClassifier
from sklearn.utils import check_random_state
from threadpoolctl import threadpool_info, threadpool_limits

import raysk
from raysk.errors import Unpicklable
from raysk.events import Remark, WorkDone, WorkerLost, WorkPlanned

X, Y = load_digits(return_X_y=True)
X, Y = X[:150], Y[:150]
WEIGHT = np.linspace(0.1, 3.0, 150)
TABLE = pd.DataFrame(X[:, 10:20]).add_prefix("pixel")

CASES = {
    "svm": (SVC(class_weight="balanced"), X, Y, {}),
    "weights": (SVC(), X, Y, {"sample_weight": WEIGHT}),
    "pipeline": (make_pipeline(StandardScaler(), SVC()), X, Y, {"svc__sample_weight": WEIGHT}),
    "table": (make_pipeline(StandardScaler(), SVC()), TABLE, Y, {}),
    "sparse": (SVC(), sparse.csr_matrix(X), Y, {}),
    "lists": (Ridge(), X.tolist(), Y.tolist(), {}),
    "no-y": (KMeans(4, random_state=0), X, None, {}),
    "network": (MLPClassifier((8,), random_state=0, tol=0.1), X / 16, Y, {}),
}


class Writer(BaseEstimator):
    """An estimator that centres X where it is, in place."""

    def fit(self, X, y=None, sample_weight=None):
        """Change all that is given."""
        X -= X.mean(axis=0)
        if y is not None:
            y += 1
        if sample_weight is not None:
            sample_weight *= 2
        self.sum_ = float(np.abs(X).sum())
        self.sums_ = [None if each is None else float(each.sum()) for each in (y, sample_weight)]
        return self


class Tells(BaseEstimator):
    """An estimator that remembers where it was fitted, and the first time waits to be killed."""

    def __init__(self, folder=None):
        self.folder = folder

    def fit(self, X, y=None):  # noqa: ARG002 - what scikit-learn calls
        """Remember."""
        marker = self.folder and Path(self.folder, "pid")
        if marker and not marker.exists():
            Path(self.folder, "writing").write_text(str(os.getpid()))
            Path(self.folder, "writing").rename(marker)
            time.sleep(30)
        self.pid_, self.config_ = os.getpid(), get_config()
        self.threads_ = {each["num_threads"] for each in threadpool_info()}
        return self

    def score(self, X, y=None):  # noqa: ARG002 - as above
        """Return the most threads that a fit of a search had."""
        return max(self.threads_)


class Rewriter(BaseEstimator):
    """An estimator that, against the rules, changes a parameter in fit."""

    def __init__(self, depth=None):
        self.depth = depth

    def fit(self, X, y=None):  # noqa: ARG002 - what scikit-learn calls
        """Choose the depth."""
        self.depth = self.depth or len(X)
        return self


def fit_here(estimator, X, y=None, **params):
    with threadpool_limits(raysk.cluster.current().pool.wanted):
        return estimator.fit(X, y, **params)


def assert_same_model(ours, theirs, X):
    """Compare two fitted estimators by what they set and what they predict."""
    assert repr(ours) == repr(theirs)
    assert set(vars(ours)) == set(vars(theirs))
    assert np.array_equal(ours.predict(X), theirs.predict(X))


@pytest.fixture(autouse=True)
def _ray(cluster):
    assert raysk.cluster.current() is cluster


@pytest.mark.parametrize("name", CASES)
def test_the_fitted_estimator_is_scikit_learns(name):
    """What a worker fits equals what scikit-learn fits here, and is the person's own object."""
    estimator, X, y, params = CASES[name]
    mine = clone(estimator)
    assert raysk.fit(mine, X, y, **params) is mine
    assert_same_model(mine, fit_here(clone(estimator), X, y, **params), X)
    if hasattr(X, "columns"):
        assert list(mine.feature_names_in_) == list(X.columns)


def test_it_is_fitted_on_a_worker(worker_pids, events):
    """The fit runs in a worker, with the configuration set here, and the sink hears why and when."""
    pids = worker_pids()
    events.heard.clear()
    with config_context(working_memory=123):
        found = raysk.fit(Tells(), X)
    assert found.pid_ in pids
    assert found.config_["working_memory"] == 123
    assert "fitted on one worker" in events.of(Remark)[0].text
    assert [(event.unit, event.units) for event in events.of(WorkPlanned)] == [("fit", 1)]
    assert [event.units for event in events.of(WorkDone)] == [1]


def test_a_fit_that_runs_alone_has_the_cpus_of_all_workers(cluster):
    """A lone fit, and the refit of a search, have the threads of the whole node; the search's fits have their own."""
    assert raysk.fit(Tells(), X).threads_ == {cluster.pool.wanted}
    search = raysk.fit(GridSearchCV(Tells(), {"folder": [None, ""]}, cv=2), X)
    assert search.cv_results_["mean_test_score"].tolist() == [1, 1]
    assert search.best_estimator_.threads_ == {cluster.pool.wanted}


def test_an_estimator_that_writes_into_its_data_is_healed():
    """Shared arrays are read-only; what writes into them gets copies, and the person's stay as they are."""
    kept = X.copy(), Y.copy(), WEIGHT.copy()
    mine = raysk.fit(Writer(), X, Y, sample_weight=WEIGHT)
    assert all(np.array_equal(now, before) for now, before in zip((X, Y, WEIGHT), kept, strict=True))
    theirs = Writer().fit(*[each.copy() for each in kept])
    assert (mine.sum_, mine.sums_) == (theirs.sum_, theirs.sums_)


def test_fitting_again_forgets_the_first_fit():
    """A second fit of the same object is that of a fresh one."""
    mine = raysk.fit(SVC(), X, Y)
    raysk.fit(mine.set_params(kernel="linear"), X, Y % 2)
    assert_same_model(mine, SVC(kernel="linear").fit(X, Y % 2), X)


def test_a_random_state_instance_ends_where_scikit_learn_leaves_it():
    """The person's RandomState stays the estimator's, and goes on as if it had been used here."""
    mine, other = np.random.RandomState(3), np.random.RandomState(3)
    ours = raysk.fit(make_pipeline(StandardScaler(), KMeans(4, random_state=mine)), X)
    theirs = fit_here(make_pipeline(StandardScaler(), KMeans(4, random_state=other)), X)
    assert np.array_equal(ours.predict(X), theirs.predict(X))
    assert ours[-1].random_state is mine
    assert mine.randint(1000, size=5).tolist() == other.randint(1000, size=5).tolist()


def test_numpys_own_generator_goes_on():
    """Without a random_state the fit draws what it would draw here, and numpy's generator ends where it would."""
    drawn = []
    for fit in (raysk.fit, lambda estimator, X, y: estimator.fit(X, y)):
        with _seeded(7) as generator:
            tree = fit(DecisionTreeClassifier(max_features=2), X, Y)
            drawn.append((tree.feature_importances_.tolist(), generator.random_sample()))
    assert drawn[0] == drawn[1]


@contextlib.contextmanager
def _seeded(seed):
    generator = check_random_state(None)
    before = generator.get_state()
    generator.seed(seed)
    yield generator
    generator.set_state(before)


class Spawns(BaseEstimator):
    """An estimator that changes what cannot be changed from a worker, and has no parameters that it tells."""

    def __init__(self, seeds=None):
        self._seeds = seeds

    def fit(self, X, y=None):  # noqa: ARG002 - what scikit-learn calls
        """Spawn."""
        self.spawned_ = self._seeds.spawn(2)


def test_what_only_this_process_can_change_is_fitted_here(events):
    """The person's object has changed after the fit, and it is said why; get_params is not needed."""
    seeds = np.random.SeedSequence(1)
    raysk.fit(Spawns(seeds), X)
    assert seeds.n_children_spawned == 2
    assert "Spawns changes what was given to it (SeedSequence)" in events.of(Remark)[-1].text


@pytest.mark.parametrize("jobs", [None, 2])
@pytest.mark.parametrize("estimator", [MDS(2, n_init=2, max_iter=5), LatentDirichletAllocation(3), KernelPCA(3)])
@pytest.mark.filterwarnings("ignore::FutureWarning")
def test_the_number_of_jobs_is_what_the_person_says(estimator, jobs):
    """Where the answer depends on it, it is scikit-learn's for that number, also in a pipeline."""
    seed = {"random_state": 0, "n_jobs": jobs}
    fits = (raysk.fit, lambda each, X: each.fit(X))
    made = [fit(make_pipeline(clone(estimator).set_params(**seed)), X)[0] for fit in fits]
    name = {"MDS": "embedding_", "KernelPCA": "eigenvectors_"}.get(type(estimator).__name__, "components_")
    assert np.array_equal(*[getattr(each, name) for each in made])


def test_the_parts_of_an_estimator_are_fitted_too():
    """What the person put into a pipeline is what is fitted, as with scikit-learn."""
    scaler, svm = StandardScaler(), SVC()
    pipeline = raysk.fit(make_pipeline(scaler, svm), X, Y)
    assert pipeline[0] is scaler
    assert pipeline[1] is svm
    assert np.array_equal(svm.predict(scaler.transform(X)), make_pipeline(StandardScaler(), SVC()).fit(X, Y).predict(X))


def test_a_parameter_changed_by_fit_is_changed_here():
    """Estimators should not change their parameters in fit; where one does, it is as if it was fitted here."""
    assert raysk.fit(Rewriter(), X).depth == 150


def test_a_failing_fit_fails_as_scikit_learns():
    """What the fit raises is raised here, and the estimator stays unfitted."""
    bad = SVC(C=-1.0)
    with pytest.raises(ValueError, match="The 'C' parameter of SVC") as theirs:
        clone(bad).fit(X, Y)
    with pytest.raises(type(theirs.value)) as ours:
        raysk.fit(bad, X, Y)
    assert str(ours.value) == str(theirs.value)
    assert not hasattr(bad, "classes_")


class Quits(BaseEstimator):
    """An estimator that ends its program."""

    def fit(self, X, y=None):  # noqa: ARG002 - what scikit-learn calls
        """End it."""
        sys.exit(3)


@pytest.mark.parametrize("estimator", [Quits(), GridSearchCV(Quits(), {}, scoring=lambda *_: 1.0, error_score="raise")])
def test_a_fit_that_ends_its_program_fails(estimator):
    """On a worker no program of the person's ends: the fit has failed."""
    with pytest.raises(RuntimeError, match="SystemExit: 3"):
        raysk.fit(estimator, X, Y)


def test_what_the_fit_warns_of_is_heard_here():
    """A worker's warning can be caught, ignored, or made an error where fit was called."""
    network = MLPClassifier((4,), random_state=0, max_iter=2)
    with pytest.warns(ConvergenceWarning, match="Maximum iterations"):
        raysk.fit(clone(network), X, Y)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(ConvergenceWarning, match="Maximum iterations"):
            raysk.fit(clone(network), X, Y)


def test_what_cannot_travel_is_said():
    """An estimator or data that cannot be pickled is an error at once."""
    with pytest.raises(Unpicklable, match="lock"):
        raysk.fit(Tells(threading.Lock()), X)
    with pytest.raises(Unpicklable, match="lock"):
        raysk.fit(Tells(), [threading.Lock()])


@pytest.mark.usefixtures("executioner")
def test_a_killed_worker_changes_nothing(tmp_path, events):
    """A worker that is killed in the middle of the fit costs time: another one fits."""
    mine = raysk.fit(Tells(str(tmp_path)), X)
    assert mine.pid_ != int((tmp_path / "pid").read_text())
    assert len(events.of(WorkerLost)) == 1
