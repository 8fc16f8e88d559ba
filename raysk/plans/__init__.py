"""The ways to spread a job over the pool.

watched.py          whatever scikit-learn callbacks watch: its own fit, here
search.py           any *SearchCV: candidates x splits
forest.py           random forests and extra trees: sub-forests with scikit-learn's own seeds
one_job.py          an estimator whose answer depends on its number of jobs: in one piece
joblib_backend.py   every other estimator that uses joblib inside, fitted here with our backend
single.py           an estimator with no part to spread, fitted on one worker with all CPUs of its node that are idle

Each plan has ``suits(estimator, fit_params)`` and ``fit(pool, estimator, X, y, fit_params)``, which fits the estimator
in place; `fit` below asks them in that order. What is fitted elsewhere is brought home by state.py.
"""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any

from raysk.errors import CallError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from types import ModuleType

    from raysk.jobs import Limits
    from raysk.pool import Pool
    from raysk.runs.journal import Journal


def fit(  # noqa: PLR0913 - those of scikit-learn's fit, where it runs, and what it remembers
    pool: Pool,
    estimator: Any,
    X: Any,
    y: Any,
    fit_params: Mapping[str, Any],
    *,
    journal: Journal | None = None,
    limits: Limits | None = None,
) -> Any:
    """Fit an estimator, which may be a search, by the first plan that suits it.

    Parameters
    ----------
    pool : Pool
    estimator : estimator
    X : array-like of shape (n_samples, n_features)
    y : array-like of shape (n_samples,) or (n_samples, n_outputs), or None
    fit_params : mapping of str to object
        Passed to the estimator's ``fit``.
    journal : Journal or None
        Where a search keeps its finished fits, and finds those of an earlier run. None keeps nothing.
    limits : Limits or None
        When a search ends though not all its fits are done. None means never.

    Returns
    -------
    estimator : estimator
        The same object, fitted, whatever its own `fit` returns. Of a search that ended early, `cv_results_` has the
        candidates that were done.

    Raises
    ------
    KeyboardInterrupt, SystemExit, TooManyFailures
        If a search is interrupted, or more of its fits failed than the limits allow; it then has `cv_results_` as
        above, and a `best_estimator_` only if the limits say so.
    NothingFinished
        If a search ended early with no candidate done.
    CallError
        If the estimator's `fit` does not take these arguments.
    """
    from raysk.plans import search, watched

    _check_call(estimator.fit, (X,) if y is None else (X, y), fit_params)
    plan = choose(estimator, fit_params)
    if plan is watched:
        watched.fit(pool, estimator, X, y, fit_params, limits=limits)
    elif plan is search:
        search.fit(pool, estimator, X, y, fit_params, journal=journal, limits=limits)
    else:
        plan.fit(pool, estimator, X, y, fit_params)
    return estimator


def choose(estimator: Any, fit_params: Mapping[str, Any]) -> ModuleType:
    """Return the first plan that suits an estimator."""
    from raysk.plans import forest, joblib_backend, one_job, search, single, watched

    plans = (watched, search, forest, one_job, joblib_backend, single)
    return next(plan for plan in plans if plan.suits(estimator, fit_params))


def _check_call(method: Any, args: tuple[Any, ...], fit_params: Mapping[str, Any]) -> None:
    """Raise if a person's own `fit` cannot be called so: the frame that failed would be ours."""
    try:
        signature = inspect.signature(method)
    except (TypeError, ValueError):  # it does not tell
        return
    try:
        signature.bind(*args, **fit_params)
    except TypeError as error:
        given = ", ".join([*["X", "y"][: len(args)], *fit_params])
        said = f"{method.__qualname__}{signature} cannot be called with ({given}): {error}."
        if len(args) == 1 and "'y'" in str(error):  # scikit-learn's own words for it
            said += f"\n{type(method.__self__).__name__} requires y to be passed, but the target y is None."
        raise CallError(said) from error
