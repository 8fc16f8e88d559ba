"""Damaged and hostile files of data: each is bad input, said in at most five lines, before any memory is taken."""

from __future__ import annotations

import contextlib
import gzip
import io
import os
import pickle
import resource
import struct
import zipfile

import joblib
import numpy as np
import pandas as pd
import pytest
from sklearn.svm import SVC

from raysk.data import arrays
from raysk.data.reading import Columns, DataSource, read_blocks, read_table
from raysk.errors import InputError


class Evil:
    """Writes a file when it is unpickled."""

    def __reduce__(self):
        return os.system, ("touch pwned",)


def written(write):
    """Return the bytes that a function writes to a file."""
    file = io.BytesIO()
    write(file)
    return file.getvalue()


def npy(array):
    return written(lambda file: np.save(file, array))


def npy_that_claims(*shape):
    """Return an npy file with 64 bytes of data and the header of another."""
    header = str({"descr": "<f8", "fortran_order": False, "shape": shape}).encode().ljust(117) + b"\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header + bytes(64)


def npz(**members):
    """Return a zip archive of these bytes."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(f"{name}.npy", content)
    return file.getvalue()


TABLE = pd.DataFrame({"a": range(5000), "y": range(5000)})
PARQUET, FEATHER = written(TABLE.to_parquet), written(TABLE.to_feather)
CSV = TABLE.to_csv(index=False).encode()
OBJECTS, EVIL = npy(np.array([{}, 1], dtype=object)), npy(np.array([Evil()], dtype=object))

CASES = {
    "short row.csv": (b"a,b,y\n1,2,3\n4,5\n", ["row 2:", "Expected 3 columns, got 2", "4,5"]),
    "long row.csv": (b"a,b,y\n1,2,3\n4,5,6,7\n", ["row 2:", "Expected 3 columns, got 4"]),
    "far short row.csv": (CSV + b"1,2\n" * 400_000 + b"1\n" + b"1,2\n", ["row 405,001:", "got 1"]),
    "open quote.csv": (b'a,y\n"1,2\n3,4\n', ["row 1:"]),
    "empty.csv": (b"", ["is empty"]),
    "empty.csv.gz": (gzip.compress(b""), ["is empty"]),
    "header.csv": (b"a,y\n", ["no rows"]),
    "blank.csv": (b"\n\n", ["blank.csv"]),
    "binary.csv": (bytes(range(256)) * 9, ["bytes that no text has", "parquet"]),
    "binary later.csv": (CSV + b"x" * 2**20 + b"\xff,1\n", ["binary later.csv"]),
    "parquet.csv": (PARQUET, ["csv", "--format parquet"]),
    "pickle.csv": (pickle.dumps([1, 2]), ["csv", "pickle"]),
    "wide.csv": ("a,y\n1,2\n".encode("utf-16"), ["UTF-16", "iconv"]),
    "latin.csv": ("a,y\nKöln,1\n".encode("latin1"), ["not UTF-8", "iconv"]),
    "latin later.csv": (b"a,y\nx,1\n" + b"x,1\n" * 2**19 + b"\xf6,1\n", ["not UTF-8", " in a", "iconv"]),
    "same names.csv": (b"a,a,y\n1,2,3\n", ["several columns named 'a'"]),
    "infinite.csv": (b"a,y\n1,0\ninf,1\n-inf,1\n", ["'a'", "infinite", "row 2 and 1 more"]),
    "infinite beside text.csv": (b"a,b,y\n1,x,0\ninf,y,1\n", ["'b'", "'x'", "takes numbers"]),
    "infinite target.csv": (b"a,y\n1,0\n2,inf\n", ["y holds an infinite value in row 2"]),
    "missing target.csv": (b"a,y\n1,0\n2,\n3,NA\n", ["y is missing in row 2 and 1 more"]),
    "no target.csv": (b"a,yy\n1,0\n2,1\n", ["'y'", "Did you mean yy"]),
    "only target.csv": (b"y\n1\n", ["no column is left"]),
    "decimal comma.csv": (b'a,y\n1,0\n"5,1",1\n3,0\n', ["'a'", "'5,1'", "row 2", "--decimal ,"]),
    "text among numbers.csv": (b"a,y\n1,0\noops,1\n3,0\n", ["'a'", "'oops'", "row 2", "SVC takes numbers"]),
    "cut.csv.gz": (gzip.compress(CSV)[:-20], ["cut.csv.gz", "again, whole"]),
    "cut far.csv.gz": (
        gzip.compress(np.random.default_rng(0).bytes(3_000_000).hex().encode())[:-20],
        ["cut far.csv.gz"],
    ),
    "cut.parquet": (PARQUET[:-50], ["cut.parquet", "Parquet"]),
    "garbage.parquet": (b"PAR1" + b"x" * 500 + b"PAR1", ["garbage.parquet"]),
    "text.parquet": (b"a,y\n1,2\n", ["text.parquet", "--format"]),
    "cut.feather": (FEATHER[:-30], ["cut.feather"]),
    "two types.jsonl": (b'{"a":1,"y":1}\n{"a":"x","y":1}\n', ["'a' holds 'x' in row 2", "text", "a number"]),
    "cut.jsonl": (b'{"a":1,"y":1}\n{"a":', ["cut.jsonl", "row 2"]),
    "arrays.jsonl": (b"[1,2]\n", ["arrays.jsonl"]),
    "one array.json": (b'[{"a":1}]', ["JSON array", "jq"]),
    "cut.npy": (npy(np.eye(9))[:-8], ["claims to hold 648 bytes", "640"]),
    "bomb.npy": (npy_that_claims(10**12, 8), ["claims to hold 64,000,000,000,000 bytes"]),
    "negative.npy": (npy_that_claims(-1, 8), ["negative.npy"]),
    "header.npy": (npy(np.eye(9))[:20], ["header.npy"]),
    "deep.npy": (b"\x93NUMPY\x01\x00" + struct.pack("<H", 60_000) + b"(" * 60_000, ["deep.npy"]),
    "pickle.npy": (OBJECTS, ["Python objects", "Parquet"]),
    "evil.npy": (EVIL, ["Python objects"]),
    "records.npy": (npy(np.zeros(3, dtype=[("a", int), ("b", float)])), ["records", "Parquet"]),
    "scalar.npy": (npy(np.array(3.0)), ["single value 3.0"]),
    "no rows.npy": (npy(np.zeros((0, 3))), ["no rows"]),
    "infinite.npy": (npy(np.array([[1, 2], [3, np.inf]])), ["column '1'", "infinite", "row 2"]),
    "bomb.npz": (npz(X=npy_that_claims(10**12, 8)), ["X.npy claims", "64,000,000,000,000"]),
    "evil.npz": (npz(X=EVIL), ["X.npy holds Python objects"]),
    "no array.npz": (npz(X=b"hello"), ["no array.npz"]),
    "no archive.npz": (b"hello", ["no archive.npz"]),
    "cut.npz": (npz(X=npy(np.eye(9)))[:-30], ["cut.npz"]),
    "which.npz": (npz(a=npy(np.eye(3)), b=npy(np.eye(3))), ["a, b", "named X"]),
    "nothing.npz": (npz(), ["nothing.npz"]),
    "csv.svmlight": (b"a,b\n1,2\n", ["csv.svmlight", "a,b"]),
    "far.svmlight": (b"1 4294967296999:3\n", ["far.svmlight"]),
    "cut.pkl": (pickle.dumps(list(range(1000)))[:50], ["cut.pkl", "truncated"]),
    "model.pkl": (pickle.dumps(SVC()), ["SVC", "not data"]),
    "parts.pkl": (pickle.dumps({"model": 3}), ["parts.pkl", "no data"]),
    "a pickle": (pickle.dumps([1, 2]), ["runs code", "--format pickle"]),
    "zeros.dat": (bytes(100), ["no format", "parquet"]),
}


def columns_of(name):
    """Return the columns that the case is read with: tables have a column y, and arrays none."""
    if name.endswith((".csv", ".gz", ".parquet", ".feather", ".jsonl")):
        return Columns(target=("y",))
    return Columns(target=("0",)) if name == "infinite.npy" else Columns()


@pytest.mark.parametrize("name", CASES)
def test_damaged(tmp_path, monkeypatch, name):
    """A damaged file names itself, what is wrong and where; nothing in it is run."""
    monkeypatch.chdir(tmp_path)
    content, words = CASES[name]
    (tmp_path / name).write_bytes(content)
    with pytest.raises(InputError) as caught:
        DataSource(source=name, columns=columns_of(name)).load(SVC())
    text = str(caught.value)
    assert len(text.splitlines()) <= 5, text
    assert max(map(len, text.splitlines())) < 400, text
    for word in words:
        assert word in text
    assert not (tmp_path / "pwned").exists()


@pytest.mark.parametrize("name", [name for name in CASES if name.startswith(("cut", "short", "bomb", "empty", "evil"))])
def test_damaged_in_blocks(tmp_path, monkeypatch, name):
    """The same holds for a file that is read in blocks."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / name).write_bytes(CASES[name][0])
    with pytest.raises(InputError) as caught:
        list(read_blocks(name))
    assert len(str(caught.value).splitlines()) <= 5
    assert not (tmp_path / "pwned").exists()


