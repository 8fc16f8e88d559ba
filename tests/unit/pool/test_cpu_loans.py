"""A task that runs alone, and the workers that lend it their CPUs."""

from __future__ import annotations

import importlib
import os

import joblib
import pytest
import threadpoolctl
from pooling import SOON_S, add, one, settle
from ray import cloudpickle

from raysk.pool import Task
from raysk.pool.ray.worker import THREAD_VARIABLES, Worker
from raysk.pool.reply import Reply

crew = importlib.import_module("raysk.pool.workers")


def lone(text):
    """Return a lone task that is told apart by its argument."""
    return Task(function=add, args=(text, ""), lone=True)


@pytest.fixture
def here(launcher):
    """Let all workers be on one node, four if not said otherwise."""
    launcher.node, launcher.room = "here", 4
    return launcher


def test_idle_workers_lend_and_are_left_alone(make_pool, here):
    """One worker is told how many CPUs it has; the others get what comes meanwhile only when it is done."""
    pool = make_pool()
    pool.submit(lone("alone"))
    call = here.next_call()
    assert call.lenders == 3
    later = [pool.submit(one(text)) for text in "ab"]
    settle(pool)
    assert here.calls.empty()
    call.answer("done")
    calls = [here.next_call() for _ in later]
    assert [each.lenders for each in calls] == [0, 0]
    assert len({each.worker for each in calls}) == 2


def test_what_has_company_is_not_alone(make_pool, here):
    """A lone task that comes while another is there runs beside it, on its own CPUs, and so does the next one."""
    pool = make_pool()
    first = pool.submit(one("first"))
    busy = here.next_call()
    for text in ("second", "third"):
        pool.submit(lone(text))
        assert here.next_call().lenders == 0
    busy.answer("")
    assert first.result(SOON_S) == ""


def test_company_that_comes_before_the_start_ends_being_alone(make_pool, here):
    """Two fits handed in while workers start run side by side."""
    here.hold = True
    pool = make_pool()
    futures = [pool.submit(lone(text)) for text in "ab"]
    for up in list(here.held):
        up("here")
    assert [here.next_call().lenders for _ in futures] == [0, 0]


def test_the_best_node_is_taken(make_pool, launcher):
    """The node with the most idle workers runs it; those elsewhere lend nothing."""
    launcher.room, launcher.hold = 5, True
    pool = make_pool()
    settle(pool)
    for number, up in enumerate(launcher.held):
        up("small" if number < 2 else "large")
    settle(pool)
    pool.submit(lone("alone"))
    call = launcher.next_call()
    assert (call.lenders, call.worker.number in {2, 3, 4}) == (2, True)


def test_workers_that_are_about_to_come_are_waited_for(make_pool, here, eventually):
    """A lone task does not begin with one worker's CPUs because the others are a little late."""
    here.hold = True
    pool = make_pool()
    pool.submit(lone("alone"))
    eventually(lambda: len(here.held) == 4)
    for up in here.held[:3]:
        up("here")
    settle(pool)
    assert here.calls.empty()
    here.held[3]("here")
    assert here.next_call().lenders == 3


def test_workers_that_do_not_come_are_not_waited_for(make_pool, here, eventually, monkeypatch):
    """Where other programs hold the CPUs a lone task begins with what there is, once nothing more is to be expected."""
    monkeypatch.setattr(crew, "LATE_S", 0.05)
    here.hold = True
    pool = make_pool()
    pool.submit(lone("alone"))
    eventually(lambda: len(here.held) == 4)
    for up in here.held[:2]:
        up("here")
    assert here.next_call().lenders == 1


def test_a_loan_ends_with_its_borrower(make_pool, here):
    """When the worker that runs it dies, the task goes to another with the CPUs of all that are idle."""
    pool = make_pool()
    future = pool.submit(lone("alone"))
    lost = here.next_call()
    lost.worker.die()
    again = here.next_call()
    assert again.worker is not lost.worker
    assert again.lenders == 3  # the one that replaces it was waited for
    again.answer("done")
    assert future.result(SOON_S) == "done"
    pool.submit(one("next"))
    assert here.next_call().lenders == 0


def test_a_cancelled_loan_is_over(make_pool, here):
    """Nobody stays idle for a task that is not wanted any more."""
    pool = make_pool()
    unwanted = pool.submit(lone("unwanted"))
    here.next_call()
    pool.cancel([unwanted])
    futures = [pool.submit(one(text)) for text in "abcd"]
    assert len({here.next_call().worker for _ in futures}) == 4


def threads():
    """Return what a fit finds: the limits of its libraries, those of joblib, and the environment."""
    limits = {each["user_api"]: each["num_threads"] for each in threadpoolctl.threadpool_info()}
    jobs = [joblib.Parallel(n_jobs=n_jobs)._effective_n_jobs() for n_jobs in (-1, None)]
    return limits, jobs, joblib.cpu_count(), {os.environ[name] for name in THREAD_VARIABLES}


@pytest.mark.usefixtures("_as_a_worker")
def test_a_worker_uses_the_cpus_that_it_is_lent():
    """OpenMP, BLAS, joblib and libraries that are loaded late get them, for this task only.

    A call that names no `n_jobs` has one job, as without raysk: the number may change an answer.
    """
    import sklearn.ensemble  # noqa: F401 - brings OpenMP

    def ask(lenders):
        message, _ = Task(function=threads).pack(0, None)
        return cloudpickle.loads(Reply.of(worker.run(message, {}, (), lenders)).content)

    with threadpoolctl.threadpool_limits(1):
        worker = Worker(cpus=1)
        before = ask(0)
        cpus = len(os.sched_getaffinity(0))
        limits, jobs, counted, said = ask(1)
        assert limits == {"openmp": 2, "blas": 2} or cpus < 2
        assert (jobs, counted, said) == ([min(2, cpus), 1], min(2, cpus), {"2"})
        assert ask(0) == before
        assert before[0] == {"openmp": 1, "blas": 1}
        assert (before[1], before[3]) == ([1, 1], {"1"})
