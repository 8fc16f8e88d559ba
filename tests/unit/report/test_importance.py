"""Which parameters mattered."""

from __future__ import annotations

import numpy as np
import pytest
from made_tables import run_of, table_of

from raysk.report.axes import axes_of
from raysk.report.importance import importance

RNG = np.random.RandomState(0)


def importance_of(tmp_path, params, scores, **others):
    table = table_of(params, scores, **others)
    return importance(table, axes_of(run_of(tmp_path), table))


def drawn(count, names="abc"):
    rng = np.random.RandomState(1)
    return [{name: float(rng.rand()) for name in names} for _ in range(count)]


def test_what_moves_the_score_has_the_share(tmp_path):
    """The one parameter that the score follows has nearly all, the others nearly nothing; twice is the same."""
    params = drawn(200)
    found = importance_of(tmp_path, params, [each["a"] for each in params])
    assert next(iter(found.shares)) == "a"
    assert found.shares["a"] > 0.9
    assert max(found.shares["b"], found.shares["c"]) < 0.02
    assert found.doubt is None
    assert found == importance_of(tmp_path, params, [each["a"] for each in params])


def test_parameters_that_matter_only_together_both_matter(tmp_path):
    """An interplay without main effects is seen: each of the two makes the score, given the other."""
    params = drawn(600)
    found = importance_of(tmp_path, params, [(each["a"] - 0.5) * (each["b"] - 0.5) * 4 for each in params])
    assert min(found.shares["a"], found.shares["b"]) > 0.3
    assert found.shares["c"] < 0.1


def test_categories_tuples_none_and_absent_values_are_handled(tmp_path):
    """A choice that decides whether another parameter is there keeps its own share."""
    params = []
    for k in range(300):
        kernel = ("rbf", "linear", None)[k % 3]
        params.append({"kernel": kernel, "hidden": (k % 2, 1), **({"gamma": float(RNG.rand())} if k % 3 == 0 else {})})
    found = importance_of(tmp_path, params, [1.0 if each["kernel"] == "rbf" else 0.0 for each in params])
    assert found.shares["kernel"] > 0.9
    assert max(found.shares["gamma"], found.shares["hidden"]) < 0.05


@pytest.mark.parametrize(
    ("count", "score", "words"),
    [
        (10, lambda each: each["a"], "too few"),
        (200, lambda _: RNG.randn() * 10, "explains"),
        (200, lambda _: 0.5, "same score"),
    ],
    ids=["few candidates", "noise", "equal scores"],
)
def test_shares_that_would_mean_nothing_are_not_told(tmp_path, count, score, words):
    """With too few candidates, or scores that follow no parameter, there is a doubt in their place."""
    params = drawn(count)
    scores = np.array([[score(each)] * 5 for each in params])
    found = importance_of(tmp_path, params, scores)
    assert not found.shares
    assert words in found.doubt


def test_one_terrible_score_does_not_hide_the_rest(tmp_path):
    """A candidate whose error is astronomic takes no share from what matters to the others."""
    params = drawn(200)
    scores = [-1e12 if k == 7 else each["a"] for k, each in enumerate(params)]
    assert importance_of(tmp_path, params, scores).shares["a"] > 0.8
