"""Parts of searches that are hard on whoever shares fits: they write into their input, count, look, or look alike."""

from __future__ import annotations

import numbers

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin, TransformerMixin
from sklearn.ensemble import RandomForestClassifier


class _Stateless(TransformerMixin, BaseEstimator):
    def fit(self, X, y=None):  # noqa: ARG002 - scikit-learn's signature
        """Learn nothing."""
        self.n_features_in_ = X.shape[1]
        return self


class Doubling(_Stateless):
    """Doubles in place: what it is given is changed."""

    def __init__(self, times=1):
        self.times = times

    def transform(self, X):
        """Double, and return the very object that was given."""
        for _ in range(self.times):
            X *= 2
        return X


class Adding(_Stateless):
    """Adds a number, and one more where the number is no whole one: 1 is not 1.0."""

    def __init__(self, number=0):
        self.number = number

    def transform(self, X):
        """Add."""
        return X + self.number + isinstance(self.number, float)


class CallCounter(_Stateless):
    """Has a state that every call changes."""

    def __init__(self, weight=1.0):
        self.weight = weight

    def fit(self, X, y=None):
        """Begin to count."""
        self.calls_ = 0
        return super().fit(X, y)

    def transform(self, X):
        """Turn the columns one further with each call."""
        self.calls_ += 1
        return np.roll(X, self.calls_, axis=1) * self.weight


def _adder(number):
    class Adder(_Stateless):
        """Adds what is not among its parameters."""

        def transform(self, X):
            """Add, and turn the columns."""
            return np.roll(X, number, axis=1) + number

    return Adder()


def first_adder():
    """Return an object of a class that has its name and its source in common with another."""
    return _adder(1)


def second_adder():
    """Return an object of that other class."""
    return _adder(2)


class OddOnes(RandomForestClassifier):
    """Predicts the contrary where it has an odd number of trees."""

    def predict(self, X):
        """Predict."""
        return super().predict(X) ^ (self.n_estimators % 2)


class Fragile(ClassifierMixin, BaseEstimator):
    """Fails on some samples of the rows."""

    def __init__(self, random_state=None):
        self.random_state = random_state

    def fit(self, X, y, sample_weight=None):  # noqa: ARG002 - bagging looks for it
        """Learn a mean, unless the first row is too large."""
        if X[0, 0] > 1.2:
            raise ValueError("too large")
        self.classes_, self.mean_ = np.unique(y), X[:, 0].mean()
        return self

    def predict(self, X):
        """Predict by the first column."""
        return self.classes_[(X[:, 0] > self.mean_).astype(int) * (len(self.classes_) - 1)]


def state_score(estimator, X, y):  # noqa: ARG001 - scikit-learn's signature
    """Score an estimator by a number made of all that it has, so that it tells whatever is not as it should be."""
    return _number_of(estimator, {}) % 1000.0


def _number_of(value, seen):  # noqa: PLR0911 - a kind of value a line
    """Return a number that says what a value is, as far as numbers do."""
    if isinstance(value, (numbers.Number, np.bool_)):
        return 0.0 if np.isnan(value) else float(abs(value)) * 1.000001
    if isinstance(value, np.ndarray) and value.dtype.kind in "biuf":
        return float(np.nansum(np.abs(value.astype(float).ravel()[:2000]))) + 3.0 * value.size
    if id(value) in seen:
        return 1.0
    if isinstance(value, np.ndarray) and value.dtype.kind == "O":
        value = value.ravel().tolist()
    if hasattr(value, "node_count"):
        return 7.0 * value.node_count + 0.1 * value.max_depth + _number_of(value.value, seen)
    seen[id(value)] = value  # held, so that nothing else gets its number
    if isinstance(value, (list, tuple)):
        return sum((at + 1) * _number_of(each, seen) for at, each in enumerate(value)) + 11.0 * len(value)
    if isinstance(value, dict):
        named = sorted((str(name), each) for name, each in value.items() if name not in {"n_threads", "_stop_words_id"})
        return sum(_number_of(each, seen) for _, each in named)
    return _number_of(dict(vars(value)), seen) if isinstance(value, BaseEstimator) else 2.0
