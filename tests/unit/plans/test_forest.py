"""Trees that are taken apart on a worker and put together again by the driver; forests are in the integration tests."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
from sklearn.datasets import load_iris
from sklearn.ensemble import ExtraTreesRegressor, RandomForestClassifier

from raysk.plans import forest as plan
from raysk.pool.reply import Packed

X, Y = load_iris(return_X_y=True)
BOTH = np.c_[Y, Y % 2]

FITTED = {
    "classes": RandomForestClassifier(5, random_state=0).fit(X, Y),
    "two-outputs": RandomForestClassifier(5, random_state=0).fit(X, BOTH),
    "two-targets": ExtraTreesRegressor(5, random_state=0, max_depth=2).fit(X, BOTH),
    "single-nodes": RandomForestClassifier(5, random_state=0, max_leaf_nodes=2, min_samples_leaf=75).fit(X, Y),
}


def travelled(trees):
    """Return trees as they come out of a message."""
    return list(plan._trees(Packed(plan._packed(trees)).unpacked()))


def content(tree):
    """Return all that a tree holds, in comparable form; the bytes between the fields of a node are nobody's."""
    state = tree.tree_.__getstate__()
    nodes = [state["nodes"][name].tolist() for name in state["nodes"].dtype.names]
    attributes = {name: pickle.dumps(value) for name, value in vars(tree).items() if name != "tree_"}
    return type(tree), list(vars(tree)), attributes, str(nodes), state["values"].tolist(), state["max_depth"]


@pytest.mark.parametrize("name", FITTED)
def test_trees_come_out_as_they_went_in(name):
    """Whatever the number of outputs, nodes and attributes, all that a tree holds is the same."""
    trees = FITTED[name].estimators_
    again = travelled(trees)
    assert [content(tree) for tree in again] == [content(tree) for tree in trees]
    assert len(pickle.dumps(again)) == pytest.approx(len(pickle.dumps(trees)), rel=0.01)


def test_trees_share_nothing():
    """What a person writes into one tree, or into an array that it holds, does not appear in another."""
    one, other = travelled(FITTED["two-outputs"].estimators_[:2])
    one.classes_[0][0] = 7.0
    one.tree_.value[:] = -1.0
    assert other.classes_[0][0] == 0.0
    assert other.tree_.value.min() >= 0.0
