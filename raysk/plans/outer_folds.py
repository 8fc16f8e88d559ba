"""Nested cross-validation: the searches of all outer folds at a time, on one pool.

    fold 1   cross_validate(search, cv=[fold 1]) -> its fit, by raysk's plan --+
    fold 2   cross_validate(search, cv=[fold 2]) -> its fit, by raysk's plan --+--> one pool: candidates x inner splits
    ...      a thread each                                                   --+

scikit-learn's own `cross_validate` clones, slices, fits and scores, a fold a call, so that the answer is its own. One
fold after the other would leave workers idle at the end of each; so the pool has the fits of all.
"""

from __future__ import annotations

import contextlib
import threading
from concurrent.futures import FIRST_EXCEPTION, CancelledError, ThreadPoolExecutor, wait
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sklearn import clone, config_context, get_config
from sklearn.base import is_classifier
from sklearn.model_selection import check_cv, cross_validate

from raysk import plans
from raysk.events import WorkPlanned
from raysk.runs.random_state import current_state, restore_state

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from concurrent.futures import Future

    from raysk.events import Event, Sink
    from raysk.jobs import Limits, Shortcuts
    from raysk.pool import Pool, Task
    from raysk.runs.journal import Journal

MOST_AT_A_TIME = 16
"""Outer folds whose searches run at a time: each has its data in the store, and two keep the workers busy."""

GRACE_S = 5.0
"""How long the other folds may take to end after one has failed, or after Ctrl-C, in seconds; they take one, unless a
single long fit is all that is left of one. Its thread ends with the pool then."""


class FoldPool:
    """The pool as one outer fold uses it beside others: its events go to a sink of its own, its tasks can be ended."""

    def __init__(self, pool: Pool, sink: Sink) -> None:
        self._pool, self.sink = pool, sink
        self._lock = threading.Lock()
        self._ended = False
        self._flying: set[Future[Any]] = set()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._pool, name)

    def submit(self, task: Task) -> Future[Any]:
        """Hand in a task; see `raysk.pool.Pool`."""
        with self._lock:
            if self._ended:
                raise CancelledError
            future = self._pool.submit(task)
            self._flying.add(future)
        future.add_done_callback(self._landed)
        return future

    def end(self) -> None:
        """Cancel the fold's tasks, and take no more."""
        with self._lock:
            self._ended = True
            flying = list(self._flying)
        self._pool.cancel(flying)

    def _landed(self, future: Future[Any]) -> None:
        with self._lock:
            self._flying.discard(future)


@dataclass(frozen=True, kw_only=True)
class OuterFold:
    """One outer fold.

    Parameters
    ----------
    number : int
        From 0.
    train, test : array of int
        Row numbers.
    pool : FoldPool
    journal : Journal or None
        Of its search.
    """

    number: int
    train: Any
    test: Any
    pool: FoldPool
    journal: Journal | None = None


def outer_splits(search: Any, outer: Any, X: Any, y: Any, groups: Any = None) -> list[tuple[Any, Any]]:
    """Return the outer splits, as ``cross_validate(search, X, y, cv=outer)`` makes them."""
    return list(check_cv(outer, y, classifier=is_classifier(search)).split(X, y, groups))


def fit_and_score(  # noqa: PLR0913 - those of cross_validate, and of plans.fit
    search: Any,
    X: Any,
    y: Any,
    fit_params: Mapping[str, Any],
    folds: Sequence[OuterFold],
    *,
    scoring: Any = None,
    return_train_score: bool = False,
    limits: Limits | None = None,
    shortcuts: Shortcuts | None = None,
) -> list[dict[str, Any]]:
    """Fit and score a search on each outer fold.

    Parameters
    ----------
    search : BaseSearchCV
        Cloned for every fold.
    X, y, fit_params
        All rows.
    folds : sequence of OuterFold
    scoring, return_train_score
        As for ``cross_validate``.
    limits, shortcuts : Limits, Shortcuts, or None
        Of each fold's search.

    Returns
    -------
    list of dict
        What ``cross_validate`` returns of each fold, with the fitted search as ``estimator``.

    Raises
    ------
    Exception
        What the first search raises that fails: a fold without a score is no answer. The others are ended.
    """
    draws, config = _Draws(), get_config()
    said: dict[str, Any] = {"scoring": scoring, "return_train_score": return_train_score, "params": dict(fit_params)}

    def run(fold: OuterFold) -> dict[str, Any]:
        with config_context(**config), draws.turn_of(fold):  # the configuration is each thread's own
            pooled = _pooled(search, fold.pool, fold.journal, limits, shortcuts)
            options = {**said, "return_estimator": True, "error_score": "raise"}
            return cross_validate(pooled, X, y, cv=[(fold.train, fold.test)], **options)  # type: ignore[no-any-return]

    executor = ThreadPoolExecutor(max_workers=min(len(folds), MOST_AT_A_TIME), thread_name_prefix="raysk-fold")
    futures = [executor.submit(run, fold) for fold in folds]
    try:
        done, _ = wait(futures, return_when=FIRST_EXCEPTION)
        for future in futures:
            if future in done:
                future.result()  # raises what the first raised
        return [future.result() for future in futures]
    finally:
        executor.shutdown(wait=False, cancel_futures=True)
        for fold in folds:
            fold.pool.end()
        wait(futures, timeout=GRACE_S)


def _pooled(search: Any, pool: Any, journal: Journal | None, limits: Limits | None, shortcuts: Shortcuts | None) -> Any:
    """Return a clone whose clones are fitted on a pool, and are of the person's own class when they are."""
    own = type(search)

    def fit(self: Any, X: Any, y: Any = None, **params: Any) -> Any:
        self.__class__ = own
        return plans.fit(pool, self, X, y, params, journal=journal, limits=limits, shortcuts=shortcuts)

    twin = clone(search)
    twin.__class__ = type(own.__name__, (own,), {"__module__": own.__module__, "__doc__": own.__doc__, "fit": fit})
    return twin


class _Draws:
    """Lets searches without a seed draw candidates and splits one fold after the other, as in scikit-learn's loop.

    They draw from numpy's global generator, which threads share. It stands, when a fold begins, where the fold before
    has left it, so the candidates do not depend on which thread is quicker. A fold has drawn when its fits are planned.
    """

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._next = 0
        self._state = current_state()

    @contextlib.contextmanager
    def turn_of(self, fold: OuterFold) -> Iterator[None]:
        """Begin a fold's turn, and end it when its fits are planned, or with the context."""
        self._begin(fold.number)
        tell = fold.pool.sink

        def sink(event: Event, /) -> None:
            tell(event)
            if isinstance(event, WorkPlanned):
                self._end(fold.number)

        fold.pool.sink = sink
        try:
            yield
        finally:
            self._end(fold.number)

    def _begin(self, number: int) -> None:
        with self._changed:
            self._changed.wait_for(lambda: self._next == number)
            restore_state(self._state)

    def _end(self, number: int) -> None:
        """End a fold's turn; it may have ended already."""
        with self._changed:
            if self._next == number:
                self._state = current_state()
                self._next += 1
                self._changed.notify_all()
