"""Finished fits, appended as they finish; what resume reads.

    journal.jsonl   {"raysk": "journal", "identity": {"estimator": ..., "data": ...}, "code": ..., "versions": ...}
                    {"fit": "<parameters> <split>", "test_scores": 0.93, "fit_time": 0.004, ...}
                    ...
                    {"part": {"identity": ..., "code": ..., "versions": ...}, "other": ["code in helper.py"]}
                    {"fit": ...}                                              made with these from here on

A fit is known by what it is - its parameters and the rows of its split - and not by its number, so that a search may
grow. The file is locked while a run uses it; the lock goes with the process. A line that was cut short by a crash is
dropped, lines that cannot be read are passed over, and a full disk ends the journal, not the search.
"""

from __future__ import annotations

import contextlib
import fcntl
import functools
import hashlib
import os
import warnings
from collections import defaultdict
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from raysk.errors import InputError
from raysk.runs.fingerprint import distinct_objects, fingerprint, params_fingerprint
from raysk.runs.made import Made, Part
from raysk.runs.part_texts import part_texts
from raysk.runs.records import ODD, decoded, encoded, line, parsed
from raysk.util.jsonable import plain_parameter

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from pathlib import Path

    from typing_extensions import Self

    from raysk.runs.records import Result, Wanted

KIND = "journal"
_BEGINNING = b'{"raysk": "journal", '
"""Of a journal, as long as its first line may be cut short."""


