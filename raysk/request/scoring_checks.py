"""Refuse scorers that cannot score a kind of target, such as `f1` of ten classes.

Scorers are tried on a dummy that is fitted to a few rows. The dummy predicts classes, probabilities or a mean: a scorer
that fails for it fails for every estimator. Only scikit-learn's own metrics are tried. It takes a few milliseconds.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import Any

from raysk._compat import sklearn as sklearn_private
from raysk.errors import InputError, UsageError
from raysk.results.scores import deciding_metric
from raysk.util.words import join_names, shorten

MOST_SEEN = 100_000
"""Rows of y that are searched for classes, spread evenly."""

MOST_CLASSES, ROWS_EACH = 50, 4
"""Limits of the small y: at most 200 rows. A y with more classes is not checked."""

INSTEAD = {"f1": "f1_macro", "precision": "precision_macro", "recall": "recall_macro", "jaccard": "jaccard_macro"}
INSTEAD |= {"roc_auc": "roc_auc_ovr", "average_precision": "balanced_accuracy", "neg_brier_score": "neg_log_loss"}
"""Metrics to use instead, for more than two classes."""


def check_scoring(search: Any, y: Any, *, said: bool = False) -> None:
    """Raise if no candidate of a search can get the score that decides.

    With `said` the metrics are from ``--scoring``, and each of them must work.

    Raises
    ------
    InputError
    UsageError
        If it is from ``--scoring``.
    """
    tiny = _shrink(y)
    dummy = None if tiny is None or search.scoring is None else _fit_dummy(search.estimator, tiny)
    if dummy is None:
        return
    named = _name_metrics(search.scoring)
    failed = {name: reason for name, each in named.items() if (reason := _find_failure(each, dummy, tiny))}
    decides = deciding_metric(search.refit)
    if not failed:
        return
    name, reason = next(iter(failed.items()))
    if said:
        raise UsageError(f"--scoring {name}: it cannot score this y.\n{shorten(reason)}{_suggest_other(name, tiny)}")
    if decides in failed or len(failed) == len(named):
        name = decides if decides in failed else name
        raise InputError(f"The search's scoring {name!r} cannot score this y.\n{shorten(failed[name])}")
    warnings.warn(f"{join_names(failed)} cannot score this y, and will be nan: {shorten(reason)}", stacklevel=2)


def _suggest_other(name: str, y: Any) -> str:
    known, classes = INSTEAD.get(name), set(y.tolist())
    if len(classes) > len(("one", "other")):
        return f"\nFor several classes there is for example --scoring {known}." if known else ""
    if all(isinstance(each, str) for each in classes):
        return (
            "\nIt does not know which class is the positive one: make y 0 and 1, or say --scoring f1_macro or roc_auc."
        )
    return ""


def _name_metrics(scoring: Any) -> dict[str, Any]:
    """Return the metrics of a search by name: names of scorers, or functions."""
    if isinstance(scoring, Mapping):
        return {str(name): each for name, each in scoring.items()}
    if isinstance(scoring, list | tuple | set):
        return {str(name): name for name in scoring}
    return {scoring if isinstance(scoring, str) else "score": scoring}


def _find_failure(metric: Any, dummy: Any, y: Any) -> str | None:
    """Return why a scorer of scikit-learn's raises; None if it does not, or is a person's own."""
    import numpy as np
    from sklearn.metrics import get_scorer

    scorer = get_scorer(metric) if isinstance(metric, str) else metric
    if not sklearn_private.scores_predictions(scorer):
        return None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            scorer(dummy, np.zeros((len(y), 1)), y)
    except (ValueError, TypeError) as error:
        return str(error)
    except Exception:  # noqa: BLE001 - not about y
        return None
    return None


def _fit_dummy(estimator: Any, y: Any) -> Any | None:
    """Return a fitted dummy of the estimator's kind; None if the estimator may be able to do more than a dummy."""
    import numpy as np
    from sklearn.base import is_classifier, is_regressor
    from sklearn.dummy import DummyClassifier, DummyRegressor
    from sklearn.utils.multiclass import type_of_target

    kind = type_of_target(y)
    if is_classifier(estimator) and kind in {"binary", "multiclass"}:
        dummy = DummyClassifier()
    elif is_regressor(estimator) and kind == "continuous":  # of whole numbers it may predict classes
        dummy = DummyRegressor()
    else:
        return None
    return dummy.fit(np.zeros((len(y), 1)), y)


def _shrink(y: Any) -> Any | None:
    """Return at most 200 rows of y with all its classes; None if y is no plain column of values."""
    import numpy as np

    if y is None:
        return None
    values: Any = np.asarray(y)
    if values.ndim != 1 or not len(values) or values.dtype.kind not in "fiubOUS":
        return None
    some = values[:: -(-len(values) // MOST_SEEN)]
    if some.dtype.kind == "f" and (some != np.floor(some)).any():
        return some[:: -(-len(some) // (MOST_CLASSES * ROWS_EACH))]
    try:
        classes, which = np.unique(some, return_inverse=True)
    except TypeError:
        return None
    if not 1 < len(classes) <= MOST_CLASSES:
        return None
    rows = [np.flatnonzero(which == number)[:ROWS_EACH] for number in range(len(classes))]
    return some[np.sort(np.concatenate(rows))]
