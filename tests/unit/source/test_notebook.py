"""Notebooks and what is exported from them: what is run, what is passed over, where errors lead."""

from __future__ import annotations

import json

import pytest

from raysk.errors import InputError
from raysk.runs.code_digests import digest_code
from raysk.source.loader import load
from raysk.source.notebook import read_source

EXPORT = '''#!/usr/bin/env python
# In[1]:
get_ipython().run_line_magic('matplotlib', 'inline')
IN_COLAB = 'google.colab' in str(get_ipython())
if IN_COLAB:
    !pip install it's \\
        another
%load_ext autoreload
?len
text = """
%not a magic
!nor a command
"""
rest = (7
        % 4)
files = !ls
get_ipython().run_cell_magic('time', '', 'value = 41\\nvalue += 1\\n')
display(value)
'''


@pytest.fixture
def write(tmp_path, monkeypatch):
    """Return a function that writes a file where we are, and returns its name."""
    monkeypatch.chdir(tmp_path)

    def _write(name, content):
        (tmp_path / name).write_text(content, encoding="utf-8")
        return name

    return _write


def notebook(*cells, language="python"):
    """Return a notebook's text: of each cell its source, or (source, tags)."""
    pairs = [cell if isinstance(cell, tuple) else (cell, []) for cell in cells]
    code = [
        {"cell_type": "code", "metadata": {"tags": tags}, "source": source.splitlines(keepends=True), "outputs": []}
        for source, tags in pairs
    ]
    text = {"cell_type": "markdown", "metadata": {}, "source": "# not Python"}
    about = {"language_info": {"name": language}}
    return json.dumps({"nbformat": 4, "nbformat_minor": 5, "metadata": about, "cells": [text, *code]})


def test_lines_of_ipython_in_an_export_are_passed_over(write):
    """What only IPython knows does nothing, what looks like it stays, and a remark counts and names the first."""
    found = load(write("export.py", EXPORT))
    assert found.names["IN_COLAB"] is False
    assert "%not a magic\n!nor a command" in found.names["text"]
    assert (found.names["rest"], found.names["value"], "files" in found.names) == (3, 42, False)
    remark = str(found.remark)
    assert remark.startswith("export.py: 8 lines that only IPython knows are passed over, first line 3: get_ipython()")


def test_a_plain_file_has_no_remark(write):
    """A file without any of it is run as it stands, also one that has its own `display`."""
    assert load(write("plain.py", "x = 1\n")).remark is None
    own = load(write("shows.py", "shown = []\ndef display(x):\n    shown.append(x)\ndisplay(3)\n"))
    assert (own.remark, own.names["shown"]) == (None, [3])


def test_an_error_beside_ipythons_lines_is_an_error(write):
    """What is neither Python nor IPython's is refused at its own line."""
    with pytest.raises(InputError, match=r"wrong\.py:2 is not valid Python"):
        load(write("wrong.py", "%matplotlib inline\nx = = 1\n"))


def test_a_notebook_is_run_cell_by_cell(write):
    """Code cells run in order, tagged ones and those of other languages are left out; ``__future__`` goes on."""
    found = load(
        write(
            "nb.ipynb",
            notebook(
                "from __future__ import annotations\n%matplotlib inline",
                ("x = 0 / 0", ["skip"]),
                "%%bash\nrm -rf nothing",
                "%%time\ndef f(a: NotThere = 1):\n    return a",
                "y = f(2)",
            ),
        )
    )
    assert (found.names["y"], "x" in found.names) == (2, False)
    assert str(found.remark).startswith(
        "nb.ipynb: 3 lines that only IPython knows are passed over, first cell 1, line 2"
    )


def test_errors_lead_to_the_cell(write):
    """What a cell raises, and what is no Python in it, names the cell and its line."""
    with pytest.raises(InputError) as caught:
        load(write("bad.ipynb", notebook("x = 1", "y = 2\nz = x / 0")))
    assert str(caught.value).startswith(
        "bad.ipynb, cell 2 raised ZeroDivisionError at line 2: division by zero\n    z = "
    )
    with pytest.raises(InputError, match=r"odd\.ipynb, cell 1, line 2 is not valid Python"):
        load(write("odd.ipynb", notebook("x = 1\ny = (")))


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("hello", "is no notebook"),
        ("[]", "is no notebook"),
        ('{"worksheets": []}', "older than nbformat 4"),
        ('{"cells": [{"cell_type": "code", "source": 3}]}', "is no notebook"),
        (notebook("x <- 1", language="R"), "a notebook of r"),
    ],
)
def test_a_damaged_notebook_is_bad_input(write, content, words):
    """What is no notebook of Python is refused, whatever is wrong with it."""
    with pytest.raises(InputError, match=words) as caught:
        load(write("nb.ipynb", content))
    assert len(str(caught.value).splitlines()) <= 5


def test_code_of_a_notebook_is_compared_by_resume(write):
    """A function in a cell counts when a search is resumed; a magic beside it does not."""
    codes = []
    for body, magic in (("a", "%matplotlib inline"), ("a", "%matplotlib notebook"), ("-a", "%matplotlib inline")):
        name = write(f"code{len(codes)}.ipynb", notebook(magic, f"def f(a):\n    return {body}"))
        codes.append(next(iter(digest_code(load(name).modules).values()))["code"])
    assert codes[0] == codes[1] != codes[2]


def test_what_was_passed_over_may_be_missed(write):
    """Where a name is missing because of a line that was passed over, the error says that there was one."""
    with pytest.raises(
        InputError, match=r"'files' is not defined(.|\n)*a line that only IPython knows is passed over, line 1"
    ):
        load(write("nb.py", "files = !ls\nprint(files)\n"))


@pytest.mark.parametrize("line", ["%time X = X * 2", "get_ipython().run_line_magic('time', 'X = X * 2')"])
def test_a_magic_that_runs_code(line, tmp_path):
    """What a magic runs as Python, with the file's names, is run: else the data would be other than in the notebook."""
    text = read_source(f"X = 1\n{line}\n".encode(), tmp_path / "export.py").text
    names = {}
    exec(text, names)  # noqa: S102 - the test's own
    assert names["X"] == 2
