"""Every format of data, whole and in blocks; how a format is known; where data may be."""

from __future__ import annotations

import contextlib
import gzip
import io
import os
import subprocess
import sys
from pathlib import Path

import joblib
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.feather
import pytest
from scipy import sparse
from sklearn.datasets import dump_svmlight_file, load_digits, load_iris

from raysk.data import lines
from raysk.data.reading import TEXT, Columns, DataSource, read_blocks, read_table, split
from raysk.errors import InputError, UsageError

RNG = np.random.default_rng(0)
FRAME = pd.DataFrame(
    {
        "age": RNG.integers(0, 90, 50),
        "pay": RNG.normal(size=50),
        "city": RNG.choice(["Bonn", "Köln, Rhein", 'the "old"\ntown'], 50),
        "left": RNG.choice(["yes", "no"], 50),
    }
)


def write_arrow_stream(frame, path):
    """Write a frame as a stream of Arrow messages."""
    table = pa.Table.from_pandas(frame)
    with pa.ipc.new_stream(path, table.schema) as writer:
        writer.write_table(table, max_chunksize=7)


def gzipped(write):
    """Return a function that writes the same, compressed."""

    def write_gzipped(frame, path):
        text = io.BytesIO()
        write(frame, text)
        path.write_bytes(gzip.compress(text.getvalue()))

    return write_gzipped


def write_csv(frame, path):
    frame.to_csv(path, index=False)


def write_tsv(frame, path):
    frame.to_csv(path, index=False, sep="\t")


def write_jsonl(frame, path):
    frame.to_json(path, orient="records", lines=True)


def write_feather(frame, path):
    pa.feather.write_feather(frame, path)


WRITERS = {
    "t.csv": write_csv,
    "t.CSV": write_csv,
    "t.tsv": write_tsv,
    "t.csv.gz": gzipped(write_csv),
    "t.tsv.gz": gzipped(write_tsv),
    "t.jsonl": write_jsonl,
    "t.ndjson": write_jsonl,
    "t.jsonl.gz": gzipped(write_jsonl),
    "t.parquet": pd.DataFrame.to_parquet,
    "t.feather": write_feather,
    "t.arrow": write_arrow_stream,
    "t.pkl": pd.DataFrame.to_pickle,
    "t.joblib": joblib.dump,
}
BY_MAGIC = {
    name: WRITERS[name] for name in ("t.csv", "t.tsv", "t.csv.gz", "t.jsonl", "t.parquet", "t.feather", "t.arrow")
}


@pytest.fixture
def stdin(monkeypatch):
    """Return a function that pipes bytes into stdin."""
    opened = []

    def pipe(content):
        read, write = os.pipe()
        if os.fork() == 0:
            os.close(read)
            with open(write, "wb") as file:  # noqa: PTH123 - a descriptor
                file.write(content)
            os._exit(0)
        os.close(write)
        opened.append(open(read, encoding="utf-8"))  # noqa: PTH123, SIM115 - a descriptor, closed below
        monkeypatch.setattr(sys, "stdin", opened[-1])

    yield pipe
    for file in opened:
        file.close()
        os.wait()


def is_frame(table):
    """Assert that a table is `FRAME`."""
    pd.testing.assert_frame_equal(table.values.reset_index(drop=True), FRAME, check_dtype=False)
    assert table.names == tuple(FRAME.columns)


def glued(tables):
    """Return the rows of several tables as one DataFrame."""
    return pd.concat([table.values for table in tables], ignore_index=True)


# --- formats


@pytest.mark.parametrize("name", WRITERS)
def test_read_table(tmp_path, name):
    """Every tabular format gives the same DataFrame, values and names."""
    path = tmp_path / name
    WRITERS[name](FRAME, path)
    is_frame(read_table(str(path)))


@pytest.mark.parametrize("name", WRITERS)
@pytest.mark.parametrize("rows", [None, 8])
def test_blocks(tmp_path, name, rows):
    """Every tabular format comes in blocks of at most so many rows that make up the whole."""
    path = tmp_path / name
    WRITERS[name](FRAME, path)
    parts = list(read_blocks(str(path), rows=rows))
    assert all(0 < len(part) <= (rows or 50) for part in parts)
    assert rows is None or len(parts) >= 7
    pd.testing.assert_frame_equal(glued(parts), FRAME, check_dtype=False)


@pytest.mark.parametrize("name", BY_MAGIC)
def test_format_is_known_by_the_first_bytes(tmp_path, name):
    """A file without a suffix is read by what is in it."""
    path = tmp_path / "data"
    BY_MAGIC[name](FRAME, path)
    is_frame(read_table(str(path)))


