"""A family of candidates on one split, on the worker: one fit, and copies of it cut to the size of each.

    the family's fit --cut--> a copy for each member      all are cut before any is scored: a scorer may change its copy
    member's estimator: its ``fit`` makes it the copy     scikit-learn's own function sets, "fits" and scores it

If the one fit fails, or a cut, members are fitted by themselves, and so fail as they do in scikit-learn.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sklearn import clone
from sklearn.pipeline import Pipeline

from raysk._compat import sklearn as sklearn_private
from raysk.plans.contained import CONTAINED, place_in

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

NOT_SCORED = {"verbose": 0, "return_train_score": False, "error_score": 0.0}
"""What scikit-learn's function is told besides, where nobody sees what it returns."""


@dataclass(frozen=True)
class Copy:
    """What a member of a family would have been fitted to.

    Parameters
    ----------
    fitted : estimator
    fit_time : float
        In seconds. Where work grows with size, as with the number of trees, its share of the one fit's time; else
        the whole.
    """

    fitted: Any
    fit_time: float

    def stand_in(self, estimator: Any) -> Any:
        """Return the estimator; when it is fitted, it becomes this copy."""

        def fit(*_: Any, **__: Any) -> None:
            vars(estimator).clear()  # this function too
            vars(estimator).update(vars(self.fitted))

        estimator.fit = fit
        return estimator


def fit_family(  # noqa: PLR0913, PLR0917 - those of scikit-learn's function, and the family
    fresh: Callable[[], Any],
    X: Any,
    y: Any,
    members: Sequence[dict[str, Any]],
    arguments: Mapping[str, Any],
    split: Callable[..., Any] | None = None,
) -> list[Copy | None]:
    """Fit a family's one fit, and cut it.

    Parameters
    ----------
    fresh : callable
        Returns the estimator that parameters are set on, a new one each time.
    X, y : array-like
        All rows.
    members : sequence of dict
        Their parameters, those of the largest first.
    arguments : mapping of str to object
        Those of scikit-learn's function that fits and scores, for the first member.
    split : callable or None
        Takes the rows of a split; None means scikit-learn's function.

    Returns
    -------
    copies : list of Copy or None
        None where a member must be fitted by itself.
    """
    estimator = fresh()
    place = place_in(estimator)
    if place is None:
        return [None] * len(members)
    values = [each[place.parameter] for each in members]
    one = {**members[0], place.parameter: place.row.fits(values)}
    fitted: list[Any] = []
    fit = sklearn_private.fit_unscored(fitted.append, split)
    result = fit(estimator, X, y, **{**arguments, **NOT_SCORED, "parameters": one})
    if not fitted:
        return [None] * len(members)
    shares = [place.row.share(value, values[0]) for value in values]
    copies = [_try_to_cut(fitted[0], place.parameter, value) for value in values]
    times = [result["fit_time"] * share for share in shares]
    return [None if copy is None else Copy(copy, time) for copy, time in zip(copies, times, strict=True)]


def _try_to_cut(fitted: Any, parameter: str, value: Any) -> Any:
    """Return a fitted estimator cut to a size; None if that fails in any way."""
    try:
        return cut(fitted, parameter, value)
    except Exception:  # noqa: BLE001 - scikit-learn's own fit of this size will do, or tell
        return None


def cut(fitted: Any, parameter: str, value: Any) -> Any:
    """Return a copy of a fitted estimator that is what scikit-learn fits with another value of a parameter.

    Parameters
    ----------
    fitted : estimator
        Of a class in `raysk.plans.contained.CONTAINED`, or around one.
    parameter : str
        Its name, as ``set_params`` has it.
    value : object
    """
    copy = _shallow_copy(fitted)
    if type(copy) in CONTAINED:
        setattr(copy, parameter, value)
        CONTAINED[type(copy)].cut(copy)
        return copy
    inner = parameter.partition("__")[2]
    if type(copy) is Pipeline:
        *before, (last, final) = copy.steps
        own = [(name, _shallow_copy(step) if hasattr(step, "fit") else step) for name, step in before]
        copy.steps = [*own, (last, cut(final, inner, value))]  # a scorer may fit them again, where they stand
    else:
        copy.regressor = clone(copy.regressor).set_params(**{inner: value})
        copy.regressor_ = cut(copy.regressor_, inner, value)
    return copy


def _shallow_copy(estimator: Any) -> Any:
    """Return a copy with the same attributes; copying it as pickle does would add scikit-learn's version to them."""
    copy = object.__new__(type(estimator))
    vars(copy).update(vars(estimator))
    return copy
