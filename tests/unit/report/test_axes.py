"""How parameters are drawn: from the space that ``run.json`` has, or from the values that were tried."""

from __future__ import annotations

import pytest
from made_tables import run_of, table_of
from scipy.stats import loguniform, randint, uniform
from sklearn.model_selection import GridSearchCV, RandomizedSearchCV
from sklearn.svm import SVC

from raysk.report.axes import ABSENT, axes_of, columns_of
from raysk.request.space_facts import space_facts


def axes(tmp_path, params, space=None):
    return axes_of(run_of(tmp_path, space=space), table_of(params, [0.5] * len(params)))


def test_the_space_says_more_than_the_values_that_were_drawn(tmp_path):
    """The ends of a distribution, and whether it is logarithmic, are those of the space."""
    space = {"C": loguniform(1e-3, 1e3), "degree": randint(2, 6), "coef0": uniform(0, 2)}
    said = space_facts(RandomizedSearchCV(SVC(), space))
    found = axes(tmp_path, [{"C": 1.0, "degree": 2, "coef0": 0.5}, {"C": 2.0, "degree": 3, "coef0": 0.6}], said)
    assert (found["C"].is_log, found["C"].low, found["C"].high, found["C"].values) == (True, 1e-3, 1e3, None)
    assert (found["degree"].is_integer, found["degree"].low, found["degree"].high) == (True, 2, 5)
    assert (found["coef0"].is_log, found["coef0"].low, found["coef0"].high) == (False, 0, 2)


def test_lists_are_numbers_in_order_or_categories(tmp_path):
    """A list of numbers is an axis with its ends; None, texts, tuples and booleans are categories."""
    lists = {"C": [10, 0.1, 1], "gamma": ["scale", 0.1], "hidden": [(5,), (5, 5)], "weight": [None, "balanced"]}
    said = space_facts(GridSearchCV(SVC(), lists))
    params = [
        {"C": 10, "gamma": "scale", "hidden": (5,), "weight": None},
        {"C": 1, "gamma": 0.1, "hidden": (5, 5), "weight": "balanced"},
    ]
    found = axes(tmp_path, params, said)
    assert found["C"].values == (0.1, 1, 10)
    assert not found["C"].is_category
    assert found["C"].is_log
    assert found["hidden"].values == ((5,), (5, 5))
    assert all(found[name].is_category for name in ("gamma", "hidden", "weight"))


def test_without_a_space_the_values_tell(tmp_path):
    """Numbers over decades that are even by their logarithms are on a logarithmic axis; others are not."""
    params = [{"C": 10.0 ** (k / 10), "share": k / 60, "size": 2**k, "kernel": "rbf"} for k in range(1, 60)]
    found = axes(tmp_path, params)
    assert set(found) == {"C", "share", "size"}  # the kernel does not vary
    assert [found[name].is_log for name in found] == [True, False, True]
    assert found["C"].values is None
    assert found["size"].is_integer


def test_several_spaces_are_merged(tmp_path):
    """A parameter that some spaces lack is conditional; values and distributions of several go together."""
    spaces = [
        {"kernel": ["rbf"], "C": loguniform(1, 100), "gamma": [0.1, 1]},
        {"kernel": ["linear"], "C": [0.1, 1000]},
    ]
    said = space_facts(RandomizedSearchCV(SVC(), spaces))
    params = [
        {"kernel": "rbf", "C": 3.0, "gamma": 0.1},
        {"kernel": "rbf", "C": 3.0, "gamma": 1},
        {"kernel": "linear", "C": 0.1},
    ]
    found = axes(tmp_path, params, said)
    assert (found["C"].low, found["C"].high, found["C"].is_log) == (0.1, 1000, True)
    assert found["kernel"].values == ("rbf", "linear")
    assert [found[name].is_conditional for name in ("gamma", "C")] == [True, False]
    assert columns_of(table_of(params, [0.5] * 3))["gamma"] == [0.1, 1, ABSENT]


@pytest.mark.parametrize(
    "space", [None, [], "text", {"C": None}, {"C": {"any_of": 3}}, {"C": {"values": []}}, {"C": {"text": "?"}}]
)
def test_a_space_that_says_nothing_is_passed_over(tmp_path, space):
    """A damaged or older manifest costs no report."""
    found = axes(tmp_path, [{"C": 1}, {"C": 2}], space)
    assert (found["C"].low, found["C"].high) == (1, 2)
