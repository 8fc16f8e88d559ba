"""Finished fits, appended as they finish; resume reads them.

    journal.jsonl   {"raysk": "journal", "identity": {"estimator": ..., "data": ...}, "code": ..., "versions": ...}
                    {"fit": "<parameters> <split>", "test_scores": 0.93, "fit_time": 0.004, ...}
                    ...
                    {"part": {"identity": ..., "code": ..., "versions": ...}, "other": ["code in helper.py"]}
                    {"fit": ...}                                              made with these from here on

    journal_file.py   the locked file          records.py   its lines
    journal_round.py  fits by their numbers    conditions.py      what fits are made with

The key of a fit tells what it is - its parameters and the rows of its split - and not its number, so that a search may
grow. A line that a crash cut short is dropped. A line that cannot be read is skipped. What a reader wants to
know besides - candidate and split by number, when and where, the parameters - goes along, and is not looked at here.
"""

from __future__ import annotations

import contextlib
import functools
import warnings
from typing import TYPE_CHECKING, Any

from raysk.errors import InputError
from raysk.runs.conditions import Conditions, CurrentConditions
from raysk.runs.fingerprint import distinct_objects, fingerprint
from raysk.runs.journal_file import JournalFile
from raysk.runs.journal_round import Keys, NoRound, Round, short_hash
from raysk.runs.part_summaries import summarize_parts
from raysk.runs.random_state import checked_state, current_state, restore_state
from raysk.runs.records import ODD, decode_result, encode_result, parse_line, to_line
from raysk.util.words import error_line

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from pathlib import Path

    from typing_extensions import Self

    from raysk.runs.records import Result, Wanted

KIND = "journal"
BEGINNING = b'{"raysk": "journal", '
"""How every journal begins."""


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
        Results by key: those found in the file, and those added since.

    Raises
    ------
    InputError
        If another run uses it, it cannot be opened, or is no journal.
    """

    def __init__(
        self, path: Path, made: CurrentConditions | None = None, say: Callable[[str], None] | None = None
    ) -> None:
        self._path, self._made, self._say = path, made or CurrentConditions(), say or (lambda _: None)
        self.known: dict[str, Result] = {}
        self._found: list[tuple[str, Result]] = []
        self._header: Conditions | None = None
        self._latest: Conditions | None = None
        self._random: Any = None
        self._compared = False
        self._file = JournalFile(path)
        try:
            self._read()
        except BaseException:
            self._file.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def random_state(self) -> None:
        """Put numpy's global generator where it was when the search first began; or note where it is.

        A search without a seed of its own draws candidates and folds from it.
        """
        if self._random is not None:
            restore_state(self._random)
        else:
            self._random = current_state()

    def round(  # noqa: PLR0913 - what is fitted, and what of it may be known
        self,
        parts: Mapping[str, Any],
        candidates: Sequence[Mapping[str, Any]],
        splits: Sequence[Any],
        *,
        whole: bool,
        wanted: Wanted | None = None,
        possible: Sequence[Mapping[str, Any]] = (),
        before: int = 0,
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
        possible : sequence of mapping of str to object
            Values that candidates may get later, where they are not all known yet.
        before : int
            How many candidates the rounds before had.

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
            for each in distinct_objects([*candidates, *possible]):
                value(each)
            keys = Keys(candidates, value)
            identity = {name: value(part) for name, part in parts.items()} if not self._compared else {}
        except Exception as error:  # noqa: BLE001 - a person's objects may refuse in any way; the search can do without
            reason = error_line(error)
            warnings.warn(f"This search cannot be resumed: what it is made of has no value ({reason})", stacklevel=2)
            return NoRound()
        if not self._compared:  # later rounds of halving have other splits
            if wanted is not None:
                self.known = _first_of_each(wanted.among(self._found))
            self._compare({**identity, "splits": short_hash("".join(digests))}, summarize_parts(parts, splits))
            if whole and self.known:
                self._refuse_fewer(set(keys))
            self._compared = True
        return Round(self.known, self.add, keys, digests, before)

    def add(self, results: Iterable[tuple[str, Result]], notes: Mapping[str, Any]) -> None:
        """Append fits that are finished, and what else a reader should find there of some of them."""
        new = [(key, result) for key, result in results if key not in self.known]
        self.known.update(new)
        self._file.append(
            "".join(to_line({"fit": key, **encode_result(result), **notes.get(key, {})}) for key, result in new)
        )

    def _fingerprint(self) -> Callable[[Any], str]:
        """Return the function that tells objects apart, as this journal has done from its beginning."""
        header = self._header or self._made.part({})
        if header.code is None:  # code was not compared by itself
            return fingerprint
        return functools.partial(fingerprint, by_name=self._made.modules, release=header.versions.get("scikit-learn"))

    def _compare(self, identity: dict[str, str], texts: dict[str, dict[str, str]]) -> None:
        """Begin the journal, go on with it, or refuse to go on with that of another search."""
        now = self._made.part(identity, texts)
        if self._latest is None:
            self._file.clear()  # an empty or half written beginning
            self._file.append(to_line({"raysk": KIND, "schema": 1, **now.as_record(), "random": self._random}))
            return
        other = self._made.accept(self._latest, now, str(self._path.parent), self._say)
        if now != self._latest and now.code is not None:
            self._file.append(to_line({"part": now.as_record(), "other": other}))

    def _refuse_fewer(self, candidates: set[str]) -> None:
        finished = {fit.partition(" ")[0] for fit in self.known}
        if left_out := len(finished - candidates):
            raise InputError(
                f"{str(self._path.parent)!r} cannot be resumed: it has fits of {len(finished):,} candidates, and this "
                f"search leaves {left_out:,} of them out.\n"
                "Resume with all of them, or start a new run. If --n-iter is larger than it was:\n"
                "from lists alone, scikit-learn draws one way below 1 % of the grid, and another way above."
            )

    def _read(self) -> None:
        """Read what is there, and drop a torn last line."""
        lines, torn = self._file.read()
        if lines:
            self._read_header(parse_line(lines[0]))
        elif not BEGINNING.startswith(torn[: len(BEGINNING)]):
            raise InputError(f"{str(self._path)!r} is no journal of raysk.")
        if torn:  # it is ours
            self._file.drop_torn_line()
        for record in map(parse_line, lines[1:]):
            self._latest = Conditions.of(record.get("part")) or self._latest
            with contextlib.suppress(*ODD):
                if isinstance(key := record.get("fit"), str):
                    self._found.append((key, decode_result(record)))
        self.known = _first_of_each(self._found)
        if not self.known:
            self._header = self._latest = None  # it begins anew

    def _read_header(self, header: Mapping[str, Any]) -> None:
        part = Conditions.of(header)
        if header.get("raysk") != KIND or part is None:
            raise InputError(f"{str(self._path)!r} is no journal of raysk, or its first line is damaged.")
        self._header = self._latest = part
        self._random = checked_state(header.get("random"))


def _first_of_each(found: Iterable[tuple[str, Result]]) -> dict[str, Result]:
    """Return results by key, the first of each, in their order."""
    first: dict[str, Result] = {}
    for key, result in found:
        first.setdefault(key, result)
    return first
