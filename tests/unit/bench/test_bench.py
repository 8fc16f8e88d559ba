"""The benchmark's workloads, its arithmetic and its pictures; nothing is measured here."""

from __future__ import annotations

import os
import subprocess
import sys
from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.model_selection import ParameterGrid
from threadpoolctl import threadpool_limits

from raysk.bench import ideal, nodes, plot, process, report, runner
from raysk.bench.arm import measure
from raysk.bench.request import BACKENDS, Arm, Request
from raysk.bench.workloads import FOLDS, GROUPS, PUBLISHED, WORKLOADS, answer, answer_of_scores, digest
from raysk.cli.commands import bench
from raysk.errors import BenchFailed

MACHINE = {
    "cpus": 2,
    "processor": "<script>alert(1)</script>",
    "memory_gb": 8.0,
    "system": "Linux",
    "python": "3.11",
    "versions": {"ray": "2.60.0", "distributed": None},
}


def arm(backend, *times, workload="short", error=None, answer="same", **more):
    """Return an arm that took these times."""
    request = Request(workload=workload, backend=backend, scale=1.0, cpus=2, **more)
    results = [{"time_s": time_s, "units": 100, "workers": 2, "best": None, "answer": answer} for time_s in times]
    return Arm(request=request, results=results, error=error)


def rows(*arms):
    """Return the report's rows by backend."""
    return {row["backend"]: row for row in report.report(arms, repeat=1)["results"]}


def test_the_published_workloads_have_their_published_sizes():
    """At scale 1 they are the article's: 45,000 trees on 3,594 rows, 300 x 5 and 4,000 x 5 fits on 1,797."""
    assert PUBLISHED == ("forest", "random", "grid")
    forest, random, grid = (WORKLOADS[name].at(1.0) for name in PUBLISHED)
    assert (forest.estimator.n_estimators, forest.units, forest.X.shape) == (45_000, 45_000, (3594, 64))
    assert (random.estimator.n_iter, random.units, random.X.shape) == (300, 1_500, (1797, 64))
    assert len(ParameterGrid(random.estimator.param_distributions)) == 30 * 30 * 30 * 2
    assert (len(ParameterGrid(grid.estimator.param_grid)), grid.units) == (4_000, 20_000)
    assert grid.estimator.param_grid.keys() == {"C", "gamma", "tol", "kernel", "class_weight"}


@pytest.mark.parametrize(("name", "units"), [("short", 5_000), ("wide", 200)])
def test_our_own_workloads(name, units):
    """Short has 5,000 fits on 400 rows; wide keeps its 200 fits at every scale and shrinks its rows."""
    workload = WORKLOADS[name]
    assert workload.units == units
    work = workload.at(0.01)
    assert work.units == (50 if name == "short" else 200)
    assert work.X.nbytes == pytest.approx(400 * 64 * 8 if name == "short" else 10**7, rel=0.01)


@pytest.mark.parametrize(("name", "candidates"), [*((name, 20) for name in GROUPS["contained"]), ("steps", 48)])
def test_workloads_with_work_in_common_keep_their_candidates(name, candidates):
    """At every scale there are all sizes of each ensemble, and all classifiers for each vectoriser; rows shrink."""
    whole, small = (WORKLOADS[name].at(scale) for scale in (1.0, 0.1))
    for work in (whole, small):
        assert work.units == candidates * FOLDS
        assert len(ParameterGrid(work.estimator.param_grid)) == candidates
    assert len(small.y) < len(whole.y)
    sizes = [values for name, values in whole.estimator.param_grid.items() if name in {"n_estimators", "max_iter"}]
    assert sizes in ([], [[100, 325, 550, 775, 1000]])


def test_a_pruned_search_is_compared_by_its_best():
    """The article's random search: its best candidate and score are one answer for all, whoever says it."""
    whole = WORKLOADS["pruned"].at(1.0)
    assert (whole.prune, whole.units, whole.estimator.n_iter) == ("exact", 1_500, 300)
    search = clone(WORKLOADS["short"].at(0.004).estimator)
    work = replace(whole, estimator=search, X=whole.X[:400], y=whole.y[:400])
    scores, best = answer(search.fit(work.X, work.y))
    assert answer(search, best_only=True) == answer_of_scores(work, scores)
    assert answer_of_scores(replace(work, prune=None), scores) == (scores, best)
    assert best == search.best_params_


