"""As many independent processes as CPUs, each doing its share of the units with no communication.

`main` is one of these processes: it says "ready", waits for a line, fits its share, and writes how long
that took and its part of the answer.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from typing import Any

from raysk.bench.process import command
from raysk.bench.workloads import FOLDS, WORKLOADS, Work, candidates, tree_digest


def run(name: str, scale: float, cpus: int) -> tuple[float, list[Any]]:
    """Fit a workload in ``cpus`` processes; returns the slowest one's time, in seconds, and the answer's pieces."""
    processes = [
        subprocess.Popen(
            command("raysk.bench.ideal", name, repr(scale), str(number), str(cpus)),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for number in range(cpus)
    ]
    try:
        for process in processes:
            _line(process)
        for process in processes:
            assert process.stdin is not None  # noqa: S101 - it was asked for
            process.stdin.write("go\n")
            process.stdin.flush()
        parts = [json.loads(_line(process)) for process in processes]
    finally:
        for process in processes:
            process.kill()
            process.communicate()
    pieces = [piece for part in parts for piece in part["pieces"]]
    return max(part["time_s"] for part in parts), [piece for _, piece in sorted(pieces)]


def _line(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None  # noqa: S101 - it was asked for
    line = process.stdout.readline()
    if not line:
        raise RuntimeError(f"an independent process ended with exit code {process.wait()}")
    return line


def share(work: Work, number: int, of: int) -> list[tuple[int, Any]]:
    """Fit every ``of``-th unit, from ``number`` on; returns the units' numbers and their pieces of the answer."""
    if hasattr(work.estimator, "n_estimators"):
        return _trees(work, number, of)
    return _fits(work, range(number, work.units, of))


def _trees(work: Work, number: int, of: int) -> list[tuple[int, Any]]:
    """Grow a run of trees with the seeds that they have in the whole forest."""
    import numpy as np
    from sklearn.base import clone

    first, last = work.units * number // of, work.units * (number + 1) // of
    if first == last:
        return []
    random_state = np.random.RandomState(work.estimator.random_state)
    random_state.randint(np.iinfo(np.int32).max, size=first)
    forest = clone(work.estimator).set_params(n_estimators=last - first, random_state=random_state)
    forest.fit(work.X, work.y)
    return list(enumerate(forest.estimators_, start=first))


def _fits(work: Work, units: range) -> list[tuple[int, Any]]:
    from sklearn.base import clone
    from sklearn.model_selection import check_cv

    from raysk._compat import sklearn as sklearn_private

    search = work.estimator
    params = candidates(search)
    splits = list(check_cv(FOLDS, work.y, classifier=True).split(work.X, work.y))
    fit_and_score = sklearn_private.search_parts().fit_and_score
    scorer = search._get_scorers()[0]  # noqa: SLF001 - checked by search_parts
    pieces = []
    for unit in units:
        candidate, split = divmod(unit, FOLDS)
        result = fit_and_score(
            clone(search.estimator),
            work.X,
            work.y,
            scorer=scorer,
            train=splits[split][0],
            test=splits[split][1],
            verbose=0,
            parameters=params[candidate],
            fit_params={},
            score_params={},
            return_n_test_samples=True,
            return_times=True,
            error_score=search.error_score,
        )
        pieces.append((unit, float(result["test_scores"])))
    return pieces


def main(name: str, scale: str, number: str, of: str) -> None:
    """Be one of the processes."""
    workload = WORKLOADS[name]
    share(workload.small(2 * FOLDS), 0, 1)  # imports, and code that is slow the first time
    work = workload.at(float(scale))
    print("ready", flush=True)  # noqa: T201 - to the process that started this one
    if not sys.stdin.readline():  # whoever would have said "go" is gone
        return
    begin = time.perf_counter()
    pieces = share(work, int(number), int(of))
    time_s = time.perf_counter() - begin
    told = [(unit, tree_digest(piece) if hasattr(piece, "tree_") else piece) for unit, piece in pieces]
    print(json.dumps({"time_s": time_s, "pieces": told}), flush=True)  # noqa: T201 - as above
