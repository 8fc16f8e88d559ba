"""Predict block by block, here or on the pool; what comes out has the order of what went in.

    blocks (reader)  -->  pieces of a block  -->  the pool: as many at a time as keep it busy  -->  oldest first

Few blocks are in memory at any time, however long the table is: the next is read when a piece comes back.
"""

from __future__ import annotations

import copy
import functools
from collections import deque
from typing import TYPE_CHECKING, Any

from raysk.events import WorkDone, WorkPlanned, null_sink
from raysk.model_jobs import METHODS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from raysk.events import Sink
    from raysk.pool import Pool

    Block = tuple[Any, Any]
    """Rows, and what stands for them with the caller, of the same length (or None): their ids."""

LEAST_ROWS = 256
"""Blocks are not cut into pieces shorter than this: a forest of 1,000 trees takes as long for one row as for a
hundred, and a message costs about 1 ms."""

PIECES_A_WORKER = 2
"""A block is cut into so many pieces a worker, so that a table of a single block keeps all of them busy."""

AHEAD = 2
"""How many pieces are handed in beyond those that keep every worker busy: they come back in order, and the oldest may
be late."""


def here(model: Any, method: str, blocks: Iterable[Block], sink: Sink = null_sink) -> Iterator[tuple[Any, Any]]:
    """Apply a model's method to blocks of rows, in this process.

    Parameters
    ----------
    model : estimator
        Fitted.
    method : str
        ``predict``, ``predict_proba``, ``decision_function`` or ``transform``.
    blocks : iterable of (X, ids)
    sink : callable
        Takes events.

    Yields
    ------
    ids : object
        Those of the block.
    values : object
        What the method returned.

    Raises
    ------
    Exception
        Whatever the method, or the reader, raises.
    """
    sink(WorkPlanned(unit="row", units=0))  # how many there are is known at the end
    for X, ids in blocks:
        yield ids, getattr(model, method)(X)
        sink(WorkDone(units=X.shape[0]))


def on_pool(pool: Pool, model: Any, method: str, blocks: Iterable[Block]) -> Iterator[tuple[Any, Any]]:
    """Apply a model's method to blocks of rows, on the pool; see `here`.

    The model is sent once. Blocks are cut into pieces, which come back as blocks of their own.
    """
    from raysk.pool import Task

    pool.sink(WorkPlanned(unit="row", units=0))
    function, shared = pool.share(_apply), pool.share(model)
    flying: deque[tuple[Any, int, Any]] = deque()
    pieces = _pieces(pool, blocks)
    try:
        while True:
            while len(flying) < pool.room() + AHEAD and (piece := next(pieces, None)) is not None:
                X, ids = piece
                future = pool.submit(Task(function=function, args=(shared, method, X), repeatable=True))
                flying.append((ids, X.shape[0], future))
            if not flying:
                return
            ids, rows, future = flying.popleft()
            values = future.result()
            pool.sink(WorkDone(units=rows))
            yield ids, values
    finally:
        pool.cancel([future for _, _, future in flying])
        pool.release([function, shared])


def _pieces(pool: Pool, blocks: Iterable[Block]) -> Iterator[Block]:
    for X, ids in blocks:
        rows = X.shape[0]
        step = max(LEAST_ROWS, -(-rows // (PIECES_A_WORKER * max(pool.up, pool.wanted, 1))))
        for start in range(0, rows, step):
            part = slice(start, start + step)
            yield X.iloc[part] if hasattr(X, "iloc") else X[part], None if ids is None else ids[part]


def _apply(model: Any, method: str, X: Any) -> Any:
    """Call the method, on the worker."""
    return getattr(model, method)(X)


def predicting_on_pool(pool: Pool, model: Any) -> Any:
    """Return a copy of a model whose `METHODS` work on the pool, as scorers call them.

    Parameters
    ----------
    pool : Pool
    model : estimator
        Fitted.

    Returns
    -------
    estimator
    """
    twin = copy.copy(model)
    for method in METHODS:
        if hasattr(model, method):
            ours = functools.partial(_whole, pool, model, method)
            vars(twin)[method] = functools.update_wrapper(ours, getattr(model, method))  # scorers ask for its name
    return twin


def _whole(pool: Pool, model: Any, method: str, X: Any) -> Any:
    """Return what the method gives for all rows at once."""
    import numpy as np

    blocks = [(X if hasattr(X, "shape") else np.asarray(X), None)]
    pieces = [values for _, values in on_pool(pool, model, method, blocks)]
    if isinstance(pieces[0], list):  # one array per output
        return [np.concatenate(each) for each in zip(*pieces, strict=True)]
    return np.concatenate(pieces)
