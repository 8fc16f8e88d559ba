"""Changes of a fit elsewhere brought home, against the same fit here."""

from __future__ import annotations

import pickle
import random
import threading
from collections import Counter, OrderedDict, defaultdict, deque
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from ray import cloudpickle
from sklearn.base import BaseEstimator, clone
from sklearn.cluster import KMeans
from sklearn.datasets import load_iris
from sklearn.ensemble import GradientBoostingClassifier
from sklearn.linear_model import SGDClassifier
from sklearn.model_selection import KFold
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC
from sklearn.tree import DecisionTreeClassifier

from raysk.errors import Unpicklable
from raysk.plans.fitted_state import Record, bring_home
from raysk.plans.places import parts

X, Y = load_iris(return_X_y=True)


def fit_elsewhere(estimator, X=X, y=Y):
    """Fit a copy, as a worker does, and bring its changes home."""
    here = parts(estimator)
    there, places = pickle.loads(cloudpickle.dumps((estimator, tuple(here))))
    record = Record(there, places)
    there.fit(X, y)
    bring_home(pickle.loads(cloudpickle.dumps(record.changes())), here)
    return estimator


class Fits(BaseEstimator):
    """Does to itself, in fit, what it is told."""

    def __init__(self, does=None, first=None, second=None):
        self.does, self.first, self.second = does, first, second

    def fit(self, X, y=None):  # noqa: ARG002 - what scikit-learn calls
        """Do it."""
        self.does(self)
        return self


def both(does, make):
    """Return two estimators with what `make` makes as parameter, and those: one fitted elsewhere, the other here."""
    given, other = make(), make()
    return fit_elsewhere(Fits(does, given)), given, Fits(does, other).fit(X), other


@pytest.mark.parametrize(
    "parameter",
    [[1, [2]], {"a": (1, 2)}, (1.5, "b"), np.arange(3), KFold(2), len, lambda: 1, DecisionTreeClassifier(), deque([1])],
    ids=lambda each: type(each).__name__,
)
def test_parameters_stay_the_same_objects(parameter):
    """A fit that leaves its parameters alone leaves the person's own objects there, and what it sets refers to them."""

    def does(self):
        self.used_ = [self.first, self.second]

    fitted = fit_elsewhere(Fits(does, parameter, parameter))
    assert fitted.does is does
    assert all(each is parameter for each in (fitted.first, fitted.second, *fitted.used_))


def _draw(self):
    self.drawn_ = [self.first.random() for _ in range(3)]


@pytest.mark.parametrize(
    "make",
    [lambda: np.random.RandomState(3), lambda: np.random.default_rng(3), lambda: random.Random(3)],  # noqa: S311
)
def test_a_random_state_moves_on(make):
    """The person's source of random numbers ends where a fit here leaves it."""
    ours, mine, theirs, other = both(_draw, make)
    assert ours.first is mine
    assert ours.drawn_ == theirs.drawn_
    assert mine.random() == other.random()


class Bag(dict):
    """A person's own dict, with an attribute."""

    note = None


def _note(self):
    self.first["b"], self.first.note = 2, [3]


IN_PLACE = {
    "deque": (lambda: deque([1], 3), lambda self: self.first.append(2)),
    "ordered": (lambda: OrderedDict(a=1, b=2), lambda self: self.first.move_to_end("a")),
    "default": (lambda: defaultdict(list), lambda self: self.first["a"].append(1)),
    "counter": (lambda: Counter("ab"), lambda self: self.first.update("b")),
    "bytes": (lambda: bytearray(b"ab"), lambda self: self.first.extend(b"c")),
    "namespace": (lambda: SimpleNamespace(a=1), lambda self: setattr(self.first, "a", 2)),
    "own-dict": (lambda: Bag(a=1), _note),
    "reshaped": (lambda: np.arange(4), lambda self: self.first.resize((2, 2), refcheck=False)),
    "matrix": (lambda: np.asmatrix([[1, 2]]), lambda self: self.first.__setitem__((0, 0), 5)),
    "list": (lambda: [1, 2], lambda self: self.first.append(len(self.first))),
    "nested": (lambda: [["a", {"b": 1}]], lambda self: self.first[0][1].update(b=2, c=3)),
    "dict": (lambda: {"b": 1, "a": 2}, lambda self: self.first.pop("b")),
    "set": (lambda: {1, 2}, lambda self: self.first.discard(1)),
    "array": (lambda: np.arange(4), lambda self: self.first.__imul__(2)),
    "object": (lambda: KFold(2), lambda self: setattr(self.first, "n_splits", 3)),
    "estimator": (SVC, lambda self: self.first.set_params(C=2)),
}


