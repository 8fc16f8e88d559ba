"""The journal: what it keeps, what it refuses, and what it does with a file that is not whole."""

from __future__ import annotations

import json
import math
import subprocess
import sys
import textwrap
from types import ModuleType

import cloudpickle
import numpy as np
import pytest
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from raysk.errors import InputError
from raysk.runs.fingerprint import fingerprint, params_fingerprint
from raysk.runs.journal import Journal

SPLITS = [(np.arange(5), np.arange(5, 10)), (np.arange(5, 10), np.arange(5))]
CANDIDATES = [{"C": 1.0}, {"C": 10.0}]


def parts(**changed):
    """Return what a search's fits depend on."""
    return {"estimator": SVC(), "data": (np.eye(10), np.arange(10)), "scoring": "accuracy", "options": "nan", **changed}


def result(score=0.1 + 0.2, **more):
    """Return what scikit-learn returns for a fit."""
    return {"fit_error": None, "test_scores": score, "fit_time": 0.1, "score_time": 0.2, "n_test_samples": 5, **more}


@pytest.fixture
def path(tmp_path):
    return tmp_path / "journal.jsonl"


@pytest.fixture
def written(path):
    """Write a journal with the fits 0 and 3 of the four."""
    with Journal(path) as journal:
        journal.round(parts(), CANDIDATES, SPLITS, whole=True).add([(0, result()), (3, result(0.75))])
    return path


def known(path, candidates=CANDIDATES, splits=SPLITS, **changed):
    """Open a journal again and return what it knows of a search."""
    with Journal(path) as journal:
        return journal.round(parts(**changed), candidates, splits, whole=True).known(
            range(len(candidates) * len(splits))
        )


def test_what_finished_is_known_again(written):
    """Results come back to the last bit, under the numbers that their fits have now."""
    assert known(written) == {0: result(), 3: result(0.75)}
    turned = {2: result(), 1: result(0.75)}
    assert known(written, CANDIDATES[::-1]) == turned
    assert known(written, [{"C": 3.0}, *CANDIDATES]) == {2: result(), 5: result(0.75)}


@pytest.mark.parametrize(
    "scores",
    [math.nan, -math.inf, {"a": 0.1, "b": math.nan}, np.float64(1 / 3)],
    ids=["nan", "inf", "several", "numpy"],
)
def test_scores_of_every_kind(path, scores):
    """NaN, infinities, several metrics and numpy's numbers are kept, in lines that are valid JSON."""
    with Journal(path) as journal:
        journal.round(parts(), CANDIDATES, SPLITS, whole=True).add(
            [(0, result(scores, fit_error="Traceback\n", train_scores=scores))]
        )
    for line in path.read_text().splitlines():
        json.loads(line, parse_constant=pytest.fail)
    found = known(path)[0]
    np.testing.assert_equal(found, result(scores, fit_error="Traceback\n", train_scores=scores))


@pytest.mark.parametrize(
    ("changed", "word"),
    [
        ({"estimator": SVC(C=2)}, "estimator"),
        ({"data": (np.eye(10) + 1, np.arange(10))}, "data"),
        ({"scoring": "f1"}, "scoring"),
        ({"options": "raise"}, "error_score"),
        ({"splits": SPLITS[::-1]}, "splits"),
    ],
    ids=["estimator", "data", "scoring", "options", "splits"],
)
def test_another_search_is_refused(written, changed, word):
    """What would give other results is refused by name, and the journal stays as it is."""
    before = written.read_bytes()
    with pytest.raises(InputError, match=word) as raised:
        known(written, **changed)
    assert len(str(raised.value).splitlines()) <= 5
    assert written.read_bytes() == before


def test_candidates_that_are_finished_cannot_be_left_out(written):
    """More may come; fewer would write the results of all over. A round of halving is not all of its search."""
    assert known(written, [{"C": 5.0}, *CANDIDATES]) == {2: result(), 5: result(0.75)}
    before = written.read_bytes()
    with pytest.raises(InputError, match=r"fits of 2 candidates, and this search leaves 1 of them out"):
        known(written, CANDIDATES[:1])
    assert written.read_bytes() == before
    with Journal(written) as journal:
        assert journal.round(parts(), CANDIDATES[:1], SPLITS, whole=False).known(range(2)) == {0: result()}


def test_a_torn_last_line_is_dropped(written):
    """A line that a crash cut short is forgotten, and the next one stands by itself."""
    whole = written.read_bytes()
    written.write_bytes(whole[:-10])
    with Journal(written) as journal:
        round_ = journal.round(parts(), CANDIDATES, SPLITS, whole=True)
        assert round_.known(range(4)) == {0: result()}
        round_.add([(3, result(0.75))])
    assert written.read_bytes() == whole


def test_lines_that_say_nothing_are_passed_over(written):
    """Duplicates, unknown fields, other records and damaged lines do no harm; the first record of a fit counts."""
    header, first, last = written.read_text().splitlines()
    again = json.dumps({**json.loads(first), "test_scores": 0.5})
    more = json.dumps({**json.loads(last), "field of the future": [1]})
    odd = ["", "not JSON", "[1]", "{}", '{"fit": "x"}', '{"fit": "y", "test_scores": "?"}', "\0\0"]
    written.write_text("\n".join([header, *odd, first, again, more]) + "\n")
    assert known(written) == {0: result(), 3: result(0.75)}


