"""The ways to spread a job over the pool.

callbacks.py        an estimator with scikit-learn callbacks: its own fit, in this process
search.py           any *SearchCV: candidates x splits; its rounds are in rounds.py, their results in round_results.py
forest.py           random forests and extra trees: sub-forests with scikit-learn's own seeds
one_job.py          an estimator whose answer depends on its number of jobs: fitted in one piece
joblib_backend.py   every other estimator that uses joblib inside, fitted here with our backend
single.py           an estimator with no part to spread, fitted on one worker with all CPUs of its node that are idle

Each plan has three functions. `choose` below asks the plans in that order; `fit` passes the remark on.

    suits(estimator, fit_params) -> why it does not suit, in a few words; None if it does
    remark(pool, estimator)      -> a remark for the person on how the estimator is fitted, or None
    fit(pool, estimator, X, y, fit_params)  fits the estimator in place

fitted_state.py brings the state that a worker fitted back to the person's object, part by part (places.py).
"""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any, NamedTuple

from raysk.errors import CallError
from raysk.events import Remark

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from types import ModuleType

    from raysk.jobs import Limits, Shortcuts, Verification
    from raysk.plans.retention import Retention
    from raysk.plans.single import Stored
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
    shortcuts: Shortcuts | None = None,
    verification: Verification | None = None,
    seeds: Sequence[Mapping[str, Any]] = (),
    retention: Retention | None = None,
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
        Stores the finished fits of a search, and has those of an earlier run. None stores nothing.
    limits, shortcuts, verification : Limits, Shortcuts, Verification, or None
        Of a search: what ends it early, which fits need not be done, and which are done again, as a check.
    seeds, retention : sequence of mapping of str to object, Retention or None
        Of a search: the parameters of candidates that it tries first; which estimators are kept.

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
    NothingFinished, CallError
        If a search ended early with no candidate done; if the estimator's `fit` does not take these arguments.
    """
    from raysk.plans import callbacks, search

    _check_call(estimator.fit, (X,) if y is None else (X, y), fit_params)
    choice = choose(estimator, fit_params)
    if choice.plan is callbacks:
        callbacks.refuse_options(estimator, limits, seeds)
    choice.tell(pool, estimator)
    if choice.plan is search:
        said: dict[str, Any] = {"limits": limits, "shortcuts": shortcuts, "verification": verification}
        said |= {"journal": journal, "retention": retention, "seeds": seeds}
        search.fit(pool, estimator, X, y, fit_params, fit_best=_fit_stored, **said)
    else:
        choice.plan.fit(pool, estimator, X, y, fit_params)
    return estimator


def _fit_stored(pool: Pool, estimator: Any, data: Stored) -> None:
    """Fit on data that is in the store, or in its place where the estimator's plan sends another form."""
    from raysk.plans import single

    choice = choose(estimator, data.fit_params)
    if choice.plan is single:
        choice.tell(pool, estimator)
        single.fit_stored(pool, estimator, data)
    else:
        data.release()
        fit(pool, estimator, data.X, data.y, data.fit_params)


class Choice(NamedTuple):
    """The plan that an estimator is fitted by.

    Parameters
    ----------
    plan : module
    passed_over : mapping of module to str
        The plans asked before it, and why they do not suit.
    """

    plan: ModuleType
    passed_over: Mapping[ModuleType, str]

    def tell(self, pool: Pool, estimator: Any) -> None:
        """Say how the estimator is fitted; of a forest, also why its trees are not grown apart."""
        from raysk.plans import forest

        text = self.plan.remark(pool, estimator)
        if text is not None and forest in self.passed_over and type(estimator) in forest.FORESTS:
            text = f"{text.removesuffix('.')} ({self.passed_over[forest]})."
        if text is not None:
            pool.sink(Remark(text=text))


def choose(estimator: Any, fit_params: Mapping[str, Any]) -> Choice:
    """Return the first plan that suits an estimator; the last one suits any."""
    from raysk.plans import callbacks, forest, joblib_backend, one_job, search, single

    passed_over: dict[ModuleType, str] = {}
    for plan in (callbacks, search, forest, one_job, joblib_backend):
        reason = plan.suits(estimator, fit_params)
        if reason is None:
            return Choice(plan, passed_over)
        passed_over[plan] = reason
    return Choice(single, passed_over)


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
