"""CSV as spreadsheets write it: separators are found, decimal commas are said."""

import gzip
import io
import sys

import pandas as pd
import pytest

from raysk.data.reading import Columns, DataSource, Dialect, read_blocks, read_table
from raysk.errors import InputError, UsageError

FRAME = pd.DataFrame({"name": ['say "x"', "a,b", "c;d", "tab\t|"], "pay": [1.5, 2.25, -3.0, 1e-7], "n": [1, 2, 3, 4]})


@pytest.mark.parametrize("kind", ["csv", "tsv", "csv.gz"])
@pytest.mark.parametrize("mark", [",", ";", "\t", "|"])
def test_a_separator_is_found(tmp_path, mark, kind):
    """The separator is found, whatever the suffix says, also where values hold the others in quotes; in blocks too."""
    text = FRAME.to_csv(sep=mark, index=False).encode()
    path = tmp_path / f"t.{kind}"
    path.write_bytes(gzip.compress(text) if kind.endswith("gz") else text)
    pd.testing.assert_frame_equal(read_table(str(path)).values, FRAME, check_dtype=False)
    (block,) = read_blocks(str(path))
    pd.testing.assert_frame_equal(block.values, FRAME, check_dtype=False)


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("a,b\n1;2,3\n4;5,6\n", ("a", "b")),  # lists in a column
        ("Name;Sales, net;Year\nA;1,5;2020\nB;2,5;2021\n", ("Name", "Sales, net", "Year")),
        ("a,b\n1,2,3\n", None),  # damaged: no other separator fits
        ("only\n1\n2\n", ("only",)),
        ("a;b;c\n1,5;2,5;x, y\n", ("a", "b", "c")),
    ],
)
def test_what_separates_all_lines(tmp_path, text, names):
    """A separator gives all lines as many columns as the first, and the most."""
    (tmp_path / "t.csv").write_text(text)
    if names is None:
        with pytest.raises(InputError, match=r"t\.csv cannot be read as csv"):
            read_table(str(tmp_path / "t.csv"))
    else:
        assert read_table(str(tmp_path / "t.csv")).names == names


@pytest.mark.parametrize("mark", [";", "\t", ","])
@pytest.mark.parametrize("header", [True, False])
def test_decimal_commas(tmp_path, mark, header):
    """With --decimal, numbers with commas are numbers, also without a header, and where commas separate as well."""
    numbers = FRAME[["pay", "n"]]
    numbers.to_csv(tmp_path / "t.csv", sep=mark, decimal=",", index=False, header=header)
    read = read_table(str(tmp_path / "t.csv"), dialect=Dialect(decimal=","))
    assert read.names == (("pay", "n") if header else None)
    assert read.values.to_numpy().tolist() == numbers.to_numpy().tolist()
    (block,) = read_blocks(str(tmp_path / "t.csv"), dialect=Dialect(decimal=","), dtypes={"pay": "float64"})
    assert block.values.to_numpy().tolist() == numbers.to_numpy().tolist()


def test_the_separator_that_is_said(tmp_path, monkeypatch):
    """--sep holds, by its name too; on stdin as in a file."""
    for said in ("|", "pipe"):
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"a,x|b\n1|2\n3|4\n")))
        assert read_table("-", dialect=Dialect(sep=said)).names == ("a,x", "b")
    (tmp_path / "t.csv").write_text("a b\n1 2\n")
    assert read_table(str(tmp_path / "t.csv"), dialect=Dialect(sep="space")).names == ("a", "b")


@pytest.mark.parametrize("wrong", [{"sep": ";;"}, {"sep": ""}, {"sep": '"'}, {"sep": "x"}, {"decimal": ";"}])
def test_marks_that_cannot_be(wrong):
    """What is no separator or decimal mark is wrong usage, and names the option."""
    with pytest.raises(UsageError, match=f"^--{next(iter(wrong))} "):
        Dialect(**wrong)


def test_other_formats_have_no_separator(tmp_path):
    """--sep of what is no CSV, or of no table, is wrong usage."""
    FRAME.to_parquet(tmp_path / "t.parquet")
    for source, words in ((str(tmp_path / "t.parquet"), "is parquet"), ("sklearn:iris", "is no file")):
        with pytest.raises(UsageError, match=f"--sep: .*{words}"):
            read_table(source, dialect=Dialect(sep=";"))
    with pytest.raises(UsageError, match=r"^--decimal: only for the table of --data"):
        DataSource.of(None, format=None, columns=Columns(), as_frame=False, dialect=Dialect(decimal=","))


def test_a_decimal_comma_is_named(tmp_path):
    """Where a number is known to stand and has a comma, --decimal is what to type."""
    (tmp_path / "t.csv").write_text("a;b\n1;2\n1,5;2\n")
    with pytest.raises(InputError, match=r"'1,5'\n.*--decimal ,$"):
        list(read_blocks(str(tmp_path / "t.csv"), dtypes={"a": "float64"}))
    (tmp_path / "t.csv").write_text("1,5;1,5\n2;3,5\n")
    with pytest.raises(InputError, match="--decimal ,"):
        read_table(str(tmp_path / "t.csv"))
