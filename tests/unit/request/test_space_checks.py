"""``--space`` and ``--set-str``: what is searched, and how it joins what the file says."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.experimental import enable_halving_search_cv  # noqa: F401 - makes the halving searches importable
from sklearn.model_selection import (
    GridSearchCV,
    HalvingGridSearchCV,
    HalvingRandomSearchCV,
    ParameterSampler,
    RandomizedSearchCV,
)
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from raysk.errors import InputError, UsageError
from raysk.request.assemble import Overrides, describe, search_job
from raysk.request.distributions import parse_space
from raysk.request.overrides import override_estimator
from raysk.source.objects import SourceObjects


def holding(**names):
    """Return a source that holds these names, and data."""
    return SourceObjects(source="model.py", path=None, names={"X": np.eye(10), "y": np.arange(10) % 2, **names})


def searched(*space, n_iter=None, **names):
    """Return the search that would run."""
    return search_job(holding(**names), Overrides(space=space, n_iter=n_iter)).search


# --- text


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("kernel=rbf,linear", ["rbf", "linear"]),
        ("kernel=rbf", ["rbf"]),
        ("C=0.1,1,10", [0.1, 1, 10]),
        ("C=1", [1]),
        ("class_weight=None,balanced", [None, "balanced"]),
        ("class_weight=null,true", [None, True]),
        ("C=[0.1, 1, 10]", [0.1, 1, 10]),
        ("layers=(50,),(100,50)", [(50,), (100, 50)]),
        ("layers=(100,50)", [(100, 50)]),
        ("layers=[50],[100,50]", [[50], [100, 50]]),
        ("pattern='a,b','c'", ["a,b", "c"]),
        ("pattern=choice:a:b,c", ["a:b", "c"]),
        ("C=linspace:0:1:3", [0, 0.5, 1]),
        ("C=logspace:-1:1:3", [0.1, 1, 10]),
        ("depth=arange:1:4", [1, 2, 3]),
        (" svc__C = 1 , 2 ", [1, 2]),
    ],
)
def test_lists(text, values):
    """Values come with commas, as a list, or as numpy makes them; each is read as --set reads it."""
    name, found = parse_space(text)
    assert name == text.partition("=")[0].strip()
    assert found == pytest.approx(values) if "logspace" in text else found == values
    assert [type(value) for value in found] == [type(value) for value in values] or "space" in text


@pytest.mark.parametrize(
    ("text", "low", "high", "kind"),
    [
        ("C=loguniform:1e-3:1e3", 1e-3, 1e3, float),
        ("C=uniform:2:5", 2, 5, float),
        ("n=randint:1:4", 1, 3, int),
        ("C=norm:0:1", -9, 9, float),
        ("C=expon", 0, 99, float),
    ],
)
def test_distributions(text, low, high, kind):
    """A distribution lies between its bounds."""
    text = text if ":" in text else text + ":"
    name, distribution = parse_space(text if text[-1] != ":" else text + "0:2")
    drawn = [sample[name] for sample in ParameterSampler({name: distribution}, 300, random_state=0)]
    assert all(low <= value <= high for value in drawn)
    assert kind is not int or set(drawn) == {1, 2, 3}
    assert max(drawn) - min(drawn) > (high - low) / 10 or kind is int or high == 99


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("C", ["NAME=VALUE"]),
        ("=1,2", ["NAME=VALUE"]),
        ("C=", ["no values"]),
        ("C=[]", ["no values"]),
        ("C=loguniforn:1:2", ["loguniforn", "loguniform", "choice:"]),
        ("C=loguniform:0:1", ["loguniform cannot have these arguments"]),
        ("C=loguniform:1", ["loguniform cannot have these arguments"]),
        ("C=uniform:a:b", ["uniform cannot have these arguments"]),
        ("C=uniform:", ["uniform cannot have these arguments"]),
        ("n=randint:5:1", ["randint cannot have these arguments"]),
        ("C=logspace:1", ["logspace cannot have these arguments"]),
        ("C=kstest:1", ["no distribution 'kstest'"]),
    ],
)
def test_wrong_text(text, words):
    """What cannot be searched is wrong usage, said in at most five lines."""
    with pytest.raises(UsageError) as caught:
        parse_space(text)
    assert len(str(caught.value).splitlines()) <= 5
    for word in words:
        assert word in str(caught.value)


def test_a_space_without_values_is_refused_before_anything_runs():
    """A space without = is refused when the flags are made."""
    with pytest.raises(UsageError, match="NAME=VALUE"):
        Overrides(space=("C",))


# --- which search


def test_lists_alone_make_a_grid():
    """An estimator with lists alone is a grid search; with --n-iter a random one."""
    search = searched("C=1,2,3", "kernel=rbf,linear", model=SVC())
    assert (type(search), search.param_grid) == (GridSearchCV, {"C": [1, 2, 3], "kernel": ["rbf", "linear"]})
    search = searched("C=1,2,3", model=SVC(), n_iter=2)
    assert (type(search), search.n_iter) == (RandomizedSearchCV, 2)


def test_a_distribution_makes_a_random_search():
    """An estimator with a distribution is a random search of ten candidates, or of --n-iter."""
    search = searched("C=loguniform:1e-3:1e3", "kernel=rbf,linear", model=SVC())
    assert (type(search), search.n_iter) == (RandomizedSearchCV, 10)
    assert searched("C=loguniform:1e-3:1e3", model=SVC(), n_iter=3).n_iter == 3


def test_loose_spaces_are_joined():
    """An entry replaces or joins the file's own by name; a distribution turns its grid into a random search."""
    search = searched("C=5", model=SVC(), param_grid={"C": [1, 2], "kernel": ["rbf"]})
    assert (type(search), search.param_grid) == (GridSearchCV, {"C": [5], "kernel": ["rbf"]})
    search = searched("gamma=1,2", model=SVC(), param_distributions={"C": [1, 2]})
    assert (type(search), search.param_distributions) == (RandomizedSearchCV, {"C": [1, 2], "gamma": [1, 2]})
    search = searched("C=uniform:1:2", model=SVC(), param_grid={"C": [1, 2], "kernel": ["rbf"]})
    assert type(search) is RandomizedSearchCV
    assert search.param_distributions["kernel"] == ["rbf"]


