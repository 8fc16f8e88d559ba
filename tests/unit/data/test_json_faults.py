"""JSON lines that cannot be read: the row of the file, the column and the value are said."""

from __future__ import annotations

import gzip
import json

import pytest

from raysk.data.reading import read_blocks, read_table
from raysk.errors import InputError

GOOD = '{"a": 1, "b": "x"}\n'
WRONG = {
    "text among numbers": (
        '{"a": "one"}',
        "column 'a' holds 'one' in row 3, which is text; before there was a number.",
    ),
    "a list": ('{"b": [1]}', "column 'b' holds [1] in row 3, which is a list; before there was text."),
    "no value": ('{"a": 1, "b": }', "column 'b' of row 3 is no JSON: Expecting value at '}'."),
    "cut short": ('{"a": 1, "b', "column 'a' of row 3 is no JSON"),
    "no object": ("[1]", "row 3 is a list, [1]; each has to be an object, as {...}."),
    "no JSON at all": ("a;b", "row 3 is no JSON"),
}


@pytest.mark.parametrize("form", ["whole", "blocks", "gzip"])
@pytest.mark.parametrize("kind", WRONG)
def test_where_a_line_is_wrong(kind, form, tmp_path):
    """However the table is read, and whatever pyarrow says."""
    line, said = WRONG[kind]
    content = f"{GOOD * 2}{line}\n{GOOD}".encode()
    path = tmp_path / ("t.jsonl.gz" if form == "gzip" else "t.jsonl")
    path.write_bytes(gzip.compress(content) if form == "gzip" else content)
    with pytest.raises(InputError) as raised:
        list(read_blocks(str(path))) if form == "blocks" else read_table(str(path))
    assert said in str(raised.value)
    assert str(raised.value).startswith(str(path))


def test_the_row_is_that_of_the_file(tmp_path):
    """Not that of a block of a MiB, which pyarrow counts; null has any type."""
    path = tmp_path / "t.jsonl"
    path.write_text('{"a": null}\n' + '{"a": 1}\n' * 150_000 + '{"a": "x"}\n')
    for read in (read_table, lambda text: list(read_blocks(text))):
        with pytest.raises(InputError, match="column 'a' holds 'x' in row 150,002"):
            read(str(path))


def test_a_column_that_comes_later(tmp_path):
    """In blocks, of which the first says what there is."""
    path = tmp_path / "t.jsonl"
    lines = [{"a": 1}] * 130_000 + [{"a": 1, "late": 2}]
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    with pytest.raises(InputError, match="row 130,001 has a column 'late'"):
        list(read_blocks(str(path)))
