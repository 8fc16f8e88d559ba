"""Runs side by side: how good their best candidates are, on the same splits or not, and in what the runs differ.

open_search -> Contender (the best candidate, its scores by split, hashes of the splits)
contender, contender -> Difference, over the splits that both have
contenders -> differences (data, code, versions, command, ...)
"""

from __future__ import annotations

import contextlib
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from raysk.errors import InputError
from raysk.history.candidates import open_search, read_candidates
from raysk.history.fits import read_fits
from raysk.history.noise import compare, test_ratio_of
from raysk.history.ranks import candidate_of, split_rank
from raysk.history.rounds import planned_rounds
from raysk.history.run import Run
from raysk.runs.folder import JOURNAL
from raysk.runs.records import parse_line
from raysk.util.typed_json import decode, encode_params, value_of_text, value_text

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from raysk.history.ranks import Candidate

FEWEST_PAIRED = 2
"""Splits: one in common is chance."""

COMPOSED = {"steps", "transformers", "transformer_list", "estimators"}
"""Parameters that list parts, of which each has its own parameters."""

SAME_VALUE = ("line", "outputs", "run_dir")
"""Facts that say again what others say."""


@dataclass(frozen=True, kw_only=True)
class Contender:
    """The best candidate of a run, or another one of it.

    Parameters
    ----------
    run : Run
    rank : int or None
        That the person asked for; None means the best.
    metric : str or None
        The name of the metric that decides.
    number : int
    mean, std : float
        Over the splits.
    fit_time : float
        The mean, in seconds.
    train : float or None
        The mean training score.
    params : mapping of str to object
    fixed : mapping of str to str
        The parameters of the estimator that is searched over, as Python writes them, as far as they are known.
    scores : mapping of str to float
        By the hash of the split's rows; empty where the journal does not tell.
    candidates, splits : int
    """

    run: Run
    rank: int | None = None
    metric: str | None
    number: int
    mean: float
    std: float
    fit_time: float
    train: float | None
    params: Mapping[str, Any]
    fixed: Mapping[str, Any]
    scores: Mapping[str, float]
    candidates: int
    splits: int

    @property
    def mark(self) -> str:
        """What stands after the run's name: ``#2`` for a candidate that was asked for by its rank."""
        return "" if self.rank is None else f"#{self.rank}"

    def parameter(self, name: str) -> Any:
        """Return the value of a parameter, `Ellipsis` if there is none."""
        if name in self.params or name not in self.fixed:
            return self.params.get(name, ...)
        return value_of_text(str(self.fixed[name]))

    def as_object(self) -> dict[str, Any]:
        """Return what JSON says of it."""
        plain = ("candidates", "splits", "mean", "std", "train", "fit_time")
        said = {
            "run": self.run.shown,
            "rank": self.rank,
            "state": self.run.state,
            "metric": self.metric,
            **{name: getattr(self, name) for name in plain},
            "candidate": self.number,
            "params": encode_params(self.params),
        }
        return said | {name: self.run.facts.get(name) for name in ("test_score", "fits", "time_s", "started")}


@dataclass(frozen=True, kw_only=True)
class Difference:
    """By how much a contender is better than the first, over the splits that both have.

    Parameters
    ----------
    mean : float or None
        Of the splits' differences, if they are paired; else the difference of the means. None if the metrics differ.
    standard_error : float or None
        Of that mean, as `raysk.history.noise` has it; None where nothing is paired, or only two splits are.
    splits : int
        How many pairs there are.
    not_paired : str or None
        Why there are none.
    same_data : bool or None
        Whether both have the same rows and columns: else splits are equal by the numbers of their rows, which may be
        others. None if that is not known.
    """

    mean: float | None
    standard_error: float | None = None
    splits: int = 0
    not_paired: str | None = None
    same_data: bool | None = None

    @property
    def paired_over(self) -> str:
        """What was paired, in words."""
        numbers = " by row numbers: the data differ" if self.same_data is False else ""
        return f"{self.splits} equal splits{numbers}"


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """Runs side by side.

    Parameters
    ----------
    contenders : list of Contender
    differences : list of Difference
        Of each contender but the first.
    facts : mapping of str to mapping
        By subject (``data``, ``code``, ``versions``, ...) and name: the values of the runs, where they are not equal.
    """

    contenders: list[Contender]
    differences: list[Difference]
    facts: Mapping[str, Mapping[str, list[Any]]]

    def params(self) -> dict[str, list[Any]]:
        """Return the parameters in which the best candidates differ, with `Ellipsis` where one has no such.

        One that is not searched over in a run is what the estimator has.
        """
        names = dict.fromkeys(name for each in self.contenders for name in each.params)
        values = {name: [each.parameter(name) for each in self.contenders] for name in names}
        return {name: each for name, each in values.items() if _differ(each)}

    def as_object(self) -> dict[str, Any]:
        """Return what JSON says of it."""
        return {
            "schema": 1,
            "runs": [each.as_object() for each in self.contenders],
            "differences": [vars(each) for each in self.differences],
            "params": {
                name: [None if value is ... else encode_params({name: value})[name] for value in values]
                for name, values in self.params().items()
            },
            "facts": self.facts,
        }


