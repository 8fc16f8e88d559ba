"""Choose the search, the estimator and the parameter space among the objects of a source.

What the person named after the colon comes first, then the conventional names, then the only object of its kind.
A part of another object - a pipeline's step, a search's estimator - is no candidate.
"""

from __future__ import annotations

import inspect
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from types import ModuleType
from typing import TYPE_CHECKING, Any

from raysk.errors import InputError
from raysk.source.reference import PYTHON
from raysk.util.words import printable, type_name, with_types

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

SEARCH_NAMES = ("search",)
ESTIMATOR_NAMES = ("estimator", "model", "pipeline", "clf", "reg")
SPACE_NAMES = ("param_distributions", "param_grid")
DATA_NAMES = ("X_train", "y_train", "X_test", "y_test", "X", "y", "data", "load_data")
OPTION_NAMES = ("cv", "scoring", "groups", "sample_weight", "fit_params")
CONVENTIONAL = frozenset(SEARCH_NAMES + ESTIMATOR_NAMES + SPACE_NAMES + DATA_NAMES + OPTION_NAMES)
_DEEPEST = 4  # levels of lists and dicts looked into for an estimator's parts; a list of dicts of lists is 3


@dataclass(frozen=True, kw_only=True)
class SourceObjects:
    """The objects that one source holds.

    Parameters
    ----------
    source : str
        As the person wrote it.
    path : Path or None
        The person's file; None for a module of an installed library.
    names : dict of str to object
        The module's public objects or the pickle's dict; a bare pickled object stands under its type's name.
    chosen : object or None
        What the person named after the colon, or pickled by itself; None when nothing was named.
    modules : tuple of module
        The person's modules, registered to travel by value.
    source_hash : str or None
        sha256 of the file's bytes, as hexadecimal text.
    remark : str or None
        Tells the person which lines of the file were passed over.
    """

    source: str
    path: Path | None
    names: dict[str, Any]
    chosen: Any | None = None
    modules: tuple[ModuleType, ...] = ()
    source_hash: str | None = None
    remark: str | None = None

    @property
    def where(self) -> str:
        """The file's name, or the source where there is no file, for messages."""
        return printable(self.path.name if self.path is not None else self.source)


def is_search(value: Any) -> bool:
    """Return whether an object is one of scikit-learn's searches, or derives from them."""
    from sklearn.model_selection import GridSearchCV

    return isinstance(value, GridSearchCV.__bases__[0])  # BaseSearchCV, which has no public name


def is_estimator(value: Any) -> bool:
    """Return whether an object (not a class) has ``fit`` and ``get_params``; a search has both."""
    if inspect.isclass(value) or isinstance(value, ModuleType):
        return False
    # the type is asked, not the object: a lazy proxy answers to every name
    kind = type(value)
    return callable(getattr(kind, "fit", None)) and callable(getattr(kind, "get_params", None))


def params_of(estimator: Any) -> dict[str, Any]:
    """Return all parameters of an estimator; none where it does not tell."""
    try:
        return dict(estimator.get_params(deep=True))
    except Exception:  # noqa: BLE001 - a person's class may do anything here; then it has no known parts
        return {}


def grids_of(search: Any) -> list[Mapping[str, Any]]:
    """Return a search's parameter space as a list of dicts; empty if it is of another form."""
    return as_grids(getattr(search, "param_grid", None) or getattr(search, "param_distributions", None))


def as_grids(space: Any) -> list[Mapping[str, Any]]:
    """Return a parameter space as a list of dicts; empty if it is of another form."""
    grids = [space] if isinstance(space, Mapping) else space if isinstance(space, list | tuple) else []
    return [grid for grid in grids if isinstance(grid, Mapping)]


def find_search(found: SourceObjects) -> Any | None:
    """Return the person's ``*SearchCV`` object; None if there is none, or another object was named.

    Raises
    ------
    InputError
        If several searches could be meant.
    """
    if found.chosen is not None:
        return found.chosen if is_search(found.chosen) else None
    return _pick(found, SEARCH_NAMES, is_search, "searches")


def find_estimator(found: SourceObjects) -> Any:
    """Return the person's estimator; a search when there is nothing else.

    Raises
    ------
    InputError
        If there is none, several could be meant, or what the person named is none.
    """
    if found.chosen is not None:
        if is_estimator(found.chosen):
            return found.chosen
        raise InputError(
            f"{printable(found.source)} is of type {type_name(found.chosen)}, "
            "which is not a scikit-learn object.\n"
            "Name an object that has fit and get_params: an estimator, a pipeline or a search."
        )
    estimator = _pick(found, ESTIMATOR_NAMES + SEARCH_NAMES, is_estimator, "estimators")
    if estimator is None:
        raise InputError(_explain_no_estimator(found))
    return estimator


