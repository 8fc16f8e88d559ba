"""The journal: what it keeps, what it refuses, and what it does with a file that is not whole."""

from __future__ import annotations

import json
import math
import re
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
from raysk.runs.conditions import CurrentConditions
from raysk.runs.fingerprint import fingerprint, params_fingerprint
from raysk.runs.journal import Journal
from raysk.runs.journal_round import Done
from raysk.runs.records import Wanted

DONE = Done(ended=0.0)
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
        journal.round(parts(), CANDIDATES, SPLITS, whole=True).add([(0, result()), (3, result(0.75))], DONE)
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
            [(0, result(scores, fit_error="Traceback\n", train_scores=scores))], DONE
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
        round_.add([(3, result(0.75))], DONE)
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
    "content",
    [b"a,b\n1,2\n", b"\x80\x05\n", b'{"raysk": "model"}\n', b"a,b\n1,2", b"a,b"],
    ids=["csv", "pickle", "other", "no end of its last line", "one line"],
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
                round_.add([(unit, result())], DONE)
        assert len(heard) == 1
    monkeypatch.undo()
    assert written.read_bytes() == before


def test_a_search_that_cannot_be_told_apart_runs_without_a_journal(path):
    """An object that has no value, such as an open file, costs the journal only."""
    odd = path.open("w")
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


# --- code and versions

CODE = {"helper.py": {"code": "a1", "values": {"LEVEL": "b1"}}}
VERSIONS = {"scikit-learn": "1.5.2", "numpy": "2.1.0", "scipy": "1.14.0", "ray": "2.50.0", "Python": "3.10.1"}


def made(code=CODE, **more):
    """Return what fits are made with; versions by their names without a dash."""
    accepted = {name: more.pop(name) for name in ("anyway", "allow_versions") if name in more}
    versions = {**VERSIONS, **{name.replace("_", "-"): version for name, version in more.items()}}
    return CurrentConditions(code=code, versions=versions, **accepted)


def resumed(path, now, said=None, **changed):
    """Go on with a journal; returns what it knows."""
    say = None if said is None else said.append
    with Journal(path, now, say) as journal:
        return journal.round(parts(**changed), CANDIDATES, SPLITS, whole=True).known(range(4))


@pytest.fixture
def recorded(path):
    """Write a journal that knows code and versions."""
    with Journal(path, made()) as journal:
        journal.round(parts(), CANDIDATES, SPLITS, whole=True).add([(0, result())], DONE)
    return path


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ({"helper.py": {"code": "a2", "values": {"LEVEL": "b1"}}}, "other code in helper.py than"),
        ({"helper.py": {"code": "a1", "values": {"LEVEL": "b2"}}}, "other LEVEL in helper.py than"),
        ({**CODE, "more.py": {"code": "c", "values": {}}}, "other code in more.py than"),
        ({}, "other code in helper.py, LEVEL in helper.py than"),
    ],
    ids=["code", "value", "more", "less"],
)
def test_other_code_is_refused(recorded, code, said):
    """The file and the global that changed are named, and the journal stays as it is; a person may know better.

    What is accepted once is recorded, and holds from then on.
    """
    before, lines = recorded.read_bytes(), []
    with pytest.raises(InputError, match=said) as raised:
        resumed(recorded, made(code))
    assert "--resume-anyway" in str(raised.value)
    assert len(str(raised.value).splitlines()) <= 5
    assert recorded.read_bytes() == before
    assert resumed(recorded, made(code, anyway=True), lines) == {0: result()}
    assert ["anyway" in line and said in line for line in lines] == [True]
    part = json.loads(recorded.read_text().splitlines()[-1])
    assert part["part"]["code"] == code
    assert "helper.py" in str(part["other"]) or "more.py" in str(part["other"])
    whole = recorded.read_bytes()
    assert resumed(recorded, made(code), lines) == {0: result()}
    assert recorded.read_bytes() == whole
    with pytest.raises(InputError, match=r"(helper|more)\.py"):
        resumed(recorded, made())


def test_another_estimator_is_accepted_too(recorded):
    """Whatever differs, the person may know better; from then on it is the one to be compared."""
    with pytest.raises(InputError, match="estimator"):
        resumed(recorded, made(), estimator=SVC(C=2))
    assert resumed(recorded, made(anyway=True), estimator=SVC(C=2)) == {0: result()}
    assert resumed(recorded, made(), estimator=SVC(C=2)) == {0: result()}


