"""What our joblib backend adds to the contract: the store, limits below the workers, lost workers, events."""

from __future__ import annotations

import os
import pickle
import threading
import time
import weakref
from pathlib import Path

import joblib
import numpy as np
import pytest
from joblib import Parallel, delayed, effective_n_jobs
from sklearn.datasets import load_iris
from sklearn.model_selection import GridSearchCV
from sklearn.svm import SVC

import raysk
from raysk.errors import TaskLost, Unpicklable
from raysk.events import WorkDone, WorkerLost, WorkPlanned
from raysk.plans.joblib_backend import SHARE_BYTES, SURE_BYTES, RayskBackend


def square(x):
    return x * x


def nothing(*_args, **_kwargs):
    return None


def span(_):
    start = time.monotonic()
    time.sleep(0.02)
    return start, time.monotonic()


def where():
    return os.getpid(), threading.current_thread().name


def inner_places():
    """Tell where the parallel calls of a call run, and how many jobs it may have."""
    return effective_n_jobs(-1), set(Parallel(n_jobs=4)(delayed(where)() for _ in range(4)))


def die_once(folder, x):
    """End the process that runs this, the first time."""
    marker = Path(folder, f"died-{x}")
    if x == 3 and not marker.exists():
        marker.touch()
        os._exit(1)
    return x * x


def die(x):
    if x == 3:
        os._exit(1)
    return x * x


def change(array):
    array += 1
    return array.sum()


def meet(folder, name, count):
    """Return this process's id, once as many calls as asked for run."""
    Path(folder, str(name)).touch()
    deadline = time.monotonic() + 30
    while len(list(Path(folder).iterdir())) < count:
        if time.monotonic() > deadline:
            raise TimeoutError("the others did not come")
        time.sleep(0.01)
    return os.getpid()


@pytest.fixture
def _registered(cluster):
    assert raysk.cluster.current() is cluster
    raysk.register()
    with joblib.parallel_config(backend="raysk"):
        yield


@pytest.fixture
def puts(pool, monkeypatch):
    """List what is put in the object store."""
    shared, share = [], pool.share
    monkeypatch.setattr(pool, "share", lambda value: shared.append(value) or share(value))
    return shared


def arrays(puts):
    return [value for value in puts if isinstance(value, np.ndarray)]


