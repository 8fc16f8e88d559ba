"""What of a person's code counts when a run is resumed, and what does not."""

from __future__ import annotations

import importlib
import os
import subprocess
import sys
import textwrap
import time

import pytest

from raysk.runs.code_digests import describe_changes, digest_code

SPEC = """
import numpy as np
from sklearn.model_selection import GridSearchCV
from sklearn.svm import SVC
import helper
from helper import Base, TABLE as T

N, FLOOR = 3, 0.5

class Own(Base, SVC):
    pass

def score(est, X, y):
    return helper.lift(est.score(X, y)) + FLOOR + T[0]

X, y = np.eye(6), [0, 1, 0, 1, 0, 1]
space = {"C": [0.1, 1.0]}
search = GridSearchCV(Own(), space, cv=N, scoring=score)

if __name__ == "__main__":
    search.fit(X, y)
"""
HELPER = """
import numpy as np
LEVEL = 2.0
TABLE = np.arange(3)
class Base:
    shift = 0
    def more(self):
        import later
        return later.more()
def lift(score, by=1):
    return score * LEVEL * by
"""
LATER = "from package.deep import more\n"
DEEP = "def more():\n    return 1\n"


@pytest.fixture
def person(tmp_path, monkeypatch):
    """Return a function that writes a person's files with changes, imports them, and returns what counts of them."""
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    (tmp_path / "package").mkdir()
    (tmp_path / "package" / "__init__.py").touch()
    files = {"spec.py": SPEC, "helper.py": HELPER, "later.py": LATER, "package/deep.py": DEEP}

    def counted(old="", new="", more=""):
        for name, text in files.items():
            (tmp_path / name).write_text(text.replace(old, new) + (more if name == "spec.py" else ""))
        importlib.invalidate_caches()
        names = ["helper", "spec"]
        for name in names:
            sys.modules.pop(name, None)
        modules = [importlib.import_module(name) for name in names]
        for name in names:
            del sys.modules[name]
        return digest_code(modules)

    return counted


def test_all_files_that_a_fit_may_run_are_there(person):
    """Also those that are imported later, and by those; a package without code is left out."""
    assert sorted(person()) == ["helper.py", "later.py", "package/deep.py", "spec.py"]


COUNTS = {
    "a helper's constant": ("LEVEL = 2.0", "LEVEL = 3.0", ["code in helper.py", "LEVEL in helper.py"]),
    "a helper's constant that is made elsewhere": ("LEVEL = 2.0", "LEVEL = float(np.e)", ["code in helper.py"]),
    "a base class": ("shift = 0", "shift = 1", ["code in helper.py", "Base.shift in helper.py"]),
    "a default": ("by=1", "by=2", ["code in helper.py", "lift.by in helper.py"]),
    "a table under another name": ("np.arange(3)", "np.arange(4)", ["T in spec.py"]),
    "one of two constants": ("0.5", "0.6", ["code in spec.py", "FLOOR in spec.py"]),
    "what is imported later": ("return 1", "return 2", ["code in package/deep.py"]),
    "a statement": ("LEVEL = 2.0", "LEVEL = 2.0\nSVC = None\nnp.seterr(under='ignore')", ["code in helper.py"]),
    "another object of a name": ("import helper\n", "import package as helper\n", ["code in spec.py"]),
}


@pytest.mark.parametrize("what", COUNTS)
def test_what_counts(person, what):
    """Code, and the plain data that it uses, count wherever they are; what differs is said by file and name."""
    old, new, said = COUNTS[what]
    before = person()
    try:
        after = person(old, new)
    except AttributeError:  # the other object lacks what is used of it
        pytest.fail("the change is wrong")
    found = [each.partition(" (was ")[0] for each in describe_changes(before, after)]
    assert set(said) <= set(found), found
    assert describe_changes(before, person()) == []


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("class Own", "# a comment\nclass Own"),
        ("    return helper.lift", "    'A docstring.'\n\n    return  helper.lift"),
        ("[0.1, 1.0]", "[0.1, 1.0, 10.0]"),
        ("search = GridSearchCV(Own(), space, cv=N,", "search = GridSearchCV(Own(C=3), space, cv=4,"),
        ("X, y = np.eye(6)", "X, y = np.ones((6, 3))"),
        (
            "import numpy as np",
            "import os, time, random\nimport numpy as np\nSTARTED, LUCK = time.time(), random.random()",
        ),
        ("    search.fit(X, y)", "    print(search.fit(X, y))"),
    ],
    ids=["comment", "docstring", "grid", "search", "data", "unused", "main"],
)
def test_what_does_not_count(person, old, new):
    """Comments and layout; and what only gives a name to objects that no function uses: they are compared by value."""
    assert describe_changes(person(), person(old, new)) == []


def test_what_is_no_plain_data_is_left_out(person):
    """Open files, loggers and the time of day may be used by functions: they are others in every run."""
    more = """
    import logging, sys, time
    BEGUN, LOG, FILE, LOCK = time.time(), logging.getLogger("a"), sys.__stdout__, __import__("threading").Lock()
    def say():
        LOG.info("%s %s %s", BEGUN, FILE, LOCK)
    """
    first = person(more=textwrap.dedent(more))
    time.sleep(0.001)
    assert describe_changes(first, person(more=textwrap.dedent(more))) == []
    assert not {"BEGUN", "LOG", "FILE", "LOCK"} & set(first["spec.py"]["values"])


def test_a_value_counts_though_the_source_is_the_same(person, monkeypatch):
    """A constant that is read from somewhere else is known by what it is."""
    more = "import os\nSCALE = float(os.environ['SCALE'])\ndef scaled(x):\n    return x * SCALE\n"
    monkeypatch.setenv("SCALE", "1")
    before = person(more=more)
    monkeypatch.setenv("SCALE", "2")
    assert describe_changes(before, person(more=more)) == ["SCALE in spec.py (was 1.0, is 2.0)"]


def test_files_that_cannot_be_read(person, tmp_path):
    """A neighbour that is no Python, or is gone, does no harm; its bytes count."""
    more = "def never():\n    import broken\n    from . import nothing\n    import nowhere.at.all\n"
    (tmp_path / "broken.py").write_bytes(b"\xff def(\n")
    before = person(more=more)
    assert "broken.py" in before
    (tmp_path / "broken.py").write_bytes(b"return 3\n")
    assert describe_changes(before, person(more=more)) == ["code in broken.py"]


def test_it_is_the_same_in_every_process(tmp_path):
    """Whatever the order of sets and dicts, and wherever the folder lies."""
    text = (
        "S = {'a', 'b', 'c', 'd'}\nD = {k: {k} for k in S}\ndef f(x):\n    return x in {'p', 'q', 'r'} or x in S or D\n"
    )
    code = "import mine, json; from raysk.runs.code_digests import digest_code; print(json.dumps(digest_code([mine])))"
    said = []
    for seed in "12":
        (tmp_path / seed).mkdir()
        (tmp_path / seed / "mine.py").write_text(textwrap.dedent(text))
        environment = {**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": str(tmp_path / seed)}
        done = subprocess.run(
            [sys.executable, "-c", textwrap.dedent(code)],
            env=environment,
            capture_output=True,
            text=True,
            timeout=60,
            check=True,
        )
        said.append(done.stdout)
    assert said[0] == said[1]
    assert '"S"' in said[0]
