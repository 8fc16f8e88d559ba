"""Whose error it is."""

from __future__ import annotations

from pathlib import Path

import pytest
from sklearn.svm import SVC

from raysk.source import tracebacks
from raysk.util import writing


def raised(function, *args):
    with pytest.raises((ValueError, AttributeError)) as caught:
        function(*args)
    error = caught.value
    return error.with_traceback(error.__traceback__.tb_next)  # without this file's own frame


def test_what_raysk_raises_is_a_bug_of_ours():
    """So it is where Python's own library raises, which raysk called in a wrong way."""
    assert tracebacks.lines(raised(writing.is_special, None)) is None
    assert tracebacks.lines(raised(writing.write_text, Path("a\0b"), "")) is None


def test_what_an_estimator_raises_is_not():
    """A library's estimator is the person's choice; what was raised is said in short."""
    said = tracebacks.lines(raised(SVC(C="a").fit, [[0], [1]], [0, 1]))
    assert "InvalidParameterError" in said[0]
    assert "the estimator's own code" in said[-1]
