"""Calls of raysk inside a worker, and in a process that was forked from a connected one."""

from __future__ import annotations

import functools
import os
import subprocess
import sys
import threading
import warnings

import joblib
import numpy as np
import pytest
from joblib import Parallel, delayed
from ray import cloudpickle
from sklearn.datasets import load_iris
from sklearn.model_selection import GridSearchCV
from sklearn.svm import SVC

import raysk
from raysk import cluster
from raysk.errors import ClusterError, InputError, UsageError
from raysk.pool import Task
from raysk.pool.ray.pickling import travelling
from raysk.pool.ray.worker import Worker
from raysk.pool.reply import Reply
from raysk.util import nested

X, Y = load_iris(return_X_y=True)


def where():
    return os.getpid(), threading.current_thread().name


def nested_fit():
    """Fit a search as an estimator's own `fit` may: by a module's global."""
    search = raysk.fit(GridSearchCV(SVC(), {"C": [1, 2]}, cv=2), X, Y)
    return search.cv_results_["mean_test_score"].tolist()


def nested_calls():
    """Make calls on our backend inside a call; tells where they ran, and where this runs."""
    raysk.register()
    with joblib.parallel_config(backend="raysk", n_jobs=2):
        places = Parallel()(delayed(where)() for _ in range(8))
    return set(places), where()


def nested_connection():
    with raysk.connect(workers=3) as connection:
        nested_fit()
    connection.close()
    return True


@pytest.fixture(autouse=True)
def _nothing_said(monkeypatch):
    monkeypatch.setattr(nested, "_warned", set())


@pytest.fixture
def on_worker(_as_a_worker):
    """Return a function that runs another on a real worker, in this process, with so many CPUs."""

    def run(function, cpus=1):
        reply = Reply.of(Worker(cpus=cpus).run(Task(function=function).pack(0, None)[0]))
        value = cloudpickle.loads(reply.content)
        if not reply.ok:
            raise value
        return value

    return run


@pytest.fixture
def forked(monkeypatch):
    """Make this process one that was forked from a connected one."""
    monkeypatch.setattr(nested, "_forked", [os.getpid()])


@pytest.mark.filterwarnings("ignore:Calls of raysk")
def test_a_fit_inside_a_fit_runs_on_its_worker(on_worker):
    """It does not connect: its own search holds the CPUs; the scores are scikit-learn's."""
    expected = GridSearchCV(SVC(), {"C": [1, 2]}, cv=2).fit(X, Y).cv_results_["mean_test_score"]
    before = cluster.current()
    assert np.array_equal(on_worker(nested_fit), expected)
    assert cluster.current() is before


@pytest.mark.filterwarnings("ignore:Calls of raysk")
@pytest.mark.parametrize("cpus", [1, 2])
def test_our_backend_inside_a_call_stays_on_the_workers_cpus(on_worker, cpus):
    """With one CPU calls are made where they stand, with several in threads, never more than CPUs."""
    places, here = on_worker(nested_calls, cpus=cpus)
    assert {pid for pid, _ in places} == {os.getpid()}
    assert (places == {here}) == (cpus == 1)
    assert len(places) <= cpus


@pytest.mark.filterwarnings("ignore:Calls of raysk")
def test_a_connection_inside_a_fit_is_none(on_worker):
    """Code that connects for itself works on a worker too."""
    assert on_worker(nested_connection)


def test_it_is_said_once(on_worker):
    """A process warns of its first call, and of no other; as an error it would end a fit that is well."""
    with pytest.warns(UserWarning, match="inside a fit run on the worker") as heard:
        assert on_worker(nested_fit) == on_worker(nested_fit)
    assert len(heard) == 1
    nested._warned.clear()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        on_worker(nested_fit)


def test_bad_input_is_said_as_anywhere(on_worker):
    """What raysk.fit refuses it refuses on a worker."""
    with pytest.raises(InputError, match="is a class"):
        on_worker(lambda: raysk.fit(SVC, X, Y))