class Journal:
    """The journal of one search; a context manager that holds its lock.

    Parameters
    ----------
    path : Path
        Made if missing.
    made : Made or None
        What fits are made with from now on, and whether that may be other than before; None looks at neither.
    say : callable or None
        Takes a line about that for the person.

    Attributes
    ----------
    known : dict of str to dict
        Results by what the fit is: those found in the file, and those added since.

    Raises
    ------
    InputError
        If another run uses it, it cannot be opened, or is no journal.
    """

    def __init__(self, path: Path, made: Made | None = None, say: Callable[[str], None] | None = None) -> None:
        self._path, self._made, self._say = path, made or Made(), say or (lambda _: None)
        self.known: dict[str, Result] = {}
        self._found: list[tuple[str, Result]] = []
        self._header: Part | None = None
        self._latest: Part | None = None
        self._random: Any = None
        self._compared = False
        try:
            self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o666)
        except OSError as error:
            raise InputError(f"{str(path)!r} cannot be opened: {error.strerror}.") from error
        try:
            self._lock()
            self._size = self._read()
        except BaseException:
            os.close(self._file)
            raise
        self._broken = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self._file)

    def random_state(self) -> None:
        """Put numpy's global generator where it was when the search first began; or note where it is.

        A search without a seed of its own draws candidates and folds from it.
        """
        import numpy as np

        if self._random is not None:
            np.random.set_state(_state(self._random))  # noqa: NPY002 - scikit-learn's default
        else:
            name, keys, *rest = np.random.get_state(legacy=True)  # noqa: NPY002 - as above
            self._random = [name, np.asarray(keys).tolist(), *rest]

    def round(
        self,
        parts: Mapping[str, Any],
        candidates: Sequence[Mapping[str, Any]],
        splits: Sequence[Any],
        *,
        whole: bool,
        wanted: Wanted | None = None,
    ) -> Round | NoRound:
        """Begin a round of fits: all candidates of a grid, or one round of halving.

        Parameters
        ----------
        parts : mapping of str to object
            What must be the same for fits to be the same: estimator, data, scoring, options.
        candidates : sequence of mapping of str to object
        splits : sequence of (train, test)
        whole : bool
            Whether these are all candidates that the search has.
        wanted : Wanted or None
            What scores its results have: those that are there and have others are done again. None takes any.

        Returns
        -------
        round : Round or NoRound
            NoRound, and a warning, if something of it cannot be told apart by value.

        Raises
        ------
        InputError
            If the journal is that of another search, or made with other code or versions, naming what differs; or has
            candidates that a whole search leaves out: its results would be written over by those of fewer.
        """
        value = self._fingerprint()
        try:
            digests = [value(split)[:16] for split in splits]
            for each in distinct_objects(candidates):
                value(each)
            keys = Keys(candidates, value)
            identity = {name: value(part) for name, part in parts.items()} if not self._compared else {}
        except Exception as error:  # noqa: BLE001 - a person's objects may refuse in any way; the search can do without
            reason = f"{type(error).__name__}: {error}".splitlines()[0][:200]
            warnings.warn(f"This search cannot be resumed: what it is made of has no value ({reason})", stacklevel=2)
            return NoRound()
        if not self._compared:  # later rounds of halving have other splits
            if wanted is not None:
                self.known = _first(wanted.among(self._found))
            self._compare({**identity, "splits": _short("".join(digests))}, part_texts(parts, splits))
            if whole and self.known:
                self._refuse_fewer(set(keys))
            self._compared = True
        return Round(self, keys, digests)

    def add(self, results: Iterable[tuple[str, Result]], notes: Mapping[str, Any] | None = None) -> None:
        """Append fits that are finished, and what else a reader should find there of some of them."""
        new = [(key, result) for key, result in results if key not in self.known]
        self.known.update(new)
        notes = notes or {}
        self._write("".join(line({"fit": key, **encoded(result), **notes.get(key, {})}) for key, result in new))

    def _fingerprint(self) -> Callable[[Any], str]:
        """Return what tells objects apart, as this journal has done from its beginning."""
        header = self._header or self._made.part({})
        if header.code is None:  # code was not compared by itself
            return fingerprint
        return functools.partial(fingerprint, by_name=self._made.modules, release=header.versions.get("scikit-learn"))

    def _compare(self, identity: dict[str, str], texts: dict[str, dict[str, str]]) -> None:
        """Begin the journal, go on with it, or refuse to go on with that of another search."""
        now = self._made.part(identity, texts)
        if self._latest is None:
            os.ftruncate(self._file, 0)  # an empty or half written beginning
            self._size = 0
            self._write(line({"raysk": KIND, "schema": 1, **now.as_record(), "random": self._random}))
            return
        other = self._made.accept(self._latest, now, str(self._path.parent), self._say)
        if now != self._latest and now.code is not None:
            self._write(line({"part": now.as_record(), "other": other}))

    def _refuse_fewer(self, candidates: set[str]) -> None:
        finished = {fit.partition(" ")[0] for fit in self.known}
        if left_out := len(finished - candidates):
            raise InputError(
                f"{str(self._path.parent)!r} cannot be resumed: it has fits of {len(finished):,} candidates, and this "
                f"search leaves {left_out:,} of them out.\n"
                "Resume with all of them, or start a new run without --resume. If --n-iter is larger than it was:\n"
                "from lists alone, scikit-learn draws one way below 1 % of the grid, and another way above."
            )

    def _write(self, text: str) -> None:
        if self._broken or not text:
            return
        content = text.encode()
        try:
            while content:  # a disk that is nearly full takes a part, and fails with the rest
                content = content[os.write(self._file, content) :]
            self._size += len(text.encode())
        except OSError as error:
            self._broken = True
            with contextlib.suppress(OSError):
                os.ftruncate(self._file, self._size)  # whole lines only
            warnings.warn(
                f"{self._path} cannot be written ({error.strerror}): the search goes on, "
                "but what finishes from here on cannot be resumed",
                stacklevel=2,
            )

    def _lock(self) -> None:
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise InputError(
                f"{str(self._path.parent)!r} is in use by another raysk.\nWait for its end, or name another folder."
            ) from error

    def _read(self) -> int:
        """Read what is there, drop a torn last line, and return the size in bytes."""
        content = self._path.read_bytes()
        whole = content[: content.rfind(b"\n") + 1]
        lines = whole.splitlines()
        if lines:
            header = parsed(lines[0])
            part = Part.of(header)
            if header.get("raysk") != KIND or part is None:
                raise InputError(f"{str(self._path)!r} is no journal of raysk, or its first line is damaged.")
            self._header = self._latest = part
            self._random = _checked_random(header.get("random"))
        elif not _BEGINNING.startswith(content[: len(_BEGINNING)]):
            raise InputError(f"{str(self._path)!r} is no journal of raysk.")
        if len(whole) < len(content):  # it is ours
            os.ftruncate(self._file, len(whole))
        for record in map(parsed, lines[1:]):
            self._latest = Part.of(record.get("part")) or self._latest
            with contextlib.suppress(*ODD):
                self._found.append((_key(record["fit"]), decoded(record)))
        self.known = _first(self._found)
        if not self.known:
            self._header = self._latest = None  # it begins anew
        return len(whole)


