"""An estimator with no parallel part, fitted on one worker."""

from __future__ import annotations

import copy
import warnings
from typing import TYPE_CHECKING, Any

from raysk.events import Remark, WorkDone, WorkPlanned
from raysk.plans import warned
from raysk.pool import Task

if TYPE_CHECKING:
    from collections.abc import Mapping

    from raysk.pool import Pool


def suits(estimator: Any, fit_params: Mapping[str, Any]) -> bool:  # noqa: ARG001 - every plan is asked this
    """Tell whether this plan can fit the estimator: it can fit any."""
    return True


def fit(pool: Pool, estimator: Any, X: Any, y: Any, fit_params: Mapping[str, Any]) -> Any:
    """Fit on one worker and give the estimator the state it has there; see `raysk.plans.fit`."""
    from sklearn import get_config

    pool.sink(Remark(text=f"{type(estimator).__name__} has no parallel part: it is fitted on one worker."))
    pool.sink(WorkPlanned(unit="fit", units=1))
    data = pool.share((X, y, dict(fit_params)))
    try:
        settings = (get_config(), list(warnings.filters))
        fitted, heard = pool.submit(Task(function=_fit, args=(estimator, data, settings))).result()
    finally:
        pool.release([data])
    warned.Repeater().warn(heard)
    pool.sink(WorkDone(units=1))
    vars(estimator).update(vars(fitted))
    return estimator


def _fit(
    estimator: Any, data: tuple[Any, Any, dict[str, Any]], settings: tuple[dict[str, Any], list[Any]]
) -> tuple[Any, list[warned.Warned]]:
    """Fit on the worker; return the estimator and what it warned of."""
    from sklearn import config_context

    config, filters = settings
    with config_context(**config), warned.listening(filters) as heard:
        return _healed_fit(estimator, data), warned.taken(heard)


def _healed_fit(estimator: Any, data: tuple[Any, Any, dict[str, Any]]) -> Any:
    """Fit on arrays that are read-only views into shared memory; on copies where the estimator writes in place."""
    try:
        return _fit_on(copy.deepcopy(estimator), *data)
    except ValueError as error:
        if "read-only" not in str(error):
            raise
        return _fit_on(estimator, *copy.deepcopy(data))


def _fit_on(estimator: Any, X: Any, y: Any, fit_params: dict[str, Any]) -> Any:
    return estimator.fit(X, **fit_params) if y is None else estimator.fit(X, y, **fit_params)
