from __future__ import annotations

import pytest

from raysk.errors import UsageError
from raysk.util.values import parse_duration, parse_setting, parse_size, parse_value


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("10", 10),
        ("-1e-3", -0.001),
        ("[1, 2]", [1, 2]),
        ("(100, 50)", (100, 50)),
        ("None", None),
        ("True", True),
        ("'rbf'", "rbf"),
        ("true", True),
        ("null", None),
        ('{"a": true}', {"a": True}),
        ("rbf", "rbf"),
        ("a b=c", "a b=c"),
        ("", ""),
        ("[1,", "[1,"),
        ("(" * 500, "(" * 500),
    ],
)
def test_value(text, value):
    """A value is a Python literal, else JSON, else the text itself."""
    assert parse_value(text) == value
    assert type(parse_value(text)) is type(value)


def test_setting_splits_at_the_first_equals_sign():
    """The value may hold equals signs itself."""
    assert parse_setting("svc__C=10") == ("svc__C", 10)
    assert parse_setting(" kernel = a=b") == ("kernel", " a=b")


@pytest.mark.parametrize("text", ["C", "", "=3", " =3"])
def test_setting_without_a_name_or_equals_sign(text):
    """A setting that sets nothing is wrong usage, and the message shows how to write one."""
    with pytest.raises(UsageError, match="NAME=VALUE"):
        parse_setting(text)


@pytest.mark.parametrize(
    ("text", "seconds"), [("90s", 90), ("30m", 1800), ("1h30m", 5400), ("1.5h", 5400), ("45", 45), ("0.5s", 0.5)]
)
def test_a_duration_is_read(text, seconds):
    """Hours, minutes and seconds in that order; a bare number is seconds."""
    assert parse_duration(text, "--time-budget") == seconds


@pytest.mark.parametrize("text", ["0", "0s", "0h0m"])
def test_no_time_is_no_limit(text):
    """As for timeout(1); so a limit that a setting or the run that goes on has can be lifted."""
    assert parse_duration(text, "--time-budget") is None


@pytest.mark.parametrize("text", ["", "-5", "soon", "30x", "5m5h", "1e400"])
def test_what_is_no_duration(text):
    """Anything else names the option, the value and an example."""
    with pytest.raises(UsageError, match="--time-budget"):
        parse_duration(text, "--time-budget")


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("4GB", 4 * 10**9),
        ("1.5g", 15 * 10**8),
        ("500 MiB", 500 * 2**20),
        ("2T", 2 * 10**12),
        ("123", 123),
        ("1kb", 1000),
    ],
)
def test_an_amount_of_memory_is_read(text, size):
    """Decimal and binary units, of one letter or three; a bare number is bytes."""
    assert parse_size(text, "--memory-per-fit") == size


@pytest.mark.parametrize("text", ["", "0", "-5", "much", "4 cows", "GB", "0.1"])
def test_what_is_no_amount_of_memory(text):
    """Anything else names the option, the value and an example."""
    with pytest.raises(UsageError, match="--memory-per-fit"):
        parse_size(text, "--memory-per-fit")
