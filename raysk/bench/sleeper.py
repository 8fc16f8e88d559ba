"""A fit that takes a given time and no CPU."""

from __future__ import annotations

import time
from typing import Any

from sklearn.base import BaseEstimator, ClassifierMixin


class Sleeper(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """Sleeps instead of learning.

    Parameters
    ----------
    seconds : float
        How long.
    """

    def __init__(self, seconds: float = 0.0) -> None:
        self.seconds = seconds

    def fit(self, X: Any, y: Any) -> Sleeper:  # noqa: ARG002 - scikit-learn's signature
        """Sleep."""
        time.sleep(self.seconds)
        self.fitted_ = True
        return self

    def score(self, X: Any, y: Any = None) -> float:  # noqa: ARG002 - as above
        """Return 0: all sleep is alike."""
        return 0.0
