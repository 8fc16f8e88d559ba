"""Candidates that differ only in parameters that do not matter are fitted once.

A support vector machine with a linear kernel never looks at gamma: in the published grid of 4,000 candidates 800 are
such repeats. scikit-learn fits them all, with equal results but for the times.

Only what is certain is listed: exactly these classes, values that scikit-learn would accept, fits that draw nothing at
random, and scores that are made of predictions.
"""

from __future__ import annotations

import math
import numbers
from typing import TYPE_CHECKING, Any

from sklearn.svm import SVC, SVR, NuSVC, NuSVR, OneClassSVM

from raysk import _compat

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

MACHINES = (SVC, SVR, NuSVC, NuSVR, OneClassSVM)

UNUSED = {
    "linear": ("coef0", "degree", "gamma"),
    "rbf": ("coef0", "degree"),
    "sigmoid": ("degree",),
}
"""Kernel -> what it does not use (scikit-learn's user guide, "Kernel functions")."""

VALID: dict[str, Callable[[Any], bool]] = {
    "coef0": lambda value: _is_number(value),  # noqa: PLW0108 - it is defined below
    "degree": lambda value: _is_number(value) and isinstance(value, numbers.Integral) and int(value) >= 0,
    "gamma": lambda value: value in {"scale", "auto"} if isinstance(value, str) else _is_number(value) and value >= 0,
}
"""What each may be: a value that is not valid fails the fit, used or not."""


def leaders(estimator: Any, candidates: Sequence[Mapping[str, Any]], scorers: Any) -> list[int]:
    """Return for each candidate the first one that is fitted alike; for most that is the candidate itself.

    Parameters
    ----------
    estimator : estimator
        What the candidates' parameters are set on.
    candidates : sequence of mapping of str to object
    scorers : object
        scikit-learn's scorers, as ``BaseSearchCV._get_scorers`` returns them.

    Returns
    -------
    leaders : list of int
        Never after the candidate itself.
    """
    every = range(len(candidates))
    machines: dict[str, Any] = _machines(estimator) if _compat.scores_predictions(scorers) else {}
    if not machines:
        return list(every)
    first: dict[Any, int] = {}
    return [first.setdefault(_key(candidates[number], machines, number), number) for number in every]


def _machines(estimator: Any) -> dict[str, Any]:
    """Return the support vector machines in an estimator, by the prefix of their parameters.

    None where something else in it may draw at random, or is not scikit-learn's own.
    """
    params = {"": estimator, **estimator.get_params(deep=True)}
    parts = {name: part for name, part in params.items() if hasattr(part, "get_params") and not isinstance(part, type)}
    machines = {f"{name}__" if name else "": part for name, part in parts.items() if type(part) in MACHINES}
    drawn = [
        name
        for name, value in params.items()
        if name.rpartition("__")[2] == "random_state" and not isinstance(value, int)
        if name.removesuffix("random_state") not in machines  # theirs is for probability=True, which `_key` looks at
    ]
    ours = all(type(part).__module__.startswith("sklearn.") for part in parts.values())
    functions = any(callable(value) and name not in parts for name, value in params.items())
    return machines if ours and not drawn and not functions else {}


def _key(candidate: Mapping[str, Any], machines: Mapping[str, Any], number: int) -> Any:
    """Return what candidates that are fitted alike have in common; the number where nothing is certain."""
    unused: set[str] = set()
    for prefix, machine in machines.items():
        if prefix.removesuffix("__") in candidate:  # it is replaced as a whole
            return number
        kernel = candidate.get(f"{prefix}kernel", machine.kernel)
        probability = candidate.get(f"{prefix}probability", getattr(machine, "probability", False))
        if probability not in (False, "deprecated"):  # its fit draws at random; the text is the default since 1.9
            return number
        unused |= {prefix + name for name in UNUSED.get(kernel, ()) if isinstance(kernel, str)}
    used = []
    for name, value in candidate.items():
        if name in unused and VALID[name.rpartition("__")[2]](value):
            continue
        if not isinstance(value, str | int | float | None):
            return number
        if name.rpartition("__")[2] == "random_state" and not isinstance(value, int):
            return number
        used.append((name, type(value), value))
    return tuple(used)


def _is_number(value: Any) -> bool:
    return isinstance(value, numbers.Real) and not isinstance(value, bool) and math.isfinite(float(value))
