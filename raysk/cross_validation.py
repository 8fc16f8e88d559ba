"""The public `cross_validate`: scikit-learn's function of that name, with the folds on a cluster."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from raysk.api import run
from raysk.errors import UsageError
from raysk.events import null_sink

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from raysk.events import Sink
    from raysk.jobs import Limits, Resources


def cross_validate(  # noqa: PLR0913 - those of scikit-learn's function, and of `raysk.run`
    estimator: Any,
    X: Any,
    y: Any = None,
    *,
    groups: Any = None,
    scoring: Any = None,
    cv: Any = None,
    params: Mapping[str, Any] | None = None,
    return_train_score: bool = False,
    return_estimator: bool = False,
    return_indices: bool = False,
    error_score: Any = float("nan"),
    address: str | None = None,
    resources: Resources | None = None,
    limits: Limits | None = None,
    run_dir: str | Path | None = None,
    resume: bool | str | Path | None = False,
    resume_anyway: bool = False,
    force: bool = False,
    sink: Sink = null_sink,
) -> dict[str, Any]:
    """Cross-validate an estimator; the answer is that of scikit-learn's ``cross_validate``.

    Parameters
    ----------
    estimator, X, y, groups, scoring, cv, params, return_train_score, return_estimator, return_indices, error_score
        See scikit-learn's function. Its ``n_jobs`` is `resources`.
    address, resources, limits, run_dir, resume, resume_anyway, force, sink
        See `raysk.run`. Of the limits only ``fit_timeout_s`` and ``max_failures`` leave all folds their turn.

    Returns
    -------
    dict of str to array of shape (n_splits,)
        As scikit-learn's: ``fit_time``, ``score_time``, ``test_score`` and others, a value a fold.

    Raises
    ------
    UsageError
        If `estimator` is a search: `raysk.nested` is for these; see also `raysk.run`.
    Exception
        Whatever the estimator's own code raises, if `error_score` is ``"raise"``.
    """
    from sklearn.base import is_classifier

    from raysk.searches.cross_validation import CrossValidation, Splits

    _check(estimator, groups, params, resume=resume, return_estimator=return_estimator)
    splits = Splits(cv, classifier=is_classifier(estimator))
    said = {"scoring": scoring, "error_score": error_score, "return_train_score": return_train_score}
    search = CrossValidation(estimator, cv=splits, return_estimator=return_estimator, **said)
    where: dict[str, Any] = {"address": address, "resources": resources, "limits": limits, "run_dir": run_dir}
    where |= {"resume": resume, "resume_anyway": resume_anyway, "force": force, "sink": sink, "verify": False}
    fit_params = {**(params or {}), **({} if groups is None else {"groups": groups})}
    results: dict[str, Any] = run(search, X, y, fit_params=fit_params, **where).estimator.results_
    if return_indices:
        train, test = zip(*splits.drawn, strict=True)
        results["indices"] = {"train": train, "test": test}
    return results


def _check(
    estimator: Any, groups: Any, params: Mapping[str, Any] | None, *, resume: Any, return_estimator: bool
) -> None:
    """Fail where scikit-learn's function would do something else."""
    from sklearn import get_config

    from raysk.source.objects import is_search

    if is_search(estimator):
        name = type(estimator).__name__
        raise UsageError(f"raysk.cross_validate takes no search, and this is a {name}. Use raysk.nested for it.")
    if groups is not None and get_config()["enable_metadata_routing"]:
        raise UsageError("groups: metadata routing is enabled. Give it as params={'groups': groups}.")
    if groups is None and "groups" in (params or {}) and not get_config()["enable_metadata_routing"]:
        raise UsageError("params has groups, which split the data. Give it as groups=groups.")
    if return_estimator and resume not in {False, None}:
        raise UsageError(
            "return_estimator: a run that goes on has no estimators of folds that are done. Leave one out."
        )
