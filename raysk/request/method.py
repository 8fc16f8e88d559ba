"""Turn a search into one that chooses its candidates by another method: ``--method halving`` or ``tpe``.

GridSearchCV, RandomizedSearchCV, Halving*SearchCV, TPESearchCV    its estimator, space, cv, scoring, ...
    halving -> HalvingGridSearchCV or HalvingRandomSearchCV        --resource --factor --min-resources ...
    tpe     -> TPESearchCV                                         --lag
"""

from __future__ import annotations

import inspect
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from raysk.errors import InputError, UsageError
from raysk.source.objects import params_of
from raysk.util.values import parse_value
from raysk.util.words import join_names, shorten, type_name

if TYPE_CHECKING:
    from collections.abc import Mapping

HALVING, TPE = "halving", "tpe"
METHODS = (HALVING, TPE)

SAMPLES = "n_samples"
"""scikit-learn's name of the resource that is no parameter."""

_WORDS = ("smallest", "exhaust")
"""What scikit-learn takes for ``min_resources`` besides a number."""

_COMMON = ("scoring", "n_jobs", "refit", "cv", "verbose", "error_score", "return_train_score")
"""The parameters that all searches have, besides estimator and space."""


@dataclass(frozen=True, kw_only=True)
class Method:
    """How a search chooses its candidates; None leaves what the person's own search says.

    Parameters
    ----------
    name : str or None
        One of `METHODS`.
    resource : str or None
        What grows from round to round of halving: ``n_samples``, or a parameter of the estimator.
    factor : float or None
        Of the candidates of a round, one in so many stays, with so many times the resource.
    min_resources : int or str or None
        The resource of the first round: a number, or a word of scikit-learn's; a text is parsed.
    max_resources : int or None
        The resource of the last round.
    lag : int or None
        How many candidates TPE has fitted at a time.

    Raises
    ------
    UsageError
        If there is no such method, or a value is out of range.
    """

    name: str | None = None
    resource: str | None = None
    factor: float | None = None
    min_resources: int | str | None = None
    max_resources: int | None = None
    lag: int | None = None

    def __post_init__(self) -> None:
        if self.name is not None and self.name not in METHODS:
            raise UsageError(
                f"--method {self.name}: there is no such method. There are {join_names(METHODS)}.\n"
                "Without --method, a param_grid is searched whole, and param_distributions are drawn from at random."
            )
        if self.factor is not None and not (self.factor > 1 and math.isfinite(self.factor)):
            raise UsageError(f"--factor {self.factor:g}: each round keeps 1 of so many candidates; write 2 or more.")
        if self.min_resources is not None and not self._is_amount(self.first_resources):
            raise UsageError(
                f"--min-resources {self.min_resources}: write a number, at least 1, or one of {join_names(_WORDS)}."
            )
        if self.max_resources is not None and self.max_resources < 1:
            raise UsageError(f"--max-resources {self.max_resources}: the last round needs at least 1.")
        if self.lag is not None and self.lag < 1:
            raise UsageError(f"--lag {self.lag}: at least 1 candidate is fitted at a time.")

    @property
    def first_resources(self) -> Any:
        """The resource of the first round, parsed."""
        return parse_value(self.min_resources) if isinstance(self.min_resources, str) else self.min_resources

    @staticmethod
    def _is_amount(value: Any) -> bool:
        return value in _WORDS or (isinstance(value, int) and not isinstance(value, bool) and value >= 1)

    @property
    def of_halving(self) -> dict[str, Any]:
        """The parameters of a halving search that are given."""
        every = {
            "resource": self.resource,
            "factor": self.factor,
            "min_resources": self.first_resources,
            "max_resources": self.max_resources,
        }
        return {name: value for name, value in every.items() if value is not None}

    @property
    def of_tpe(self) -> dict[str, Any]:
        """The parameters of a search by TPE that are given."""
        return {} if self.lag is None else {"lag": self.lag}

    @property
    def n_iter(self) -> Any:
        """How many candidates a space without a search gets, unless ``--n-iter`` says it: the default of the method."""
        if self.name == HALVING:
            return _default(_halving_classes()[1], "n_candidates")
        return _default(_tpe_class() if self.name == TPE else _random_class(), "n_iter")


