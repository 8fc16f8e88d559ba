"""What a job would do, without a cluster: how many fits, what they share, where, and about how long."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from raysk.cluster.address import resolve
from raysk.errors import UsageError
from raysk.events import PhaseStarted, null_sink
from raysk.jobs import Data, FitJob, Resources, SearchJob, Shortcuts
from raysk.plans import preview
from raysk.runner.where import Where, explained_errors
from raysk.source.objects import is_search

CROWDED = 1.15
"""How much longer fits may take side by side than one at a time, as they were timed: they share caches, memory and the
clock. With two workers on two cores SVC took 1.1 times as long; the upper end of the range allows for it."""

if TYPE_CHECKING:
    from collections.abc import Mapping

    from raysk.events import Sink
    from raysk.plans.preview import Preview, Timing


def dry_run(  # noqa: PLR0913 - as `raysk.run`
    estimator: Any,
    X: Any,
    y: Any = None,
    *,
    fit_params: Mapping[str, Any] | None = None,
    outer: Any = None,
    time: bool = False,
    shortcuts: Shortcuts | None = None,
    address: str | None = None,
    resources: Resources | None = None,
) -> dict[str, Any]:
    """Say what `raysk.run` would do, without a cluster: how many fits, what they share, and about how long.

    Parameters
    ----------
    estimator, X, y, fit_params, shortcuts, address, resources
        As for `raysk.run`. The estimator is copied.
    outer : int, splitter, iterable, optional
        The outer folds, for what `raysk.nested` would do.
    time : bool, default=False
        Whether some fits of a search are done here, for about ten seconds, to estimate the time of all.

    Returns
    -------
    dict
        ``fits``, ``saved``, ``node_bytes``, ``workers``, ``time`` and others, as ``raysk search --dry-run --json`` has
        them in ``plan``.

    Raises
    ------
    UsageError
        If one fit is to be timed.
    Exception
        What a search would raise before its first fit.
    """
    from raysk.request.overrides import copy_estimator

    said: dict[str, Any] = {"data": Data(X=X, y=y, fit_params=fit_params or {}), "source": type(estimator).__name__}
    twin, where = copy_estimator(estimator), Where(address=address, resources=resources or Resources())
    job: FitJob | SearchJob = FitJob(estimator=twin, **said)
    if is_search(estimator):
        job = SearchJob(search=twin, shortcuts=shortcuts or Shortcuts(), **said)
    return plan_job(job, where, outer=outer, is_timed=time)


def plan_job(
    job: FitJob | SearchJob, where: Where, *, outer: Any = None, is_timed: bool = False, sink: Sink = null_sink
) -> dict[str, Any]:
    """Say what a job would do; what runs the search up to its first fit finds what that would raise.

    Parameters
    ----------
    job : FitJob or SearchJob
        Its search is a copy that nobody else uses.
    where : Where
    outer : int, splitter, iterable or None
        The outer folds of nested cross-validation; None means that there are none.
    is_timed : bool
        Whether some fits are timed, and the time of all is estimated.
    sink : callable
        Is told of the timing.

    Returns
    -------
    dict
        ``outer`` (how many folds, or None), ``candidates``, ``splits``, ``fits`` (of all outer folds), ``saved`` (as
        others are alike), ``contained`` (in others), ``to_do`` (what is left), ``steps_in_common``, ``node_bytes``
        (what a node gets once, pickled as the store has it), ``workers`` (None where the cluster alone can tell),
        ``rounds`` (of halving: the numbers are those of the first), and ``time``, see `_time_facts`, or None.

    Raises
    ------
    UsageError
        If there is nothing to estimate the time by.
    """
    search = job.estimator
    workers = count_workers(where)
    if not is_search(search):
        if is_timed:
            raise UsageError("--dry-run=time: one fit tells its time only when it is done. Use --dry-run.")
        return _plan_of_fit(job, workers)
    folds, data = _first_fold(search, outer, job.data)
    shortcuts = job.shortcuts if isinstance(job, SearchJob) else Shortcuts()
    shortcuts = replace(shortcuts, prune=None, score_max=None, sharing=shortcuts.sharing and where.has_plans)
    with explained_errors(search):
        said: dict[str, Any] = {"shortcuts": shortcuts, "workers": workers or 1}
        found = preview.preview(search, data.X, data.y, data.fit_params, **said)
    timing = None
    if is_timed:
        sink(PhaseStarted(name="timing some fits"))
        timing = found.time(cpus=where.resources.cpus_per_fit)
    return _facts(found, folds, workers, timing)


def count_workers(where: Where) -> int | None:
    """Return how many workers there would be; None where only the cluster can tell."""
    import joblib

    if where.resources.workers is not None:
        return where.resources.workers
    if where.has_plans and resolve(where.address) is not None:
        return None
    return max(1, int(joblib.cpu_count()) // where.resources.cpus_per_fit)


def _plan_of_fit(job: FitJob | SearchJob, workers: int | None) -> dict[str, Any]:
    data = job.data
    names = ("outer", "candidates", "splits", "saved", "contained", "to_do", "steps_in_common", "time")
    with explained_errors(job.estimator):
        node_bytes = preview.measure((data.X, data.y, dict(data.fit_params), job.estimator))
    return {**dict.fromkeys(names), "fits": 1, "node_bytes": node_bytes, "workers": workers}


def _first_fold(search: Any, outer: Any, data: Data) -> tuple[int | None, Data]:
    """Return how many outer folds there are, and the data that the search of the first one gets."""
    if outer is None:
        return None, data
    from raysk._compat import sklearn as sklearn_private
    from raysk.plans.outer_folds import outer_splits

    splits = outer_splits(search, outer, data.X, data.y, data.fit_params.get("groups"))
    rows = splits[0][0]
    X = sklearn_private.take_rows(data.X, rows)
    y = None if data.y is None else sklearn_private.take_rows(data.y, rows)
    check = sklearn_private.search_parts().check_method_params
    fit_params = check(data.X, params=dict(data.fit_params), indices=rows)
    return len(splits), replace(data, X=X, y=y, fit_params=fit_params, held_out=None)


def _facts(found: Preview, folds: int | None, workers: int | None, timing: Timing | None) -> dict[str, Any]:
    times = folds or 1
    return {
        "outer": folds,
        "candidates": found.candidates,
        "splits": found.splits,
        "fits": found.fits * times,
        "saved": found.saved * times,
        "contained": found.contained * times,
        "to_do": found.units * times,
        "steps_in_common": found.steps_in_common,
        "node_bytes": found.node_bytes * times,
        "workers": workers,
        "time": None if timing is None else _time_facts(timing, times, workers),
    }


def _time_facts(timing: Timing, times: int, workers: int | None) -> dict[str, Any]:
    """Return what is known of the time, in seconds; a range is low and high, of which nothing is known after one fit.

    ``timed`` of ``of`` units of one search, of which fits ``failed``; ``unit_s``, ``slowest_s``; ``work_s``, what all
    fits take one after the other, and ``wall_s`` on all workers, each with its range; ``confidence`` of the ranges;
    ``took_s`` and ``cpu_share`` of the timing itself.
    """
    facts: dict[str, Any] = {name: getattr(timing, name) for name in ("timed", "of", "failed", "unit_s", "slowest_s")}
    for end in ("", "low_", "high_"):
        work_s = getattr(timing, f"work_{end}s") * times
        known = not math.isnan(work_s)
        facts[f"work_{end}s"] = work_s if known else None
        crowded = CROWDED if end == "high_" and workers is not None and workers > 1 else 1.0
        wall_s = max(work_s / workers, timing.slowest_s) * crowded if known and workers is not None else None
        facts[f"wall_{end}s"] = wall_s
    return {**facts, "confidence": preview.CONFIDENCE, "took_s": timing.took_s, "cpu_share": timing.cpu_share}