@pytest.mark.parametrize(
    ("versions", "said"),
    [
        ({"scikit_learn": "1.5.3"}, "scikit-learn 1.5.2 (1.5.3 here)"),
        ({"scikit_learn": "1.9.1", "numpy": "1.26.4"}, "scikit-learn 1.5.2 (1.9.1 here) and numpy 2.1.0 (1.26.4 here)"),
    ],
    ids=["one", "both"],
)
def test_other_versions_are_refused(recorded, versions, said):
    """As on nodes: another scikit-learn, or numpy of another major release, unless the person accepts that."""
    lines = []
    with pytest.raises(InputError, match=re.escape(said)) as raised:
        resumed(recorded, made(**versions, anyway=True))
    assert "pip install scikit-learn==1.5.2" in str(raised.value)
    assert "--allow-versions" in str(raised.value)
    assert resumed(recorded, made(**versions, allow_versions=True), lines) == {0: result()}
    assert ["results may differ" in line and said in line for line in lines] == [True]
    assert resumed(recorded, made(**versions)) == {0: result()}
    parts = [json.loads(line) for line in recorded.read_text().splitlines()]
    kept = [each.get("part", each)["versions"]["scikit-learn"] for each in parts if "fit" not in each]
    assert kept == ["1.5.2", versions["scikit_learn"]]


def test_versions_that_change_little(recorded):
    """Other libraries are recorded; of those that results may depend on there is a remark."""
    lines = []
    assert resumed(recorded, made(ray="2.60.0", Python="3.11.2"), lines) == {0: result()}
    assert lines == []
    assert resumed(recorded, made(ray="2.60.0", numpy="2.4.0"), lines) == {0: result()}
    assert lines == ["Going on with fits of numpy 2.1.0 (2.4.0 here): results may differ"]


def test_an_estimator_is_the_same_in_every_release(path, monkeypatch):
    """scikit-learn notes its release in an estimator; that alone makes no other estimator of it."""
    monkeypatch.setattr("sklearn.base.__version__", "1.5.2")
    with Journal(path, made()) as journal:
        journal.round(parts(), CANDIDATES, SPLITS, whole=True).add([(0, result())], DONE)
    monkeypatch.setattr("sklearn.base.__version__", "1.9.1")
    now = made(scikit_learn="1.9.1", allow_versions=True)
    assert resumed(path, now) == resumed(path, now) == {0: result()}


def test_a_journal_of_before_is_read(written):
    """One that recorded neither code nor versions goes on, says so once, and records them from then on."""
    assert set(json.loads(written.read_text().splitlines()[0])) == {"raysk", "schema", "identity", "random"}
    lines = []
    assert resumed(written, made(), lines) == {0: result(), 3: result(0.75)}
    assert ["did not record code" in line for line in lines] == [True]
    assert resumed(written, made(), lines) == {0: result(), 3: result(0.75)}
    assert len(lines) == 1
    with pytest.raises(InputError, match=r"helper\.py"):
        resumed(written, made({}))
    with pytest.raises(InputError, match=r"scikit-learn 1\.5\.2"):
        resumed(written, made(scikit_learn="1.9.1"))


# --- results of another kind


@pytest.mark.parametrize(
    ("wanted", "good", "bad"),
    [
        (Wanted(), [result()], [result({"a": 1.0}), result({})]),
        (Wanted(train=True), [result(train_scores=1.0)], [result(), result(train_scores={"a": 1.0})]),
        (Wanted(frozenset("ab")), [result({"a": 1.0, "b": 2.0})], [result(), result({"a": 1.0})]),
        (Wanted(free=True), [result({"a": 1.0}), result({"a": 2.0})], [result()]),
        (Wanted(free=True), [result(), result(), result(fit_error="x")], [result({"a": 1.0})]),
        (Wanted(free=True), [result({"a": 1.0}), result(math.nan, fit_error="x")], [result({"b": 1.0}, fit_error="x")]),
    ],
    ids=["one", "train", "several", "free", "free one", "free failed"],
)
def test_results_of_another_search_are_done_again(wanted, good, bad):
    """Those whose scores the search cannot use are not known."""
    every = [(f"{number}", each) for number, each in enumerate([*bad, *good])]
    assert [each for _, each in wanted.among(every)] == good


def test_stray_train_scores_are_dropped(path):
    """A search that has none cannot use them; the rest of the record is good, and a bad one is replaced for good."""
    with Journal(path) as journal:
        round_ = journal.round(parts(), CANDIDATES, SPLITS, whole=True)
        round_.add([(0, result(train_scores=0.5)), (1, result({"a": 1.0}))], DONE)
    for _ in range(2):
        with Journal(path) as journal:
            round_ = journal.round(parts(), CANDIDATES, SPLITS, whole=True, wanted=Wanted())
            round_.add([(1, result(0.25))], DONE)
            assert round_.known(range(4)) == {0: result(), 1: result(0.25)}
    assert len(path.read_text().splitlines()) == 4


