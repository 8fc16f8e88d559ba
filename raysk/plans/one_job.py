"""An estimator whose answer depends on how many jobs its own ``fit`` believes to have: it is fitted in one piece.

The answer is that of the ``n_jobs`` which the person says: of one job, on a worker; of more, here, as without raysk.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from raysk.plans import single
from raysk.plans.parts import call_fit, parameters, parts

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from raysk.pool import Pool

SLICES = "computes a matrix in slices, one a job, that round differently"
MOVES_ON = "draws from the random state that it was given in its parallel calls"

ALWAYS = {
    "LatentDirichletAllocation": "draws in each job for a slice of its documents",
    "MDS": "draws its seeds in another way when there are several jobs",
    "KernelPCA": SLICES,
    "Nystroem": SLICES,
    "SpectralClustering": SLICES,
}
"""Classes of scikit-learn, and why the number of jobs matters."""

WITH_RANDOM_STATE = {
    "ElasticNetCV": MOVES_ON,
    "FeatureUnion": MOVES_ON,
    "LassoCV": MOVES_ON,
    "LogisticRegressionCV": MOVES_ON,
    "MultiTaskElasticNetCV": MOVES_ON,
    "MultiTaskLassoCV": MOVES_ON,
}
"""Classes to which it matters if they, or a part of them, hold an object that random numbers are drawn from."""


def suits(estimator: Any, _: Mapping[str, Any]) -> str | None:
    """Return why not: the number of jobs matters neither to the estimator nor to any part of it."""
    concerned = next(_concerned(estimator), None)
    return "its answer does not depend on the number of jobs" if concerned is None else None


def remark(_: Pool, estimator: Any) -> str:
    """Return which part it is, and where the estimator is fitted for that."""
    part, why = next(_concerned(estimator))
    where = "in one piece, on one worker" if _says_one_job(estimator) else "here, with its own n_jobs"
    return f"The number of jobs changes the answer of {type(part).__name__}, which {why}: it is fitted {where}."


def fit(pool: Pool, estimator: Any, X: Any, y: Any, fit_params: Mapping[str, Any]) -> None:
    """Fit in one piece; see `raysk.plans.fit`."""
    if _says_one_job(estimator):
        single.fit(pool, estimator, X, y, fit_params, one_job=True)
    else:
        call_fit(estimator, X, y, fit_params)


def _says_one_job(estimator: Any) -> bool:
    """Tell whether no part that the number of jobs matters to asks for several."""
    return all(parameters(part).get("n_jobs") in {None, 1} for part, _ in _concerned(estimator))


def _concerned(estimator: Any) -> Iterator[tuple[Any, str]]:
    """Yield the parts to which the number of jobs matters, and why."""
    for part in parts(estimator):
        names = [each.__name__ for each in type(part).__mro__ if each.__module__.startswith("sklearn.")]
        for name in names:
            if name in ALWAYS:
                yield part, ALWAYS[name]
            elif name in WITH_RANDOM_STATE and _holds_random_state(part):
                yield part, WITH_RANDOM_STATE[name]


def _holds_random_state(part: Any) -> bool:
    return any(isinstance(each, np.random.RandomState | np.random.Generator) for each in parts(part))
