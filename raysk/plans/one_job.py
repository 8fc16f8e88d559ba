"""An estimator whose answer depends on how many jobs its own ``fit`` believes to have: it is fitted in one piece.

The answer is that of the ``n_jobs`` which the person says: of one job, on a worker; of more, here, as without raysk.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from raysk.events import Remark
from raysk.plans import single
from raysk.plans.parts import parameters, parts

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


def suits(estimator: Any, fit_params: Mapping[str, Any]) -> bool:  # noqa: ARG001 - every plan is asked this
    """Tell whether the number of jobs matters to the estimator, or to a part of it."""
    return next(_concerned(estimator), None) is not None


def fit(pool: Pool, estimator: Any, X: Any, y: Any, fit_params: Mapping[str, Any]) -> None:
    """Fit in one piece; see `raysk.plans.fit`."""
    concerned = list(_concerned(estimator))
    part, why = concerned[0]
    text = f"The number of jobs changes the answer of {type(part).__name__}, which {why}: "
    if all(parameters(part).get("n_jobs") in {None, 1} for part, _ in concerned):
        text += "it is fitted in one piece, on one worker."
        single.fit_alone(pool, estimator, (X, y, fit_params), text, one_job=True)
        return
    pool.sink(Remark(text=f"{text}it is fitted here, with its own n_jobs."))
    estimator.fit(*((X,) if y is None else (X, y)), **fit_params)


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
