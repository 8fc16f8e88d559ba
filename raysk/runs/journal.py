"""Finished fits, appended as they finish; what resume reads.

    journal.jsonl   {"raysk": "journal", "identity": {"estimator": ..., "data": ...}, "random": ...}
                    {"fit": "<parameters> <split>", "test_scores": 0.93, "fit_time": 0.004, ...}
                    ...

A fit is known by what it is - its parameters and the rows of its split - and not by its number, so that a search may
grow. The file is locked while a run uses it; the lock goes with the process. A line that was cut short by a crash is
dropped, lines that cannot be read are passed over, and a full disk ends the journal, not the search.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import math
import os
import warnings
from collections import defaultdict
from typing import TYPE_CHECKING, Any

from raysk.errors import InputError
from raysk.runs.fingerprint import fingerprint, params_fingerprint

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from typing_extensions import Self

    Result = dict[str, Any]
    """What scikit-learn's own function returns for one fit."""

KIND = "journal"
FIELDS = ("test_scores", "train_scores", "fit_time", "score_time", "n_test_samples", "fit_error")
"""What is kept of a result; all that ``cv_results_`` is made of."""

SCORES = ("test_scores", "train_scores")
NAMES = {"options": "options of the search (error_score, return_train_score)", "scoring": "scoring"}


class Journal:
    """The journal of one search; a context manager that holds its lock.

    Parameters
    ----------
    path : Path
        Made if missing.

    Attributes
    ----------
    known : dict of str to dict
        Results by what the fit is: those found in the file, and those added since.

    Raises
    ------
    InputError
        If another run uses it, it cannot be opened, or is no journal.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self.known: dict[str, Result] = {}
        self._identity: dict[str, str] = {}
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
        self, parts: Mapping[str, Any], candidates: Sequence[Mapping[str, Any]], splits: Sequence[Any], *, whole: bool
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

        Returns
        -------
        round : Round or NoRound
            NoRound, and a warning, if something of it cannot be told apart by value.

        Raises
        ------
        InputError
            If the journal is that of another search, naming what differs, or has candidates that a whole search leaves
            out: its results would be written over by those of fewer.
        """
        try:
            digests = [fingerprint(split)[:16] for split in splits]
            keys = [_short(params_fingerprint(params)) for params in candidates]
            identity = {name: fingerprint(part) for name, part in parts.items()} if not self._compared else {}
        except Exception as error:  # noqa: BLE001 - a person's objects may refuse in any way; the search can do without
            reason = f"{type(error).__name__}: {error}".splitlines()[0][:200]
            warnings.warn(f"This search cannot be resumed: what it is made of has no value ({reason})", stacklevel=2)
            return NoRound()
        if not self._compared:  # later rounds of halving have other splits
            self._compare({**identity, "splits": _short("".join(digests))})
            if whole:
                self._refuse_fewer(set(keys))
            self._compared = True
        return Round(self, keys, digests)

    def add(self, results: Iterable[tuple[str, Result]]) -> None:
        """Append fits that are finished."""
        new = [(key, result) for key, result in results if key not in self.known]
        self.known.update(new)
        self._write("".join(_line({"fit": key, **_encoded(result)}) for key, result in new))

    def _begin(self, identity: dict[str, str]) -> None:
        self._identity = identity
        os.ftruncate(self._file, 0)  # an empty or half written beginning
        self._size = 0
        self._write(_line({"raysk": KIND, "schema": 1, "identity": identity, "random": self._random}))

    def _compare(self, identity: dict[str, str]) -> None:
        """Begin the journal, or refuse to go on with that of another search."""
        if not self.known:
            self._begin(identity)
        differ = [NAMES.get(name, name) for name, value in identity.items() if self._identity.get(name) != value]
        if differ:
            raise InputError(
                f"{str(self._path.parent)!r} cannot be resumed: other {', '.join(differ)} than when it began.\n"
                "Resume with what it began with, or start a new run without --resume."
            )

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
        if len(whole) < len(content):
            os.ftruncate(self._file, len(whole))
        lines = whole.splitlines()
        if lines:
            header = _parsed(lines[0])
            identity = header.get("identity")
            if header.get("raysk") != KIND or not isinstance(identity, dict):
                raise InputError(f"{str(self._path)!r} is no journal of raysk, or its first line is damaged.")
            self._identity, self._random = identity, _checked_random(header.get("random"))
        for record in map(_parsed, lines[1:]):
            with contextlib.suppress(KeyError, TypeError, ValueError):
                self.known.setdefault(str(record["fit"]), _decoded(record))
        return len(whole)


class Round:
    """The fits of one round: candidates x splits.

    Parameters
    ----------
    journal : Journal
    candidates, splits : list of str
        What tells one from another.
    """

    def __init__(self, journal: Journal, candidates: list[str], splits: list[str]) -> None:
        self._journal, self._candidates, self._splits = journal, candidates, splits

    def known(self, units: Iterable[int]) -> dict[int, Result]:
        """Return the results that the journal has, by number: candidate x n_splits + split; as they were finished."""
        wanted: defaultdict[str, list[int]] = defaultdict(list)
        for unit in units:
            wanted[self._key(unit)].append(unit)
        return {unit: dict(result) for key, result in self._journal.known.items() for unit in wanted.get(key, ())}

    def add(self, results: Iterable[tuple[int, Result]]) -> None:
        """Append fits that are finished, by number."""
        self._journal.add((self._key(unit), result) for unit, result in results)

    def _key(self, unit: int) -> str:
        candidate, split = divmod(unit, len(self._splits))
        return f"{self._candidates[candidate]} {self._splits[split]}"


class NoRound:
    """Knows nothing and keeps nothing: a search without a journal."""

    def known(self, units: Iterable[int]) -> dict[int, Result]:  # noqa: ARG002 - as `Round.known`
        """Return nothing."""
        return {}

    def add(self, results: Iterable[tuple[int, Result]]) -> None:
        """Ignore it."""


def _short(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:24]


def _line(record: Mapping[str, Any]) -> str:
    return json.dumps(record, allow_nan=False) + "\n"


def _parsed(line: bytes) -> dict[str, Any]:
    try:
        record = json.loads(line)
    except (ValueError, RecursionError):
        return {}
    return record if isinstance(record, dict) else {}


def _encoded(result: Result) -> dict[str, Any]:
    kept = {name: result[name] for name in FIELDS if name in result}
    kept["n_test_samples"] = int(result["n_test_samples"])
    return kept | {name: _each(_number_out, kept[name]) for name in SCORES if name in kept}


def _decoded(record: Mapping[str, Any]) -> Result:
    kept = {name: record[name] for name in FIELDS if name in record}
    kept["fit_time"], kept["score_time"] = float(record["fit_time"]), float(record["score_time"])
    kept["n_test_samples"], kept["fit_error"] = int(record["n_test_samples"]), record["fit_error"]
    if not isinstance(kept["fit_error"], str | None):
        raise TypeError("an error that is no text")
    return kept | {name: _each(_number_in, record[name]) for name in SCORES if name in record or name == "test_scores"}


def _each(function: Any, scores: Any) -> Any:
    return {name: function(score) for name, score in scores.items()} if isinstance(scores, dict) else function(scores)


def _number_out(score: Any) -> float | str:
    """Write a score as JSON can: exactly, and NaN and infinities as text."""
    value = float(score)
    return value if math.isfinite(value) else repr(value)


def _number_in(score: Any) -> float:
    return float(score)


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
