"""Apply options to copies of the person's objects: ``--n-iter --cv --scoring --seed --params --set --no-refit``."""

from __future__ import annotations

import copy
import sys
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from raysk.errors import InputError, UsageError
from raysk.request.method import Method
from raysk.results.selection import OneStandardError
from raysk.source.user_code import is_own_file
from raysk.util.values import parse_setting, split_setting
from raysk.util.words import join_names, shorten, suggestion, type_name

if TYPE_CHECKING:
    from collections.abc import Mapping

_SEEDS = 2**32  # numpy's RandomState takes 32 bits
_FEWEST_FOLDS = 2
BEST, ONE_STANDARD_ERROR = "best", "1se"
RULES = (BEST, ONE_STANDARD_ERROR)
"""The candidate with the best mean score, and the simplest one within one standard error of it."""


@dataclass(frozen=True, kw_only=True)
class Overrides:
    """Options that override what the file says; None leaves the file's own value.

    Parameters
    ----------
    n_iter : int or None
        Number of candidates that a randomized search draws.
    cv : int or None
        Number of folds.
    scoring : str or None
        A scorer's name, or several with commas; the first one decides which candidate is best.
    params : mapping of str to object
        Of a candidate of an earlier run, for the estimator; ``--set`` wins over them.
    seed : int or None
        For the search and for every ``random_state`` within the estimator.
    set : tuple of str
        ``name=value`` for the estimator's parameters.
    set_str : tuple of str
        ``name=text`` for the same; the text is not parsed.
    space : tuple of str
        ``name=values`` for the parameter space; see `raysk.request.distributions`.
    refit : bool
        Whether to fit the best candidate to all data.
    method : Method
        How candidates are chosen.
    select : str or None
        Which candidate is chosen, one of `RULES`; see `raysk.request.selection`.
    select_by : tuple of str
        What makes a candidate simple; see `raysk.results.selection.OneStandardError`.

    Raises
    ------
    UsageError
        If a number is out of range, or a setting has no ``=``.
    """

    n_iter: int | None = None
    cv: int | None = None
    scoring: str | None = None
    params: Mapping[str, Any] = field(default_factory=dict)
    seed: int | None = None
    set: tuple[str, ...] = ()
    set_str: tuple[str, ...] = ()
    space: tuple[str, ...] = ()
    refit: bool = True
    method: Method = field(default_factory=Method)
    select: str | None = None
    select_by: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.n_iter is not None and self.n_iter < 1:
            raise UsageError(f"--n-iter {self.n_iter}: at least 1 candidate is needed.")
        if self.cv is not None and self.cv < _FEWEST_FOLDS:
            raise UsageError(f"--cv {self.cv}: at least 2 folds are needed.")
        if self.select not in {None, *RULES}:
            raise UsageError(f"--select {self.select}: there is no such rule.\nThere are {' and '.join(RULES)}.")
        if self.select is not None and not self.refit:
            raise UsageError("--select chooses the candidate to refit, and --no-refit fits none. Leave one out.")
        if self.select_by and self.select != ONE_STANDARD_ERROR:
            raise UsageError("--select-by says what is simpler, which only --select 1se asks for. Add that.")
        if self.seed is not None and not 0 <= self.seed < _SEEDS:
            raise UsageError(f"--seed {self.seed}: a seed lies between 0 and {_SEEDS - 1}.")
        for setting in (*self.set, *self.set_str, *self.space):
            split_setting(setting)


def copy_estimator(value: Any) -> Any:
    """Copy an estimator, so that options and fits never change the person's; unfitted if scikit-learn can clone it.

    Raises
    ------
    InputError
        If it cannot be copied, or is damaged.
    """
    from sklearn.base import clone

    _check_whole(value)
    # A random generator that search, cv and estimator share must stay shared, or the draws differ from scikit-learn's;
    # clone copies it for each of them.
    ways = (copy.deepcopy, clone) if _holds_generator(value) else (clone, copy.deepcopy)
    for way in (*ways, copy.copy):  # cv may be a generator, which only a shallow copy keeps
        try:
            return way(value)
        except Exception:  # noqa: BLE001, S112, PERF203 - a person's class may refuse in any way
            continue
    raise InputError(
        f"{type_name(value)} cannot be copied, so raysk cannot fit it.\n"
        "Let its __init__ only store its arguments, as scikit-learn asks of an estimator."
    )


def _check_whole(estimator: Any) -> None:
    """Raise if an object lacks attributes that its class, a library's, needs: it may be pickled by another version."""
    try:
        estimator.get_params(deep=True)
    except AttributeError as error:
        file = getattr(sys.modules.get(type(error.obj).__module__), "__file__", None)
        if file is None or is_own_file(file):
            return
        raise InputError(
            f"The {type_name(estimator)} is damaged, or was made by another version of its library:\n"
            f"{shorten(f'{type(error).__name__}: {error}')}\n"
            "Make it again, with what is installed here."
        ) from error
    except Exception:  # noqa: BLE001 - a person's class may do anything here; it will say so where it matters
        return


def _holds_generator(value: Any) -> bool:
    import numpy as np

    try:
        values = list(value.get_params(deep=True).values())
        values += [getattr(inner, "random_state", None) for inner in values]  # a splitter's is no parameter
    except Exception:  # noqa: BLE001 - a person's class may do anything here
        return False
    return any(isinstance(inner, np.random.RandomState | np.random.Generator) for inner in values)


