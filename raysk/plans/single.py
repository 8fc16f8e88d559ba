"""An estimator with no parallel part, fitted on one worker."""

from __future__ import annotations

import warnings
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from raysk.events import Remark, WorkDone, WorkPlanned
from raysk.plans import state, warned
from raysk.pool import Task

if TYPE_CHECKING:
    from collections.abc import Mapping

    from raysk.pool import Pool
    from raysk.pool.shared import Shared


def suits(estimator: Any, fit_params: Mapping[str, Any]) -> bool:  # noqa: ARG001 - every plan is asked this
    """Tell whether this plan can fit the estimator: it can fit any."""
    return True


def fit(pool: Pool, estimator: Any, X: Any, y: Any, fit_params: Mapping[str, Any]) -> None:
    """Fit on one worker, and bring home what changes there; see `raysk.plans.fit`."""
    data = pool.share(SimpleNamespace(X=X, y=y, fit_params=dict(fit_params)))
    try:
        fit_on(pool, estimator, data)
    finally:
        pool.release([data])


def fit_on(pool: Pool, estimator: Any, data: Shared) -> None:
    """Fit on a worker that finds the data in a shared object, and bring home what changes there.

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
    here = state.parts(estimator)
    settings = (get_config(), list(warnings.filters))
    task = Task(function=_fit, args=(estimator, tuple(here), data, settings))
    changes, heard = pool.submit(task).result()
    warned.Repeater().warn(heard)
    pool.sink(WorkDone(units=1))
    state.bring_home(changes, here)


def _fit(
    estimator: Any, places: tuple[state.Place, ...], data: Any, settings: tuple[dict[str, Any], list[Any]]
) -> tuple[state.Changes, list[warned.Warned]]:
    """Fit on the worker; return what has changed in the estimator, and what the fit warned of."""
    from sklearn import config_context

    config, filters = settings
    record = state.Record(estimator, places)
    with config_context(**config), warned.listening(filters) as heard:
        args = (data.X,) if data.y is None else (data.X, data.y)
        estimator.fit(*args, **data.fit_params)
        return record.changes(), warned.taken(heard)
