"""The largest value that the metric of a search can have: a candidate that cannot reach the best is given up.

The maxima are those of scikit-learn's documentation ("Metrics and scoring", and the page of each function).
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from sklearn import metrics
from sklearn.base import ClassifierMixin, RegressorMixin
from sklearn.model_selection import GridSearchCV, RandomizedSearchCV

from raysk._compat import sklearn as sklearn_private
from raysk.errors import UsageError
from raysk.source.objects import grids_of
from raysk.util.words import join_names, printable

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from raysk.jobs import Shortcuts

AT_MOST_ONE = {
    *("accuracy_score", "balanced_accuracy_score", "top_k_accuracy_score", "matthews_corrcoef", "cohen_kappa_score"),
    *("f1_score", "fbeta_score", "precision_score", "recall_score", "jaccard_score"),
    *("roc_auc_score", "average_precision_score", "ndcg_score"),
    *("r2_score", "explained_variance_score"),
    *("d2_absolute_error_score", "d2_pinball_score", "d2_tweedie_score", "d2_log_loss_score", "d2_brier_score"),
    *("adjusted_mutual_info_score", "normalized_mutual_info_score", "adjusted_rand_score", "rand_score"),
    *("fowlkes_mallows_score", "homogeneity_score", "completeness_score", "v_measure_score"),
}
"""Functions of `sklearn.metrics` whose best value is 1."""

AT_LEAST_ZERO = {
    *("mean_squared_error", "root_mean_squared_error", "mean_absolute_error", "median_absolute_error", "max_error"),
    *("mean_squared_log_error", "root_mean_squared_log_error", "mean_absolute_percentage_error"),
    *("mean_pinball_loss", "mean_poisson_deviance", "mean_gamma_deviance", "mean_tweedie_deviance"),
    *("log_loss", "brier_score_loss", "hinge_loss", "hamming_loss", "zero_one_loss"),
}
"""Those whose best value is 0, and that no scorer makes greater: as scores they are negative."""


def maximum(scorers: Any, metric: str | None, candidates: Iterable[Mapping[str, Any]] = ()) -> float | None:
    """Return the largest value of the metric that decides; None if that is not known.

    Parameters
    ----------
    scorers : object
        scikit-learn's scorers, as ``BaseSearchCV._get_scorers`` returns them.
    metric : str or None
        The name of the one that decides, where there are several.
    candidates : iterable of mapping of str to object
        An estimator's own ``score`` is that of whichever estimator a candidate names.
    """
    scorer = sklearn_private.scorers_by_name(scorers).get(metric or "score")
    if scorer is None:
        return None
    estimator = sklearn_private.scored_by_itself(scorer)
    if estimator is None:
        return _of_function(*sklearn_private.score_function(scorer))
    named = (value for params in candidates for value in params.values() if hasattr(value, "get_params"))
    return 1.0 if all(map(_scores_like_scikit_learn, (estimator, *named))) else None


def _of_function(function: Any, sign: int, options: Mapping[str, Any]) -> float | None:
    name = getattr(function, "__name__", "")
    if getattr(metrics, name, None) is not function or options.get("normalize") is False:
        return None
    if sign > 0 and name in AT_MOST_ONE:
        return 1.0
    return 0.0 if sign < 0 and name in AT_LEAST_ZERO else None


def _scores_like_scikit_learn(estimator: Any) -> bool:
    """Tell whether an estimator's own score is accuracy, R2 or D2; a pipeline has that of its last step."""
    steps = getattr(estimator, "steps", None)
    if steps:
        return _scores_like_scikit_learn(steps[-1][1])
    score = getattr(type(estimator), "score", None)
    if score is None:
        return hasattr(estimator, "fit")  # a step in the middle has none
    return score in {ClassifierMixin.score, RegressorMixin.score} or score in _own_scores()


def _own_scores() -> set[Any]:
    """Return the methods of scikit-learn's own classes that are written anew, as accuracy, R2 or D2."""
    from sklearn.dummy import DummyClassifier, DummyRegressor
    from sklearn.linear_model import TweedieRegressor
    from sklearn.neighbors import KNeighborsClassifier, RadiusNeighborsClassifier

    classes = (DummyClassifier, DummyRegressor, TweedieRegressor, KNeighborsClassifier, RadiusNeighborsClassifier)
    return {each.score for each in classes}


def is_whole(search: Any) -> bool:
    """Tell whether a search knows all its candidates when it begins; halving, and one of the person's own, may not."""
    return type(search)._run_search in {GridSearchCV._run_search, RandomizedSearchCV._run_search}


def bound(search: Any, shortcuts: Shortcuts) -> float:
    """Return the largest score of a search's metric, or say why it cannot be pruned; infinity if it need not be known.

    Parameters
    ----------
    search : BaseSearchCV
    shortcuts : Shortcuts

    Raises
    ------
    UsageError
    """
    reason = None if shortcuts.prune is None else _reason_against(search)
    if reason is not None:
        raise UsageError(f"--prune {shortcuts.prune}: {reason}")
    if shortcuts.prune != "exact":
        return math.inf
    if shortcuts.score_max is not None:
        return shortcuts.score_max
    scorers, metric = search._get_scorers()
    lists = (item for grid in grids_of(search) for item in grid.items() if not hasattr(item[1], "rvs"))
    candidates = ({name: value} for name, values in lists for value in values)
    known = maximum(scorers, search.refit if isinstance(search.refit, str) else metric, candidates)
    if known is None:
        raise UsageError(
            f"--prune exact: the largest value of the metric {_said(search)} is not known.\n"
            "If it has one, name it: --score-max 1 (0 for an error, as greater is better), "
            "or use --prune race, which needs none."
        )
    return known


def _reason_against(search: Any) -> str | None:
    """Return why a search has no winner that is known by a mean score, or decides by scores itself."""
    if not is_whole(search):
        name = type(search).__name__
        return f"{name} chooses its candidates by scores itself, so all are needed.\nLeave out --prune, or --method."
    if callable(search.refit):
        return (
            "a function chooses the best, the search's refit or --select 1se, and may choose by anything.\n"
            "Leave out --prune, or --select; or let refit be True or a metric's name."
        )
    several = isinstance(search.scoring, list | tuple | set | dict)
    if several and not isinstance(search.refit, str):
        names = join_names(map(str, search.scoring))
        return f"none of the search's metrics says which candidate is best.\nLet refit name one of {names}."
    return None


def _said(search: Any) -> str:
    """Return the name of the metric that decides."""
    if isinstance(search.refit, str):
        return printable(search.refit)
    if search.scoring is None:
        return f"of {type(search.estimator).__name__}.score"
    return printable(str(getattr(search.scoring, "__name__", search.scoring)))