@pytest.mark.parametrize("content", [b"", b'{"raysk": "jour'], ids=["empty", "torn"])
def test_a_journal_without_a_beginning_begins_anew(path, content):
    """An empty file, or one whose first line was cut short, is a journal without fits."""
    path.write_bytes(content)
    assert known(path) == {}
    assert json.loads(path.read_text().splitlines()[0])["raysk"] == "journal"


@pytest.mark.parametrize(
    "content", [b"a,b\n1,2\n", b"\x80\x05\n", b'{"raysk": "model"}\n'], ids=["csv", "pickle", "other"]
)
def test_what_is_no_journal_is_refused(path, content):
    """Another file of that name is an error, and is not touched."""
    path.write_bytes(content)
    with pytest.raises(InputError, match="no journal"):
        Journal(path)
    assert path.read_bytes() == content


def test_two_runs_cannot_share_it(written):
    """While one run uses the journal another is refused; afterwards not."""
    with Journal(written), pytest.raises(InputError, match="in use"):
        Journal(written)
    Journal(written).__exit__()


def test_the_lock_goes_with_its_process(written):
    """A run that is killed leaves no lock behind."""
    code = "import os, sys, pathlib; from raysk.runs.journal import Journal; j = Journal(pathlib.Path(sys.argv[1]))"
    subprocess.run([sys.executable, "-c", f"{code}; os._exit(9)", str(written)], check=False, timeout=60)
    Journal(written).__exit__()


def test_a_full_disk_ends_the_journal_and_nothing_else(written, monkeypatch):
    """What cannot be written is warned of once; lines stay whole, and the search goes on."""
    before = written.read_bytes()
    write = __import__("os").write

    def nearly_full(file, content):
        if len(content) > 7:
            return write(file, content[:7])
        raise OSError(28, "No space left on device")

    with Journal(written) as journal:
        round_ = journal.round(parts(), CANDIDATES, SPLITS, whole=True)
        monkeypatch.setattr("os.write", nearly_full)
        with pytest.warns(UserWarning, match="No space left") as heard:  # noqa: PT031 - both adds, one warning
            for unit in (1, 2):
                round_.add([(unit, result())])
        assert len(heard) == 1
    monkeypatch.undo()
    assert written.read_bytes() == before


def test_a_search_that_cannot_be_told_apart_runs_without_a_journal(path):
    """An object that has no value, such as an open file or a function that holds itself, costs the journal only."""

    def itself():
        return itself

    for odd in (path.open("w"), itself):
        with Journal(path) as journal, pytest.warns(UserWarning, match="cannot be resumed"):
            round_ = journal.round(parts(estimator=SVC(kernel=odd)), CANDIDATES, SPLITS, whole=True)
        assert round_.known(range(4)) == {}


def test_the_global_generator_is_put_back(path):
    """A search without a seed draws the same again when it is resumed."""
    with Journal(path) as journal:
        journal.random_state()
        drawn = np.random.random(3)  # noqa: NPY002 - what scikit-learn draws from without a seed
        journal.round(parts(), CANDIDATES, SPLITS, whole=True)
    np.random.seed(1)  # noqa: NPY002
    with Journal(path) as journal:
        journal.random_state()
    assert np.random.random(3).tolist() == drawn.tolist()  # noqa: NPY002


# --- fingerprints


def module_with(source):
    """Make a module of the person's, as it travels by value."""
    module = ModuleType("person")
    exec(textwrap.dedent(source), vars(module))  # noqa: S102 - the test's own
    return module


@pytest.mark.parametrize(
    "make", [SVC, lambda: make_pipeline(StandardScaler(), SVC()), lambda: {"b": {2, 1}, "a": [1.5]}]
)
def test_equal_objects_have_equal_fingerprints(make):
    """Two objects that were made alike are the same, and a changed one is another."""
    assert fingerprint(make()) == fingerprint(make())
    assert fingerprint(SVC(C=1)) != fingerprint(SVC(C=2))


def test_the_code_of_the_persons_classes_counts(monkeypatch):
    """The same class with another method is another estimator; that of a library is known by its name."""
    monkeypatch.setitem(sys.modules, "person", ModuleType("person"))
    cloudpickle.register_pickle_by_value(sys.modules["person"])
    try:
        made = []
        for body in ("return 1", "return 1", "return 2"):
            module = module_with(f"class Own:\n    def fit(self):\n        {body}\n")
            module.Own.__module__ = "person"
            monkeypatch.setattr(sys.modules["person"], "Own", module.Own, raising=False)
            made.append(fingerprint(module.Own()))
    finally:
        cloudpickle.unregister_pickle_by_value(sys.modules["person"])
    assert made[0] == made[1] != made[2]


def test_functions_without_a_name_count_by_what_they_do():
    """Lambdas are told apart by their source and by what they hold on to."""

    def scaled(factor):
        return lambda x: x * factor

    assert fingerprint(scaled(2)) == fingerprint(scaled(2))
    assert fingerprint(scaled(2)) != fingerprint(scaled(3))


def test_parameters_are_the_same_whatever_their_type_of_number():
    """Those of numpy count as Python's, and True is not 1."""
    assert params_fingerprint({"a": np.float64(0.1), "b": np.int64(3)}) == params_fingerprint({"b": 3, "a": 0.1})
    assert params_fingerprint({"a": True}) != params_fingerprint({"a": 1})
    assert params_fingerprint({"a": SVC()}) == params_fingerprint({"a": SVC()})
