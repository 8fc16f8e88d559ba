"""An estimator with no parallel part, fitted on one worker."""

from __future__ import annotations

import warnings
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import numpy as np

from raysk.events import Remark, WorkDone, WorkPlanned
from raysk.plans import warned
from raysk.pool import Task

if TYPE_CHECKING:
    from collections.abc import Mapping

    from raysk.pool import Pool
    from raysk.pool.shared import Shared


def suits(estimator: Any, fit_params: Mapping[str, Any]) -> bool:  # noqa: ARG001 - every plan is asked this
    """Tell whether this plan can fit the estimator: it can fit any."""
    return True


def fit(pool: Pool, estimator: Any, X: Any, y: Any, fit_params: Mapping[str, Any]) -> Any:
    """Fit on one worker and give the estimator the state it has there; see `raysk.plans.fit`."""
    data = pool.share(SimpleNamespace(X=X, y=y, fit_params=dict(fit_params)))
    try:
        return fit_on(pool, estimator, data)
    finally:
        pool.release([data])


def fit_on(pool: Pool, estimator: Any, data: Shared) -> Any:
    """Fit on a worker that finds the data in a shared object.

    Parameters
    ----------
    pool : Pool
    estimator : estimator
    data : Shared
        An object with ``X``, ``y`` and ``fit_params``.
    """
    from sklearn import get_config

    pool.sink(Remark(text=f"{type(estimator).__name__} has no parallel part: it is fitted on one worker."))
    pool.sink(WorkPlanned(unit="fit", units=1))
    settings = (get_config(), list(warnings.filters))
    fitted, heard = pool.submit(Task(function=_fit, args=(estimator, data, settings))).result()
    warned.Repeater().warn(heard)
    pool.sink(WorkDone(units=1))
    _take_over(estimator, fitted)
    return estimator


def _take_over(estimator: Any, fitted: Any) -> None:
    """Give an estimator the state of its fitted twin.

    What the person may hold on to besides it - a step of a pipeline, a RandomState - stays that object, and gets
    its own twin's state: scikit-learn would have changed it in place.
    """
    twins = fitted.get_params(deep=True)
    for name, part in estimator.get_params(deep=True).items():
        twin = twins.get(name)
        if isinstance(part, np.random.RandomState) and isinstance(twin, np.random.RandomState):
            part.set_state(twin.get_state())
        elif _is_estimator(part) and type(part) is type(twin):
            _update(part, twin)
    _update(estimator, fitted)


def _update(estimator: Any, fitted: Any) -> None:
    own = {name for name, value in estimator.get_params(deep=False).items() if _is_held(value)}
    vars(estimator).update({name: value for name, value in vars(fitted).items() if name not in own})


def _is_held(value: Any) -> bool:
    """Tell whether a parameter is, or is a list of, objects that keep a state of their own."""
    if isinstance(value, list | tuple):
        return any(_is_held(each) for each in value)
    return isinstance(value, np.random.RandomState) or _is_estimator(value)


def _is_estimator(value: Any) -> bool:
    return hasattr(value, "get_params") and not isinstance(value, type)


def _fit(estimator: Any, data: Any, settings: tuple[dict[str, Any], list[Any]]) -> tuple[Any, list[warned.Warned]]:
    """Fit on the worker; return the estimator and what it warned of."""
    from sklearn import config_context

    config, filters = settings
    with config_context(**config), warned.listening(filters) as heard:
        args = (data.X,) if data.y is None else (data.X, data.y)
        estimator.fit(*args, **data.fit_params)  # which should return it, and may forget to
        return estimator, warned.taken(heard)
