"""Steps of pipelines that candidates have in common are fitted once on each split, on the worker.

    split          X_train                  key: train, split
    ColumnTransformer      its columns      key: those of X_train, columns
    step           fitted, X transformed    key: that of its input, the step    -> cache
    fitted step    X_test transformed       key: that of the step, of its input -> cache

Data is known by identity and never looked at: the object that a split, or a step, has returned is followed to the step
that gets it, and so a chain of steps has a chain of keys. What is not known, such as the output of a step that may draw
at random, is nobody's input. The invariant: *what is known has not been written into*. Therefore

- the cache has its own copy of all data, and whoever asks gets another one: the next step may write into it;
- what an uncertain step gets is not known from then on, nor is anything that lies in the same memory;
- outputs that lie in the memory of the input are not kept.
"""

from __future__ import annotations

import contextlib
import copy
import pickle
import weakref
from itertools import count
from typing import TYPE_CHECKING, Any, NamedTuple

from sklearn.compose import ColumnTransformer
from sklearn.pipeline import FeatureUnion, Pipeline
from sklearn.utils import check_random_state

from raysk._compat import sklearn as sklearn_private
from raysk._compat.sklearn_steps import copy_step, watch_transforms_of, watched_by
from raysk.plans.parts import parts
from raysk.plans.step_cache import are_apart, copy_data, is_data, size_of
from raysk.plans.step_keys import Uncertain, freeze, key_of_step

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterator

    from raysk.plans.step_cache import StepCache

COMPOSED = (Pipeline, FeatureUnion, ColumnTransformer)
"""What hands data from step to step; exactly these classes."""


class Known(NamedTuple):
    """Data that is known: what refers to it, its key, and a number that all data in the same memory has."""

    refer: Callable[[], Any]
    key: Hashable
    memory: int