@pytest.mark.parametrize("name", IN_PLACE)
def test_a_parameter_changed_in_place_is_changed_here(name):
    """What a fit does to an object that the person gave, it does to that object."""
    make, does = IN_PLACE[name]
    ours, mine, _, other = both(does, make)
    assert ours.first is mine
    assert repr(mine) == repr(other) != repr(make())


def test_attributes_of_a_dict_of_the_persons_come_home():
    """A class derived from dict has items and attributes."""
    ours, mine, theirs, _ = both(_note, lambda: Bag(a=1))
    assert ours.first is mine
    assert (dict(mine), mine.note) == (dict(theirs.first), theirs.first.note)


def test_what_is_in_a_tuple_stays_the_same_object():
    """A tuple cannot change, what it holds can."""
    ours, mine, theirs, _ = both(lambda self: self.first[1].append(3), lambda: ("a", deque([1])))
    assert ours.first is mine
    assert mine == theirs.first == ("a", deque([1, 3]))


def test_a_parameter_that_cannot_be_changed_at_home_is_named():
    """Where a fit changes an object of which only its pickle is known, the record says so."""
    given = np.random.SeedSequence(1)
    record = Record(Fits(lambda self: self.first.spawn(1), given), parts(Fits(len, given)))
    assert record.stuck() == []
    record._parts[()].fit(X)
    assert record.stuck() == ["SeedSequence"]


class Pair(BaseEstimator):
    """An estimator whose state is a pair."""

    def __init__(self, a=1):
        self.a, self.sum_ = a, 0.0

    def __getstate__(self):
        return self.a, self.sum_

    def __setstate__(self, state):
        self.a, self.sum_ = state

    def fit(self, X, y=None):  # noqa: ARG002 - what scikit-learn calls
        """Add up."""
        self.sum_ = float(X.sum())


class Listed(list, BaseEstimator):
    """An estimator that is a list too."""

    def fit(self, X, y=None):  # noqa: ARG002 - what scikit-learn calls
        """Grow."""
        self.append(len(X))
        self.sum_ = float(X.sum())


def test_a_state_may_be_a_pair():
    """It is Python's own pair of attributes and slots only where the class takes no state itself."""
    assert fit_elsewhere(Pair(2)).__getstate__() == (2, float(X.sum()))


def test_an_estimator_may_be_a_list():
    """Its items come home, as its attributes do."""
    ours = fit_elsewhere(Listed())
    assert (list(ours), ours.sum_) == ([len(X)], float(X.sum()))


def test_what_cannot_be_pickled_is_named():
    """The error says which attribute of which class cannot come home."""
    record = Record(Fits(lambda self: setattr(self, "lock_", threading.Lock())), [()])
    record._parts[()].fit(X)
    with pytest.raises(Unpicklable, match=r"Fits\.lock_ cannot be sent home.*_thread\.lock"):
        record.changes()


def test_kept_data_can_be_written_into():
    """An array that is read-only because it lies in the object store comes home as the person's own are."""

    def does(self):
        self.a_, self.b_ = self.first[:3], np.arange(3)
        self.b_.flags.writeable = False

    record = Record(Fits(does, np.frombuffer(bytes(80))), [()])
    record._parts[()].fit(X)
    home = Fits()
    bring_home(pickle.loads(cloudpickle.dumps(record.changes())), {(): home})
    assert home.a_.flags.writeable
    assert not home.b_.flags.writeable


def test_what_a_fit_deletes_is_gone():
    """A fit without column names forgets those of the fit before, and nothing that scikit-learn keeps."""
    mine, other = SVC(), SVC()
    for estimator, fit in ((mine, fit_elsewhere), (other, lambda each, X, y: each.fit(X, y))):
        fit(estimator, pd.DataFrame(X).add_prefix("f"), Y)
        estimator.note_ = estimator._note = [1]
        fit(estimator, X, Y % 2)
    assert set(vars(mine)) == set(vars(other))
    assert not hasattr(mine, "feature_names_in_")
    assert np.array_equal(mine.predict(X), other.predict(X))


def test_objects_held_from_outside_are_fitted_as_scikit_learn_does(tmp_path):
    """A pipeline's steps are the person's own objects; with a memory the transformers are clones of them."""
    scaler, svm = StandardScaler(), SVC()
    pipeline = fit_elsewhere(make_pipeline(scaler, svm))
    assert (pipeline[0], pipeline[1]) == (scaler, svm)
    assert np.array_equal(pipeline.predict(X), svm.predict(scaler.transform(X)))

    scaler, svm = StandardScaler(), SVC()
    pipeline = fit_elsewhere(make_pipeline(scaler, svm, memory=str(tmp_path)))
    assert pipeline[0] is not scaler
    assert pipeline[1] is svm
    assert not hasattr(scaler, "mean_")
    assert np.array_equal(pipeline.predict(X), make_pipeline(StandardScaler(), SVC()).fit(X, Y).predict(X))


