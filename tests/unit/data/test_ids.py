"""`--id-col`: the names of the rows come out as they stand in the file."""

import csv
import datetime as dt
import decimal
import io
import json

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from raysk.data import lines
from raysk.data.reading import Columns, Table, id_values, read_blocks
from raysk.errors import InputError
from raysk.results.writers import WRITERS, Part

LOOKS = ["NA", "N/A", "null", "None", "", "nan", "#N/A", "007", "1e5", "1.0", "9" * 40, "True", "2020-01-01", " x "]
ODD = ['say "hi"', "a,b", "a\rb", "a\nb", "a\r\nb", "tab\tx", "é", "\u2028", "'", "-0", "+5", "0x1F", "1_000"]

DAY = pa.array([dt.date(2020, 1, 1), None])
PRICES = pa.array([decimal.Decimal("1.10"), None])
NANOSECONDS = pa.array([1, None], pa.timestamp("ns"))

TYPED = {  # the column; the first value in CSV, and in JSON lines; the second is missing, which is empty in CSV
    "whole": (pa.array([2**53 + 1, None]), "9007199254740993", 2**53 + 1),
    "short": (pa.array([1, None], pa.int8()), "1", 1),
    "unsigned": (pa.array([2**64 - 1, None], pa.uint64()), "18446744073709551615", 2**64 - 1),
    "decimal": (PRICES, "1.10", "1.10"),
    "date": (DAY, "2020-01-01", "2020-01-01"),
    "time": (NANOSECONDS, "1970-01-01 00:00:00.000000001", "1970-01-01T00:00:00.000000001"),
    "text": (pa.array(["NA", None]), "NA", "NA"),
    "category": (pa.array(["NA", None]).dictionary_encode(), "NA", "NA"),
    "bytes": (pa.array([b"\x00\xff", None], pa.binary(2)), "00ff", "00ff"),
    "duration": (pa.array([1_500_000_000, None], pa.duration("ns")), "P0DT0H0M1.5S", "P0DT0H0M1.5S"),
    "truth": (pa.array([True, None]), "True", True),
}


def written(path, form, column="id"):
    """Return what is written of the ids of a file, beside a prediction."""
    file = io.BytesIO()
    found = ((table, id_values(table, Columns(id_col=column))) for table in read_blocks(str(path), ids=column))
    WRITERS[form]((Part({"row": ids, "p": np.ones(len(table))}) for table, ids in found), file)
    return file.getvalue()


def ids_of(content, form):
    """Read ids back."""
    if form == "csv":
        return [row[0] for row in csv.reader(io.StringIO(content.decode(), newline=""))][1:]
    if form == "jsonl":
        return [json.loads(line)["row"] for line in content.splitlines()]
    return pq.read_table(io.BytesIO(content))["row"].to_pylist()


@pytest.mark.parametrize("form", ["csv", "jsonl", "parquet"])
@pytest.mark.parametrize("name", ["t.csv", "t.tsv", "t.jsonl", "t.parquet"])
def test_ids_of_text(tmp_path, monkeypatch, name, form):
    """Text comes out to the letter, also what looks like a number, a date or a missing value, in every block."""
    monkeypatch.setattr(lines, "BLOCK_BYTES", 200)
    ids = [*LOOKS, *ODD] * 2
    frame = pd.DataFrame({"id": ids, "a": 1.0}).astype({"id": object})
    if name == "t.parquet":
        frame.to_parquet(tmp_path / name)
    elif name == "t.jsonl":
        frame.to_json(tmp_path / name, orient="records", lines=True)
    else:
        frame.to_csv(tmp_path / name, index=False, sep="\t" if name == "t.tsv" else ",", lineterminator="\r\n")
    assert ids_of(written(tmp_path / name, form), form) == ids


@pytest.mark.parametrize("kind", TYPED)
def test_ids_of_another_type(tmp_path, kind):
    """Ids that have a type keep it, exactly; where one is missing it is missing, which is empty in CSV."""
    column, in_csv, in_json = TYPED[kind]
    path = tmp_path / "t.parquet"
    pq.write_table(pa.table({"id": column, "a": [1.0, 2.0]}), path)
    assert ids_of(written(path, "csv"), "csv") == [in_csv, ""]
    assert ids_of(written(path, "jsonl"), "jsonl") == [in_json, None]
    assert ids_of(written(path, "parquet"), "parquet") == column.to_pylist()


def test_ids_that_are_numbers_in_json(tmp_path):
    """Whole numbers stay whole, exactly, also where one is missing; what cannot be kept is refused."""
    path = tmp_path / "t.jsonl"
    path.write_text('{"id": 7, "a": 1}\n{"id": 9007199254740993, "a": 1}\n{"id": null, "a": 1}\n')
    assert ids_of(written(path, "jsonl"), "jsonl") == [7, 2**53 + 1, None]
    path.write_text('{"id": 12345678901234567890123456789, "a": 1}\n')
    with pytest.raises(InputError, match=r"--id-col id: 1.2345678901234568e\+28 .*\n.*as text"):
        written(path, "csv")


@pytest.mark.parametrize(("head", "column"), [("\ufeffid,a\r\n", "id"), ("id,a\n", "0"), ("", "0"), ("", "-2")])
def test_ids_by_index(tmp_path, head, column):
    """A column that is said by its index is kept as one that is said by its name, also where none has a name."""
    path = tmp_path / "t.csv"
    path.write_text(head + "007,1\n08,2\n1e5,3\n1.0,4\n" + "NA,5\n" * bool(head), newline="")
    assert ids_of(written(path, "csv", column), "csv") == ["007", "08", "1e5", "1.0"] + ["NA"] * bool(head)


def test_other_columns_are_read_as_ever(tmp_path):
    """Beside ids, what looks like a missing value is one."""
    path = tmp_path / "t.csv"
    path.write_text('id,a,b,c\nNA,NA,NA,""\nx,1,y,NA\n')
    (with_ids,), (without,) = read_blocks(str(path), ids="id"), read_blocks(str(path))
    pd.testing.assert_frame_equal(with_ids.values[["a", "b", "c"]], without.values[["a", "b", "c"]])


def test_ids_of_a_frame_in_memory():
    """A missing id of a person's own table is None, whole numbers of pandas stay whole, and times are times."""
    columns = {"n": pd.array([1, None], "Int64"), "t": pd.to_datetime(["2020-01-01", None]), "s": ["NA", None]}
    frame = pd.DataFrame(columns).assign(k=[1, 2])
    table = Table(values=frame, names=tuple(frame))
    found = [id_values(table, Columns(id_col=name)).tolist() for name in frame]
    assert found == [[1, None], [pd.Timestamp("2020-01-01"), None], ["NA", None], [1, 2]]