def compare_runs(*runs: Run | str | Path) -> Comparison:
    """Compare the best candidates of runs, and what the runs are made with.

    Parameters
    ----------
    *runs : Run, str or Path
        Two or more, as for `raysk.open_run`, or ``RUN#RANK`` for another candidate than the best. The first is what
        the others are compared with.

    Returns
    -------
    Comparison

    Raises
    ------
    InputError
        If one is no run, no search, or has no candidate with a score, or none of that rank.
    UsageError
        If what follows ``#`` is no rank.
    """
    contenders = [_contender(run) if isinstance(run, Run) else _named_contender(str(run)) for run in runs]
    first, *others = contenders
    return Comparison(
        contenders=contenders,
        differences=[_difference(first, each) for each in others],
        facts=_facts(contenders),
    )


def _named_contender(text: str) -> Contender:
    if split_rank(text)[1] is None:
        return _contender(open_search(text))
    found = candidate_of(text, option="raysk compare")
    return _contender(found.run, found)


def _contender(run: Run, candidate: Candidate | None = None) -> Contender:
    best = run.facts.get("best")
    said = best.get("best_index") if isinstance(best, dict) else None
    chosen = said if isinstance(said, int) else None
    if candidate is not None:
        chosen = candidate.number
    table = read_candidates(run, best=1, number=chosen)
    rows = np.flatnonzero(table.numbers == chosen)
    row = int(rows[0] if len(rows) else table.order()[0])
    metric = table.metric
    if not math.isfinite(table.mean[metric][row]):
        raise InputError(f"{run.shown!r} has no candidate with a score, and so nothing to compare.")
    scores = table.splits[metric][row].tolist()
    hashes = _hashes(run, len(scores), None if table.rounds is None else int(table.rounds[row]))
    named = best.get("metric") if isinstance(best, dict) else None
    return Contender(
        run=run,
        rank=None if candidate is None else candidate.rank,
        metric=named or run.facts.get("metric") or metric,
        number=int(table.numbers[row]),
        mean=float(table.mean[metric][row]),
        std=float(table.std[metric][row]),
        fit_time=float(table.fit_time[row]),
        train=float(table.train_mean[metric][row]) if metric in table.train_mean else None,
        params=table.params[row],
        fixed={
            name: str(text) for name, text in _mapping(_mapping(_header(run).get("texts")).get("estimator")).items()
        },
        scores={hashes[split]: score for split, score in enumerate(scores) if split in hashes and math.isfinite(score)},
        candidates=table.total or len(table),
        splits=len(scores),
    )


def _difference(first: Contender, other: Contender) -> Difference:
    if first.metric != other.metric:
        return Difference(mean=None, not_paired=f"their metrics differ: {first.metric} and {other.metric}")
    both = [split for split in first.scores if split in other.scores]
    if len(both) < FEWEST_PAIRED:
        why = "their splits are not of the same rows"
        if not first.scores or not other.scores:
            unknown = other if first.scores else first
            why = f"the splits of {unknown.run.shown}{unknown.mark} are not known"
        return Difference(mean=other.mean - first.mean, not_paired=why)
    theirs, ours = (np.array([each.scores[split] for split in both]) for each in (other, first))
    gap = compare(theirs, ours, test_ratio_of(first.run))
    error = None if math.isnan(gap.error) else gap.error
    return Difference(
        mean=gap.mean, standard_error=error, splits=gap.splits, same_data=_have_same_data(first.run, other.run)
    )