@pytest.mark.parametrize("name", BY_MAGIC)
def test_stdin(tmp_path, stdin, name):
    """`-` reads stdin, whatever format is piped in, also one that must jump about in a file."""
    path = tmp_path / name
    BY_MAGIC[name](FRAME, path)
    stdin(path.read_bytes())
    is_frame(read_table("-"))


@pytest.mark.parametrize("name", BY_MAGIC)
def test_stdin_in_blocks(tmp_path, stdin, name):
    """Stdin comes in blocks too."""
    path = tmp_path / name
    BY_MAGIC[name](FRAME, path)
    stdin(path.read_bytes())
    pd.testing.assert_frame_equal(glued(read_blocks("-", rows=20)), FRAME, check_dtype=False)


def test_stdin_that_is_a_file(tmp_path, monkeypatch):
    """Stdin may be a file, of which something was read already."""
    path = tmp_path / "t.csv"
    path.write_text("a comment\na,b\n1,2\n")
    with path.open() as file:
        file.buffer.readline()
        monkeypatch.setattr(sys, "stdin", file)
        assert read_table("-").values.to_dict("list") == {"a": [1], "b": [2]}


@pytest.mark.parametrize("name", ["t.csv", "t.parquet"])
def test_named_pipe(tmp_path, name):
    """A pipe that has a path, as the shell's <(...) makes one, is read once."""
    WRITERS[name](FRAME, tmp_path / name)
    os.mkfifo(tmp_path / "pipe")
    writing = subprocess.Popen(["sh", "-c", f"cat {name} > pipe"], cwd=tmp_path)
    is_frame(read_table(str(tmp_path / "pipe")))
    assert writing.wait(60) == 0


def test_nothing_is_piped_in(monkeypatch):
    """`-` at a terminal is wrong usage and does not wait."""
    terminal = io.TextIOWrapper(io.BytesIO())
    terminal.isatty = lambda: True
    monkeypatch.setattr(sys, "stdin", terminal)
    with pytest.raises(UsageError, match="nothing is piped in"):
        read_table("-")


def test_format_option_wins(tmp_path):
    """--format holds against the suffix."""
    path = tmp_path / "t.txt"
    write_tsv(FRAME, path)
    is_frame(read_table(str(path), format="tsv"))
    path = tmp_path / "t.dat"
    FRAME.to_pickle(path)
    is_frame(read_table(str(path), format="pickle"))


@pytest.mark.parametrize("text", ["text\nwell; yes\nno; no\n", '"a;b"\n1;2\n', "a|b\n1|2\n3\n"])
def test_a_single_column_with_marks_in_it(text, tmp_path):
    """Only what every line has is a separator; quotes tell."""
    path = tmp_path / "t.csv"
    path.write_text(text)
    assert len(read_table(str(path)).names) == 1


def test_unknown_format():
    """An unknown format is wrong usage and offers the nearest."""
    with pytest.raises(UsageError, match="parquet"):
        DataSource(source="t.csv", format="parkett")


@pytest.mark.parametrize("name", ["X.npy", "X.npz", "Xy.npz", "only.npz"])
def test_numpy(tmp_path, name):
    """Arrays are read from numpy's files, and y, groups, weights and names from an archive's members."""
    X, y = load_iris(return_X_y=True)
    path = tmp_path / name
    if name == "X.npy":
        np.save(path, X)
    else:
        members = {"X.npz": {"X": X, "z": y}, "only.npz": {"values": X}}
        full = {"data": X, "target": y, "groups": y % 2, "sample_weight": y + 1.0, "feature_names": list("abcd")}
        np.savez_compressed(path, **members.get(name, full))
    table = read_table(str(path))
    assert np.array_equal(table.values, X)
    data = split(table, Columns())
    assert data.X.flags.c_contiguous
    if name == "Xy.npz":
        assert table.names == tuple("abcd")
        assert np.array_equal(data.y, y)
        assert sorted(data.fit_params) == ["groups", "sample_weight"]


def test_npy_is_mapped(tmp_path):
    """An npy file is mapped into memory, not read."""
    np.save(tmp_path / "X.npy", np.ones((100, 3)))
    X = split(read_table(str(tmp_path / "X.npy")), Columns()).X
    assert isinstance(X.base, np.memmap)
    assert len(list(read_blocks(str(tmp_path / "X.npy"), rows=30))) == 4


