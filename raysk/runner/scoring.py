"""What a fitted model is worth on data that was held out, or fitted: by its search's scorers, or its own score."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any

from raysk.events import Remark
from raysk.util import exits

if TYPE_CHECKING:
    from raysk.events import Sink
    from raysk.jobs import Data


def score_held_out(fitted: Any, data: Data | None, sink: Sink, part: str = "test") -> dict[str, Any]:
    """Score a model; that it cannot be scored is a remark and no error: the model is worth more.

    Parameters
    ----------
    fitted : estimator
        A search is asked for its own scorers.
    data : Data or None
        What was held out.
    sink : callable
        Takes remarks.
    part : str
        Of the data: ``test``, or ``train`` for what was fitted.

    Returns
    -------
    dict
        ``test_score``, or where there are several metrics ``test_scores`` by name; what is not known is None.
    """
    one, many = f"{part}_score", f"{part}_scores"
    what = {"test": "The held-out data", "train": "The data that was fitted"}[part]
    unknown: dict[str, Any] = {one: None, many: None}
    if data is None:
        return unknown
    if hasattr(fitted, "scorer_") and not hasattr(fitted, "best_estimator_"):
        sink(Remark(text=f"{what} is not scored: no model was fitted on all the rest."))
        return unknown
    try:
        with exits.Contained():
            found = _scores(fitted, data)
            several = {str(name): float(value) for name, value in found.items()} if _is_dict(found) else None
            return unknown | ({one: float(found)} if several is None else {many: several})
    except Exception as error:  # noqa: BLE001 - a person's scorer, or data that the model refuses
        text = " ".join(f"{type(error).__name__}: {error}".split())[:300]
        sink(Remark(text=f"{what} could not be scored; the model is kept: {text}"))
        return unknown


def _is_dict(found: Any) -> bool:
    return hasattr(found, "items") and not hasattr(found, "dtype")


def _scores(fitted: Any, data: Data) -> Any:
    """Return what the search's scorers say, as they said it of the splits, or the model's own ``score``."""
    X, y = data.X, data.y
    scorer = getattr(fitted, "scorer_", None)
    if scorer is not None:
        model = fitted.best_estimator_
        if _is_dict(scorer):
            return {name: each(model, X, y) for name, each in scorer.items()}
        return scorer(model, X, y)
    weight = data.fit_params.get("sample_weight")
    weighted = weight is not None and "sample_weight" in inspect.signature(fitted.score).parameters
    return fitted.score(X, y, **({"sample_weight": weight} if weighted else {}))
