from __future__ import annotations

import sys

import pytest

from raysk.errors import InputError, UserCodeError
from raysk.source.file_data import find_data
from raysk.source.loader import load
from raysk.source.objects import find_estimator, find_search, find_space

SVC = "from sklearn.svm import SVC\n"
HEAD = f"""{SVC}
from sklearn.linear_model import Ridge
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler
"""


@pytest.fixture
def write(tmp_path, monkeypatch):
    """Return a function that writes model.py and returns its path as text."""
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.chdir(tmp_path)

    def _write(text):
        path = tmp_path / "model.py"
        path.write_text(text)
        return str(path)

    before = set(sys.modules)
    yield _write
    for name in set(sys.modules) - before:
        if name == "model" or name.startswith("raysk_user_"):
            del sys.modules[name]


def fails(found, *words, act, error=InputError):
    """Assert an error of five lines or fewer that holds the words."""
    with pytest.raises(error) as caught:
        act(found)
    text = str(caught.value)
    assert type(caught.value) is error
    assert len(text.splitlines()) <= 5, text
    for word in words:
        assert word in text
    return caught.value


# --- which object is meant


def found_in(write, text):
    """Load a file of this text, which may use common estimators."""
    return load(write(HEAD + text))


def test_conventional_names_come_first(write):
    """An estimator called model is meant although there are others."""
    found = found_in(write, "other = Ridge()\nclf = SVC(C=1)\nmodel = SVC(C=2)\n")
    assert find_estimator(found).C == 2
    assert find_search(found) is None


def test_a_part_never_stands_for_the_whole(write):
    """A pipeline is meant, not the model that is one of its steps."""
    found = found_in(write, "model = SVC()\npipeline = make_pipeline(StandardScaler(), model)\n")
    assert find_estimator(found) is found.names["pipeline"]
    found = found_in(write, "s = StandardScaler()\na = SVC()\np = make_pipeline(s, a)\nq = p\n")
    assert find_estimator(found) is found.names["p"]


def test_the_only_search(write):
    """A search under any name is found, its own estimator does not compete."""
    found = found_in(write, "base = SVC()\nwhatever = GridSearchCV(base, {'C': [1]})\nclass K(SVC): pass\n")
    assert find_search(found) is found.names["whatever"]
    assert find_estimator(found) is found.names["whatever"]


def test_an_estimator_in_the_space_is_a_part(write):
    """Estimators that a space tries as a step do not compete."""
    text = "a = SVC()\nb = Ridge()\np = Pipeline([('m', a)])\nparam_grid = [{'m': [a, b]}]\n"
    found = found_in(write, text)
    assert find_estimator(found) is found.names["p"]


def test_several_candidates(write):
    """Two estimators that could be meant are listed, with what to type."""
    found = found_in(write, "a = SVC()\nb = Ridge()\n")
    fails(found, "2 estimators: a (SVC), b (Ridge)", "model.py:a", act=find_estimator)
    found = found_in(write, "a = GridSearchCV(SVC(), {})\nb = GridSearchCV(SVC(), {})\n")
    fails(found, "2 searches", act=find_search)


def test_named_object_wins(write):
    """What stands after the colon is meant, whatever else is there."""
    path = write(SVC + "model = SVC()\nother = SVC(C=9)\nnumber = 3\n")
    assert find_estimator(load(f"{path}:other")).C == 9
    fails(load(f"{path}:number"), "int", "fit and get_params", act=find_estimator)


def test_no_estimator(write):
    """A file without an estimator says what is there instead."""
    fails(found_in(write, "model = 'rf'\n"), "no estimator", "model (str)", act=find_estimator)
    fails(found_in(write, "class Mine(SVC): pass\n"), "no estimator", "model.py:SVC", act=find_estimator)
    fails(load(write("")), "no estimator", "model = SVC()", act=find_estimator)


def test_space(write):
    """A space is param_distributions, else param_grid, else there is none."""
    assert find_space(found_in(write, "param_grid = {}\nparam_distributions = {'C': [1]}\n"))[1] == {"C": [1]}
    assert find_space(load(write(""))) is None
    fails(load(write("param_grid = 3\n")), "param_grid", "int", act=find_space)


def test_factory_of_parts(write):
    """A factory that returns a dict of the conventional names gives those parts."""
    path = write(SVC + "def make():\n    return {'model': SVC(C=4), 'param_grid': {'C': [1]}, 'X': [[1]]}\n")
    found = load(f"{path}:make()")
    assert find_estimator(found).C == 4
    assert find_space(found) == ("param_grid", {"C": [1]})


# --- data

XY = "import numpy as np\nA = np.ones((4, 2)); b = np.arange(4)\n"


@pytest.mark.parametrize(
    "text",
    [
        "X, y = A, b\n",
        "data = (A, b)\n",
        "data = {'X': A, 'y': b}\n",
        "from sklearn.utils import Bunch\ndata = Bunch(data=A, target=b)\n",
        "data = A\ny = b\n",
        "def load_data(): return A, b\n",
        "def load_data(): return {'X': A, 'y': b}\n",
        "data = 'train.csv'\ndef load_data(path=data): return A, b\n",
        "X = None\ndef load_data(): return A, b\n",
    ],
)
def test_data_in_the_file(write, text):
    """X and y come from X y, from data, or from load_data(), in any of the documented forms."""
    data = find_data(load(write(XY + text)))
    assert data.X.shape == (4, 2)
    assert list(data.y) == [0, 1, 2, 3]
    assert data.fit_params == {}


@pytest.mark.parametrize("text", ["def load_data(): return A\n", "X = A\n", "data = A\n"])
def test_data_without_y(write, text):
    """Data may be X alone."""
    data = find_data(load(write(XY + text)))
    assert data.X.shape == (4, 2)
    assert data.y is None


def test_no_data(write):
    """A file without data gives None."""
    assert find_data(load(write("data = 'file.csv'\n"))) is None


def test_fit_params_are_merged(write):
    """Groups and sample_weight join fit_params, from names and from the data's own keys."""
    text = "X, y = A, b\ngroups = b\nfit_params = {'sample_weight': b, 'check': 1}\n"
    assert set(find_data(load(write(XY + text))).fit_params) == {"groups", "sample_weight", "check"}
    text = "def load_data(): return {'X': A, 'y': b, 'groups': b + 1}\nsample_weight = b\n"
    params = find_data(load(write(XY + text))).fit_params
    assert set(params) == {"groups", "sample_weight"}
    assert params["groups"][0] == 1


def test_data_errors(write):
    """Lengths that differ and data of no use are bad input."""
    fails(load(write(XY + "X, y = A, b[:3]\n")), "4 rows", "y has 3", act=find_data)
    fails(load(write(XY + "def load_data(): pass\n")), "load_data()", "NoneType", "(X, y)", act=find_data)
    fails(load(write(XY + "def load_data(): return A, b, b\n")), "tuple of 3", act=find_data)
    fails(load(write("data = {'a': 1}\n")), "without X", "keys are: a", act=find_data)
    fails(load(write(XY + "X = A\nfit_params = 3\n")), "fit_params", "int", act=find_data)


def test_load_data_that_raises(write):
    """An exception in load_data() is the person's code failing, with its cause."""
    found = load(write("\ndef load_data():\n    return {}['k']\n"))
    err = fails(found, "load_data()", "KeyError at line 3", error=UserCodeError, act=find_data)
    assert isinstance(err.__cause__, KeyError)
    assert err.exit_code == 1
