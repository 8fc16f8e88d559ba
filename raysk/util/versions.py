"""Compare the versions of packages on this machine and on a node, and tell what a difference means.

    driver                                         node
    compare(here, there) <---- plain dicts ------- imported(modules), installed(errors)

What runs on nodes travels by value and is there whatever they lack.
"""

from __future__ import annotations

import importlib
import platform
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

from raysk.util.provenance import version_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

MODULES = {
    "ray": "ray",
    "scikit-learn": "sklearn",
    "numpy": "numpy",
    "scipy": "scipy",
    "joblib": "joblib",
    "threadpoolctl": "threadpoolctl",
    "cloudpickle": "cloudpickle",
}
"""The module of each package."""


@dataclass(frozen=True, kw_only=True)
class Rule:
    """The meaning of another version of a package on a node.

    Parameters
    ----------
    same : int or None
        A node is refused unless so many leading parts of the version are the same; None means all of it.
    tolerable : bool
        Whether a person may accept what is refused, since fits run all the same.
    results : bool
        Whether the last digits of results may depend on what is not refused.
    needed : bool
        Whether workers cannot do without it.
    """

    same: int | None = 0
    tolerable: bool = False
    results: bool = False
    needed: bool = True


RULES = {
    "Python": Rule(same=2),  # functions travel as bytecode, and each minor release has its own
    "ray": Rule(same=None),  # Ray refuses others itself
    # Each release may change what is computed, and warns of models that were pickled by any other.
    "scikit-learn": Rule(same=None, tolerable=True),
    # Arrays of one major release are no promise to the other; RandomState draws the same numbers in all (NEP 19).
    "numpy": Rule(same=1, tolerable=True, results=True),
    "scipy": Rule(results=True),
    "joblib": Rule(),
    "threadpoolctl": Rule(),
    "cloudpickle": Rule(needed=False),  # workers use the one inside Ray
}


@dataclass(frozen=True, kw_only=True)
class Difference:
    """A package that is not the same here and on a node.

    Parameters
    ----------
    package : str
    here : str
    there : str or None
        None if it cannot be imported there.
    error : str or None
        What importing it there raised.
    fatal : bool
        Whether the node cannot be used.
    tolerable : bool
        Whether a person may accept that.
    results : bool
        Whether results may differ where the node is used.
    """

    package: str
    here: str
    there: str | None
    error: str | None = None
    fatal: bool = False
    tolerable: bool = False
    results: bool = False

    def __str__(self) -> str:
        if self.there is not None:
            return f"{self.package} {self.there} ({self.here} here)"
        missing = self.error is None or self.error.startswith("ModuleNotFoundError")
        return f"no {self.package}" if missing else f"a broken {self.package} ({self.error})"


def failed_imports(modules: Iterable[str]) -> dict[str, str]:
    """Import modules. Return those that fail, by top-level name, with the error in one line."""
    errors = {}
    for module in modules:
        try:
            importlib.import_module(module)
        except Exception as error:  # noqa: BLE001, PERF203 - a broken library may raise anything
            said = " ".join(str(error).split())[:200]
            errors[module.partition(".")[0]] = f"{type(error).__name__}: {said}"
    return errors


def installed_versions(errors: Iterable[str] = ()) -> dict[str, str | None]:
    """Return the versions of Python and of each package in `MODULES`; None for a missing one, or one in `errors`."""
    found: dict[str, str | None] = {"Python": platform.python_version()}
    for package, module in MODULES.items():
        said = getattr(sys.modules.get(module), "__version__", None)  # importing one to ask it would take seconds
        found[package] = None if module in errors else str(said) if said else version_of(package)
    return found


def compare(
    here: Mapping[str, str | None],
    there: Mapping[str, str | None],
    errors: Mapping[str, str],
    *,
    allow_versions: bool = False,
) -> list[Difference]:
    """Return what differs between this machine and a node.

    `here` and `there` are from `installed_versions`, `errors` from `failed_imports` there. `allow_versions` tells
    whether the person accepts that results may differ.
    """
    found = []
    for package, rule in RULES.items():
        mine, theirs = here.get(package), there.get(package)
        if mine is None or mine == theirs or (theirs is None and not rule.needed):
            continue
        apart = theirs is None or _leading(mine, rule.same) != _leading(theirs, rule.same)
        tolerable = rule.tolerable and theirs is not None
        found.append(
            Difference(
                package=package,
                here=mine,
                there=theirs,
                error=errors.get(MODULES.get(package, "")),
                fatal=apart and not (allow_versions and tolerable),
                tolerable=tolerable,
                results=rule.results or apart,
            )
        )
    return found


def _leading(version: str, parts: int | None) -> list[str]:
    return version.split(".")[:parts]


def join_differences(differences: Sequence[Difference]) -> str:
    """Return differences as they stand in a sentence: a, b and c."""
    *first, last = map(str, differences)
    return f"{', '.join(first)} and {last}" if first else last


def consequence(differences: Sequence[Difference]) -> str:
    """Return what fatal differences mean, as the end of a sentence."""
    if any(each.there is None for each in differences):
        return "no fit can run there"
    if any(not each.tolerable for each in differences):
        return "code from this machine does not run there"
    return "results and models may differ from this machine's"


def remedy(differences: Sequence[Difference]) -> str:
    """Return what to do about differences, as a sentence."""
    pins = [f"{each.package}=={each.here}" for each in differences if each.package != "Python"]
    python = next((each.here for each in differences if each.package == "Python"), None)
    if python is not None:
        return f"Use one Python on both, {python} here, then install there what is here."
    install = f"Install there what is here (pip install {' '.join(pins)})"
    tolerable = all(each.fatal and each.tolerable for each in differences)
    return f"{install}, or accept that with --allow-versions." if tolerable else f"{install}."
