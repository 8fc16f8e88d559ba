"""The metric, the scores and the best candidate of a finished search."""

from __future__ import annotations

import math
from typing import Any

from raysk.results.selection import OneStandardError
from raysk.source.objects import is_search


def chooses_by_score(refit: Any) -> bool:
    """Tell whether a search's ``refit`` chooses by the scores; a function of the person's own may go by anything."""
    return not callable(refit) or isinstance(refit, OneStandardError)


def deciding_metric(refit: Any) -> str | None:
    """Return the one of several metrics that decides; None where none does."""
    return refit if isinstance(refit, str) else refit.metric if isinstance(refit, OneStandardError) else None


def has_score(search: Any) -> bool:
    """Tell whether a candidate of a finished search has a finite mean score, by the metric that decides if one does.

    Parameters
    ----------
    search : BaseSearchCV
        With `cv_results_`; or any other estimator.

    Returns
    -------
    bool
        Also True where the person's own function chooses the best, as it may go by anything, and of what is no search.
    """
    import numpy as np

    if not is_search(search) or not hasattr(search, "cv_results_") or not chooses_by_score(search.refit):
        return True
    results = search.cv_results_
    name = _deciding(search)
    columns = [f"mean_test_{name}"] if name is not None else [each for each in results if each.startswith("mean_test_")]
    return any(bool(np.isfinite(results[each]).any()) for each in columns)


def best_of(search: Any) -> dict[str, Any]:
    """Describe the best candidate of a finished search, as its summary, manifest and model have it.

    Parameters
    ----------
    search : BaseSearchCV
        With `cv_results_`.

    Returns
    -------
    dict
        ``metric``, by its name; ``best_score``, the mean over the splits, ``best_score_std``, ``best_train_score``,
        ``best_params`` and ``best_index``; of several metrics ``scores``, each with ``mean``, ``std`` and
        ``train_mean``. ``selection`` says what the best was chosen from, where that is not the one with the best score.
        None stands for what there is not; nothing is best where no candidate has a finite score.
    """
    facts: dict[str, Any] = dict.fromkeys(
        ("best_score", "best_score_std", "best_train_score", "best_params", "best_index", "scores", "selection")
    )
    facts = {"metric": metric_name(search), **facts}
    index = getattr(search, "best_index_", None)
    if index is None or not has_score(search):
        return facts
    facts |= {"best_index": int(index), "best_params": search.cv_results_["params"][index]}
    if search.multimetric_:
        names = [each.removeprefix("mean_test_") for each in search.cv_results_ if each.startswith("mean_test_")]
        facts["scores"] = {name: _scores(search, name) for name in names}
    if isinstance(search.refit, OneStandardError):
        facts["selection"] = {"rule": "1se", **search.refit.explain(search.cv_results_)}
    name = _deciding(search)
    decided = {} if name is None else _scores(search, name)
    facts |= {"best_score": decided.get("mean"), "best_score_std": decided.get("std")}
    return facts | {"best_train_score": decided.get("train_mean")}


def metric_name(search: Any) -> str | None:
    """Return the name of the metric that decides, as scikit-learn has it; None where none does."""
    if getattr(search, "multimetric_", False):
        return _deciding(search)
    if search.scoring is None:
        return _own_score(search.estimator)
    return search.scoring if isinstance(search.scoring, str) else _scorer_name(search.scoring)


def expected_metric(search: Any) -> str | None:
    """Return the name of the metric that will decide, of a search that is not fitted yet; None where that is unknown.

    Of several metrics ``refit`` names one, or none decides.
    """
    scoring = search.scoring
    if isinstance(scoring, list | tuple | set | dict):
        return deciding_metric(search.refit)
    return metric_name(search)


def _deciding(search: Any) -> str | None:
    """Return what the metric that decides is called in `cv_results_`."""
    if not getattr(search, "multimetric_", False):
        return "score"
    return deciding_metric(search.refit)


def _scores(search: Any, name: str) -> dict[str, float | None]:
    kinds = {"mean": f"mean_test_{name}", "std": f"std_test_{name}", "train_mean": f"mean_train_{name}"}
    results, index = search.cv_results_, search.best_index_
    return {kind: _number(results[column][index]) if column in results else None for kind, column in kinds.items()}


def _number(value: Any) -> float | None:
    return float(value) if math.isfinite(value) else None


def _own_score(estimator: Any) -> str:
    """Name what an estimator's own ``score`` is: scikit-learn's for classifiers and regressors, or its own."""
    from sklearn.base import ClassifierMixin, RegressorMixin

    steps = getattr(estimator, "steps", None)
    last = steps[-1][1] if steps else estimator
    method = getattr(type(last), "score", None)
    known = {ClassifierMixin.score: "accuracy", RegressorMixin.score: "r2"}
    return known.get(method, f"{type(last).__name__}.score")


def _scorer_name(scoring: Any) -> str:
    """Name a scorer: the function that it is, or is made of."""
    function = getattr(scoring, "_score_func", scoring)
    name = getattr(function, "__name__", type(scoring).__name__)
    return f"neg_{name}" if getattr(scoring, "_sign", 1) < 0 else name
