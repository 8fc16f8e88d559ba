"""Candidates whose fits are contained in the fit of another candidate.

A forest of 1,000 trees holds the forest of 100 that has the same seed: its first trees. Candidates that differ only in
such a parameter are a family. On each split the first of it is fitted, and each member is scored on a copy of it that
is cut to the member's size (`raysk.plans.contained_fits`).

Only what is bit for bit what scikit-learn fits is in the table: exactly these classes, with a seed or where nothing is
drawn, with values that scikit-learn accepts, and with nothing beside them that may draw (`raysk.plans.certainty`).
Scorers may do anything, as each member is scored by itself.
"""

from __future__ import annotations

import numbers
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn import ensemble, feature_selection, tree
from sklearn.compose import TransformedTargetRegressor
from sklearn.pipeline import Pipeline

from raysk._compat import sklearn as sklearn_private
from raysk._compat import sklearn_cuts
from raysk.plans.candidates import together
from raysk.plans.certainty import is_certain, is_certain_once_seeded, is_certain_score_function, is_certain_value
from raysk.plans.parts import parameters

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping, Sequence

    from raysk.plans.candidates import Candidates

    Numbers = np.ndarray[Any, Any]
    Condition = Callable[[Any, int], bool]
    """Tells whether a parameter's value allows it, when no split has more rows to train on than so many."""

ALL_BINNED = 200_000
"""HistGradientBoosting draws rows to find its bins if there are more than this."""

NEVER_STOPS_EARLY = 10_000
"""HistGradientBoosting with ``early_stopping="auto"`` stops early if there are more rows than this."""


def _is_seed(value: Any, _: int) -> bool:
    return isinstance(value, numbers.Integral)


def _is_false(value: Any, _: int) -> bool:
    return value is False


def _is_none(value: Any, _: int) -> bool:
    return value is None


def _never_stops_early(value: Any, rows: int) -> bool:
    return value is False or (isinstance(value, str) and value == "auto" and rows <= NEVER_STOPS_EARLY)


def _draws_no_features(value: Any, rows: int) -> bool:
    return type(value) is float and value == 1.0 and rows <= ALL_BINNED


@dataclass(frozen=True, kw_only=True)
class Row:
    """What one estimator's fits contain.

    Parameters
    ----------
    parameter : str
        In which members of a family differ.
    cut : callable
        Gets a shallow copy of the fitted estimator, which has the member's parameter, and makes it the member's fit.
    source : str
        Where scikit-learn does what this relies on.
    size : callable
        Returns a number for a value: the fit with the largest contains the others.
    is_fitted_with : object
        The value that the one fit has. None means the largest of the family.
    proportional : bool
        Whether a fit takes a time that grows as its size does.
    conditions : mapping of str to callable
        What other parameters must be.
    instead_of_seed : mapping of str to callable
        If these hold, no seed is needed. Empty: there must be one.
    draws : bool
        Whether a seed matters at all.
    seeds_its_estimator : bool
        Whether what is in the parameter ``estimator`` gets its seeds from this one.
    """

    parameter: str
    cut: Callable[[Any], None]
    source: str
    size: Callable[[Any], float] = float
    is_fitted_with: Any = None
    proportional: bool = True
    conditions: Mapping[str, Condition] = field(default_factory=dict)
    instead_of_seed: Mapping[str, Condition] = field(default_factory=dict)
    draws: bool = True
    seeds_its_estimator: bool = False

    def fits(self, values: Sequence[Any]) -> Any:
        """Return the value that is fitted for a family with these, the first of which is the largest."""
        return values[0] if self.is_fitted_with is None else self.is_fitted_with

    def share(self, value: Any, fitted: Any) -> float:
        """Return the part of the work that a member's own fit would have been."""
        return self.size(value) / self.size(fitted) if self.proportional else 1.0


