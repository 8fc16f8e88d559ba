"""Broken Python files, and run folders in which something went wrong."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from damage import BYTES, DONE, INPUT, OWN_CODE, USAGE, Case, cut
from damaged_files import ODD_VALUES, odd_json, odd_value, pickles

if TYPE_CHECKING:
    import random
    from collections.abc import Callable, Mapping

# --- Python files

SPEC = """
import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.model_selection import RandomizedSearchCV
from sklearn.svm import SVC

class Mine(ClassifierMixin, BaseEstimator):
    def __init__(self, C=1.0):
        self.C = C
    def fit(self, X, y):
        self.classes_ = np.unique(y)
        return self
    def predict(self, X):
        return np.full(len(X), self.classes_[0])

def load_data():
    return np.arange(80.0).reshape(40, 2) % 7, np.arange(40) % 2

X, y = load_data()
model = Mine()
param_distributions = {"C": [0.1, 1.0, 10.0]}
search = RandomizedSearchCV(model, param_distributions, n_iter=2, cv=2, random_state=0)
"""

ODD_LINES = (
    "1 / 0",
    "import no_such_module",
    "from sklearn.svm import SVX",
    "from . import neighbour",
    "no_such_name",
    "raise SystemExit",
    "raise SystemExit('not today')",
    "import sys; sys.exit(0)",
    "raise ValueError('line one\\nline two\\nline three\\nline four\\nline five\\nline six')",
    "def f(): return f()\nf()",
    "open('nowhere.csv')",
    "raise type('Odd', (Exception,), {'__str__': lambda self: 1 / 0})()",
    "assert False",
    "search = model = X = None",
    "model = search = 3",
    "model = search = SVC",
    "search = object()",
    "model = search = type('Lazy', (), {'__getattr__': lambda self, name: self})()",
    "model = search = type('Half', (), {'fit': 1, 'get_params': 2})()",
    "class Bad(Mine):\n    def get_params(self, deep=True): raise KeyError('oh')\nmodel = search = Bad()",
    "class Bad(Mine):\n    def __repr__(self): raise KeyError('oh')\nmodel = search = Bad()",
    "class Bad(Mine):\n    def fit(self, X, y): raise KeyError('oh')\nsearch.estimator = model = Bad()",
    "class Bad(Mine):\n    def fit(self, X, y): return self.fit(X, y)\nsearch.estimator = model = Bad()",
    "search.estimator = 3",
    "search.n_iter = 'many'",
    "search.cv = 'five'",
    "search.cv = 1000",
    "search.scoring = 'acuracy'",
    "search.scoring = 3",
    "search.param_distributions = 7",
    "search.param_distributions = {'C': []}",
    "search.param_distributions = {'D': [1]}",
    "search.param_distributions = {'C': object()}",
    "param_distributions = 'C'; search = None",
    "del search, model",
    "X = y = []",
    "X = [[1], [1, 2]]",
    "X = np.full((40, 2), np.nan)",
    "X = X.reshape(2, 20, 2)",
    "X = object()",
    "y = y[:7]",
    "y = None",
    "y = np.array([None] * 40)",
    "def load_data(): raise OSError('no disk')\ndel X, y",
    "def load_data(): return 3\ndel X, y",
    "def load_data(a, b): return a, b\ndel X, y",
    "cv = 'five'; search = None",
    "scoring = lambda *_: 'high'; search = None",
    "fit_params = 3",
    "sample_weight = [1, 2]",
    "groups = 'abc'",
)


def odd_line(rng: random.Random, text: str) -> str:
    """Add a statement that fails, or makes something that cannot be used."""
    return f"{text}{rng.choice(ODD_LINES)}\n"


def odd_line_within(rng: random.Random, text: str) -> str:
    lines = text.split("\n")
    lines.insert(rng.randrange(len(lines)), rng.choice(ODD_LINES))
    return "\n".join(lines)


def lose_line(rng: random.Random, text: str) -> str:
    lines = text.split("\n")
    del lines[rng.randrange(1, len(lines) - 1)]
    return "\n".join(lines)


def mistype(rng: random.Random, text: str) -> str:
    start = rng.randrange(len(text))
    return text[:start] + rng.choice(["", "(", "'", " ", "\t", "x", ":", "\x00", "\ufeff", "é"]) + text[start + 1 :]


def damaged_text(rng: random.Random, text: str) -> bytes:
    return rng.choice(BYTES)(rng, text.encode())


def python(rng: random.Random) -> Case:
    how = rng.choice([odd_line] * 6 + [odd_line_within, lose_line, mistype, mistype, damaged_text])
    changed = how(rng, SPEC)
    content = changed if isinstance(changed, bytes) else changed.encode("utf-8", "surrogatepass")
    command = rng.choice(
        [
            ["inspect", "spec.py"],
            ["fit", "spec.py:model", "--dry-run"],
            ["search", "spec.py", "--dry-run"],
            ["search", "spec.py", "--no-verify"],
            ["search", "spec.py", "--no-verify"],
            ["fit", "spec.py", "--no-verify"],
            ["fit", "spec.py:search", "--no-verify"],
            ["predict", "fitted-5.pkl", "spec.py:load_data"],
        ]
    )
    codes = frozenset({DONE, USAGE, INPUT, OWN_CODE})
    return Case({"spec.py": content, "fitted-5.pkl": pickles()["fitted-5.pkl"]}, command, how.__name__, codes)


# --- run folders

FINISHED = SPEC.replace("n_iter=2, cv=2", "n_iter=3, cv=4")
"""A search of 12 fits, whose run folder is damaged."""

ODD_LINES_OF_A_JOURNAL = (
    b"\n",
    b"{}\n",
    b"null\n",
    b"[" * 50_000 + b"\n",
    b'{"fit": 3}\n',
    b'{"fit": "a b", "test_scores": {"score": []}, "fit_time": "soon"}\n',
    b'{"fit": "a b", "test_scores": "high", "fit_time": 1, "score_time": 1, "n_test_samples": 1, "fit_error": null}\n',
    b'{"fit": "' + b"x" * 2_000_000 + b'"}\n',
    bytes(range(256)) + b"\n",
    b"\xff\xfe\n",
)
ODD_FIELDS = {"colour": "red", "fit": 7, "fit_time": "soon", "score_time": "1", "n_test_samples": [], "fit_error": {}}
ODD_FIELDS |= {"test_scores": None, "train_scores": {"score": 1}}


def torn(rng: random.Random, lines: list[bytes]) -> None:
    lines[-1] = cut(rng, lines[-1])


def twice(rng: random.Random, lines: list[bytes]) -> None:
    lines += rng.choices(lines, k=rng.randint(1, 20))


def odd_journal_line(rng: random.Random, lines: list[bytes]) -> None:
    lines.insert(rng.randrange(len(lines) + 1), rng.choice(ODD_LINES_OF_A_JOURNAL))


def odd_field(rng: random.Random, lines: list[bytes]) -> None:
    number, name = rng.randrange(1, len(lines)), rng.choice(sorted(ODD_FIELDS))
    lines[number] = json.dumps({**json.loads(lines[number]), name: ODD_FIELDS[name]}).encode() + b"\n"


def lose_field(rng: random.Random, lines: list[bytes]) -> None:
    number = rng.randrange(len(lines))
    record = json.loads(lines[number])
    del record[rng.choice(sorted(record))]
    lines[number] = json.dumps(record).encode() + b"\n"


def odd_header(rng: random.Random, lines: list[bytes]) -> None:
    header = json.loads(lines[0])
    header[rng.choice(sorted(header))] = rng.choice([*ODD_VALUES, ["MT19937", [1, 2], 3, 0, 0.0], {"data": "x"}])
    lines[0] = json.dumps(header).encode() + b"\n"


def shuffled(rng: random.Random, lines: list[bytes]) -> None:
    fits = lines[1:]
    rng.shuffle(fits)
    lines[1:] = fits


def without_header(_: random.Random, lines: list[bytes]) -> None:
    del lines[0]


def without_fits(_: random.Random, lines: list[bytes]) -> None:
    del lines[1:]


def of_another_search(rng: random.Random, lines: list[bytes]) -> None:
    header = json.loads(lines[0])
    header["identity"][rng.choice(sorted(header["identity"]))] = "0" * 64
    lines[0] = json.dumps(header).encode() + b"\n"


HARMLESS = (torn, twice, shuffled, without_fits)
"""After these a search goes on, and finds what it would have found."""

BY_LINES = (*HARMLESS, odd_journal_line, odd_field, lose_field, odd_header, without_header, of_another_search)


def journal(rng: random.Random, run: Mapping[str, bytes]) -> Case:
    return damaged_journal(rng, run, rng.choice([*BY_LINES, *BY_LINES, *BYTES]))


def damaged_journal(rng: random.Random, run: Mapping[str, bytes], how: Callable[..., Any]) -> Case:
    """Damage a run's journal in one way."""
    if how in BY_LINES:
        lines = run["journal.jsonl"].splitlines(keepends=True)
        how(rng, lines)
        damaged = b"".join(lines)
    else:
        damaged = how(rng, run["journal.jsonl"])
    codes = frozenset({DONE} if how in HARMLESS else {DONE, INPUT})
    return Case(_folder({**run, "journal.jsonl": damaged}), ["resume", "run"], how.__name__, codes)


