"""Parse ``--space NAME=VALUES``.

C=loguniform:1e-3:1e3       between two numbers: loguniform, uniform, randint (the upper one left out)
alpha=norm:0:1              any distribution of scipy.stats, with its arguments
C=logspace:-3:3:7           a list of numbers, as numpy makes it: logspace, linspace, arange
kernel=rbf,linear           a list of values, each parsed as those of --set
kernel=choice:a:b,c         the same, for texts that hold a colon
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from raysk.errors import UsageError
from raysk.util.values import parse_value, parse_values, split_setting
from raysk.util.words import printable, shorten, suggestion, type_name

_FUNCTION = re.compile(r"([A-Za-z]\w*):(.*)", re.DOTALL)
_LISTS = ("logspace", "linspace", "arange")
_USUAL = ("loguniform", "uniform", "randint", "norm", *_LISTS, "choice")


def parse_space(text: str) -> tuple[str, Any]:
    """Parse one entry of a parameter space into its name and its values.

    Raises
    ------
    UsageError
        If there is no such distribution, or it cannot have these arguments.
    """
    name, spec = split_setting(text)
    match = _FUNCTION.fullmatch(spec.strip())
    if match is None or match[1] == "choice":
        values = parse_values(spec if match is None else match[2])
        if not spec.strip() or not values:
            raise UsageError(f"--space {printable(text)}: it has no values. Write for example {name}=0.1,1,10")
        return name, values
    return name, _make_values(match[1], match[2], text)


def _make_values(function: str, arguments: str, text: str) -> Any:
    import numpy as np

    numbers = [parse_value(part) for part in arguments.split(":")]
    try:
        if function in _LISTS:
            return getattr(np, function)(*numbers).tolist()
        if function == "uniform" and len(numbers) == len(("lower", "upper")):
            numbers[1] -= numbers[0]  # scipy's takes the lower bound and the width
        distribution = _find_distribution(function, text)(*numbers)
        distribution.rvs(random_state=0)  # only drawing tells whether the arguments are possible
    except (TypeError, ValueError, AttributeError) as err:
        raise UsageError(
            f"--space {printable(text)}: {function} cannot have these arguments ({shorten(str(err))}).\n"
            "Write for example loguniform:1e-3:1e3, uniform:0:1, randint:1:10 or logspace:-3:3:7"
        ) from err
    return distribution


def _find_distribution(name: str, text: str) -> Any:
    from scipy import stats

    found = getattr(stats, name, None)
    if isinstance(found, stats.rv_continuous | stats.rv_discrete):
        return found
    raise UsageError(
        f"--space {printable(text)}: there is no distribution {name!r}. {suggestion(name, _USUAL, 'usual ones')}\n"
        "Text that holds a colon is written choice:TEXT,TEXT"
    )


def merge_space(space: Any, texts: tuple[str, ...]) -> Any:
    """Return a parameter space with entries replaced or added, in each of its dicts if it has several."""
    entries = dict(map(parse_space, texts))
    if space is None or isinstance(space, Mapping):
        return {**(space or {}), **entries}
    return [{**grid, **entries} for grid in space]


def override_space(search: Any, texts: tuple[str, ...]) -> None:
    """Set entries of the parameter space on a copy of the person's search, in place.

    Raises
    ------
    UsageError
        If the search has no such space, or a grid would get a distribution.
    """
    if not texts:
        return
    name = next((name for name in ("param_distributions", "param_grid") if hasattr(search, name)), None)
    if name is None:
        raise UsageError(
            f"--space {printable(texts[0])}: a {type_name(search)} has no param_grid and no param_distributions."
        )
    space = merge_space(getattr(search, name), texts)
    drawn = next((text for text in texts if hasattr(parse_space(text)[1], "rvs")), None)
    if name == "param_grid" and drawn is not None:
        raise UsageError(
            f"--space {printable(drawn)}: a {type_name(search)} tries every value, "
            "and a distribution has infinitely many.\n"
            "List values, as in C=logspace:-3:3:7, or use a RandomizedSearchCV."
        )
    setattr(search, name, space)
