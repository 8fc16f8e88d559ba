"""The objects, code and versions that fits of a journal are made with, and whether other fits may join them."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from raysk.errors import InputError
from raysk.runs.code_digests import describe_changes, digest_code
from raysk.runs.part_summaries import check_summaries, describe_differences
from raysk.util.versions import RULES, compare, installed_versions, join_differences
from raysk.util.words import join_names, shorten

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping
    from types import ModuleType

    from raysk.util.versions import Difference

NAMES = {"options": "options of the search (error_score, return_train_score)", "scoring": "scoring"}

COUNTED = {package for package, rule in RULES.items() if rule.tolerable or rule.results}
"""On these the results of a fit depend; others decide only whether code can be sent to a node."""

VERSION = re.compile(r"[\w.+!-]{1,60}", re.ASCII)
"""A version that may be shown in a command to be copied: the journal may be damaged."""


@dataclass(frozen=True)
class Conditions:
    """The objects, code and versions that a part of a journal's fits is made with.

    Parameters
    ----------
    identity : mapping of str to str
        Fingerprints of the estimator, the data and so on.
    code : mapping or None
        See `raysk.runs.code_digests`; None if it was not recorded, as before there was such a record.
    versions : mapping of str to str
    texts : mapping of str to mapping of str to str
        See `raysk.runs.part_summaries`; for messages only.
    """

    identity: Mapping[str, str]
    code: Mapping[str, Any] | None = None
    versions: Mapping[str, str] = field(default_factory=dict)
    texts: Mapping[str, Mapping[str, str]] = field(default_factory=dict, compare=False)

    @classmethod
    def of(cls, record: Any) -> Conditions | None:
        """Read what `as_record` returns; None if it is something else."""
        if not isinstance(record, dict) or not isinstance(record.get("identity"), dict):
            return None
        code, versions = record.get("code"), record.get("versions")
        known = _texts(versions if isinstance(versions, dict) else {})
        known = {name: version for name, version in known.items() if VERSION.fullmatch(version)}
        return cls(
            _texts(record["identity"]),
            _checked_code(code) if known else None,
            known,
            check_summaries(record.get("texts")),
        )

    def as_record(self) -> dict[str, Any]:
        """Return the record that a journal holds."""
        recorded = {} if self.code is None else {"code": self.code, "versions": self.versions, "texts": self.texts}
        return {"identity": self.identity, **recorded}


@dataclass(frozen=True, kw_only=True)
class CurrentConditions:
    """The code and versions that fits are made with now, and the changes that a person accepts.

    Parameters
    ----------
    code : mapping or None
        None compares neither code nor versions.
    versions : mapping of str to str
    modules : collection of str
        The names of the modules whose code that is.
    anyway : bool
        Whether fits are added although something else changed.
    allow_versions : bool
        Whether they are added although scikit-learn or numpy is another.
    """

    code: Mapping[str, Any] | None = None
    versions: Mapping[str, str] = field(default_factory=dict)
    modules: Collection[str] = ()
    anyway: bool = False
    allow_versions: bool = False

    @classmethod
    def of(
        cls, modules: Collection[ModuleType], *, anyway: bool = False, allow_versions: bool = False
    ) -> CurrentConditions:
        """Read the person's modules, and the installed versions."""
        names = frozenset(module.__name__ for module in modules)
        return cls(
            code=digest_code(modules),
            versions=_texts(installed_versions()),
            modules=names,
            anyway=anyway,
            allow_versions=allow_versions,
        )

    def part(self, identity: Mapping[str, str], texts: Mapping[str, Mapping[str, str]] | None = None) -> Conditions:
        """Return the description of a part that begins now."""
        return Conditions(identity, self.code, self.versions, texts or {})

    def accept(self, then: Conditions, now: Conditions, run: str, say: Callable[[str], None]) -> list[str]:
        """Return the differences from an earlier part, in words, if they are accepted.

        Parameters
        ----------
        then, now : Conditions
        run : str
            The folder, for messages.
        say : callable
            Takes a line about each difference that is accepted.

        Raises
        ------
        InputError
            If they are not.
        """
        versions = self._other_versions(then, run)
        parts = [name for name, value in now.identity.items() if then.identity.get(name) != value]
        other = [NAMES.get(name, name) for name in parts]
        if then.code is not None and now.code is not None:
            other += map(shorten, describe_changes(then.code, now.code))
        if other and not self.anyway:
            how = describe_differences(then.texts, now.texts, parts)
            how = f"{how}.\n" if how else ""
            raise InputError(
                f"{run!r} cannot be resumed: other {join_names(other)} than when it began.\n"
                f"{how}Resume with what it began with, or start a new run.\n"
                "If results stay the same, add --resume-anyway (in Python: raysk.run with resume_anyway=True)."
            )
        if then.code is None and now.code is not None:
            say("This run is of a raysk that did not record code and versions: nobody can tell whether they changed")
        if versions:
            say(f"Going on with fits of {join_differences(versions)}: results may differ")
        if other:
            say(f"Going on anyway, with other {join_names(other)} than when it began")
        return [*other, *map(str, versions)]

    def _other_versions(self, then: Conditions, run: str) -> list[Difference]:
        """Return the packages of another version, by the rules that hold between nodes of a cluster."""
        here = {name: version for name, version in self.versions.items() if name in COUNTED}
        there = {**here, **then.versions}
        found = compare(here, there, {}, allow_versions=self.allow_versions)
        if refused := [each for each in found if each.fatal]:
            pins = " ".join(f"{each.package}=={each.there}" for each in refused)
            raise InputError(
                f"{run!r} cannot be resumed: it has fits of {join_differences(refused)}; results may differ.\n"
                f"Install what it was made with (pip install {pins}), or accept that with --allow-versions."
            )
        return found


def _texts(said: Mapping[str, Any]) -> dict[str, str]:
    return {name: value for name, value in said.items() if isinstance(value, str)}


def _checked_code(said: Any) -> dict[str, Any] | None:
    """Return a record of code as `digest_code` makes it, or None."""
    if not isinstance(said, dict):
        return None
    good = all(
        isinstance(each, dict) and isinstance(each.get("code"), str) and isinstance(each.get("values"), dict)
        for each in said.values()
    )
    return said if good else None