def test_npy_in_fortran_order(tmp_path):
    """X is C-contiguous whatever the file's order."""
    np.save(tmp_path / "X.npy", np.asfortranarray(np.arange(12.0).reshape(4, 3)))
    X = split(read_table(str(tmp_path / "X.npy")), Columns()).X
    assert X.flags.c_contiguous
    assert np.array_equal(X, np.arange(12.0).reshape(4, 3))


def test_npy_from_stdin(tmp_path, stdin):
    """Arrays may be piped in."""
    np.save(tmp_path / "X.npy", np.eye(3))
    stdin((tmp_path / "X.npy").read_bytes())
    assert np.array_equal(read_table("-").values, np.eye(3))


def test_one_dimensional_npy_is_one_column(tmp_path):
    """A vector is a table of one column."""
    np.save(tmp_path / "X.npy", np.arange(5))
    assert read_table(str(tmp_path / "X.npy")).values.shape == (5, 1)


def test_sparse(tmp_path):
    """A sparse archive stays sparse, also when a column of it is the target."""
    X = sparse.random(40, 6, density=0.4, format="csc", random_state=0)
    sparse.save_npz(tmp_path / "X.npz", X)
    data = split(read_table(str(tmp_path / "X.npz")), Columns(target=("-1",)))
    assert data.X.format == "csr"
    assert np.array_equal(data.X.toarray(), X.toarray()[:, :5])
    assert np.array_equal(data.y, X.toarray()[:, 5])
    assert sum(len(part) for part in read_blocks(str(tmp_path / "X.npz"), rows=15)) == 40


@pytest.mark.parametrize("name", ["t.svmlight", "t.libsvm", "t.svm.gz"])
def test_svmlight(tmp_path, name):
    """An svmlight file gives a sparse X and its y."""
    X, y = load_digits(return_X_y=True)
    text = io.BytesIO()
    dump_svmlight_file(X[:100], y[:100], text, zero_based=False)
    content = text.getvalue()
    (tmp_path / name).write_bytes(gzip.compress(content) if name.endswith(".gz") else content)
    data = split(read_table(str(tmp_path / name)), Columns())
    assert np.array_equal(data.X.toarray(), X[:100])
    assert np.array_equal(data.y, y[:100])


def test_pickled_parts(tmp_path):
    """A pickle holds X and y by name, a pair, or a Bunch."""
    X, y = load_iris(return_X_y=True)
    for number, held in enumerate([{"X": X, "y": y, "groups": y}, (X, y), load_iris()]):
        joblib.dump(held, tmp_path / f"{number}.joblib")
        data = split(read_table(str(tmp_path / f"{number}.joblib")), Columns())
        assert np.array_equal(data.X, X)
        assert np.array_equal(data.y, y)
    joblib.dump({"X": X, "y": y, "groups": y}, tmp_path / "g.pkl")
    assert np.array_equal(split(read_table(str(tmp_path / "g.pkl")), Columns()).fit_params["groups"], y)


# --- what text means


def read_text(tmp_path, text, name="t.csv", **options):
    """Return the table that a text is."""
    path = tmp_path / name
    path.write_text(text)
    return read_table(str(path), **options)


def test_csv_reads_floats_exactly(tmp_path):
    """What is written in full comes back to the last bit."""
    X = RNG.normal(size=(200, 3)) * 10.0 ** RNG.integers(-300, 300, (200, 3))
    np.savetxt(tmp_path / "t.csv", X, delimiter=",", fmt="%.17g")
    table = read_table(str(tmp_path / "t.csv"))
    assert table.names is None
    assert np.array_equal(split(table, Columns()).X, X)


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("1,2\n3,4\n", None),
        ("-1e3,nan\n3,4\n", None),
        ("a,b\n1,2\n", ("a", "b")),
        ("0,1\n5,6\n", ("0", "1")),
        (",0,1\n0,5,6\n", ("Unnamed: 0", "0", "1")),
        ('"a b","c,d"\n1,2\n', ("a b", "c,d")),
        ("\ufeffa,b\n1,2\n", ("a", "b")),
        ("a\n1\n", ("a",)),
        ("a,b\r\n1,2\r\n", ("a", "b")),
    ],
)
def test_csv_header(tmp_path, text, names):
    """A first line of numbers is no header, unless it counts the columns as pandas does."""
    table = read_text(tmp_path, text)
    assert table.names == names
    assert len(table) == (2 if names is None else 1)


def test_missing_values_are_pandas_own(tmp_path):
    """What pandas takes for missing is missing, in numbers and in text."""
    text = "a,b\n1,x\nNA,NULL\n,\nn/a,None\n"
    table = read_text(tmp_path, text)
    assert table.values.isna().to_numpy().tolist() == pd.read_csv(io.StringIO(text)).isna().to_numpy().tolist()
    assert table.values["a"].dtype == "float64"