def method_of(search: Any) -> str | None:
    """Return how a search chooses candidates: ``grid``, ``random``, ``halving`` or ``tpe``; None for another way."""
    from sklearn.model_selection import GridSearchCV

    ways = {
        **dict.fromkeys(_halving_classes(), HALVING),
        GridSearchCV: "grid",
        _tpe_class(): TPE,
        _random_class(): "random",  # after TPE's, which is one
    }
    for kind, way in ways.items():
        if isinstance(search, kind):
            own = type(search)._run_search is kind._run_search  # noqa: SLF001 - scikit-learn's documented extension point
            return way if own else None
    return None


def method_facts(search: Any) -> dict[str, Any]:
    """Describe for a manifest how a search chooses its candidates: its class, its method, and what it goes by."""
    way = method_of(search)
    if way == TPE:
        import optuna

        options = {name: getattr(search, name) for name in ("n_iter", "lag")} | {"optuna": optuna.__version__}
    elif way == HALVING:
        names = ("resource", "factor", "min_resources", "max_resources")
        options = {name: getattr(search, name) for name in names}
    else:
        options = {}
    cv = getattr(search, "cv", None)
    cv = cv if cv is None or isinstance(cv, int) else shorten(repr(cv))
    return {"class": type_name(search), "method": way, "options": options, "cv": cv}


def change_method(search: Any, method: Method) -> Any:
    """Return a search with the same estimator, space and options that chooses its candidates by a method.

    Parameters
    ----------
    search : BaseSearchCV
    method : Method

    Returns
    -------
    search : BaseSearchCV
        The same object where it goes by that method already, or none is named.

    Raises
    ------
    InputError
        If the search has a way of its own, which would be lost.
    """
    way = method_of(search)
    if method.name in (None, way):
        return search
    if way is None:
        raise InputError(
            f"--method {method.name}: a {type_name(search)} has its own way to choose candidates.\n"
            "Use a GridSearchCV or a RandomizedSearchCV, or leave --method out."
        )
    return _halving(search) if method.name == HALVING else _tpe(search)


def override_method(search: Any, method: Method) -> None:
    """Set the options of a method on a copy of the person's search, in place; the estimator's own are set before.

    Raises
    ------
    UsageError
        If an option is for another method.
    """
    _set(search, method.of_halving, HALVING)
    _set(search, method.of_tpe, TPE)
    if method.max_resources is None and method.resource not in (None, SAMPLES):
        search.max_resources = _own_amount(search, method.resource)


def _set(search: Any, parameters: Mapping[str, Any], needed: str) -> None:
    if parameters and method_of(search) != needed:
        option = f"--{next(iter(parameters)).replace('_', '-')}"
        raise UsageError(
            f"{option}: this is for --method {needed}, and a {type_name(search)} goes another way.\n"
            f"Leave it out, or say --method {needed}."
        )
    for name, value in parameters.items():
        setattr(search, name, value)


def _own_amount(search: Any, resource: Any) -> Any:
    """Return what the estimator itself has of a resource: the most that the last round gets, unless that is said."""
    value = params_of(search.estimator).get(resource)
    is_amount = isinstance(value, int) and not isinstance(value, bool) and value >= 1
    return value if is_amount else search.max_resources


def _halving(search: Any) -> Any:
    grid, random = _halving_classes()
    options: dict[str, Any] = {name: getattr(search, name) for name in _COMMON}
    options["random_state"] = getattr(search, "random_state", None)
    if hasattr(search, "param_grid"):
        return grid(search.estimator, search.param_grid, **options)
    return random(search.estimator, search.param_distributions, n_candidates=search.n_iter, **options)


def _tpe(search: Any) -> Any:
    options: dict[str, Any] = {name: getattr(search, name) for name in _COMMON}
    options["random_state"] = getattr(search, "random_state", None)
    count = getattr(search, "n_iter", getattr(search, "n_candidates", None))
    if isinstance(count, int):  # not a grid, and not "exhaust"
        options["n_iter"] = count
    space = search.param_grid if hasattr(search, "param_grid") else search.param_distributions
    return _tpe_class()(search.estimator, space, **options)


def _default(kind: type, name: str) -> Any:
    return inspect.signature(kind).parameters[name].default


def _halving_classes() -> tuple[Any, Any]:
    from sklearn.experimental import enable_halving_search_cv  # noqa: F401 - makes the next import possible
    from sklearn.model_selection import HalvingGridSearchCV, HalvingRandomSearchCV

    return HalvingGridSearchCV, HalvingRandomSearchCV


def _random_class() -> Any:
    from sklearn.model_selection import RandomizedSearchCV

    return RandomizedSearchCV


def _tpe_class() -> Any:
    from raysk.searches.tpe import TPESearchCV

    return TPESearchCV
