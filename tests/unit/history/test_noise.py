"""Differences over equal splits, and their errors."""

from __future__ import annotations

import json

import numpy as np
import pytest
from made_tables import run_of

from raysk.history.noise import compare
from raysk.history.noise import test_ratio_of as ratio_of

FIRST = np.array([0.9, 0.8, 0.7, 0.85])
SECOND = np.array([0.88, 0.79, 0.69, 0.82])


def test_the_error_is_that_of_nadeau_and_bengio():
    """The variance of the differences times 1/n plus test rows by training rows, which is 1/(n-1) of folds."""
    gaps = FIRST - SECOND
    expected = np.sqrt((1 / 4 + 1 / 3) * gaps.var(ddof=1))
    assert compare(FIRST, SECOND) == pytest.approx((gaps.mean(), expected, 4))
    assert compare(FIRST, SECOND, 0.1).error == pytest.approx(np.sqrt((1 / 4 + 0.1) * gaps.var(ddof=1)))


def test_only_equal_splits_are_compared_and_two_say_nothing():
    """What one of the two lacks is left out; with two splits there is no error, and nothing is called noise."""
    found = compare(np.array([0.9, 0.8, np.nan]), np.array([0.9, 0.79, 0.1]))
    assert (found.splits, found.is_noise) == (2, False)
    assert np.isnan(found.error)


def test_the_journal_tells_how_large_the_splits_are(tmp_path):
    """A repeated or shuffled split has another ratio than its number tells; a journal without it has none."""
    assert ratio_of(run_of(tmp_path)) is None
    (tmp_path / "journal.jsonl").write_text(json.dumps({"texts": {"splits": {"": "50 of 900 / 100 rows"}}}) + "\n")
    assert ratio_of(run_of(tmp_path)) == pytest.approx(1 / 9)
    (tmp_path / "journal.jsonl").write_text("torn {")
    assert ratio_of(run_of(tmp_path)) is None
