"""Parameters as JSON, and back with their types."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
from sklearn.svm import SVC

from raysk.util.typed_json import Opaque, decode_params, encode_params

OPAQUE = [SVC(C=10), np.arange(3), len, (1, math.nan), {"a": SVC()}, list(range(2000)), "x" * 2000]


def there_and_back(value):
    """Return what a value is after it was written and read."""
    text = json.dumps(encode_params({"p": value}), allow_nan=False)
    return decode_params(json.loads(text))["p"]


@pytest.mark.parametrize(
    "value",
    [
        1,
        True,
        1.0,
        1e-300,
        "1",
        "None",
        None,
        (),
        (10, 5),
        [1, (2, None)],
        {1: "a"},
        b"x",
        1j,
        {2},
        math.inf,
        {"object": 1},
    ],
    ids=repr,
)
def test_values_keep_their_types(value):
    """Numbers, texts, tuples, dicts and so on come back equal, and of the same type."""
    back = there_and_back(value)
    assert (back, type(back)) == (value, type(value))


def test_numpy_scalars_become_pythons():
    """Also in a tuple."""
    back = there_and_back((np.int64(1), np.float64(0.5)))
    assert back == (1, 0.5)
    assert [type(each) for each in back] == [int, float]
    assert math.isnan(there_and_back(np.float64("nan")))


@pytest.mark.parametrize("value", OPAQUE, ids=type)
def test_what_does_not_come_back_is_text(value):
    """Estimators, arrays, functions and long values are read as what they were written as."""
    back = there_and_back(value)
    assert isinstance(back, Opaque)
    assert back.text


def test_nothing_is_evaluated():
    """A damaged or hostile record is text."""
    record = {"a": {"python": "__import__('os')"}, "b": {"python": 3}, "c": {"python": "("}, "d": {}}
    assert all(isinstance(each, Opaque) for each in decode_params(record).values())
    assert decode_params(["no", "record"]) == {}
