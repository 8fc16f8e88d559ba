"""Random forests and extra trees: sub-forests with scikit-learn's own seeds.

scikit-learn draws one seed a tree, in order, from the forest's random state. So a sub-forest of trees [a, b) is
bit for bit that part of the whole if it is fitted with the same random state advanced by a draws, which is what
scikit-learn's own warm start does. Every worker has all rows, so bootstrap sizes and class weights are the whole's.

    worker: grow trees [a, b), take them apart: what all have in common once, their arrays joined
    driver: put them together again; the arrays are copied once, from Ray's store into scikit-learn's trees

As objects, trees would cost the driver more than twice as much to unpickle.
"""

from __future__ import annotations

import copy
import functools
import pickle
import warnings
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from sklearn import config_context, ensemble, get_config
from sklearn.utils import check_random_state

from raysk.errors import TaskLost
from raysk.events import WorkDone, WorkPlanned
from raysk.plans import fitted_state, places, relayed_warnings
from raysk.pool import Task, ZeroCopy, stream
from raysk.pool.by_node import node_name

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from raysk.pool import Pool

Grow: TypeAlias = "Callable[[Mapping[str, Any], range], tuple[Sequence[Any], fitted_state.Changes | None, Any]]"
"""Grows trees of a job on the worker: returns them, what else the fit changes if the first is among them, and what it
warned of."""

# Exactly these: a subclass may fit in a way of its own.
FORESTS = (
    ensemble.RandomForestClassifier,
    ensemble.RandomForestRegressor,
    ensemble.ExtraTreesClassifier,
    ensemble.ExtraTreesRegressor,
)

ARRAYS = ("nodes", "values")
"""The arrays in the state of a tree structure, with an item for each node."""

PLAIN = (str, int, float, np.generic, type(None))
"""What trees may have in common as one object; of all else each has its own, as scikit-learn's trees have."""

MAX_INT = np.iinfo(np.int32).max
"""Seeds are drawn below this, in ``sklearn.ensemble._base``."""


def suits(forest: Any, fit_params: Mapping[str, Any]) -> str | None:
    """Return why a forest's trees cannot be grown apart, and give scikit-learn's own forest."""
    if type(forest) not in FORESTS:
        return "it is no forest of scikit-learn's"
    if forest.oob_score:
        return "oob_score needs all trees where they are grown"
    if forest.warm_start:
        return "warm_start keeps the trees of the last fit"
    if not (isinstance(forest.n_estimators, int | np.integer) and forest.n_estimators > 1):
        return "it has no two trees"
    if not set(fit_params) <= {"sample_weight"}:
        return "its fit takes more than sample_weight"
    return None if _is_random_state(forest.random_state) else "its random_state is none"


def remark(_: Pool, __: Any) -> None:
    """Return nothing: a forest is grown on the workers, as a person expects."""


def _is_random_state(value: Any) -> bool:
    """Tell whether seeds can be drawn from a value; if not, it is for scikit-learn to say."""
    try:
        check_random_state(value)
    except ValueError:
        return False
    return True


def fit(  # noqa: PLR0913 - see `raysk.plans.fit`
    pool: Pool, forest: Any, X: Any, y: Any, fit_params: Mapping[str, Any], *, grow: Grow | None = None
) -> None:
    """Grow a forest on the pool; see `raysk.plans.fit`. A benchmark says how else to `grow` its trees."""
    count = int(forest.n_estimators)
    pool.sink(WorkPlanned(unit="tree", units=count))
    random_state = check_random_state(forest.random_state)
    here = places.parts(forest)
    job = {
        "forest": _without_trees(forest),
        "places": tuple(here),
        "random_state": copy.deepcopy(random_state),
        "X": _as_trees_read_it(X),
        "y": y,
        "fit_params": dict(fit_params),
        "config": get_config(),
        "filters": list(warnings.filters),
    }
    shared = [pool.share(functools.partial(_give, grow or _grow)), pool.share(job)]
    trees: list[Any] = [None] * count
    rest: fitted_state.Changes | None = None
    repeater = relayed_warnings.Repeater()
    try:
        for block in stream(pool, Task(function=shared[0], args=(shared[1],), repeatable=True), range(count)):
            for number, value in zip(block.units, block.values, strict=True):
                if isinstance(value, TaskLost):
                    raise value
                if value is not None:
                    parts, changes, heard = value
                    trees[number : number + len(parts["own"])] = _trees(parts)
                    rest = changes or rest
                    repeater.warn(heard)
            node = None if block.node is None else node_name(block.node)
            pool.sink(WorkDone(units=len(block.units), busy_s=block.wall_s, node=node))
    finally:
        pool.release(shared)
    random_state.randint(MAX_INT, size=count)  # a RandomState of the person's ends where scikit-learn leaves it
    if rest is not None:
        fitted_state.bring_home(rest, here)
    forest.estimators_ = trees


