"""What joblib promises of a backend. Ours and joblib's own pass the same tests.

The tests' functions run in other processes, or other threads, that share nothing with the test but its folder:
they meet, and wait for each other, through files.
"""

from __future__ import annotations

import os
import threading
import time
from pathlib import Path

import joblib
import numpy as np
import pytest
from joblib import Parallel, delayed
from scipy import sparse
from sklearn import config_context, get_config
from sklearn.datasets import load_iris
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.svm import SVC
from sklearn.utils import parallel as sklearn_parallel

PATIENCE_S = 30
"""How long a function waits for what another does, in seconds; usually it takes milliseconds."""

PROCESSES = [pytest.param("raysk", marks=pytest.mark.xdist_group("cluster")), "loky"]
ALL = [*PROCESSES, "threading"]


class OwnError(Exception):
    """A person's exception."""


def wait_for(path, patience_s=PATIENCE_S):
    deadline = time.monotonic() + patience_s
    while not Path(path).exists():
        if time.monotonic() > deadline:
            raise TimeoutError(f"{path} did not come")
        time.sleep(0.005)
    return True


def square(x):
    return x * x


def after(delay_s, value):
    time.sleep(delay_s)
    return value


def meet(folder, name, others):
    """Return once all the others are here as well."""
    Path(folder, name).touch()
    return all(wait_for(Path(folder, other)) for other in others)


def begin_and_wait(folder, patience_s=PATIENCE_S):
    """Say that it runs, and go on when told to."""
    Path(folder, "begun").touch()
    return wait_for(Path(folder, "go"), patience_s)


def span(_):
    start = time.monotonic()
    time.sleep(0.05)
    return start, time.monotonic()


def most_at_a_time(spans):
    """Return how many of the spans overlap at most."""
    return max(sum(start <= moment < end for start, end in spans) for moment, _ in spans)


def fail_if(bad, x):
    if x == bad:
        raise OwnError("bad", x)
    return x


def inner_calls(x):
    """Make parallel calls inside a call; tell their values and where they ran."""
    calls = Parallel(n_jobs=2)(delayed(who)(y) for y in range(4))
    return [value + x for value, _ in calls], {place for _, place in calls}


def who(y):
    time.sleep(0.01)
    return y, (os.getpid(), threading.get_ident())


@pytest.fixture
def backend(request, _travels):
    """Use the backend named by the test class for all parallel calls of the test."""
    if request.param == "raysk":
        import raysk

        request.getfixturevalue("cluster")
        raysk.register()
    with joblib.parallel_config(backend=request.param):
        yield request.param


@pytest.fixture(scope="module", autouse=True)
def _lokys_end():
    """End loky's processes after the last test."""
    yield
    from joblib.externals.loky import get_reusable_executor

    get_reusable_executor().shutdown(kill_workers=True)


