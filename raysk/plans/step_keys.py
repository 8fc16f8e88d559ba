"""What tells apart steps that fit differently: their class and all that they are told, by value.

A class is told apart by itself. It is scikit-learn's own, and the keys of one round are never compared with those of
another: no source needs to be read.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.compose import make_column_selector

from raysk._compat.sklearn_steps import told
from raysk.plans.candidates import SCALARS
from raysk.plans.certainty import is_certain_once_seeded, is_certain_score_function

if TYPE_CHECKING:
    from collections.abc import Hashable

LARGEST = 2**20
"""An array with more bytes is not looked at whenever a step is fitted."""


class Uncertain(Exception):  # noqa: N818 - an answer, caught where it is asked for
    """What has no key: equal ones may do different things."""


def key_of_step(transformer: Any) -> Hashable:
    """Return what all transformers have in common that fit as this one, which is not fitted yet.

    Also those whose seed is None have a key: whether they draw is seen when they are fitted.

    Raises
    ------
    Uncertain
        If it, or a part of it, is not scikit-learn's own, or may write into its input.
    """
    if not is_certain_once_seeded(transformer):
        raise Uncertain
    return freeze(transformer)


def freeze(value: Any) -> Hashable:  # noqa: C901, PLR0911 - a kind of value a line
    """Return what all values have in common that are as good as this one.

    Raises
    ------
    Uncertain
        If that cannot be told.
    """
    kind: Any = type(value)
    if isinstance(value, float | np.generic):  # by their digits: -0.0 is not 0.0, and NaN is not even itself
        return kind, repr(value)
    if kind in SCALARS or isinstance(value, type):
        return kind, value
    if kind in {list, tuple}:
        return kind, tuple(map(freeze, value))
    if kind is dict:
        return kind, tuple((freeze(key), freeze(each)) for key, each in value.items())
    if kind in {set, frozenset}:
        return kind, frozenset(map(freeze, value))
    if kind in {slice, range}:
        return kind, freeze((value.start, value.stop, value.step))
    if kind is np.ndarray and not value.dtype.hasobject and value.nbytes <= LARGEST:
        return kind, value.dtype.str, value.shape, value.strides, value.tobytes()
    if isinstance(value, BaseEstimator) or kind is make_column_selector:
        return kind, freeze(told(value))  # more than parameters: what `set_output` was told, too
    if kind is partial:
        return kind, value.func, freeze(value.keywords)
    if isinstance(value, np.ufunc | np.dtype) or (callable(value) and is_certain_score_function(value)):
        return kind, value
    raise Uncertain
