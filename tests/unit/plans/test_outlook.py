"""What is left of a search, by what it has cost: expected costs, what varies, rounds of halving."""

from types import SimpleNamespace

import pytest

from raysk.plans.candidates import Candidates
from raysk.plans.halving import round_of
from raysk.plans.outlook import expected_costs, sample


def test_costs_that_grow_along_a_grid():
    """What was done is cheap and what is left is dear: its cost is the power of the number that fits."""
    costs = [((float(2**place),), 2.0**place) for place in range(5) for _ in range(10)]
    (expected,) = expected_costs(costs, [(64.0,)])
    assert expected == pytest.approx(64.0, rel=0.3)


def test_costs_of_a_grid_that_is_half_done():
    """A value that was tried only with cheap values of another parameter is not taken for a cheap one."""
    sizes = (5.0, 20.0, 50.0, 300.0)
    costs = [((rate, size), size) for rate in (0.04, 0.1) for size in sizes if (rate, size) < (0.1, 50.0)]
    wanted = [(0.1, 50.0), (0.1, 300.0), *((0.5, size) for size in sizes)]
    assert sum(expected_costs(costs, wanted)) == pytest.approx(sum(size for _, size in wanted), rel=0.4)


def test_costs_by_category():
    """A value that has cost more is expected to cost more; one that was not tried costs the mean."""
    costs = [(("linear",), 1.0)] * 20 + [(("poly",), 10.0)] * 20
    linear, poly, new = expected_costs(costs, [("linear",), ("poly",), ("rbf",)])
    assert linear < 2
    assert poly > 8
    assert new == pytest.approx(5.5, rel=0.05)


def test_a_sample():
    """Of few numbers all are taken, of many the same 500 each time."""
    assert list(sample(3)) == [0, 1, 2]
    assert sample(10**6) == sample(10**6)
    assert len(sample(10**6)) == 500


def test_what_varies():
    """A parameter varies if candidates have several values of it, or some have none."""
    candidates = [{"C": 1, "kernel": "rbf", "gamma": 1}, {"C": 2, "kernel": "rbf"}]
    assert Candidates(candidates).varying() == ("C", "gamma")
    assert Candidates([{"C": 1}]).varying() == ()


def test_rounds_of_halving():
    """The round is what scikit-learn's results say of it; other searches have none."""
    search = SimpleNamespace(min_resources_=10, max_resources_=90, factor=3, aggressive_elimination=False)
    search.resource, search.n_candidates_ = "n_samples", [9]
    found = round_of(search, 3, {"iter": [1] * 3, "n_resources": [30] * 3})
    assert (found.number, found.of, found.amount) == (2, 3, 30)
    assert round_of(search, 3, None) is None
