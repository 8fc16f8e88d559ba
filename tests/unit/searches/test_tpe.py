"""A search by TPE: the same candidates wherever and however it runs; no Ray."""

from __future__ import annotations

import itertools
import logging
import pickle
import pickletools
import warnings

import numpy as np
import pytest
from scipy import stats
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.model_selection import ParameterSampler, RandomizedSearchCV, ShuffleSplit

from raysk import TPESearchCV, plans
from raysk.errors import InputError
from raysk.jobs import Limits
from raysk.runs.journal import Journal
from raysk.searches import proposals, tpe
from raysk.searches.proposals import Proposals
from raysk.searches.space import Space, translate

X = np.arange(60, dtype=float).reshape(-1, 1)
Y = np.arange(60) // 30
SPACE = {
    "x": stats.loguniform(1e-3, 1e3),
    "y": stats.norm(0, 1),
    "number": stats.randint(1, 9),
    "kind": ["plain", None, "odd"],
}


class Bowl(ClassifierMixin, BaseEstimator):
    """Scores best at x=10, y=0.5 and number=7; an odd one fails where x is small."""

    def __init__(self, x=1.0, y=0.0, number=1, kind=None):
        self.x, self.y, self.number, self.kind = x, y, number, kind

    def fit(self, X, y):  # noqa: ARG002 - scikit-learn's signature
        """Fail, or do nothing."""
        if self.kind == "odd" and self.x < 1:
            raise ArithmeticError("odd")
        self.rows_ = len(X)
        return self

    def predict(self, X):
        """Say 0."""
        return np.zeros(len(X))

    def score(self, X, y=None):  # noqa: ARG002 - as above
        """Fall with the distance from the best, and depend a little on the split."""
        far = abs(np.log10(self.x) - 1) + abs(self.y - 0.5) + abs(self.number - 7) / 4
        return 1 / (1 + far) + 1e-3 * float(np.mean(X))


def search(**options):
    return TPESearchCV(
        Bowl(), SPACE, **{"n_iter": 40, "cv": 3, "lag": 4, "random_state": 0, "error_score": np.nan} | options
    )


pytestmark = pytest.mark.filterwarnings(
    "ignore:.*wait for TPE",  # it does where the machine is busy
    "ignore::sklearn.exceptions.FitFailedWarning",
    "ignore:One or more of the test scores",
    "ignore:All .* candidates are drawn at random",
    "ignore:.* workers will be idle",
)


@pytest.fixture(scope="module")
def expected():
    """Return the search as scikit-learn's own loop runs it."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return search().fit(X, Y)


def assert_equal(got, expected):
    """Assert the same candidates with the same scores, and the same best one."""
    assert got.cv_results_["params"] == expected.cv_results_["params"]
    types = [[type(value) for value in params.values()] for params in got.cv_results_["params"]]
    assert types == [[type(value) for value in params.values()] for params in expected.cv_results_["params"]]
    for column in ("mean_test_score", "std_test_score", "rank_test_score"):
        np.testing.assert_array_equal(got.cv_results_[column], expected.cv_results_[column])
    assert (got.best_index_, got.best_params_) == (expected.best_index_, expected.best_params_)


# --- the same answer


def test_it_finds_what_random_search_does_not(expected):
    """What it proposes after its random beginning is better, and failed fits do not mislead it."""
    scores = expected.cv_results_["mean_test_score"]
    assert np.isnan(scores).any()
    assert np.nanmean(scores[-15:]) > np.nanmean(scores[:15])
    assert expected.best_index_ >= proposals.RANDOM_FIRST + expected.lag - 1
    assert expected.best_estimator_.rows_ == len(X)


@pytest.mark.parametrize("workers", [1, 2, 4])
def test_the_number_of_workers_does_not_matter(make_pool, launcher, Events, expected, workers):
    """Workers of a pool, however many, give scikit-learn's own answer, whose class and candidates it stays."""
    launcher.by_hand, launcher.room = False, workers
    got = plans.fit(make_pool(sink=Events()), search(), X, Y, {})
    assert type(got) is TPESearchCV
    assert_equal(got, expected)