def test_what_was_left_out_is_shown():
    """A row says which share of the fits was done, and whether the best is the others' too; old reports say neither."""
    left_out, whole = arm("raysk", 1.0), arm("loky", 2.0)
    left_out.results[0] |= {"fits_done": 0.36, "best": {"C": 1.0}}
    whole.results[0] |= {"best": {"C": 1.0}}
    shown = dict(zip(report.COLUMNS, report.cells(rows(left_out, whole)["raysk"]), strict=True))
    assert (shown["fits done"], shown["same best"]) == ("36%", "yes")
    whole.results[0]["best"] = {"C": 2.0}
    found = rows(left_out, whole)
    assert (found["raysk"]["same_best"], report.cells(found["raysk"])[6]) == (False, "no")
    del found["loky"]["fits_done"]
    assert report.cells(found["loky"])[5:7] == ["", ""]


def test_a_scaled_grid_is_drawn_from_the_whole():
    """A twentieth of the grid has no candidate twice, and every value about as often as the others."""
    candidates = list(ParameterGrid(WORKLOADS["grid"].at(0.05).estimator.param_grid))
    assert len(candidates) == 200
    assert len({str(candidate) for candidate in candidates}) == 200
    kernels = Counter(candidate["kernel"] for candidate in candidates)
    assert len(kernels) == 4
    assert min(kernels.values()) > 30
    assert {candidate["class_weight"] for candidate in candidates} == {None, "balanced"}


@pytest.mark.parametrize("name", ["short", "wide"])
def test_shares_of_a_search_add_up_to_the_search(name):
    """What independent processes fit apart has the scores of the search as a whole."""
    work = WORKLOADS[name].at(0.004)
    parts = [piece for number in range(3) for piece in ideal.share(work, number, 3)]
    whole, _ = answer(clone(work.estimator).fit(work.X, work.y))
    assert [score for _, score in sorted(parts)] == whole
    assert len(whole) == work.units


def test_shares_of_a_forest_add_up_to_the_forest():
    """Independent processes grow the very trees of the whole forest."""
    small = WORKLOADS["forest"].small(7)
    whole, _ = answer(clone(small.estimator).fit(small.X, small.y))
    parts = [piece for number in range(3) for piece in ideal.share(WORKLOADS["forest"].small(7), number, 3)]
    trees = [tree for _, tree in sorted(parts, key=lambda part: part[0])]
    small.estimator.estimators_ = trees
    assert answer(small.estimator)[0] == whole


def test_digests_tell_answers_apart():
    """The last bit of one score makes another digest."""
    assert digest([0.1, 0.2]) == digest([0.1, 0.2])
    assert digest([0.1, 0.2]) != digest([0.1, np.nextafter(0.2, 1.0).item()])


def test_a_size_for_this_machine():
    """Without a scale, a workload is as large as this machine can do in about the time wanted, and never larger."""
    forest = WORKLOADS["forest"]
    assert forest.scale_for(cpus=2, time_s=10.0) == pytest.approx(20 / (45_000 * 0.006))
    assert forest.scale_for(cpus=2, time_s=1e9) == 1.0


def test_medians_and_ratios():
    """A row has the median, least and most of its repeats, and the ratios of medians to loky and to ideal."""
    found = rows(arm("raysk", 3.0, 1.0, 1.1), arm("loky", 2.2), arm("ideal", 1.0, 1.0))
    assert found["raysk"]["time_s"] == {"median": 1.1, "min": 1.0, "max": 3.0}
    assert found["raysk"]["ratio_to_loky"] == pytest.approx(0.5)
    assert found["raysk"]["ratio_to_ideal"] == pytest.approx(1.1)
    assert found["loky"]["ratio_to_loky"] == 1.0


def test_ratios_stay_within_a_workload():
    """Another workload's loky says nothing about this one."""
    found = rows(arm("raysk", 1.0), arm("loky", 2.0, workload="grid"))
    assert found["raysk"]["ratio_to_loky"] is None


def test_a_failed_arm_is_a_row_that_says_why():
    """A backend that fails does not hide the others, nor its reason."""
    found = rows(arm("raysk", 1.0), arm("ray", error="out of memory"))
    assert found["ray"]["time_s"] is None
    assert found["ray"]["ratio_to_loky"] is None
    assert report.cells(found["ray"])[:2] == ["ray", "failed: out of memory"]
    assert len(report.cells(found["ray"])) == len(report.cells(found["raysk"])) == len(report.COLUMNS)


def test_disagreement_is_an_error():
    """Backends that give other scores are named, per workload."""
    with pytest.raises(BenchFailed, match="disagree on short: loky, raysk; ray"):
        runner.compare([arm("raysk", 1.0), arm("loky", 1.0), arm("ray", 1.0, answer="other")])
    runner.compare([arm("raysk", 1.0), arm("ray", 1.0, workload="grid", answer="other"), arm("loky")])