_FOREST = Row(
    parameter="n_estimators",
    cut=sklearn_cuts.cut_forest,
    conditions={"warm_start": _is_false, "oob_score": _is_false},
    source="ensemble/_forest.py, BaseForest.fit: the trees draw their seeds one after the other",
)
_BAGGING = Row(
    parameter="n_estimators",
    cut=sklearn_cuts.cut_bagging,
    conditions={"warm_start": _is_false, "oob_score": _is_false},
    seeds_its_estimator=True,
    source="ensemble/_bagging.py, BaseBagging._fit: each estimator has its own seed",
)
_ADA_BOOST = Row(
    parameter="n_estimators",
    cut=sklearn_cuts.cut_ada_boost,
    seeds_its_estimator=True,
    source="ensemble/_weight_boosting.py, BaseWeightBoosting.fit: only the last round differs, in weights not used",
)
_GRADIENT_BOOSTING = Row(
    parameter="n_estimators",
    cut=sklearn_cuts.cut_gradient_boosting,
    conditions={"warm_start": _is_false, "n_iter_no_change": _is_none},
    source="ensemble/_gb.py, BaseGradientBoosting._fit_stages: one generator for all stages, stage by stage",
)
_HIST_GRADIENT_BOOSTING = Row(
    parameter="max_iter",
    cut=sklearn_cuts.cut_hist_gradient_boosting,
    conditions={"warm_start": _is_false, "early_stopping": _never_stops_early},
    instead_of_seed={"max_features": _draws_no_features},
    source="_hist_gradient_boosting/gradient_boosting.py, fit: iterations do not look at how many are left",
)
_TREE = Row(
    parameter="ccp_alpha",
    cut=sklearn_cuts.prune_tree,
    size=lambda alpha: -float(alpha),
    is_fitted_with=0.0,  # pruning a pruned tree adds other numbers up
    proportional=False,
    source="tree/_classes.py, BaseDecisionTree._fit: pruned when it is grown, and that is the last thing",
)
_SELECT_K_BEST = Row(
    parameter="k",
    cut=sklearn_cuts.cut_select_k_best,
    size=lambda k: float("inf") if isinstance(k, str) else float(k),
    proportional=False,
    conditions={"score_func": lambda value, _: is_certain_score_function(value)},
    draws=False,
    source="feature_selection/_univariate_selection.py, _BaseFilter.fit: scores of all features, whatever k is",
)

CONTAINED: dict[type, Row] = {
    ensemble.RandomForestClassifier: _FOREST,
    ensemble.RandomForestRegressor: _FOREST,
    ensemble.ExtraTreesClassifier: _FOREST,
    ensemble.ExtraTreesRegressor: _FOREST,
    ensemble.BaggingClassifier: _BAGGING,
    ensemble.BaggingRegressor: _BAGGING,
    ensemble.AdaBoostClassifier: _ADA_BOOST,
    ensemble.AdaBoostRegressor: _ADA_BOOST,
    ensemble.GradientBoostingClassifier: _GRADIENT_BOOSTING,
    ensemble.GradientBoostingRegressor: _GRADIENT_BOOSTING,
    ensemble.HistGradientBoostingClassifier: _HIST_GRADIENT_BOOSTING,
    ensemble.HistGradientBoostingRegressor: _HIST_GRADIENT_BOOSTING,
    tree.DecisionTreeClassifier: _TREE,
    tree.DecisionTreeRegressor: _TREE,
    tree.ExtraTreeClassifier: _TREE,
    tree.ExtraTreeRegressor: _TREE,
    feature_selection.SelectKBest: _SELECT_K_BEST,
}
"""Exactly these classes: one derived from them may do anything."""


@dataclass(frozen=True)
class Place:
    """Where in an estimator there is a part whose fits contain others.

    Parameters
    ----------
    row : Row
    part : estimator
    prefix : str
        Of its parameters, as ``set_params`` of the whole has them.
    wholes : tuple of str
        The parameters that replace it as a whole, or something around it.
    beside : list
        All else that the estimator is made of.
    """

    row: Row
    part: Any
    prefix: str
    wholes: tuple[str, ...]
    beside: list[Any]

    @property
    def parameter(self) -> str:
        """The name of the parameter in which members of a family differ."""
        return self.prefix + self.row.parameter

    @property
    def looked_at(self) -> set[str]:
        """The part's own parameters that are looked at for each candidate."""
        return {self.row.parameter, "random_state", *self.row.conditions}

    @property
    def known(self) -> set[str]:
        """The same, as the whole has them."""
        return {self.prefix + name for name in self.looked_at}


def place_in(estimator: Any) -> Place | None:
    """Return where in an estimator fits contain others: itself, its last step, its regressor; None if nowhere."""
    prefix, wholes, beside = "", [], []
    while type(estimator) not in CONTAINED:
        params = dict(parameters(estimator))
        match type(estimator), params:
            case kind, {"steps": [*before, (str() as name, inner)]} if kind is Pipeline:
                del params["steps"]
                wholes += [f"{prefix}steps", f"{prefix}{name}"]
                beside += before
            case kind, {"regressor": inner} if kind is TransformedTargetRegressor:
                name = "regressor"
                del params[name]
                wholes += [f"{prefix}{name}"]
            case _:
                return None
        estimator, prefix = inner, f"{prefix}{name}__"
        beside += params.values()
    return Place(CONTAINED[type(estimator)], estimator, prefix, tuple(wholes), beside)


