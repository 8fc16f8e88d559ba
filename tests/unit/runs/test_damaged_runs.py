"""Journals and manifests in which something went wrong, by a seeded generator: refused, or what is whole is found."""

from __future__ import annotations

import copy
import json
import math
import random

import numpy as np
import pytest
import typer
from damage import BYTES
from sklearn.svm import SVC

from raysk.cli.app import app
from raysk.cli.commands import resume
from raysk.errors import InputError
from raysk.runs.conditions import CurrentConditions
from raysk.runs.folder import JOURNAL, MANIFEST
from raysk.runs.journal import Journal
from raysk.runs.journal_round import Done
from raysk.runs.lookup import find_search
from raysk.runs.records import Wanted

SEED, CASES = 20261124, 400
DONE = Done(ended=0.0)
HUGE = "0123456789" * 40
ODD = [
    "Infinity",
    "-Infinity",
    "NaN",
    "1e999",
    HUGE,
    f"-1{HUGE}",
    "null",
    "true",
    "[]",
    "{}",
    "[[]]",
    '""',
    '"x"',
    "-1",
]
ODD += [
    '{"a": 1}',
    '{"score": {"b": 2}}',
    '"\\ud800"',
    '"\\u0000"',
    '"Infinity"',
    "0.5",
    "1e-400",
    '"' + "x" * 5000 + '"',
]
ODD += ["[" * 30_000, '"\\', "9" * 5000, '{"identity": {}}', '["search", "--"]', '"search"']
SPLITS = [(np.arange(5), np.arange(5, 10)), (np.arange(5, 10), np.arange(5))]
CANDIDATES = [{"C": 1.0}, {"C": 10.0}]
PARTS = {"estimator": SVC(), "data": (np.eye(10), np.arange(10)), "scoring": "accuracy", "options": "nan"}
CODE = {"helper.py": {"code": "a", "values": {"LEVEL": "b"}}}
MARK = '"the odd value"'


def made(**more):
    return CurrentConditions(code=CODE, versions={"scikit-learn": "1.9.1", "numpy": "2.1.0"}, **more)


def changed(rng, text):
    """Put an odd value in the place of one of a JSON object, or take it out."""
    part = whole = json.loads(text)
    while True:
        key = rng.choice(sorted(part)) if isinstance(part, dict) else rng.randrange(len(part))
        if not (isinstance(part[key], dict | list) and part[key] and rng.random() < 0.7):
            break
        part = part[key]
    if rng.random() < 0.1:
        del part[key]
        return json.dumps(whole)
    part[key] = json.loads(MARK)
    return json.dumps(whole).replace(MARK, rng.choice(ODD))


def damaged(rng, content):
    """Return a file of JSON lines with one or two of them changed, or its bytes."""
    if rng.random() < 0.2:
        return rng.choice(BYTES)(rng, content.encode())
    lines = content.splitlines()
    for _ in range(rng.choice([1, 1, 2])):
        number = rng.randrange(len(lines))
        try:
            lines[number] = changed(rng, lines[number])
        except (ValueError, RecursionError):  # it was changed already
            lines.append(rng.choice(ODD))
    return ("\n".join(lines) + "\n").encode("utf-8", "surrogatepass")


def one(score):
    return {"fit_error": None, "test_scores": score, "fit_time": 0.1, "score_time": 0.2, "n_test_samples": 5}


@pytest.fixture(scope="module")
def content(tmp_path_factory):
    """Return a journal with two parts and four fits."""
    path = tmp_path_factory.mktemp("whole") / JOURNAL
    for now, units in ((made(), (0, 1)), (CurrentConditions(code={}, versions=made().versions, anyway=True), (2, 3))):
        with Journal(path, now) as journal:
            round_ = journal.round(PARTS, CANDIDATES, SPLITS, whole=True, wanted=Wanted())
            round_.add([(unit, one(unit / 4)) for unit in units], DONE)
    return path.read_text()


def said_well(error):
    assert 1 <= len(str(error).splitlines()) <= 5
    assert all(len(line) < 1000 for line in str(error).splitlines()), str(error)


@pytest.mark.parametrize("block", range(8))
def test_a_damaged_journal(block, content, tmp_path):
    """It is refused in five lines, or its results are those of a search, and none is another fit's."""
    told = 0
    for number in range(block * CASES // 8, (block + 1) * CASES // 8):
        rng = random.Random(f"{SEED} journal {number}")  # noqa: S311 - no secret
        path = tmp_path / f"{number}.jsonl"
        path.write_bytes(damaged(rng, content))
        accepted = {"anyway": rng.random() < 0.5, "allow_versions": rng.random() < 0.5}
        lines = []
        try:
            with Journal(
                path, CurrentConditions(code={}, versions=made().versions, **accepted), lines.append
            ) as journal:
                journal.random_state()
                round_ = journal.round(PARTS, CANDIDATES, SPLITS, whole=True, wanted=Wanted())
                found = round_.known(range(4))
                round_.add([(unit, one(unit / 4)) for unit in range(4) if unit not in found], DONE)
        except InputError as error:
            said_well(error)
            told += 1
            continue
        for unit, result in found.items():
            assert type(result["test_scores"]) is float, number
            assert math.isfinite(result["fit_time"]), number
            assert "train_scores" not in result, number
            assert set(result) == set(one(unit)), number
        assert len("".join(lines)) < 3000, number
        with Journal(path, CurrentConditions(code={}, versions=made().versions)) as journal:  # what was added is found
            again = journal.round(PARTS, CANDIDATES, SPLITS, whole=True, wanted=Wanted()).known(range(4))
            assert sorted(again) == [0, 1, 2, 3], number
    assert 0 < told < CASES // 8


def test_a_damaged_manifest(tmp_path):
    """What does not say how a run was started is refused in two lines; what does is read as arguments of a search."""
    good = {"schema": 1, "outcome": "done", "ended": None, "outputs": ["/a.pkl"], "versions": {"numpy": "2.1.0"}}
    good["job"] = {"command": "search", "source": "s.py", "arguments": ["search", "s.py", "--cv=3"], "folder": "/"}
    (tmp_path / JOURNAL).touch()
    root, told = typer.Context(typer.main.get_command(app), info_name="raysk"), 0
    for number in range(CASES):
        rng = random.Random(f"{SEED} manifest {number}")  # noqa: S311 - no secret
        text = json.dumps(copy.deepcopy(good))
        (tmp_path / MANIFEST).write_bytes(damaged(rng, text))
        folder = find_search(str(tmp_path))
        assert all(isinstance(each, str) for each in folder.outputs())
        try:
            arguments = folder.read_manifest()["job"]["arguments"][1:]
            assert resume.resumed(root, folder.root, arguments, ["--cv", "5"]).params["cv"] == 5
        except InputError as error:
            said_well(error)
            told += 1
        except Exception as error:  # noqa: BLE001 - of the parser, whose class is private
            assert error.exit_code == 2, number  # noqa: PT017 - as above
    assert 0 < told < CASES
