"""A search that is interrupted while it is no longer waiting for fits."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.dummy import DummyClassifier
from sklearn.model_selection import GridSearchCV

from raysk import plans

X, Y = np.arange(20.0).reshape(-1, 1), np.arange(20) % 2


class Interrupted(GridSearchCV):
    """Ctrl-C comes just as the results are put together."""

    come = False

    def _format_results(self, *args, **kwargs):
        results = super()._format_results(*args, **kwargs)
        if not self.come:
            self.come = True
            raise KeyboardInterrupt
        return results


def test_all_is_done_when_the_interrupt_comes(make_pool, launcher):
    """The fits of a round are not lost if Ctrl-C comes while its table is made."""
    launcher.by_hand = False
    search = Interrupted(DummyClassifier(), {"strategy": ["most_frequent", "prior", "uniform"]}, cv=2)
    with pytest.raises(KeyboardInterrupt):
        plans.fit(make_pool(), search, X, Y, {})
    assert len(search.cv_results_["params"]) == 3
    assert search.best_params_ in search.cv_results_["params"]
    assert not hasattr(search, "best_estimator_")