def _without_trees(forest: Any) -> Any:
    """Return a forest with the same attributes, but for the trees of an earlier fit."""
    bare = copy.copy(forest)
    vars(bare).pop("estimators_", None)
    return bare


def _as_trees_read_it(X: Any) -> Any:
    """Convert plain numbers to the type trees work on once, here, instead of in every message."""
    if type(X) is np.ndarray and X.ndim == 2 and X.dtype.kind in "fiu":  # noqa: PLR2004 - a table
        return np.ascontiguousarray(X, dtype=np.float32)
    return X


def _packed(trees: Sequence[Any]) -> dict[str, Any]:
    """Take trees of one fit apart.

    Returns
    -------
    parts : dict
        ``kind``: the trees' class. ``common``: their attributes as the first one has them; ``own``: for each tree,
        those that differ. ``made_by``: what makes an empty tree structure, as its pickle has it; ``states``: the
        structures' states but for their arrays; ``arrays``: those of all trees, one after the other, which the
        driver reads where they are. No other class of ours: it would travel with every message.
    """
    common = {name: value for name, value in vars(trees[0]).items() if name != "tree_"}
    pickled = {name: pickle.dumps(value) for name, value in common.items()}
    own = [
        {
            name: value
            for name, value in vars(tree).items()
            if name != "tree_" and value is not common[name] and pickle.dumps(value) != pickled[name]
        }
        for tree in trees
    ]
    made_by = trees[0].tree_.__reduce__()[:2]
    states = [tree.tree_.__getstate__() for tree in trees]
    arrays = {name: ZeroCopy(_joined([state.pop(name) for state in states])) for name in ARRAYS}
    return {
        "kind": type(trees[0]),
        "common": common,
        "own": own,
        "made_by": made_by,
        "states": states,
        "arrays": arrays,
    }


def _joined(arrays: Sequence[np.ndarray[Any, Any]]) -> np.ndarray[Any, Any]:
    """Put arrays of one type one after the other; as bytes, since numpy copies nodes field by field."""
    joined = np.frombuffer(b"".join(arrays), arrays[0].dtype)  # type: ignore[arg-type]  # they are buffers
    return joined.reshape(-1, *arrays[0].shape[1:])


def _trees(parts: Mapping[str, Any]) -> Iterator[Any]:
    """Put trees together again."""
    make, arguments = parts["made_by"]
    kind, common, arrays = parts["kind"], parts["common"], parts["arrays"]
    apart = {name: value for name, value in common.items() if not isinstance(value, PLAIN)}
    start = 0
    for own, state in zip(parts["own"], parts["states"], strict=True):
        stop = start + state["node_count"]
        structure = make(*arguments)
        structure.__setstate__(state | {name: array[start:stop] for name, array in arrays.items()})  # copies them
        start = stop
        tree = kind.__new__(kind)
        vars(tree).update(common)
        vars(tree).update((name, copy.deepcopy(value)) for name, value in apart.items())
        vars(tree).update(own, tree_=structure)
        yield tree


def _give(grow: Grow, job: Mapping[str, Any], units: range) -> Iterator[tuple[Any, ...] | None]:
    """Yield the trees ``units`` on the worker: all come with the first of them, taken apart."""
    trees, *rest = grow(job, units)
    yield _packed(trees), *rest
    yield from [None] * (len(units) - 1)


def _grow(job: Mapping[str, Any], units: range) -> tuple[Sequence[Any], fitted_state.Changes | None, Any]:
    """Grow trees ``units`` as a forest of so many, from the seeds that they have in the whole; see `Grow`."""
    forest = copy.copy(job["forest"])
    own = {name: getattr(forest, name) for name in ("n_estimators", "n_jobs", "random_state")}
    record = fitted_state.Record(forest, job["places"]) if units[0] == 0 else None
    random_state = copy.deepcopy(job["random_state"])
    random_state.randint(MAX_INT, size=units[0])
    forest.set_params(n_estimators=len(units), n_jobs=None, random_state=random_state)
    with config_context(**job["config"]), relayed_warnings.listening(job["filters"]) as heard:
        forest.fit(job["X"], job["y"], **job["fit_params"])
        trees = vars(forest.set_params(**own)).pop("estimators_")
        said = relayed_warnings.pop_warnings(heard)
    return trees, record.changes() if record is not None else None, said
