"""Load the estimators that a run has kept; see `raysk.plans.retention`."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from raysk.errors import InputError
from raysk.history.run import open_run
from raysk.models.store import load_model
from raysk.runs.folder import ESTIMATORS
from raysk.runs.lookup import LATEST
from raysk.util.trust import why_not_trusted

if TYPE_CHECKING:
    from pathlib import Path

_NAME = re.compile(r"(\d+)-(\d+)\.pkl")


def load_estimators(run: str | Path) -> dict[tuple[int, int], Any]:
    """Load the estimators that a search has kept, as ``--keep-estimators`` asks.

    They are pickles, which run code when they are loaded: name a run that you trust.

    Parameters
    ----------
    run : str or Path
        ``latest``, a run's name, its folder, or a file in it.

    Returns
    -------
    dict of (int, int) to estimator
        By the numbers of candidate, as in ``cv_results_``, and split.

    Raises
    ------
    InputError
        If there is no such run, or it has kept none; or it was not named, and somebody else may have written it.
    """
    found = open_run(run)
    paths = {
        tuple(map(int, match.groups())): path
        for path in found.folder.glob(f"{ESTIMATORS}/*.pkl")
        if (match := _NAME.fullmatch(path.name))
    }
    if not paths:
        raise InputError(
            f"{found.shown!r} has kept no estimators.\nAsk for them with 'raysk search --keep-estimators N'."
        )
    if str(run) == LATEST:
        for reason in filter(None, map(why_not_trusted, paths.values())):
            raise InputError(f"The newest run here may be somebody else's:\n{reason}.\nName it: {found.shown!r}")
    return {(number, split): load_model(path) for (number, split), path in sorted(paths.items())}