def test_what_is_measured():
    """Backends that can use a cluster are measured for each number of nodes, the others once, here."""
    asked = list(runner.requests(["grid"], ["raysk", "loky"], scale=0.1, cpus=2, address="h:1", nodes=[1, 5]))
    assert [(each.backend, each.nodes, each.address) for each in asked] == [
        ("raysk", 1, "h:1"),
        ("raysk", 5, "h:1"),
        ("loky", None, None),
    ]
    each = {"nodes": 3, "cpus_per_node": 4, "fit_s": 0.02}
    (simulated,) = runner.requests(["short"], ["raysk"], scale=None, cpus=2, simulate=[each])
    assert (simulated.simulate, simulated.nodes, simulated.address) == (each, 3, None)
    assert set(runner.installed()) <= set(BACKENDS)


def test_a_measurement_that_takes_too_long_is_given_up(monkeypatch, eventually):
    """It is a result with an error, and its processes are gone, the workers' too."""
    seen = set()
    look = process.Peak.look
    monkeypatch.setattr(
        process.Peak, "look", lambda peak, pid: seen.update([pid, *process.descendants(pid)]) or look(peak, pid)
    )
    sleep = [sys.executable, "-c", "import time; time.sleep(99)"]
    program = f"import subprocess; subprocess.run({sleep})"
    monkeypatch.setattr(runner, "command", lambda *_: [sys.executable, "-c", program])
    (request,) = runner.requests(["wide"], ["loky"], scale=0.05, cpus=2)
    for limit_s in (1, 5, 25):  # on a busy machine the workers are not there so soon
        (found,) = runner.run([request], repeat=1, limit_s=limit_s)
        assert f"longer than {limit_s} s" in found.error
        assert found.results == []
        if len(seen) > 2:
            break
    assert len(seen) > 2
    eventually(lambda: not any(map(process.memory_mb, seen)), "all to end")


def test_a_measurement_that_fails_says_why():
    """What was raised is the reason, whole."""
    (request,) = runner.requests(["short"], ["no-such-backend"], scale=0.01, cpus=1)
    (found,) = runner.run([request], repeat=1, limit_s=60)
    assert found.error == "ValueError: unknown backend 'no-such-backend'"


def test_a_process_that_is_killed_says_so(monkeypatch):
    """Nothing is left of its result; the one that was ended with it may not go on."""
    monkeypatch.setattr(runner, "command", lambda *_: [sys.executable, "-c", "import os; os.kill(os.getpid(), 9)"])
    (found,) = runner.run([Request(workload="short", backend="loky", scale=0.1, cpus=1)], repeat=1, limit_s=60)
    assert "it was killed" in found.error


def test_a_failure_is_not_hidden_by_a_later_success(monkeypatch):
    """A row says how many of its measurements there are, and why the others are missing."""
    outcomes = iter([{"error": "out of luck"}, {"time_s": 1.0, "units": 10, "workers": 2, "best": None, "answer": "a"}])
    monkeypatch.setattr(runner, "_measure", lambda *_: next(outcomes))
    arms = runner.run([Request(workload="short", backend="ray", scale=0.1, cpus=1)], repeat=2, limit_s=60)
    (row,) = report.report(arms, repeat=2)["results"]
    assert (row["measured"], row["error"]) == (1, "out of luck")
    assert "1 of the measurements" in report.cells(row)[0]


def test_times_too_short_to_compare():
    """A workload that some backend ran in no time is named; one that stands alone has no ratio to doubt."""
    arms = [arm("raysk", 0.2), arm("loky", 3.0), arm("raysk", 2.0, workload="grid"), arm("loky", 9.0, workload="grid")]
    assert report.too_short(report.report(arms, repeat=1)["results"]) == ["short"]
    assert report.too_short(report.report(arms[:1], repeat=1)["results"]) == []


def test_a_share_may_be_empty():
    """With more CPUs than trees some processes have nothing to do."""
    assert [len(ideal.share(WORKLOADS["forest"].small(2), number, 4)) for number in range(4)] == [0, 1, 0, 1]


def test_independent_processes_end_together():
    """When one fails, the others do not go on."""
    before = process.descendants(os.getpid())
    with pytest.raises(RuntimeError, match="ended with exit code"):
        ideal.run("no-such-workload", 0.1, 2)
    assert set(process.descendants(os.getpid())) <= set(before)


@pytest.mark.parametrize("name", ["forest", "short"])  # fits of the others take long
def test_lengths_of_simulated_fits_are_those_of_fits(name):
    """A sample of a workload's fits takes what scikit-learn says that it took."""
    sample, lengths = nodes._sample(Request(workload=name, backend="raysk", scale=0.001, cpus=1))
    assert len(lengths) == (1 if name == "forest" else 10)
    assert all(0 < length < 10 for length in lengths)
    assert hasattr(sample, "estimators_" if name == "forest" else "cv_results_")