@pytest.mark.usefixtures("_registered")
class TestOnRay:
    def test_without_n_jobs_all_workers_are_used(self, pool, tmp_path):
        """Where nobody says how many jobs, there are as many as workers; negative numbers count back from them."""
        assert [effective_n_jobs(n) for n in (-1, -2, None, 3)] == [pool.wanted, pool.wanted - 1, pool.wanted, 3]
        places = Parallel(batch_size=1)(delayed(meet)(tmp_path, n, pool.wanted) for n in range(pool.wanted))
        assert len(set(places)) == pool.wanted
        assert os.getpid() not in places

    def test_a_big_array_is_put_once(self, puts):
        """An array that many calls use is put in the store once a call of `Parallel`, wherever it stands."""
        X = np.ones(SHARE_BYTES // 8)
        for calls in (1, 2):
            Parallel(n_jobs=2)(delayed(nothing)(X, n, {"deep": [X]}) for n in range(40))
            assert len(arrays(puts)) == calls

    def test_a_small_array_is_not_put(self, puts):
        """An array below SHARE_BYTES travels with its call."""
        X = np.ones(SHARE_BYTES // 8 - 1)
        Parallel(n_jobs=2)(delayed(nothing)(X) for _ in range(4))
        assert arrays(puts) == []

    def test_the_store_is_let_go_of_after_a_call(self, pool, monkeypatch):
        """When a call is over its arrays are released, also after an error."""
        released, release = [], pool.release
        monkeypatch.setattr(pool, "release", lambda shared: released.extend(shared) or release(shared))
        X = np.ones(SHARE_BYTES // 8)
        Parallel(n_jobs=2)(delayed(nothing)(X) for _ in range(4))
        assert len(released) == 2  # the array, and the function that makes a batch's calls
        with pytest.raises(TypeError, match="nonsense"):
            Parallel(n_jobs=2)(delayed(square)(X, nonsense=1) for _ in range(4))
        assert len(released) == 4

    @pytest.mark.parametrize("numbers", [8, SHARE_BYTES // 8, SURE_BYTES // 8])
    def test_an_array_that_is_filled_again_is_sent_again(self, numbers):
        """A call gets what an array holds when the call is handed in; the caller may then put other values into it."""
        array = np.zeros(numbers)

        def calls():
            for n in range(10):
                array[:] = n
                yield delayed(np.max)(array)

        values = Parallel(n_jobs=2, batch_size=1, pre_dispatch=1)(calls())
        assert values == sorted(values)  # joblib takes the next before it hands one in
        assert values[-1] == 9

    def test_calls_may_have_any_number_of_arrays(self):
        """An array that one call only needs is let go of when the call is done, and not when all are."""
        arrays, most = [], []

        def calls():
            for n in range(50):
                array = np.full(SHARE_BYTES // 8, n)
                arrays.append(weakref.ref(array))
                yield delayed(np.max)(array)
                del array
                most.append(sum(each() is not None for each in arrays))

        assert Parallel(n_jobs=2, batch_size=1)(calls()) == list(range(50))
        assert max(most) < 20

    def test_a_worker_lost_costs_nothing_but_time(self, events, tmp_path):
        """When a worker dies its calls are made again, and the values are those of all calls."""
        values = Parallel(n_jobs=2, batch_size=5)(delayed(die_once)(str(tmp_path), n) for n in range(20))
        assert values == [n * n for n in range(20)]
        assert len(events.of(WorkerLost)) == 1

    def test_a_call_that_keeps_killing_workers_is_an_error(self, events):
        """A call that takes three workers down is given up, with an error that says so."""
        with pytest.raises(TaskLost, match="died 3 times"):
            Parallel(n_jobs=2, batch_size=5)(delayed(die)(n) for n in range(10))
        assert len(events.of(WorkerLost)) == 3
        assert Parallel(n_jobs=2)(delayed(square)(n) for n in range(4)) == [0, 1, 4, 9]

    def test_calls_within_calls_stay_in_their_worker(self, pool):
        """A call's own parallel calls run in its thread: the worker has one CPU."""
        found = Parallel(n_jobs=2, batch_size=1)(delayed(inner_places)() for _ in range(4))
        assert {jobs for jobs, _ in found} == {1}
        assert all(len(places) == 1 for _, places in found)
        assert len(set.union(*(places for _, places in found))) <= pool.wanted

    def test_a_call_that_cannot_travel_says_so(self):
        """The error is raysk's, and at the same time the one that joblib's own backends raise."""
        with pytest.raises(Unpicklable, match="lock") as caught:
            Parallel(n_jobs=2)(delayed(square)(threading.Lock()) for _ in range(4))
        assert isinstance(caught.value, pickle.PicklingError)

    def test_events_tell_of_every_call(self, events):
        """The sink hears of all calls when they are handed in, and when they are done."""
        Parallel(n_jobs=2)(delayed(square)(n) for n in range(50))
        planned, done = events.of(WorkPlanned), events.of(WorkDone)
        assert sum(event.units for event in planned) == sum(event.units for event in done) == 50
        assert {event.unit for event in planned} == {"call"}

    def test_a_searchs_calls_do_not_carry_each_other(self, pool, monkeypatch):
        """In scikit-learn 1.9 every fit's callback context refers to all others; they are left behind."""
        sizes, submit = [], pool.submit

        def weigh(task):
            sizes.append(len(task.pack(0, task.units)[0]) / len(task.units))
            return submit(task)

        monkeypatch.setattr(pool, "submit", weigh)
        X, y = load_iris(return_X_y=True)
        heaviest = []
        for candidates in (5, 50):
            sizes.clear()
            GridSearchCV(SVC(), {"C": range(1, candidates)}, cv=2, refit=False).fit(X, y)
            heaviest.append(max(sizes))
        assert heaviest[1] < heaviest[0] + 1000


class TestOnFakeWorkers:
    """The same backend on workers that are threads of this process: as many as a test wants."""

    @pytest.fixture
    def use(self, make_pool, launcher):
        """Return a function that makes parallel calls on a number of workers."""
        launcher.by_hand = False

        def run(workers, n_jobs, calls, **options):
            pool = make_pool(workers=workers)
            with joblib.parallel_config(backend=RayskBackend(lambda: pool)):
                return Parallel(n_jobs=n_jobs, **options)(calls)

        return run

    @pytest.mark.parametrize(("n_jobs", "most"), [(2, 2), (3, 3), (-2, 3), (-1, 4), (9, 4)])
    def test_fewer_jobs_than_workers_are_a_limit(self, use, n_jobs, most):
        """Never more calls run at a time than jobs were asked for, or workers there are."""
        spans = use(4, n_jobs, [delayed(span)(n) for n in range(24)], batch_size=1)
        assert max(sum(start <= moment < end for start, end in spans) for moment, _ in spans) <= most

    def test_one_worker_is_used(self, use):
        """With a single worker the calls run there, and not in the program."""
        places = use(1, -1, [delayed(where)() for _ in range(5)])
        assert threading.current_thread().name not in {name for _, name in places}

    def test_one_job_stays_here(self, use, launcher):
        """n_jobs=1 runs in the program, as with any backend."""
        assert use(4, 1, [delayed(where)() for _ in range(3)]) == [where()] * 3
        assert launcher.calls.empty()

    def test_an_array_that_a_lost_call_needs_is_sent_again(self, use, launcher):
        """A call that is split after a loss gives the same values, big arrays and all."""
        X, lost = np.ones(SHARE_BYTES), []
        launcher.dies_of = lambda call: not lost and (lost.append(call) or True)
        values = use(2, 2, [delayed(np.sum)(X) for _ in range(12)], batch_size=6)
        assert values == [X.sum()] * 12
        assert len(lost) == 1

    def test_a_pool_that_closes_ends_the_call(self, make_pool, launcher):
        """Closing the pool under a running call ends it with an error; it does not hang."""
        pool = make_pool()
        threading.Thread(target=lambda: launcher.next_call() and pool.close(), daemon=True).start()
        with joblib.parallel_config(backend=RayskBackend(lambda: pool)), pytest.raises(BaseException) as caught:  # noqa: PT011
            Parallel(n_jobs=2)(delayed(square)(n) for n in range(10))
        assert type(caught.value).__name__ == "CancelledError"
