"""What a list of runs tells of each, from its ``run.json`` alone: ``raysk runs``."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from raysk.errors import InputError, UsageError
from raysk.history.run import RUNNING, Run, is_run, runs_in
from raysk.runs.folder import RUNS_FOLDER
from raysk.runs.labels import name_of, tags_of
from raysk.util.path_suggestions import suggest_path
from raysk.util.words import suggestion

Summary = Mapping[str, Any]


def list_runs(
    folder: str | Path | None = None, *, sort: str = "started", limit: int | None = None
) -> list[dict[str, Any]]:
    """Summarize the runs in a folder; of each, nothing but ``run.json`` is read.

    Parameters
    ----------
    folder : str or Path, optional
        A folder with folders of runs, one that has these in its ``raysk-runs``, or the folder of one run. None means
        ``raysk-runs`` where we are, which need not be there.
    sort : str, default="started"
        ``started``: the newest first. ``score``: the best first, runs with the same metric together. ``duration`` and
        ``fits``: the most first. ``name`` and ``state``: by the alphabet. What is not known comes last.
    limit : int, optional
        How many at most, of the sorted ones.

    Returns
    -------
    list of dict
        See `summarize`.

    Raises
    ------
    InputError
        If `folder` is none, or cannot be read.
    UsageError
        If `sort` is none of these, or `limit` is less than 1.
    """
    if sort not in SORTS:
        raise UsageError(f"--sort {sort}: there is no such order.\n{suggestion(sort, SORTS, 'orders')}")
    if limit is not None and limit < 1:
        raise UsageError(f"--limit {limit}: a number above 0 is needed.")
    summaries = [summarize(run) for run in _runs_of(folder)]
    key = SORTS[sort]
    known = sorted((each for each in summaries if key(each) is not None), key=key)
    return [*known, *(each for each in summaries if key(each) is None)][:limit]


def _runs_of(folder: str | Path | None) -> list[Run]:
    if folder is None:
        here = Path.cwd() / RUNS_FOLDER
        return runs_in(here) if here.is_dir() else []
    path = Path(folder).absolute()
    _check_folder(path, str(folder))
    if is_run(path):
        return [Run(path)]
    within = path / RUNS_FOLDER
    return runs_in(path) or (runs_in(within) if within.is_dir() else [])


def _check_folder(path: Path, shown: str) -> None:
    try:
        if path.is_dir():
            return
        reason = "is a file" if path.exists() else "is not there"
    except (OSError, ValueError) as error:  # too long a name, or a null character
        raise InputError(f"There is no folder {shown[:60]!r}: {error}.") from error
    more = suggest_path(path, folders=True)
    raise InputError(f"{shown!r} {reason}. Name a folder of runs, as {RUNS_FOLDER} is.\n{more}".strip())


# --- one run --------------------------------------------------------------------------------------


def summarize(run: Run) -> dict[str, Any]:
    """Summarize a run. All that is not known is None, whatever its ``run.json`` holds.

    Parameters
    ----------
    run : Run

    Returns
    -------
    dict
        ``run`` (the name of its folder), ``folder``, ``name`` (that it was given), ``state``, ``command``, ``kind``
        (the same, but ``refit`` for a fit of a candidate), ``candidate`` (that one, as ``svc#2``), ``metric``,
        ``best_score`` and ``best_score_std`` (of the best candidate, or over outer folds, or of held-out data),
        ``best_params``, ``params`` (the same, with Python's types: see `raysk.util.typed_json`), ``varying`` (the
        parameters in which candidates differ), ``data``, ``fits``, ``fits_failed``, ``duration_s`` (up to now, if it
        goes on), ``started``, ``ended``, ``tags``, and ``fault`` (what is wrong with its ``run.json``).
    """
    facts, best = run.facts, _mapping(run.facts.get("best"))
    metric, score, deviation = _score(facts, best)
    varying = facts.get("varying")
    params, typed = best.get("best_params"), best.get("params")
    candidate = _candidate(_mapping(facts.get("job")))
    return {
        "run": run.name,
        "folder": str(run.folder),
        "name": name_of(facts),
        "state": run.state,
        "command": run.command,
        "kind": run.command if candidate is None else "refit",
        "candidate": candidate,
        "metric": metric,
        "best_score": score,
        "best_score_std": deviation,
        "best_params": params if isinstance(params, dict) else None,
        "params": typed if isinstance(typed, dict) and isinstance(params, dict) else None,
        "varying": [each for each in varying if isinstance(each, str)] if isinstance(varying, list) else None,
        "data": _data(_mapping(facts.get("data"))),
        "fits": _number(facts.get("fits")),
        "fits_failed": _number(facts.get("fits_failed")),
        "duration_s": duration_s(run),
        "started": _text(facts.get("started")) if run.started else None,
        "ended": _text(facts.get("ended")) if run.ended else None,
        "tags": tags_of(facts),
        "fault": run.fault,
    }


def _candidate(job: Mapping[str, Any]) -> str | None:
    """Return the candidate of an earlier run that a fit is of: the name of that run, and the rank."""
    said = _mapping(job.get("candidate"))
    folder, rank = said.get("run"), said.get("rank")
    if not isinstance(folder, str) or not isinstance(rank, int):
        return None
    return f"{name_of(Run(Path(folder)).facts) or Path(folder).name}#{rank}"


def _score(facts: Mapping[str, Any], best: Mapping[str, Any]) -> tuple[str | None, float | None, float | None]:
    """Return metric, score and deviation: of a search's best, else over folds, else of the data held out."""
    metric = _text(facts.get("metric"))
    scores = _mapping(facts.get("scores"))
    if best and not scores:  # a cross-validation has no best
        return (
            _text(best.get("metric")) or metric,
            _number(best.get("best_score")),
            _number(best.get("best_score_std")),
        )
    decides = f"test_{metric}"
    for name, each in sorted(scores.items(), key=lambda item: item[0] != decides):
        if name.startswith("test_"):
            named = metric if name in {"test_score", decides} else name.removeprefix("test_")
            return named, _number(_mapping(each).get("mean")), _number(_mapping(each).get("std"))
    several_scores = _mapping(facts.get("test_scores"))
    if several_scores:
        name, value = next(iter(several_scores.items()))
        return name, _number(value), None
    return metric, _number(facts.get("test_score")), None


def _data(data: Mapping[str, Any]) -> dict[str, Any] | None:
    said = {name: _number(data.get(name)) for name in ("rows", "features")} | {"source": _text(data.get("source"))}
    return said if any(value is not None for value in said.values()) else None


def duration_s(run: Run) -> float | None:
    """Return for how many seconds a run went on, with what it had taken before it was resumed; None if unknown."""
    end = datetime.now().astimezone() if run.state == RUNNING else run.ended
    if run.started is None or end is None:
        return None
    return max((end - run.started).total_seconds(), 0.0) + max(_number(run.facts.get("earlier_s")) or 0.0, 0.0)


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else None


def _number(value: Any) -> Any:
    """Return a number of a size that a person can mean; JSON has whole ones of any."""
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return value if is_number and abs(value) <= sys.float_info.max else None


# --- orders ---------------------------------------------------------------------------------------


def _most(name: str) -> Callable[[Summary], float | None]:
    return lambda summary: None if summary[name] is None else -summary[name]


def _by_score(summary: Summary) -> tuple[str, float] | None:
    return None if summary["best_score"] is None else (summary["metric"] or "", -summary["best_score"])


SORTS: dict[str, Callable[[Summary], Any]] = {
    "started": lambda _: 0,  # runs come so
    "score": _by_score,
    "duration": _most("duration_s"),
    "fits": _most("fits"),
    "name": lambda summary: (summary["name"] or summary["run"]).casefold(),
    "state": lambda summary: summary["state"],
}
"""Orders of a list, and what they go by."""
