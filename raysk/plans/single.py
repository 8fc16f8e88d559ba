"""An estimator with no parallel part, fitted on one worker."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

from raysk.events import Remark, WorkDone, WorkPlanned
from raysk.plans import state, warned
from raysk.pool import Task

if TYPE_CHECKING:
    from collections.abc import Mapping

    from raysk.pool import Pool


def suits(estimator: Any, fit_params: Mapping[str, Any]) -> bool:  # noqa: ARG001 - every plan is asked this
    """Tell whether this plan can fit the estimator: it can fit any."""
    return True


def fit(pool: Pool, estimator: Any, X: Any, y: Any, fit_params: Mapping[str, Any]) -> None:
    """Fit on one worker, and bring home what changes there; see `raysk.plans.fit`."""
    from sklearn import get_config

    pool.sink(Remark(text=f"{type(estimator).__name__} has no parallel part: it is fitted on one worker."))
    pool.sink(WorkPlanned(unit="fit", units=1))
    here = state.parts(estimator)
    data = pool.share((X, y, dict(fit_params)))
    try:
        settings = (get_config(), list(warnings.filters))
        task = Task(function=_fit, args=(estimator, tuple(here), data, settings))
        changes, heard = pool.submit(task).result()
    finally:
        pool.release([data])
    warned.Repeater().warn(heard)
    pool.sink(WorkDone(units=1))
    state.bring_home(changes, here)


def _fit(
    estimator: Any,
    places: tuple[state.Place, ...],
    data: tuple[Any, Any, dict[str, Any]],
    settings: tuple[dict[str, Any], list[Any]],
) -> tuple[state.Changes, list[warned.Warned]]:
    """Fit on the worker; return what has changed in the estimator, and what the fit warned of."""
    from sklearn import config_context

    X, y, fit_params = data
    config, filters = settings
    record = state.Record(estimator, places)
    with config_context(**config), warned.listening(filters) as heard:
        estimator.fit(*((X,) if y is None else (X, y)), **fit_params)
        return record.changes(), warned.taken(heard)