@pytest.mark.parametrize("kind", [GridSearchCV, HalvingGridSearchCV, RandomizedSearchCV, HalvingRandomSearchCV])
def test_a_search_keeps_its_class(kind):
    """An entry replaces or is added to the space of a search by name, on a copy."""
    own = kind(SVC(), {"C": [1, 2], "kernel": ["rbf"]})
    search = searched("C=7,8", "gamma=1", search=own)
    space = search.param_grid if hasattr(search, "param_grid") else search.param_distributions
    assert space == {"C": [7, 8], "kernel": ["rbf"], "gamma": [1]}
    assert type(search) is kind
    assert "gamma" not in (own.param_grid if hasattr(own, "param_grid") else own.param_distributions)


def test_each_of_several_grids_gets_the_entry():
    """Of a list of grids, each gets the entry."""
    search = searched("C=7", search=GridSearchCV(SVC(), [{"kernel": ["rbf"]}, {"C": [1], "kernel": ["linear"]}]))
    assert search.param_grid == [{"kernel": ["rbf"], "C": [7]}, {"C": [7], "kernel": ["linear"]}]


def test_a_grid_object_takes_no_distribution():
    """A distribution for a grid search says what to write instead."""
    with pytest.raises(UsageError, match="GridSearchCV tries every value"):
        searched("C=uniform:1:2", search=GridSearchCV(SVC(), {"C": [1]}))


def test_a_search_without_a_space():
    """A search of the person's own without the usual space says so."""

    class Own(GridSearchCV):
        def __init__(self, estimator):
            super().__init__(estimator, {})
            del self.param_grid

    with pytest.raises(UsageError, match="a Own has no param_grid"):
        searched("C=1", search=Own(SVC()))


def test_unknown_names_offer_the_nearest():
    """A parameter that the estimator does not have offers the nearest, nested too."""
    pipeline = make_pipeline(StandardScaler(), SVC())
    with pytest.raises(UsageError, match=r"--space C=\.\.\.: .*\n.*svc__C"):
        searched("C=1,2", model=pipeline)
    with pytest.raises(InputError, match="param_grid has 'C'"):
        searched(model=pipeline, param_grid={"C": [1]})
    assert searched("svc__C=1,2", model=pipeline).param_grid == {"svc__C": [1, 2]}


def test_no_space_at_all_says_how_to_give_one():
    """Without any space the message shows --space."""
    with pytest.raises(InputError, match="--space C=1,10,100"):
        searched(model=SVC())


def test_describe_counts_what_the_space_makes():
    """A dry run knows the candidates of a space from the command line."""
    facts = describe(holding(model=SVC()), Overrides(space=("C=1,2,3", "gamma=logspace:-3:3:7")))
    assert (facts["runs"], facts["search"]["candidates"], facts["search"]["class"]) == ("search", 21, "GridSearchCV")


# --- --set-str


def test_text_is_taken_as_it_is():
    """--set-str never reads a number, and has the last word."""
    flags = Overrides(set=("class_weight=None", "kernel=rbf"), set_str=("class_weight=None", " kernel = 10 "))
    override_estimator(model := SVC(), flags)
    assert (model.class_weight, model.kernel) == ("None", " 10 ")
    with pytest.raises(UsageError, match="NAME=VALUE"):
        Overrides(set_str=("kernel",))