def families(
    estimator: Any,
    candidates: Candidates,
    leaders: Numbers,
    *,
    rows: int,
    fit_params: Collection[str] = (),
) -> list[tuple[int, ...]]:
    """Return families of candidates that differ only in a parameter by which their fits contain each other.

    Parameters
    ----------
    estimator : estimator
        What the candidates' parameters are set on.
    candidates : Candidates
    leaders : array of shape (n_candidates,)
        As `raysk.plans.shared_fits.leaders` returns them: only candidates that lead are in families.
    rows : int
        How many rows the largest split has to train on, or more.
    fit_params : collection of str
        What goes to ``fit`` besides X and y: weights are fine, all else may do anything.

    Returns
    -------
    families : list of tuple of int
        Of at least two candidates each, the one that contains the others first, then downwards.
    """
    place = place_in(estimator)
    column = candidates.columns.get(place.parameter) if place is not None else None
    if place is None or column is None or len(column.values) == 1 or not _weights_only(fit_params):
        return []
    sizes = np.array([*_sizes(place, column.values), np.nan])[column.codes]  # the last one is that of `ABSENT`
    free = (leaders == np.arange(len(candidates))) & ~np.isnan(sizes) & _are_certain(place, candidates, rows)
    if np.count_nonzero(free) <= 1 or not _is_certain_beside(place):
        return []
    group, groups = np.zeros(len(candidates), np.int64), 1
    for name, other in candidates.columns.items():
        if name != place.parameter:
            group, groups = together(group, groups, other.codes, len(other.values))
    return list(_split(np.flatnonzero(free), group, sizes))


def are_all_certain(estimator: Any, candidates: Candidates, *, rows: int, fit_params: Collection[str]) -> bool:
    """Tell whether the fits of all candidates contain those of the same ones with a smaller size.

    The parameters are those of `families`.
    """
    place = place_in(estimator)
    if place is None or not _weights_only(fit_params) or not _is_certain_beside(place):
        return False
    return bool(_are_certain(place, candidates, rows).all())


def _split(members: Numbers, group: Numbers, sizes: Numbers) -> Iterator[tuple[int, ...]]:
    """Yield the families among candidates."""
    order = members[np.lexsort((-sizes[members], group[members]))]  # stable: equal ones in their order
    begins = np.flatnonzero(np.diff(group[order], prepend=-1))
    lengths = np.diff(begins, append=len(order))
    every = order.tolist()
    for begin, length in zip(begins[lengths > 1].tolist(), lengths[lengths > 1].tolist(), strict=True):
        yield tuple(every[begin : begin + length])


def _sizes(place: Place, values: Sequence[Any]) -> Iterator[float]:
    """Yield the size for each value of the parameter; NaN where the value is not valid, so that the fit fails."""
    check = sklearn_private.parameter_check(place.part, place.row.parameter)
    for value in values:
        yield place.row.size(value) if check(value) and not isinstance(value, bool | np.bool_) else np.nan


def _weights_only(fit_params: Collection[str]) -> bool:
    return all(name.rpartition("__")[2] == "sample_weight" for name in fit_params)


def _is_certain_beside(place: Place) -> bool:
    """Tell whether nothing in the estimator may fit equal candidates differently, but for what each candidate sets."""
    params = {name: value for name, value in parameters(place.part).items() if name not in place.looked_at}
    seeded = is_certain_once_seeded(params.pop("estimator")) if place.row.seeds_its_estimator else True
    return seeded and is_certain([*place.beside, *params.values()])


def _are_certain(place: Place, candidates: Candidates, rows: int) -> Numbers:
    """Tell which candidates may be in a family, by all parameters but the one in which its members differ."""
    found = np.ones(len(candidates), bool)
    for name, column in candidates.columns.items():
        if name not in place.known:
            certain = _certainty(place, name)
            found &= np.array([*map(certain, column.values), True])[column.codes]
    for name, allows in place.row.conditions.items():
        found &= _allow(place, candidates, name, allows, rows)
    if place.row.draws:
        found &= _allow(place, candidates, "random_state", _is_seed, rows) | _need_no_seed(place, candidates, rows)
    return found


def _certainty(place: Place, name: str) -> Callable[[Any], bool]:
    """Return what tells whether a value of a parameter is certain."""
    if name in place.wholes:
        return lambda _: False
    if place.row.seeds_its_estimator and name == f"{place.prefix}estimator":
        return is_certain_once_seeded
    return lambda value: is_certain_value(name, value)


def _need_no_seed(place: Place, candidates: Candidates, rows: int) -> Any:
    conditions = place.row.instead_of_seed.items()
    allowed = [_allow(place, candidates, name, allows, rows) for name, allows in conditions]
    return np.logical_and.reduce(allowed) if allowed else False


def _allow(place: Place, candidates: Candidates, name: str, allows: Condition, rows: int) -> Numbers:
    """Tell for which candidates a parameter of the part is what a condition allows."""
    default = allows(getattr(place.part, name), rows)
    column = candidates.columns.get(place.prefix + name)
    if column is None:
        return np.full(len(candidates), default)
    told: Numbers = np.array([*(allows(value, rows) for value in column.values), default])
    return told[column.codes]  # type: ignore[no-any-return]