def test_half_a_journal_is_gone_on_with(make_pool, launcher, Events, expected, tmp_path):
    """What is in the journal answers the same proposals again; without a seed, too."""
    launcher.by_hand = False
    for seed, name in [(0, "seeded"), (None, "unseeded")]:
        path = tmp_path / name
        with Journal(path) as journal:
            plans.fit(make_pool(sink=Events()), search(random_state=seed), X, Y, {}, journal=journal)
        lines = path.read_bytes().splitlines(keepends=True)
        whole = dict(journal.known)
        path.write_bytes(b"".join(lines[: len(lines) // 2]))
        with Journal(path) as journal:
            got = plans.fit(make_pool(sink=Events()), search(random_state=seed), X, Y, {}, journal=journal)
        assert set(journal.known) == set(whole)
        if seed is not None:
            assert_equal(got, expected)


def test_all_candidates_have_the_same_splits():
    """A splitter without a seed splits once, and not anew for each batch."""
    got = search(cv=ShuffleSplit(2, test_size=0.5), n_iter=12).fit(X, Y)
    both = [got.cv_results_[f"split{number}_test_score"] for number in (0, 1)]
    differences = np.round(both[0] - both[1], 9)
    assert len({value for value in differences if not np.isnan(value)}) == 1


def test_it_is_an_estimator():
    """It can be cloned, set, printed and pickled, as scikit-learn's searches can."""
    one = search(lag=7)
    assert clone(one).get_params()["lag"] == 7
    assert one.set_params(lag=2, estimator__x=3.0).estimator.x == 3.0
    assert "lag=2" in repr(one)
    assert pickle.loads(pickle.dumps(one)).get_params().keys() == one.get_params().keys()


def test_what_is_saved_is_scikit_learns(expected):
    """A fitted one is saved as scikit-learn's random search with its results, which loads without raysk."""
    saved = pickle.dumps(tpe.as_scikit_learn(expected))
    names = {name for code, name, _ in pickletools.genops(saved) if code.name.endswith("UNICODE")}
    assert not [name for name in names if str(name).startswith("raysk")]
    loaded = pickle.loads(saved)
    assert type(loaded) is RandomizedSearchCV
    assert (loaded.best_params_, loaded.get_params()["n_iter"]) == (expected.best_params_, 40)
    np.testing.assert_array_equal(loaded.predict(X), expected.predict(X))
    assert tpe.as_scikit_learn(loaded) is loaded


def test_optuna_is_not_heard_and_stays_as_it_is(caplog):
    """Nothing that optuna tells of its trials reaches the person, and its own verbosity is what it was."""
    import optuna

    before = optuna.logging.get_verbosity()
    optuna.logging.enable_propagation()
    try:
        with caplog.at_level(logging.DEBUG):
            several = [{"x": [1.0, 2.0, 3.0]}, {"x": stats.uniform(5, 5), "kind": ["plain"]}]
            got = TPESearchCV(Bowl(), several, n_iter=30, lag=2, cv=2, random_state=0).fit(X, Y)
    finally:
        optuna.logging.disable_propagation()
    assert not caplog.records
    assert optuna.logging.get_verbosity() == before
    assert {("kind" in params) for params in got.cv_results_["params"]} == {True, False}


# --- what it asks by


def test_a_candidate_knows_those_before_its_lag(monkeypatch):
    """Candidate i is asked for when exactly the scores of 0 .. i-lag have been told, in that order."""
    said = []
    ask, tell = Proposals._ask, Proposals._tell
    monkeypatch.setattr(Proposals, "_ask", lambda self: (said.append("ask"), ask(self))[1])
    monkeypatch.setattr(Proposals, "_tell", lambda self, number: (said.append(number), tell(self, number)))
    search(n_iter=10, lag=4).fit(X, Y)
    assert said == ["ask"] * 4 + [*itertools.chain.from_iterable((number, "ask") for number in range(6))]


def test_a_finite_space_is_tried_whole():
    """No candidate comes twice, and of few there are no more than there are."""
    space = {"kind": ["plain", None], "number": stats.randint(1, 5)}
    with pytest.warns(UserWarning, match="total space of parameters 8 is smaller than n_iter=50"):
        got = TPESearchCV(Bowl(), space, lag=2, cv=2, random_state=0).fit(X, Y)
    params = got.cv_results_["params"]
    assert len(params) == len({tuple(each.items()) for each in params}) == 8


def test_several_metrics():
    """The metric that refit names is what TPE goes by; without a name it is refused."""

    def both(estimator, X, y):
        return {"good": estimator.score(X, y), "bad": -estimator.score(X, y)}

    good = search(scoring=both, refit="good", n_iter=30).fit(X, Y)
    assert_equal_params = good.cv_results_["params"] == search(n_iter=30).fit(X, Y).cv_results_["params"]
    assert assert_equal_params
    assert search(scoring=both, refit="bad", n_iter=30).fit(X, Y).cv_results_["params"] != good.cv_results_["params"]
    with pytest.raises(InputError, match="refit=False"):
        search(scoring=both, refit=False).fit(X, Y)
    with pytest.raises(InputError, match="one metric"):
        search(scoring=["accuracy", "f1"], refit=lambda _: 0).fit(X, Y)
    with pytest.raises(InputError, match="lag=0"):
        search(lag=0).fit(X, Y)


def test_without_optuna(monkeypatch):
    """The error says how to install it."""
    monkeypatch.setitem(__import__("sys").modules, "optuna", None)
    with pytest.raises(InputError, match=r"pip install 'raysk\[optuna\]'"):
        search().fit(X, Y)


# --- what it warns of


def test_warnings(monkeypatch):
    """It warns of candidates that are all drawn at random, and of workers that have nothing to do or wait for it."""
    with pytest.warns(UserWarning, match="All 12 candidates are drawn at random: TPE begins with number 14"):
        search(n_iter=12).fit(X, Y)
    monkeypatch.setattr(tpe.joblib, "effective_n_jobs", lambda _: 20)
    with pytest.warns(UserWarning, match=r"8 of 20 workers will be idle.*A lag of 7 keeps all busy"):
        search(n_iter=20).fit(X, Y)
    monkeypatch.setattr(proposals, "SLOW_S", 0.0)
    with pytest.warns(UserWarning, match="workers wait for TPE") as caught:
        search(n_iter=20).fit(X, Y)
    assert sum("wait for TPE" in str(each.message) for each in caught) == 1


def test_limits(make_pool, launcher, Events):
    """A score that is good enough ends it, with what is done."""
    launcher.by_hand = False
    got = plans.fit(make_pool(sink=Events()), search(), X, Y, {}, limits=Limits(stop_at=0.3))
    assert 0 < len(got.cv_results_["params"]) < 40
    assert got.best_score_ >= 0.3


# --- spaces

LAWS = {
    "loguniform": (stats.loguniform(0.1, 10), "float"),
    "uniform": (stats.uniform(-1, 3), "float"),
    "randint": (stats.randint(2, 9), "int"),
    "norm": (stats.norm(3, 2), "float"),
    "poisson": (stats.poisson(3), "float"),
    "shifted": (stats.loguniform(0.1, 10, loc=5), "float"),
    "custom": (stats.rv_discrete(values=([1, 2, 5], [0.2, 0.3, 0.5])), "float"),
    "sorted": ([1, 10, 100], "int"),
    "falling": (np.logspace(3, -3, 7), "int"),
    "pair": ([1, 10], "category"),
    "mixed": ([None, 1, 2], "category"),
    "flags": ([False, True, 2], "category"),
    "objects": ([(1, 2), Bowl(), "a"], "category"),
}


@pytest.mark.parametrize("name", LAWS)
def test_values_are_scikit_learns(name):
    """A value has the type and the range of those that scikit-learn draws."""
    values, kind = LAWS[name]
    dimension = translate("p", values)
    assert dimension.kind == kind
    assert dimension.log is (name == "loguniform")
    drawn = [
        params["p"]
        for params in ParameterSampler({"p": values}, min(40, getattr(values, "__len__", lambda: 40)()), random_state=0)
    ]
    middle = [dimension.low, dimension.high]
    got = [dimension.value(int(number) if kind != "float" else number) for number in middle]
    assert {type(value) for value in got} <= {type(value) for value in drawn}
    if name in {"loguniform", "uniform", "randint", "custom"}:
        assert got[0] <= min(drawn)
        assert got[1] >= max(drawn)
    if hasattr(values, "__len__"):
        assert [got[0], got[1]] == [values[0], values[-1]]


def test_sizes():
    """The size of a space is that of scikit-learn's grid; a continuum has none."""
    assert Space({"a": [1, 2, 3], "b": ["x", "y"]}).size == 6
    assert Space([{"a": [1, 2, 3]}, {"b": stats.randint(0, 4)}]).size == 7
    assert Space([{"a": [1, 2, 3]}, {"b": stats.norm()}]).size is None


def test_a_law_without_ppf_is_refused():
    """A distribution that cannot be turned into a number between 0 and 1 is named."""
    with pytest.raises(InputError, match=r"(?s)'w'.*ppf.*loguniform"):
        Space({"w": stats.dirichlet([1, 1])})
