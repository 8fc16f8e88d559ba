"""An estimator with no part to spread, fitted on one worker, with the CPUs of idle ones beside it."""

from __future__ import annotations

import contextlib
import warnings
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import joblib
from sklearn.utils import check_random_state

from raysk.events import Remark, WorkDone, WorkPlanned
from raysk.plans import state, warned
from raysk.pool import Task

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from raysk.pool import Pool
    from raysk.pool.shared import Shared


def suits(estimator: Any, fit_params: Mapping[str, Any]) -> bool:  # noqa: ARG001 - every plan is asked this
    """Tell whether this plan can fit the estimator: it can fit any."""
    return True


def fit(pool: Pool, estimator: Any, X: Any, y: Any, fit_params: Mapping[str, Any]) -> None:
    """Fit on one worker, and bring home what changes there; see `raysk.plans.fit`."""
    fit_alone(pool, estimator, (X, y, fit_params), remark(estimator))


def remark(estimator: Any) -> str:
    """Return what is said of an estimator that this plan fits."""
    name = type(estimator).__name__
    return f"{name} has no part to spread: it is fitted on one worker, with all CPUs of the node that are idle."


def fit_alone(pool: Pool, estimator: Any, data: tuple[Any, ...], text: str, *, one_job: bool = False) -> None:
    """Fit on one worker an estimator that may have parallel parts; the parameters are those of `fit_on`."""
    X, y, fit_params = data
    values = SimpleNamespace(X=X, y=y, fit_params=dict(fit_params))
    shared = pool.share(values)
    try:
        fit_on(pool, estimator, (shared, values), text, one_job=one_job)
    finally:
        pool.release([shared])


def fit_on(pool: Pool, estimator: Any, data: tuple[Shared, Any], text: str, *, one_job: bool = False) -> None:
    """Fit on a worker that finds the data in a shared object, and bring home what changes there.

    What cannot be brought home because it cannot be changed where it stands is fitted again, here.

    Parameters
    ----------
    pool : Pool
    estimator : estimator
    data : tuple of Shared and object
        An object with ``X``, ``y`` and ``fit_params``: for the worker, and as it is here.
    text : str
        What is remarked.
    one_job : bool
        Whether calls inside the fit are made one by one, however many CPUs the worker has.
    """
    from sklearn import get_config

    shared, values = data
    pool.sink(Remark(text=text))
    pool.sink(WorkPlanned(unit="fit", units=1))
    here = state.parts(estimator)
    settings = (get_config(), list(warnings.filters), _global_random(), one_job)
    task = Task(function=_fit, args=(estimator, tuple(here), shared, settings), lone=True)
    outcome = pool.submit(task).result()
    if outcome["stuck"]:
        kinds = ", ".join(outcome["stuck"])
        text = f"{type(estimator).__name__} changes what was given to it ({kinds}) where only this process can"
        pool.sink(Remark(text=f"{text}: it is fitted here."))
        _call_fit(estimator, values)
    else:
        warned.Repeater().warn(outcome["heard"])
        state.bring_home(outcome["changes"], here)
        if outcome["random"] is not None:
            check_random_state(None).set_state(outcome["random"])
    pool.sink(WorkDone(units=1))


def _call_fit(estimator: Any, data: Any) -> None:
    estimator.fit(*((data.X,) if data.y is None else (data.X, data.y)), **data.fit_params)


def _global_random() -> dict[str, Any] | None:
    """Return the state of numpy's global generator; None if the person has put another kind in its place."""
    found: Any = check_random_state(None).get_state(legacy=False)
    return found if found["bit_generator"] == "MT19937" else None


@contextlib.contextmanager
def _drawing_from(random: dict[str, Any] | None) -> Iterator[None]:
    """Let numpy's global generator go on, on the worker, where the driver's is."""
    generator = check_random_state(None)
    own = generator.get_state(legacy=False)
    try:
        if random is not None:
            generator.set_state(random)
        yield
    finally:
        generator.set_state(own)


def _fit(estimator: Any, places: tuple[state.Place, ...], data: Any, settings: tuple[Any, ...]) -> dict[str, Any]:
    """Fit on the worker.

    Returns
    -------
    outcome : dict
        ``changes`` in the estimator; what the fit ``heard`` of warnings; where it left numpy's global ``random``
        generator, None if it was not carried; what is ``stuck``, as `state.Record.stuck` names it.
    """
    from sklearn import config_context

    config, filters, random, one_job = settings
    jobs = joblib.parallel_config(backend="sequential") if one_job else contextlib.nullcontext()
    record = state.Record(estimator, places)
    with config_context(**config), warned.listening(filters) as heard, _drawing_from(random), jobs:
        _call_fit(estimator, data)
        if stuck := record.stuck():
            return {"stuck": stuck}
        drawn = None if random is None else _global_random()
        return {"stuck": [], "changes": record.changes(), "heard": warned.taken(heard), "random": drawn}