@pytest.mark.parametrize("name", ["t.csv", "t.jsonl"])
def test_dates_stay_text(tmp_path, name):
    """Dates and times in text are text, whole and in blocks."""
    csv = "d,t,n\n2020-01-01,2020-01-01 10:00:00,1\n2020-01-02,2020-01-01 11:00:00,2\n"
    frame = pd.read_csv(io.StringIO(csv))
    text = csv if name == "t.csv" else frame.to_json(orient="records", lines=True)
    table = read_text(tmp_path, text, name)
    assert table.values["d"].tolist() == ["2020-01-01", "2020-01-02"]
    assert table.values["t"].tolist() == frame["t"].tolist()
    assert table.names == ("d", "t", "n")
    assert glued(read_blocks(str(tmp_path / name)))["d"].tolist() == ["2020-01-01", "2020-01-02"]


def test_truth_values_are_numbers(tmp_path):
    """Columns of numbers and of true and false become one array."""
    data = split(read_text(tmp_path, "a,b\n1,true\n2,false\n"), Columns())
    assert data.X.tolist() == [[1, 1], [2, 0]]


def test_index_and_decimals_of_parquet(tmp_path):
    """The index of pandas is no feature, and decimals are numbers."""
    table = pa.table({"a": pa.array(["1.5", "2.5"]).cast(pa.decimal128(5, 2)), "b": [1, 2]})
    frame = table.to_pandas().set_index(pd.Index([7, 9]))
    frame.to_parquet(tmp_path / "t.parquet")
    X = split(read_table(str(tmp_path / "t.parquet")), Columns()).X
    assert X.tolist() == [[1.5, 1.0], [2.5, 2.0]]


def test_types_of_parquet_are_kept(tmp_path):
    """float32 stays float32, categories stay categories."""
    frame = pd.DataFrame({"a": np.float32([1, 2]), "b": np.float32([3, 4])})
    frame.to_parquet(tmp_path / "t.parquet")
    assert split(read_table(str(tmp_path / "t.parquet")), Columns()).X.dtype == "float32"
    frame["b"] = pd.Categorical(["x", "y"])
    frame.to_parquet(tmp_path / "t.parquet")
    assert str(split(read_table(str(tmp_path / "t.parquet")), Columns()).X["b"].dtype) == "category"


# --- blocks with types that are known


def test_blocks_have_the_types_they_are_told(tmp_path):
    """A label is as it is written, text that looks like a number is text, whole numbers are floats."""
    path = tmp_path / "t.csv"
    path.write_text("id,zip,n,k,b\n007,53111,1,3,True\n008,10115,2,,False\n")
    types = {"id": TEXT, "zip": "str", "n": "float64", "k": "category", "b": "bool"}
    (block,) = read_blocks(str(path), dtypes=types)
    assert block.values["id"].tolist() == ["007", "008"]
    assert block.values["zip"].tolist() == ["53111", "10115"]
    assert [str(kind) for kind in block.values.dtypes[2:]] == ["float64", "category", "bool"]


def test_blocks_of_mixed_frames_keep_whole_numbers(tmp_path):
    """What was a whole number when the model was fitted is one again where nothing is missing."""
    path = tmp_path / "t.csv"
    path.write_text("n,m,w\n1,1,a\n2,,b\n")
    (block,) = read_blocks(str(path), dtypes={"n": "int64", "m": "int64", "w": "str"})
    assert [str(kind) for kind in block.values.dtypes[:2]] == ["int64", "float64"]


def test_blocks_widen_whole_numbers(tmp_path):
    """1.5 may follow a MiB of whole numbers."""
    path = tmp_path / "t.csv"
    path.write_text("a\n" + "1\n" * 2**20 + "1.5\n")
    parts = list(read_blocks(str(path)))
    assert parts[-1].values["a"].iloc[-1] == 1.5
    assert {str(part.values["a"].dtype) for part in parts} == {"float64"}


def test_blocks_name_a_column_that_holds_text_later(tmp_path):
    """Text in a column of numbers is bad input, wherever it comes."""
    path = tmp_path / "t.csv"
    path.write_text("a,b\n" + "1,2\n" * 2**19 + "1,oops\n")
    with pytest.raises(InputError, match="oops"):
        list(read_blocks(str(path)))


