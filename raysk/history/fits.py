"""The fits of a run one by one, as its journal has them, also while the run goes on."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any, NamedTuple

from raysk.errors import error_text
from raysk.runs.folder import journals_of
from raysk.runs.records import ODD, decode_result, parse_line
from raysk.util.typed_json import decode_params

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

    from raysk.history.run import Run

ONE_METRIC = "score"
"""What scikit-learn calls the metric of a search that has one."""

MOST_CANDIDATES = 2**40
"""A larger number of a candidate or split is none: the line is damaged."""


class Fit(NamedTuple):
    """One finished fit.

    Parameters
    ----------
    key : str
        What it is: a hash of the parameters, a space, and one of the split's rows.
    candidate, split : int
        Their numbers; where the journal has none, as of older runs, in the order in which they came first.
    scores, train_scores : mapping of str to float
        By metric; `ONE_METRIC` is the name of one without. Empty where there are none.
    fit_time, score_time : float
        In seconds.
    ended : float or None
        In seconds since the epoch, by the driver's clock.
    worker : str or None
        ``node:number``.
    error : str or None
        Why the fit failed, or its score, in one line.
    params : mapping of str to object, or None
        The parameters of the candidate, at its first fit only; see `raysk.util.typed_json`.
    fold : int
        The outer fold, from 1; 0 where there is none.
    """

    key: str
    candidate: int
    split: int
    scores: Mapping[str, float]
    train_scores: Mapping[str, float]
    fit_time: float
    score_time: float
    ended: float | None
    worker: str | None
    error: str | None
    params: Mapping[str, Any] | None
    fold: int = 0


def read_fits(run: Run) -> list[Fit]:
    """Return the finished fits of a run, in the order in which they were journaled; each once."""
    return JournalTail(run).read()


class JournalTail:
    """Reads what is appended to the journals of a run.

    Parameters
    ----------
    run : Run
    """

    def __init__(self, run: Run) -> None:
        self._run = run
        self._files: dict[Path, _File] = {}

    def read(self) -> list[Fit]:
        """Return the fits that were appended since this was called last; an incomplete last line comes next time."""
        found: list[Fit] = []
        for number, path in enumerate(journals_of(self._run.folder)):
            is_fold = path.parent != self._run.folder
            file = self._files.setdefault(path, _File(path, fold=number + 1 if is_fold else 0))
            found += file.read()
        return found


class _File:
    """One journal, and how far it was read."""

    def __init__(self, path: Path, fold: int) -> None:
        self._path, self._fold = path, fold
        self._begin()

    def _begin(self) -> None:
        self._at = 0
        self._keys: set[str] = set()
        self._candidates: dict[str, int] = {}
        self._splits: dict[str, int] = {}

    def read(self) -> Iterator[Fit]:
        for line in self._new_lines():
            record = parse_line(line)
            with contextlib.suppress(*ODD):
                key = record.get("fit")
                if isinstance(key, str) and key not in self._keys:
                    fit = self._fit(key, record)
                    self._keys.add(key)
                    yield fit

    def _new_lines(self) -> Iterable[bytes]:
        with contextlib.suppress(OSError), self._path.open("rb") as file:
            if self._at > file.seek(0, 2):  # it was begun anew
                self._begin()
            file.seek(self._at)
            content = file.read()
            whole = content.rfind(b"\n") + 1
            self._at += whole
            return content[:whole].splitlines()
        return ()

    def _fit(self, key: str, record: Mapping[str, Any]) -> Fit:
        result = decode_result(record)
        params, _, split = key.partition(" ")
        why = result.get("score_error") if result["fit_error"] is None else error_text(result["fit_error"])
        return Fit(
            key=key,
            candidate=_number(record.get("candidate"), params, self._candidates),
            split=_number(record.get("split"), split, self._splits),
            scores=_by_metric(result["test_scores"]),
            train_scores=_by_metric(result.get("train_scores")),
            fit_time=result["fit_time"],
            score_time=result["score_time"],
            ended=record["ended"] if isinstance(record.get("ended"), float) else None,
            worker=record["worker"] if isinstance(record.get("worker"), str) else None,
            error=why,
            params=decode_params(record["params"]) if isinstance(record.get("params"), dict) else None,
            fold=self._fold,
        )


def _number(said: Any, key: str, known: dict[str, int]) -> int:
    """Return the number of a candidate or a split: the one that is said, or else one by the order of the keys."""
    number = known.setdefault(key, len(known))
    return said if type(said) is int and 0 <= said < MOST_CANDIDATES else number


def _by_metric(scores: Any) -> dict[str, float]:
    if scores is None:
        return {}
    return scores if isinstance(scores, dict) else {ONE_METRIC: scores}