class Round:
    """The fits of one round: candidates x splits.

    Parameters
    ----------
    journal : Journal
    candidates : Keys
    splits : list of str
        What tells one from another.
    """

    def __init__(self, journal: Journal, candidates: Keys, splits: list[str]) -> None:
        self._journal, self._candidates, self._splits = journal, candidates, splits

    def known(self, units: Iterable[int]) -> dict[int, Result]:
        """Return the results that the journal has, by number: candidate x n_splits + split; as they were finished."""
        known = self._journal.known
        candidates = {key.partition(" ")[0] for key in known}
        wanted: defaultdict[str, list[int]] = defaultdict(list)
        for unit in units if known else ():
            if self._candidates[unit // len(self._splits)] in candidates:
                wanted[self._key(unit)].append(unit)
        return {unit: dict(result) for key, result in known.items() for unit in wanted.get(key, ())}

    def add(self, results: Iterable[tuple[int, Result]]) -> None:
        """Append fits that are finished, by number; of one that failed, also its parameters."""
        keyed = [(unit, self._key(unit), result) for unit, result in results]
        notes = {
            key: {"params": plain_parameter(self._candidates.of[unit // len(self._splits)])}
            for unit, key, result in keyed
            if result["fit_error"] is not None or result.get("score_error") is not None
        }
        self._journal.add(((key, result) for _, key, result in keyed), notes)

    def _key(self, unit: int) -> str:
        candidate, split = divmod(unit, len(self._splits))
        return f"{self._candidates[candidate]} {self._splits[split]}"


class Keys(Sequence[str]):
    """What tells each candidate from another; made when it is asked for: a million take seconds.

    Parameters
    ----------
    candidates : sequence of mapping of str to object
    value : callable
        Returns the fingerprint of what is neither number nor text.
    """

    def __init__(self, candidates: Sequence[Mapping[str, Any]], value: Callable[[Any], str]) -> None:
        self.of, self._value = candidates, value
        self._latest = -1, ""  # fits of one candidate come one after the other

    def __len__(self) -> int:
        return len(self.of)

    def __getitem__(self, number: Any) -> Any:
        if self._latest[0] != number:
            self._latest = number, _short(params_fingerprint(self.of[number], self._value))
        return self._latest[1]


class NoRound:
    """Knows nothing and keeps nothing: a search without a journal."""

    def known(self, units: Iterable[int]) -> dict[int, Result]:  # noqa: ARG002 - as `Round.known`
        """Return nothing."""
        return {}

    def add(self, results: Iterable[tuple[int, Result]]) -> None:
        """Ignore it."""


def _first(found: Iterable[tuple[str, Result]]) -> dict[str, Result]:
    """Return results by key, the first of each, in their order."""
    first: dict[str, Result] = {}
    for key, result in found:
        first.setdefault(key, result)
    return first


def _key(said: Any) -> str:
    if not isinstance(said, str):
        raise TypeError("no key")
    return said


def _short(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:24]


def _checked_random(state: Any) -> Any:
    """Return a state that numpy will take, or None."""
    import numpy as np

    try:
        np.random.RandomState().set_state(_state(state))
    except (TypeError, ValueError, LookupError, OverflowError):
        return None
    return state


def _state(kept: Any) -> tuple[Any, ...]:
    """Return what numpy takes, of what JSON can hold."""
    import numpy as np

    name, keys, *rest = kept
    return name, np.array(keys, dtype=np.uint32), *rest
