"""The search space of a job, as ``run.json`` has it: a report draws its axes by it, and knows where its edges are.

    {"C": {"distribution": "loguniform", "text": "loguniform(0.001, 1000)", "kind": "float",
           "low": 0.001, "high": 1000.0, "log": true, "conditional": false},
     "kernel": {"values": ["rbf", "linear"], "conditional": false}}

`conditional` is true of a parameter that some of several spaces do not have. A parameter that several spaces give
different values has all of them, or {"any_of": [...]} where one gives it a distribution.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from raysk.util.jsonable import describe
from raysk.util.typed_json import encode

MOST_VALUES = 1000
"""Values of a list that are written: nobody reads more, and a manifest is read whole to list runs."""

_LOG = {"loguniform", "reciprocal", "lognorm"}
"""scipy's distributions of which the logarithm is spread evenly, or nearly."""


def space_facts(search: Any) -> dict[str, Any] | None:
    """Describe the parameter space of a search; None if it has none that is known to scikit-learn.

    Parameters
    ----------
    search : BaseSearchCV

    Returns
    -------
    dict or None
        By parameter, for JSON.
    """
    space = getattr(search, "param_distributions", getattr(search, "param_grid", None))
    spaces = [space] if isinstance(space, Mapping) else space
    if not isinstance(spaces, list | tuple) or not all(isinstance(each, Mapping) for each in spaces):
        return None
    names = dict.fromkeys(name for each in spaces for name in each)
    return {str(name): _describe_parameter([each.get(name) for each in spaces]) for name in names}


def _describe_parameter(of_spaces: list[Any]) -> dict[str, Any]:
    """Describe what each of the spaces gives one parameter; None where a space does not have it."""
    given = [values for values in of_spaces if values is not None]
    described = [_describe_values(values) for values in given]
    different = [each for at, each in enumerate(described) if each not in described[:at]]
    merged = different[0] if len(different) == 1 else _merge(different)
    return {**merged, "conditional": len(given) < len(of_spaces)}


def _merge(described: list[dict[str, Any]]) -> dict[str, Any]:
    if not all("values" in each for each in described):
        return {"any_of": described}
    values = [value for each in described for value in each["values"]]
    return {"values": [value for at, value in enumerate(values) if not _is_among(value, values[:at])]}


def _is_among(value: Any, others: list[Any]) -> bool:
    return any(type(value) is type(other) and value == other for other in others)  # 1 is not True


def _describe_values(values: Any) -> dict[str, Any]:
    if hasattr(values, "rvs"):
        return _describe_distribution(values)
    try:
        if len(values) <= MOST_VALUES:
            return {"values": [encode(value) for value in values]}
    except TypeError:  # it has no length
        pass
    return {"text": describe(values)[:MOST_VALUES]}


def _describe_distribution(distribution: Any) -> dict[str, Any]:
    name = getattr(getattr(distribution, "dist", None), "name", None)
    try:
        low, high = map(float, distribution.support())
        is_log = name in _LOG and low >= 0 and (low == 0 or _has_middle(distribution, math.sqrt(low * high)))
    except Exception:  # noqa: BLE001 - a person's own distribution may do anything here
        return {"text": describe(distribution)[:MOST_VALUES]}
    kind = "int" if hasattr(distribution, "pmf") else "float"
    return {
        "distribution": name if isinstance(name, str) else type(distribution).__name__,
        "text": describe(distribution)[:MOST_VALUES],
        "kind": kind,
        "low": _bound(low, kind),
        "high": _bound(high, kind),
        "log": is_log,
    }


def _has_middle(distribution: Any, middle: float) -> bool:
    """Tell whether half of what is drawn is below a value; one that is shifted is not even in its logarithm."""
    return math.isclose(distribution.ppf(0.5), middle, rel_tol=1e-6) if math.isfinite(middle) else True


def _bound(bound: float, kind: str) -> float | int | None:
    if not math.isfinite(bound):
        return None
    return int(bound) if kind == "int" else bound
