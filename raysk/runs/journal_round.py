"""The fits of one round, by number, and what a journal knows of them."""

from __future__ import annotations

import hashlib
import itertools
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from raysk.runs.fingerprint import params_fingerprint
from raysk.util.typed_json import Encoder

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from raysk.runs.records import Result

    Append = Callable[[Iterable[tuple[str, Result]], Mapping[str, Any]], None]
    """Takes results by key, and by the same keys what else a reader should find in the journal."""


@dataclass(frozen=True, kw_only=True)
class Done:
    """Where and when some fits were done, one after the other.

    Parameters
    ----------
    ended : float
        When their results came, in seconds since the epoch.
    wall_s : float
        What they took in all, in seconds.
    worker : str or None
        The worker's name; None where there were several.
    """

    ended: float
    wall_s: float = 0.0
    worker: str | None = None

    def times_of(self, results: Iterable[Result]) -> list[float]:
        """Return when each of them ended, as they share the time: the driver hears of all together."""
        taken = [result["fit_time"] + result["score_time"] for result in results]
        stretch = self.wall_s / total if (total := sum(taken)) else 0.0
        began = self.ended - total * stretch
        return [round(began + so_far * stretch, 3) for so_far in itertools.accumulate(taken)]


class Round:
    """The fits of one round: candidates x splits.

    Parameters
    ----------
    known : mapping of str to dict
        The results that the journal has, by key.
    append : callable
        Adds to them.
    candidates : Keys
    splits : list of str
        The key of each split.
    before : int
        How many candidates the rounds before had.
    """

    def __init__(
        self, known: Mapping[str, Result], append: Append, candidates: Keys, splits: list[str], before: int = 0
    ) -> None:
        self._known, self._append = known, append
        self._candidates, self._splits, self._before = candidates, splits, before
        self._described: set[int] = set()
        self._encode = Encoder()

    def known(self, units: Iterable[int]) -> dict[int, Result]:
        """Return the results that the journal has, by number: candidate x n_splits + split; as they were finished."""
        candidates = {key.partition(" ")[0] for key in self._known}
        wanted: defaultdict[str, list[int]] = defaultdict(list)
        for unit in units if self._known else ():
            if self._candidates[unit // len(self._splits)] in candidates:
                wanted[self._key(unit)].append(unit)
        return {unit: dict(result) for key, result in self._known.items() for unit in wanted.get(key, ())}

    def known_of(self, units: Iterable[int]) -> dict[int, Result]:
        """Return the results that the journal has of a few fits, by number."""
        keys = {unit: self._key(unit) for unit in units} if self._known else {}
        return {unit: dict(self._known[key]) for unit, key in keys.items() if key in self._known}

    def add(self, results: Sequence[tuple[int, Result]], done: Done) -> None:
        """Append fits that are finished, by number."""
        keyed = [(self._key(unit), result) for unit, result in results]
        ended = done.times_of(result for _, result in results)
        notes = [self._note(unit, at, done.worker) for (unit, _), at in zip(results, ended, strict=True)]
        self._append(keyed, {key: note for (key, _), note in zip(keyed, notes, strict=True)})

    def _note(self, unit: int, ended: float, worker: str | None) -> dict[str, Any]:
        """Return what a reader of the journal wants to know of a fit; the parameters only of a candidate's first."""
        candidate, split = divmod(unit, len(self._splits))
        note: dict[str, Any] = {"candidate": self._before + candidate, "split": split, "ended": ended, "worker": worker}
        if candidate not in self._described:
            self._described.add(candidate)
            note["params"] = self._encode(self._candidates.params[candidate])
        return note

    def _key(self, unit: int) -> str:
        candidate, split = divmod(unit, len(self._splits))
        return f"{self._candidates[candidate]} {self._splits[split]}"


class NoRound:
    """A round of a search without a journal: nothing is known, and nothing is written."""

    def known(self, units: Iterable[int]) -> dict[int, Result]:  # noqa: ARG002 - as `Round.known`
        """Return nothing."""
        return {}

    known_of = known

    def add(self, results: Sequence[tuple[int, Result]], done: Done) -> None:
        """Ignore results."""


class Keys(Sequence[str]):
    """The key of each candidate, made when it is asked for: a million take seconds.

    Parameters
    ----------
    params : sequence of mapping of str to object
        The parameters of each candidate.
    fingerprint : callable
        Returns the fingerprint of a value that is neither number nor text.
    """

    def __init__(self, params: Sequence[Mapping[str, Any]], fingerprint: Callable[[Any], str]) -> None:
        self.params, self._fingerprint = params, fingerprint
        self._latest = -1, ""  # fits of one candidate come one after the other

    def __len__(self) -> int:
        return len(self.params)

    def __getitem__(self, number: Any) -> Any:
        if self._latest[0] != number:
            self._latest = number, short_hash(params_fingerprint(self.params[number], self._fingerprint))
        return self._latest[1]


def short_hash(text: str) -> str:
    """Return 24 hexadecimal digits of a text's hash."""
    return hashlib.sha256(text.encode()).hexdigest()[:24]
