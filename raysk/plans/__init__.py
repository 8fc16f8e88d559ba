"""The ways to spread a job over the pool.

search.py           any *SearchCV: candidates x splits
forest.py           random forests and extra trees: sub-forests with scikit-learn's own seeds
joblib_backend.py   every other estimator that uses joblib inside, fitted here with our backend
single.py           an estimator with no parallel part, fitted on one worker

Each plan has ``suits(estimator, fit_params)`` and ``fit(pool, estimator, X, y, fit_params)``, which returns the fitted
estimator; `fit` below asks them in that order.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from raysk.pool import Pool


def fit(pool: Pool, estimator: Any, X: Any, y: Any, fit_params: Mapping[str, Any]) -> Any:
    """Fit an estimator, which may be a search, by the first plan that suits it.

    Parameters
    ----------
    pool : Pool
    estimator : estimator
    X : array-like of shape (n_samples, n_features)
    y : array-like of shape (n_samples,) or (n_samples, n_outputs), or None
    fit_params : mapping of str to object
        Passed to the estimator's ``fit``.

    Returns
    -------
    estimator : estimator
        The same object, fitted.
    """
    from raysk.plans import forest, joblib_backend, search, single

    plan = next(plan for plan in (search, forest, joblib_backend, single) if plan.suits(estimator, fit_params))
    return plan.fit(pool, estimator, X, y, fit_params)
