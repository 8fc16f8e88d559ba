"""An estimator with no part to spread, fitted on one worker, with the CPUs of idle ones beside it."""

from __future__ import annotations

import contextlib
import warnings
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import joblib
from sklearn.utils import check_random_state

from raysk.events import Remark, WorkDone, WorkPlanned
from raysk.plans import fitted_state, places, relayed_warnings
from raysk.plans.parts import call_fit
from raysk.pool import Task

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from raysk.pool import Pool


def suits(_: Any, __: Mapping[str, Any]) -> None:
    """Return nothing: any estimator can be fitted so."""


def remark(_: Pool, estimator: Any) -> str:
    """Return where the estimator is fitted."""
    name = type(estimator).__name__
    return f"{name} has no part to spread: it is fitted on one worker, with all CPUs of the node that are idle."


class Stored:
    """The data of a fit, here and in the store, until it is released.

    Parameters
    ----------
    pool : Pool
    X, y, fit_params : object
    content : object or None
        What is put into the store, with these attributes; None means an object of nothing else.

    Attributes
    ----------
    shared : Shared or None
        None once it is released.
    """

    def __init__(self, pool: Pool, X: Any, y: Any, fit_params: Mapping[str, Any], content: Any = None) -> None:
        self.X, self.y, self.fit_params = X, y, dict(fit_params)
        self._pool = pool
        values = SimpleNamespace(X=X, y=y, fit_params=self.fit_params) if content is None else content
        self.shared: Any = pool.share(values)

    def release(self, *, now: bool = True) -> None:
        """Let the workers forget it, and the store; `now`, or with their next task. May be called twice."""
        if self.shared is not None:
            self._pool.release([self.shared], now=now)
            self.shared = None


def fit(  # noqa: PLR0913 - see `raysk.plans.fit`
    pool: Pool, estimator: Any, X: Any, y: Any, fit_params: Mapping[str, Any], *, one_job: bool = False
) -> None:
    """Fit on one worker, and bring home what changes there; see `raysk.plans.fit` and `fit_stored`."""
    data = Stored(pool, X, y, fit_params)
    try:
        fit_stored(pool, estimator, data, one_job=one_job)
    finally:
        data.release(now=False)


def fit_stored(pool: Pool, estimator: Any, data: Stored, *, one_job: bool = False) -> None:
    """Fit on a worker that finds the data in the store, and bring home what changes there.

    What cannot be brought home because it cannot be changed where it stands is fitted again, here.

    Parameters
    ----------
    pool : Pool
    estimator : estimator
    data : Stored
    one_job : bool
        Whether calls inside the fit are made one by one, however many CPUs the worker has.
    """
    from sklearn import get_config

    pool.sink(WorkPlanned(unit="fit", units=1))
    here = places.parts(estimator)
    settings = (get_config(), list(warnings.filters), _global_random(), one_job)
    task = Task(function=_fit, args=(estimator, tuple(here), data.shared, settings), lone=True)
    outcome = pool.submit(task).result()
    if outcome["stuck"]:
        kinds = ", ".join(outcome["stuck"])
        text = f"{type(estimator).__name__} changes what was given to it ({kinds}) where only this process can"
        pool.sink(Remark(text=f"{text}: it is fitted here."))
        call_fit(estimator, data.X, data.y, data.fit_params)
    else:
        relayed_warnings.Repeater().warn(outcome["heard"])
        fitted_state.bring_home(outcome["changes"], here)
        if outcome["random"] is not None:
            check_random_state(None).set_state(outcome["random"])
    pool.sink(WorkDone(units=1))


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


def _fit(estimator: Any, places: tuple[places.Place, ...], data: Any, settings: tuple[Any, ...]) -> dict[str, Any]:
    """Fit on the worker.

    Returns
    -------
    outcome : dict
        ``changes`` in the estimator; what the fit ``heard`` of warnings; where it left numpy's global ``random``
        generator, None if it was not carried; what is ``stuck``, as `fitted_state.Record.stuck` names it.
    """
    from sklearn import config_context

    config, filters, random, one_job = settings
    jobs = joblib.parallel_config(backend="sequential") if one_job else contextlib.nullcontext()
    record = fitted_state.Record(estimator, places)
    with config_context(**config), relayed_warnings.listening(filters) as heard, _drawing_from(random), jobs:
        call_fit(estimator, data.X, data.y, data.fit_params)
        if stuck := record.stuck():
            return {"stuck": stuck}
        drawn = None if random is None else _global_random()
        return {
            "stuck": [],
            "changes": record.changes(),
            "heard": relayed_warnings.pop_warnings(heard),
            "random": drawn,
        }