def override_estimator(estimator: Any, overrides: Overrides) -> None:
    """Set seed and settings on a copy of the person's estimator, in place.

    Raises
    ------
    UsageError
        If a setting names no parameter.
    """
    from sklearn.base import clone

    if overrides.seed is not None:
        seeds = {
            name: overrides.seed for name in read_parameters(estimator) if name.rpartition("__")[2] == "random_state"
        }
        estimator.set_params(**seeds)
    if overrides.params:  # at once, as some may be of a step that others put in; copies, as a search sets them
        estimator.set_params(**clone(dict(overrides.params), safe=False))
    for setting in overrides.set:  # after the seed, so that --set random_state=1 has the last word
        _set(estimator, *parse_setting(setting))
    for setting in overrides.set_str:
        _set(estimator, *split_setting(setting))


def read_parameters(estimator: Any) -> dict[str, Any]:
    """Return ``get_params(deep=True)``; raise `InputError` if that raises."""
    try:
        return dict(estimator.get_params(deep=True))
    except Exception as err:
        raise InputError(
            f"{type_name(estimator)}.get_params() raised {type(err).__name__}: {shorten(str(err))}\n"
            "Let its __init__ only store its arguments, as scikit-learn asks of an estimator."
        ) from err


def _set(estimator: Any, name: str, value: Any) -> None:
    try:
        estimator.set_params(**{name: value})
    except Exception as err:
        known = read_parameters(estimator)
        why = f" ({shorten(str(err))})" if name in known else ""
        raise UsageError(
            f"--set {name}={value!r}: {type_name(estimator)} has no such parameter{why}.\n"
            f"{suggestion(name, known, 'parameters')}"
        ) from err


def override_search(search: Any, overrides: Overrides) -> None:
    """Apply all options to a copy of the person's search, in place.

    Attributes are set instead of parameters, as a person's own search class may not support ``set_params``.

    Raises
    ------
    UsageError
        If an option does not fit the search.
    """
    if overrides.n_iter is not None:
        _set_n_iter(search, overrides.n_iter)
    if overrides.cv is not None:
        search.cv = overrides.cv
    if overrides.scoring is not None:
        _set_scoring(search, overrides.scoring)
    if overrides.seed is not None and hasattr(search, "random_state"):
        search.random_state = overrides.seed
    if not overrides.refit:
        search.refit = False
    override_estimator(search.estimator, overrides)


def _set_n_iter(search: Any, n_iter: int) -> None:
    name = next((name for name in ("n_iter", "n_candidates") if hasattr(search, name)), None)
    if name is None:
        raise UsageError(
            f"--n-iter {n_iter}: a {type_name(search)} decides by itself how many candidates to try.\n"
            "Leave --n-iter out, or use a RandomizedSearchCV, or name the space param_distributions."
        )
    setattr(search, name, n_iter)


def _set_scoring(search: Any, text: str) -> None:
    names = metric_names(text)
    if len(names) == 1:
        search.scoring = names[0]
        search.refit = _by_metric(search.refit, None)
        return
    if hasattr(search, "factor") and hasattr(search, "resource"):
        raise UsageError(f"--scoring {text}: {type_name(search)} takes one metric. Name the one to choose by.")
    search.scoring, search.refit = names, _by_metric(search.refit, names[0])


def _by_metric(refit: Any, metric: str | None) -> Any:
    """Return a search's ``refit`` for one of several metrics, or for its only one."""
    if isinstance(refit, OneStandardError):
        return replace(refit, metric=metric)
    if metric is None:
        return True if isinstance(refit, str) else refit  # it named one metric of several
    return metric


def metric_names(text: str) -> list[str]:
    """Parse names of metrics with commas between them.

    Raises
    ------
    UsageError
        If there is none, or scikit-learn does not know one.
    """
    names = [name.strip() for name in text.split(",") if name.strip()]
    wrong = unknown_scorer(names)
    if not names or wrong is not None:
        raise UsageError(f"--scoring {text}: {scorer_hint(wrong or '')}")
    return names


def unknown_scorer(names: list[str]) -> str | None:
    """Return the first name that scikit-learn has no scorer for, or None."""
    from sklearn.metrics import get_scorer_names

    known = set(get_scorer_names())
    return next((name for name in names if name not in known), None)


def scorer_hint(name: str) -> str:
    """Return a message about an unknown scorer, with the nearest names."""
    from sklearn.metrics import get_scorer_names

    return f"scikit-learn has no scorer {name!r}.\n{suggestion(name, get_scorer_names(), 'scorers')}"


def refuse_search_options(estimator: Any, overrides: Overrides) -> None:
    """Raise if an option needs a search, and the estimator is none.

    Raises
    ------
    UsageError
        If such an option was given.
    """
    given = [f"--{name.replace('_', '-')}" for name in ("n_iter", "cv", "scoring") if getattr(overrides, name)]
    given += [] if overrides.refit else ["--no-refit"]
    if given:
        raise UsageError(
            f"{join_names(given)}: only a search takes this, and {type_name(estimator)} is none.\n"
            f"Leave {'it' if len(given) == 1 else 'them'} out, or use 'raysk search'."
        )