@pytest.mark.parametrize("options", [{"limits": raysk.Limits(patience=1)}, {"run_dir": "r"}, {"resume": "latest"}])
def test_what_a_nested_fit_cannot_do_is_refused(on_worker, options):
    """scikit-learn's own fit runs there: it has no limits and leaves no folder; where it runs is decided."""
    search = GridSearchCV(SVC(), {"C": [1]}, cv=2)
    for door in (raysk.fit, raysk.run, nested.fit, nested.run):
        with pytest.raises(UsageError, match=f"{next(iter(options))}: raysk cannot do that inside a fit"):
            on_worker(functools.partial(door, search, X, Y, **options))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        outcome = on_worker(lambda: raysk.run(search, X, Y, address="auto", resources=raysk.Resources(workers=1)))
    assert outcome.estimator.best_params_ == {"C": 1}


@pytest.mark.filterwarnings("ignore:This process was forked")
@pytest.mark.usefixtures("forked")
def test_a_forked_process_makes_its_calls_itself():
    """Neither a fit nor a call waits for the connection of its parent."""
    assert len(nested_fit()) == 2
    assert nested_calls() == ({where()}, where())


@pytest.mark.filterwarnings("ignore:This process was forked")
@pytest.mark.usefixtures("forked")
def test_a_backend_that_was_chosen_before_the_fork_makes_its_calls_there():
    """A backend object goes along with the fork, its pool's thread does not."""
    from raysk.plans.joblib_backend import RayskBackend

    with joblib.parallel_config(backend=RayskBackend(lambda: pytest.fail("this is the parent's")), n_jobs=-1):
        assert set(Parallel()(delayed(where)() for _ in range(4))) == {where()}


@pytest.mark.usefixtures("forked")
def test_a_forked_process_cannot_connect():
    """It says why, and what can."""
    with pytest.raises(ClusterError, match="forked from one that is connected"):
        raysk.connect()


def uses_module():
    return raysk.fit


def uses_function():
    return fit


fit = raysk.fit


@pytest.mark.parametrize("function", [uses_module, uses_function])
def test_a_module_that_imports_raysk_can_be_sent(function):
    """The module, and its public functions, are imported where the function runs."""
    cluster.travel_by_value([*travelling(), sys.modules[__name__]])
    assert pickle_back(function)() is raysk.fit


def pickle_back(function):
    return cloudpickle.loads(cloudpickle.dumps(function))


BARE = """
import importlib.util, pickle, sys
from importlib.machinery import BuiltinImporter, FrozenImporter, PathFinder

class NoRaysk(PathFinder):
    @classmethod
    def find_spec(cls, name, *args):
        return None if name.partition(".")[0] == "raysk" else super().find_spec(name, *args)

sys.meta_path[:] = [BuiltinImporter, FrozenImporter, NoRaysk]
assert importlib.util.find_spec("raysk") is None
worker, message, parts = pickle.load(sys.stdin.buffer)
sys.stdout.buffer.write(worker(cpus=1).run(message))
"""


def test_a_node_needs_no_raysk():
    """Neither for our own code nor for a person's module that imports it."""
    from raysk.cli import signals  # noqa: F401 - leaves its handlers where workers look for how a fit may end
    from raysk.plans.evaluation import Evaluation
    from raysk.plans.joblib_backend import _call

    cluster.travel_by_value([*travelling(), sys.modules[__name__]])
    message, _ = Task(function=nested_fit).pack(0, None)
    sent = cloudpickle.dumps((Worker, message, (Evaluation, _call)))
    ran = subprocess.run([sys.executable, "-c", BARE], input=sent, capture_output=True, timeout=100, check=False)
    assert ran.returncode == 0, ran.stderr.decode()
    reply = Reply.of(ran.stdout)
    assert (reply.ok, len(cloudpickle.loads(reply.content))) == (True, 2), reply.frames
    assert ran.stderr.count(b"Calls of raysk inside a fit") == 1
