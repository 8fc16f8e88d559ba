"""What tests of searches on workers that are threads have in common."""

from __future__ import annotations

import pytest
from threadpoolctl import threadpool_limits

from raysk import plans
from raysk.events import null_sink


@pytest.fixture(scope="module")
def _one_thread():
    """Give each fit one thread, as workers do: threads of more than the machine has, that spin, wait for each other."""
    with threadpool_limits(1):
        yield


@pytest.fixture
def fit_on_threads(launcher, make_pool):
    """Return a function that fits a search on a pool of so many workers."""

    def run(search, X, y, fit_params, *, workers=2, sink=null_sink, **options):  # noqa: PLR0913 - those of `plans.fit`
        launcher.by_hand, launcher.room = False, workers
        return plans.fit(make_pool(sink=sink), search, X, y, fit_params, **options)

    return run