def test_blocks_of_json_lines_ignore_what_is_not_asked_for(tmp_path, monkeypatch):
    """With known types, further keys of JSON lines are left out; without, they are refused."""
    monkeypatch.setattr(lines, "BLOCK_BYTES", 2**19)
    path = tmp_path / "t.jsonl"
    path.write_text('{"a": 1}\n' * 130_000 + '{"a": 2, "b": "new"}\n')
    parts = list(read_blocks(str(path), dtypes={"a": "float64"}))
    assert (sum(map(len, parts)), len(parts) > 1) == (130_001, True)
    with pytest.raises(InputError, match="row 130,001 has a column 'b'"):
        list(read_blocks(str(path)))


@pytest.mark.parametrize("name", ["t.csv", "t.tsv", "t.jsonl", "t.csv.gz"])
@pytest.mark.parametrize("size", [100, 101, 137, 500])
def test_blocks_are_cut_between_rows(tmp_path, monkeypatch, name, size):
    """Wherever a block of text ends, rows stay whole, also where a value holds the end of a line or a quote."""
    monkeypatch.setattr(lines, "BLOCK_BYTES", size)
    WRITERS[name](FRAME, tmp_path / name)
    parts = list(read_blocks(str(tmp_path / name)))
    assert len(parts) > 3
    pd.testing.assert_frame_equal(glued(parts), FRAME, check_dtype=False)


def test_quotes_within_a_value_are_no_quotes(tmp_path, monkeypatch):
    """A quote that does not begin a value is part of it, and does not keep blocks from ending."""
    monkeypatch.setattr(lines, "BLOCK_BYTES", 100)
    (tmp_path / "t.csv").write_text("a,b\n" + 'pipe 5",1\npipe,2\n' * 100)
    parts = list(read_blocks(str(tmp_path / "t.csv")))
    assert len(parts) > 9
    assert glued(parts)["a"].tolist() == ['pipe 5"', "pipe"] * 100


@pytest.mark.parametrize("text", ["1,2", "1,2\n3,4", "a,b\n1,2", '"1","2"'])
def test_a_last_line_without_end(tmp_path, text):
    """The last line may lack its end, also if it is the only one of its block, and there are no names."""
    (tmp_path / "t.csv").write_text(text)
    parts = list(read_blocks(str(tmp_path / "t.csv")))
    assert sum(map(len, parts)) == 1 + text.startswith("1,2\n")
    assert parts[0].n_columns == 2


def test_blocks_tell_which_row(tmp_path, monkeypatch):
    """A ragged row is counted from the first row of data, over all blocks."""
    monkeypatch.setattr(lines, "BLOCK_BYTES", 2**20)
    (tmp_path / "t.csv").write_text("a,b\n" + "1,2\n" * 300_000 + "3\n")
    with pytest.raises(InputError, match=r"row 300,001: .*Expected 2 columns, got 1: 3"):
        list(read_blocks(str(tmp_path / "t.csv")))


def test_a_bad_value_is_placed(tmp_path):
    """A value of another type than the model's is said with its row, counted from 1 without the header, and column."""
    (tmp_path / "t.csv").write_text("age,city\n1,2\n2,3\n3,4\nabc,5\n")
    types = {"age": "float64"}
    for read in (read_table, lambda *given, **more: list(read_blocks(*given, **more))):
        with pytest.raises(InputError, match=r"column 'age': row 4: .*'abc'"):
            read(str(tmp_path / "t.csv"), dtypes=types)


def test_a_slow_writer_holds_nobody_up(tmp_path):
    """Who closes the blocks ends at once, with 0, though what is piped in has not come to its end."""
    program = "from raysk.data.reading import read_blocks; b = read_blocks('-'); print(len(next(b)) > 0); b.close()"
    reading = subprocess.Popen(
        [sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=tmp_path
    )
    with contextlib.suppress(BrokenPipeError):
        reading.stdin.write(b"a,b\n" + b"1,2\n" * (2 * lines.BLOCK_BYTES // 4))
    assert reading.wait(60) == 0  # while its stdin is still open
    assert reading.stdout.read() == b"True\n"
    reading.stdout.close()
    with contextlib.suppress(BrokenPipeError):
        reading.stdin.close()


def test_blocks_end_when_nobody_reads(tmp_path):
    """Closing the blocks closes the file."""
    path = tmp_path / "t.csv"
    path.write_text("a,b\n" + "1,2\n" * 2**21)
    reading = read_blocks(str(path))
    assert len(next(reading)) > 0
    assert is_open(path)
    reading.close()
    assert not is_open(path)


def is_open(path):
    """Return whether this process has a file open."""
    for number in Path("/proc/self/fd").iterdir():
        with contextlib.suppress(FileNotFoundError):  # the list itself, which is closed by now
            if number.readlink() == path:
                return True
    return False
