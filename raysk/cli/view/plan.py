"""What a job would do, for a person: the rows of ``--dry-run``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from raysk.util.words import count

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

UNITS = ((2**30, "GiB"), (2**20, "MiB"), (2**10, "KiB"))
LONG = ((86_400, "d"), (3_600, "h"), (60, "min"))
BRIEF_S = 10
BUSY = 0.8
"""A process that had a CPU for less of the time was not alone, or its fits wait for something."""


def plan_rows(plan: Mapping[str, Any], rounds: Any = None) -> Iterator[tuple[str, str]]:
    """Yield what would run, row by row.

    Parameters
    ----------
    plan : mapping
        As `raysk.runner.dry_run.plan_job` returns it.
    rounds : list or None
        Of halving.
    """
    if plan["candidates"] is not None:
        folds = "" if plan["outer"] is None else f"{count(plan['outer'], 'outer fold')} x "
        fits = f"{count(plan['candidates'], 'candidate')} x {count(plan['splits'], 'split')} = "
        first = f"in the first of {len(rounds)} rounds: " if rounds else ""
        yield "plan", f"{first}{folds}{fits}{count(plan['fits'], 'fit')}"
        saved = {"saved": "equal to others", "contained": "contained in others"}
        yield "not done", ", ".join(f"{plan[name]:,} {why}" for name, why in saved.items() if plan[name])
        yield "", "steps that candidates have in common are fitted once" if plan["steps_in_common"] else ""
    what = "data, estimator" if plan["candidates"] is None else "data, splits, candidates, estimator"
    yield "shared", f"{size(plan['node_bytes'])} a node, pickled as it is sent: {what}"
    workers = plan["workers"]
    yield "workers", "as many as the cluster has room for" if workers is None else f"{workers:,}"
    if plan["time"] is not None:
        yield from _time_rows(plan, plan["time"], is_first=bool(rounds))


def _time_rows(plan: Mapping[str, Any], time: Mapping[str, Any], *, is_first: bool) -> Iterator[tuple[str, str]]:
    known = "work" if plan["workers"] is None else "wall"
    place = "on one worker" if plan["workers"] is None else f"on {count(plan['workers'], 'worker')}"
    rounds = " for the first round" if is_first else ""
    yield "time", f"about {duration(time[f'{known}_s'])} {place}{rounds}, {_range(time, known)}"
    timed = f"{time['timed']:,} of {time['of']:,} timed here, one at a time, in {duration(time['took_s'])}"
    failed = f"; {count(time['failed'], 'fit')} failed" if time["failed"] else ""
    busy = f"; they had a CPU {time['cpu_share']:.0%} of the time" if time["cpu_share"] < BUSY else ""
    yield "by", f"{timed}: {duration(time['unit_s'])} each, the slowest {duration(time['slowest_s'])}{failed}{busy}"
    left_out = ["start-up and refit are not counted"]
    left_out += ["steps in common save more"] * plan["steps_in_common"]
    left_out += ["fits that are dear and rare may be missing"] * (time["timed"] < time["of"])
    yield "", "; ".join(left_out)


def _range(time: Mapping[str, Any], known: str) -> str:
    if time[f"{known}_low_s"] is None:
        return "which may be far off: only one fit was timed"
    if time["timed"] == time["of"]:
        return "as all were timed"
    low, high = (duration(time[f"{known}_{end}_s"]) for end in ("low", "high"))
    return f"probably {low} to {high} ({time['confidence']:.0%})"


def size(n_bytes: int) -> str:
    """Return a number of bytes as a person reads it: "1.2 MiB"."""
    for unit, name in UNITS:
        if n_bytes >= unit:
            return f"{n_bytes / unit:.1f} {name}"
    return count(n_bytes, "byte")


def duration(seconds: float) -> str:
    """Return a duration as a person says it: "0.21 s", "45 s", "3 min 20 s", "2 h 5 min"."""
    if seconds < BRIEF_S:
        return f"{seconds:.2g} s"
    whole = round(seconds)
    for (unit, name), (lower, lower_name) in zip(LONG, (*LONG[1:], (1, "s")), strict=True):
        if whole >= unit:
            rest = whole % unit // lower
            return f"{whole // unit:,} {name}" + (f" {rest} {lower_name}" if rest else "")
    return f"{whole} s"