ODD = {
    "test_scores": ["Infinity", "NaN", "1e999", "-1" + "0" * 400, "[0.5]", "true", "null", '"high"', '{"a": {"b": 1}}'],
    "fit_time": ["Infinity", "1" + "0" * 400, "-1", "{}", '"1.0"', "1e400", "false"],
    "n_test_samples": ["Infinity", "1" + "0" * 400, "5.5", "-3", '"5"', "null", "9" * 20],
    "fit_error": ["3", "{}", "false"],
    "fit": ["3", "null", "{}", "[]", "true"],
}


@pytest.mark.parametrize(("name", "text"), [(name, text) for name, texts in ODD.items() for text in texts])
def test_odd_values_are_passed_over(written, name, text):
    """A record with a value that no fit has had is as if it were not there."""
    header, first, last = written.read_text().splitlines()
    record = json.loads(first)
    odd = ", ".join(f"{json.dumps(key)}: {text if key == name else json.dumps(value)}" for key, value in record.items())
    written.write_text("\n".join([header, f"{{{odd}}}", last]) + "\n")
    assert known(written) == {3: result(0.75)}


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


def test_a_class_out_of_a_pickle_counts_with_what_it_uses():
    """One that is to be found nowhere is what it was compiled to, with the functions and constants that it uses."""
    text = """
    import numpy as np
    LEVEL = {level}
    def helper(x):
        return [each * LEVEL for each in x if each in {{"a", "b"}}]
    class Base:
        shift = {shift}
    class Own(Base):
        def fit(self, X, y=None):
            super().__init__()
            return np.sum(helper(X)) + self.again()
        @property
        def more(self):
            return {more}
        def again(self):
            return Own
    """
    values = {"level": 1, "shift": 2, "more": 3}

    def kept(**changed):
        own = module_with(textwrap.dedent(text).format(**{**values, **changed})).Own
        return fingerprint(cloudpickle.loads(cloudpickle.dumps(own())))

    assert kept() == kept()
    assert len({kept(), *(kept(**{name: 7}) for name in values)}) == 4


def test_code_that_is_compared_by_itself_counts_by_its_name(monkeypatch):
    """Where modules are compared, their classes are known by name, and lambdas by what they do, not by their line."""
    monkeypatch.setitem(sys.modules, "person", ModuleType("person"))
    cloudpickle.register_pickle_by_value(sys.modules["person"])
    try:
        made = []
        for body in ("class Own:\n    a = 1\n", "class Own:\n    a = 2\n"):
            exec(body, vars(sys.modules["person"]))  # noqa: S102 - the test's own
            made.append(fingerprint(sys.modules["person"].Own(), by_name=["person"]))
    finally:
        cloudpickle.unregister_pickle_by_value(sys.modules["person"])
    assert made[0] == made[1]


def test_the_code_of_the_program_itself_counts(monkeypatch):
    """What a search uses of ``__main__`` is compared by what it does: the program has no record of its own."""
    made = []
    for body in ("a = 1", "a = 1", "a = 2"):
        monkeypatch.setitem(sys.modules, "__main__", main := ModuleType("__main__"))
        exec(f"class Own:\n    {body}\n", vars(main))  # noqa: S102 - the test's own
        made.append(fingerprint(main.Own()))
    assert made[0] == made[1] != made[2]


def test_parameters_are_the_same_whatever_their_type_of_number():
    """Those of numpy count as Python's, and True is not 1."""
    assert params_fingerprint({"a": np.float64(0.1), "b": np.int64(3)}) == params_fingerprint({"b": 3, "a": 0.1})
    assert params_fingerprint({"a": True}) != params_fingerprint({"a": 1})
    assert params_fingerprint({"a": SVC()}) == params_fingerprint({"a": SVC()})


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"estimator": SVC(C=2)}, "C was 1.0 and is 2"),
        ({"estimator": SVC(C=2, kernel="poly")}, "C was 1.0 and is 2; kernel was 'rbf' and is 'poly'"),
        ({"data": (np.zeros((3, 2)), None)}, "X was "),
    ],
    ids=["a parameter", "two", "data"],
)
def test_a_refusal_says_what_was_and_what_is(recorded, changed, said):
    """Old and new value of what changed, within five lines."""
    with pytest.raises(InputError, match=re.escape(said)) as raised:
        resumed(recorded, made(), **changed)
    assert len(str(raised.value).splitlines()) <= 5


def test_a_refusal_of_a_journal_without_texts(recorded):
    """A journal of before has none, and one that was changed by hand may have anything: it is refused by name."""
    for texts in ({}, {"estimator": {"C": 1}}, {"estimator": 3}, "?"):
        head, *rest = recorded.read_text().splitlines(keepends=True)
        recorded.write_text(json.dumps({**json.loads(head), "texts": texts}) + "\n" + "".join(rest))
        with pytest.raises(InputError, match="other estimator than"):
            resumed(recorded, made(), estimator=SVC(C=2))