def test_bomb_within_an_archive(tmp_path, monkeypatch):
    """An archive that would fill the memory is refused by what it says of itself, before it is unpacked."""
    name = str(tmp_path / "zeros.npz")
    np.savez_compressed(name, X=np.zeros((2_000_000, 8)))
    monkeypatch.setattr(os, "sysconf", lambda _name: 2**13)  # a machine of 64 MiB
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(InputError, match="would take"):
        read_table(name)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 50_000  # KiB


def test_bomb_within_parquet(tmp_path, monkeypatch):
    """A Parquet file that would fill the memory is refused by its footer."""
    name = str(tmp_path / "zeros.parquet")
    rng = np.random.default_rng(0)
    pd.DataFrame({"a": rng.normal(size=100_000)}).to_parquet(name)
    monkeypatch.setattr(os, "sysconf", lambda _name: 2**8)  # a machine of 64 KiB
    with pytest.raises(InputError, match="would take"):
        read_table(name)


@pytest.mark.parametrize(("limit", "fits"), [("65536\n", False), ("max\n", True), (None, True)])
def test_a_container_has_less_memory(tmp_path, monkeypatch, limit, fits):
    """In a container its own limit counts, if it has one."""
    np.savez_compressed(tmp_path / "zeros.npz", X=np.zeros((20_000, 8)))
    if limit is not None:
        (tmp_path / "memory.max").write_text(limit)
    monkeypatch.setattr(arrays, "CONTAINER_LIMIT", tmp_path / "memory.max")
    with contextlib.nullcontext() if fits else pytest.raises(InputError, match="GB here"):
        assert len(read_table(str(tmp_path / "zeros.npz"))) == 20_000


def test_missing_weights_and_groups(tmp_path):
    """A weight or a group that is missing, or a weight that is text, is bad input."""
    path = tmp_path / "t.csv"
    path.write_text("a,g,w,v\n1,x,1,high\n2,,,low\n3,y,2,low\n")
    for columns, word in [
        (Columns(groups="g", drop=("v",)), "groups is missing in row 2"),
        (Columns(weight="w", drop=("g,v",)), "sample_weight is missing in row 2"),
        (Columns(weight="v", drop=("g,w",)), "weights are text"),
    ]:
        with pytest.raises(InputError, match=word):
            DataSource(source=str(path), columns=columns).load(None)


def test_evil_pickle_is_loaded_only_if_it_is_named(tmp_path, monkeypatch):
    """A pickle without a suffix is not loaded, and neither is one of another suffix."""
    monkeypatch.chdir(tmp_path)
    for name in ("data", "data.csv", "data.npy", "data.npz"):
        joblib.dump(Evil(), name)
        with pytest.raises(InputError):
            read_table(name)
    assert not (tmp_path / "pwned").exists()