@pytest.mark.parametrize(
    "estimator",
    [
        MLPClassifier((4,), max_iter=3, random_state=0, warm_start=True),
        SGDClassifier(max_iter=3, tol=None, random_state=0, warm_start=True),
        GradientBoostingClassifier(n_estimators=3, random_state=0, warm_start=True),
    ],
    ids=lambda each: type(each).__name__,
)
@pytest.mark.filterwarnings("ignore:.*(Maximum iterations|Stochastic Optimizer)")
def test_a_warm_start_goes_on(estimator):
    """A second fit begins where the first one ended, also where it changes arrays of that in place."""
    mine, other = clone(estimator), clone(estimator)
    for rounds in (3, 6):
        changes = {"n_estimators": rounds} if hasattr(mine, "n_estimators") else {}
        fit_elsewhere(mine.set_params(**changes))
        other.set_params(**changes).fit(X, Y)
    function = "predict_proba" if hasattr(mine, "predict_proba") else "decision_function"
    assert np.array_equal(getattr(mine, function)(X), getattr(other, function)(X))


def test_a_random_state_used_twice_is_one():
    """Two estimators that share a RandomState draw from it in turn, and share it still."""
    drawn = []
    for fit in (fit_elsewhere, lambda each: each.fit(X)):
        shared = np.random.RandomState(0)
        pipeline = fit(
            make_pipeline(KMeans(2, random_state=shared, n_init=1), KMeans(3, random_state=shared, n_init=1))
        )
        assert all(each.random_state is shared for _, each in pipeline.steps)
        drawn.append((shared.randint(10**6), pipeline[1].inertia_))
    assert drawn[0] == drawn[1]


class Slotted:
    """An estimator without a ``__dict__``."""

    __slots__ = ("__hidden", "depth", "old_", "sum_")

    def __init__(self):
        self.depth, self.old_, self.__hidden = [1], 1, 1

    def get_params(self, deep=True):  # noqa: ARG002, FBT002 - scikit-learn's signature
        """Return its one parameter."""
        return {"depth": self.depth}

    def fit(self, X, y=None):  # noqa: ARG002 - what scikit-learn calls
        """Set one attribute, delete another."""
        self.sum_ = float(X.sum())
        self.__hidden += 1
        del self.old_

    @property
    def hidden(self):
        """Return what only the class itself can name."""
        return self.__hidden


def test_slots_are_attributes_too():
    """An estimator may keep its attributes in slots."""
    mine = Slotted()
    depth = mine.depth
    fit_elsewhere(mine)
    assert (mine.depth is depth, mine.sum_, mine.hidden) == (True, float(X.sum()), 2)
    assert not hasattr(mine, "old_")


class Locked(BaseEstimator):
    """An estimator that says itself how it is pickled, and what must not be set from outside."""

    def __init__(self, value=1):
        vars(self)["value"] = value
        vars(self)["_lock"] = threading.Lock()

    def __setattr__(self, name, value):
        raise AttributeError(name)

    def __getstate__(self):
        return {name: each for name, each in vars(self).items() if name != "_lock"}

    def __setstate__(self, state):
        vars(self).update(state, _lock=threading.Lock())

    def fit(self, X, y=None):  # noqa: ARG002 - what scikit-learn calls
        """Set one attribute, delete another."""
        with self._lock:
            vars(self)["sum_"] = float(X.sum())
            vars(self).pop("old_")


def test_a_state_of_its_own_is_respected():
    """What an estimator does not pickle stays, or is made anew by it; what it does travels."""
    mine = Locked()
    vars(mine)["old_"] = 1
    fit_elsewhere(mine)
    assert set(vars(mine)) == {"value", "_lock", "sum_"}
    assert not mine._lock.locked()


def test_an_estimator_may_refer_to_itself():
    """Cycles are no trap."""

    def does(self):
        self.me_, self.first[0] = self, self.first

    given = [0]
    ours = fit_elsewhere(Fits(does, given))
    assert ours.me_ is ours
    assert ours.first[0] is given


def test_only_what_has_changed_travels():
    """A large parameter is not sent back."""
    record = Record(Fits(lambda self: setattr(self, "a_", 1), np.zeros(10**6)), [()])
    record._parts[()].fit(X)
    data, buffers = record.changes()
    assert len(data) < 1000
    assert not buffers