def _have_same_data(*runs: Run) -> bool | None:
    hashes = [_mapping(_header(run).get("identity")).get("data") for run in runs]
    return None if None in hashes else hashes[0] == hashes[1]


# --- the rows of splits ---------------------------------------------------------------------------


def _hashes(run: Run, n_splits: int, halving: int | None) -> dict[int, str]:
    """Return the hash of each split's rows, by its number, as far as the journal tells.

    Parameters
    ----------
    run : Run
    n_splits : int
        When so many are found the rest of the journal is not read.
    halving : int or None
        The round of a search by halving, whose splits are others in each; None where it is none.
    """
    found: dict[int, str] = {}
    if halving is not None:
        # candidates of a search that ended early have other numbers in its table than in its journal
        candidates = next((each.candidates for each in planned_rounds(run) if each.number == halving), ())
        return {fit.split: fit.key.partition(" ")[2] for fit in read_fits(run) if fit.candidate in candidates}
    for record in _records(run.folder / JOURNAL):
        split = record.get("split")  # an older raysk wrote none: in which order fits ended tells nothing
        if isinstance(key := record.get("fit"), str) and type(split) is int:
            found[split] = key.partition(" ")[2]
            if len(found) == n_splits:
                break
    return found


def _records(journal: Path) -> Iterator[dict[str, Any]]:
    with contextlib.suppress(OSError), journal.open("rb") as lines:
        yield from map(parse_line, lines)


# --- what runs are made with ----------------------------------------------------------------------


def _facts(contenders: Sequence[Contender]) -> dict[str, dict[str, list[Any]]]:
    """Return what differs, by subject and name."""
    searched = {name for each in contenders for name in each.params}
    subjects = [_subjects(each, searched) for each in contenders]
    found = {}
    for subject in dict.fromkeys(name for each in subjects for name in each):
        flat = [dict(_flatten(each.get(subject))) for each in subjects]
        names = dict.fromkeys(name for each in flat for name in each)
        values = {name: [each.get(name) for each in flat] for name in names}
        if other := {name: each for name, each in values.items() if _differ(each)}:
            found[subject] = other
    return found


def _subjects(contender: Contender, searched: Collection[str]) -> dict[str, Any]:
    """Return what a run is made with, but for parameters that are searched over; hashes tell of what has no words."""
    facts, header = contender.run.facts, _header(contender.run)
    identity, texts = _mapping(header.get("identity")), _mapping(header.get("texts"))
    fixed = {"class" if name == "" else name: text for name, text in contender.fixed.items()}
    job = _mapping(facts.get("job"))
    arguments = job.get("arguments")
    return {
        "command": {
            "command": " ".join(map(str, arguments)) if isinstance(arguments, list) else job.get("command"),
            "folder": job.get("folder"),
        },
        "data": {**_mapping(facts.get("data")), "hash": identity.get("data")},
        "search": facts.get("search"),
        "space": {name: _values(each) for name, each in _mapping(facts.get("space")).items()},
        "splits": {"rows": _mapping(texts.get("splits")).get(""), "hash": identity.get("splits")},
        "scoring": {"scorers": _mapping(texts.get("scoring")).get("")},
        "estimator": {name: text for name, text in fixed.items() if name not in searched and name not in COMPOSED},
        "code": {"git": facts.get("git"), **_mapping(header.get("code"))},
        "versions": {**_mapping(header.get("versions")), **_mapping(facts.get("versions"))},
        "cluster": facts.get("cluster"),
    }


def _values(described: Any) -> str | None:
    """Return the values that a search has for a parameter, in words; see `raysk.request.space_facts`."""
    described = _mapping(described)
    if isinstance(values := described.get("values"), list):
        return f"[{', '.join(value_text(decode(value)) for value in values)}]"
    if isinstance(spaces := described.get("any_of"), list):
        return " or ".join(str(_values(each)) for each in spaces)
    text = described.get("text")
    return text if isinstance(text, str) else None


def _header(run: Run) -> Mapping[str, Any]:
    return next(_records(run.folder / JOURNAL), {})


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _flatten(value: Any, prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Yield the values in mappings, with a name for each."""
    if not isinstance(value, dict):
        yield prefix, value
        return
    for name, each in value.items():
        if name not in SAME_VALUE:
            yield from _flatten(each, f"{prefix} {name}".strip())


def _differ(values: Iterable[Any]) -> bool:
    return len({repr(value) for value in values}) > 1
