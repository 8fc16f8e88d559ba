"""Pickles are loaded as pickle and joblib load them, and compressed ones to their end."""

import bz2
import gzip
import pickle

import joblib
import numpy as np
import pytest

from raysk.models.imports import imports_of
from raysk.models.pickles import load_pickle, zlib_open

VALUE = {"array": np.arange(300_000.0), "text": "x" * 100_000}
WAYS = [0, 3, ("gzip", 3), ("bz2", 3), ("xz", 3)]


@pytest.mark.parametrize("compress", WAYS, ids=str)
def test_round_trip(tmp_path, compress):
    """Whatever joblib compresses is read."""
    joblib.dump(VALUE, tmp_path / "v.joblib", compress=compress)
    found = load_pickle(tmp_path / "v.joblib")
    np.testing.assert_array_equal(found["array"], VALUE["array"])
    assert found["text"] == VALUE["text"]


@pytest.mark.parametrize("compress", [3, ("gzip", 3)], ids=str)
def test_what_follows_the_end_does_not_fill_the_memory(tmp_path, compress):
    """A file that became longer is read up to its end, or refused; joblib's own reader doubles the rest for ever."""
    path = tmp_path / "v.joblib"
    joblib.dump([1, 2], path, compress=compress)
    path.write_bytes(path.read_bytes() + b"\0" * 100)
    assert load_pickle(path) == [1, 2]


def test_a_stream_that_was_cut(tmp_path):
    """A stream without its end is an error."""
    path = tmp_path / "v.joblib"
    joblib.dump(VALUE, path, compress=3)
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(EOFError), path.open("rb") as raw:
        zlib_open(raw).read()


def test_what_is_compressed_twice(tmp_path):
    """What joblib would unpack twice, and so load something else than was looked into, is refused."""
    path = tmp_path / "v.joblib"
    path.write_bytes(gzip.compress(bz2.compress(pickle.dumps([1, 2]))))
    assert imports_of(path).doubts == ["it is compressed twice"]
    with pytest.raises(pickle.UnpicklingError, match="compressed twice"):
        load_pickle(path)
