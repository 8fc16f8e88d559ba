"""An estimator that scikit-learn's callbacks (1.9) watch: its own ``fit`` runs here, in one piece.

Callbacks are told of each task by scikit-learn's own loops, and tell of what they hear in this process, or through a
socket of this machine. A fit that a worker did for us would be a run of its own to them; on another machine they are
not heard at all.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

import joblib

from raysk._compat import sklearn as sklearn_private
from raysk.errors import UsageError
from raysk.plans import one_job
from raysk.plans.parts import call_fit, parts

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from raysk.jobs import Limits
    from raysk.pool import Pool


def suits(estimator: Any, _: Mapping[str, Any]) -> str | None:
    """Return why not: no callbacks are set on the estimator, nor on any part of it."""
    return None if _callbacks(estimator) else "no callback of scikit-learn's is set on it"


def refuse_options(estimator: Any, limits: Limits | None, seeds: Sequence[Any] = ()) -> None:
    """Raise a `UsageError` for limits and seeds of a search, which scikit-learn's own loop does not have."""
    options = [*([] if limits is None else limits.options), *(["--seed-from"] if seeds else [])]
    if options:
        raise UsageError(
            f"{options[0]}: scikit-learn's callbacks are set in this {type(estimator).__name__}, so that its "
            "own loop runs, which cannot do that.\nLeave out one of the two."
        )


def remark(pool: Pool, estimator: Any) -> str:
    """Return where the estimator's own fit runs."""
    where = "its parallel calls run on workers" if _can_be_spread(pool, estimator) else "on this machine"
    return f"{type(estimator).__name__} has scikit-learn callbacks: its own fit runs here in one piece, {where}."


def fit(pool: Pool, estimator: Any, X: Any, y: Any, fit_params: Mapping[str, Any]) -> None:
    """Call the estimator's own ``fit``, with its joblib calls on workers where callbacks are heard from there.

    See `raysk.plans.fit`.
    """
    with _spread_on(pool) if _can_be_spread(pool, estimator) else contextlib.nullcontext():
        try:
            call_fit(estimator, X, y, fit_params)
        except ValueError as error:
            if told := sklearn_private.all_fits_failed(error):
                raise told from None
            raise


def _callbacks(estimator: Any) -> list[Any]:
    return [callback for part in parts(estimator) for callback in sklearn_private.callbacks(part)]


def _can_be_spread(pool: Pool, estimator: Any) -> bool:
    """Tell whether callbacks are heard from workers: scikit-learn's own are, on this machine."""
    if one_job.suits(estimator, {}) is None:
        return False
    return pool.here and all(type(each).__module__.startswith("sklearn.") for each in _callbacks(estimator))


def _spread_on(pool: Pool) -> Any:
    from raysk.plans.joblib_backend import RayskBackend

    return joblib.parallel_config(backend=RayskBackend(lambda: pool), n_jobs=-1)