def program(text):
    """Start a Python program that says something when it is ready, and ends with its stdin."""
    child = subprocess.Popen([sys.executable, "-c", text], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    child.stdout.readline()
    return child


def test_memory_of_a_process_and_its_children(eventually):
    """A child's memory counts as part of all, not as the driver's; what is gone counts no more."""
    child = program("import sys; block = bytearray(50_000_000); print('there', flush=True); sys.stdin.read()")
    assert child.pid in process.descendants(os.getpid())
    peak = process.Peak()
    peak.look(os.getpid())
    assert peak.all_mb > peak.driver_mb + 45
    child.communicate()
    assert process.memory_mb(child.pid) is None
    eventually(lambda: child.pid not in process.descendants(os.getpid()))


def test_memory_that_forked_processes_share_counts_once():
    """As the multiprocessing backend's workers share the driver's."""
    child = program(
        "import os, sys; block = bytearray(b'x') * 50_000_000; os.fork() and os.fork()\n"
        "os.write(1, b'there\\n'); sys.stdin.read()"
    )
    for _ in range(2):
        child.stdout.readline()
    peak = process.Peak()
    peak.look(child.pid)
    assert 45 < peak.all_mb < 90
    child.communicate()


def test_a_process_is_ended_with_all_it_started(eventually):
    """In order if it can: it may clean up."""
    child = program(
        "import signal, subprocess, sys, time\n"
        "signal.signal(signal.SIGTERM, lambda *_: sys.exit(7))\n"
        "subprocess.Popen(['sleep', '1000']); print('there', flush=True); time.sleep(1000)"
    )
    (grandchild,) = process.descendants(child.pid)
    process.end(child)
    assert child.returncode == 7
    eventually(lambda: process.memory_mb(grandchild) is None, "it to end")


@pytest.mark.parametrize(("suffix", "start"), [(".svg", b"<?xml"), (".png", b"\x89PNG"), (".html", b"<!doctype html>")])
def test_the_chart(suffix, start):
    """The suffix decides on the format; one bar a backend that was measured; text from elsewhere is escaped."""
    drawn = report.report([arm("raysk", 1.0), arm("loky", 2.0), arm("ray", error="<b>")], repeat=1)
    content = plot.drawn(drawn | {"machine": MACHINE}, suffix)
    assert content.startswith(start)
    if suffix != ".png":
        assert b"<script>" not in content
        assert b"&lt;script&gt;" in content
        assert b"raysk" in content
        assert b"ray<" not in content


def test_every_workload_is_made_of_folds():
    """A search's units are whole candidates."""
    for name in ("random", "grid", "short", "wide"):  # those of `lone` are one fit
        assert WORKLOADS[name].at(0.003).units % FOLDS == 0


@pytest.mark.parametrize("name", GROUPS["lone"])
def test_a_lone_fit(name, monkeypatch):
    """It is one fit, with as many threads as there are, on rows that a scale shrinks; a refit counts alone."""
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    workload = WORKLOADS[name]
    work = workload.at(0.05)
    assert (work.units, len(work.X)) == (1, 5_000 if name == "lone-logistic" else 10_000)
    assert "OMP_NUM_THREADS" not in runner._threads(name)
    assert runner._threads("short")["OMP_NUM_THREADS"] == "1"
    request = Request(workload=name, backend="ideal", scale=0.01, cpus=2)
    with threadpool_limits(1):  # threads that wait spin, beside other tests for very long
        result = measure(request)
    assert (result["answer"], result["units"], result["time_s"] > 0) == (None, 1, True)


def test_simulated_nodes_are_asked_for():
    """Each number of nodes is a simulation of its own, with times in seconds."""
    asked = bench._simulated("1,5", None, None, 20.0)
    assert asked == [{"nodes": count, "cpus_per_node": 8, "fit_s": 0.02} for count in (1, 5)]
    (request, _) = runner.requests(["short"], ["raysk"], simulate=asked)
    assert (request.nodes, request.simulate) == (1, asked[0])


def test_forks_do_not_fit_with_threads():
    """A lone fit uses OpenMP, which hangs in forks of a process that has used it: that backend is left out."""
    wanted = runner.requests(["lone-refit", "short"], ["raysk", "multiprocessing"], scale=1.0, cpus=2)
    assert [(each.workload, each.backend) for each in wanted] == [
        ("lone-refit", "raysk"),
        ("short", "raysk"),
        ("short", "multiprocessing"),
    ]