def fitted_on_import(found: SourceObjects) -> str | None:
    """Return a remark if the file itself fits its search or estimator, which costs time for nothing; else None.

    A pickle may hold what is fitted, and a Python program hands its own object over: then it is None, too.
    """
    if not (found.modules and found.names) or (found.path is not None and found.path.suffix.lower() not in PYTHON):
        return None
    search = find_search(found)
    meant = find_estimator(found) if search is None else search
    if not _is_fitted(meant):
        return None
    name = next((name for name, value in found.names.items() if value is meant), type_name(meant))
    return (
        f"{printable(name)} was already fitted when {found.where} was run; "
        "raysk needs it unfitted, and fits it again.\n"
        f"To pay once, leave {printable(name)}.fit(...) out of the file, or put it under: if __name__ == '__main__':"
    )


def _is_fitted(estimator: Any) -> bool:
    from sklearn.exceptions import NotFittedError
    from sklearn.utils import get_tags
    from sklearn.utils.validation import check_is_fitted

    try:
        check_is_fitted(estimator)
        return bool(get_tags(estimator).requires_fit)
    except NotFittedError:
        return False
    except Exception:  # noqa: BLE001 - a person's class may do anything here
        return False


def find_space(found: SourceObjects) -> tuple[str, Any] | None:
    """Return the parameter space and its name, ``param_distributions`` or ``param_grid``; None if there is none.

    Raises
    ------
    InputError
        If what has that name is no dict and no list.
    """
    for name in SPACE_NAMES:
        space = found.names.get(name)
        if isinstance(space, Mapping | list | tuple):
            return name, space
        if space is not None:
            raise InputError(
                f"{name} in {found.where} is of type {type_name(space)}, which is not a parameter space.\n"
                f"Write a dict of lists or distributions: {name} = {{'C': [1, 10, 100]}}"
            )
    return None


def find_option(found: SourceObjects, name: str) -> Any | None:
    """Return ``cv`` or ``scoring`` as the file has it, or None."""
    value = found.names.get(name)
    if name == "cv" and value is not None and not _is_cv(value):
        raise InputError(
            f"cv in {found.where} is of type {type_name(value)}, which cannot split data.\n"
            "Write a number of folds, a splitter such as KFold(5), or a list of (train, test) indices."
        )
    return value


def _is_cv(value: Any) -> bool:
    if inspect.isclass(value) or inspect.isroutine(value) or isinstance(value, str):
        return False
    return isinstance(value, int) or hasattr(value, "split") or hasattr(value, "__iter__")


def _pick(found: SourceObjects, names: tuple[str, ...], kind: Callable[[Any], bool], noun: str) -> Any | None:
    objects = {name: value for name, value in found.names.items() if kind(value)}
    conventional = {name: objects[name] for name in names if name in objects}
    if conventional:
        # model = SVC(); pipeline = make_pipeline(scaler, model): the pipeline is meant
        wholes = [value for value in conventional.values() if not is_search(value)]
        parts = _find_parts(wholes)
        return next(value for value in conventional.values() if id(value) not in parts)
    candidates = _drop_parts(found, objects)
    if len(candidates) > 1:
        example = shlex.quote(f"{found.source}:{next(iter(candidates))}")
        raise InputError(
            f"{found.where} holds {len(candidates)} {noun}: {with_types(candidates)}.\n"
            f"Say which one is meant, for example {printable(example)}"
        )
    return next(iter(candidates.values()), None)


def _drop_parts(found: SourceObjects, objects: dict[str, Any]) -> dict[str, Any]:
    """Return the objects that are no part of another, each once."""
    spaces = [found.names.get(name) for name in SPACE_NAMES]
    estimators = [value for value in found.names.values() if is_estimator(value)]
    parts = _find_parts(estimators) | {id(inner) for inner in _walk_estimators(spaces)}
    once: dict[int, tuple[str, Any]] = {}
    for name, value in objects.items():
        if id(value) not in parts:
            once.setdefault(id(value), (name, value))
    return dict(once.values())


def _find_parts(estimators: list[Any]) -> set[int]:
    return {id(inner) for estimator in estimators for inner in _walk_estimators(params_of(estimator))}


def _walk_estimators(value: Any, depth: int = 0) -> Iterator[Any]:
    """Yield the estimators within lists, tuples and dicts."""
    if isinstance(value, Mapping):
        value = list(value.values())
    if isinstance(value, list | tuple) and depth < _DEEPEST:
        for inner in value:
            yield from _walk_estimators(inner, depth + 1)
    elif is_estimator(value):
        yield value


def _explain_no_estimator(found: SourceObjects) -> str:
    lines = [f"{found.where} holds no estimator: nothing in it has fit and get_params."]
    named = {name: found.names[name] for name in ESTIMATOR_NAMES if found.names.get(name) is not None}
    classes = [name for name, value in found.names.items() if inspect.isclass(value) and hasattr(value, "fit")]
    if named:
        lines.append(f"It has {with_types(named)}, which is not a scikit-learn object.")
    elif classes:
        lines.append(f"{classes[0]} is a class: say {shlex.quote(f'{found.source}:{classes[0]}')} to make one.")
    lines.append("Write for example model = SVC() in it, or name a function that returns one: FILE.py:make_model")
    return "\n".join(lines)
