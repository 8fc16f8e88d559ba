"""scikit-learn's diagram of an estimator, for a page: without its script, whose work the page does."""

from __future__ import annotations

import re
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

from raysk.errors import InputError
from raysk.util.trust import why_not_trusted
from raysk.util.words import error_line

if TYPE_CHECKING:
    from raysk.history.run import Run

MOST_BYTES = 200_000_000
"""A larger model takes seconds to load, which is too long for its drawing."""

_NOT_OURS = re.compile(r"<script\b.*?</script\s*>|</?body\b[^>]*>", re.DOTALL | re.IGNORECASE)


def diagram_of(estimator: Any) -> str:
    """Return the HTML of an estimator's diagram; it raises whatever the estimator raises.

    Parameters
    ----------
    estimator : estimator
        Fitted or not; of a fitted search, its best estimator is drawn. It is drawn unfitted.
    """
    from sklearn.utils import estimator_html_repr

    return f'<div class="diagram">{_NOT_OURS.sub("", estimator_html_repr(_best_of(estimator)))}</div>'


def _best_of(estimator: Any) -> Any:
    from sklearn.base import clone

    params = getattr(estimator, "best_params_", None)
    if hasattr(estimator, "best_estimator_") or params is None:
        return clone(getattr(estimator, "best_estimator_", estimator))
    return clone(estimator.estimator).set_params(**clone(params, safe=False))  # a search that was not refitted


def saved_estimator(run: Run) -> tuple[Any, str]:
    """Return the model of a run, or None and why it is left out.

    A pickle is loaded only if nobody else can have written it, though the person named the run.
    """
    from raysk.models.store import load_model
    from raysk.runs.lookup import find_model

    try:
        path = Path(find_model(str(run.folder), "raysk report")).absolute()
    except InputError:
        return None, "the run has no model"
    if (reason := why_not_trusted(path)) is not None:
        return None, f"its model may be somebody else's: {reason}"
    if path.stat().st_size > MOST_BYTES:
        return None, f"its model has {path.stat().st_size / 1e6:,.0f} MB"
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return load_model(path), ""
    except Exception as error:  # noqa: BLE001 - whatever unpickling raises, the page can do without
        return None, f"its model cannot be loaded here: {error_line(error)}"