@pytest.mark.usefixtures("backend")
@pytest.mark.parametrize("backend", ALL, indirect=True)
class TestAnyBackend:
    def test_results_keep_the_order_of_the_calls(self):
        """Values come in the order of the calls, whichever ends first."""
        delays = [0.05, 0.0, 0.02, 0.0, 0.03] * 3
        assert Parallel(n_jobs=2)(delayed(after)(d, n) for n, d in enumerate(delays)) == list(range(15))

    def test_two_jobs_run_at_the_same_time(self, tmp_path):
        """With n_jobs=2 two calls that wait for each other both end."""
        calls = [delayed(meet)(tmp_path, "a", ["b"]), delayed(meet)(tmp_path, "b", ["a"])]
        assert Parallel(n_jobs=2)(calls) == [True, True]

    def test_n_jobs_is_a_limit(self):
        """With n_jobs=2 never more than two calls run at a time."""
        assert most_at_a_time(Parallel(n_jobs=2)(delayed(span)(n) for n in range(8))) <= 2

    @pytest.mark.parametrize("n_jobs", [None, 1, 2, 7, -1, -2])
    def test_any_number_of_jobs_gives_the_same_values(self, n_jobs):
        """The number of jobs changes how long it takes, and nothing else."""
        assert Parallel(n_jobs=n_jobs)(delayed(square)(n) for n in range(20)) == [n * n for n in range(20)]

    def test_no_jobs_make_no_sense(self):
        """n_jobs=0 is refused."""
        with pytest.raises(ValueError, match="n_jobs == 0 in Parallel has no meaning"):
            Parallel(n_jobs=0)(delayed(square)(n) for n in range(3))

    def test_many_short_calls_are_batched_and_complete(self):
        """Automatic batches lose and double nothing."""
        assert Parallel(n_jobs=2)(delayed(square)(n) for n in range(2000)) == [n * n for n in range(2000)]

    @pytest.mark.parametrize("options", [{"batch_size": 3}, {"pre_dispatch": "all"}, {"pre_dispatch": 1}])
    def test_the_way_calls_are_handed_out_changes_nothing(self, options):
        """Batch size and dispatch are a matter of speed only."""
        assert Parallel(n_jobs=2, **options)(delayed(square)(n) for n in range(20)) == [n * n for n in range(20)]

    def test_no_calls_give_no_values(self):
        """An empty iterable gives an empty list."""
        assert Parallel(n_jobs=2)([]) == []

    def test_functions_made_on_the_fly_can_be_called(self):
        """Lambdas and closures work like any function."""
        factor = 3
        assert Parallel(n_jobs=2)(delayed(lambda x: factor * x)(n) for n in range(4)) == [0, 3, 6, 9]

    def test_an_exception_keeps_its_class_and_words(self):
        """What a call raises is raised here."""
        with pytest.raises(OwnError) as caught:
            Parallel(n_jobs=2)(delayed(fail_if)(3, n) for n in range(20))
        assert caught.value.args == ("bad", 3)

    def test_an_exception_does_not_wait_for_other_calls(self, tmp_path):
        """A failure is raised at once, and not when the calls beside it end."""
        calls = [delayed(begin_and_wait)(tmp_path), delayed(fail_if)(1, 1)]
        start = time.monotonic()
        with pytest.raises(OwnError):
            Parallel(n_jobs=2)(calls)
        assert time.monotonic() - start < PATIENCE_S / 2
        (tmp_path / "go").touch()

    def test_after_an_exception_the_next_call_works(self):
        """A failed call leaves the backend usable, also when its `Parallel` is a context."""
        with Parallel(n_jobs=2) as parallel, pytest.raises(OwnError):
            parallel(delayed(fail_if)(0, n) for n in range(6))
        assert Parallel(n_jobs=2)(delayed(square)(n) for n in range(6)) == [0, 1, 4, 9, 16, 25]

    def test_an_error_in_the_iterable_is_raised(self):
        """When making the calls fails, that error is raised."""

        def calls():
            yield from (delayed(square)(n) for n in range(10))
            raise OwnError("no more calls")

        with pytest.raises(OwnError, match="no more calls"):
            Parallel(n_jobs=2)(calls())

    def test_a_generator_yields_values_in_order_before_all_are_done(self, tmp_path):
        """`return_as="generator"` hands the first value out while a later call still runs."""
        calls = [delayed(square)(3), delayed(begin_and_wait)(tmp_path)]
        values = Parallel(n_jobs=2, return_as="generator", batch_size=1)(calls)
        assert next(values) == 9
        (tmp_path / "go").touch()
        assert list(values) == [True]

    def test_an_unordered_generator_yields_what_is_done(self, tmp_path):
        """`return_as="generator_unordered"` does not wait for a slow first call."""
        calls = [delayed(begin_and_wait)(tmp_path), delayed(square)(3)]
        values = Parallel(n_jobs=2, return_as="generator_unordered", batch_size=1)(calls)
        assert next(values) == 9
        (tmp_path / "go").touch()
        assert list(values) == [True]

    def test_quick_calls_do_not_wait_behind_a_slow_one(self, tmp_path):
        """All others are there while the slow one still runs, also where calls were short before."""
        Parallel(n_jobs=2, batch_size=1)(delayed(square)(n) for n in range(10))
        slow, quick = delayed(begin_and_wait)(tmp_path), [delayed(after)(0.05, n) for n in range(7)]
        calls = [quick[0], slow, *quick[1:]]
        values = Parallel(n_jobs=2, return_as="generator_unordered", batch_size=1)(calls)
        assert sorted(next(values) for _ in quick) == list(range(7))
        (tmp_path / "go").touch()
        assert list(values) == [True]

    def test_a_generator_may_be_left_early(self):
        """A generator that is dropped warns, and the next call works."""
        values = Parallel(n_jobs=2, return_as="generator")(delayed(after)(0.01, n) for n in range(50))
        assert next(values) == 0
        with pytest.warns(UserWarning, match="tasks"):
            values.close()
        assert Parallel(n_jobs=2)(delayed(square)(n) for n in range(4)) == [0, 1, 4, 9]

    def test_a_call_that_takes_too_long_is_a_timeout(self, tmp_path):
        """With a timeout, waiting for a call ends in TimeoutError, and the next call works."""
        with pytest.raises(joblib.parallel.TimeoutError):
            Parallel(n_jobs=2, timeout=0.3)(delayed(begin_and_wait)(tmp_path, 5) for _ in range(2))
        (tmp_path / "go").touch()
        assert Parallel(n_jobs=2)(delayed(square)(n) for n in range(4)) == [0, 1, 4, 9]

    def test_calls_within_calls_give_the_right_values(self):
        """Parallel calls made inside a call work."""
        values = [values for values, _ in Parallel(n_jobs=2)(delayed(inner_calls)(x) for x in range(4))]
        assert values == [[x, x + 1, x + 2, x + 3] for x in range(4)]

    def test_a_big_array_can_be_an_argument(self):
        """An array of megabytes is the same array in every call."""
        X = np.arange(300_000.0).reshape(3, -1)
        totals = Parallel(n_jobs=2)(delayed(np.sum)(X, axis=1) for _ in range(6))
        assert np.array_equal(totals, [X.sum(axis=1)] * 6)

    def test_arrays_may_stand_inside_other_objects(self):
        """Tables, sparse matrices and nested containers of arrays arrive as they are."""
        pandas = pytest.importorskip("pandas")
        X = np.arange(40_000.0).reshape(-1, 4)
        things = [pandas.DataFrame(X), sparse.csr_matrix(X), X[:, 1], np.asfortranarray(X), [{"deep": X}]]
        back = Parallel(n_jobs=2)(delayed(after)(0, thing) for thing in things)
        pandas.testing.assert_frame_equal(back[0], things[0])
        assert (back[1] != things[1]).nnz == 0
        assert np.array_equal(back[2], things[2])
        assert np.array_equal(back[3], things[3])
        assert back[3].flags.f_contiguous
        assert np.array_equal(back[4][0]["deep"], X)

    def test_an_array_that_comes_back_may_be_changed(self):
        """A result belongs to the caller."""
        for array in Parallel(n_jobs=2)(delayed(np.zeros)(50_000) for _ in range(2)):
            array[:] = 1
            assert array.sum() == 50_000

    def test_an_array_changed_between_calls_is_seen(self):
        """One `Parallel` object used for several calls sends what the array holds now."""
        X = np.zeros(50_000)
        with Parallel(n_jobs=2) as parallel:
            for round_ in range(1, 4):
                X += 1
                assert parallel(delayed(np.sum)(X) for _ in range(3)) == [50_000 * round_] * 3

    def test_an_interrupt_leaves_the_backend_usable(self, tmp_path):
        """Ctrl-C ends a call that waits, and the next call works."""
        import _thread

        def interrupt():
            wait_for(tmp_path / "begun")
            _thread.interrupt_main()
            time.sleep(0.5)
            (tmp_path / "go").touch()  # threads cannot be ended from outside

        helper = threading.Thread(target=interrupt)
        helper.start()
        with pytest.raises(KeyboardInterrupt):
            Parallel(n_jobs=2)(delayed(begin_and_wait)(tmp_path) for _ in range(4))
        helper.join()
        assert Parallel(n_jobs=2)(delayed(square)(n) for n in range(4)) == [0, 1, 4, 9]

    def test_cross_validation_runs_in_it(self):
        """scikit-learn's `cross_val_score` gives what it gives without the backend."""
        X, y = load_iris(return_X_y=True)
        with joblib.parallel_config(backend="sequential"):
            expected = cross_val_score(SVC(), X, y, cv=3)
        assert np.array_equal(cross_val_score(SVC(), X, y, cv=3, n_jobs=2), expected)

    def test_a_search_runs_in_it(self):
        """scikit-learn's own `GridSearchCV` gives what it gives without the backend."""
        X, y = load_iris(return_X_y=True)
        search = GridSearchCV(SVC(), {"C": [0.1, 1.0, 10.0]}, cv=3, n_jobs=2).fit(X, y)
        with joblib.parallel_config(backend="sequential"):
            expected = GridSearchCV(SVC(), {"C": [0.1, 1.0, 10.0]}, cv=3).fit(X, y)
        assert search.best_params_ == expected.best_params_
        assert np.array_equal(search.cv_results_["mean_test_score"], expected.cv_results_["mean_test_score"])

    def test_scikit_learns_settings_travel(self):
        """What `sklearn.config_context` sets holds inside the calls."""
        with config_context(assume_finite=True, working_memory=77):
            settings = sklearn_parallel.Parallel(n_jobs=2)(sklearn_parallel.delayed(get_config)() for _ in range(3))
        assert {(each["assume_finite"], each["working_memory"]) for each in settings} == {(True, 77)}
        assert not get_config()["assume_finite"]


@pytest.mark.usefixtures("backend")
@pytest.mark.parametrize("backend", PROCESSES, indirect=True)
class TestBackendsWithProcesses:
    def test_an_argument_that_cannot_travel_is_an_error(self):
        """What cannot be pickled is said, and the next call works."""
        with pytest.raises(Exception, match="pickle"):
            Parallel(n_jobs=2)(delayed(square)(threading.Lock()) for _ in range(4))
        assert Parallel(n_jobs=2)(delayed(square)(n) for n in range(4)) == [0, 1, 4, 9]

    def test_a_value_that_cannot_travel_is_an_error(self):
        """A result that cannot be pickled is said, and the next call works."""
        with pytest.raises(Exception, match="pickle"):
            Parallel(n_jobs=2)(delayed(threading.Lock)() for _ in range(4))
        assert Parallel(n_jobs=2)(delayed(square)(n) for n in range(4)) == [0, 1, 4, 9]

    def test_calls_do_not_change_the_callers_objects(self):
        """A call works on a copy of a small argument."""
        mine = [1]
        Parallel(n_jobs=2)(delayed(mine.append)(n) for n in range(3))
        assert mine == [1]