ODD_JOBS = (
    {"arguments": ["resume", "run"]},
    {"arguments": ["resume", "latest"]},
    {"arguments": []},
    {"arguments": ["--help"]},
    {"arguments": ["search"]},
    {"arguments": ["search", "nowhere.py"]},
    {"arguments": ["search", "spec.py", "--no-such-option"]},
    {"arguments": ["search", "spec.py", "--run-dir"]},
    {"arguments": ["search", "spec\0.py"]},
    {"arguments": ["search", "\ud800.py"]},
    {"arguments": ["predict", "fitted-5.pkl", "good.csv"]},
    {"arguments": "search spec.py"},
    {"arguments": None},
    {"folder": "/nowhere/at/all"},
    {"folder": "run/run.json"},
    {"folder": "a\0b"},
    {"folder": "\ud800"},
    {"folder": ""},
    {"folder": 3},
)


def odd_job(rng: random.Random, content: bytes) -> bytes:
    said = json.loads(content)
    said["job"].update(rng.choice(ODD_JOBS))
    return json.dumps(said).encode()


def manifest(rng: random.Random, run: Mapping[str, bytes]) -> Case:
    how = rng.choice([*[odd_job] * 12, odd_value, odd_json, *BYTES])
    return Case(_folder({**run, "run.json": how(rng, run["run.json"])}), ["resume", "run"], how.__name__)


def _folder(run: Mapping[str, bytes]) -> dict[str, bytes]:
    return {"spec.py": FINISHED.encode(), **{f"run/{name}": content for name, content in run.items()}}
