"""Candidates of an earlier run, as the estimator and the space of another file can have them."""

from __future__ import annotations

import warnings
from types import SimpleNamespace

import numpy as np
import pytest
from scipy import stats
from sklearn.ensemble import RandomForestClassifier, VotingClassifier
from sklearn.gaussian_process import GaussianProcessClassifier
from sklearn.gaussian_process.kernels import RBF, Matern
from sklearn.model_selection import GridSearchCV, RandomizedSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler
from sklearn.svm import SVC

from raysk import TPESearchCV
from raysk.errors import InputError, UsageError
from raysk.request.assemble import fit_job
from raysk.request.earlier import params_for, seeds_for
from raysk.request.overrides import Overrides
from raysk.source.objects import SourceObjects
from raysk.util.typed_json import decode_params, encode_params

X, Y = np.arange(40.0).reshape(20, 2), np.array([0, 1] * 10)


def read(params):
    """Return parameters as they are read from a run."""
    return decode_params(encode_params(params))


def test_the_files_own_values_are_used():
    """A value that the space has is that object; others are as they were read."""
    kernels = [RBF(1.0), Matern(2.0)]
    space = {"kernel": kernels, "max_iter_predict": np.array([10, 20]), "n_restarts_optimizer": stats.randint(1, 9)}
    tried = {"kernel": Matern(2.0), "max_iter_predict": np.int64(20), "n_restarts_optimizer": 3}
    found = params_for(GaussianProcessClassifier(), read(tried), [space])
    assert found["kernel"] is kernels[1]
    assert isinstance(found["max_iter_predict"], np.int64)
    assert found["n_restarts_optimizer"] == 3
    assert params_for(SVC(), read({"C": 10.0, "shrinking": True}), [{"C": [1, 10], "shrinking": [1, True]}]) == {
        "C": 10,
        "shrinking": True,
    }


@pytest.mark.parametrize("space", [[1, 1.0], [1.0, 1], [1, "sqrt"], [np.float64(1.0), 1, True]])
def test_a_number_keeps_its_type(space):
    """1 and 1.0 are two values of a forest's `max_features`: one of the features, and all of them."""
    for tried in (1, 1.0):
        found = params_for(RandomForestClassifier(), read({"max_features": tried}), [{"max_features": space}])
        assert isinstance(found["max_features"], type(tried))
    grid = GridSearchCV(RandomForestClassifier(), {"max_features": [1, 1.0]})
    assert [type(each["max_features"]) for each in seeds_for(grid, [{"max_features": 1.0}, {"max_features": 1}])] == [
        float,
        int,
    ]


@pytest.mark.parametrize(
    ("estimator", "params", "space", "words"),
    [
        (
            GaussianProcessClassifier(),
            {"kernel": RBF(3.0)},
            {"kernel": [RBF(1.0)]},
            ["kernel", "RBF(", "--set kernel="],
        ),
        (
            make_pipeline(StandardScaler(), SVC()),
            {"C": 1.5, "kernel": "rbf"},
            {},
            ["--set svc__C=1.5 --set svc__kernel=rbf"],
        ),
        (
            VotingClassifier([]),
            {"estimators": [("a", SVC(C=3))]},
            {"estimators": [[("a", SVC(C=4))]]},
            ["estimators", "is an object", "SVC(C=3)"],
        ),
        (SVC(), {"nonsense": 1}, {}, ["SVC has no parameter nonsense", "parameters are"]),
        (
            FunctionTransformer(),
            {"func": lambda x: x},
            {"func": [lambda x: x, lambda x: x + 1]},
            ["one of several", "written alike"],
        ),
    ],
)
def test_what_cannot_be_set(estimator, params, space, words):
    """The parameter is named, and what to type."""
    with pytest.raises(InputError) as raised:
        params_for(estimator, read(params), [space])
    assert all(word in str(raised.value) for word in words), raised.value
    assert len(str(raised.value).splitlines()) <= 4


def candidate(**params):
    return SimpleNamespace(params=read(params))


def holding(**names):
    return SourceObjects(source="spec.py", path=None, names={"X": X, "y": Y, **names})


def test_a_fit_with_params_is_of_the_searchs_estimator():
    """Of a search in the file it is the estimator that is fitted; ``--set`` wins, and needs no value of the run's."""
    pipe = make_pipeline(StandardScaler(), SVC())
    found = holding(search=GridSearchCV(pipe, {"svc": [SVC(gamma=3)], "svc__C": [1, 2]}))
    job = fit_job(
        found, Overrides(set=("svc__tol=0.5",)), candidate=candidate(svc=SVC(gamma=3), svc__C=2, svc__tol=1.0)
    )
    assert (job.estimator[-1].gamma, job.estimator[-1].C, job.estimator[-1].tol) == (3, 2, 0.5)
    assert found.names["search"].param_grid["svc"][0].C == 1.0  # the person's own stays as it is
    other = candidate(svc=SVC(gamma=4), svc__C=2)
    with pytest.raises(InputError, match=r"--params: .*\n.*'svc' is an object"):
        fit_job(found, Overrides(), candidate=other)
    alone = holding(model=SVC(), param_grid={"C": [1]})
    assert fit_job(alone, Overrides(seed=3), candidate=candidate(random_state=1)).estimator.random_state == 1


SEEDS = [{"C": 1.0, "gamma": 0.5}, {"C": 7.0, "gamma": 0.5}, {"C": 10.0, "gamma": 2.0}]


def test_seeds_of_a_grid_are_of_it():
    """Others are left out, with a word; if none is left there is nothing to begin with."""
    search = GridSearchCV(SVC(), [{"C": [1, 10], "gamma": [0.5, 2.0]}, {"C": [7]}])
    with pytest.warns(UserWarning, match=r"cannot have 1 seed, as C=7, gamma=0.5: it is not in the grid") as warned:
        found = seeds_for(search, [*SEEDS, {"C": 7}])
    assert [[type(value) for value in each.values()] for each in found] == [[int, float], [int, float], [int]]
    assert len(warned) == 1
    with pytest.raises(InputError, match=r"cannot have 1 seed.*\nWrite these values in the space"):
        seeds_for(search, SEEDS[1:2])


def test_seeds_of_other_searches():
    """A random search takes any that its estimator can have, TPE those of its space, a person's own way none."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        space = {"C": stats.loguniform(0.1, 8), "gamma": [0.5, 2.0]}
        assert seeds_for(RandomizedSearchCV(SVC(), space), SEEDS) == tuple(SEEDS)
    with pytest.warns(UserWarning, match="2 seeds"):
        assert seeds_for(TPESearchCV(SVC(), space), [*SEEDS, {"C": 1.0}]) == tuple(SEEDS[:2])
    with pytest.warns(UserWarning, match="SVC has no parameter c"):
        assert len(seeds_for(RandomizedSearchCV(SVC(), space), [*SEEDS, {"c": 1.0}])) == 3

    class Own(GridSearchCV):
        def _run_search(self, evaluate_candidates):
            evaluate_candidates([{"C": 1}])

    with pytest.raises(UsageError, match="its own way to choose candidates"):
        seeds_for(Own(SVC(), {"C": [1]}), SEEDS)
    assert seeds_for(Own(SVC(), {"C": [1]}), ()) == ()