class SharedSteps:
    """Does what steps do, for one thread; see `raysk._compat.sklearn_steps.Watcher`.

    Parameters
    ----------
    cache : StepCache
        That of the round.
    scorers : object
        scikit-learn's.

    Attributes
    ----------
    take_split : callable
        For scikit-learn's function that fits and scores.
    reused : int
        How many times a step was not fitted again, since this was set to 0.
    """

    def __init__(self, cache: StepCache, scorers: Any) -> None:
        self._cache = cache
        # Others may write into the data, or into the estimator.
        self._scorers_see_predictions = sklearn_private.sees_predictions_only(scorers)
        self._known: dict[int, Known] = {}
        self._fitted: weakref.WeakKeyDictionary[Any, Hashable] = weakref.WeakKeyDictionary()
        self._memory = count()
        self._split, self._y, self._memory_of_split, self._shares = 0, None, 0, False
        self.take_split = sklearn_private.telling_of_split(self.begin)
        self.reused = 0

    @contextlib.contextmanager
    def on_split(self, split: int) -> Iterator[None]:
        """Share the steps of an estimator that is fitted and scored meanwhile, on the split of this number."""
        self._split = split
        try:
            with watched_by(self):
                yield
        finally:
            self._known.clear()
            self._y = None

    def begin(self, estimator: Any, X: Any, y: Any, *, train: bool) -> None:
        """Hear of the data of a split, before an estimator is fitted on it or scored."""
        if train:
            self._known.clear()
            self._y, self._memory_of_split = y, next(self._memory)
            self._shares = _may_share(estimator)
        if self._shares and (train or self._scorers_see_predictions):
            # An estimator of kernels gets other columns of the same split.
            self._know(X, ("split", self._split, train, getattr(X, "shape", None)), self._memory_of_split)

    def fit_transform(self, call: Callable[[], Any], transformer: Any, data: tuple[Any, Any], rest: Any) -> Any:
        """Return what is kept of an equal step, or keep what this one makes."""
        X, y = data
        key = self._key_of_fit(transformer, X, y, rest)
        if key is None:
            return self._call_uncertain(call, transformer, X)
        found = self._cache.get(key)
        if found is not None:
            self.reused += 1
            fitted, transformed = self._copy(found[0]), copy_data(found[1])
        else:
            drawn = _random_state()
            transformed, fitted = call()
            if drawn != _random_state():
                return transformed, fitted
            if not self._keep(key, X, transformed, fitted):
                return transformed, fitted
        self._know(transformed, key, next(self._memory))
        if self._scorers_see_predictions:
            self._fitted[fitted] = key
            watch_transforms_of(type(fitted))
        return transformed, fitted

    def take_columns(self, call: Callable[[], Any], X: Any, columns: Any) -> Any:
        """Return columns, which are known if the table is."""
        taken, known = call(), self._find(X)
        if known is not None:
            with contextlib.suppress(Uncertain):
                is_copy = is_data(taken) and are_apart(taken, X) and not isinstance(columns, slice)
                memory = next(self._memory) if is_copy else known.memory
                self._know(taken, ("columns", known.key, freeze(columns)), memory)
        return taken

    def transform(self, call: Callable[[], Any], transformer: Any, X: Any) -> Any:
        """Return what is kept of an equal step's output for this data, or keep what this one makes."""
        step, known = self._fitted.get(transformer), self._find(X)
        if step is None or known is None:
            return call()
        key = ("transform", step, known.key)
        found = self._cache.get(key)
        if found is not None:
            transformed = copy_data(found[0])
        else:
            drawn = _random_state()
            transformed = call()
            if drawn != _random_state() or not self._keep(key, X, transformed):
                return transformed
        self._know(transformed, key, next(self._memory))
        return transformed

    def _key_of_fit(self, transformer: Any, X: Any, y: Any, rest: tuple[Any, Any]) -> Hashable | None:
        """Return what all fits have in common that are as this one; None if it is not certain that they are."""
        weight, params = rest
        known = self._find(X)
        if known is None or not (y is None or y is self._y) or any((params or {}).values()):
            return None
        try:
            return "fit", known.key, y is None, freeze(weight), key_of_step(transformer)
        except Uncertain:
            return None

    def _call_uncertain(self, call: Callable[[], Any], transformer: Any, X: Any) -> Any:
        """Do what may write into its input, or into what lies in the same memory."""
        passes_on = type(transformer) in COMPOSED and _may_share_within(transformer)
        if not passes_on:
            self._forget(X)
        result = call()
        self._forget(X)
        return result

    def _keep(self, key: Hashable, X: Any, transformed: Any, fitted: Any = None) -> bool:
        """Keep the output of a step, and the step; tells whether the output is one that can be kept at all."""
        if not is_data(transformed) or not are_apart(transformed, X):
            return False
        n_bytes = size_of(transformed) + (0 if fitted is None else size_of(fitted))
        if self._cache.has_room(n_bytes):
            own = copy_data(transformed)
            self._cache.put(key, (own,) if fitted is None else (self._copy(fitted), own), n_bytes)
        return True

    def _copy(self, fitted: Any) -> Any:
        """Copy a fitted step; to the ground where somebody may look for more than its predictions."""
        own = copy_step(fitted)
        return own if self._scorers_see_predictions else copy.deepcopy(own)

    def _know(self, data: Any, key: Hashable, memory: int) -> None:
        try:
            refer: Callable[[], Any] = weakref.ref(data)
        except TypeError:  # a list
            refer = lambda: data  # noqa: E731 - looks like the other

        self._known[id(data)] = Known(refer, key, memory)

    def _find(self, data: Any) -> Known | None:
        known = self._known.get(id(data))
        return known if known is not None and known.refer() is data else None

    def _forget(self, data: Any) -> None:
        """Forget data, and all that lies in the same memory."""
        known = self._find(data)
        if known is not None:
            self._known = {name: each for name, each in self._known.items() if each.memory != known.memory}


class NoSharing:
    """Shares nothing, and costs nothing."""

    take_split = None
    reused = 0

    @staticmethod
    def on_split(_: int) -> contextlib.AbstractContextManager[None]:
        """Do nothing besides."""
        return contextlib.nullcontext()


def _may_share(estimator: Any) -> bool:
    """Tell whether an estimator hands data from step to step in no other way than `COMPOSED` do.

    A pipeline with a ``memory`` shares steps already.
    """
    return (
        type(estimator) is Pipeline
        and _may_share_within(estimator)
        and all(each.memory is None for each in parts(estimator) if isinstance(each, Pipeline))
    )


def _may_share_within(composed: Any) -> bool:
    """Tell whether the last step of a pipeline, which nobody is asked about, has no pipelines of its own."""
    if type(composed) is not Pipeline:
        return True
    last = composed.steps[-1][1]
    return not any(isinstance(part, COMPOSED) for part in parts(last))


def _random_state() -> bytes:
    """Return where numpy's global generator is: what has the seed None draws from it."""
    return pickle.dumps(check_random_state(None).get_state(legacy=False))
