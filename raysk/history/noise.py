"""Whether two candidates differ by more than chance: their scores on the same splits, compared in pairs.

The training sets of the splits overlap, so the plain standard error of the differences is too small. It is corrected
as C. Nadeau and Y. Bengio (Inference for the Generalization Error, Machine Learning 52, 2003) do, by the ratio of
test to training rows. A few splits still prove nothing: what is told is the difference and its error, never a test.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from raysk.runs.folder import JOURNAL

if TYPE_CHECKING:
    from raysk.history.run import Run

FEWEST_SPLITS = 3
"""Splits: with two, the error of a difference is a guess from one number."""

_SIZES = re.compile(r" (\d+) / (\d+)")


class Difference(NamedTuple):
    """The difference of two scores over the same splits.

    Parameters
    ----------
    mean : float
    error : float
        The corrected standard error of the mean; NaN if there are too few splits.
    splits : int
        On how many both have a score.
    """

    mean: float
    error: float
    splits: int

    @property
    def is_noise(self) -> bool:
        """Whether it is no larger than its standard error."""
        return self.splits >= FEWEST_SPLITS and abs(self.mean) <= self.error


def compare(first: np.ndarray[Any, Any], second: np.ndarray[Any, Any], test_ratio: float | None = None) -> Difference:
    """Compare the scores of two candidates, split by split.

    Parameters
    ----------
    first, second : ndarray of shape (n_splits,)
        NaN where there is none.
    test_ratio : float or None
        Test rows to training rows of a split; None means that of as many folds.

    Returns
    -------
    Difference
        Of the first minus the second.
    """
    gaps = (first - second)[np.isfinite(first) & np.isfinite(second)]
    mean = float(gaps.mean()) if len(gaps) else np.nan
    return Difference(mean, float(errors_of_means(gaps, test_ratio)), len(gaps))


def errors_of_means(values: np.ndarray[Any, Any], test_ratio: float | None = None) -> Any:
    """Return the corrected standard error of the mean over splits, the last axis; NaN if there are too few."""
    splits = values.shape[-1]
    if splits < FEWEST_SPLITS:
        return np.full(values.shape[:-1], np.nan)
    ratio = 1 / (splits - 1) if test_ratio is None else test_ratio
    return np.sqrt((1 / splits + ratio) * values.var(axis=-1, ddof=1))


def test_ratio_of(run: Run) -> float | None:
    """Return how many test rows there are to a training row, as the journal has it; None if it is not known."""
    try:
        with (run.folder / JOURNAL).open("rb") as file:
            said = json.loads(file.readline())["texts"]["splits"][""]
        train, test = map(int, _SIZES.search(said).groups())  # type: ignore[union-attr]
        return test / train
    except (OSError, ValueError, TypeError, KeyError, AttributeError, ZeroDivisionError):
        return None
