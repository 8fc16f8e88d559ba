"""Candidates that are proposed while a round runs: the same ones in whatever order fits end, and how they count."""

from __future__ import annotations

import random

import numpy as np
import pytest
from scipy import stats
from sklearn.base import BaseEstimator, ClassifierMixin

from raysk import TPESearchCV, plans
from raysk.events import WorkPlanned
from raysk.jobs import Limits
from raysk.plans.rolling import Rolling
from raysk.plans.schedule import ProposedFit
from raysk.runner.outcome import Tally
from raysk.runs.journal import Journal
from raysk.searches.proposals import Proposals
from raysk.searches.space import Space

pytestmark = pytest.mark.filterwarnings("ignore:.*wait for TPE")  # it does where the machine is busy

X = np.arange(40, dtype=float).reshape(-1, 1)
Y = np.arange(40) // 20
SPACE = {"x": stats.uniform(0, 4), "kind": ["plain", "odd", None]}
TOTAL, LAG, SPLITS = 30, 4, 3


class Hill(ClassifierMixin, BaseEstimator):
    """Scores best at x=3."""

    def __init__(self, x=1.0, kind=None):
        self.x, self.kind = x, kind

    def fit(self, X, y):  # noqa: ARG002 - scikit-learn's signature
        """Do nothing."""
        self.fitted_ = True
        return self

    def score(self, X, y=None):  # noqa: ARG002 - as above
        """Fall with the distance from 3."""
        return 1 / (1 + abs(self.x - 3))


def search(**options):
    return TPESearchCV(Hill(), SPACE, **{"n_iter": TOTAL, "lag": LAG, "cv": SPLITS, "random_state": 1} | options)


@pytest.fixture
def pool(make_pool, launcher, Events):
    """Return a pool of two workers that are threads, whose events a tally counts."""
    launcher.by_hand = False
    return make_pool(sink=Tally(Events()))


def proposals():
    return Proposals(Space(SPACE), total=TOTAL, lag=LAG, seed=0, workers=2)


def score_of(params, split):
    return 1 / (1 + abs(params["x"] - 3)) + split / 100


def evaluate(order):
    """Return the candidates of a round whose fits end in an order of chance."""
    candidates = [{} for _ in range(TOTAL)]
    schedule = Rolling(proposals(), candidates, SPLITS, list, lambda names: names[0])
    schedule.propose()
    flying, at_most = [], 0
    while schedule.left or flying:
        flying += schedule.take(order.randint(1, 5), None) if schedule.left else []
        if order.random() < 0.2 and flying:
            schedule.put_back(flying[-1:])
            del flying[-1:]
            continue
        at_most = max(at_most, len(flying) + schedule.left)
        for fit in order.sample(flying, order.randint(0, len(flying))):
            flying.remove(fit)
            candidate, split = divmod(fit, SPLITS)
            result = {"test_scores": score_of(fit.params, split), "fit_time": 0.1, "score_time": 0.0}
            schedule.hear(candidate, split, result)
    assert at_most <= LAG * SPLITS
    return candidates


def test_the_order_in_which_fits_end_does_not_matter():
    """Whatever is taken, put back and done first: the candidates are those of batches."""
    expected, asker = [], proposals()
    while batch := asker.due():
        for params in batch:
            asker.hear(len(expected), float(np.mean([score_of(params, split) for split in range(SPLITS)])), 0.1)
            expected.append(params)
    for seed in range(5):
        assert evaluate(random.Random(seed)) == expected  # noqa: S311


def test_a_proposed_fit_travels_with_its_parameters():
    """Workers have no list of the candidates: the number of a fit brings them along."""
    from ray import cloudpickle

    fit = cloudpickle.loads(cloudpickle.dumps(ProposedFit(7, {"x": 1.5})))
    assert (fit, fit.params, divmod(fit, 3)) == (7, {"x": 1.5}, (2, 1))


def test_it_is_one_round(pool):
    """All fits are planned at once, so that a bar and limits know them; the table has every candidate."""
    got = plans.fit(pool, search(), X, Y, {})
    (planned,) = pool.sink.then.of(WorkPlanned)[:1]
    assert (planned.units, planned.candidates, planned.varying) == (TOTAL * SPLITS, TOTAL, ("kind", "x"))
    assert (pool.sink.counts.fits, pool.sink.counts.candidates) == (TOTAL * SPLITS, TOTAL)
    assert len(got.cv_results_["params"]) == TOTAL


def test_patience_counts_over_all_candidates(pool):
    """A search ends when so many candidates in a row were no better, however small the lag."""
    got = plans.fit(pool, search(lag=1), X, Y, {}, limits=Limits(patience=5))
    assert pool.sink.counts.stopped == "patience"
    assert len(got.cv_results_["params"]) < TOTAL


def test_what_the_journal_knows_is_counted(make_pool, launcher, Events, tmp_path):
    """Fits of an earlier run count as resumed, and only the others are done."""
    launcher.by_hand = False
    path, tallies = tmp_path / "journal", []
    for _ in range(2):
        tallies.append(Tally(Events()))
        with Journal(path) as journal:
            plans.fit(make_pool(sink=tallies[-1]), search(), X, Y, {}, journal=journal)
        lines = path.read_bytes().splitlines(keepends=True)
        fits = [line for line in lines if line.startswith(b'{"fit"')]
        path.write_bytes(b"".join(lines[: lines.index(fits[30])]))
    assert [tally.counts.resumed for tally in tallies] == [0, 30]
    assert [tally.counts.fits for tally in tallies] == [TOTAL * SPLITS] * 2
