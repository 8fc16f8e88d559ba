"""The candidates of a run by their rank: what ``RUN#2`` means, and the best ones that another search begins with.

Ranks are places in the order of scikit-learn's scores, the best first. Candidates with equal scores follow each other
by their numbers, so that every rank is of one candidate. Of a search by halving those of the last round come first, as
scikit-learn chooses among them. A candidate without a score has no rank.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from raysk.errors import InputError, UsageError
from raysk.history.candidates import NO_SEARCH, read_candidates, searches_here
from raysk.history.run import Run, open_run
from raysk.runs.folder import JOURNAL, MANIFEST, RESULTS, RUNS_FOLDER
from raysk.runs.lookup import LATEST, check_whose, find_run
from raysk.util.typed_json import encode_params
from raysk.util.words import count

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from raysk.history.candidates import CandidateTable

TOP = 10
"""So many candidates are wanted if nobody says how many."""


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """A candidate of an earlier run.

    Parameters
    ----------
    run : Run
    number : int
        As in ``cv_results_``.
    rank : int
        1 for the best.
    metric : str
        The name of the one that decides.
    score : float
        The mean over the splits.
    params : mapping of str to object
        Python's values; `raysk.util.typed_json.Opaque` for what does not come back.
    chosen : int or None
        The rank of the candidate that the run itself chose, by a rule of its own perhaps; None if it chose none.
    """

    run: Run
    number: int
    rank: int
    metric: str
    score: float
    params: Mapping[str, Any]
    chosen: int | None

    @property
    def target(self) -> tuple[str, ...]:
        """What the target of the run is called; empty if that is not known."""
        data = self.run.facts.get("data")
        names = data.get("target") if isinstance(data, dict) else None
        return tuple(name for name in names if isinstance(name, str)) if isinstance(names, list) else ()

    def as_record(self) -> dict[str, Any]:
        """Return what a manifest says of it."""
        params = encode_params(self.params)
        return {"run": str(self.run.folder), "number": self.number, "rank": self.rank, "params": params}

    @property
    def described(self) -> str:
        """Its number, run, rank and score."""
        return f"{self.number} of {self.run.shown}, rank {self.rank} by {self.metric} ({self.score:.6g})"

    def __str__(self) -> str:
        return f"candidate {self.described}"


def candidate_of(text: str, rank: int | None = None, option: str = "raysk refit") -> Candidate:
    """Return the candidate that ``RUN`` or ``RUN#RANK`` means.

    Parameters
    ----------
    text : str
        A run as `raysk.open_run` finds it, ``latest`` the newest search that has candidates, and perhaps ``#`` and a
        rank. What exists by that name with its ``#`` is a run.
    rank : int or None
        Where the text names none; None means the best.
    option : str
        What the text was given as, for messages.

    Raises
    ------
    UsageError
        If the rank is no number from 1.
    InputError
        If there is no such run, it has fewer candidates with a score, or the latest may be somebody else's.
    """
    name, said = split_rank(text)
    if said is not None and not (said.isascii() and said.isdigit() and int(said)):
        raise UsageError(f"{option} {text}: what follows # is a rank, 1 for the best candidate: {name}#2")
    if said is not None and rank is not None:
        raise UsageError(f"{option} {text}: this names a rank, and so does --rank {rank}. Leave one of the two out.")
    if rank is not None and rank < 1:
        raise UsageError(f"--rank {rank}: ranks begin with 1, the best candidate.")
    run, table = _find(name, option)
    rank = rank or int(said or 1)
    rows = table.best_rows().tolist()
    if rank > len(rows):
        has = f"{count(len(rows), 'candidate')} with a score" if len(rows) else "no candidate with a score"
        raise InputError(
            f"{option} {text}: {run.shown!r} has {has}, so none has rank {rank}.\nSee: raysk results {name}"
        )
    return _candidate(run, table, rows, rank)


def best_candidates(text: str | Run = LATEST, top: int = TOP, option: str = "--seed-from") -> list[Candidate]:
    """Return the best candidates of a run, the best first; fewer if it has fewer with a score.

    Raises
    ------
    InputError
        As `candidate_of`; also if none has a score.
    """
    run, table = _find(text, option)
    rows = table.best_rows().tolist()
    if not len(rows):
        raise InputError(f"{run.shown!r} has no candidate with a score.\nName another run; see: raysk runs")
    return [_candidate(run, table, rows, rank) for rank in range(1, 1 + min(top, len(rows)))]


def top_params(run: str | Path | Run = LATEST, top: int = TOP) -> list[dict[str, Any]]:
    """Return the parameters of the best candidates of an earlier search, the best first.

    Parameters
    ----------
    run : str, Path or Run, default="latest"
        The run's folder or name, or ``latest``: the newest search in ``raysk-runs``.
    top : int, default=10
        How many; fewer if it has fewer with a score.

    Returns
    -------
    list of dict
        ``SVC(**raysk.top_params()[1])`` is the second best; as ``seeds`` of `raysk.run` another search tries them
        first. Estimators and functions among the values are not read back: an object that prints as they were written
        stands for them, and `raysk.run` finds them in its search's space.

    Raises
    ------
    InputError
        If there is no such run, or it has no candidate with a score.
    """
    found = best_candidates(run if isinstance(run, Run) else str(run), top, "raysk.top_params")
    return [dict(each.params) for each in found]


def _find(text: str | Run, option: str) -> tuple[Run, CandidateTable]:
    """Find a search and its candidates; ``latest`` is the newest one that has any.

    The person did not name the run that ``latest`` finds. What it says becomes parameters, some of which name files to
    load, such as a pipeline's ``memory``: it is used only if nobody else can have written it.

    Raises
    ------
    InputError
        If there is none, or the latest may be somebody else's.
    """
    if isinstance(text, Run):
        return text, read_candidates(text)
    if text == LATEST and not Path(text).is_dir():
        return _find_latest(option)
    run = open_run(text)
    if run.command in NO_SEARCH:
        raise InputError(
            f"{run.shown!r} is a run of {run.typed!r}, which has no candidates.\n"
            "Name a run of 'raysk search'; see: raysk runs"
        )
    return run, read_candidates(run)


def _find_latest(option: str) -> tuple[Run, CandidateTable]:
    for run in searches_here():
        try:
            table = read_candidates(run)
        except InputError:  # no fit of it is done
            continue
        check_whose(run.folder, (MANIFEST, JOURNAL, RESULTS), "search", option)
        return run, table
    here = str(Path.cwd() / RUNS_FOLDER)
    raise InputError(f"There is no search in {here!r} that has tried a candidate.\nMake one with 'raysk search'.")


def split_rank(text: str) -> tuple[str, str | None]:
    """Divide ``RUN#RANK``; None where there is no rank."""
    name, mark, rank = text.rpartition("#")
    if not mark or not name or Path(text).exists() or _is_run(text):
        return text, None
    return name, rank


def _is_run(text: str) -> bool:
    try:
        return find_run(text) is not None
    except (OSError, ValueError):  # too long a name, or one of several runs
        return False


def _candidate(run: Run, table: CandidateTable, rows: Sequence[int], rank: int) -> Candidate:
    row, numbers = rows[rank - 1], table.numbers[rows].tolist()
    best = run.facts.get("best")
    chosen = best.get("best_index") if isinstance(best, dict) else None
    return Candidate(
        run=run,
        number=int(table.numbers[row]),
        rank=rank,
        metric=str(run.facts.get("metric") or table.metric),
        score=float(table.mean[table.metric][row]),
        params=table.params[row],
        chosen=1 + numbers.index(chosen) if chosen in numbers else None,
    )
