"""scikit-learn's way from one step of a pipeline to the next, which a watcher may take over for a while.

    Pipeline, FeatureUnion, ColumnTransformer    _fit_transform_one(transformer, X, y, ...)  -> Watcher.fit_transform
    ColumnTransformer                            _safe_indexing(X, columns, axis=1)          -> Watcher.take_columns
    whoever has a transformer fitted             transformer.transform(X)                    -> Watcher.transform

Only the thread that has a watcher is watched, and nothing is left of it afterwards: no attribute of an estimator is
another one, so that whatever a scorer looks at, or pickles, is scikit-learn's.
"""

from __future__ import annotations

import contextlib
import copy
import functools
import importlib
import inspect
import threading
from typing import TYPE_CHECKING, Any, Protocol

from raysk._compat import private

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

_ABSENT = object()

_CONTEXT = "_parent_callback_ctx"
"""What scikit-learn sets on a step while it is fitted, since 1.9; it is no part of the step."""


class Watcher(Protocol):
    """What does in scikit-learn's place what it is asked for; the first argument is what scikit-learn would do."""

    def fit_transform(self, call: Callable[[], Any], transformer: Any, data: tuple[Any, Any], rest: Any) -> Any:
        """Return transformed data and a fitted transformer; `rest` is the weight, and the parameters by method."""

    def take_columns(self, call: Callable[[], Any], X: Any, columns: Any) -> Any:
        """Return some columns of a table."""

    def transform(self, call: Callable[[], Any], transformer: Any, X: Any) -> Any:
        """Return transformed data."""


class _Changes:
    """What is changed in scikit-learn as long as there are watchers; those of other threads go on without."""

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._watchers: dict[int, Watcher] = {}
        self._undo = contextlib.ExitStack()
        self._classes: set[type] = set()

    def __reduce__(self) -> Any:
        return _Changes, ()  # to a worker this travels as it begins

    def here(self) -> Watcher | None:
        """Return the watcher of this thread."""
        return self._watchers.get(threading.get_ident())

    def begin(self, watcher: Watcher) -> None:
        with self._lock:
            if not self._watchers:
                self._change_modules()
            self._watchers[threading.get_ident()] = watcher

    def end(self) -> None:
        with self._lock:
            del self._watchers[threading.get_ident()]
            if not self._watchers:
                self._undo.close()
                self._classes.clear()

    def change_class(self, kind: type) -> None:
        """Have watchers asked for what objects of exactly this class transform."""
        with self._lock:
            if kind not in self._classes and self._watchers:
                self._classes.add(kind)
                self._set(kind, "transform", _Transform(kind, inspect.getattr_static(kind, "transform"), self))

    def _change_modules(self) -> None:
        pipeline, columns = "sklearn.pipeline", "sklearn.compose._column_transformer"
        for module in (pipeline, columns):
            (fit_transform_one,) = private(module, "_fit_transform_one")
            self._set(importlib.import_module(module), "_fit_transform_one", self._fitting(fit_transform_one))
        (take,) = private(columns, "_safe_indexing")
        self._set(importlib.import_module(columns), "_safe_indexing", self._taking(take))

    def _set(self, holder: Any, name: str, value: Any) -> None:
        before = vars(holder).get(name, _ABSENT)
        setattr(holder, name, value)
        self._undo.callback(*((delattr, holder, name) if before is _ABSENT else (setattr, holder, name, before)))

    def _fitting(self, original: Any) -> Any:
        @functools.wraps(original)
        def fit_transform_one(  # noqa: PLR0913, PLR0917 - scikit-learn's signature
            transformer: Any,
            X: Any,
            y: Any,
            weight: Any,
            message_clsname: str = "",
            message: Any = None,
            params: Mapping[str, Any] | None = None,
        ) -> Any:
            call = functools.partial(original, transformer, X, y, weight, message_clsname, message, params)
            watcher = self.here()
            return call() if watcher is None else watcher.fit_transform(call, transformer, (X, y), (weight, params))

        return fit_transform_one

    def _taking(self, original: Any) -> Any:
        @functools.wraps(original)
        def safe_indexing(X: Any, indices: Any, *, axis: int = 0) -> Any:
            call = functools.partial(original, X, indices, axis=axis)
            watcher = self.here()
            return call() if watcher is None or axis != 1 else watcher.take_columns(call, X, indices)

        return safe_indexing


class _Transform:
    """Stands in a class for its method, or for what decides whether there is one."""

    def __init__(self, kind: type, original: Any, changes: _Changes) -> None:
        self._kind, self._original, self._changes = kind, original, changes

    def __get__(self, transformer: Any, owner: Any = None) -> Any:
        method = self._original.__get__(transformer, owner)
        watcher = self._changes.here()
        if watcher is None or type(transformer) is not self._kind:  # not what a derived class calls within its own
            return method

        def transform(X: Any, *args: Any, **params: Any) -> Any:
            call = functools.partial(method, X, *args, **params)
            return call() if args or params else watcher.transform(call, transformer, X)

        return transform


_changes = _Changes()


@contextlib.contextmanager
def watched_by(watcher: Watcher) -> Iterator[None]:
    """Have a watcher asked in scikit-learn's place, for what this thread does meanwhile."""
    _changes.begin(watcher)
    try:
        yield
    finally:
        _changes.end()


def watch_transforms_of(kind: type) -> None:
    """Have the watchers asked for what transformers of exactly this class transform, until there are none."""
    _changes.change_class(kind)


def told(estimator: Any) -> dict[str, Any]:
    """Return all that an estimator was told before it is fitted: parameters, and what `set_output` was."""
    return {name: value for name, value in vars(estimator).items() if name != _CONTEXT}


def copy_step(estimator: Any) -> Any:
    """Return a shallow copy of an estimator, as it is once the step is over."""
    found = copy.copy(estimator)
    vars(found).pop(_CONTEXT, None)
    return found
